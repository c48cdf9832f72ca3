/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One flow over several workers, more of them than CPUs: it leaves in the order in which it came, sealed and
 * opened.
 *
 *     test -> [inner A outer] -> wire -> test -> [outer B inner] -> test
 *
 * Packets of 24 bytes and packets of 1420 come in stretches and mixed, so that batches take different times and
 * overtake each other in the workers. On the wire the counters are looked at, behind B the numbers inside: an
 * inversion is one that is lower than one seen before.
 */
#include <endian.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "threaded.h"

#include "dataplane.h"
#include "eal.h"
#include "memport.h"
#include "messages.h"

#ifdef THREADED_ALONE
enum { PACKETS = 8000 };
#else
enum { PACKETS = 60000 };
#endif
enum { MTU = 1420, LEN_MIN = 24, UNDER_WAY = 3000, RING = 8192 };

struct end {
	struct dataplane *dp;
	struct memport inner, outer;
	struct dp_peer *peer;
	struct allowedips_owner owner;
	struct session *session;
};

/* What has been seen go by. */
struct watch {
	uint64_t next, inversions, seen;
};

static struct rte_mempool *pool;
static uint32_t next_index = 1;

static uint32_t index_of_test(void)
{
	return next_index++;
}

static struct rte_ring *ring(const char *end, const char *what)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "%s.%s", end, what);
	r = rte_ring_create(name, RING, SOCKET_ID_ANY, 0);
	cr_assert_not_null(r);
	return r;
}

static void end_make(struct end *e, const char *name, uint8_t send_key, uint8_t receive_key, const void *allowed,
		     const struct dataplane_core_conf *cores, unsigned int n_cores)
{
	static struct rewrite way = { .ep.remote.v4 = { .sin_family = AF_INET, .sin_port = 1 } };
	struct dataplane_conf conf = { .name = name, .inner = &e->inner.port, .outer = &e->outer.port, .pool = pool,
		.aead = aead_find("auto"), .cores = cores, .n_cores = n_cores, .mtu = MTU };
	struct session *s = session_create();
	char err[PORT_ERRLEN];

	memport_init(&e->inner, ring(name, "in.rx"), ring(name, "in.tx"));
	memport_init(&e->outer, ring(name, "out.rx"), ring(name, "out.tx"));
	e->dp = dataplane_create(&conf, err);
	e->peer = aligned_alloc(CACHE_LINE, sizeof(*e->peer));
	cr_assert(e->dp && e->peer && s);
	memset(e->peer, 0, sizeof(*e->peer));
	e->peer->id = 1;
	e->peer->rewrite = &way;
	e->peer->current = s;
	memset(s->send_key, send_key, WG_KEY_LEN);
	memset(s->receive_key, receive_key, WG_KEY_LEN);
	s->peer = e->peer;
	s->rekey_tx_ns = s->rekey_rx_ns = s->reject_ns = UINT64_MAX;
	sessions_publish(&e->dp->sessions, s, sessions_reserve(&e->dp->sessions, e, index_of_test));
	e->session = s;
	allowedips_owner_init(&e->owner);
	cr_assert_eq(allowedips_insert(e->dp->allowedips, AF_INET, allowed, 24, e->peer, &e->owner), 0);
}

static void end_free(struct end *e)
{
	struct rte_ring *rings[] = { e->inner.rx, e->inner.tx, e->outer.rx, e->outer.tx };

	sessions_release(&e->dp->sessions, session_index(e->session->id));
	session_free_rcu(e->session);
	allowedips_remove_owner(e->dp->allowedips, &e->owner);
	dataplane_destroy(e->dp);
	free(e->peer);
	for (unsigned int i = 0; i < RTE_DIM(rings); i++)
		rte_ring_free(rings[i]);
}

/* Stretches of 128 packets each, that are all small, all large, or anything. */
static uint16_t len_of(uint32_t number)
{
	uint32_t random = (number + 1) * 2654435761u;

	switch ((number / 128 * 2654435761u >> 16) % 3) {
	case 0:
		return LEN_MIN;
	case 1:
		return MTU;
	default:
		return LEN_MIN + (random >> 8) % (MTU - LEN_MIN + 1);
	}
}

/* 10.0.0.1 to 10.0.1.1 with a number. */
static struct rte_mbuf *packet(uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint16_t len = len_of(number);
	uint8_t *p;

	cr_assert_not_null(m);
	p = (uint8_t *)rte_pktmbuf_append(m, len);
	cr_assert_not_null(p);
	memset(p, number, len);
	memset(p, 0, 20);
	p[0] = 0x45;
	p[2] = len >> 8;
	p[3] = len & 0xff;
	memcpy(p + 12, "\x0a\x00\x00\x01\x0a\x00\x01\x01", 8);
	memcpy(p + 20, &number, sizeof(number));
	return m;
}

