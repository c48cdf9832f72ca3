/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session's send counter: the nonces of whitepaper section 5.4.6, shared by all cores that
 * send for the session. Any thread; `next` is atomic and starts at 0.
 */
#ifndef WGDP_NONCE_H
#define WGDP_NONCE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

enum { NONCE_RESERVE_MAX = 64 };

/*
 * Reserves the n counters from *first on, each given out once in the life of `next`. `n`: 1 to
 * NONCE_RESERVE_MAX. False: they would reach WG_REJECT_AFTER_MESSAGES; the session is spent.
 *
 * The counter cannot wrap round, however often it is asked when spent: nothing is added once it is
 * seen too high. Past the limit it gets by at most one n for each thread that had looked before
 * another added, and 2^13 counters lie there: room for 128 threads, DPDK's most.
 */
static inline bool nonce_reserve(uint64_t *next, unsigned int n, uint64_t *first)
{
	const uint64_t last_start = WG_REJECT_AFTER_MESSAGES - n;

	assert(n >= 1 && n <= NONCE_RESERVE_MAX);
	if (__atomic_load_n(next, __ATOMIC_RELAXED) > last_start)
		return false;
	*first = __atomic_fetch_add(next, n, __ATOMIC_RELAXED);
	return *first <= last_start;
}

#endif
