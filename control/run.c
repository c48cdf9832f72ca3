/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One round of the control thread for an interface: what the cores have put on the rings (events about peers, packets without a
 * session, handshake messages), then the timers of the peers whose deadline has come. Each part is bounded, so that a flood in
 * one leaves time for the others.
 */
#include "iface.h"

#include <string.h>

#include <rte_ring_elem.h>

#include "handshake.h"
#include "keypairs.h"
#include "lan.h"
#include "protocol.h"
#include "roam.h"

enum {
	EVENTS_PER_ROUND = 256,
	STAGED_PER_ROUND = 256,
	HANDSHAKES_PER_ROUND = 64,	/* a MAC or two each, and then a job */
	JOBS_PER_ROUND = 16,		/* each costs one to three curve operations: events must not wait for many */
	TIMERS_PER_ROUND = 64,
};

/* The earliest deadline of the peer's timers, after what has changed. */
static unsigned int look_at_timers(struct peer *p)
{
	uint64_t next;
	unsigned int due;

	p->timers.rx_any_ns = counters_read(&p->dp.rx_any_ns);
	p->timers.tx_any_ns = counters_read(&p->dp.tx_any_ns);
	p->timers.tx_data_ns = counters_read(&p->dp.tx_data_ns);
	p->timers.rx_data_ns = counters_read(&p->dp.rx_data_ns);
	due = timers_due(&p->timers, &p->iface->times, p->iface->now, &next);
	heap_set(&p->iface->deadlines, &p->deadline, due ? p->iface->now : next);
	return due;
}

void iface_look_at(struct peer *p)
{
	look_at_timers(p);
}

static void retry_handshake(struct peer *p)
{
	struct iface *i = p->iface;

	if (p->unsent)
		log_limited(&i->limit.retry, i->now, LOG_NOTICE, i->name, "No way to the endpoint of peer %s, retrying", p->short_key);
	else if (p->attempts)
		log_limited(&i->limit.retry, i->now, LOG_NOTICE, i->name,
			    "Handshake for peer %s did not complete after 5 seconds, retrying", p->short_key);
	roam_forget_source(p);
	roam_resolve_again(p);
	handshake_initiate(p, true);
}

static void give_up(struct peer *p)
{
	log_limited(&p->iface->limit.give_up, p->iface->now, LOG_NOTICE, p->iface->name,
		    "Handshake for peer %s did not complete after %u attempts, giving up", p->short_key, p->attempts);
	handshake_abandon(p);
	staged_purge(p);
	__atomic_store_n(&p->dp.tx_data_ns, 0, __ATOMIC_RELAXED);	/* data sent meanwhile was part of it: no new series for that */
	__atomic_fetch_and(&p->dp.calls, ~(uint32_t)PEER_CALL_REKEY, __ATOMIC_RELAXED);
}

static void clear_call(struct peer *p, enum peer_call call)
{
	__atomic_fetch_and(&p->dp.calls, ~(uint32_t)call, __ATOMIC_RELEASE);
}

static void roam_unlatch(struct rcu_head *head)
{
	rcu_callback();
	clear_call(caa_container_of(head, struct peer, roam_rcu), PEER_CALL_ROAMED);
}

/*
 * Cores use p->dp.roamed already. Once it is published as the peer's endpoint it is theirs to fill again, but for those that may
 * still be reading it: so the latch is cleared a grace period later. (A peer that is removed meanwhile is freed after that.)
 */
static void follow_roaming(struct peer *p)
{
	const struct rewrite *rw = &p->dp.roamed;

	if (!__atomic_load_n(&p->dp.roamed_valid, __ATOMIC_ACQUIRE))
		return;
	outer_set_endpoint(p->iface->outer, p, &rw->ep, rw);
	__atomic_store_n(&p->dp.roamed_valid, 0, __ATOMIC_RELEASE);
	call_rcu(&p->roam_rcu, roam_unlatch);
}

