/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface's life. Up: PreUp, packet memory, ports, data path, peers, addresses and routes, PostUp; down: the same
 * backwards. Between the two: run.c. Control thread.
 */
#include "iface.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "batch.h"
#include "change.h"
#include "cores.h"
#include "ethdev_fragments.h"
#include "handshake.h"
#include "handshake_job.h"
#include "iface_hooks.h"
#include "keypairs.h"
#include "lan.h"
#include "listing.h"
#include "protocol.h"

enum {
	/* Packet buffers that a receiving core may have under way: its FIFO, its ports' queues, its cache, a burst. */
	MBUFS_PER_RX_CORE = BATCH_FIFO_PACKETS + 1024,
	/* What a device that DPDK owns keeps of them: a receiving core's queues, each way, and incomplete datagrams; and its mirror's. */
	MBUFS_PER_NIC_QUEUE = 2 * 1024 + FRAGMENTS_MBUFS,
	MBUFS_PER_MIRROR = 2 * 1024,
	/* And those of no core: staged packets, and messages of the control thread. */
	MBUFS_SHARED = STAGE_RING + STAGED_ALL_MAX + 1024,
	RINGS_MEMORY = 24 << 20,	/* the data path's rings, the rate limiter, and to spare */
	MTU_BEFORE_NETIF = 1420,
};

static unsigned int mbufs(const struct cores_plan *plan, const struct conf *conf)
{
	const unsigned int nics = (*conf->outer_mirror ? 1 : 0) + (conf->lan ? 1 : 0);

	return plan->n_rx * (MBUFS_PER_RX_CORE + nics * MBUFS_PER_NIC_QUEUE) + nics * MBUFS_PER_MIRROR + MBUFS_SHARED;
}

size_t iface_memory(const struct conf *conf)
{
	struct cores_plan plan;
	char err[PORT_ERRLEN];

	if (cores_plan(&plan, conf, err))
		return 0;
	return pkt_pool_memory(mbufs(&plan, conf), 0) + (outer_is_kernel(conf->outer) ? port_kernel_memory(plan.n_rx) : 0) +
	       (*conf->outer_mirror ? plan.n_rx * fragments_memory() : 0) + RINGS_MEMORY;
}

void iface_ignore_self(const struct iface *i, struct conf *conf)
{
	struct noise_identity self;
	bool ok = noise_identity_set(&self, conf->private_key);

	OPENSSL_cleanse(self.private_key, sizeof(self.private_key));
	for (size_t k = 0; ok && k < conf->n_peers; k++) {
		struct conf_peer *p = &conf->peers[k];

		if (memcmp(p->public_key, self.public_key, WG_KEY_LEN))
			continue;
		log_line(LOG_WARN, i->name, "%s:%u: [Peer] has our own public key and is ignored", conf->path, p->line);
		p->n_allowed_ips = 0;
	}
}

static bool make_pool(struct iface *i, const struct cores_plan *plan)
{
	const unsigned int n = mbufs(plan, i->conf);
	char name[32];

	snprintf(name, sizeof(name), "wgdp.%s", i->name);
	i->pool = pkt_pool_create(name, n, 0);
	if (!i->pool)
		log_line(LOG_ERR, i->name, "no memory for %u packet buffers", n);
	return i->pool;
}

/* No more cores receive than the devices that DPDK owns have queues for. */
static bool limit_queues(struct iface *i, struct cores_plan *plan)
{
	const char *devices[] = { *i->conf->outer_mirror ? i->conf->outer : NULL, i->conf->lan };
	const unsigned int wanted = plan->n_rx;
	char err[PORT_ERRLEN];

	for (size_t k = 0; k < RTE_DIM(devices); k++) {
		uint16_t queues = devices[k] ? port_ethdev_queues(devices[k], i->conf->rx_cores.n > 0, err) : UINT16_MAX;

		if (!queues) {
			log_line(LOG_ERR, i->name, "%s", err);
			return false;
		}
		if (queues < plan->n_rx)
			cores_limit(plan, queues);
		if (queues < wanted && i->conf->rx_cores.n)
			log_line(LOG_WARN, i->name, "%s has %u queues: %u of the %u RxCores receive", devices[k], queues, plan->n_rx, wanted);
	}
	return true;
}

