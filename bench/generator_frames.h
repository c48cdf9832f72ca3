/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator's frames. Flow k is the traffic of tunnel k: between an address of its own in the tunnel and one behind the LAN port.
 * The addresses and MAC addresses are those that dpdk-testpmd's flowgen has built in, so that both can feed the same wgdp.
 *
 *   LAN host k        10.254.0.0 + k, fd54::k   at 00:01:02:03:04:00, the next hop;  wgdp's LAN port is 00:01:02:03:04:01
 *   tunnel's host k   10.253.0.0 + k, fd53::k   behind far end k
 *   far end k         10.77.0.2, fd77::2, UDP port FRAME_FAR_PORT + k, at 02:77:00:00:00:02
 *   wgdp, outside     10.77.0.1, fd77::1 at 02:77:00:00:00:01
 *
 * Pure: bytes in, bytes out. Any thread.
 */
#ifndef WGDP_GENERATOR_FRAMES_H
#define WGDP_GENERATOR_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_ETHER = 14,
	FRAME_FAR_PORT = 10000, FRAME_WG_PORT = 51820,
	FRAME_FLOWS_MAX = 50000,
	FRAME_SIZE_MIN = 64, FRAME_SIZE_MAX = 9000,	/* of an IP packet */
	/* around it on the outer port: Ethernet, IPv6, UDP, WireGuard's header, padding, tag */
	FRAME_OVERHEAD_MAX = FRAME_ETHER + 40 + 8 + 16 + 16 + 16,
};

/* What a packet carries behind its UDP header. */
struct stamp {
	uint64_t when;		/* time stamp counter when it was sent; sealed ahead: its place on the tape */
	uint32_t number;	/* of its flow, from 0 */
	uint16_t flow, trial;
} __attribute__((packed));

enum frame_way {
	FRAME_TO_TUNNEL,	/* from a LAN host to the tunnel's host */
	FRAME_TO_LAN,		/* and back */
};

/* Writes an IP packet of `size` bytes: headers and stamp; the rest of `at` stays as it is. */
void frame_packet(uint8_t *at, bool v6, enum frame_way way, uint32_t size, const struct stamp *stamp);

/* The Ethernet header (FRAME_ETHER bytes) towards wgdp's LAN port. */
void frame_lan(uint8_t *at, bool v6);

/* Bytes of the headers that frame_outer writes. */
static inline size_t frame_outer_len(bool v6)
{
	return FRAME_ETHER + (v6 ? 40 : 20) + 8;
}

/* Ethernet, IP and UDP headers from far end `flow` to wgdp's outer port, in front of `len` bytes of message that are already there. */
void frame_outer(uint8_t *at, bool v6, unsigned int flow, size_t len);

/*
 * The UDP datagram in a frame from wgdp's outer port to a far end: its bytes and *len of them, and whose it is. NULL: something else.
 */
const uint8_t *frame_message(const uint8_t *at, size_t size, unsigned int *flow, size_t *len);

/*
 * What came out is what went in, and was routed: addresses, length, checksum, and `hops` taken off the TTL or hop limit of 64. Yields the stamp.
 * `size`: of the bytes at hand, padding allowed. NULL: all right; else what is wrong.
 */
const char *frame_check(const uint8_t *at, size_t size, enum frame_way way, unsigned int hops, struct stamp *stamp);

/* The stamp alone, of a whole IP packet; false: it is no packet of ours. */
bool frame_stamp(const uint8_t *at, size_t size, struct stamp *stamp);

#endif
