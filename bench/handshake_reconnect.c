/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface that has just started, and thousands of peers that all want a session at once, while others that have
 * one go on sending.
 *
 *   main thread   the control thread: iface_run, asleep on its doorbell when there is nothing to do
 *   data cores    the interface's own, between ports that are two rings
 *   generator     the peers: all initiations at once, each again 5 s and up to a third later, with the cookie it may have got; and the
 *                 data of those who are connected, at a fixed rate
 *
 * Initiations are made ahead. A real peer would make a new one for each try; to us that is the same work. Of the
 * responses a sample is worked through and answered with data, which must arrive; the others are counted.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <openssl/rand.h>
#include <rte_ring.h>

#include "aead.h"
#include "core.h"
#include "handshake_bed.h"
#include "handshake_rows.h"
#include "protocol.h"

enum {
	CONNECTED = 100,		/* peers that have a session all along */
	SAMPLE = 100,			/* of those that reconnect: look closely */
	RATE = 10000,			/* packets a second of the connected */
	DATA_LEN = 128,
	WIRE = 32768,			/* messages on their way, either way */
	BUFFERS = 65535,
	BURST = 32,
	NAP_US = 100,		/* of the generator, which shares its CPU with what it measures */
	LATENCY_MAX_US = 100000,
};

#define SCAN_NS (5 * 1000 * 1000ull)		/* between two looks at whose time has come */
#define LIMIT_NS (40 * WG_NS_PER_SEC)
#define SETTLE_NS (200 * 1000 * 1000ull)	/* time for what is on its way */

/* What a data packet carries behind its IP header. */
struct stamp {
	uint64_t sent_ns;
} __attribute__((packed));

/* A ring with a descriptor that says when there is something on it. */
struct wire {
	struct rte_ring *ring;
	int fd;
	uint32_t rung;
};

struct far_state {
	uint64_t due_ns;	/* of the next try; UINT64_MAX: none, it has its session */
	uint32_t index;		/* of the session at the interface */
	uint64_t counter;
	bool connected;		/* the generator has the keys */
};

struct reconnect {
	struct bed bed;
	struct wire in, out;
	int never;			/* a descriptor that is never readable: the inner port's */
	struct far_state *state;
	const struct aead_backend *aead;
	struct aead_ctx *ctx;
	struct rte_mempool *pool;
	uint64_t measure_ns;		/* of traffic alone */

	/* generator: rw */
	uint64_t sent, next_data_ns;
	unsigned int turn, waiting;	/* peers without a session */
	unsigned int n;			/* peers that take part */
	unsigned int cookies, tries;
	uint64_t began_ns, last_ns;
	bool traffic, failed;
	const char *why;

	/* the data core with the queue: rw (atomic) */
	uint64_t arrived;
	uint64_t sink_lost;
	uint32_t latency[LATENCY_MAX_US + 1];	/* by microsecond */

	uint32_t ended;			/* generator: set, control: read (atomic) */
	double p99_us[2];		/* traffic alone, and meanwhile */
};

