/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a data core counts. One list feeds the enum, the names in status output and whatever else shows them.
 */
#ifndef WGDP_COUNTERS_H
#define WGDP_COUNTERS_H

#include <stdint.h>

/* X(symbol, "name", "what it means") */
#define DROP_REASONS(X) \
	X(INNER_MALFORMED, "inner_malformed", "not a whole IPv4 or IPv6 packet, from the host") \
	X(NO_PEER, "no_peer", "no peer's allowed IPs hold the destination") \
	X(NO_ENDPOINT, "no_endpoint", "peer has no endpoint yet, or no next hop to it") \
	X(STAGE_FULL, "stage_full", "no session, and the staging queue was full") \
	X(SEAL_FAILED, "seal_failed", "the cryptographic library refused to seal") \
	X(STALE_SESSION, "stale_session", "session went away between classification and sealing or opening") \
	X(TX_FAILED, "tx_failed", "the port did not take the packet") \
	X(TX_TOO_BIG, "tx_too_big", "larger than the outer link carries") \
	X(OUTER_MALFORMED, "outer_malformed", "not a WireGuard message by type and length") \
	X(OUTER_TRUNCATED, "outer_truncated", "datagram larger than a buffer") \
	X(NOT_OURS, "not_ours", "for the host, not for our port") \
	X(UNKNOWN_INDEX, "unknown_index", "no session has that receiver index") \
	X(EXPIRED_SESSION, "expired_session", "session over 180 s old, or out of counters") \
	X(AUTH_FAILED, "auth_failed", "authentication tag is wrong") \
	X(REPLAYED, "replayed", "counter seen before, or behind the window") \
	X(UNALLOWED_SRC, "unallowed_src", "inner source is not of the peer's allowed IPs") \
	X(DECRYPTED_MALFORMED, "decrypted_malformed", "opened, but not a whole IP packet") \
	X(ECN_INVALID, "ecn_invalid", "congestion mark on a packet that cannot carry it (RFC 6040)") \
	X(HANDSHAKE_FULL, "handshake_full", "handshake queue was full") \
	X(EVENT_FULL, "event_full", "control thread's event ring was full") \
	X(NO_MBUF, "no_mbuf", "packet buffers exhausted")

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
