/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints to ways. The kernel port needs nothing but the endpoint. For an ethdev port the host's routing table and neighbours say
 * which headers lead there (nexthop.c); until they do, the way back that a peer's last message came by serves.
 */
#include "outer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "claim.h"
#include "dataplane.h"
#include "handshake.h"
#include "log.h"
#include "nexthop.h"
#include "peer.h"

struct outer {
	struct port *port;
	bool kernel;			/* endpoints are all that it needs to know, */
	bool memory;			/* since it is one in memory */
	struct loop *loop;
	const char *name;
	struct nexthops *nexthops;	/* ethdev only */
	struct carrier carrier;		/* with a mirror only, */
	struct claim *claim;		/* as this */
};

/* What p->dp.rewrite points into. */
struct way {
	struct rewrite rw;
	struct rcu_head rcu;
};

bool outer_is_kernel(const char *device)
{
	return !strcmp(device, "kernel") || !strncmp(device, "kernel,", 7);
}

struct port *outer_port(const struct outer *o)
{
	return o->port;
}

uint16_t outer_listen_port(const struct outer *o)
{
	if (o->memory)
		return 0;
	return o->kernel ? port_kernel_listen_port(o->port) : port_ethdev_listen_port(o->port);
}

int outer_listen_prepare(struct outer *o, uint16_t port, char err[PORT_ERRLEN])
{
	if (!o->memory)
		return o->kernel ? port_kernel_listen_prepare(o->port, port, err) : port_ethdev_listen_prepare(o->port, port, err);
	if (port == outer_listen_port(o))
		return 0;
	snprintf(err, PORT_ERRLEN, "cannot listen on port %u: this interface has no UDP port", port);
	return -EOPNOTSUPP;
}

void outer_listen_commit(struct outer *o, struct dataplane *dp)
{
	if (o->memory)
		return;
	if (!o->kernel) {
		port_ethdev_listen_commit(o->port);
		return;
	}
	port_kernel_listen_commit(o->port);
	if (dp)
		dataplane_watch_again(dp);
}

void outer_listen_abort(struct outer *o)
{
	if (o->memory)
		return;
	if (o->kernel)
		port_kernel_listen_abort(o->port);
	else
		port_ethdev_listen_abort(o->port);
}

int outer_set_fwmark(struct outer *o, uint32_t fwmark)
{
	if (o->memory)
		return 0;
	if (o->kernel)
		return port_kernel_set_fwmark(o->port, fwmark);
	nexthops_set_fwmark(o->nexthops, fwmark);
	return 0;
}

static struct port *make_kernel(const struct outer_conf *c, char err[PORT_ERRLEN])
{
	const char *iface = strstr(c->device, ",iface=");
	struct port_kernel_conf conf = {
		.n_queues = c->n_queues,
		.listen_port = c->listen_port,
		.fwmark = c->fwmark,
		.bind_device = iface ? iface + strlen(",iface=") : NULL,
		.pool = c->pool,
	};

	return port_kernel_create(&conf, err);
}

static struct port *make_ethdev(const struct outer_conf *c, char err[PORT_ERRLEN])
{
	struct port_ethdev_conf conf = {
		.device = c->device,
		.mirror = c->mirror,
		.n_queues = c->n_queues,
		.listen_port = c->listen_port,
		.pool = c->pool,
	};

	return port_ethdev_create(&conf, err);
}

/*
 * Cores may be copying the old way: they found it as the peer's rewrite, which it is no more; what is queued holds a copy.
 */
static void way_free(struct rcu_head *head)
{
	rcu_callback();
	free(caa_container_of(head, struct way, rcu));
}

static void publish(struct peer *p, struct way *w)
{
	struct rewrite *old = p->dp.rewrite;

	rcu_publish(p->dp.rewrite, w ? &w->rw : NULL);
	if (old)
		call_rcu(&caa_container_of(old, struct way, rw)->rcu, way_free);
}

/* The headers to p->endpoint by the next hop, as far as that is known. */
static bool by_nexthop(struct outer *o, const struct peer *p, struct rewrite *rw)
{
	struct endpoint ep = p->endpoint;
	uint8_t mac[6];

	if (!p->nexthop || !nexthop_way(p->nexthop, mac, &ep))
		return false;
	port_ethdev_rewrite(o->port, rw, &ep, mac);
	return true;
}

static void make_way(struct outer *o, struct peer *p, const struct rewrite *back)
{
	struct way *w = calloc(1, sizeof(*w));

	if (!w)
		return;		/* the old way stays: as good as a lost update */
	w->rw.ep = p->endpoint;
	if (!o->kernel && !by_nexthop(o, p, &w->rw) && back) {
		w->rw = *back;
		w->rw.ep = p->endpoint;
	}
	publish(p, w);
}

static void leave_nexthop(struct outer *o, struct peer *p)
{
	if (!p->nexthop)
		return;
	cds_list_del(&p->of_nexthop);
	nexthop_put(o->nexthops, p->nexthop);
	p->nexthop = NULL;
}

static void join_nexthop(struct outer *o, struct peer *p)
{
	struct nexthop *nh = nexthop_get(o->nexthops, &p->endpoint);

	leave_nexthop(o, p);	/* after the get, so that one both share is not made anew */
	p->nexthop = nh;
	if (nh)
		cds_list_add_tail(&p->of_nexthop, nexthop_users(nh));
}