static bool make_outer(struct iface *i, const struct cores_plan *plan)
{
	char err[PORT_ERRLEN];
	struct outer_conf outer = {
		.device = i->conf->outer,
		.mirror = *i->conf->outer_mirror ? i->conf->outer_mirror : NULL,
		.n_queues = plan->n_rx,
		.listen_port = i->conf->listen_port,
		.pool = i->pool,
		.name = i->name,
		.loop = i->loop,
	};

	if (netif_fwmark(i->conf, &outer.fwmark, err) == 0) {
		i->fwmark = outer.fwmark;
		i->outer = outer_create(&outer, err);
	}
	if (!i->outer)
		log_line(LOG_ERR, i->name, "%s", err);
	return i->outer;
}

static bool make_lan(struct iface *i, const struct cores_plan *plan)
{
	char err[PORT_ERRLEN];
	struct lan_conf lan = {
		.device = i->conf->lan,
		.mirror = i->conf->lan_mirror,
		.n_queues = plan->n_rx,
		.pool = i->pool,
		.name = i->name,
		.loop = i->loop,
	};

	if (!i->conf->lan)
		return true;
	i->lan = lan_create(&lan, err);
	if (!i->lan)
		log_line(LOG_ERR, i->name, "%s", err);
	return i->lan;
}

static bool make_ports(struct iface *i, struct cores_plan *plan)
{
	char err[PORT_ERRLEN];
	struct port_tun_conf tun = { .ifname = i->name };

	if (!limit_queues(i, plan) || !make_pool(i, plan) || !make_outer(i, plan) || !make_lan(i, plan))
		return false;
	tun.n_queues = (uint16_t)plan->n_rx;
	tun.pool = i->pool;
	i->inner = port_tun_create(&tun, err);
	if (!i->inner)
		log_line(LOG_ERR, i->name, "%s", err);
	return i->inner;
}

static bool make_dataplane(struct iface *i, const struct cores_plan *plan)
{
	char err[PORT_ERRLEN];
	struct dataplane_conf conf = {
		.name = i->name,
		.inner = i->inner,
		.outer = outer_port(i->outer),
		.lan = lan_port(i->lan),
		.pool = i->pool,
		.aead = aead_find(i->conf->aead),
		.cores = plan->core,
		.n_cores = plan->n,
		.mtu = MTU_BEFORE_NETIF,
		.poll_always = i->conf->poll_always,
	};

	if (!conf.aead) {
		log_line(LOG_ERR, i->name, "Aead = %s: not in this build, or not for this processor; use auto", i->conf->aead);
		return false;
	}
	i->dp = dataplane_create(&conf, err);
	if (i->dp && (!i->lan || lan_follow(i->lan, i->dp, port_tun_ifindex(i->inner), err) == 0))
		return true;
	log_line(LOG_ERR, i->name, "%s", err);
	return false;
}

/* The key and the peers of the file, which is a change like any other. */
static bool load_conf(struct iface *i)
{
	struct change c;
	bool ok;

	if (i->bare)
		return true;
	change_init(&c);
	ok = listing_change(&c, i, i->conf, i->fwmark);
	if (!ok)
		log_line(LOG_ERR, i->name, "no memory for %zu peers", i->conf->n_peers);
	ok = ok && change_apply(i, &c) == 0;
	change_fini(&c);
	if (ok)
		listing_adopt(i, i->conf);
	i->counted[CONTROL_CHANGES] = 0;	/* this was the start */
	return ok;
}

/* Peers with persistent keepalive are called at once, as Linux does when an interface comes up; a few a round. */
static void greet_peers(struct iface *i)
{
	i->now = dataplane_now();
	for (struct peer *p = NULL; (p = peers_next(&i->peers, p));) {
		p->timers.persistent_now = 1;
		iface_look_at(p);
	}
}

