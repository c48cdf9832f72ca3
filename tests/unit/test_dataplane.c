/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole data path between ports in memory, its threads running: plaintext into one end comes out of the other, in order and
 * unchanged; everything that must not pass is refused, and counted where it should be.
 *
 *     test -> [inner A outer] -> wire -> test -> wire -> [outer B inner] -> test
 *
 * The test carries the wire from A to B, so it can look at messages, change, repeat and drop them.
 */
#include <endian.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <rte_ring_elem.h>

#include "core.h"
#include "dataplane.h"
#include "eal.h"
#include "ip.h"
#include "memport.h"
#include "messages.h"
#include "protocol.h"

enum { PACKETS = 5000, MTU = 1420 };

struct end {
	struct dataplane *dp;
	struct memport inner, outer;
	struct dp_peer *peer;
	struct allowedips_owner owner;
	struct session *session;
};

static struct end a, b;
static struct rte_mempool *pool;
static bool poll_always, only_the_bell_wakes;	/* for make_end */

static struct rte_ring *ring(const char *name)
{
	struct rte_ring *r = rte_ring_create(name, 8192, SOCKET_ID_ANY, 0);

	cr_assert_not_null(r);
	return r;
}

static uint32_t index_of_test(void)
{
	static uint32_t n = 0x01020304;

	return n++;
}

static void make_peer(struct end *e, uint8_t key, uint8_t other_key)
{
	static struct rewrite way = { .ep.remote.v4 = { .sin_family = AF_INET, .sin_port = 1 } };
	struct session *s = session_create();

	e->peer = aligned_alloc(CACHE_LINE, sizeof(*e->peer));
	memset(e->peer, 0, sizeof(*e->peer));
	e->peer->id = 77;
	e->peer->rewrite = &way;
	memset(s->send_key, key, WG_KEY_LEN);
	memset(s->receive_key, other_key, WG_KEY_LEN);
	s->peer = e->peer;
	s->rekey_tx_ns = s->rekey_rx_ns = UINT64_MAX;
	s->reject_ns = UINT64_MAX;
	sessions_publish(&e->dp->sessions, s, sessions_reserve(&e->dp->sessions, e, index_of_test));
	e->session = s;
	e->peer->current = s;
	allowedips_owner_init(&e->owner);
}

static void allow(struct end *e, const char *addr, uint8_t cidr)
{
	uint8_t bytes[4];

	cr_assert_eq(sscanf(addr, "%hhu.%hhu.%hhu.%hhu", bytes, bytes + 1, bytes + 2, bytes + 3), 4);
	cr_assert_eq(allowedips_insert(e->dp->allowedips, AF_INET, bytes, cidr, e->peer, &e->owner), 0);
}

/* Descriptors that are never readable: a core sleeps until somebody rings. */
static unsigned int silent_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	(void)p;
	(void)queue;
	fd[0] = eventfd(0, EFD_CLOEXEC);
	cr_assert_geq(fd[0], 0);
	return 1;
}

static void make_end(struct end *e, const char *name, const struct dataplane_core_conf *cores, unsigned int n_cores,
		     const char *aead)
{
	struct dataplane_conf conf = { .name = name, .inner = &e->inner.port, .outer = &e->outer.port, .pool = pool,
		.aead = aead_find(aead), .cores = cores, .n_cores = n_cores, .mtu = MTU, .poll_always = poll_always };
	static struct port_ops silent;
	char err[PORT_ERRLEN], text[32];

	silent = memport_ops;
	silent.fds = silent_fds;
	snprintf(text, sizeof(text), "%s.in.rx", name);
	struct rte_ring *inner_rx = ring(text);
	snprintf(text, sizeof(text), "%s.in.tx", name);
	memport_init(&e->inner, inner_rx, ring(text));
	snprintf(text, sizeof(text), "%s.out.rx", name);
	struct rte_ring *outer_rx = ring(text);
	snprintf(text, sizeof(text), "%s.out.tx", name);
	memport_init(&e->outer, outer_rx, ring(text));
	if (only_the_bell_wakes)
		e->inner.port.ops = e->outer.port.ops = &silent;
	e->dp = dataplane_create(&conf, err);
	cr_assert_not_null(e->dp, "%s", err);
}

static const struct dataplane_core_conf one_core[] = { { 0, CORE_RX | CORE_WORKER } };