static void watch_see(struct watch *w, uint64_t number)
{
	if (number < w->next)
		w->inversions++;
	else
		w->next = number + 1;
	w->seen++;
}

static uint64_t drops(const struct end *e)
{
	struct counters sum;
	uint64_t n = 0;

	dataplane_counters(e->dp, &sum);
	for (unsigned int i = 0; i < DROP_N; i++)
		n += sum.drop[i];
	return n;
}

/* Both ends by turns, until all packets are through. The test's time limit ends a wait for one that is lost. */
static void carry(struct end *a, struct end *b, struct watch *wire, struct watch *out)
{
	uint32_t in = 0, number;
	void *m;

	while (out->seen < PACKETS) {
		for (int k = 0; k < 256 && in < PACKETS && in - out->seen < UNDER_WAY; k++, in++)
			cr_assert_eq(rte_ring_enqueue(a->inner.rx, packet(in)), 0);
		while (rte_ring_dequeue(a->outer.tx, &m) == 0) {
			watch_see(wire, le64toh(rte_pktmbuf_mtod((struct rte_mbuf *)m, struct wg_data *)->counter));
			cr_assert_eq(rte_ring_enqueue(b->outer.rx, m), 0);
		}
		while (rte_ring_dequeue(b->inner.tx, &m) == 0) {
			memcpy(&number, rte_pktmbuf_mtod_offset((struct rte_mbuf *)m, uint8_t *, 20), sizeof(number));
			cr_assert_eq(rte_pktmbuf_data_len((struct rte_mbuf *)m), len_of(number));
			watch_see(out, number);
			rte_pktmbuf_free(m);
		}
		cr_assert_eq(drops(a) + drops(b), 0);
		sched_yield();
	}
}

/* The cores take turns on the CPUs that there are. */
static void spread(struct dataplane_core_conf *cores, unsigned int n_cores)
{
	cpu_set_t cpus;
	unsigned int cpu = CPU_SETSIZE - 1;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (unsigned int i = 0; i < n_cores; i++) {
		do
			cpu = (cpu + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(cpu, &cpus));
		cores[i].cpu = cpu;
	}
}

static void flow(struct dataplane_core_conf *cores, unsigned int n_cores)
{
	static struct end a, b;
	struct watch wire = { 0 }, out = { 0 };

	spread(cores, n_cores);
	pool = test_pool("order", 8191);
	rcu_register_thread();
	end_make(&a, "a", 1, 2, "\x0a\x00\x01\x00", cores, n_cores);
	end_make(&b, "b", 2, 1, "\x0a\x00\x00\x00", cores, n_cores);
	a.session->remote_index = htole32(session_index(b.session->id));
	b.session->remote_index = htole32(session_index(a.session->id));
	cr_assert_eq(dataplane_start(a.dp), 0);
	cr_assert_eq(dataplane_start(b.dp), 0);
	carry(&a, &b, &wire, &out);
	dataplane_stop(a.dp);
	dataplane_stop(b.dp);
	cr_assert_eq(wire.inversions, 0, "%lu of %lu messages overtaken on the wire", wire.inversions, wire.seen);
	cr_assert_eq(out.inversions, 0, "%lu of %lu packets overtaken after opening", out.inversions, out.seen);
	cr_assert_eq(wire.next, PACKETS);
	cr_assert_eq(out.next, PACKETS);
	end_free(&a);
	end_free(&b);
	rcu_barrier();
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(pool), 0, "every packet buffer is back");
}

Test(order, one_receives_and_two_work, .timeout = 120)
{
	struct dataplane_core_conf cores[] = { { 0, CORE_RX }, { 0, CORE_WORKER }, { 0, CORE_WORKER } };

	flow(cores, RTE_DIM(cores));
}

Test(order, one_receives_and_three_work, .timeout = 120)
{
	struct dataplane_core_conf cores[] = { { 0, CORE_RX }, { 0, CORE_WORKER }, { 0, CORE_WORKER }, { 0, CORE_WORKER } };

	flow(cores, RTE_DIM(cores));
}

Test(order, one_does_all_and_two_help, .timeout = 120)
{
	struct dataplane_core_conf cores[] = { { 0, CORE_RX | CORE_WORKER }, { 0, CORE_WORKER }, { 0, CORE_WORKER } };

	flow(cores, RTE_DIM(cores));
}