/* As Linux has it: a link that is down has no sessions; when it comes up, peers with persistent keepalive are called. */
static void set_up(struct iface *i, bool up)
{
	if (i->up == up)
		return;
	i->up = up;
	i->now = dataplane_now();
	for (struct peer *p = NULL; !up && (p = peers_next(&i->peers, p));) {
		keypairs_clear(p);
		handshake_abandon(p);
		staged_purge(p);
		p->initiation_ns = 0;
		iface_look_at(p);
	}
	if (up)
		greet_peers(i);
}

static void netif_ready(void *arg)
{
	struct iface *i = arg;
	enum netif_event e;

	while ((e = netif_event(i->netif)) != NETIF_NONE) {
		if (netif_was_down(i->netif))
			set_up(i, false);
		if (e == NETIF_CHANGED) {
			__atomic_store_n(&i->dp->mtu, netif_mtu(i->netif), __ATOMIC_RELAXED);
			set_up(i, netif_is_up(i->netif));
		} else if (e == NETIF_MOVED) {
			set_up(i, true);	/* whether it is, cannot be seen from here */
		} else if (e == NETIF_DELETED && i->state != IFACE_ENDING) {
			log_line(LOG_NOTICE, i->name, "the interface was deleted");
			i->state = IFACE_GONE;
		}
	}
}

struct netif_conf iface_netif_conf(const struct iface *i, const struct conf *conf, uint32_t fwmark, struct sockaddr_storage *endpoints)
{
	struct netif_conf nc = {
		.conf = conf,
		.bare = i->bare,
		.ifindex = port_tun_ifindex(i->inner),
		.fwmark = fwmark,
		.endpoints = endpoints,
		.max_mtu = PKT_MAX_INNER,
	};

	for (struct peer *p = NULL; endpoints && (p = peers_next(&i->peers, p));)
		memcpy(&endpoints[nc.n_endpoints++], &p->endpoint.remote, sizeof(p->endpoint.remote));
	return nc;
}

static bool make_netif(struct iface *i)
{
	struct sockaddr_storage *endpoints = calloc(i->peers.n + 1, sizeof(*endpoints));
	struct netif_conf conf = iface_netif_conf(i, i->conf, i->fwmark, endpoints);
	char err[NETIF_ERRLEN];

	if (!endpoints) {
		log_line(LOG_ERR, i->name, "no memory for %u endpoints", i->peers.n);
		return false;
	}
	i->netif = netif_up(&conf, err);
	free(endpoints);
	if (!i->netif) {
		log_line(LOG_ERR, i->name, "%s", err);
		return false;
	}
	__atomic_store_n(&i->dp->mtu, netif_mtu(i->netif), __ATOMIC_RELAXED);
	i->up = netif_is_up(i->netif);
	return loop_add(i->loop, netif_fd(i->netif), netif_ready, i) == 0;
}

static void doorbell_rung(void *arg)
{
	(void)arg;	/* iface_disarm empties it, and iface_run looks at the rings */
}

static void log_start(const struct iface *i)
{
	char key[CONF_KEY_B64_LEN + 1] = "(none)";

	if (i->identity.valid)
		conf_key_encode(key, i->identity.public_key);
	log_line(LOG_NOTICE, i->name, "listening on port %u, public key %s, mtu %u, %u data cores, aead %s",
		 outer_listen_port(i->outer), key, netif_mtu(i->netif), i->dp->n_cores, i->dp->aead->name);
}