static void make_ends(const struct dataplane_core_conf *cores, unsigned int n_cores, const char *aead)
{
	pool = test_pool("dataplane", 8191);
	rcu_register_thread();
	make_end(&a, "a", cores, n_cores, aead);
	make_end(&b, "b", cores, n_cores, aead);
	make_peer(&a, 1, 2);
	make_peer(&b, 2, 1);
	a.session->remote_index = htole32(session_index(b.session->id));
	b.session->remote_index = htole32(session_index(a.session->id));
	allow(&a, "10.0.1.0", 24);
	allow(&b, "10.0.0.0", 24);
	cr_assert_eq(dataplane_start(a.dp), 0);
	cr_assert_eq(dataplane_start(b.dp), 0);
}

static void end_all(void)
{
	dataplane_stop(a.dp);
	dataplane_stop(b.dp);
	for (struct end *e = &a; e; e = e == &a ? &b : NULL) {
		sessions_release(&e->dp->sessions, session_index(e->session->id));
		session_free_rcu(e->session);
		allowedips_remove_owner(e->dp->allowedips, &e->owner);
		dataplane_destroy(e->dp);
		free(e->peer);
	}
	rcu_barrier();
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(pool), 0, "every packet buffer is back");
}

/* 10.0.0.1 to 10.0.1.1 with a number, of `len` bytes in all. */
static struct rte_mbuf *packet(uint32_t number, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *p;

	cr_assert_not_null(m);
	p = (uint8_t *)rte_pktmbuf_append(m, len);
	for (unsigned int k = 0; k < len; k++)
		p[k] = number * 31 + k;
	memset(p, 0, 20);
	p[0] = 0x45;
	p[2] = len >> 8;
	p[3] = len & 0xff;
	memcpy(p + 12, "\x0a\x00\x00\x01\x0a\x00\x01\x01", 8);
	memcpy(p + 20, &number, sizeof(number));
	return m;
}

static void put(struct rte_ring *r, struct rte_mbuf *m)
{
	cr_assert_eq(rte_ring_enqueue(r, m), 0);
}

/* The next packet there; the test's own time limit ends a wait that would be for ever. */
static struct rte_mbuf *get(struct rte_ring *r)
{
	void *m;

	while (rte_ring_dequeue(r, &m) != 0)
		usleep(10);
	return m;
}

static uint64_t drops(const struct end *e, enum drop_reason why)
{
	struct counters sum;

	dataplane_counters(e->dp, &sum);
	return sum.drop[why];
}

static void await_drops(const struct end *e, enum drop_reason why, uint64_t n)
{
	while (drops(e, why) < n)
		usleep(10);
	cr_assert_eq(drops(e, why), n, "%s", drop_name[why]);
}

/* One sealed message of A's with packet `number`. */
static struct rte_mbuf *sealed(uint32_t number, uint16_t len)
{
	put(a.inner.rx, packet(number, len));
	return get(a.outer.tx);
}

static struct rte_mbuf *copy_of(const struct rte_mbuf *m)
{
	struct rte_mbuf *c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);

	cr_assert_not_null(c);
	*pkt_of(c) = *pkt_of((struct rte_mbuf *)(uintptr_t)m);
	return c;
}

static void expect_packet(struct rte_mbuf *m, uint32_t number, uint16_t len)
{
	struct rte_mbuf *same = packet(number, len);

	cr_assert_eq(rte_pktmbuf_data_len(m), len, "packet %u", number);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_mtod(same, uint8_t *), len, "packet %u", number);
	rte_pktmbuf_free(same);
	rte_pktmbuf_free(m);
}

static uint16_t some_len(uint32_t number)
{
	return 24 + number * 7919 % (MTU - 24 + 1);
}

/* A's end of the wire to B's, for as many messages as were sent; at the same time the numbered packets are looked at. */
static void transfer(const struct dataplane_core_conf *cores, unsigned int n_cores, const char *aead)
{
	uint32_t in = 0, wire = 0, out = 0;
	void *m;

	make_ends(cores, n_cores, aead);
	while (out < PACKETS) {
		for (int k = 0; k < 40 && in < PACKETS && in - out < 2000; k++, in++)
			put(a.inner.rx, packet(in, some_len(in)));
		while (rte_ring_dequeue(a.outer.tx, &m) == 0) {
			const struct wg_data *d = rte_pktmbuf_mtod((struct rte_mbuf *)m, const struct wg_data *);

			cr_assert_eq(le64toh(d->counter), wire, "the wire carries counters in their order");
			wire++;
			put(b.outer.rx, m);
		}
		while (rte_ring_dequeue(b.inner.tx, &m) == 0) {
			expect_packet(m, out, some_len(out));
			out++;
		}
	}
	cr_assert_eq(wire, PACKETS);
	cr_assert_eq(a.peer->tx_bytes, b.peer->rx_bytes);
	end_all();
}

