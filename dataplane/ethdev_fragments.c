/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fragment is checked and goes into DPDK's table. What rte_ip_frag leaves to its callers is done here: lengths
 * that are true, padding that is cut off, checksums, fragments that are all of their datagram, congestion marks,
 * links that do not mix, and bounds that hold while somebody sends fragments alone.
 *
 * The table adds up the lengths of what it has of a datagram and follows the fragments from the last to the first:
 * it comes out if each begins where another ends and no byte is left over. One that overlaps, or comes twice, makes
 * that fail, and the datagram is dropped, as RFC 5722 has it for IPv6. What comes out is copied into the first
 * fragment's buffer.
 *
 * All of it runs on the data core of the queue. Cutting is in ethdev_fragments_cut.c.
 */
#define ALLOW_EXPERIMENTAL_API	/* rte_ip_frag_table_del_expired_entries, in DPDK 22.11 */
#include "ethdev_fragments.h"

#include <assert.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip_frag.h>

#include "checksum.h"
#include "ethdev_fragments_internal.h"
#include "ethdev_frame.h"
#include "pkt.h"

enum {
	/* Twice as many entries as buckets would say (two hashes), four times what may be in use: collisions are rare. */
	BUCKETS = 64,
	BUCKET_ENTRIES = 8,
	ENTRIES = 2 * BUCKETS * BUCKET_ENTRIES,
	/* An entry of the table: its key, its place in a list, time, counts, and the fragments, in whole cache lines. */
	ENTRY_LEN = RTE_ALIGN(96 + 16 * RTE_LIBRTE_IP_FRAG_MAX_FRAG, 2 * RTE_CACHE_LINE_MIN_SIZE),
	TABLE_REST = 4096,

	/* With that many fragments waiting, those of a flood most likely, the rest has to come sooner. */
	PRESSED = FRAGMENTS_DATAGRAMS * 3 / 4,
	PRESSED_TIMEOUT_MS = 100,

	IPV4_OFFSET = 0x1fff,
	VID_MASK = 0x0fff,
	ECN_MASK = 3,
	ECN_CE = 3,
};

_Static_assert((int)FRAGMENTS_MAX <= RTE_LIBRTE_IP_FRAG_MAX_FRAG, "DPDK was built for fewer fragments of a datagram");

static const uint64_t ns_of_ms = 1000 * 1000;

struct piece {
	uint32_t offset, payload;	/* of the datagram's bytes behind the IP header and IPv6's fragment header */
	uint8_t headers;		/* length of these */
	uint8_t ds;
	bool v6, more;
};

struct fragments *fragments_create(struct rte_mempool *pool)
{
	struct fragments *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->pool = pool;
	f->room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	f->table = rte_ip_frag_table_create(BUCKETS, BUCKET_ENTRIES, FRAGMENTS_DATAGRAMS,
					    FRAGMENTS_TIMEOUT_MS * ns_of_ms, SOCKET_ID_ANY);
	if (!f->table) {
		free(f);
		return NULL;
	}
	return f;
}

void fragments_destroy(struct fragments *f)
{
	if (!f)
		return;
	assert(!f->dead.cnt);
	rte_ip_frag_table_destroy(f->table);
	free(f);
}

size_t fragments_memory(void)
{
	return sizeof(struct fragments) + ENTRIES * ENTRY_LEN + TABLE_REST;
}

void fragments_drop(struct rte_mbuf *m, uint32_t n, struct counters *c)
{
	counters_add(&c->drop[DROP_FRAGMENTS], n);
	rte_pktmbuf_free(m);
}

/* Frees what the table has given up. */
static void bury(struct fragments *f, struct counters *c)
{
	uint32_t n = 0;

	if (!f->dead.cnt)
		return;
	for (uint32_t i = 0; i < f->dead.cnt; i++)
		n += f->dead.row[i]->nb_segs;	/* some may have been chained already */
	f->held -= n;
	counters_add(&c->drop[DROP_FRAGMENTS], n);
	rte_ip_frag_free_death_row(&f->dead, 0);
}

/* The table stops when the row is full. */
static void expire(struct fragments *f, uint64_t now_ns, struct counters *c)
{
	bool more;

	do {
		rte_ip_frag_table_del_expired_entries(f->table, &f->dead, now_ns);
		more = f->dead.cnt > 0;
		bury(f, c);
	} while (more);
}

