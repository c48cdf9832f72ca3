/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire to plaintext. On the core with the RX role:
 *
 *   outer burst -> message type and exact length -> types 1 to 3 to the handshake ring; type 4: receiver index to session -> a
 *   batch, submitted
 *
 * and on the worker that takes the batch: open; then, for what is authentic: replay window, endpoint (roaming), key confirmation,
 * the inner source's longest match must be this very peer, padding trimmed by the inner length, ECN by RFC 6040.
 */
#include "core.h"

#include <endian.h>
#include <string.h>

#include "forward.h"
#include "group.h"
#include "ip.h"
#include "messages.h"
#include "protocol.h"

static bool is_handshake(uint32_t type, uint32_t len)
{
	return (type == WG_INITIATION && len == sizeof(struct wg_initiation)) ||
	       (type == WG_RESPONSE && len == sizeof(struct wg_response)) ||
	       (type == WG_COOKIE_REPLY && len == sizeof(struct wg_cookie_reply));
}

/* Is m a data message? Otherwise it is gone: to the control thread, or dropped. */
static bool is_data(struct core *c, struct rte_mbuf *m)
{
	const struct wg_data *msg = rte_pktmbuf_mtod(m, const struct wg_data *);
	const uint32_t len = rte_pktmbuf_data_len(m);
	const uint32_t type = len < sizeof(type) ? 0 : le32toh(msg->type);

	if (type == WG_DATA && len >= WG_DATA_MIN_LEN)
		return true;
	if (is_handshake(type, len))
		notify_handshake(c, m);
	else
		core_drop(c, m, DROP_OUTER_MALFORMED);
	return false;
}

/* The session of a data message. NULL: m is gone. */
static struct session *session_of(struct core *c, struct rte_mbuf *m)
{
	const struct wg_data *msg = rte_pktmbuf_mtod(m, const struct wg_data *);
	struct session *s = sessions_find(&c->dp->sessions, le32toh(msg->receiver));

	if (!s) {
		core_drop(c, m, DROP_UNKNOWN_INDEX);
		return NULL;
	}
	if (c->now >= s->reject_ns || le64toh(msg->counter) >= WG_REJECT_AFTER_MESSAGES) {
		core_drop(c, m, DROP_EXPIRED_SESSION);
		return NULL;
	}
	return s;
}

/* The receiver index of a data message. */
static uint32_t receiver(const struct rte_mbuf *m)
{
	return le32toh(rte_pktmbuf_mtod(m, const struct wg_data *)->receiver);
}

/* Of n messages those that can be opened, with their sessions in c->session. The others go elsewhere, or are dropped. */
static unsigned int classify(struct core *c, struct rte_mbuf **m, unsigned int n)
{
	const struct sessions *t = &c->dp->sessions;
	unsigned int data = 0, kept = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH_AHEAD], void *));
		if (is_data(c, m[i])) {
			sessions_prefetch_slot(t, receiver(m[i]));
			m[data++] = m[i];
		}
	}
	for (unsigned int i = 0; i < data; i++)
		if (i == 0 || receiver(m[i]) != receiver(m[i - 1]))
			sessions_prefetch(t, receiver(m[i]));
	for (unsigned int i = 0; i < data; i++) {
		struct session *s = session_of(c, m[i]);

		if (!s)
			continue;
		c->session[kept] = s;
		m[kept++] = m[i];
	}
	return kept;
}

static void submit_runs(struct core *c, struct batch *b)
{
	group_by_session(b->m, c->session, b->n);
	for (unsigned int first = 0, end; first < b->n; first = end) {
		for (end = first + 1; end < b->n && c->session[end] == c->session[first]; end++)
			;
		batch_add_run(b, c->session[first]->id, 0, end - first);
	}
	core_submit(c, b);
}

unsigned int inbound_poll(struct core *c)
{
	struct batch *b;
	uint16_t n;

	if (batch_fifo_full(&c->fifo, 1))
		return 0;
	b = batch_begin(&c->fifo, BATCH_OPEN);
	n = port_rx_burst(c->dp->outer, c->queue, b->m, PORT_BURST);
	if (!n)
		return 0;
	core_stage(c, STAGE_RX);
	counters_add(&c->counters.outer_rx, n);
	b->n = classify(c, b->m, n);
	if (b->n)
		submit_runs(c, b);
	core_stage(c, STAGE_CLASSIFY);
	return n;
}

/* The vector for the AEAD. What the verdicts will need is fetched meanwhile. */
static void prepare(struct core *c, struct batch *b)
{
	for (unsigned int i = 0; i < b->n; i++) {
		struct wg_data *msg = rte_pktmbuf_mtod(b->m[i], struct wg_data *);
		struct session *s = c->session[i];

		if (i + PREFETCH_AHEAD < b->n)
			rte_prefetch0(rte_pktmbuf_mtod(b->m[i + PREFETCH_AHEAD], void *));
		c->ops[i] = (struct aead_op){
			.key = s->receive_key,
			.counter = le64toh(msg->counter),
			.data = msg->payload,
			.len = rte_pktmbuf_data_len(b->m[i]) - WG_DATA_MIN_LEN,
		};
		if (i == 0 || s != c->session[i - 1])
			replay_prefetch(&s->replay, c->ops[i].counter);
	}
}

