/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the data path needs to know of an inner IP packet: its length, where its addresses are, and its ECN field. Pure functions on bytes that
 * an attacker may have chosen.
 */
#ifndef WGDP_IP_H
#define WGDP_IP_H

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_view {
	uint8_t version;	/* 4 or 6 */
	uint16_t src, dst;	/* offsets of the addresses */
	uint32_t len;		/* of the packet by its own header, never more than there is */
};

static inline uint16_t ip_read_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* False unless `data` begins with a whole IPv4 or IPv6 packet of at most `len` bytes. */
static inline bool ip_parse(const uint8_t *data, size_t len, struct ip_view *v)
{
	if (len < sizeof(struct iphdr))
		return false;
	v->version = data[0] >> 4;
	if (v->version == 4) {
		const uint32_t header = (data[0] & 0xf) * 4u;

		v->len = ip_read_be16(data + offsetof(struct iphdr, tot_len));
		v->src = offsetof(struct iphdr, saddr);
		v->dst = offsetof(struct iphdr, daddr);
		return header >= sizeof(struct iphdr) && v->len >= header && v->len <= len;
	}
	if (v->version == 6 && len >= sizeof(struct ip6_hdr)) {
		v->len = sizeof(struct ip6_hdr) + ip_read_be16(data + offsetof(struct ip6_hdr, ip6_plen));
		v->src = offsetof(struct ip6_hdr, ip6_src);
		v->dst = offsetof(struct ip6_hdr, ip6_dst);
		return v->len <= len;
	}
	return false;
}

/* ECN codepoints (RFC 3168): the low two bits of TOS or traffic class. */
enum { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* The ECN field of a packet that ip_parse has accepted. */
static inline uint8_t ip_ecn(const uint8_t *data)
{
	return (data[0] >> 4 == 4 ? data[1] : data[1] >> 4) & ECN_MASK;
}

/* Puts this ECN field into a packet that ip_parse has accepted (IPv4 header checksum kept right). */
void ip_set_ecn(uint8_t *data, uint8_t ecn);

/*
 * Decapsulation by RFC 6040 section 4.2: puts what the outer mark makes of the inner field into the inner packet (IPv4 header
 * checksum kept right). False: the packet must be dropped (CE outside, not ECN-capable inside).
 */
static inline bool ip_ecn_decapsulate(uint8_t *data, uint8_t outer_ds)
{
	const uint8_t inner = ip_ecn(data), outer = outer_ds & ECN_MASK;

	if (inner == ECN_NOT_ECT)
		return outer != ECN_CE;
	if (outer == ECN_CE || (outer == ECN_ECT1 && inner == ECN_ECT0))
		ip_set_ecn(data, outer);
	return true;
}

#endif
