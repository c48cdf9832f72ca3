/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plaintext between LAN port and tunnel, past the host:
 *
 *   LAN burst -> forwardable? -> destinations' verdicts -> TTL - 1 -> outbound.c           else up the mirror
 *   opened batch -> forwardable? -> destinations' verdicts -> TTL - 1, headers -> LAN port  else to the tun interface, as ever
 *
 * The verdicts are the host's own (fib.h). Where one is not known yet the packet goes by the host, and the control thread is asked.
 */
#include "forward.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <string.h>

#include "checksum.h"
#include "ip.h"

enum { TTL4 = offsetof(struct iphdr, ttl), CHECK4 = offsetof(struct iphdr, check), HOP_LIMIT6 = offsetof(struct ip6_hdr, ip6_hlim) };

/* Never forwarded from or to: this host, no host, many (RFC 1812 section 5.3.7). */
static bool unicast4(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

/* The same, what does not leave its link (RFC 4291 section 2.5), and IPv4 mapped, which Linux drops. */
static bool unicast6(const uint8_t *a)
{
	static const uint8_t low[15], mapped[12] = { [10] = 0xff, [11] = 0xff };

	return a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80) && !(memcmp(a, low, sizeof(low)) == 0 && a[15] <= 1) &&
	       memcmp(a, mapped, sizeof(mapped)) != 0;
}

static bool forwardable4(const uint8_t *data)
{
	return data[0] == (4 << 4 | 5) && data[TTL4] > 1 && unicast4(data + offsetof(struct iphdr, saddr)) &&
	       unicast4(data + offsetof(struct iphdr, daddr)) && checksum_fold(checksum_add(0, data, sizeof(struct iphdr))) == 0xffff;
}

static bool forwardable6(const uint8_t *data)
{
	return data[offsetof(struct ip6_hdr, ip6_nxt)] != IPPROTO_HOPOPTS && data[HOP_LIMIT6] > 1 &&
	       unicast6(data + offsetof(struct ip6_hdr, ip6_src)) && unicast6(data + offsetof(struct ip6_hdr, ip6_dst));
}

/* Is there nothing about the packet (one that ip_parse has accepted) that a router would have to say something about? */
static bool forwardable(const struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	return data[0] >> 4 == 4 ? forwardable4(data) : forwardable6(data);
}

static void ttl_decrement(uint8_t *data)
{
	uint32_t check;

	if (data[0] >> 4 != 4) {
		data[HOP_LIMIT6]--;
		return;
	}
	/* RFC 1141: the word of TTL and protocol is 256 less, so the checksum is 256 more; of the two zeros it is the one that a sum made afresh gives (RFC 1624). */
	data[TTL4]--;
	check = ip_read_be16(data + CHECK4) + 0x100u;
	check += check >= 0xffff;
	data[CHECK4] = (uint8_t)(check >> 8);
	data[CHECK4 + 1] = (uint8_t)check;
}

static void ask(struct core *c, struct fib_entry *e, enum fib_from from, struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	const bool v4 = data[0] >> 4 == 4;
	const size_t len = v4 ? 4 : 16, src = v4 ? offsetof(struct iphdr, saddr) : offsetof(struct ip6_hdr, ip6_src);
	struct fib_question q = { .from = (uint8_t)from, .family = v4 ? AF_INET : AF_INET6, .vid = from == FIB_FROM_LAN ? pkt_of(m)->vid : 0 };

	if (__atomic_load_n(&e->asked, __ATOMIC_RELAXED) & 1u << from ||
	    __atomic_fetch_or(&e->asked, 1u << from, __ATOMIC_RELAXED) & 1u << from)
		return;
	memcpy(q.src, data + src, len);
	memcpy(q.dst, data + src + len, len);
	if (rte_ring_enqueue_elem(c->dp->questions, &q, sizeof(q)) != 0) {
		__atomic_fetch_and(&e->asked, ~(1u << from), __ATOMIC_RELAXED);
		return;
	}
	doorbell_ring(&c->dp->control);
}

/* The verdict about m, whose destination has been looked up. */
static enum fib_verdict judge(struct core *c, struct fib_entry *e, enum fib_from from, struct rte_mbuf *m)
{
	const enum fib_verdict verdict = e ? __atomic_load_n(&e->verdict[from], __ATOMIC_RELAXED) : FIB_HOST;