static void wire_make(struct wire *w, const char *name)
{
	w->ring = rte_ring_create(name, WIRE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->rung = 0;
	if (!w->ring || w->fd < 0)
		bench_fail("no memory for a wire");
}

static void wire_free(struct wire *w)
{
	rte_ring_free(w->ring);
	close(w->fd);
}

static void wire_ring(struct wire *w)
{
	if (!__atomic_exchange_n(&w->rung, 1, __ATOMIC_SEQ_CST))
		eventfd_write(w->fd, 1);
}

/* The port that a data core sees: in is what it receives. */
static uint16_t wire_source(void *arg, struct rte_mbuf **m, uint16_t n)
{
	struct reconnect *r = arg;
	eventfd_t count;

	if (__atomic_load_n(&r->in.rung, __ATOMIC_RELAXED) && rte_ring_empty(r->in.ring)) {
		/* Emptied before the last look: who rings after that rings again. */
		eventfd_read(r->in.fd, &count);
		__atomic_store_n(&r->in.rung, 0, __ATOMIC_SEQ_CST);
	}
	return rte_ring_dequeue_burst(r->in.ring, (void **)m, n, NULL);
}

static void wire_sink(void *arg, struct rte_mbuf **m, uint16_t n)
{
	struct reconnect *r = arg;
	unsigned int sent = rte_ring_enqueue_burst(r->out.ring, (void **)m, n, NULL);

	if (sent == n)
		return;
	r->sink_lost += n - sent;
	rte_pktmbuf_free_bulk(m + sent, n - sent);
}

static void inner_sink(void *arg, struct rte_mbuf **m, uint16_t n)
{
	struct reconnect *r = arg;
	uint64_t now = bench_ns();

	for (unsigned int k = 0; k < n; k++) {
		const struct stamp *s = rte_pktmbuf_mtod_offset(m[k], const struct stamp *, sizeof(struct iphdr));
		uint64_t us = (now - s->sent_ns) / 1000;

		if (s->sent_ns)
			__atomic_fetch_add(&r->latency[us < LATENCY_MAX_US ? us : LATENCY_MAX_US], 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&r->arrived, n, __ATOMIC_RELEASE);
	rte_pktmbuf_free_bulk(m, n);
}

static unsigned int outer_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	const struct reconnect *r = ((const struct memory_port *)p)->arg;

	(void)queue;
	fd[0] = r->in.fd;
	return 1;
}

static unsigned int inner_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	const struct reconnect *r = ((const struct memory_port *)p)->arg;

	(void)queue;
	fd[0] = r->never;
	return 1;
}

/* A memory port whose core can sleep. */
static void make_port(struct memory_port *p, struct reconnect *r, struct port_ops *ops,
		      unsigned int (*fds)(const struct port *, uint16_t, int[PORT_MAX_FDS]))
{
	memory_port_init(p);
	*ops = *p->port.ops;
	ops->fds = fds;
	p->port.ops = ops;
	p->arg = r;
}

static bool to_wire(struct reconnect *r, const struct far *f, struct rte_mbuf *m)
{
	far_endpoint(f, &pkt_of(m)->ep);
	if (rte_ring_enqueue(r->in.ring, m) != 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	wire_ring(&r->in);
	return true;
}

static struct rte_mbuf *message(struct reconnect *r, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);

	if (m) {
		memset(pkt_of(m), 0, sizeof(struct pkt));
		rte_pktmbuf_append(m, len);
	}
	return m;
}

/* False: no room now. */
static bool initiate(struct reconnect *r, struct far *f)
{
	struct rte_mbuf *m = message(r, sizeof(f->msg));

	if (!m)
		return false;
	cookie_macs_add(&f->cookie, &f->msg, sizeof(f->msg), bench_ns());
	memcpy(rte_pktmbuf_mtod(m, void *), &f->msg, sizeof(f->msg));
	return to_wire(r, f, m);
}

/* One packet of a connected peer, to nobody in particular; `stamped`: its latency counts. */
static bool send_data(struct reconnect *r, struct far *f, bool stamped)
{
	struct far_state *st = &r->state[f->number];
	struct rte_mbuf *m = message(r, sizeof(struct wg_data) + DATA_LEN + WG_TAG_LEN);
	struct wg_data *d;
	struct aead_op op;
	struct iphdr *ip;
	struct endpoint ep;

	if (!m)
		return false;
	d = rte_pktmbuf_mtod(m, struct wg_data *);
	memset(d, 0, sizeof(*d) + DATA_LEN);
	far_endpoint(f, &ep);
	d->type = htole32(WG_DATA);
	d->receiver = htole32(st->index);
	d->counter = htole64(st->counter);
	ip = (struct iphdr *)d->payload;
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons(DATA_LEN);
	ip->ttl = 64;
	ip->saddr = ep.remote.v4.sin_addr.s_addr;
	((struct stamp *)(ip + 1))->sent_ns = stamped ? bench_ns() : 0;
	op = (struct aead_op){ .key = f->keys.send, .counter = st->counter++, .data = d->payload, .len = DATA_LEN };
	aead_seal(r->aead, r->ctx, &op, 1);
	if (!op.ok || !to_wire(r, f, m))
		return false;
	r->sent++;
	return true;
}

