/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LAN fast path and the host's verdicts: packets go where these say; where there is none yet the control thread is asked once, and the packet goes to the
 * host meanwhile. Bursts of all sorts, which keep their order, and packets that share a buffer with others.
 */
#include "forward_bed.h"

TestSuite(forward_verdicts, .timeout = 120);

static unsigned int questions(struct fib_question *q)
{
	unsigned int n = 0;

	while (rte_ring_dequeue_elem(dp->questions, q, sizeof(*q)) == 0)
		n++;
	return n;
}

static void expect_question(enum fib_from from, const struct lan_packet *k, uint16_t vid)
{
	const int family = strchr(k->dst, ':') ? AF_INET6 : AF_INET;
	const size_t len = family == AF_INET ? 4 : 16;
	struct fib_question q;
	uint8_t src[16], dst[16];

	cr_assert_eq(questions(&q), 1);
	cr_expect_eq(q.from, from);
	cr_expect_eq(q.family, family);
	cr_expect_eq(q.vid, vid);
	inet_pton(family, k->src, src);
	inet_pton(family, k->dst, dst);
	cr_expect_arr_eq(q.src, src, len);
	cr_expect_arr_eq(q.dst, dst, len);
}

static void set(struct fib_entry *e, enum fib_from from, enum fib_verdict verdict)
{
	__atomic_store_n(&e->verdict[from], verdict, __ATOMIC_RELAXED);
}

static void lan_to_host_by(const struct lan_packet *k, uint16_t vid)
{
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = from_lan(frame, k, vid);

	host_expect(host, frame, len);
}

Test(forward_verdicts, unknown_from_the_lan)
{
	const struct lan_packet k[] = { out4, out6 };
	struct fib_entry *e[] = { &far4, &far6 };
	struct fib_question q;

	setup();
	for (unsigned int i = 0; i < 2; i++) {
		set(e[i], FIB_FROM_LAN, FIB_ASK);
		lan_to_host(&k[i]);
		expect_question(FIB_FROM_LAN, &k[i], 0);
		cr_expect_eq(e[i]->asked, 1u << FIB_FROM_LAN);
		cr_expect_eq(e[i]->used, 0, "not a verdict");
		lan_to_host(&k[i]);
		cr_expect_eq(questions(&q), 0, "once");
		/* The answer has been given up: once more, by a VLAN. */
		__atomic_store_n(&e[i]->asked, 0, __ATOMIC_RELAXED);
		lan_to_host_by(&k[i], VID);
		expect_question(FIB_FROM_LAN, &k[i], VID);
		set(e[i], FIB_FROM_LAN, FIB_TUNNEL);
		lan_to_tunnel(&k[i], 0);
		cr_expect(e[i]->used & 1u << FIB_FROM_LAN);
	}
	finish();
}

Test(forward_verdicts, unknown_from_the_tunnel)
{
	const struct lan_packet k[] = { in4, in6 };
	struct fib_entry *e[] = { &near4, &near6 };
	struct fib_question q;

	setup();
	for (unsigned int i = 0; i < 2; i++) {
		set(e[i], FIB_FROM_TUNNEL, FIB_ASK);
		tunnel_to_host(&k[i]);
		expect_question(FIB_FROM_TUNNEL, &k[i], 0);
		tunnel_to_host(&k[i]);
		cr_expect_eq(questions(&q), 0, "once");
		/* The other direction is another question. */
		set(e[i], FIB_FROM_LAN, FIB_ASK);
		cr_expect_eq(e[i]->asked, 1u << FIB_FROM_TUNNEL);
		lan_to_host(&k[i]);
		expect_question(FIB_FROM_LAN, &k[i], 0);
		set(e[i], FIB_FROM_TUNNEL, FIB_LAN);
		tunnel_to_lan(&k[i]);
	}
	finish();
}

