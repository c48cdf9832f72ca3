/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What segmentation and merging should do, byte by byte and in the plainest way: packets built from a description, a super-packet
 * cut, and a merged burst cut again, which has to give the packets that went in. Shared by unit tests and fuzzers.
 */
#ifndef WGDP_TEST_OFFLOAD_ORACLE_H
#define WGDP_TEST_OFFLOAD_ORACLE_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gro.h"
#include "gso.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

/* A packet of which all else follows: lengths, checksums. */
struct spec {
	bool v6, udp, no_df, more_fragments, no_checksum;
	uint8_t tos, ttl, flags, ip_options, tcp_options, extension;	/* lengths in bytes, multiples of 4 (extension: 8) */
	uint16_t id, fragment, sport, window, urgent;
	uint32_t label, seq, ack, address, payload;
	uint8_t option_fill, reserved;
};

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline uint32_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* Sum of the big-endian words at p, not folded. */
static inline uint64_t naive_sum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static inline uint16_t naive_fold(uint64_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Of the pseudo-header; a packet without routing header. */
static inline uint64_t naive_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t l4_len)
{
	return (ip[0] >> 4 == 4 ? naive_sum(ip + 12, 8) : naive_sum(ip + 8, 32)) + protocol + l4_len;
}

/* Sets lengths and checksums of a packet whose transport header is at l4. */
static inline void naive_fix(uint8_t *ip, size_t len, size_t l4, uint8_t protocol)
{
	uint8_t *check = ip + l4 + (protocol == IPPROTO_TCP ? 16 : 6);

	if (ip[0] >> 4 == 4) {
		put16(ip + 2, len);
		put16(ip + 10, 0);
		put16(ip + 10, ~naive_fold(naive_sum(ip, l4)));
	} else {
		put16(ip + 4, len - 40);
	}
	if (protocol == IPPROTO_UDP)
		put16(ip + l4 + 4, len - l4);
	put16(check, 0);
	put16(check, ~naive_fold(naive_pseudo(ip, protocol, len - l4) + naive_sum(ip + l4, len - l4)));
	if (protocol == IPPROTO_UDP && get16(check) == 0)
		put16(check, 0xffff);
}

static inline size_t spec_l4(const struct spec *s)
{
	return s->v6 ? 40 + s->extension : 20 + s->ip_options;
}

static inline size_t spec_header(const struct spec *s)
{
	return spec_l4(s) + (s->udp ? 8 : 20 + s->tcp_options);
}

static inline size_t spec_len(const struct spec *s)
{
	return spec_header(s) + s->payload;
}

/* Builds it at p, which has room for spec_len; the payload is of bytes by chance (*state of rand_r). */
static inline void spec_build(const struct spec *s, uint8_t *p, unsigned int *state)
{
	const uint8_t protocol = s->udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint8_t *l4 = p + spec_l4(s);

	memset(p, 0, spec_header(s));
	if (s->v6) {
		put32(p, 6u << 28 | (uint32_t)s->tos << 20 | s->label);
		p[6] = s->extension ? IPPROTO_DSTOPTS : protocol;
		p[7] = s->ttl;
		put32(p + 8, 0xfd000000);
		put32(p + 20, s->address);
		put32(p + 24, 0xfd000000);
		if (s->extension) {
			p[40] = protocol;
			p[41] = s->extension / 8 - 1;
		}
	} else {
		p[0] = 0x40 | (20 + s->ip_options) / 4;
		p[1] = s->tos;
		put16(p + 4, s->id);
		put16(p + 6, (s->no_df ? 0 : 0x4000) | (s->more_fragments ? 0x2000 : 0) | s->fragment);
		p[8] = s->ttl;
		p[9] = protocol;
		put32(p + 12, 0x0a000000);
		put32(p + 16, s->address);
		memset(p + 20, 1, s->ip_options);
	}
	put16(l4, s->sport);
	put16(l4 + 2, 7777);
	if (!s->udp) {
		put32(l4 + 4, s->seq);
		put32(l4 + 8, s->ack);
		l4[12] = (20 + s->tcp_options) / 4 << 4 | s->reserved;
		l4[13] = s->flags;
		put16(l4 + 14, s->window);
		put16(l4 + 18, s->urgent);
		memset(l4 + 20, s->option_fill, s->tcp_options);
	}
	for (size_t i = spec_header(s); i < spec_len(s); i++)
		p[i] = rand_r(state) >> 8;
	naive_fix(p, spec_len(s), spec_l4(s), protocol);
	if (s->no_checksum)
		put16(l4 + 6, 0);
}