static void generator_failed(struct reconnect *r, const char *why)
{
	r->failed = true;
	r->why = why;
}

static void got_response(struct reconnect *r, const struct wg_response *msg)
{
	uint32_t k = le32toh(msg->receiver) - 1;
	struct far_state *st = &r->state[k];
	struct far *f = &r->bed.far[k];

	if (k >= r->n || st->due_ns == UINT64_MAX)
		return;		/* the answer to a try before */
	st->due_ns = UINT64_MAX;
	r->waiting--;
	r->last_ns = bench_ns();
	if (k >= CONNECTED + SAMPLE)
		return;
	if (!noise_response_consume(&f->hs, msg, &f->id, &f->remote, &f->keys)) {
		generator_failed(r, "a response is not valid");
		return;
	}
	st->index = le32toh(msg->sender);
	st->connected = true;
	if (!send_data(r, f, false))
		generator_failed(r, "a session's first packet could not be sent");
}

static void got_cookie(struct reconnect *r, const struct wg_cookie_reply *msg)
{
	uint32_t k = le32toh(msg->receiver) - 1;

	if (k < r->n && cookie_reply_consume(&r->bed.far[k].cookie, msg, bench_ns()))
		r->cookies++;
}

static void receive(struct reconnect *r)
{
	struct rte_mbuf *m[BURST];
	unsigned int n;

	while ((n = rte_ring_dequeue_burst(r->out.ring, (void **)m, BURST, NULL))) {
		for (unsigned int k = 0; k < n; k++) {
			const void *msg = rte_pktmbuf_mtod(m[k], const void *);

			if (*(const uint32_t *)msg == htole32(WG_RESPONSE))
				got_response(r, msg);
			else if (*(const uint32_t *)msg == htole32(WG_COOKIE_REPLY))
				got_cookie(r, msg);
		}
		rte_pktmbuf_free_bulk(m, n);
	}
}

static void send_due_data(struct reconnect *r)
{
	/* A generator that was not let run does not make up for it in one burst. */
	uint64_t now = bench_ns(), late = now > WG_NS_PER_SEC / 100 ? now - WG_NS_PER_SEC / 100 : 0;

	if (!r->traffic)
		return;
	if (r->next_data_ns < late)
		r->next_data_ns = late;
	while (r->next_data_ns <= now) {
		r->next_data_ns += WG_NS_PER_SEC / RATE;
		if (!send_data(r, &r->bed.far[r->turn++ % CONNECTED], true))
			generator_failed(r, "a packet found no room");
	}
}

/* Whose time has come tries, and tries again 5 s and some later. */
static void send_due_initiations(struct reconnect *r)
{
	uint64_t now = bench_ns();
	uint32_t jitter;

	for (unsigned int k = 0; k < r->n; k++) {
		if (r->state[k].due_ns > now)
			continue;
		if (!initiate(r, &r->bed.far[k]))
			return;		/* go on at the next look */
		r->tries++;
		RAND_bytes((uint8_t *)&jitter, sizeof(jitter));
		r->state[k].due_ns = now + WG_REKEY_TIMEOUT + jitter % WG_REKEY_TIMEOUT_JITTER;
		if (k % BURST == 0) {
			send_due_data(r);
			receive(r);
		}
	}
}