/* Who could not be asked is asked again. */
Test(forward_verdicts, no_room_for_questions)
{
	struct fib_question q = { .from = FIB_FROM_N };
	unsigned int n = 0;

	setup();
	set(&far4, FIB_FROM_LAN, FIB_ASK);
	while (rte_ring_enqueue_elem(dp->questions, &q, sizeof(q)) == 0)
		n++;
	cr_expect_eq(n, FIB_QUESTION_RING);
	lan_to_host(&out4);
	cr_expect_eq(far4.asked, 0);
	cr_expect_eq(questions(&q), FIB_QUESTION_RING);
	cr_expect_eq(q.from, FIB_FROM_N);
	lan_to_host(&out4);
	expect_question(FIB_FROM_LAN, &out4, 0);
	cr_expect_eq(far4.asked, 1u << FIB_FROM_LAN);
	finish();
}

Test(forward_verdicts, of_the_longest_match)
{
	static struct fib_entry mine = { .verdict = { FIB_HOST, FIB_HOST } };
	struct lan_packet none4 = out4, none6 = out6;
	struct fib_question q;

	setup();
	none4.dst = "203.0.113.1";
	none6.dst = "2001:db8:f::1";
	lan_to_host(&none4);
	lan_to_host(&none6);
	tunnel_to_host(&none4);
	tunnel_to_host(&none6);
	insert(&mine, "10.1.0.9", 32);
	insert(&mine, "192.0.2.7", 32);
	lan_to_host(&out4);
	tunnel_to_host(&in4);
	cr_expect_eq(mine.used, 1u << FIB_FROM_LAN | 1u << FIB_FROM_TUNNEL);
	cr_expect_eq(questions(&q), 0);
	finish();
}

/* LAN to LAN, tunnel to tunnel: the host's, which may have an ICMP redirect to say, or a filter. */
Test(forward_verdicts, back_where_it_came_from)
{
	setup();
	set(&near4, FIB_FROM_LAN, FIB_LAN);
	set(&far4, FIB_FROM_TUNNEL, FIB_TUNNEL);
	lan_to_host(&in4);
	tunnel_to_host(&out4);
	finish();
}

Test(forward_verdicts, a_neighbour_that_is_not_known)
{
	setup();
	rcu_publish(near4.way, NULL);
	tunnel_to_host(&in4);
	tunnel_to_lan(&in6);
	rcu_publish(near4.way, &way);
	tunnel_to_lan(&in4);
	finish();
}

Test(forward_verdicts, a_neighbour_on_a_vlan)
{
	setup();
	way.len = port_lan_headers(lan, IF_VLAN, neighbour_mac, way.hdr, &way.mtu);
	cr_assert_eq(way.len, 18);
	tunnel_to_lan(&in4);
	tunnel_to_lan(&in6);
	finish();
}

Test(forward_verdicts, off)
{
	struct fib_question q;

	setup();
	set(&far6, FIB_FROM_LAN, FIB_ASK);
	__atomic_store_n(&dp->fib.off, true, __ATOMIC_RELAXED);
	lan_to_host(&out4);
	lan_to_host(&out6);
	tunnel_to_host(&in4);
	tunnel_to_host(&in6);
	cr_expect_eq(questions(&q), 0);
	__atomic_store_n(&dp->fib.off, false, __ATOMIC_RELAXED);
	lan_to_tunnel(&out4, 0);
	tunnel_to_lan(&in4);
	finish();
}

/* The k-th of a burst: to the fast path, or not, and why. */
static bool fast(unsigned int k, struct lan_packet *p)
{
	p->id = (uint16_t)k;
	p->len = (uint16_t)(60 + k * 13);
	switch (k * 7919 % 6) {
	case 0:
		p->ttl = 1;
		return false;
	case 1:
		p->dst = strchr(p->dst, ':') ? "2001:db8:f::1" : "203.0.113.1";
		return false;
	case 2:
		p->src = strchr(p->src, ':') ? "fe80::1" : "0.0.0.0";
		return false;
	default:
		return true;
	}
}

