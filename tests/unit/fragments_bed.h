/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames with datagrams and with fragments of them, put together byte by byte as RFC 791 and RFC 8200 draw them.
 */
#ifndef WGDP_TEST_FRAGMENTS_BED_H
#define WGDP_TEST_FRAGMENTS_BED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "eal.h"

enum { BED_DATAGRAM_MAX = 9300, BED_FRAME_MAX = BED_DATAGRAM_MAX + 200 };

/* What the fragments of a datagram have in common. */
struct bed_flow {
	bool v6;
	uint16_t vid;		/* 0: no tag */
	uint32_t id;
	uint8_t ds, src;	/* src: last byte of the sender's address */
	uint16_t flags;		/* of IPv4: DF */
	uint8_t options[40], n_options;
};

struct bed_piece {
	uint32_t offset, len;
	bool more;
};

static inline uint8_t *bed_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

/* Over big-endian words. */
static inline uint32_t bed_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline void bed_fix4(uint8_t *ip)
{
	bed_put16(ip + 10, 0);
	bed_put16(ip + 10, ~bed_sum(ip, (ip[0] & 15) * 4u));
}

static inline uint8_t bed_l2_len(const struct bed_flow *flow)
{
	return flow->vid ? 18 : 14;
}

static inline uint8_t *bed_ethernet(uint8_t *p, const struct bed_flow *flow)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	memcpy(p, macs, 12);
	p += 12;
	if (flow->vid) {
		p = bed_put16(p, 0x8100);
		p = bed_put16(p, flow->vid);
	}
	return bed_put16(p, flow->v6 ? 0x86dd : 0x0800);
}

static inline uint8_t *bed_ipv4(uint8_t *ip, const struct bed_flow *flow, uint32_t payload, uint16_t field)
{
	const uint8_t headers = 20 + flow->n_options;

	memset(ip, 0, headers);
	ip[0] = (uint8_t)(0x40 | headers / 4);
	ip[1] = flow->ds;
	bed_put16(ip + 2, headers + payload);
	bed_put16(ip + 4, flow->id);
	bed_put16(ip + 6, field | flow->flags);
	ip[8] = 64;
	ip[9] = 17;
	ip[12] = 192;
	ip[15] = flow->src;
	ip[16] = 198;
	ip[19] = 1;
	memcpy(ip + 20, flow->options, flow->n_options);
	bed_fix4(ip);
	return ip + headers;
}

static inline uint8_t *bed_ipv6(uint8_t *ip, const struct bed_flow *flow, uint32_t payload)
{
	memset(ip, 0, 40);
	ip[0] = (uint8_t)(0x60 | flow->ds >> 4);
	ip[1] = (uint8_t)(flow->ds << 4 | 0xa);	/* a flow label, too */
	bed_put16(ip + 4, payload);
	ip[6] = 17;
	ip[7] = 64;
	ip[8] = 0x20;
	ip[23] = flow->src;
	ip[24] = 0x20;
	ip[39] = 1;
	return ip + 40;
}

/* Returns the length of the frame. piece NULL: the whole datagram of `len` bytes. */
static inline size_t bed_frame(uint8_t *frame, const struct bed_flow *flow, const uint8_t *datagram, size_t len,
			       const struct bed_piece *piece)
{
	const struct bed_piece whole = { 0, (uint32_t)len, false }, *b = piece ? piece : &whole;
	uint8_t *ip = bed_ethernet(frame, flow), *p;

	if (!flow->v6) {
		p = bed_ipv4(ip, flow, b->len, (uint16_t)(b->offset / 8 | (b->more ? 0x2000 : 0)));
	} else {
		p = bed_ipv6(ip, flow, b->len + (piece ? 8 : 0));
		if (piece) {
			ip[6] = 44;
			p[0] = 17;
			p[1] = 0;
			p = bed_put16(p + 2, b->offset | b->more);
			p = bed_put16(p, flow->id >> 16);
			p = bed_put16(p, flow->id);
		}
	}
	memcpy(p, datagram + b->offset, b->len);
	return (size_t)(p - frame) + b->len;
}

static inline struct rte_mbuf *bed_mbuf(struct rte_mempool *pool, const uint8_t *frame, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *to = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;

	if (!to)
		abort();
	memcpy(to, frame, len);
	return m;
}

/* UDP with a length that is right, and bytes that tell where they are. */
static inline void bed_datagram(uint8_t *datagram, size_t len)
{
	for (size_t i = 0; i < len; i++)
		datagram[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + 1);
	bed_put16(datagram + 4, (uint32_t)len);
}

/* Numbers that look random, the same in each run. */
static inline uint32_t bed_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

#endif
