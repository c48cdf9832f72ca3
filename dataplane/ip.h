/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the data path needs to know of an inner IP packet: its length, where its addresses are, and its ECN field. Pure functions on bytes that
 * an attacker may have chosen.
 */
#ifndef WGDP_IP_H
#define WGDP_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_view {
	uint8_t version;	/* 4 or 6 */
	uint16_t src, dst;	/* offsets of the addresses */
	uint32_t len;		/* of the packet by its own header, never more than there is */
};

/* False unless `data` begins with a whole IPv4 or IPv6 packet of at most `len` bytes. */
bool ip_parse(const uint8_t *data, size_t len, struct ip_view *v);

/* ECN codepoints (RFC 3168): the low two bits of TOS or traffic class. */
enum { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* The ECN field of a packet that ip_parse has accepted. */
uint8_t ip_ecn(const uint8_t *data);

/*
 * Decapsulation by RFC 6040 section 4.2: puts what the outer mark makes of the inner field into the inner packet (IPv4 header
 * checksum kept right). False: the packet must be dropped (CE outside, not ECN-capable inside).
 */
bool ip_ecn_decapsulate(uint8_t *data, uint8_t outer_ds);

#endif
