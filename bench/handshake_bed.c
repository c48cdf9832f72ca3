/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake_bed.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <rte_ring_elem.h>

#include "bench.h"
#include "core.h"
#include "handshake.h"
#include "handshake_job.h"
#include "keypairs.h"
#include "tai64n.h"

enum { WG_PORT = 51820, MTU = 1420, BUFFER_ROOM = 1024 };

static void random_key(uint8_t key[WG_KEY_LEN])
{
	if (RAND_bytes(key, WG_KEY_LEN) != 1)
		bench_fail("libcrypto has no random bytes");
}

static void identity(struct noise_identity *id)
{
	uint8_t key[WG_KEY_LEN];

	random_key(key);
	if (!noise_identity_set(id, key))
		bench_fail("libcrypto cannot make a key");
}

static void make_dataplane(struct bed *b, const char *name, const struct dataplane_core_conf *cores, unsigned int n_cores)
{
	char err[PORT_ERRLEN];
	struct dataplane_conf conf = {
		.name = name,
		.inner = &b->inner.port,
		.outer = &b->outer.port,
		.pool = b->iface.pool,
		.aead = aead_find("auto"),
		.cores = cores,
		.n_cores = n_cores,
		.mtu = MTU,
	};

	b->iface.dp = dataplane_create(&conf, err);
	if (!b->iface.dp)
		bench_fail("%s", err);
}

void bed_make(struct bed *b, const char *name, const struct dataplane_core_conf *cores, unsigned int n_cores, unsigned int buffers)
{
	struct iface *i = &b->iface;
	struct noise_identity id;
	uint8_t key[WG_KEY_LEN];
	char err[PORT_ERRLEN];

	memset(i, 0, sizeof(*i));
	b->far = NULL;
	b->n_far = 0;
	i->name = name;
	i->state = IFACE_UP;
	i->now = dataplane_now();
	i->resolve_at_ns = UINT64_MAX;
	CDS_INIT_LIST_HEAD(&i->staged_peers);
	wg_times_init(&i->times, 1);
	random_key(key);
	if (!noise_identity_set(&id, key))
		bench_fail("libcrypto cannot make a key");
	handshake_adopt_identity(i, &id);
	i->up = true;
	i->jobs = handshake_jobs_create();
	i->pool = pkt_pool_create(name, buffers, BUFFER_ROOM);
	i->ratelimiter = ratelimiter_create(name);
	i->inner = &b->inner.port;
	i->outer = outer_on_port(&b->outer.port, err);
	if (!i->pool || !i->ratelimiter || !i->jobs || !i->outer || peers_init(&i->peers))
		bench_fail("no memory for an interface");
	make_dataplane(b, name, cores, n_cores);
}

void bed_destroy(struct bed *b)
{
	struct iface *i = &b->iface;
	struct rte_mbuf *m;
	struct peer *p;

	while ((p = peers_next(&i->peers, NULL))) {
		peers_remove(&i->peers, p);
		rcu_quiescent_state();
	}
	while (bed_take(b, &m, 1))
		rte_pktmbuf_free(m);
	rcu_barrier();
	outer_destroy(i->outer);
	dataplane_destroy(i->dp);
	rte_mempool_free(i->pool);
	peers_fini(&i->peers);
	heap_fini(&i->deadlines);
	ratelimiter_destroy(i->ratelimiter);
	handshake_jobs_destroy(i->jobs);
	free(b->far);
}

void bed_add_peers(struct bed *b, unsigned int n)
{
	b->far = calloc(n, sizeof(b->far[0]));
	if (!b->far)
		bench_fail("no memory for %u peers", n);
	b->n_far = n;
	for (unsigned int k = 0; k < n; k++) {
		struct far *f = &b->far[k];

		f->number = k;
		identity(&f->id);
		memcpy(f->remote.public_key, b->iface.identity.public_key, WG_KEY_LEN);
		cookie_sender_init(&f->cookie, f->remote.public_key);
		f->peer = peers_add(&b->iface.peers, &b->iface, f->id.public_key);
		if (!f->peer || !noise_remote_prepare(&f->remote, &f->id))
			bench_fail("no memory for %u peers", n);
		rcu_quiescent_state();
	}
}

void far_endpoint(const struct far *f, struct endpoint *ep)
{
	memset(ep, 0, sizeof(*ep));
	ep->remote.v4.sin_family = AF_INET;
	ep->remote.v4.sin_port = htons(WG_PORT);
	ep->remote.v4.sin_addr.s_addr = htonl(0x0a000001 + f->number);
}

void far_initiate(struct far *f)
{
	struct timespec now;
	uint8_t ephemeral[WG_KEY_LEN];

	random_key(ephemeral);
	clock_gettime(CLOCK_REALTIME, &now);
	tai64n_next(f->timestamp, &now);
	if (!noise_initiation_create(&f->hs, &f->msg, &f->id, &f->remote, ephemeral, f->timestamp, f->number + 1))
		bench_fail("an initiation cannot be made");
}

void far_respond(struct far *f, const struct wg_initiation *msg, struct wg_response *out)
{
	struct noise_handshake hs = { .state = NOISE_ZEROED };
	uint8_t from[WG_KEY_LEN], ephemeral[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];

	random_key(ephemeral);
	if (!noise_initiation_open(&hs, msg, &f->id, from) || !noise_initiation_finish(&hs, msg, &f->id, &f->remote, timestamp) ||
	    !noise_response_create(&hs, out, &f->remote, ephemeral, f->number + 1, &f->keys))
		bench_fail("an initiation of the interface is not valid");
	cookie_macs_add(&f->cookie, out, sizeof(*out), dataplane_now());
}

void bed_feed(struct bed *b, const struct far *f, const void *msg, size_t len)
{
	struct handshake_packet h = { .came_ns = dataplane_now(), .len = len };

	far_endpoint(f, &h.back.ep);
	memcpy(&h.msg, msg, len);
	if (rte_ring_enqueue_elem(b->iface.dp->handshakes, &h, sizeof(h)) != 0)
		bench_fail("the handshake ring is full");
}

void bed_run(struct bed *b)
{
	uint64_t next;

	while (iface_run(&b->iface, dataplane_now(), &next))
		rcu_quiescent_state();
	rcu_quiescent_state();
}

unsigned int bed_take(struct bed *b, struct rte_mbuf **m, unsigned int n)
{
	return rte_ring_dequeue_burst(b->iface.dp->core[0]->inject, (void **)m, n, NULL);
}