Test(forward_verdicts, mixed_bursts_from_the_lan)
{
	uint8_t frame[LAN_PACKET_MAX];
	struct lan_packet k;

	setup();
	for (unsigned int i = 0; i < 4 * PORT_BURST; i++) {
		k = i & 1 ? out6 : out4;
		fast(i, &k);
		k.len = 60 + k.len % 1300;
		from_lan(frame, &k, i % 3 ? 0 : VID);
	}
	for (unsigned int i = 0; i < 4 * PORT_BURST; i++) {
		const size_t l2 = i % 3 ? 14 : 18;
		bool by_us;
		size_t len;

		k = i & 1 ? out6 : out4;
		by_us = fast(i, &k);
		k.len = 60 + k.len % 1300;
		len = lan_frame(frame, &k, i % 3 ? 0 : VID);
		if (!by_us) {
			host_expect(host, frame, len);
			continue;
		}
		lan_hop(frame + l2);
		expect_sealed(get(outer.tx), frame + l2, len - l2, inner.tx);
	}
	finish();
}

Test(forward_verdicts, mixed_bursts_from_the_tunnel)
{
	struct rte_mbuf *sealed[4 * PORT_BURST];
	uint8_t frame[LAN_PACKET_MAX], *packet = frame + 14;
	struct lan_packet k;

	setup();
	for (unsigned int i = 0; i < RTE_DIM(sealed); i++) {
		k = i & 1 ? in6 : in4;
		fast(i, &k);
		k.len = 60 + k.len % 1300;
		put(inner.rx, mbuf(packet, lan_write(packet, &k)));
		sealed[i] = get(outer.tx);
	}
	cr_assert_eq(rte_ring_enqueue_bulk(outer.rx, (void **)sealed, RTE_DIM(sealed), NULL), RTE_DIM(sealed));
	for (unsigned int i = 0; i < RTE_DIM(sealed); i++) {
		bool by_us;
		size_t len;

		k = i & 1 ? in6 : in4;
		by_us = fast(i, &k);
		k.len = 60 + k.len % 1300;
		len = lan_write(packet, &k);
		if (!by_us) {
			expect(get(inner.tx), packet, len);
			continue;
		}
		lan_hop(packet);
		lan_ethernet(frame, neighbour_mac, lan_mac, 0, lan_type(packet));
		expect(get(wire.tx[0]), frame, 14 + len);
	}
	cr_expect_eq(counted().lan_tx + counted().inner_tx, RTE_DIM(sealed));
	finish();
}

/* Messages side by side in one buffer, as the kernel port has them: each becomes a view; between them there is not a byte of room. */
static void views_of(const struct lan_packet *k, unsigned int n)
{
	uint8_t packet[LAN_PACKET_MAX];
	struct rte_mbuf *large = rte_pktmbuf_alloc(pool), *sealed;
	const size_t len = lan_write(packet, k);
	struct pkt from = { 0 };
	uint16_t each = 0;

	for (unsigned int i = 0; i < n; i++) {
		put(inner.rx, mbuf(packet, len));
		sealed = get(outer.tx);
		from = *pkt_of(sealed);
		each = rte_pktmbuf_data_len(sealed);
		memcpy(rte_pktmbuf_append(large, each), rte_pktmbuf_mtod(sealed, void *), each);
		rte_pktmbuf_free(sealed);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *view = rte_pktmbuf_alloc(pool);

		*pkt_of(view) = from;
		rte_pktmbuf_attach(view, large);
		view->data_off += (uint16_t)(i * each);
		view->data_len = each;
		view->pkt_len = each;
		put(outer.rx, view);
	}
	rte_pktmbuf_free(large);
}

static void expect_views(const struct lan_packet *k, unsigned int n, bool by_us)
{
	uint8_t frame[LAN_PACKET_MAX], *packet = frame + 14;
	const size_t len = lan_write(packet, k);

	if (by_us) {
		lan_hop(packet);
		lan_ethernet(frame, neighbour_mac, lan_mac, 0, lan_type(packet));
	}
	views_of(k, n);
	for (unsigned int i = 0; i < n; i++) {
		if (by_us)
			expect(get(wire.tx[0]), frame, 14 + len);
		else
			expect(get(inner.tx), packet, len);
	}
}

Test(forward_verdicts, views)
{
	setup();
	expect_views(&in4, 5, true);
	expect_views(&in6, 5, true);
	/* WireGuard's header gives 16 bytes, not the 18 that a tag asks for. */
	way.len = port_lan_headers(lan, IF_VLAN, neighbour_mac, way.hdr, &way.mtu);
	expect_views(&in4, 5, false);
	expect_views(&in6, 5, false);
	finish();
}