Test(dataplane, one_core_does_it_all, .timeout = 280)
{
	transfer(one_core, 1, "openssl");
}

Test(dataplane, order_with_a_receiver_and_two_workers, .timeout = 280)
{
	static const struct dataplane_core_conf cores[] = { { 0, CORE_RX }, { 0, CORE_WORKER }, { 1 % CORES_MAX, CORE_WORKER } };

	transfer(cores, 3, "auto");
}

Test(dataplane, order_when_everybody_works, .timeout = 280)
{
	static const struct dataplane_core_conf cores[] = { { 0, CORE_RX | CORE_WORKER }, { 1, CORE_RX | CORE_WORKER } };

	transfer(cores, 2, "auto");
}

/* Whitepaper 5.4.6: zeros up to a multiple of 16, but the padded packet is never longer than the MTU. */
Test(dataplane, padding, .timeout = 280)
{
	make_ends(one_core, 1, "auto");
	for (uint16_t len = 24; len <= MTU + 30; len++) {
		uint32_t padded = (len + 15) / 16 * 16;
		struct rte_mbuf *m = sealed(len, len);

		if (padded > MTU)
			padded = len > MTU ? len : MTU;
		cr_assert_eq(rte_pktmbuf_data_len(m), 16 + padded + 16, "%u bytes", len);
		put(b.outer.rx, m);
		expect_packet(get(b.inner.tx), len, len);
	}
	end_all();
}

Test(dataplane, every_byte_of_a_message_is_authentic, .timeout = 280)
{
	struct rte_mbuf *m, *good;
	uint64_t refused = 0;

	make_ends(one_core, 1, "auto");
	good = sealed(1, 40);
	for (unsigned int k = 0; k < rte_pktmbuf_data_len(good); k++) {
		m = copy_of(good);
		rte_pktmbuf_mtod(m, uint8_t *)[k] ^= 0x10;
		put(b.outer.rx, m);
		refused++;
		if (k < 4)
			await_drops(&b, DROP_OUTER_MALFORMED, refused);
		else if (k < 8)
			await_drops(&b, DROP_UNKNOWN_INDEX, refused - 4);
		else
			await_drops(&b, DROP_AUTH_FAILED, refused - 8);
	}
	put(b.outer.rx, good);
	expect_packet(get(b.inner.tx), 1, 40);
	end_all();
}

Test(dataplane, a_message_passes_once, .timeout = 280)
{
	struct rte_mbuf *m;

	make_ends(one_core, 1, "auto");
	m = sealed(9, 100);
	put(b.outer.rx, copy_of(m));
	expect_packet(get(b.inner.tx), 9, 100);
	for (int k = 1; k <= 3; k++) {
		put(b.outer.rx, copy_of(m));
		await_drops(&b, DROP_REPLAYED, k);
	}
	rte_pktmbuf_free(m);
	end_all();
}

Test(dataplane, lengths_and_types, .timeout = 280)
{
	uint64_t malformed = 0, handshakes = 0, unknown = 0;

	make_ends(one_core, 1, "auto");
	for (uint32_t type = 0; type < 6; type++) {
		for (uint16_t len = 0; len < 160; len++) {
			struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
			uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, len);
			uint32_t le = htole32(type);

			memset(p, 0, len);
			memset(pkt_of(m), 0, sizeof(struct pkt));
			memcpy(p, &le, len < 4 ? len : 4);
			if ((type == 1 && len == 148) || (type == 2 && len == 92) || (type == 3 && len == 64))
				handshakes++;
			else if (type == 4 && len >= 32)
				unknown++;
			else
				malformed++;
			put(b.outer.rx, m);
		}
	}
	await_drops(&b, DROP_OUTER_MALFORMED, malformed);
	await_drops(&b, DROP_UNKNOWN_INDEX, unknown);
	cr_assert_eq(rte_ring_count(b.dp->handshakes), handshakes);
	end_all();
}

