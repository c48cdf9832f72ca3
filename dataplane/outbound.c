/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plaintext to the wire. On the core with the RX role:
 *
 *   LAN burst -> forward.c: what needs no router's judgement, the rest to the host ->
 *   inner burst -> destinations' longest matches -> their peers' sessions -> runs of one session -> one atomic add reserves
 *   a run's counters -> a batch, submitted
 *
 * and on the worker that takes the batch: pad to 16 (never past the MTU), seal, write WireGuard's header and the way to the peer in
 * front, ECN by RFC 6040. A packet whose peer has no usable session goes to the control thread, which starts a handshake and
 * injects it here again.
 */
#include "core.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "forward.h"
#include "group.h"
#include "ip.h"
#include "messages.h"
#include "protocol.h"

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

/* What a burst is on its way to its sessions. */
struct destinations {
	unsigned int n;				/* destinations in c->query */
	uint8_t of[PORT_BURST];			/* each packet's */
	struct session *session[PORT_BURST];	/* of each destination; NULL: none usable, or no peer */
};

/* Of n packets those that are IP; their destinations become c->query. */
static unsigned int parse(struct core *c, struct rte_mbuf **m, unsigned int n, struct destinations *d)
{
	unsigned int kept = 0;

	d->n = 0;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *data = rte_pktmbuf_mtod(m[i], const uint8_t *);
		struct ip_view v;

		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH_AHEAD], void *));
		if (!ip_parse(data, rte_pktmbuf_data_len(m[i]), &v)) {
			core_drop(c, m[i], DROP_INNER_MALFORMED);
			continue;
		}
		d->of[kept] = allowedips_query_add(c->query, &d->n, data + v.dst, v.version == 6);
		m[kept++] = m[i];
	}
	return kept;
}

static struct dp_peer *peer_of(const struct core *c, unsigned int destination)
{
	return c->query[destination].peer;
}

/* The destinations' peers, then their sessions. What they are read from is fetched for all, before it is looked at one by one. */
static void find_sessions(struct core *c, struct destinations *d)
{
	allowedips_lookup_bulk(c->dp->allowedips, c->query, d->n);
	for (unsigned int i = 0; i < d->n && d->n > 1; i++)
		rte_prefetch0(peer_of(c, i));
	for (unsigned int i = 0; i < d->n; i++) {
		struct session *s = peer_of(c, i) ? rcu_load(peer_of(c, i)->current) : NULL;

		if (!s)
			continue;
		rte_prefetch0(s);
		__builtin_prefetch(&s->next_counter, 1);
	}
	for (unsigned int i = 0; i < d->n; i++)
		d->session[i] = peer_of(c, i) ? usable_session(c, peer_of(c, i)) : NULL;
}

/* Of n packets those that can be sealed; the sessions to do it with become c->session. The others are dropped or staged. */
static unsigned int classify(struct core *c, struct rte_mbuf **m, unsigned int n)
{
	struct destinations d;
	unsigned int kept = 0;

	n = parse(c, m, n, &d);
	find_sessions(c, &d);
	for (unsigned int i = 0; i < n; i++) {
		struct session *s = d.session[d.of[i]];

		if (s) {
			c->session[kept] = s;
			m[kept++] = m[i];
		} else if (peer_of(c, d.of[i])) {
			notify_staged(c, m[i], peer_of(c, d.of[i])->id);
		} else {
			core_drop(c, m[i], DROP_NO_PEER);
		}
	}
	return kept;
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
	batch_add_run(b, s->id, counter, n);
	memcpy(b->m + b->n, m, n * sizeof(m[0]));
	b->n += n;
}

