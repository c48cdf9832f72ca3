/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replay window (RFC 6479's idea, without its lock): which of the last 8192 counters of a
 * session have been seen. Any number of threads may call replay_accept and replay_accept_burst
 * on one window at once.
 *
 * The window is a ring of 256 slots; counter c belongs to block c / 32, to slot block % 256, and
 * to generation c / 8192. A slot is one 64-bit word: the generation (its low 32 bits) of the
 * block it describes, above a bitmap of that block's 32 counters. So a slot says by itself which
 * counters its bits mean, and one compare-and-swap decides: a newer block takes the slot over,
 * the same block sets its bit, an older one is too old. A slot's block only grows, hence no
 * counter is ever accepted twice, whatever the threads do.
 *
 *   operation x operation | replay_accept            | replay_init
 *   replay_accept         | nobody need synchronise  | caller must exclude
 *   replay_init           | caller must exclude      | caller must exclude
 */
#ifndef WGDP_REPLAY_H
#define WGDP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_BITS = 8192,
	REPLAY_BLOCK = 32,
	REPLAY_SLOTS = REPLAY_BITS / REPLAY_BLOCK,
	/*
	 * A counter is judged as long as its block has a slot. So all that are less than this behind
	 * the newest are (which may be the first of its block), and none that is REPLAY_BITS behind.
	 */
	REPLAY_WINDOW = REPLAY_BITS - REPLAY_BLOCK + 1,
};

struct replay {
	uint64_t newest;		/* atomic: highest block that a counter was accepted of */
	uint64_t slot[REPLAY_SLOTS];	/* atomic */
};

void replay_init(struct replay *r);

/*
 * True exactly once for each counter, unless its block is REPLAY_SLOTS or more behind the newest, or
 * it is at or over WG_REJECT_AFTER_MESSAGES. Call it after authentication, never before.
 *
 * The 32 bits of generation make one exception: a sender that leaps over 2^45 counters or more
 * (no session lives long enough to send them) may have a counter refused at its first coming.
 */
bool replay_accept(struct replay *r, uint64_t counter);

/*
 * What replay_accept would say of each of n <= 64 counters, one after the other: bit i of the answer
 * is set where counter[i] was accepted. Counters that rise by one cost much less together.
 */
uint64_t replay_accept_burst(struct replay *r, const uint64_t *counter, unsigned int n);

/* Fetches what it takes to judge this counter. */
static inline void replay_prefetch(struct replay *r, uint64_t counter)
{
	__builtin_prefetch(&r->newest, 1);
	__builtin_prefetch(&r->slot[counter / REPLAY_BLOCK % REPLAY_SLOTS], 1);
}

#endif
