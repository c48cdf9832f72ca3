/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sender's clock is the time stamp counter: so many packets are due, and are offered in bursts of up to 32. What the port refuses then
 * is lost, as on a wire. A sender that did not run for a while (the machine's doing, not wgdp's) leaves out what it has missed but for a
 * short burst, and says so (late). At full speed nothing is due: what is refused is offered again.
 *
 * The receiver counts, sees to the order in each flow, and looks at every CHECK_EACH-th packet as a whole; what was sealed is opened for that.
 * The order of sealed packets is that of their counters, which anyone can read.
 */
#include "generator_trial.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "bench.h"
#include "imix.h"

enum { FLOOD_PPS_MAX = 3000000 };	/* as many are sealed ahead for a second at full speed */
enum { CHECK_EACH = 64, SLACK_MIN = 64, IDLE_EACH = 64 };

#define SLACK_S 100e-6
#define QUIET_S 0.2		/* nothing more comes then */
#define DRAIN_MAX_S 5.0
#define STILL_S 0.02
#define PATIENCE_S 2.0

static void *numbers(unsigned int n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		bench_fail("no memory for %u flows", n);
	return p;
}

void stream_init(struct stream *s, unsigned int n_flows)
{
	s->out.number = numbers(n_flows, sizeof(s->out.number[0]));
	s->in.next = numbers(n_flows, sizeof(s->in.next[0]));
	s->in.seen = numbers(n_flows, sizeof(s->in.seen[0]));
}

void stream_fini(struct stream *s)
{
	free(s->out.number);
	free(s->in.next);
	free(s->in.seen);
}

static void stream_begin(const struct trial *t, struct stream *s)
{
	uint32_t *number = s->out.number, *seen = s->in.seen;
	uint64_t *next = s->in.next;

	memset(number, 0, t->n_flows * sizeof(number[0]));
	memset(seen, 0, t->n_flows * sizeof(seen[0]));
	memset(next, 0, t->n_flows * sizeof(next[0]));
	s->out = (struct sender){ .number = number, .per_tick = t->pps / rte_get_tsc_hz(), .slack = t->pps * SLACK_S };
	if (s->out.slack < SLACK_MIN)
		s->out.slack = SLACK_MIN;
	if (t->patient)
		s->out.slack = UINT64_MAX;
	memset(&s->in, 0, sizeof(s->in));
	latency_clear(&s->in.latency);
	s->in.next = next;
	s->in.seen = seen;
}

/* ---- sending */

static void packets_write(const struct trial *t, struct stream *s, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	for (uint16_t i = 0; i < n; i++) {
		const uint32_t size = imix_size(t->size, s->out.offered + i);
		const struct stamp stamp = {
			.when = now, .flow = s->out.flow, .trial = t->number, .number = s->out.number[s->out.flow]++,
		};
		uint8_t *at = rte_pktmbuf_mtod(m[i], uint8_t *);

		frame_lan(at, t->v6);
		frame_packet(at + FRAME_ETHER, t->v6, s->way, size, &stamp);
		m[i]->data_len = m[i]->pkt_len = FRAME_ETHER + size;
		s->out.flow = s->out.flow + 1 < t->n_flows ? s->out.flow + 1 : 0;
	}
}

/* How many packets are due, at most a burst. */
static uint16_t sender_due(struct sender *o, uint64_t ticks)
{
	uint64_t behind;

	if (o->per_tick == 0)
		return GENERATOR_BURST;
	behind = (uint64_t)(ticks * o->per_tick) - o->scheduled;
	if (behind > o->slack) {
		o->late += behind - o->slack;
		o->scheduled += behind - o->slack;
		behind = o->slack;
	}
	return behind < GENERATOR_BURST ? behind : GENERATOR_BURST;
}