/* What one run of packets of a session has done for its peer. */
struct run {
	struct session *s;
	uint64_t bytes;		/* of what was accepted */
	bool authentic, data;
};

/* A burst's packets after they were opened. */
struct opened {
	struct run run[BATCH_MAX];
	struct {
		uint32_t bytes;		/* of the whole message */
		uint8_t run;
		uint8_t source;		/* place in c->query */
	} packet[BATCH_MAX];		/* of those that are still there */
	unsigned int runs, kept, sources;
};

/* A packet of the last run, authentic and new. True: there is plaintext in it, with its source in c->query. */
static bool unwrap(struct core *c, struct rte_mbuf *m, const struct aead_op *op, struct opened *o)
{
	struct run *run = &o->run[o->runs];
	struct ip_view v;

	rte_pktmbuf_adj(m, sizeof(struct wg_data));
	rte_pktmbuf_trim(m, WG_TAG_LEN);
	if (!op->len) {
		run->bytes += WG_DATA_MIN_LEN;
		rte_pktmbuf_free(m);
		return false;
	}
	run->data = true;
	if (!ip_parse(op->data, op->len, &v)) {
		core_drop(c, m, DROP_DECRYPTED_MALFORMED);
		return false;
	}
	rte_pktmbuf_trim(m, op->len - v.len);
	o->packet[o->kept].source = allowedips_query_add(c->query, &o->sources, op->data + v.src, v.version == 6);
	return true;
}

/* Packets [first, end), all of one session: what is authentic, and new, and not empty joins o. */
static void verify_run(struct core *c, struct batch *b, unsigned int first, unsigned int end, struct opened *o)
{
	struct session *s = c->session[first];
	struct run *run = &o->run[o->runs];
	const struct rewrite *rw = dp_peer_way(s->peer);
	uint64_t counter[BATCH_MAX], accepted;
	unsigned int n = 0;

	*run = (struct run){ .s = s };
	for (unsigned int i = first; i < end; i++) {
		if (!c->ops[i].ok) {
			core_drop(c, b->m[i], DROP_AUTH_FAILED);
			continue;
		}
		counter[n] = c->ops[i].counter;
		c->ops[first + n] = c->ops[i];
		b->m[first + n++] = b->m[i];
	}
	accepted = replay_accept_burst(&s->replay, counter, n);
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = b->m[first + i];

		if (!(accepted >> i & 1)) {
			core_drop(c, m, DROP_REPLAYED);
			continue;
		}
		if (!rw || !endpoint_equal(&rw->ep, &pkt_of(m)->ep)) {
			notify_roamed(c, s->peer, m);
			rw = dp_peer_way(s->peer);
		}
		if (unwrap(c, m, &c->ops[first + i], o)) {
			o->packet[o->kept].bytes = WG_DATA_MIN_LEN + c->ops[first + i].len;
			o->packet[o->kept].run = o->runs;
			b->m[o->kept++] = m;
		}
	}
	run->authentic = accepted != 0;
	o->runs++;
}

/* Opened packets: those whose source belongs to their peer stay in b. */
static void admit(struct core *c, struct batch *b, struct opened *o)
{
	unsigned int kept = 0;

	allowedips_lookup_bulk(c->dp->allowedips, c->query, o->sources);
	for (unsigned int k = 0; k < o->kept; k++) {
		struct run *run = &o->run[o->packet[k].run];
		struct rte_mbuf *m = b->m[k];

		if (c->query[o->packet[k].source].peer != run->s->peer) {
			notify_peer(c, run->s->peer, PEER_CALL_UNALLOWED);
			core_drop(c, m, DROP_UNALLOWED_SRC);
		} else if (!ip_ecn_decapsulate(rte_pktmbuf_mtod(m, uint8_t *), pkt_of(m)->ds)) {
			core_drop(c, m, DROP_ECN_INVALID);
		} else {
			run->bytes += o->packet[k].bytes;
			b->m[kept++] = m;
		}
	}
	b->n = kept;
}

static void note_run(struct core *c, const struct run *run)
{
	if (!run->authentic)
		return;
	notify_confirmed(c, run->s);
	note_received(c, run->s->peer, run->bytes, run->data);
	if (c->now >= run->s->rekey_rx_ns)
		notify_peer(c, run->s->peer, PEER_CALL_REKEY);
}

void inbound_open(struct core *c, struct batch *b)
{
	struct opened o;

	o.runs = o.kept = o.sources = 0;
	core_find_sessions(c, b);
	prepare(c, b);
	core_stage(c, STAGE_PREPARE);
	aead_open(c->dp->aead, c->aead, c->ops, b->n);
	core_stage(c, STAGE_AEAD);
	for (unsigned int first = 0, end; first < b->n; first = end) {
		for (end = first + 1; end < b->n && c->session[end] == c->session[first]; end++)
			;
		verify_run(c, b, first, end, &o);
	}
	admit(c, b, &o);
	if (c->dp->lan)
		forward_opened(c, b);
	for (unsigned int i = 0; i < o.runs; i++)
		note_run(c, &o.run[i]);
	core_stage(c, STAGE_FINISH);
}