void fragments_expire(struct fragments *f, uint64_t now_ns, struct counters *c)
{
	if (f->held)
		expire(f, now_ns, c);
}

static bool make_room(struct fragments *f, uint64_t now_ns, struct counters *c)
{
	if (f->held >= PRESSED)
		expire(f, now_ns + (FRAGMENTS_TIMEOUT_MS - PRESSED_TIMEOUT_MS) * ns_of_ms, c);
	return f->held < FRAGMENTS_MBUFS;
}

/* False: no fragment of UDP over IPv4, or a malformed one. `ip` is what the frame has from there on, `have` bytes. */
static bool parse4(const uint8_t *ip, size_t have, struct piece *p)
{
	struct iphdr h;
	uint16_t len;

	if (have < sizeof(h))
		return false;
	memcpy(&h, ip, sizeof(h));
	len = ntohs(h.tot_len);
	p->headers = (uint8_t)(h.ihl * 4);
	if (h.ihl < 5 || len <= p->headers || len > have || h.protocol != IPPROTO_UDP ||
	    checksum_fold(checksum_add(0, ip, p->headers)) != 0xffff)
		return false;
	p->payload = len - p->headers;
	p->offset = (ntohs(h.frag_off) & IPV4_OFFSET) * 8u;
	p->more = ntohs(h.frag_off) & IP_MF;
	p->ds = h.tos;
	return true;
}

static bool parse6(const uint8_t *ip, size_t have, struct piece *p)
{
	struct ip6_hdr h;
	struct ip6_frag frag;
	uint16_t len;

	if (have < sizeof(h) + sizeof(frag))
		return false;
	memcpy(&h, ip, sizeof(h));
	memcpy(&frag, ip + sizeof(h), sizeof(frag));
	len = ntohs(h.ip6_plen);
	if (h.ip6_nxt != IPPROTO_FRAGMENT || frag.ip6f_nxt != IPPROTO_UDP || len <= sizeof(frag) ||
	    sizeof(h) + len > have)
		return false;
	p->v6 = true;
	p->headers = sizeof(h) + sizeof(frag);
	p->payload = len - (uint32_t)sizeof(frag);
	p->offset = ntohs(frag.ip6f_offlg & IP6F_OFF_MASK);
	p->more = frag.ip6f_offlg & IP6F_MORE_FRAG;
	p->ds = (uint8_t)(ntohl(h.ip6_flow) >> 20);
	return true;
}

/*
 * All but the last are a multiple of 8 bytes, so the first has all of the UDP header. What is larger than a buffer is
 * of no use to anybody here, and what is larger than IP allows is among that (room is 16 bits).
 */
static bool parse(const struct fragments *f, const struct rte_mbuf *m, uint8_t l2_len, struct piece *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l2_len);
	const size_t len = rte_pktmbuf_data_len(m);

	memset(p, 0, sizeof(*p));
	if (len <= l2_len)
		return false;
	if (!(ip[0] >> 4 == 4 && parse4(ip, len - l2_len, p)) && !(ip[0] >> 4 == 6 && parse6(ip, len - l2_len, p)))
		return false;
	if (p->more && p->payload % 8)
		return false;
	return l2_len + p->headers + p->offset + p->payload <= f->room;
}

/* One that is all of its datagram (RFC 6946): the headers move up to what follows the fragment header. */
static struct rte_mbuf *unwrap6(struct rte_mbuf *m, uint8_t l2_len)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *ip = frame + l2_len;
	const size_t headers = l2_len + sizeof(struct ip6_hdr) + sizeof(struct ip6_frag);
	const uint16_t len = htons((uint16_t)(rte_pktmbuf_data_len(m) - headers));

	memcpy(ip + offsetof(struct ip6_hdr, ip6_plen), &len, sizeof(len));
	ip[offsetof(struct ip6_hdr, ip6_nxt)] = IPPROTO_UDP;
	memmove(frame + sizeof(struct ip6_frag), frame, l2_len + sizeof(struct ip6_hdr));
	rte_pktmbuf_adj(m, sizeof(struct ip6_frag));
	return m;
}

/* What its fragments are to have in common, or are to add to the whole. */
static void note(struct rte_mbuf *m, const struct piece *p, uint8_t l2_len)
{
	struct frame_l2 l2;

	pkt_of(m)->id = frame_l2_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &l2) ? l2.vid : 0;
	pkt_of(m)->ds = p->ds;
	m->l2_len = l2_len;
	m->l3_len = p->headers;
}