/* The kernel's header for it as a super-packet with `size` bytes a segment; the packet then gets the sum that the kernel leaves. */
static inline struct virtio_net_hdr spec_vnet(const struct spec *s, uint8_t *p, uint16_t size, bool partial)
{
	struct virtio_net_hdr vnet = { .gso_size = size, .gso_type = s->udp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
		s->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4 };
	const size_t l4 = spec_l4(s), len = spec_len(s);

	if (!partial)
		return vnet;
	vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet.csum_start = l4;
	vnet.csum_offset = s->udp ? 6 : 16;
	put16(p + l4 + vnet.csum_offset, naive_fold(naive_pseudo(p, s->udp ? IPPROTO_UDP : IPPROTO_TCP, len - l4)));
	return vnet;
}

/* Segment `index` of a super-packet, written to `to`; its length. `header` bytes come before the payload. */
static inline size_t naive_cut(const uint8_t *p, size_t len, size_t l4, size_t header, bool udp, size_t size, size_t index, uint8_t *to)
{
	const size_t begin = header + index * size, check = l4 + (udp ? 6 : 16);
	const bool last = begin + size >= len;
	const size_t n = header + (last ? len - begin : size);
	uint64_t sum;

	for (size_t i = 0; i < n; i++)
		to[i] = i < header ? p[i] : p[begin + i - header];
	if (p[0] >> 4 == 4) {
		put16(to + 2, n);
		put16(to + 4, get16(p + 4) + index);
		put16(to + 10, 0);
		put16(to + 10, ~naive_fold(naive_sum(to, l4)));
	} else {
		put16(to + 4, n - 40);
	}
	if (udp) {
		put16(to + l4 + 4, n - l4);
	} else {
		put32(to + l4 + 4, get32(p + l4 + 4) + index * size);
		to[l4 + 13] &= (last ? 0xff : ~(FIN | PSH)) & (index ? ~CWR : 0xff);
	}
	sum = get16(p + check) + (uint16_t)~(len - l4) + (n - l4);
	put16(to + check, 0);
	put16(to + check, ~naive_fold(sum + naive_sum(to + l4, n - l4)));
	if (udp && get16(to + check) == 0)
		put16(to + check, 0xffff);
	return n;
}

/* Whether the flow of a packet cannot be told. */
static inline bool naive_unseen(const struct iovec *v)
{
	const uint8_t *p = v->iov_base;
	const size_t len = v->iov_len;
	uint8_t protocol, l4;

	if (len < 20)
		return true;
	if (p[0] >> 4 == 4) {
		if (p[0] != 0x45 || get16(p + 2) != len || get16(p + 6) & 0x3fff)
			return true;
		protocol = p[9];
		l4 = 20;
	} else {
		if (p[0] >> 4 != 6 || len < 40 || get16(p + 4) + 40 != len)
			return true;
		protocol = p[6];
		l4 = 40;
		if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_ICMPV6)
			return true;
	}
	return (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && len < l4 + (protocol == IPPROTO_TCP ? 20u : 8u);
}

/* Whether the order of two packets matters. */
static inline bool naive_related(const struct iovec *a, const struct iovec *b)
{
	const uint8_t *p = a->iov_base, *q = b->iov_base;
	const bool v4 = p[0] >> 4 == 4;
	const uint8_t protocol = v4 ? p[9] : p[6];

	if (naive_unseen(a) || naive_unseen(b))
		return true;
	if (p[0] >> 4 != q[0] >> 4 || protocol != (v4 ? q[9] : q[6]) || memcmp(p + (v4 ? 12 : 8), q + (v4 ? 12 : 8), v4 ? 8 : 32) != 0)
		return false;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return true;
	return memcmp(p + (v4 ? 20 : 40), q + (v4 ? 20 : 40), 4) == 0;
}