static void run_timers(struct peer *p)
{
	unsigned int due = look_at_timers(p);

	follow_roaming(p);
	if (due & TIMER_ZERO_KEYS) {
		keypairs_clear(p);
		if (!p->timers.attempt_ns)
			handshake_abandon(p);
	}
	if (due & TIMER_GIVE_UP)
		give_up(p);
	if (due & TIMER_RETRY)
		retry_handshake(p);
	if (due & TIMER_NEW_HANDSHAKE) {
		log_line(LOG_DEBUG, p->iface->name, "peer %s has not answered data, new handshake", p->short_key);
		__atomic_store_n(&p->dp.tx_data_ns, 0, __ATOMIC_RELAXED);
		roam_forget_source(p);
		handshake_initiate(p, false);
	}
	if (due & TIMER_KEEPALIVE)
		__atomic_store_n(&p->dp.rx_data_ns, 0, __ATOMIC_RELAXED);
	if (due & TIMER_PERSISTENT) {
		p->timers.persistent_ns = p->iface->now;
		p->timers.persistent_now = 0;
	}
	if (due & (TIMER_KEEPALIVE | TIMER_PERSISTENT))
		keepalive_send(p);
	/* Cores call again only once the latch is clear; what they noted before that is seen by the look after it. */
	p->timers.look_ns = 0;
	__atomic_fetch_and(&p->dp.calls, ~(uint32_t)(PEER_CALL_TIMERS | PEER_CALL_UNALLOWED), __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	look_at_timers(p);
}

static void look_soon(struct peer *p)
{
	if (!p->timers.look_ns)
		p->timers.look_ns = p->iface->now + p->iface->times.keepalive;
}

/* Cores may call on account of a session that has been replaced since. */
static bool rekey_due(const struct peer *p)
{
	const struct session *s = p->current;

	return !s || p->iface->now >= s->rekey_tx_ns || counters_read(&s->next_counter) > WG_REKEY_AFTER_MESSAGES;
}

static void peer_called(struct peer *p, const struct event *e)
{
	struct iface *i = p->iface;

	switch ((enum peer_call)e->calls) {
	case PEER_CALL_TIMERS:
		look_soon(p);	/* the latch stays until then: what is noted meanwhile is seen by that look */
		break;
	case PEER_CALL_REKEY:
		/* The latch stays until there is a new session, or the series is given up. */
		if (rekey_due(p))
			handshake_initiate(p, false);
		if (!p->timers.attempt_ns)
			clear_call(p, PEER_CALL_REKEY);
		break;
	case PEER_CALL_ROAMED:
		break;		/* followed below */
	case PEER_CALL_UNALLOWED:
		log_limited(&i->limit.unallowed, i->now, LOG_NOTICE, i->name, "Packet has unallowed src IP from peer %s",
			    p->short_key);
		look_soon(p);	/* and not before that said again */
		break;
	}
	follow_roaming(p);
	look_at_timers(p);
}

static bool run_events(struct iface *i)
{
	struct event e;

	for (int n = 0; n < EVENTS_PER_ROUND; n++) {
		struct peer *p;

		if (rte_ring_dequeue_elem(i->dp->events, &e, sizeof(e)) != 0)
			return false;
		if (e.kind == EVENT_CONFIRMED)
			keypairs_confirm(i, e.id);
		else if ((p = peers_get(&i->peers, e.id)))
			peer_called(p, &e);
	}
	return true;
}

static bool run_staged(struct iface *i)
{
	void *m;

	for (int n = 0; n < STAGED_PER_ROUND; n++) {
		struct peer *p;

		if (rte_ring_dequeue(i->dp->staged, &m) != 0)
			return false;
		p = peers_get(&i->peers, pkt_of(m)->id);
		if (!p) {
			rte_pktmbuf_free(m);
			continue;
		}
		staged_add(p, m);
		if (keypairs_usable(p))
			staged_send(p);		/* one came to be while the packet was on its way here */
		else
			handshake_initiate(p, false);
		look_at_timers(p);
	}
	return true;
}

static bool run_handshakes(struct iface *i)
{
	struct handshake_packet h;

	for (int n = 0; n < HANDSHAKES_PER_ROUND && handshake_ready(i); n++) {
		if (rte_ring_dequeue_elem(i->dp->handshakes, &h, sizeof(h)) != 0)
			return false;
		handshake_receive(i, &h, rte_ring_count(i->dp->handshakes));
	}
	return true;
}

static bool run_deadlines(struct iface *i, uint64_t *next)
{
	struct heap_entry *e = NULL;

	for (int n = 0; n < TIMERS_PER_ROUND; n++) {
		e = heap_first(&i->deadlines);
		if (!e || e->at > i->now)
			break;
		run_timers(caa_container_of(e, struct peer, deadline));
	}
	e = heap_first(&i->deadlines);
	*next = e ? e->at : UINT64_MAX;
	return *next <= i->now;
}

static void look_at_port(struct iface *i, const struct port *p, const char *what)
{
	int error = __atomic_load_n(&p->error, __ATOMIC_RELAXED);

	if (!error || (i->state != IFACE_STARTING && i->state != IFACE_UP))
		return;
	i->state = p == i->inner ? IFACE_GONE : IFACE_FAILED;
	if (p == i->inner && error == EBADFD)	/* netlink has not told us yet, or cannot: it was in another namespace */
		log_line(LOG_NOTICE, i->name, "the interface was deleted");
	else
		log_line(LOG_ERR, i->name, "the %s is gone: %s", what, strerror(error));
}

bool iface_run(struct iface *i, uint64_t now, uint64_t *next)
{
	bool more = false;
	uint64_t tick, manager;

	i->now = now;
	more |= run_staged(i);	/* before a session is published, on which newer packets would go out first */
	more |= run_events(i);
	more |= run_handshakes(i);
	more |= handshake_work(i, JOBS_PER_ROUND);
	manager = i->manager ? i->manager->tick(i, now) : UINT64_MAX;
	more |= run_deadlines(i, next);		/* also those that a change has brought just now */
	if (manager < *next)
		*next = manager;
	tick = outer_tick(i->outer, now);
	if (tick < *next)
		*next = tick;
	tick = lan_tick(i->lan, now);
	if (tick < *next)
		*next = tick;
	tick = roam_tick(i);
	if (tick < *next)
		*next = tick;
	look_at_port(i, i->inner, "interface");
	look_at_port(i, outer_port(i->outer), "outer device");
	if (i->lan)
		look_at_port(i, lan_port(i->lan), "LAN device");
	return more;
}

bool iface_arm(struct iface *i)
{
	doorbell_arm(&i->dp->control);
	return !rte_ring_empty(i->dp->events) || !rte_ring_empty(i->dp->staged) ||
	       !rte_ring_empty(i->dp->handshakes) || jobs_for_control(&i->dp->jobs) || (i->lan && !rte_ring_empty(i->dp->questions));
}

void iface_disarm(struct iface *i)
{
	doorbell_disarm(&i->dp->control);
}