	if (verdict == FIB_ASK)
		ask(c, e, from, m);
	else if (e && !(__atomic_load_n(&e->used, __ATOMIC_RELAXED) & 1u << from))
		__atomic_fetch_or(&e->used, 1u << from, __ATOMIC_RELAXED);
	return verdict;
}

/* What forwardable packets are on their way to their verdicts. */
struct candidates {
	unsigned int n, destinations;		/* in c->query */
	uint8_t packet[BATCH_MAX], destination[BATCH_MAX];	/* of each: its place among all, its destination's in c->query */
};

static void find(struct core *c, struct rte_mbuf **m, unsigned int n, uint32_t max_len, struct candidates *all)
{
	all->n = all->destinations = 0;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *data = rte_pktmbuf_mtod(m[i], const uint8_t *);
		const bool v6 = data[0] >> 4 == 6;

		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PREFETCH_AHEAD], void *));
		if (rte_pktmbuf_data_len(m[i]) > max_len || !forwardable(m[i]))
			continue;
		all->packet[all->n] = (uint8_t)i;
		all->destination[all->n++] = (uint8_t)allowedips_query_add(c->query, &all->destinations, data +
			(v6 ? offsetof(struct ip6_hdr, ip6_dst) : offsetof(struct iphdr, daddr)), v6);
	}
	allowedips_lookup_bulk(c->dp->fib.prefixes, c->query, all->destinations);
}

static bool fib_is_off(const struct core *c)
{
	return __atomic_load_n(&c->dp->fib.off, __ATOMIC_RELAXED);
}

unsigned int forward_from_lan(struct core *c, struct rte_mbuf **m, unsigned int n)
{
	struct rte_mbuf *host[PORT_BURST];
	unsigned int kept = 0, up = 0, k = 0;
	struct candidates all = { .n = 0 };

	if (!fib_is_off(c))
		find(c, m, n, __atomic_load_n(&c->dp->mtu, __ATOMIC_RELAXED), &all);
	for (unsigned int i = 0; i < n; i++) {
		const bool candidate = k < all.n && all.packet[k] == i;

		if (!candidate || judge(c, c->query[all.destination[k]].peer, FIB_FROM_LAN, m[i]) != FIB_TUNNEL) {
			host[up++] = m[i];
		} else {
			ttl_decrement(rte_pktmbuf_mtod(m[i], uint8_t *));
			m[kept++] = m[i];
		}
		k += candidate;
	}
	if (up)
		port_lan_punt(c->dp->lan, c->queue, host, (uint16_t)up);
	counters_add(&c->counters.lan_rx, kept);
	return kept;
}

/* The frame to the neighbour. False: it is not known, or its link does not take the packet. */
static bool address(struct rte_mbuf *m, const struct fib_way *way)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *), *frame;
	const uint16_t type = htons(data[0] >> 4 == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);

	if (!way || rte_pktmbuf_data_len(m) > way->mtu)
		return false;
	/* A view into a buffer shared with other messages: ours in front is no more than WireGuard's header was. */
	if (!RTE_MBUF_DIRECT(m) && way->len > sizeof(struct wg_data))
		return false;
	ttl_decrement(data);
	frame = (uint8_t *)rte_pktmbuf_prepend(m, way->len);
	memcpy(frame, way->hdr, way->len);
	memcpy(data - sizeof(type), &type, sizeof(type));
	return true;
}

void forward_opened(struct core *c, struct batch *b)
{
	struct candidates all;

	for (unsigned int i = 0; i < b->n; i++)
		pkt_of(b->m[i])->lan = false;
	if (fib_is_off(c))
		return;
	find(c, b->m, b->n, UINT32_MAX, &all);
	for (unsigned int k = 0; k < all.n; k++) {
		struct rte_mbuf *m = b->m[all.packet[k]];
		struct fib_entry *e = c->query[all.destination[k]].peer;

		if (judge(c, e, FIB_FROM_TUNNEL, m) == FIB_LAN)
			pkt_of(m)->lan = address(m, rcu_load(e->way));
	}
}
