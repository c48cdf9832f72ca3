/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plaintext to the wire. On the core with the RX role:
 *
 *   inner burst -> destination's longest match -> its peer's session -> runs of one session -> one atomic add reserves the
 *   run's counters -> a batch, submitted
 *
 * and on the worker that takes the batch: pad to 16 (never past the MTU), seal, write WireGuard's header and the way to the peer in
 * front, ECN by RFC 6040. A packet whose peer has no usable session goes to the control thread, which starts a handshake and
 * injects it here again.
 */
#include "core.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "ip.h"
#include "messages.h"
#include "protocol.h"

static struct dp_peer *destination(const struct core *c, const struct rte_mbuf *m, const struct ip_view *v)
{
	const uint8_t *dst = rte_pktmbuf_mtod_offset(m, const uint8_t *, v->dst);

	return v->version == 4 ? allowedips_lookup4(c->dp->allowedips, dst) : allowedips_lookup6(c->dp->allowedips, dst);
}

/*
 * What to send to p with; NULL: nothing. The control thread makes a confirmed next session the current one; until it gets to that,
 * cores act as if it had, so that the answer to the first packet of a new session never goes out on an old one that the peer may
 * have lost. (Without a current one there may be staged packets, which go first: then wait for the control thread.)
 */
static struct session *usable_session(const struct core *c, const struct dp_peer *p)
{
	struct session *s = rcu_load(p->current), *next = rcu_load(p->next);

	if (s && next && __atomic_load_n(&next->confirmed, __ATOMIC_ACQUIRE))
		s = next;
	return s && c->now < s->reject_ns ? s : NULL;
}

/* The session to seal m with. NULL: m is gone, dropped or staged. */
static struct session *classify(struct core *c, struct rte_mbuf *m)
{
	struct ip_view v;
	struct dp_peer *p;
	struct session *s;

	if (!ip_parse(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), &v)) {
		core_drop(c, m, DROP_INNER_MALFORMED);
		return NULL;
	}
	p = destination(c, m, &v);
	if (!p) {
		core_drop(c, m, DROP_NO_PEER);
		return NULL;
	}
	s = usable_session(c, p);
	if (!s)
		notify_staged(c, m, p->id);
	return s;
}

/* Gives n packets of one session their counters and puts them into b. */
static void add_run(struct core *c, struct batch *b, struct session *s, struct rte_mbuf **m, unsigned int n)
{
	uint64_t counter;

	if (!nonce_reserve(&s->next_counter, n, &counter)) {
		notify_peer(c, s->peer, PEER_CALL_REKEY);
		for (unsigned int i = 0; i < n; i++)
			core_drop(c, m[i], DROP_EXPIRED_SESSION);
		return;
	}
	if (c->now >= s->rekey_tx_ns || counter + n > WG_REKEY_AFTER_MESSAGES)
		notify_peer(c, s->peer, PEER_CALL_REKEY);
	for (unsigned int i = 0; i < n; i++) {
		struct pkt *pkt = pkt_of(m[i]);

		pkt->id = s->id;
		pkt->counter = counter + i;
		b->m[b->n++] = m[i];
	}
}

static void submit_runs(struct core *c, struct rte_mbuf **m, struct session **s, unsigned int n)
{
	struct batch *b = batch_begin(&c->fifo, BATCH_SEAL);

	for (unsigned int i = 0, first = 0; i < n; i++) {
		if (i + 1 < n && s[i + 1] == s[first])
			continue;
		add_run(c, b, s[first], m + first, i + 1 - first);
		first = i + 1;
	}
	if (b->n)
		core_submit(c, b);
}

/* One burst of what the control thread has for us: at most one batch to seal and one to send. */
static unsigned int inject_burst(struct core *c)
{
	struct rte_mbuf *m[PORT_BURST], *seal[PORT_BURST];
	struct session *s[PORT_BURST];
	unsigned int n = rte_ring_dequeue_burst(c->inject, (void **)m, PORT_BURST, NULL), sealing = 0, sending = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (pkt_of(m[i])->inject == PKT_SEND) {
			m[sending++] = m[i];
			continue;
		}
		s[sealing] = sessions_get(&c->dp->sessions, pkt_of(m[i])->id);
		if (s[sealing])
			seal[sealing++] = m[i];
		else
			core_drop(c, m[i], DROP_STALE_SESSION);
	}
	if (sealing)
		submit_runs(c, seal, s, sealing);
	if (sending) {
		struct batch *b = batch_begin(&c->fifo, BATCH_SEND);

		memcpy(b->m, m, sending * sizeof(m[0]));
		b->n = sending;
		core_submit(c, b);
	}
	return n;
}

