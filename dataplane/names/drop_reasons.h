/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why packets are dropped: the one list that feeds counters.h, statistics, metrics and what `wgdp show` says of it. It needs nothing, and lies
 * in a folder of its own so that client commands can have it without the data path's headers.
 */
#ifndef WGDP_DROP_REASONS_H
#define WGDP_DROP_REASONS_H

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
	X(FRAGMENTS, "fragments", "outer IP fragment: malformed, too many, or the rest of it never came") \
	X(HOST_FULL, "host_full", "for the host, whose interface did not take it") \
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

#endif
