/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cuts a datagram that came in fragments, and turned out to be the host's, for an interface that does not take it
 * whole. All is copied: it is rare, and the frames go to an interface that copies them anyway. The host puts them
 * together by the identification, which IPv4 keeps and IPv6 gets anew. Data core of the queue.
 */
#include "ethdev_fragments.h"

#include <assert.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdbool.h>
#include <string.h>

#include <rte_random.h>

#include "checksum.h"
#include "ethdev_fragments_internal.h"

enum {
	IPV4_HEADER_MAX = 60,
	IPV4_FRAGMENTED = 0x3fff,	/* more fragments, or an offset */
	L2_MAX = 32,
	HEAD_MAX = L2_MAX + IPV4_HEADER_MAX,
};

_Static_assert(sizeof(struct ip6_hdr) + sizeof(struct ip6_frag) <= IPV4_HEADER_MAX, "headers fit");

/* What stands in front of a piece, from the Ethernet header on. */
struct head {
	uint8_t bytes[HEAD_MAX];
	uint8_t len;
};

struct cut {
	struct head first, later;	/* later: of all the others */
	const uint8_t *payload;		/* what is cut */
	uint32_t len;
	uint32_t total, mtu;		/* of the IP packet, and of each that it becomes */
	uint8_t l2_len;
	bool v6;
};

/*
 * The options that go into every fragment (the copied flag, RFC 791 section 3.1) are kept, filled up to whole words
 * with ends of options, which are zeros. Returns the length of the header, 0 if the options are malformed.
 */
static uint8_t later_header4(const uint8_t *ip, uint8_t headers, uint8_t *to)
{
	uint8_t n = sizeof(struct iphdr), len;

	memset(to, 0, IPV4_HEADER_MAX);
	memcpy(to, ip, n);
	for (uint8_t at = sizeof(struct iphdr); at < headers && ip[at] != IPOPT_EOL; at += len) {
		if (ip[at] == IPOPT_NOP) {
			len = 1;
			continue;
		}
		if (at + 1 >= headers || ip[at + 1] < 2 || at + ip[at + 1] > headers)
			return 0;
		len = ip[at + 1];
		if (!IPOPT_COPIED(ip[at]))
			continue;
		memcpy(to + n, ip + at, len);
		n += len;
	}
	n = RTE_ALIGN(n, 4);
	to[0] = (uint8_t)(4 << 4 | n / 4);
	return n;
}

static bool plan4(struct cut *cut, const uint8_t *frame, size_t have)
{
	const uint8_t *ip = frame + cut->l2_len;
	uint8_t headers, later;
	struct iphdr h;

	if (have < sizeof(h))
		return false;
	memcpy(&h, ip, sizeof(h));
	headers = (uint8_t)(h.ihl * 4);
	if (h.ihl < 5 || ntohs(h.tot_len) <= headers || ntohs(h.tot_len) > have || h.frag_off & htons(IPV4_FRAGMENTED))
		return false;
	cut->total = ntohs(h.tot_len);
	if (cut->total <= cut->mtu)
		return true;
	memcpy(cut->first.bytes, frame, cut->l2_len + headers);
	cut->first.len = (uint8_t)(cut->l2_len + headers);
	memcpy(cut->later.bytes, frame, cut->l2_len);
	later = later_header4(ip, headers, cut->later.bytes + cut->l2_len);
	cut->later.len = (uint8_t)(cut->l2_len + later);
	cut->payload = ip + headers;
	cut->len = ntohs(h.tot_len) - headers;
	return later != 0;
}

/* No other headers than UDP's: fragments_take lets none through. */
static bool plan6(struct cut *cut, const uint8_t *frame, size_t have)
{
	struct ip6_frag frag = { .ip6f_nxt = IPPROTO_UDP, .ip6f_ident = (uint32_t)rte_rand() };
	const uint8_t *ip = frame + cut->l2_len;
	const size_t unfragmented = cut->l2_len + sizeof(struct ip6_hdr);
	struct ip6_hdr h;

	if (have < sizeof(h))
		return false;
	memcpy(&h, ip, sizeof(h));
	if (h.ip6_nxt != IPPROTO_UDP || sizeof(h) + ntohs(h.ip6_plen) > have)
		return false;
	cut->total = (uint32_t)sizeof(h) + ntohs(h.ip6_plen);
	if (cut->total <= cut->mtu)
		return true;
	cut->v6 = true;
	memcpy(cut->first.bytes, frame, unfragmented);
	cut->first.bytes[cut->l2_len + offsetof(struct ip6_hdr, ip6_nxt)] = IPPROTO_FRAGMENT;
	memcpy(cut->first.bytes + unfragmented, &frag, sizeof(frag));
	cut->first.len = (uint8_t)(unfragmented + sizeof(frag));
	cut->later = cut->first;
	cut->payload = ip + sizeof(h);
	cut->len = ntohs(h.ip6_plen);
	return true;
}

