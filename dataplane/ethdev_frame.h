/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet frames around WireGuard messages: Ethernet II, IPv4 (RFC 791) or IPv6 (RFC 8200), UDP
 * (RFC 768). Pure functions on bytes that anybody on the link may have chosen. Private to
 * dataplane/; any thread.
 */
#ifndef WGDP_ETHDEV_FRAME_H
#define WGDP_ETHDEV_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"

enum {
	FRAME_MAC_LEN = 6,
	FRAME_ETH_LEN = 14,
	FRAME_UDP_LEN = 8,
	FRAME_HEADERS4 = FRAME_ETH_LEN + 20 + FRAME_UDP_LEN,
	FRAME_HEADERS6 = FRAME_ETH_LEN + 40 + FRAME_UDP_LEN,
};

enum frame_verdict {
	FRAME_OURS,
	FRAME_NOT_OURS,		/* the host's: other protocol, port or MAC, a fragment, ... */
	FRAME_MALFORMED,	/* to our port, but no stack may accept it */
	FRAME_TRUNCATED,	/* to our port, longer than what is here */
};

struct frame {
	struct endpoint ep;	/* sender, and where it wrote to, which is not checked */
	uint8_t l2_len, l3_len;
	uint8_t ds;		/* TOS or traffic class */
	uint16_t payload_len;	/* what follows l2_len + l3_len + FRAME_UDP_LEN bytes */
};

/*
 * Looks at the `len` bytes of a frame that arrived at the interface `ifindex` with the address
 * `mac`. `f` is filled in for FRAME_OURS alone. Padding behind the datagram is fine. VLAN frames,
 * fragments and IPv6 with extension headers are the host's.
 *
 * UDP checksums are not verified: what comes from the same machine (veth, a virtual machine)
 * carries unfinished ones, and everything that WireGuard accepts is authenticated anyway.
 */
enum frame_verdict frame_parse(const uint8_t *data, size_t len, const uint8_t mac[FRAME_MAC_LEN],
			       uint16_t port, uint32_t ifindex, struct frame *f);

/*
 * Writes the headers from ep->local to ep->remote; source port, lengths, DS field, IPv4
 * identification and checksums are left zero. Returns their length, FRAME_HEADERS4 or
 * FRAME_HEADERS6.
 */
size_t frame_headers(uint8_t *hdr, const uint8_t src_mac[FRAME_MAC_LEN],
		     const uint8_t dst_mac[FRAME_MAC_LEN], const struct endpoint *ep);

/*
 * Completes the frame that begins with headers of frame_headers, `headers` long, and goes on with a
 * message of `payload` bytes, at least 12, from UDP port `port` (host order). DF stays clear, as Linux has it for WireGuard, so the
 * path may fragment, and the identification has to vary (RFC 6864 section 4.3): it is taken from
 * index and counter, or random bytes, of the message, and lets nobody see what is not in there
 * anyway. UDP checksum: none with IPv4; with IPv6 it is required (RFC 8200 section 8.1).
 */
void frame_finish(uint8_t *frame, size_t headers, size_t payload, uint16_t port, uint8_t ds);

#endif