/* The first `n` peers that have none shall have a session: until `done` or too long. */
static bool generate(struct reconnect *r, unsigned int n, bool traffic, uint64_t at_least_ns)
{
	uint64_t now = bench_ns(), scan_ns = now;

	r->traffic = traffic;
	r->began_ns = r->last_ns = r->next_data_ns = now;
	for (; r->n < n; r->n++) {
		r->state[r->n].due_ns = now;
		r->waiting++;
	}
	while (!r->failed && (r->waiting || now - r->began_ns < at_least_ns)) {
		send_due_data(r);
		receive(r);
		if (r->waiting && now >= scan_ns) {
			send_due_initiations(r);
			scan_ns = now + SCAN_NS;
		}
		now = bench_ns();
		if (now - r->began_ns > LIMIT_NS)
			generator_failed(r, "some have no session after 40 s");
		usleep(NAP_US);
	}
	while (!r->failed && bench_ns() - now < SETTLE_NS)
		receive(r);
	return !r->failed;
}

/* Of what has arrived since the last call, in microseconds. */
static double take_p99(struct reconnect *r)
{
	uint64_t all = 0, seen = 0;
	unsigned int us;

	for (us = 0; us <= LATENCY_MAX_US; us++)
		all += __atomic_load_n(&r->latency[us], __ATOMIC_RELAXED);
	for (us = 0; us <= LATENCY_MAX_US; us++) {
		seen += __atomic_load_n(&r->latency[us], __ATOMIC_RELAXED);
		if (seen * 100 >= all * 99)
			break;
	}
	memset(r->latency, 0, sizeof(r->latency));
	return us;
}

static void *generator(void *arg)
{
	struct reconnect *r = arg;

	bench_pin(1);
	if (generate(r, CONNECTED, false, 0) && generate(r, CONNECTED, true, r->measure_ns)) {
		r->p99_us[0] = take_p99(r);
		r->tries = r->cookies = 0;
		if (generate(r, r->bed.n_far, true, 0))
			r->p99_us[1] = take_p99(r);
	}
	__atomic_store_n(&r->ended, 1, __ATOMIC_RELEASE);
	doorbell_write(&r->bed.iface.dp->control);
	return NULL;
}

static void control(struct reconnect *r)
{
	struct iface *i = &r->bed.iface;

	while (!__atomic_load_n(&r->ended, __ATOMIC_ACQUIRE)) {
		struct pollfd p = { .fd = i->dp->control.fd, .events = POLLIN };
		uint64_t now = dataplane_now(), next;
		bool more = iface_run(i, now, &next);

		rcu_quiescent_state();
		if (more)
			continue;
		if (!iface_arm(i) && next > now) {
			uint64_t wait = next - now < WG_NS_PER_SEC ? next - now : WG_NS_PER_SEC;
			struct timespec t = { wait / WG_NS_PER_SEC, wait % WG_NS_PER_SEC };

			rcu_thread_offline();
			ppoll(&p, 1, &t, NULL);
			rcu_thread_online();
		}
		iface_disarm(i);
	}
}

static void allow(struct reconnect *r, unsigned int k)
{
	struct peer *p = r->bed.far[k].peer;
	struct endpoint ep;

	far_endpoint(&r->bed.far[k], &ep);
	if (allowedips_insert(r->bed.iface.dp->allowedips, AF_INET, (const uint8_t *)&ep.remote.v4.sin_addr, 32, p, &p->allowedips))
		bench_fail("no memory for allowed IPs");
}

