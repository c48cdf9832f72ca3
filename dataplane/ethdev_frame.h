/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet frames around WireGuard messages: Ethernet II, IPv4 (RFC 791) or IPv6 (RFC 8200), UDP
 * (RFC 768). Pure functions on bytes that anybody on the link may have chosen. Private to
 * dataplane/; any thread.
 */
#ifndef WGDP_ETHDEV_FRAME_H
#define WGDP_ETHDEV_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"

enum {
	FRAME_MAC_LEN = 6,
	FRAME_ETH_LEN = 14,
	FRAME_VLAN_LEN = 4,
	FRAME_UDP_LEN = 8,
	FRAME_HEADERS4 = FRAME_ETH_LEN + 20 + FRAME_UDP_LEN,	/* without a VLAN tag */
	FRAME_HEADERS6 = FRAME_ETH_LEN + 40 + FRAME_UDP_LEN,
	FRAME_HEADERS_MAX = FRAME_HEADERS6 + FRAME_VLAN_LEN,
};

/* The Ethernet header, with one IEEE 802.1Q tag or none. */
struct frame_l2 {
	uint8_t dst[FRAME_MAC_LEN], src[FRAME_MAC_LEN];
	uint16_t vid;		/* 1 to 4094; 0: untagged, or tagged for its priority alone; 4095 on no link, may arrive */
	uint16_t type;		/* host order: ETHERTYPE_IP, ..., behind the tag */
	uint8_t len;		/* FRAME_ETH_LEN, or with a tag, whatever its vid, FRAME_VLAN_LEN more */
};

/* Reads it off a frame of `len` bytes. False: too short, its tag included. A second tag is a type that is not IP. */
bool frame_l2_parse(const uint8_t *data, size_t len, struct frame_l2 *l2);

/*
 * Writes l2 (its len is not looked at: a vid other than 0 makes a tag, of priority 0) and returns its length,
 * FRAME_ETH_LEN or FRAME_ETH_LEN + FRAME_VLAN_LEN.
 */
size_t frame_l2_write(uint8_t *hdr, const struct frame_l2 *l2);

enum frame_verdict {
	FRAME_OURS,
	FRAME_NOT_OURS,		/* the host's: other protocol, port, ... */
	/*
	 * Of a UDP datagram, perhaps to our port: to be put together (ethdev_fragments.h). l2_len is set, and of ep what
	 * locals_key needs: local and remote.sa.sa_family. Nothing else is checked.
	 */
	FRAME_FRAGMENT,
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
 * Looks at the `len` bytes of a frame whose Ethernet header is l2, as frame_l2_parse gave it, which has been checked:
 * it is to us, on the link `ifindex`. `f` is filled in for FRAME_OURS alone, and as FRAME_FRAGMENT says. Padding behind
 * the datagram is fine. From a group MAC address, or IPv6 with extension headers other than one fragment header, it is
 * the host's.
 *
 * UDP checksums are not verified: what comes from the same machine (veth, a virtual machine)
 * carries unfinished ones, and everything that WireGuard accepts is authenticated anyway.
 */
enum frame_verdict frame_parse(const uint8_t *data, size_t len, const struct frame_l2 *l2, uint16_t port,
			       uint32_t ifindex, struct frame *f);

/*
 * Writes the headers from ep->local to ep->remote behind l2 (type and len are ignored; they follow from ep and vid);
 * source port, lengths, DS field, IPv4 identification and checksums are left zero. Returns their length: FRAME_HEADERS4
 * or FRAME_HEADERS6, and FRAME_VLAN_LEN more with a tag.
 */
size_t frame_headers(uint8_t *hdr, const struct frame_l2 *l2, const struct endpoint *ep);

/* Who computes checksums of what is sent. */
enum frame_checksums {
	/* frame_finish: IPv4's; UDP's with IPv6, where it is required (RFC 8200 section 8.1); with IPv4 none */
	FRAME_CHECKSUMS_FULL,
	/* the NIC, IPv4's and UDP's: what DPDK wants to find there is written (IPv4's zero, UDP's of the pseudo header) */
	FRAME_CHECKSUMS_NIC,
};

/*
 * Completes the frame that begins with headers of frame_headers, `headers` long, and goes on with a
 * message of `payload` bytes, at least 12, from UDP port `port` (host order). DF stays clear, as Linux has it for
 * WireGuard, so the path may fragment, and the identification has to vary (RFC 6864 section 4.3): it is taken from
 * index and counter, or random bytes, of the message, and lets nobody see what is not in there anyway.
 */
void frame_finish(uint8_t *frame, size_t headers, size_t payload, uint16_t port, uint8_t ds,
		  enum frame_checksums checksums);

#endif
