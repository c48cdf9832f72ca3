/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions (the whitepaper's transport keys, section 5.4.5) and the table that finds them by receiver index; and the part of a peer that
 * data cores see.
 *
 * An index is 32 random bits whose low bits are also its slot in the table, so a lookup is one load. An id is the index plus a
 * generation that never repeats: what is queued carries an id, and a session that was replaced in between is not found.
 *
 *   operation x operation   | find, get (data cores)  | reserve, publish, release (control)
 *   find, get               | nobody synchronises     | RCU
 *   reserve, ...            | RCU                     | one thread
 */
#ifndef WGDP_SESSION_H
#define WGDP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"
#include "nonce.h"
#include "port.h"
#include "rcu.h"
#include "replay.h"

#define CACHE_LINE 64

struct session;

/*
 * Reasons for a core to call on the control thread about a peer; a latch each, so that one is queued once. The control thread clears TIMERS and
 * UNALLOWED when it looks at the peer's timers, 10 s later at most; REKEY when there is a new session, or none is to be had; ROAMED see below.
 */
enum peer_call {
	PEER_CALL_TIMERS = 1,	/* a timer may have to be armed: first unanswered data sent, or data received */
	PEER_CALL_REKEY = 2,	/* its session is old enough for a new handshake */
	PEER_CALL_ROAMED = 4,	/* an authenticated packet came from another endpoint */
	PEER_CALL_UNALLOWED = 8,	/* inner source not of its allowed IPs, for the log */
};

/* What data cores see of a peer. Lives as long as the control thread's peer, of which it is part. */
struct dp_peer {
	/* control: rw, cores: ro */
	uint64_t id;
	struct session *current;	/* RCU: sends with it. NULL: none */
	struct session *next;		/* RCU: takes its place as soon as it is confirmed. NULL: none */
	struct rewrite *rewrite;	/* RCU: the way there. NULL: no endpoint */

	/* cores: rw, control: rw (all atomic, relaxed). Times: monotonic nanoseconds, 0 for never. */
	uint64_t rx_bytes __attribute__((aligned(CACHE_LINE)));	/* of whole WireGuard messages */
	uint64_t tx_bytes;
	uint64_t rx_any_ns;	/* last authenticated packet received */
	uint64_t tx_any_ns;	/* last authenticated packet sent */
	uint64_t tx_data_ns;	/* first data (no keepalive) sent since rx_any */
	uint64_t rx_data_ns;	/* first data received since tx_any */
	uint32_t calls;		/* latches of enum peer_call: cores set, control clears */

	/*
	 * The way by which an authentic packet came, other than rewrite: in force until the control thread has published it. Written by
	 * the core that set the latch PEER_CALL_ROAMED; the latch is cleared a grace period after roamed_valid, when nobody reads it.
	 */
	uint32_t roamed_valid;	/* atomic */
	struct rewrite roamed;
};

/* The way to p, or NULL. Cores; good until the next quiescent state. */
static inline const struct rewrite *dp_peer_way(const struct dp_peer *p)
{
	return __atomic_load_n(&p->roamed_valid, __ATOMIC_ACQUIRE) ? &p->roamed : rcu_load(p->rewrite);
}

_Static_assert(offsetof(struct dp_peer, rx_bytes) == CACHE_LINE, "cores write on a line of their own");

struct session {
	/* control: rw until published, cores: ro */
	uint64_t id;			/* generation << 32 | receiver index */
	struct dp_peer *peer;
	uint64_t rekey_tx_ns;		/* sending after this calls for a new handshake; UINT64_MAX: never */
	uint64_t rekey_rx_ns;		/* receiving after this does */
	uint64_t reject_ns;		/* of no use after this */
	uint64_t born_ns;
	uint32_t remote_index;		/* little-endian, as sent */
	bool initiator;
	bool receive_only;		/* control alone: made with a private key that is no more */
	uint8_t send_key[WG_KEY_LEN];
	uint8_t receive_key[WG_KEY_LEN];

	/* cores: rw, control: ro */
	uint64_t next_counter __attribute__((aligned(CACHE_LINE)));	/* nonce.h */
	uint32_t confirmed;		/* atomic: something has been received with it */
	struct replay replay __attribute__((aligned(CACHE_LINE)));

	struct rcu_head rcu __attribute__((aligned(CACHE_LINE)));	/* control: rw */
};

_Static_assert(offsetof(struct session, next_counter) % CACHE_LINE == 0, "cores write on a line of their own");

static inline uint32_t session_index(uint64_t id)
{
	return (uint32_t)id;
}

/* NULL: no memory. Not yet published; the caller fills in what control may write. Control thread. */
struct session *session_create(void);

/*
 * Wipes and frees after a grace period. Data cores may hold it: they found it in the table, or as a peer's current; the caller has
 * taken it out of both. What is queued holds its id only.
 */
void session_free_rcu(struct session *s);

/* Control thread's slot: an index is reserved for an owner from the first handshake message on, a session comes later. */
struct session_slot {
	struct session *session;	/* RCU */
	void *owner;			/* control thread only; NULL: slot is free */
	uint32_t index;
};

struct session_slots {
	struct rcu_head rcu;
	uint32_t mask;
	struct session_slot slot[];
};

struct sessions {
	struct session_slots *slots;	/* RCU: replaced by one twice as large */
	uint32_t used;			/* control thread only */
	uint32_t generation;
};

/* 0, or -ENOMEM. */
int sessions_init(struct sessions *t);
/* When no core is left. Sessions themselves are their owners'. */
void sessions_fini(struct sessions *t);

/*
 * Reserves a free index, drawn from `random` until one fits. Never 0. Returns 0 when memory is out. Control thread.
 */
uint32_t sessions_reserve(struct sessions *t, void *owner, uint32_t (*random)(void));

/* Who reserved this index; NULL: nobody. Control thread. */
void *sessions_owner(const struct sessions *t, uint32_t index);

/* Gives s its id, with this reserved index, and lets cores find it. Control thread. */
void sessions_publish(struct sessions *t, struct session *s, uint32_t index);

/* Frees the index; a session there is no longer found. 0 is allowed and does nothing. Control thread. */
void sessions_release(struct sessions *t, uint32_t index);

/* The session with that receiver index (host order), or NULL. Good until the caller's next quiescent state. */
static inline struct session *sessions_find(const struct sessions *t, uint32_t index)
{
	const struct session_slots *slots = rcu_load(t->slots);
	struct session *s = rcu_load(slots->slot[index & slots->mask].session);

	return s && session_index(s->id) == index ? s : NULL;
}

/*
 * Fetches what sessions_find will look at: first the slot of the table, then (when that has arrived) the session's own lines.
 */
static inline void sessions_prefetch_slot(const struct sessions *t, uint32_t index)
{
	const struct session_slots *slots = rcu_load(t->slots);

	__builtin_prefetch(&slots->slot[index & slots->mask]);
}

static inline void sessions_prefetch(const struct sessions *t, uint32_t index)
{
	const struct session_slots *slots = rcu_load(t->slots);
	const struct session *s = rcu_load(slots->slot[index & slots->mask].session);

	if (!s)
		return;
	__builtin_prefetch(s);
	__builtin_prefetch(s->receive_key);
}

/* The session with that id, or NULL where it is gone. Same rule. */
static inline struct session *sessions_get(const struct sessions *t, uint64_t id)
{
	struct session *s = sessions_find(t, session_index(id));

	return s && s->id == id ? s : NULL;
}

#endif