Test(dataplane, source_must_be_the_peers, .timeout = 280)
{
	struct rte_mbuf *m;

	make_ends(one_core, 1, "auto");
	m = packet(1, 60);
	rte_pktmbuf_mtod(m, uint8_t *)[14] = 9;		/* from 10.0.9.1 */
	put(a.inner.rx, m);
	put(b.outer.rx, get(a.outer.tx));
	await_drops(&b, DROP_UNALLOWED_SRC, 1);
	cr_assert(__atomic_load_n(&b.peer->calls, __ATOMIC_RELAXED) & PEER_CALL_UNALLOWED);
	/* A more specific prefix of somebody else's takes the address away. */
	struct dp_peer other = { .id = 5 };
	struct allowedips_owner other_owner;

	allowedips_owner_init(&other_owner);
	cr_assert_eq(allowedips_insert(b.dp->allowedips, AF_INET, "\x0a\x00\x00\x01", 32, &other, &other_owner), 0);
	put(b.outer.rx, sealed(2, 60));
	await_drops(&b, DROP_UNALLOWED_SRC, 2);
	allowedips_remove_owner(b.dp->allowedips, &other_owner);
	put(b.outer.rx, sealed(3, 60));
	expect_packet(get(b.inner.tx), 3, 60);
	end_all();
}

Test(dataplane, without_a_session_packets_go_to_the_control_thread, .timeout = 280)
{
	void *m;

	make_ends(one_core, 1, "auto");
	rcu_publish(a.peer->current, NULL);
	put(a.inner.rx, packet(4, 64));
	m = get(a.dp->staged);
	cr_assert_eq(pkt_of(m)->id, a.peer->id);
	/* The control thread has a session now: staged packets first, whatever comes behind them. */
	pkt_of(m)->inject = PKT_SEAL;
	pkt_of(m)->id = a.session->id;
	cr_assert(dataplane_inject(a.dp, m));
	rcu_publish(a.peer->current, a.session);
	put(a.inner.rx, packet(5, 64));
	for (uint32_t k = 4; k <= 5; k++) {
		put(b.outer.rx, get(a.outer.tx));
		expect_packet(get(b.inner.tx), k, 64);
	}
	end_all();
}

static struct rte_mbuf *waiting;

/* What the control thread does when a handshake ends, in its order: what has waited, then the session. */
static void handshake_ends(void)
{
	pkt_of(waiting)->inject = PKT_SEAL;
	pkt_of(waiting)->id = a.session->id;
	dataplane_inject(a.dp, waiting);
	rcu_publish(a.peer->current, a.session);
}

/* The handshake ends just when the core has received the next packet, and has looked for injected ones before that. */
Test(dataplane, staged_packets_go_before_what_came_later, .timeout = 280)
{
	make_ends(one_core, 1, "auto");
	rcu_publish(a.peer->current, NULL);
	put(a.inner.rx, packet(4, 64));
	waiting = get(a.dp->staged);
	a.inner.on_rx = handshake_ends;
	put(a.inner.rx, packet(5, 64));
	for (uint32_t k = 4; k <= 5; k++) {
		put(b.outer.rx, get(a.outer.tx));
		expect_packet(get(b.inner.tx), k, 64);
	}
	end_all();
}

Test(dataplane, drops_say_why, .timeout = 280)
{
	struct rte_mbuf *m;

	make_ends(one_core, 1, "auto");
	m = packet(1, 60);
	rte_pktmbuf_mtod(m, uint8_t *)[17] = 77;		/* to 10.77.1.1 */
	put(a.inner.rx, m);
	await_drops(&a, DROP_NO_PEER, 1);
	m = packet(1, 60);
	rte_pktmbuf_mtod(m, uint8_t *)[0] = 0x55;
	put(a.inner.rx, m);
	await_drops(&a, DROP_INNER_MALFORMED, 1);
	rcu_publish(a.peer->rewrite, NULL);
	put(a.inner.rx, packet(1, 60));
	await_drops(&a, DROP_NO_ENDPOINT, 1);
	end_all();
}

/* RFC 6040: the inner mark goes out, what the path made of it comes in. */
Test(dataplane, ecn_both_ways, .timeout = 280)
{
	struct rte_mbuf *m;

	make_ends(one_core, 1, "auto");
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		m = packet(1, 60);
		rte_pktmbuf_mtod(m, uint8_t *)[1] = 0xb8 | ecn;
		put(a.inner.rx, m);
		m = get(a.outer.tx);
		cr_assert_eq(pkt_of(m)->ds, ecn, "the DSCP stays inside");
		pkt_of(m)->ds |= ECN_CE;
		put(b.outer.rx, m);
		if (ecn == ECN_NOT_ECT) {
			await_drops(&b, DROP_ECN_INVALID, 1);
			continue;
		}
		m = get(b.inner.tx);
		cr_assert_eq(rte_pktmbuf_mtod(m, uint8_t *)[1], 0xb8 | ECN_CE);
		rte_pktmbuf_free(m);
	}
	end_all();
}