static bool bring_up(struct iface *i)
{
	struct cores_plan plan;
	char err[PORT_ERRLEN];
	int rc;

	if (cores_plan(&plan, i->conf, err)) {
		log_line(LOG_ERR, i->name, "%s", err);
		return false;
	}
	if (!i->bare)
		iface_ignore_self(i, i->conf);
	i->ratelimiter = ratelimiter_create(i->name);
	i->jobs = handshake_jobs_create();
	if (!i->ratelimiter || !i->jobs || peers_init(&i->peers)) {
		log_line(LOG_ERR, i->name, "no memory");
		return false;
	}
	if (!iface_run_hooks(i, &i->conf->pre_up, "PreUp", false) || !make_ports(i, &plan) || !make_dataplane(i, &plan))
		return false;
	if (loop_add(i->loop, i->dp->control.fd, doorbell_rung, NULL)) {
		log_line(LOG_ERR, i->name, "too many interfaces");
		return false;
	}
	i->now = dataplane_now();
	if (!load_conf(i) || !make_netif(i) || (i->manager && !i->manager->starts(i)))
		return false;
	rc = dataplane_start(i->dp);
	if (rc) {
		log_line(LOG_ERR, i->name, "cannot start the data cores: %s", strerror(-rc));
		return false;
	}
	log_start(i);
	if (i->up)
		greet_peers(i);
	return iface_post_up(i);
}

struct iface *iface_up(const struct iface_conf *ic)
{
	struct iface *i = calloc(1, sizeof(*i));

	if (!i) {
		log_line(LOG_ERR, ic->conf->ifname, "no memory");
		conf_free(ic->conf);
		return NULL;
	}
	memcpy(i->ifname, ic->conf->ifname, sizeof(i->ifname));
	i->name = i->ifname;
	i->conf = ic->conf;
	i->bare = ic->bare;
	i->loop = ic->loop;
	i->manager = ic->manager;
	i->manager_arg = ic->manager_arg;
	i->now = i->started_ns = dataplane_now();
	i->resolve_at_ns = UINT64_MAX;
	CDS_INIT_LIST_HEAD(&i->staged_peers);
	wg_times_init(&i->times, ic->time_scale);
	if (bring_up(i))
		return i;
	iface_down(i);
	return NULL;
}

void iface_pre_down(struct iface *i)
{
	i->state = IFACE_ENDING;
	if (i->post_up)
		iface_post_up_end(i);
	if (i->netif)
		iface_run_hooks(i, &i->conf->pre_down, "PreDown", true);
}

static void take_down_host(struct iface *i)
{
	char err[NETIF_ERRLEN];

	/* One that has not come up is in no round: whoever shows it goes first, or a command could wait for an answer for ever. */
	if (i->manager)
		i->manager->ends(i);
	if (i->state != IFACE_ENDING)
		iface_pre_down(i);
	if (!i->netif)
		return;
	loop_remove(i->loop, netif_fd(i->netif));
	if (netif_down(i->netif, err))
		log_line(LOG_WARN, i->name, "%s", err);
}

static void take_down_dataplane(struct iface *i)
{
	struct peer *p;

	if (!i->dp)
		return;
	dataplane_stop(i->dp);
	while ((p = peers_next(&i->peers, NULL)))
		peers_remove(&i->peers, p);
	loop_remove(i->loop, i->dp->control.fd);
}

void iface_down(struct iface *i)
{
	bool had_interface = i && i->inner;

	if (!i)
		return;
	take_down_host(i);
	take_down_dataplane(i);
	if (i->resolver) {
		loop_remove(i->loop, resolver_fd(i->resolver));
		resolver_destroy(i->resolver);
	}
	if (i->inner)
		i->inner->ops->destroy(i->inner);
	lan_take_out(i->lan);
	outer_destroy(i->outer);
	lan_destroy(i->lan);
	dataplane_destroy(i->dp);
	rte_mempool_free(i->pool);
	peers_fini(&i->peers);
	heap_fini(&i->deadlines);
	ratelimiter_destroy(i->ratelimiter);
	handshake_jobs_destroy(i->jobs);
	if (had_interface) {
		iface_run_hooks(i, &i->conf->post_down, "PostDown", true);
		log_line(LOG_NOTICE, i->name, "down");
	}
	conf_free(i->conf);
	OPENSSL_cleanse(i, sizeof(*i));
	free(i);
}