void outer_set_endpoint(struct outer *o, struct peer *p, const struct endpoint *ep, const struct rewrite *back)
{
	bool same = endpoint_equal(&p->endpoint, ep);

	if (same && p->dp.rewrite && (o->kernel || p->dp.rewrite->len))
		return;
	if (!back && p->dp.rewrite && endpoint_same_remote(ep, &p->endpoint))
		back = p->dp.rewrite;	/* only the source is chosen anew: until it is, the old way serves */
	p->endpoint = *ep;
	if (!o->kernel && (!same || !p->nexthop))
		join_nexthop(o, p);
	make_way(o, p, back);
}

bool outer_has_way(const struct outer *o, const struct peer *p)
{
	return p->dp.rewrite && (o->kernel || p->dp.rewrite->len);
}

void outer_forget(struct outer *o, struct peer *p)
{
	leave_nexthop(o, p);
	publish(p, NULL);
}

/* What the port knows of the host: its addresses, by which it tells what is ours, and its MAC address and MTU. */
static int follow_host(struct outer *o)
{
	const struct nexthops_host *host = nexthops_host(o->nexthops);
	int rc = port_ethdev_set_local(o->port, host->addrs, host->n_addrs);

	if (!rc && host->present)
		rc = carrier_links(&o->carrier, port_ethdev_set_links(o->port, host->links, host->n_links));
	if (rc)
		log_line(LOG_WARN, o->name, "cannot follow the host's addresses: %s", strerror(-rc));
	return rc;
}

/* The next hops are told of by themselves where our MAC address is another. */
static void host_changed(void *arg)
{
	struct outer *o = arg;

	follow_host(o);
	if (!nexthops_host(o->nexthops)->present)
		__atomic_store_n(&o->port->error, ENODEV, __ATOMIC_RELAXED);
}

/* A next hop became known, or another: its peers' ways follow. */
static void nexthop_changed(void *arg, struct nexthop *nh)
{
	struct outer *o = arg;
	struct cds_list_head *user;

	cds_list_for_each(user, nexthop_users(nh)) {
		struct peer *p = caa_container_of(user, struct peer, of_nexthop);

		make_way(o, p, NULL);
		if (outer_has_way(o, p))
			handshake_way_found(p);
	}
}

static void nexthops_ready(void *arg)
{
	struct outer *o = arg;

	nexthops_process(o->nexthops);
}

static bool follow_nexthops(struct outer *o, const struct outer_conf *conf, char err[PORT_ERRLEN])
{
	o->nexthops = nexthops_create(port_ethdev_ifindex(o->port), conf->fwmark, nexthop_changed, o, err);
	if (!o->nexthops)
		return false;
	nexthops_watch_host(o->nexthops, host_changed);
	snprintf(err, PORT_ERRLEN, "cannot follow the host's addresses");
	return follow_host(o) == 0 && loop_add(o->loop, nexthops_fd(o->nexthops), nexthops_ready, o) == 0;
}

/* An owned device's link is the mirror's carrier, and its netdev, if it has one, is not the host's any more. */
static bool own_device(struct outer *o, const struct outer_conf *conf, char err[PORT_ERRLEN])
{
	if (!conf->mirror)
		return true;
	if (carrier_init(&o->carrier, o->port, port_ethdev_ifindex(o->port), o->name, err) < 0)
		return false;
	o->claim = claim_create(conf->device, err, PORT_ERRLEN);
	if (*err)
		log_line(LOG_WARN, o->name, "%s", err);
	return true;
}

struct outer *outer_create(const struct outer_conf *conf, char err[PORT_ERRLEN])
{
	struct outer *o = calloc(1, sizeof(*o));

	if (!o) {
		strcpy(err, "no memory");
		return NULL;
	}
	o->kernel = outer_is_kernel(conf->device);
	o->loop = conf->loop;
	o->name = conf->name;
	o->port = o->kernel ? make_kernel(conf, err) : make_ethdev(conf, err);
	if (o->port && own_device(o, conf, err) && (o->kernel || follow_nexthops(o, conf, err)))
		return o;
	outer_destroy(o);
	return NULL;
}

struct outer *outer_on_port(struct port *port, char err[PORT_ERRLEN])
{
	struct outer *o = calloc(1, sizeof(*o));

	if (!o) {
		strcpy(err, "no memory");
		return NULL;
	}
	o->kernel = o->memory = true;
	o->port = port;
	return o;
}

void outer_destroy(struct outer *o)
{
	if (!o)
		return;
	if (o->nexthops) {
		loop_remove(o->loop, nexthops_fd(o->nexthops));
		nexthops_destroy(o->nexthops);
	}
	claim_destroy(o->claim);
	carrier_fini(&o->carrier);
	if (o->port)
		o->port->ops->destroy(o->port);
	free(o);
}

uint64_t outer_tick(struct outer *o, uint64_t now)
{
	const uint64_t look = carrier_tick(&o->carrier, now), next = o->nexthops ? nexthops_tick(o->nexthops, now) : UINT64_MAX;

	return look < next ? look : next;
}