Test(dataplane, calls_for_a_handshake_once, .timeout = 280)
{
	struct event e;
	unsigned int rekeys = 0;

	make_ends(one_core, 1, "auto");
	a.session->rekey_tx_ns = 0;
	for (int k = 0; k < 10; k++)
		rte_pktmbuf_free(sealed(k, 60));
	while (rte_ring_dequeue_elem(a.dp->events, &e, sizeof(e)) == 0)
		rekeys += e.kind == EVENT_PEER && e.calls == PEER_CALL_REKEY && e.id == a.peer->id;
	cr_assert_eq(rekeys, 1);
	end_all();
}

Test(dataplane, a_session_out_of_counters_sends_nothing, .timeout = 280)
{
	make_ends(one_core, 1, "auto");
	a.session->next_counter = WG_REJECT_AFTER_MESSAGES - 1;
	put(a.inner.rx, packet(1, 60));
	rte_pktmbuf_free(get(a.outer.tx));
	put(a.inner.rx, packet(2, 60));
	await_drops(&a, DROP_EXPIRED_SESSION, 1);
	cr_assert(__atomic_load_n(&a.peer->calls, __ATOMIC_RELAXED) & PEER_CALL_REKEY);
	end_all();
}

Test(dataplane, answers_follow_a_roaming_peer_at_once, .timeout = 280)
{
	struct rte_mbuf *m;
	struct event e;
	unsigned int found = 0;

	make_ends(one_core, 1, "auto");
	for (uint32_t k = 1; k <= 3; k++) {
		m = sealed(k, 60);
		pkt_of(m)->ep.remote.v4.sin_port = htobe16(4321);
		put(b.outer.rx, m);
		expect_packet(get(b.inner.tx), k, 60);
		/* Nobody has told the control thread's side yet, but the answer goes there. */
		m = packet(k, 60);
		memcpy(rte_pktmbuf_mtod_offset(m, void *, 12), "\x0a\x00\x01\x01\x0a\x00\x00\x01", 8);
		put(b.inner.rx, m);
		m = get(b.outer.tx);
		cr_assert_eq(pkt_of(m)->ep.remote.v4.sin_port, htobe16(4321));
		rte_pktmbuf_free(m);
	}
	while (rte_ring_dequeue_elem(b.dp->events, &e, sizeof(e)) == 0)
		found += e.kind == EVENT_PEER && e.calls == PEER_CALL_ROAMED && e.id == b.peer->id;
	cr_assert_eq(found, 1, "the control thread is told once");
	end_all();
}

static uint64_t sleeps(const struct end *e)
{
	struct counters sum;

	dataplane_counters(e->dp, &sum);
	return sum.sleeps;
}

/* For so long, a receiver that has nothing to give to a worker stays awake: it gets packets that it drops. */
static void busy_wait(uint64_t ns)
{
	const uint64_t until = dataplane_now() + ns;

	while (dataplane_now() < until) {
		if (rte_ring_empty(a.inner.rx)) {
			struct rte_mbuf *m = packet(0, 60);

			rte_pktmbuf_mtod(m, uint8_t *)[16] = 99;
			put(a.inner.rx, m);
		}
		sched_yield();
	}
}

static void await_one(struct rte_ring *r)
{
	void *m;

	while (rte_ring_dequeue(r, &m) != 0)
		sched_yield();
	rte_pktmbuf_free(m);
}

/* One packet at a time, just when the worker goes to sleep: one that it does not see then would stay there for ever. */
Test(dataplane, a_worker_that_goes_to_sleep_is_woken, .timeout = 280)
{
	static const struct dataplane_core_conf cores[] = { { 0, CORE_RX }, { 1, CORE_WORKER } };

	make_ends(cores, 2, "auto");
	for (uint32_t k = 0; k < 5000; k++) {
		put(a.inner.rx, packet(k, 60));
		await_one(a.outer.tx);
		busy_wait(CORE_SPIN_NS - 5000 + k * 7919ull % (10 * 1000));
	}
	while (sleeps(&a) == 0)
		busy_wait(CORE_SPIN_NS);
	while (!rte_ring_empty(a.inner.rx))
		usleep(10);
	end_all();
}

