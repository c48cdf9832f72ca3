/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a data core counts. One list feeds the enum, the names in status output and whatever else shows them.
 */
#ifndef WGDP_COUNTERS_H
#define WGDP_COUNTERS_H

#include <stdint.h>

#include "drop_reasons.h"

enum drop_reason {
#define X(symbol, name, text) DROP_##symbol,
	DROP_REASONS(X)
#undef X
	DROP_N
};

/* What a core's time goes into: each stretch of it is one of these. X(symbol, "name", "what it means") */
#define STAGES(X) \
	X(RX, "rx", "receiving from a port, where it had something") \
	X(CLASSIFY, "classify", "finding sessions, reserving counters, submitting batches") \
	X(PREPARE, "prepare", "taking a batch, filling the vector for the AEAD, padding") \
	X(AEAD, "aead", "the cryptographic library") \
	X(FINISH, "finish", "replay window, source check, outer headers, time stamps") \
	X(TX, "tx", "transmitting to a port") \
	X(REST, "rest", "empty looks, housekeeping, pauses and sleep")

enum stage {
#define X(symbol, name, text) STAGE_##symbol,
	STAGES(X)
#undef X
	STAGE_N
};

/* One a data core: written by that core alone, read by the control thread. */
struct counters {
	uint64_t drop[DROP_N];
	uint64_t stage[STAGE_N];	/* ticks of the time stamp counter (rte_get_tsc_hz) */
	uint64_t outer_rx, outer_tx, inner_rx, inner_tx;	/* packets */
	uint64_t lan_rx, lan_tx;	/* packets by the LAN port that the host had nothing to do with: into the tunnel, out of it */
	uint64_t host_rx, host_tx;	/* frames of DPDK's ports for the host: received from it and sent, arrived and handed to it */
	uint64_t batches, batched;	/* batches submitted and packets in them */
	uint64_t sleeps, wakes;		/* times blocked; doorbells rung for other cores */
} __attribute__((aligned(64)));

static inline void counters_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

static inline uint64_t counters_read(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

extern const char *const drop_name[DROP_N];
extern const char *const stage_name[STAGE_N];

#endif