static void submit_runs(struct core *c, struct rte_mbuf **m, struct session **s, unsigned int n)
{
	struct batch *b = batch_begin(&c->fifo, BATCH_SEAL);

	group_by_session(m, s, n);
	for (unsigned int first = 0, end; first < n; first = end) {
		for (end = first + 1; end < n && s[end] == s[first]; end++)
			;
		add_run(c, b, s[first], m + first, end - first);
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

/* One burst of a port's plaintext: the host's, or the LAN's, of which the host may have to have some. */
static unsigned int plaintext_poll(struct core *c, struct port *port)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned int n, kept, injected;

	if (batch_fifo_full(&c->fifo, OUTBOUND_ROOM))
		return 0;
	n = port_rx_burst(port, c->queue, m, PORT_BURST);
	if (!n)
		return 0;
	core_stage(c, STAGE_RX);
	if (port == c->dp->inner)
		counters_add(&c->counters.inner_rx, n);
	kept = port == c->dp->lan ? forward_from_lan(c, m, n) : n;
	kept = classify(c, m, kept);
	/*
	 * The control thread injects a peer's staged packets before it publishes the session as current. So those of a session
	 * that we have just seen are in the ring by now, and go first: there is room for all that a peer may have.
	 */
	injected = inject_poll(c);
	if (kept)
		submit_runs(c, m, c->session, kept);
	core_stage(c, STAGE_CLASSIFY);
	return injected + n;
}

unsigned int outbound_poll(struct core *c)
{
	unsigned int n = inject_poll(c);

	n += plaintext_poll(c, c->dp->inner);
	if (c->dp->lan)
		n += plaintext_poll(c, c->dp->lan);
	return n;
}

/* How many bytes a packet of `len` is padded to: a multiple of 16, but not past the MTU (whitepaper section 5.4.6). */
static uint32_t padded_len(uint32_t len, uint32_t mtu)
{
	uint32_t padded = (len + WG_PADDING - 1) & ~(uint32_t)(WG_PADDING - 1);

	return padded <= mtu ? padded : len > mtu ? len : mtu;
}

/* Appends padding and room for the tag. False: it does not fit. */
static bool prepare(struct rte_mbuf *m, struct aead_op *op, const struct session *s, uint64_t counter, uint32_t mtu)
{
	uint32_t len = rte_pktmbuf_data_len(m), padded = padded_len(len, mtu);
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (!rte_pktmbuf_append(m, padded - len + WG_TAG_LEN))
		return false;
	pkt_of(m)->ds = len ? ip_ecn(data) : 0;
	memset(data + len, 0, WG_PADDING);	/* all there may be of it, in one store; the tag is not there yet */
	op->key = s->send_key;
	op->counter = counter;
	op->data = data;
	op->len = padded;
	return true;
}

_Static_assert((int)WG_PADDING <= (int)WG_TAG_LEN, "padding is written where there is room for the tag");

/* Where something is written in front of the packet, and behind it. */
static void prefetch_ends(const struct rte_mbuf *m)
{
	const char *data = rte_pktmbuf_mtod(m, const char *);

	__builtin_prefetch(data - sizeof(struct wg_data), 1);
	__builtin_prefetch(data, 1);
	__builtin_prefetch(data + rte_pktmbuf_data_len(m), 1);
}

/* The vector for the AEAD; packets that do not fit are dropped. */
static void prepare_all(struct core *c, struct batch *b)
{
	const uint32_t mtu = __atomic_load_n(&c->dp->mtu, __ATOMIC_RELAXED);
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		if (i + PREFETCH_AHEAD < b->n)
			prefetch_ends(b->m[i + PREFETCH_AHEAD]);
		if (!prepare(b->m[i], &c->ops[n], c->session[i], c->ops[i].counter, mtu)) {
			core_drop(c, b->m[i], DROP_TX_TOO_BIG);
			continue;
		}
		c->session[n] = c->session[i];
		b->m[n++] = b->m[i];
	}
	b->n = n;
}

/* WireGuard's header, and what leads to the peer. False: there is no way to it. */
static bool address(struct core *c, struct rte_mbuf *m, const struct session *s, uint64_t counter, const struct rewrite *rw)
{
	struct wg_data *msg = (struct wg_data *)rte_pktmbuf_prepend(m, sizeof(*msg));

	assert(msg);
	msg->type = htole32(WG_DATA);
	msg->receiver = s->remote_index;
	msg->counter = htole64(counter);
	return rw && c->dp->outer->ops->encap(c->dp->outer, m, rw, pkt_of(m)->ds);
}

/* What has been sealed of one session, from `first` on: addressed, accounted for. Those that can go are put at `sent`; returns where they end. */
static unsigned int finish_run(struct core *c, struct batch *b, unsigned int first, unsigned int end, unsigned int sent)
{
	const struct session *s = c->session[first];
	const struct rewrite *rw = dp_peer_way(s->peer);
	uint64_t bytes = 0;
	bool data = false;

	for (unsigned int i = first; i < end; i++) {
		if (!c->ops[i].ok) {
			core_drop(c, b->m[i], DROP_SEAL_FAILED);
		} else if (!address(c, b->m[i], s, c->ops[i].counter, rw)) {
			core_drop(c, b->m[i], DROP_NO_ENDPOINT);
		} else {
			bytes += WG_DATA_MIN_LEN + c->ops[i].len;
			data |= c->ops[i].len > 0;
			b->m[sent++] = b->m[i];
		}
	}
	if (bytes)
		note_sent(c, s->peer, bytes, data);
	return sent;
}

void outbound_seal(struct core *c, struct batch *b)
{
	unsigned int sent = 0;

	core_find_sessions(c, b);
	prepare_all(c, b);
	core_stage(c, STAGE_PREPARE);
	aead_seal(c->dp->aead, c->aead, c->ops, b->n);
	core_stage(c, STAGE_AEAD);
	for (unsigned int first = 0, end; first < b->n; first = end) {
		for (end = first + 1; end < b->n && c->session[end] == c->session[first]; end++)
			;
		sent = finish_run(c, b, first, end, sent);
	}
	b->n = sent;
	core_stage(c, STAGE_FINISH);
}