/*
 * Of one link, and a congestion mark that all of them allow (RFC 3168 section 5.3): one that is marked marks the
 * whole, and if another says that its sender knows nothing of marks, the whole is dropped.
 */
static bool merge_notes(struct rte_mbuf *m, bool *marked)
{
	bool not_capable = false;

	*marked = false;
	for (struct rte_mbuf *s = m; s; s = s->next) {
		const uint8_t ecn = pkt_of(s)->ds & ECN_MASK;

		if (pkt_of(s)->id != pkt_of(m)->id)
			return false;
		*marked |= ecn == ECN_CE;
		not_capable |= !ecn;
	}
	return !(*marked && not_capable);
}

/* IP's length is the table's: it has to be that of what is there. */
static bool finish_header(struct rte_mbuf *m, bool marked)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);
	const uint32_t have = rte_pktmbuf_pkt_len(m) - m->l2_len;
	uint16_t len;

	if (ip[0] >> 4 == 6) {
		m->l3_len = sizeof(struct ip6_hdr);
		if (marked)
			ip[1] |= ECN_CE << 4;
		memcpy(&len, ip + offsetof(struct ip6_hdr, ip6_plen), sizeof(len));
		return have == sizeof(struct ip6_hdr) + ntohs(len);
	}
	if (marked)
		ip[offsetof(struct iphdr, tos)] |= ECN_CE;
	memset(ip + offsetof(struct iphdr, check), 0, sizeof(len));
	checksum_store(ip + offsetof(struct iphdr, check), checksum_add(0, ip, m->l3_len));
	memcpy(&len, ip + offsetof(struct iphdr, tot_len), sizeof(len));
	return have == ntohs(len);
}

/* NULL: larger than a buffer, or there is none. Takes ownership in any case. */
static struct rte_mbuf *one_segment(const struct fragments *f, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = NULL;

	if (rte_pktmbuf_linearize(m) == 0)
		return m;
	if (rte_pktmbuf_pkt_len(m) <= f->room)
		copy = rte_pktmbuf_copy(m, f->pool, 0, UINT32_MAX);
	rte_pktmbuf_free(m);
	return copy;
}

static struct rte_mbuf *finish(struct fragments *f, struct rte_mbuf *m, struct counters *c)
{
	const uint16_t n = m->nb_segs;
	struct rte_mbuf *whole;
	bool marked;

	f->held -= n;
	if (!merge_notes(m, &marked) || !finish_header(m, marked)) {
		fragments_drop(m, n, c);
		return NULL;
	}
	whole = one_segment(f, m);
	if (!whole)
		counters_add(&c->drop[DROP_FRAGMENTS], n);
	return whole;
}

static struct rte_mbuf *put(struct fragments *f, struct rte_mbuf *m, const struct piece *p, uint64_t now_ns)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);

	f->held++;
	if (!p->v6)
		return rte_ipv4_frag_reassemble_packet(f->table, &f->dead, m, now_ns, (struct rte_ipv4_hdr *)ip);
	return rte_ipv6_frag_reassemble_packet(f->table, &f->dead, m, now_ns, (struct rte_ipv6_hdr *)ip,
					       (struct rte_ipv6_fragment_ext *)(ip + sizeof(struct ip6_hdr)));
}

struct rte_mbuf *fragments_take(struct fragments *f, struct rte_mbuf *m, uint8_t l2_len, uint64_t now_ns,
				struct counters *c)
{
	struct rte_mbuf *whole;
	struct piece p;

	if (rte_pktmbuf_linearize(m) < 0 || !parse(f, m, l2_len, &p)) {
		fragments_drop(m, 1, c);
		return NULL;
	}
	rte_pktmbuf_trim(m, (uint16_t)(rte_pktmbuf_data_len(m) - l2_len - p.headers - p.payload));
	if (!p.offset && !p.more)
		return p.v6 ? unwrap6(m, l2_len) : m;
	if (!make_room(f, now_ns, c)) {
		fragments_drop(m, 1, c);
		return NULL;
	}
	note(m, &p, l2_len);
	whole = put(f, m, &p, now_ns);
	bury(f, c);
	return whole ? finish(f, whole, c) : NULL;
}