/* The control thread's packets reach a core whose ports are silent. */
Test(dataplane, an_injected_packet_wakes, .timeout = 280)
{
	only_the_bell_wakes = true;
	make_ends(one_core, 1, "auto");
	for (uint32_t k = 0; k < 20000; k++) {
		const uint64_t until = dataplane_now() + CORE_SPIN_NS - 5000 + k * 7919ull % (10 * 1000);
		struct rte_mbuf *m = packet(k, 60);

		memset(pkt_of(m), 0, sizeof(*pkt_of(m)));
		pkt_of(m)->inject = PKT_SEAL;
		pkt_of(m)->id = a.session->id;
		cr_assert(dataplane_inject(a.dp, m));
		await_one(a.outer.tx);
		while (dataplane_now() < until)
			sched_yield();
	}
	while (sleeps(&a) == 0 || sleeps(&b) == 0)
		usleep(10);
	end_all();
}

/* Another private key: every core forgets what it has kept of the old one, each in its own thread, asleep or not. */
static unsigned int n_forgot;

void __wrap_x25519_forget(void);
void __wrap_x25519_forget(void)
{
	__atomic_fetch_add(&n_forgot, 1, __ATOMIC_RELAXED);
}

Test(dataplane, keys_are_forgotten, .timeout = 280)
{
	static const struct dataplane_core_conf cores[] = { { 0, CORE_RX }, { 0, CORE_WORKER }, { 1, CORE_RX | CORE_WORKER } };

	only_the_bell_wakes = true;
	make_ends(cores, 3, "auto");
	for (unsigned int times = 1; times <= 3; times++) {
		while (sleeps(&a) < 3 * times)
			usleep(10);
		dataplane_forget_keys(a.dp);
		while (__atomic_load_n(&n_forgot, __ATOMIC_RELAXED) < 3 * times)
			usleep(10);
	}
	end_all();
	cr_assert_eq(n_forgot, 9, "once each");
}

/* What is for nobody, without end. */
static uint16_t endless_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	(void)p;
	(void)queue;
	return rte_pktmbuf_alloc_bulk(pool, m, n) ? 0 : n;
}

/* A core that it never lets go would neither end nor let a grace period pass. */
Test(dataplane, a_flood_of_what_is_dropped_keeps_nobody_from_anything_else, .timeout = 280)
{
	struct port_ops endless = memport_ops;
	struct counters sum = { 0 };

	endless.rx_burst = endless_rx;
	make_ends(one_core, 1, "auto");
	__atomic_store_n(&a.outer.port.ops, &endless, __ATOMIC_RELEASE);
	while (sum.drop[DROP_OUTER_MALFORMED] < 100000)
		dataplane_counters(a.dp, &sum);
	put(a.inner.rx, packet(1, 60));
	rte_pktmbuf_free(get(a.outer.tx));
	synchronize_rcu();
	end_all();
}

/* An outer port that passes on frames of the host's, and has nothing for us. */
static uint16_t for_the_host(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	(void)m;
	(void)n;
	counters_add(&p->counters[queue]->host_tx, 1);
	return 0;
}

/* Asleep it would hold them up for as long, and nothing wakes it here. */
Test(dataplane, the_hosts_frames_keep_a_core_awake, .timeout = 280)
{
	struct port_ops host = memport_ops;
	struct counters sum = { 0 };

	host.rx_burst = for_the_host;
	only_the_bell_wakes = true;
	make_ends(one_core, 1, "auto");
	while (sleeps(&a) == 0)
		usleep(10);
	__atomic_store_n(&a.outer.port.ops, &host, __ATOMIC_RELEASE);
	dataplane_forget_keys(a.dp);	/* wakes it */
	while (sum.host_tx < 100000)
		dataplane_counters(a.dp, &sum);
	end_all();
}

Test(dataplane, poll_always_never_sleeps, .timeout = 280)
{
	static const struct dataplane_core_conf cores[] = { { 0, CORE_RX }, { 0, CORE_WORKER } };

	poll_always = true;
	make_ends(cores, 2, "auto");
	usleep(50 * 1000);
	for (uint32_t k = 0; k < 10; k++) {
		put(b.outer.rx, sealed(k, 60));
		expect_packet(get(b.inner.tx), k, 60);
	}
	synchronize_rcu();
	cr_assert_eq(sleeps(&a) + sleeps(&b), 0);
	end_all();
}
