/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard's timers (whitepaper section 6) as a pure function: what is due now, and when to look again. No clock, no side effect.
 *
 *   retry           an initiation has not been answered for 5 s and some jitter: send another
 *   give up         90 s after the first of a series of them
 *   keepalive       data was received, and for 10 s nothing sent
 *   new handshake   data was sent, and for 15 s nothing received
 *   persistent      nothing sent or received for the configured interval
 *   zero keys       540 s since the last session was made
 *   look            cores have noted a time stamp since: no timer of theirs can come due within 10 s of it
 */
#ifndef WGDP_TIMERS_H
#define WGDP_TIMERS_H

#include <stdint.h>

/* The protocol's times in nanoseconds; tests run them faster. */
struct wg_times {
	uint64_t rekey_after, reject_after, attempt, rekey_timeout, jitter, keepalive;
};

/* Those of protocol.h, divided by `scale` (1 or more). */
void wg_times_init(struct wg_times *t, unsigned int scale);

/* Monotonic nanoseconds; 0: never, or none. */
struct timers {
	/* control thread */
	uint64_t attempt_ns;		/* a series of initiations is under way since */
	uint64_t retry_ns;		/* the next of them is due at */
	uint64_t session_ns;		/* last session made */
	uint64_t persistent_interval;	/* nanoseconds, 0: off */
	uint64_t persistent_ns;		/* last sent one, or tried to */
	uint64_t persistent_now;	/* not 0: one is due at once */
	uint64_t jitter_ns;		/* random, part of the 15 s of silence, lest both sides start at once */
	uint64_t look_ns;		/* look again then; 0: only when another timer comes due */
	/* a copy of what data cores note in struct dp_peer */
	uint64_t rx_any_ns, tx_any_ns, tx_data_ns, rx_data_ns;
};

enum timer_due {
	TIMER_RETRY = 1,
	TIMER_GIVE_UP = 2,
	TIMER_KEEPALIVE = 4,
	TIMER_NEW_HANDSHAKE = 8,
	TIMER_PERSISTENT = 16,
	TIMER_ZERO_KEYS = 32,
	TIMER_LOOK = 64,
};

/*
 * A mask of enum timer_due. *next: the earliest time at which one of the others comes due, UINT64_MAX for never; it is after `now`.
 */
unsigned int timers_due(const struct timers *t, const struct wg_times *times, uint64_t now, uint64_t *next);

#endif