/* Fills waiting with up to n. */
static void sender_fill(const struct trial *t, struct stream *s, uint16_t n, uint64_t now)
{
	struct sender *o = &s->out;

	generator_port_alloc(s->tx, o->waiting, n);
	if (s->tape) {
		o->n_waiting = tape_play(s->tape, o->waiting, n, now);
		o->ended = o->n_waiting < n;
		rte_pktmbuf_free_bulk(o->waiting + o->n_waiting, n - o->n_waiting);
	} else {
		packets_write(t, s, o->waiting, n, now);
		o->n_waiting = n;
	}
	o->scheduled += o->n_waiting;
	o->offered += o->n_waiting;
}

static void stream_send(const struct trial *t, struct stream *s, uint64_t now)
{
	struct sender *o = &s->out;
	uint16_t taken;

	if (!o->n_waiting) {
		const uint16_t n = sender_due(o, now - t->begin_tsc);

		if (!n || o->ended)
			return;
		sender_fill(t, s, n, now);
	}
	taken = rte_eth_tx_burst(s->tx->id, 0, o->waiting, o->n_waiting);
	o->sent += taken;
	o->n_waiting -= taken;
	if (!o->n_waiting)
		return;
	if (o->per_tick == 0 || t->patient) {
		memmove(o->waiting, o->waiting + taken, o->n_waiting * sizeof(o->waiting[0]));
		return;
	}
	o->refused += o->n_waiting;
	rte_pktmbuf_free_bulk(o->waiting + taken, o->n_waiting);
	o->n_waiting = 0;
}

static bool senders_ended(const struct trial *t, uint64_t now)
{
	const uint64_t all = (uint64_t)(t->pps * t->seconds);
	bool ended = true, sent = true;

	for (unsigned int k = 0; k < t->n_streams; k++) {
		const struct sender *o = &t->stream[k]->out;

		ended &= o->ended;
		sent &= o->sent >= all || o->ended;
	}
	return ended || (now >= t->end_tsc && (!t->patient || sent || now - t->end_tsc > PATIENCE_S * rte_get_tsc_hz()));
}

/* ---- receiving */

static void receiver_order(struct receiver *in, unsigned int flow, uint64_t number)
{
	in->seen[flow]++;
	if (number < in->next[flow])
		in->reordered++;
	else
		in->next[flow] = number + 1;
}

/* Whether this packet is one to be looked at as a whole. */
static bool receiver_checks(const struct receiver *in)
{
	return in->received % CHECK_EACH == 0;
}

/* False: it is of an earlier trial, which was late. */
static bool packet_check(const struct trial *t, struct stream *s, const uint8_t *at, size_t size)
{
	struct stamp stamp;
	const char *error = frame_check(at, size, s->way, s->hops, &stamp);

	if (error)
		s->in.error = error;
	s->in.checked++;
	return error || stamp.trial == t->number;
}

static void receive_packet(struct trial *t, struct stream *s, const struct rte_mbuf *m, uint64_t now)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *) + FRAME_ETHER;
	const size_t size = m->data_len - FRAME_ETHER;
	struct stamp stamp;

	if (m->data_len <= FRAME_ETHER || !frame_stamp(at, size, &stamp) || stamp.trial != t->number || stamp.flow >= t->n_flows ||
	    (s->tape && stamp.when >= s->tape->n)) {
		s->in.foreign++;
		return;
	}
	if (receiver_checks(&s->in))
		packet_check(t, s, at, size);
	receiver_order(&s->in, stamp.flow, stamp.number);
	latency_add(&s->in.latency, now - (s->tape ? s->tape->when[stamp.when] : stamp.when));
	s->in.received++;
}