static unsigned int inject_poll(struct core *c)
{
	unsigned int n = 0;

	while (!rte_ring_empty(c->inject) && !batch_fifo_full(&c->fifo, 3))
		n += inject_burst(c);
	return n;
}

unsigned int outbound_poll(struct core *c)
{
	struct rte_mbuf *m[PORT_BURST];
	struct session *s[PORT_BURST];
	unsigned int injected = inject_poll(c), kept = 0;
	uint16_t n;

	if (batch_fifo_full(&c->fifo, 3))
		return injected;
	n = port_rx_burst(c->dp->inner, c->queue, m, PORT_BURST);
	if (!n)
		return injected;
	core_stage(c, STAGE_RX);
	counters_add(&c->counters.inner_rx, n);
	for (uint16_t i = 0; i < n; i++) {
		s[kept] = classify(c, m[i]);
		if (s[kept])
			m[kept++] = m[i];
	}
	/*
	 * The control thread injects a peer's staged packets before it publishes the session as current. So those of a session
	 * that we have just seen are in the ring by now, and go first.
	 */
	injected += inject_poll(c);
	if (kept)
		submit_runs(c, m, s, kept);
	core_stage(c, STAGE_CLASSIFY);
	return injected + n;
}

/* How many bytes a packet of `len` is padded to: a multiple of 16, but not past the MTU (whitepaper section 5.4.6). */
static uint32_t padded_len(uint32_t len, uint32_t mtu)
{
	uint32_t padded = (len + WG_PADDING - 1) & ~(uint32_t)(WG_PADDING - 1);

	return padded <= mtu ? padded : len > mtu ? len : mtu;
}

/* Appends padding and room for the tag. False: it does not fit. */
static bool prepare(struct rte_mbuf *m, struct aead_op *op, const struct session *s, uint32_t mtu)
{
	struct pkt *pkt = pkt_of(m);
	uint32_t len = rte_pktmbuf_data_len(m), padded = padded_len(len, mtu);
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (!rte_pktmbuf_append(m, padded - len + WG_TAG_LEN))
		return false;
	pkt->ds = len ? ip_ecn(data) : 0;
	memset(data + len, 0, padded - len);
	op->key = s->send_key;
	op->counter = pkt->counter;
	op->data = data;
	op->len = padded;
	return true;
}

/* WireGuard's header, and what leads to the peer. False: there is no way to it. */
static bool address(struct core *c, struct rte_mbuf *m, const struct session *s)
{
	const struct rewrite *rw = dp_peer_way(s->peer);
	struct wg_data *msg = (struct wg_data *)rte_pktmbuf_prepend(m, sizeof(*msg));

	assert(msg);
	msg->type = htole32(WG_DATA);
	msg->receiver = s->remote_index;
	msg->counter = htole64(pkt_of(m)->counter);
	return rw && c->dp->outer->ops->encap(c->dp->outer, m, rw, pkt_of(m)->ds);
}

void outbound_seal(struct core *c, struct batch *b)
{
	const uint32_t mtu = __atomic_load_n(&c->dp->mtu, __ATOMIC_RELAXED);
	struct session *s = NULL;
	unsigned int n = 0, sent = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->m[i];

		if (!s || s->id != pkt_of(m)->id)
			s = sessions_get(&c->dp->sessions, pkt_of(m)->id);
		if (!s) {
			core_drop(c, m, DROP_STALE_SESSION);
		} else if (!prepare(m, &c->ops[n], s, mtu)) {
			core_drop(c, m, DROP_TX_TOO_BIG);
		} else {
			c->session[n] = s;
			b->m[n++] = m;
		}
	}
	core_stage(c, STAGE_PREPARE);
	aead_seal(c->dp->aead, c->aead, c->ops, n);
	core_stage(c, STAGE_AEAD);

	uint64_t bytes = 0;
	bool data = false;

	for (unsigned int i = 0; i < n; i++) {
		s = c->session[i];
		if (!c->ops[i].ok) {
			core_drop(c, b->m[i], DROP_SEAL_FAILED);
		} else if (!address(c, b->m[i], s)) {
			core_drop(c, b->m[i], DROP_NO_ENDPOINT);
		} else {
			bytes += WG_DATA_MIN_LEN + c->ops[i].len;
			data |= c->ops[i].len > 0;
			b->m[sent++] = b->m[i];
		}
		if (i + 1 < n && c->session[i + 1] == s)
			continue;
		if (bytes)
			note_sent(c, s->peer, bytes, data);
		bytes = 0;
		data = false;
	}
	b->n = sent;
	core_stage(c, STAGE_FINISH);
}
