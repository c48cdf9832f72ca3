/* SPDX-License-Identifier: BSD-3-Clause */
#include "keypairs.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "handshake.h"

/* s is nobody's current or next any more, for cores neither: it goes after a grace period. NULL is allowed. */
static void retire(struct iface *i, struct session *s)
{
	if (!s)
		return;
	sessions_release(&i->dp->sessions, session_index(s->id));
	session_free_rcu(s);
}

bool keypairs_usable(const struct peer *p)
{
	return p->current && !p->current->receive_only && p->iface->now < p->current->reject_ns;
}

static struct rte_mbuf *staged_take(struct peer *p)
{
	struct rte_mbuf *m = p->staged_head;

	if (!p->n_staged)
		return NULL;
	p->staged_head = pkt_of(m)->next;
	if (!--p->n_staged)
		cds_list_del(&p->of_staged);
	p->iface->n_staged--;
	return m;
}

static void staged_drop_oldest(struct peer *p)
{
	p->iface->staged_dropped++;
	rte_pktmbuf_free(staged_take(p));
}

void staged_add(struct peer *p, struct rte_mbuf *m)
{
	struct iface *i = p->iface;

	if (p->n_staged >= PEER_STAGED_MAX)
		staged_drop_oldest(p);
	else if (i->n_staged >= STAGED_ALL_MAX)
		staged_drop_oldest(cds_list_first_entry(&i->staged_peers, struct peer, of_staged));
	pkt_of(m)->next = NULL;
	if (p->n_staged) {
		pkt_of(p->staged_tail)->next = m;
	} else {
		p->staged_head = m;
		cds_list_add_tail(&p->of_staged, &i->staged_peers);
	}
	p->staged_tail = m;
	p->n_staged++;
	i->n_staged++;
}

void staged_purge(struct peer *p)
{
	while (p->n_staged)
		staged_drop_oldest(p);
}

static void inject(struct peer *p, struct rte_mbuf *m)
{
	pkt_of(m)->inject = PKT_SEAL;
	pkt_of(m)->id = p->current->id;
	if (!dataplane_inject(p->iface->dp, m))
		p->iface->staged_dropped++;
}

void staged_send(struct peer *p)
{
	struct rte_mbuf *m;

	while ((m = staged_take(p)))
		inject(p, m);
}

/*
 * p->current is new, and no core has seen it: first what has waited for it goes to the cores, then they may send with it
 * themselves (outbound.c relies on this order).
 */
static void current_publish(struct peer *p)
{
	staged_send(p);
	rcu_publish(p->dp.current, p->current);
	rcu_publish(p->dp.next, NULL);
}

/* The series of initiations has reached its end: there is a session that works. */
static void handshake_complete(struct peer *p)
{
	handshake_abandon(p);
	p->iface->counted[CONTROL_HANDSHAKES_COMPLETED]++;
	clock_gettime(CLOCK_REALTIME, &p->last_handshake);
	p->handshake_ns = p->iface->now;
	__atomic_fetch_and(&p->dp.calls, ~(uint32_t)PEER_CALL_REKEY, __ATOMIC_RELAXED);
}

static struct session *make_session(struct peer *p, const struct noise_keys *keys, uint32_t remote_index, bool initiator)
{
	const struct wg_times *t = &p->iface->times;
	struct session *s = session_create();

	if (!s)
		return NULL;
	s->peer = &p->dp;
	s->born_ns = p->iface->now;
	s->reject_ns = s->born_ns + t->reject_after;
	s->rekey_tx_ns = initiator ? s->born_ns + t->rekey_after : UINT64_MAX;
	s->rekey_rx_ns = initiator ? s->reject_ns - t->keepalive - t->rekey_timeout : UINT64_MAX;
	s->remote_index = htole32(remote_index);
	s->initiator = initiator;
	memcpy(s->send_key, keys->send, WG_KEY_LEN);
	memcpy(s->receive_key, keys->receive, WG_KEY_LEN);
	return s;
}

/* The responder's: it waits to be confirmed. Theirs before it, if any, never was: its response may have been lost. */
static void become_next(struct peer *p, struct session *s)
{
	struct session *old[] = { p->previous, p->next };

	p->previous = NULL;
	p->next = s;
	rcu_publish(p->dp.next, s);
	retire(p->iface, old[0]);
	retire(p->iface, old[1]);
}

/* The initiator's: it has the responder's word already. */
static void become_current(struct peer *p, struct session *s)
{
	struct session *old[] = { p->previous, NULL };

	if (p->next) {
		/* Theirs and ours crossed: they may send with either. */
		old[1] = p->current;
		p->previous = p->next;
		p->next = NULL;
	} else {
		p->previous = p->current;
	}
	p->current = s;
	handshake_complete(p);
	if (!p->n_staged)
		keepalive_send(p);	/* the responder waits for something, to know that the session works */
	current_publish(p);
	retire(p->iface, old[0]);
	retire(p->iface, old[1]);
}

bool keypairs_add(struct peer *p, const struct noise_keys *keys, uint32_t index, uint32_t remote_index, bool initiator)
{
	struct iface *i = p->iface;
	struct session *s = make_session(p, keys, remote_index, initiator);

	if (!s) {
		sessions_release(&i->dp->sessions, index);
		return false;
	}
	sessions_publish(&i->dp->sessions, s, index);
	p->timers.session_ns = i->now;
	if (initiator)
		become_current(p, s);
	else
		become_next(p, s);
	return true;
}

void keypairs_confirm(struct iface *i, uint64_t session_id)
{
	struct session *s = sessions_get(&i->dp->sessions, session_id), *old;
	struct peer *p;

	if (!s)
		return;
	p = sessions_owner(&i->dp->sessions, session_index(session_id));
	assert(p && &p->dp == s->peer);
	if (s != p->next)
		return;
	old = p->previous;
	p->previous = p->current;
	p->current = p->next;
	p->next = NULL;
	if (!p->current->receive_only) {
		handshake_complete(p);
		current_publish(p);
	}
	retire(i, old);
	iface_look_at(p);
}

void keypairs_stop_sending(struct peer *p)
{
	rcu_publish(p->dp.current, NULL);
	rcu_publish(p->dp.next, NULL);
	if (p->current)
		p->current->receive_only = true;
	if (p->next)
		p->next->receive_only = true;
}

void keypairs_clear(struct peer *p)
{
	struct session *old[] = { p->previous, p->current, p->next };

	rcu_publish(p->dp.current, NULL);
	rcu_publish(p->dp.next, NULL);
	p->previous = p->current = p->next = NULL;
	p->timers.session_ns = 0;
	for (int k = 0; k < 3; k++)
		retire(p->iface, old[k]);
}

void keepalive_send(struct peer *p)
{
	struct rte_mbuf *m;

	if (!keypairs_usable(p)) {
		handshake_initiate(p, false);
		return;
	}
	m = dataplane_alloc(p->iface->dp);
	if (m)
		inject(p, m);
}