/* Opens a copy: the packet inside is the one that was sent, and says when. False: it is of an earlier trial. */
static bool sealed_check(struct trial *t, struct stream *s, const uint8_t *message, size_t len, unsigned int flow, uint64_t now)
{
	struct stamp stamp;
	uint8_t *packet;

	if (len > sizeof(t->scratch)) {
		s->in.error = "a message that is too large";
		return true;
	}
	memcpy(t->scratch, message, len);
	if (!generator_far_open(s->opens, flow, t->scratch, &len, &packet)) {
		s->in.error = "a message that is not authentic";
		return true;
	}
	if (!packet_check(t, s, packet, len) || !frame_stamp(packet, len, &stamp))
		return false;
	if (stamp.flow != flow)
		s->in.error = "a packet in another flow's tunnel";
	latency_add(&s->in.latency, now - stamp.when);
	return true;
}

static void receive_sealed(struct trial *t, struct stream *s, const struct rte_mbuf *m, uint64_t now)
{
	const uint8_t *message;
	unsigned int port, flow;
	uint64_t counter;
	size_t len;

	message = frame_message(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &port, &len);
	if (!message || !generator_far_flow(s->opens, message, len, &flow, &counter)) {
		s->in.foreign++;
		return;
	}
	if (port != flow)
		s->in.error = "a message to another far end's port";
	if (receiver_checks(&s->in) && !sealed_check(t, s, message, len, flow, now)) {
		s->in.foreign++;
		return;
	}
	receiver_order(&s->in, flow, counter);
	s->in.received++;
}

static uint16_t stream_receive(struct trial *t, struct stream *s)
{
	struct rte_mbuf *m[GENERATOR_RX_BURST];
	const uint16_t n = generator_port_receive(s->rx, m);
	const uint64_t before = s->in.received;
	uint64_t now;

	if (!n)
		return 0;
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n; i++)
		(s->opens ? receive_sealed : receive_packet)(t, s, m[i], now);
	rte_pktmbuf_free_bulk(m, n);
	if (s->in.received != before)
		s->in.last_tsc = now;
	return n;
}