/* False: it cannot be cut. Where it need not be, only total is filled in. */
static bool plan(struct cut *cut, const uint8_t *frame, size_t have)
{
	switch (frame[cut->l2_len] >> 4) {
	case 4:
		return plan4(cut, frame, have);
	case 6:
		return plan6(cut, frame, have);
	default:
		return false;
	}
}

static void patch4(uint8_t *ip, uint32_t headers, uint32_t payload, uint32_t offset, bool more)
{
	const uint16_t len = htons((uint16_t)(headers + payload));
	uint16_t field;

	memcpy(ip + offsetof(struct iphdr, tot_len), &len, sizeof(len));
	memcpy(&field, ip + offsetof(struct iphdr, frag_off), sizeof(field));	/* DF as it was */
	field |= htons((uint16_t)(offset / 8 | (more ? IP_MF : 0)));
	memcpy(ip + offsetof(struct iphdr, frag_off), &field, sizeof(field));
	memset(ip + offsetof(struct iphdr, check), 0, sizeof(field));
	checksum_store(ip + offsetof(struct iphdr, check), checksum_add(0, ip, headers));
}

static void patch6(uint8_t *ip, uint32_t payload, uint32_t offset, bool more)
{
	const uint16_t len = htons((uint16_t)(sizeof(struct ip6_frag) + payload));
	const uint16_t field = (uint16_t)(htons((uint16_t)offset) | (more ? IP6F_MORE_FRAG : 0));

	memcpy(ip + offsetof(struct ip6_hdr, ip6_plen), &len, sizeof(len));
	memcpy(ip + sizeof(struct ip6_hdr) + offsetof(struct ip6_frag, ip6f_offlg), &field, sizeof(field));
}

/* The piece at `offset`, of n bytes. NULL: no buffer, or none that large. */
static struct rte_mbuf *make_piece(const struct fragments *f, const struct cut *cut, uint32_t offset, uint32_t n)
{
	const struct head *head = offset ? &cut->later : &cut->first;
	const bool more = offset + n < cut->len;
	struct rte_mbuf *m;
	uint8_t *frame;

	if (head->len + n > f->room)
		return NULL;
	m = rte_pktmbuf_alloc(f->pool);
	if (!m)
		return NULL;
	frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(head->len + n));
	assert(frame);
	memcpy(frame, head->bytes, head->len);
	memcpy(frame + head->len, cut->payload + offset, n);
	if (cut->v6)
		patch6(frame + cut->l2_len, n, offset, more);
	else
		patch4(frame + cut->l2_len, head->len - cut->l2_len, n, offset, more);
	return m;
}

/* 0: a piece could not be made, or there are too many. */
static uint16_t make_pieces(const struct fragments *f, const struct cut *cut, struct rte_mbuf *out[FRAGMENTS_MAX + 1])
{
	uint32_t offset = 0, n;
	uint16_t made = 0;

	for (; offset < cut->len; offset += n) {
		const struct head *head = offset ? &cut->later : &cut->first;
		const uint32_t headers = head->len - cut->l2_len, left = cut->len - offset;
		const uint32_t space = cut->mtu > headers ? cut->mtu - headers : 0;
		struct rte_mbuf *piece = NULL;

		n = left <= space ? left : space & ~7u;
		if (n && made <= FRAGMENTS_MAX)
			piece = make_piece(f, cut, offset, n);
		if (!piece) {
			rte_pktmbuf_free_bulk(out, made);
			return 0;
		}
		out[made++] = piece;
	}
	return made;
}

uint16_t fragments_cut(struct fragments *f, struct rte_mbuf *m, uint8_t l2_len, uint32_t mtu,
		       struct rte_mbuf *out[FRAGMENTS_MAX + 1], struct counters *c)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const size_t len = rte_pktmbuf_data_len(m);
	struct cut cut = { .l2_len = l2_len, .mtu = mtu };
	uint16_t made;

	assert(m->nb_segs == 1 && l2_len <= L2_MAX);
	if (len <= l2_len || !plan(&cut, frame, len - l2_len)) {
		fragments_drop(m, 1, c);
		return 0;
	}
	if (cut.total <= cut.mtu) {
		out[0] = m;
		return 1;
	}
	made = make_pieces(f, &cut, out);
	if (made)
		rte_pktmbuf_free(m);
	else
		fragments_drop(m, 1, c);
	return made;
}
