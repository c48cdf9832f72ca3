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

#include "ip.h"
#include "messages.h"
#include "protocol.h"

static bool is_handshake(uint32_t type, uint32_t len)
{
	return (type == WG_INITIATION && len == sizeof(struct wg_initiation)) ||
	       (type == WG_RESPONSE && len == sizeof(struct wg_response)) ||
	       (type == WG_COOKIE_REPLY && len == sizeof(struct wg_cookie_reply));
}

/* The session of a data message. NULL: m is gone. */
static struct session *classify(struct core *c, struct rte_mbuf *m)
{
	const struct wg_data *msg = rte_pktmbuf_mtod(m, const struct wg_data *);
	uint32_t len = rte_pktmbuf_data_len(m), type;
	struct session *s;

	if (len < sizeof(type)) {
		core_drop(c, m, DROP_OUTER_MALFORMED);
		return NULL;
	}
	type = le32toh(msg->type);
	if (type != WG_DATA || len < WG_DATA_MIN_LEN) {
		if (is_handshake(type, len))
			notify_handshake(c, m);
		else
			core_drop(c, m, DROP_OUTER_MALFORMED);
		return NULL;
	}
	s = sessions_find(&c->dp->sessions, le32toh(msg->receiver));
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

unsigned int inbound_poll(struct core *c)
{
	struct rte_mbuf *m[PORT_BURST];
	struct batch *b;
	uint16_t n;

	if (batch_fifo_full(&c->fifo, 1))
		return 0;
	n = port_rx_burst(c->dp->outer, c->queue, m, PORT_BURST);
	if (!n)
		return 0;
	core_stage(c, STAGE_RX);
	counters_add(&c->counters.outer_rx, n);
	b = batch_begin(&c->fifo, BATCH_OPEN);
	for (uint16_t i = 0; i < n; i++) {
		struct session *s = classify(c, m[i]);

		if (!s)
			continue;
		pkt_of(m[i])->id = s->id;
		b->m[b->n++] = m[i];
	}
	if (b->n)
		core_submit(c, b);
	core_stage(c, STAGE_CLASSIFY);
	return n;
}

/*
 * The plaintext in m, which has been opened and is new: is it a packet that this peer may send? False: m is to be dropped for *why. A
 * true packet is trimmed to its own length.
 */
static bool admit(struct core *c, struct rte_mbuf *m, const struct dp_peer *p, enum drop_reason *why)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	struct ip_view v;
	void *owner;

	if (!ip_parse(data, rte_pktmbuf_data_len(m), &v)) {
		*why = DROP_DECRYPTED_MALFORMED;
		return false;
	}
	owner = v.version == 4 ? allowedips_lookup4(c->dp->allowedips, data + v.src) :
				 allowedips_lookup6(c->dp->allowedips, data + v.src);
	if (owner != p) {
		*why = DROP_UNALLOWED_SRC;
		return false;
	}
	if (!ip_ecn_decapsulate(data, pkt_of(m)->ds)) {
		*why = DROP_ECN_INVALID;
		return false;
	}
	rte_pktmbuf_trim(m, rte_pktmbuf_data_len(m) - v.len);
	return true;
}

/* What one run of packets of a session has done for its peer. */
struct run {
	uint64_t bytes;		/* of what was accepted */
	bool authentic, data;
};

/* One opened packet. True: it goes on to the inner port. */
static bool receive(struct core *c, struct rte_mbuf *m, struct session *s, const struct aead_op *op, struct run *run)
{
	const struct rewrite *rw;
	enum drop_reason why;

	if (!op->ok) {
		core_drop(c, m, DROP_AUTH_FAILED);
		return false;
	}
	if (!replay_accept(&s->replay, op->counter)) {
		core_drop(c, m, DROP_REPLAYED);
		return false;
	}
	run->authentic = true;
	notify_confirmed(c, s);
	rw = dp_peer_way(s->peer);
	if (!rw || !endpoint_equal(&rw->ep, &pkt_of(m)->ep))
		notify_roamed(c, s->peer, m);
	rte_pktmbuf_adj(m, sizeof(struct wg_data));
	rte_pktmbuf_trim(m, WG_TAG_LEN);
	if (!op->len) {
		run->bytes += WG_DATA_MIN_LEN;
		rte_pktmbuf_free(m);
		return false;
	}
	run->data = true;
	if (!admit(c, m, s->peer, &why)) {
		if (why == DROP_UNALLOWED_SRC)
			notify_peer(c, s->peer, PEER_CALL_UNALLOWED);
		core_drop(c, m, why);
		return false;
	}
	run->bytes += WG_DATA_MIN_LEN + op->len;
	return true;
}

/* Fills the vector for the AEAD; returns how many sessions are still there. */
static unsigned int prepare(struct core *c, struct batch *b)
{
	struct session *s = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->m[i];
		struct wg_data *msg = rte_pktmbuf_mtod(m, struct wg_data *);

		if (!s || s->id != pkt_of(m)->id)
			s = sessions_get(&c->dp->sessions, pkt_of(m)->id);
		if (!s) {
			core_drop(c, m, DROP_STALE_SESSION);
			continue;
		}
		c->ops[n] = (struct aead_op){
			.key = s->receive_key,
			.counter = le64toh(msg->counter),
			.data = msg->payload,
			.len = rte_pktmbuf_data_len(m) - WG_DATA_MIN_LEN,
		};
		c->session[n] = s;
		b->m[n++] = m;
	}
	return n;
}

void inbound_open(struct core *c, struct batch *b)
{
	unsigned int n = prepare(c, b), kept = 0;
	struct run run = { 0 };

	core_stage(c, STAGE_PREPARE);
	aead_open(c->dp->aead, c->aead, c->ops, n);
	core_stage(c, STAGE_AEAD);
	for (unsigned int i = 0; i < n; i++) {
		struct session *s = c->session[i];

		if (receive(c, b->m[i], s, &c->ops[i], &run))
			b->m[kept++] = b->m[i];
		if (i + 1 < n && c->session[i + 1] == s)
			continue;
		if (run.authentic) {
			note_received(c, s->peer, run.bytes, run.data);
			if (c->now >= s->rekey_rx_ns)
				notify_peer(c, s->peer, PEER_CALL_REKEY);
		}
		run = (struct run){ 0 };
	}
	b->n = kept;
	core_stage(c, STAGE_FINISH);
}