static uint16_t discard(struct generator_port *p)
{
	struct rte_mbuf *m[GENERATOR_RX_BURST];
	const uint16_t n = generator_port_receive(p, m);

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

/* What comes to a port that no stream ends at: nobody wants it, but the ring must not stay full. */
static void idle_receive(const struct trial *t)
{
	for (unsigned int p = 0; p < t->n_ports; p++) {
		bool used = false;

		for (unsigned int k = 0; k < t->n_streams; k++)
			used |= t->stream[k]->rx == t->port[p];
		if (!used)
			discard(t->port[p]);
	}
}

static void receive_all(struct trial *t, unsigned int *turn)
{
	for (unsigned int k = 0; k < t->n_streams; k++)
		stream_receive(t, t->stream[k]);
	if (++*turn % IDLE_EACH == 0)
		idle_receive(t);
}

static bool all_received(const struct trial *t)
{
	for (unsigned int k = 0; k < t->n_streams; k++)
		if (t->stream[k]->in.received < t->stream[k]->out.sent)
			return false;
	return true;
}

/* Until all have come, or nothing does any more. */
static void drain(struct trial *t, unsigned int *turn)
{
	const uint64_t hz = rte_get_tsc_hz(), begin = rte_rdtsc();
	uint64_t now = begin, last = begin;

	while (!all_received(t) && now - last < QUIET_S * hz && now - begin < DRAIN_MAX_S * hz) {
		receive_all(t, turn);
		now = rte_rdtsc();
		for (unsigned int k = 0; k < t->n_streams; k++)
			if (t->stream[k]->in.last_tsc > last || !t->stream[k]->in.received)	/* nothing yet: it may not have run at all */
				last = t->stream[k]->in.received ? t->stream[k]->in.last_tsc : now;
	}
}

/* ---- the two of them */

static void *receiver_main(void *arg)
{
	struct trial *t = arg;
	unsigned int turn = 0;

	bench_pin(t->receiver_cpu);
	if (rte_thread_register())
		bench_fail("DPDK has no place for a second thread");
	while (__atomic_load_n(&t->sending, __ATOMIC_ACQUIRE))
		receive_all(t, &turn);
	drain(t, &turn);
	rte_thread_unregister();
	return NULL;
}

static void send_all(struct trial *t, bool receives)
{
	unsigned int turn = 0;
	uint64_t now;

	t->begin_tsc = rte_rdtsc();
	t->end_tsc = t->begin_tsc + (uint64_t)(t->seconds * rte_get_tsc_hz());
	while (now = rte_rdtsc(), !senders_ended(t, now)) {
		for (unsigned int k = 0; k < t->n_streams; k++)
			stream_send(t, t->stream[k], now);
		if (receives)
			receive_all(t, &turn);
	}
	t->end_tsc = now;
	for (unsigned int k = 0; k < t->n_streams; k++) {
		struct sender *o = &t->stream[k]->out;

		o->offered -= o->n_waiting;
		rte_pktmbuf_free_bulk(o->waiting, o->n_waiting);
	}
	__atomic_store_n(&t->sending, 0, __ATOMIC_RELEASE);
	if (receives)
		drain(t, &turn);
}

/* Sessions, what is sealed ahead, and nothing left of what was before. */
static void prepare(struct trial *t)
{
	const uint64_t n = (t->pps > 0 ? t->pps : FLOOD_PPS_MAX) * t->seconds + GENERATOR_BURST;
	uint64_t last = rte_rdtsc();

	t->number++;
	for (unsigned int k = 0; k < t->n_streams; k++) {
		struct stream *s = t->stream[k];
		struct generator_far *far = s->opens ? s->opens : s->seals;

		stream_begin(t, s);
		if (!far)
			continue;
		generator_far_connect(far);
		generator_far_keepalives(far);
		if (s->tape)
			tape_record(s->tape, s->seals, t->size, t->number, n, s->out.number);
	}
	while (rte_rdtsc() - last < (t->lossy ? QUIET_S : STILL_S) * rte_get_tsc_hz())
		for (unsigned int p = 0; p < t->n_ports; p++)
			if (discard(t->port[p]))
				last = rte_rdtsc();
}

void trial_run(struct trial *t)
{
	const bool alone = t->receiver_cpu < 0;
	pthread_t receiver;

	prepare(t);
	t->sending = 1;
	if (!alone && pthread_create(&receiver, NULL, receiver_main, t))
		bench_fail("no second thread: %m");
	send_all(t, alone);
	if (!alone)
		pthread_join(receiver, NULL);
	t->lossy = !all_received(t);
	for (unsigned int k = 0; k < t->n_streams; k++)
		if (t->stream[k]->in.error)
			bench_fail("%s: %s came out", t->stream[k]->name, t->stream[k]->in.error);
}

static unsigned int flows_seen(const struct stream *s, unsigned int n)
{
	unsigned int seen = 0;

	for (unsigned int k = 0; k < n; k++)
		seen += s->in.seen[k] > 0;
	return seen;
}

void trial_sum(const struct trial *t, struct trial_sum *sum)
{
	const double hz = rte_get_tsc_hz();

	*sum = (struct trial_sum){ .flows = t->n_flows, .seconds = (t->end_tsc - t->begin_tsc) / hz };
	for (unsigned int k = 0; k < t->n_streams; k++) {
		const struct stream *s = t->stream[k];

		sum->offered += s->out.offered;
		sum->sent += s->out.sent;
		sum->refused += s->out.refused;
		sum->late += s->out.late;
		sum->received += s->in.received;
		sum->lost += s->out.sent > s->in.received ? s->out.sent - s->in.received : 0;
		sum->reordered += s->in.reordered;
		sum->flows = RTE_MIN(sum->flows, flows_seen(s, t->n_flows));
		sum->offered_pps += s->out.offered / sum->seconds;
		if (s->in.last_tsc > t->begin_tsc)
			sum->received_pps += s->in.received * hz / (s->in.last_tsc - t->begin_tsc);
	}
}