/* The calling thread, the control thread from here on, runs where the interface's may. */
static void make(struct reconnect *r, unsigned int peers, unsigned int n_cores, const cpu_set_t *all)
{
	static struct port_ops inner_ops, outer_ops;
	struct dataplane_core_conf cores[2] = { { bench_pin(0), CORE_RX | CORE_WORKER } };

	if (n_cores > 1) {
		cores[1] = (struct dataplane_core_conf){ bench_pin(1), CORE_WORKER };
		sched_setaffinity(0, sizeof(*all), all);
	}
	wire_make(&r->in, "wire.in");
	wire_make(&r->out, "wire.out");
	r->never = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	make_port(&r->bed.inner, r, &inner_ops, inner_fds);
	make_port(&r->bed.outer, r, &outer_ops, outer_fds);
	r->bed.inner.sink = inner_sink;
	r->bed.outer.source = wire_source;
	r->bed.outer.sink = wire_sink;
	bed_make(&r->bed, "reconnect", cores, n_cores, BUFFERS);
	r->pool = r->bed.iface.pool;
	r->aead = r->bed.iface.dp->aead;
	r->ctx = r->aead->create();
	r->state = calloc(CONNECTED + peers, sizeof(r->state[0]));
	if (!r->ctx || !r->state)
		bench_fail("no memory");
	bed_add_peers(&r->bed, CONNECTED + peers);
	for (unsigned int k = 0; k < r->bed.n_far; k++) {
		far_initiate(&r->bed.far[k]);
		if (k < CONNECTED + SAMPLE)
			allow(r, k);
	}
}

static void unmake(struct reconnect *r)
{
	struct rte_mbuf *m;

	while (rte_ring_dequeue(r->in.ring, (void **)&m) == 0 || rte_ring_dequeue(r->out.ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	bed_destroy(&r->bed);
	r->aead->destroy(r->ctx);
	wire_free(&r->in);
	wire_free(&r->out);
	close(r->never);
	free(r->state);
	free(r);
}

static void print(const struct reconnect *r, unsigned int n_cores)
{
	static const char *const what[][2] = { { "traffic_1core", "reconnect_1core" }, { "traffic_2cores", "reconnect_2cores" } };
	char note[128];
	struct row row = { .what = what[n_cores - 1][0], .lost = 0, .p99_us = r->p99_us[0], .note = "100 connected peers alone" };

	row_print(&row);
	row.what = what[n_cores - 1][1];
	row.peers = r->n - CONNECTED;
	row.seconds = (r->last_ns - r->began_ns) / 1e9;
	row.per_second = row.peers / row.seconds;
	row.ns_each = 1e9 / row.per_second;
	row.p99_us = r->p99_us[1];
	snprintf(note, sizeof(note), "meanwhile; %u initiations; %u cookies", r->tries, r->cookies);
	row.note = note;
	row_print(&row);
}

/* Every packet has arrived; handshake messages may have been dropped for want of room, and came again. */
static void check_drops(const struct reconnect *r)
{
	static const char *const name[] = {
#define X(symbol, name, text) name,
		DROP_REASONS(X)
#undef X
	};
	struct counters c;

	dataplane_counters(r->bed.iface.dp, &c);
	if (!r->sink_lost && r->arrived == r->sent)
		return;
	for (unsigned int k = 0; k < DROP_N; k++)
		if (c.drop[k])
			fprintf(stderr, "\n%s: %lu", name[k], c.drop[k]);
	bench_fail("%lu packets sent, %lu arrived, %lu messages lost", r->sent, r->arrived, r->sink_lost);
}

void reconnect_run(struct bench *b, unsigned int peers, unsigned int n_cores)
{
	struct reconnect *r = calloc(1, sizeof(*r));
	pthread_t thread;
	cpu_set_t all;

	if (!r)
		bench_fail("no memory");
	bench_point(b, "%u peers reconnect, %u data cores", peers, n_cores);
	sched_getaffinity(0, sizeof(all), &all);
	make(r, peers, n_cores, &all);
	r->measure_ns = b->quick ? WG_NS_PER_SEC / 4 : 2 * WG_NS_PER_SEC;
	if (dataplane_start(r->bed.iface.dp) || pthread_create(&thread, NULL, generator, r))
		bench_fail("cannot start the threads");
	control(r);
	pthread_join(thread, NULL);
	dataplane_stop(r->bed.iface.dp);
	sched_setaffinity(0, sizeof(all), &all);
	if (r->failed)
		bench_fail("%s: %u of %u without a session", r->why, r->waiting, r->n);
	check_drops(r);
	print(r, n_cores);
	unmake(r);
}