struct merged {
	unsigned int n;			/* what was written */
	uint8_t size[GRO_BURST];	/* packets in each */
};

/* A write of super-packet i, taken apart again: its packets have to be those at `was`. What is wrong, or NULL. */
static inline const char *undo_super(struct gro *g, unsigned int i, const struct iovec *was)
{
	const struct gro_super *s = &g->super[i];
	struct iovec iov[GRO_BURST];
	struct virtio_net_hdr vnet;
	const char *wrong = NULL;
	uint8_t *whole, *segment;
	uint8_t k = s->first;
	struct gso gso;
	size_t len = 0;

	gro_finish(g, i, &vnet, iov);
	for (unsigned int j = 0; j < s->n; j++)
		len += iov[j].iov_len;
	if (len != s->len)
		return "length of the pieces";
	whole = malloc(len + 1);
	len = 0;
	for (unsigned int j = 0; j < s->n; j++) {
		memcpy(whole + len, iov[j].iov_base, iov[j].iov_len);
		len += iov[j].iov_len;
	}
	if (s->n == 1 && (vnet.flags || vnet.gso_type))
		wrong = "a packet alone with offloads";
	else if (!gso_begin(&gso, &vnet, whole, len))
		wrong = "a super-packet that cannot be cut";
	else if (gso.left != s->n)
		wrong = "number of segments";
	segment = malloc(len + 1);
	for (unsigned int j = 0; j < s->n && !wrong; j++) {
		const size_t n = gso_cut(&gso, segment);

		if (n != was[k].iov_len)
			wrong = "length of a segment";
		if (s->n > 1 && s->id_stands && segment[0] >> 4 == 4) {
			memcpy(segment + 4, (const uint8_t *)was[k].iov_base + 4, 2);
			put16(segment + 10, 0);
			put16(segment + 10, ~naive_fold(naive_sum(segment, 20)));
		}
		if (!wrong && memcmp(segment, was[k].iov_base, n) != 0)
			wrong = "a segment is not the packet that came";
		k = g->packet[k].next;
	}
	free(whole);
	free(segment);
	return wrong;
}

static inline const char *check_order(const struct gro *g, const struct iovec *was, unsigned int n)
{
	unsigned int count = 0, place[GRO_BURST];

	memset(place, 0xff, sizeof(place));
	for (unsigned int i = 0; i < g->n_supers; i++) {
		uint8_t k = g->super[i].first;

		for (unsigned int j = 0; j < g->super[i].n; j++) {
			if (k >= n || place[k] != ~0u)
				return "a packet twice";
			place[k] = count++;
			k = g->packet[k].next;
		}
	}
	if (count != n)
		return "a packet lost";
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			if (place[i] > place[j] && naive_related(&was[i], &was[j]))
				return "order within a flow";
	return NULL;
}

/* Merges the packets, and cuts what comes of it: NULL if those are the same packets, in order within each flow; else what is wrong. */
static inline const char *merge_and_cut(const struct iovec *packets, unsigned int n, bool udp, struct merged *merged)
{
	struct iovec was[GRO_BURST];
	const char *wrong = NULL;
	struct gro g;

	memset(&g, 0xa5, sizeof(g));
	for (unsigned int i = 0; i < n; i++) {
		was[i] = packets[i];
		was[i].iov_base = malloc(was[i].iov_len + 1);
		memcpy(was[i].iov_base, packets[i].iov_base, was[i].iov_len);
	}
	gro_burst(&g, packets, n, udp);
	for (unsigned int i = 0; i < n && !wrong; i++)
		if (memcmp(was[i].iov_base, packets[i].iov_base, was[i].iov_len) != 0)
			wrong = "a packet changed before its time";
	if (!wrong)
		wrong = check_order(&g, was, n);
	for (unsigned int i = 0; i < g.n_supers && !wrong; i++) {
		if (merged)
			merged->size[i] = g.super[i].n;
		wrong = undo_super(&g, i, was);
	}
	if (merged)
		merged->n = g.n_supers;
	for (unsigned int i = 0; i < n; i++)
		free(was[i].iov_base);
	return wrong;
}

#endif
