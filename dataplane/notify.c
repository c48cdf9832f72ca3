/* SPDX-License-Identifier: BSD-3-Clause */
#include "core.h"

#include <assert.h>
#include <string.h>

#include <rte_ring_elem.h>

static bool post(struct core *c, const struct event *e)
{
	if (rte_ring_enqueue_elem(c->dp->events, (void *)(uintptr_t)e, sizeof(*e)) != 0) {
		counters_add(&c->counters.drop[DROP_EVENT_FULL], 1);
		return false;
	}
	doorbell_ring(&c->dp->control);
	return true;
}

/* True for the one core that may go on; until the control thread has cleared the latch, for no other. */
static bool latch(struct dp_peer *p, enum peer_call call)
{
	return !(__atomic_load_n(&p->calls, __ATOMIC_RELAXED) & call) &&
	       !(__atomic_fetch_or(&p->calls, call, __ATOMIC_ACQ_REL) & call);
}

bool notify_peer(struct core *c, struct dp_peer *p, enum peer_call call)
{
	const struct event e = { .kind = EVENT_PEER, .calls = call, .id = p->id };

	if (!latch(p, call) || post(c, &e))
		return true;
	__atomic_fetch_and(&p->calls, ~(uint32_t)call, __ATOMIC_RELAXED);
	return false;
}

void notify_roamed(struct core *c, struct dp_peer *p, const struct rte_mbuf *m)
{
	const struct event e = { .kind = EVENT_PEER, .calls = PEER_CALL_ROAMED, .id = p->id };

	if (!latch(p, PEER_CALL_ROAMED))
		return;
	memset(&p->roamed, 0, sizeof(p->roamed));
	c->dp->outer->ops->way_back(c->dp->outer, m, &p->roamed);
	__atomic_store_n(&p->roamed_valid, 1, __ATOMIC_RELEASE);
	post(c, &e);	/* where that fails, the peer's timers make the control thread look */
}

void notify_confirmed(struct core *c, struct session *s)
{
	const struct event e = { .kind = EVENT_CONFIRMED, .id = s->id };

	if (__atomic_load_n(&s->confirmed, __ATOMIC_RELAXED) || __atomic_exchange_n(&s->confirmed, 1, __ATOMIC_RELEASE))
		return;
	if (!post(c, &e))
		__atomic_store_n(&s->confirmed, 0, __ATOMIC_RELAXED);
}

void notify_handshake(struct core *c, struct rte_mbuf *m)
{
	struct handshake_packet h = { .came_ns = c->now, .len = rte_pktmbuf_data_len(m), .core = c->id };

	assert(h.len <= sizeof(h.msg));
	memcpy(&h.msg, rte_pktmbuf_mtod(m, void *), h.len);
	c->dp->outer->ops->way_back(c->dp->outer, m, &h.back);
	if (rte_ring_enqueue_elem(c->dp->handshakes, &h, sizeof(h)) != 0) {
		core_drop(c, m, DROP_HANDSHAKE_FULL);
		return;
	}
	rte_pktmbuf_free(m);
	doorbell_ring(&c->dp->control);
}

void notify_staged(struct core *c, struct rte_mbuf *m, uint64_t peer)
{
	pkt_of(m)->id = peer;
	pkt_of(m)->core = c->id;
	if (rte_ring_enqueue(c->dp->staged, m) != 0)
		core_drop(c, m, DROP_STAGE_FULL);
	else
		doorbell_ring(&c->dp->control);
}

static uint64_t load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/*
 * The first data since something went the other way: its time stamp may have to arm a timer. It is in place before the latch is looked at,
 * and the control thread clears the latch before it looks at the stamp. Where it cannot be told, the next data is the first.
 */
static void note_first_data(struct core *c, struct dp_peer *p, uint64_t *data_ns, const uint64_t *other_way_ns)
{
	const uint64_t before = load(data_ns);

	if (before > load(other_way_ns))
		return;
	store(data_ns, c->now);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!notify_peer(c, p, PEER_CALL_TIMERS))
		store(data_ns, before);
}

void note_sent(struct core *c, struct dp_peer *p, uint64_t bytes, bool data)
{
	__atomic_fetch_add(&p->tx_bytes, bytes, __ATOMIC_RELAXED);
	store(&p->tx_any_ns, c->now);
	if (data)
		note_first_data(c, p, &p->tx_data_ns, &p->rx_any_ns);
}

void note_received(struct core *c, struct dp_peer *p, uint64_t bytes, bool data)
{
	__atomic_fetch_add(&p->rx_bytes, bytes, __ATOMIC_RELAXED);
	store(&p->rx_any_ns, c->now);
	if (data)
		note_first_data(c, p, &p->rx_data_ns, &p->tx_any_ns);
}
