/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port on a device that DPDK owns: messages to it, whole and in fragments, with and without a VLAN tag, and the way back; what is the host's goes up
 * the mirror, in pieces that fit there; checksums that the device computes are right.
 */
#include "nic_bed.h"

#include "checksum.h"
#include "fragments_bed.h"

TestSuite(ethdev_owned, .timeout = 280);

enum { POOL_N = 2047, VID = 100, IF_VLAN = 1001, MTU = 1500, VLAN_MTU = 1300 };

/* As fragments_bed.h has them in its frames. */
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, their_mac[6] = { 2, 0, 0, 0, 0, 2 };

static struct rte_mempool *pool;
static struct wire wire;
static struct port *p;
static struct counters c, *cp[] = { &c };
static int host;

static void create(const char *device)
{
	const struct port_ethdev_conf conf = { .device = device, .mirror = "luW", .n_queues = 1, .pool = pool };
	const struct in6_addr locals[] = {
		{ .s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 198, [15] = 1 } },
		{ .s6_addr = { 0x20, [15] = 1 } },
	};
	struct port_link links[] = { { .mtu = MTU, .up = true }, { .ifindex = IF_VLAN, .vid = VID, .mtu = VLAN_MTU, .up = true } };

	p = port_ethdev_create(&conf, err);
	cr_assert_not_null(p, "%s", err);
	p->counters = cp;
	cr_expect_eq(port_ethdev_ifindex(p), if_nametoindex("luW"));
	links[0].ifindex = port_ethdev_ifindex(p);
	memcpy(links[0].mac, our_mac, 6);
	memcpy(links[1].mac, our_mac, 6);
	cr_assert_eq(port_ethdev_set_links(p, links, RTE_DIM(links)), 0);
	cr_assert_eq(port_ethdev_set_local(p, locals, RTE_DIM(locals)), 0);
}

static void setup(void)
{
	nic_bed_net();
	pool = test_pool("owned", POOL_N);
	wire_make(&wire, "own", 1);
	create(wire.device);
	host = host_open("luW");
}

static void finish(void)
{
	close(host);
	p->ops->destroy(p);
	rcu_barrier();
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(pool), 0, "every packet buffer is back");
}

/* A datagram to the listen port, or beside it. */
static void datagram(uint8_t *d, size_t len, bool ours)
{
	bed_datagram(d, len);
	bed_put16(d, 4321);
	bed_put16(d + 2, port_ethdev_listen_port(p) + !ours);
	bed_put16(d + 6, 0);
}

/* What the port makes of what lies there; NULL: nothing. */
static struct rte_mbuf *receive(void)
{
	struct rte_mbuf *m[PORT_BURST];
	const uint16_t n = port_rx_burst(p, 0, m, PORT_BURST);

	cr_assert_leq(n, 1);
	return n ? m[0] : NULL;
}

static struct rte_mbuf *arrive(const struct bed_flow *flow, const uint8_t *d, size_t len)
{
	uint8_t frame[BED_FRAME_MAX];

	wire_put(&wire, 0, bed_mbuf(pool, frame, bed_frame(frame, flow, d, len, NULL)));
	return receive();
}

/* In pieces of `each` bytes, the last one first. */
static struct rte_mbuf *arrive_in_pieces(const struct bed_flow *flow, const uint8_t *d, size_t len, uint32_t each)
{
	uint8_t frame[BED_FRAME_MAX];

	for (uint32_t k = ((uint32_t)len + each - 1) / each; k--;) {
		const struct bed_piece piece = { k * each, RTE_MIN(each, (uint32_t)len - k * each), (k + 1) * each < len };

		wire_put(&wire, 0, bed_mbuf(pool, frame, bed_frame(frame, flow, d, len, &piece)));
	}
	return receive();
}

/* The message, from whom it should be, and an answer that goes back there. */
static void expect_message(struct rte_mbuf *m, const struct bed_flow *flow, const uint8_t *d, size_t len)
{
	const size_t l2 = flow->vid ? 18 : 14;
	struct rewrite rw;

	cr_assert_not_null(m);
	cr_assert_eq(rte_pktmbuf_pkt_len(m), len - 8);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), d + 8, len - 8);
	cr_expect_eq(pkt_of(m)->ep.remote.v4.sin_port, htons(4321));
	cr_expect_eq(pkt_of(m)->ep.local_ifindex, flow->vid ? IF_VLAN : port_ethdev_ifindex(p));
	p->ops->way_back(p, m, &rw);
	cr_expect(endpoint_equal(&rw.ep, &pkt_of(m)->ep));
	cr_assert_eq(rw.len, l2 + (flow->v6 ? 48 : 28));
	cr_expect_arr_eq(rw.hdr, their_mac, 6);
	cr_expect_arr_eq(rw.hdr + 6, our_mac, 6);
	if (flow->vid)
		cr_expect_arr_eq(rw.hdr + 12, "\x81\x00\x00\x64", 4);
	cr_expect_eq(rw.hdr[l2 + (flow->v6 ? 39 : 19)], flow->src);

	rte_pktmbuf_trim(m, (uint16_t)(len - 8 - 100));
	cr_assert(p->ops->encap(p, m, &rw, 0));
	cr_assert_eq(port_tx_burst(p, 0, &m, 1), 1);
	m = wire_get(&wire, 0);
	cr_assert_not_null(m);
	cr_expect_eq(rte_pktmbuf_pkt_len(m), rw.len + 100);
	cr_expect_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), rw.hdr, l2);
	rte_pktmbuf_free(m);
}

Test(ethdev_owned, messages_whole_and_in_fragments)
{
	uint8_t d[BED_DATAGRAM_MAX];
	struct bed_flow flow = { .src = 7 };

	setup();
	for (unsigned int kind = 0; kind < 4; kind++) {
		flow.v6 = kind & 1;
		flow.vid = kind & 2 ? VID : 0;
		flow.id++;
		datagram(d, 1000, true);
		expect_message(arrive(&flow, d, 1000), &flow, d, 1000);
		datagram(d, 4000, true);
		expect_message(arrive_in_pieces(&flow, d, 4000, 1208), &flow, d, 4000);
	}
	cr_expect_eq(c.host_tx, 0);
	cr_expect_eq(c.drop[DROP_FRAGMENTS], 0);
	finish();
}

/* Another port, another address, and no datagram at all: as it came. */
Test(ethdev_owned, frames_that_are_the_hosts)
{
	uint8_t d[BED_DATAGRAM_MAX], frame[BED_FRAME_MAX];
	size_t len;

	setup();
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct bed_flow flow = { .src = 7, .v6 = kind & 1, .vid = kind & 2 ? VID : 0 };
		const size_t l2 = bed_l2_len(&flow), last = l2 + (flow.v6 ? 39 : 19);

		datagram(d, 500, false);
		len = bed_frame(frame, &flow, d, 500, NULL);
		cr_assert_null(arrive(&flow, d, 500));
		host_expect(host, frame, len);
		datagram(d, 500, true);
		len = bed_frame(frame, &flow, d, 500, NULL);
		frame[last] = 99;
		if (!flow.v6)
			bed_fix4(frame + l2);
		wire_put(&wire, 0, bed_mbuf(pool, frame, len));
		cr_assert_null(receive());
		host_expect(host, frame, len);
		frame[l2 + (flow.v6 ? 6 : 9)] = 6;	/* TCP */
		wire_put(&wire, 0, bed_mbuf(pool, frame, len));
		cr_assert_null(receive());
		host_expect(host, frame, len);
	}
	memset(frame, 255, 6);	/* ARP */
	frame[12] = 8;
	frame[13] = 6;
	wire_put(&wire, 0, bed_mbuf(pool, frame, 60));
	cr_assert_null(receive());
	host_expect(host, frame, 60);
	cr_expect_eq(c.host_tx, 13);
	finish();
}

/* A fragment for nobody's address is the host's at once: perhaps it routes it. */
Test(ethdev_owned, fragments_for_others)
{
	const struct bed_flow flow = { .src = 7 };
	const struct bed_piece piece = { 8, 400, true };
	uint8_t d[BED_DATAGRAM_MAX], frame[BED_FRAME_MAX];
	size_t len;

	setup();
	datagram(d, 1000, true);
	len = bed_frame(frame, &flow, d, 1000, &piece);
	frame[33] = 99;
	bed_fix4(frame + 14);
	wire_put(&wire, 0, bed_mbuf(pool, frame, len));
	cr_assert_null(receive());
	host_expect(host, frame, len);
	finish();
}

/* The payload of the datagram that the host hears in pieces, none larger than `mtu`. */
static void hear_pieces(const struct bed_flow *flow, const uint8_t *d, size_t len, uint32_t mtu)
{
	const size_t l2 = bed_l2_len(flow), headers = l2 + (flow->v6 ? 48 : 20);
	uint8_t frame[HOST_FRAME_MAX];
	size_t seen = 0;

	while (seen < len) {
		const size_t n = host_hear(host, frame), at = flow->v6 ? ((size_t)frame[l2 + 42] << 8 | frame[l2 + 43]) & ~7u :
								    ((size_t)frame[l2 + 6] << 8 | frame[l2 + 7]) % 8192 * 8;

		cr_assert_gt(n, headers);
		cr_assert_leq(n, mtu + l2);
		cr_assert_leq(at + n - headers, len);
		cr_assert_arr_eq(frame + headers, d + at, n - headers);
		seen += n - headers;
	}
	cr_assert_eq(seen, len);
}

/* Of another program's port: put together only to find out. */
Test(ethdev_owned, datagrams_of_the_hosts_in_fragments)
{
	uint8_t d[BED_DATAGRAM_MAX];

	setup();
	for (unsigned int kind = 0; kind < 4; kind++) {
		const struct bed_flow flow = { .src = 7, .id = 40 + kind, .v6 = kind & 1, .vid = kind & 2 ? VID : 0 };

		datagram(d, 5000, false);
		cr_assert_null(arrive_in_pieces(&flow, d, 5000, 1400));
		hear_pieces(&flow, d, 5000, flow.vid ? VLAN_MTU : MTU);
	}
	cr_expect_eq(c.drop[DROP_FRAGMENTS], 0);
	finish();
}

static struct endpoint peer_of(bool v6, uint32_t ifindex)
{
	struct endpoint ep = { .local_ifindex = ifindex };

	if (v6) {
		ep.remote.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(4321) };
		inet_pton(AF_INET6, "2000::7", &ep.remote.v6.sin6_addr);
		inet_pton(AF_INET6, "2000::1", &ep.local.v6);
	} else {
		ep.remote.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(4321) };
		inet_pton(AF_INET, "192.0.0.7", &ep.remote.v4.sin_addr);
		inet_pton(AF_INET, "198.0.0.1", &ep.local.v4);
	}
	return ep;
}

static struct rte_mbuf *message(uint16_t len, unsigned int seed)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *data = (uint8_t *)rte_pktmbuf_append(m, len);

	for (uint16_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 + seed);
	return m;
}

/* By a rewrite of the control thread's; what is larger than the link's MTU is dropped. */
Test(ethdev_owned, each_link_has_its_tag_and_mtu)
{
	struct rte_mbuf *m;

	setup();
	for (unsigned int kind = 0; kind < 4; kind++) {
		const bool v6 = kind & 1, vlan = kind & 2;
		const struct endpoint ep = peer_of(v6, vlan ? IF_VLAN : port_ethdev_ifindex(p));
		const uint16_t most = (uint16_t)((vlan ? VLAN_MTU : MTU) - (v6 ? 48 : 28));
		struct rewrite rw;

		port_ethdev_rewrite(p, &rw, &ep, their_mac);
		cr_assert_eq(rw.len, (vlan ? 18 : 14) + (v6 ? 48 : 28));
		for (uint16_t len = most; len <= most + 1; len++) {
			m = message(len, kind);
			cr_assert(p->ops->encap(p, m, &rw, 0));
			cr_expect_eq(port_tx_burst(p, 0, &m, 1), len == most);
		}
		m = wire_get(&wire, 0);
		cr_assert_not_null(m);
		cr_assert_null(wire_get(&wire, 0));
		cr_expect_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), their_mac, 6);
		cr_expect_arr_eq(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), vlan ? "\x81\x00\x00\x64" : v6 ? "\x86\xdd\x60\x00" : "\x08\x00\x45\x00", 4);
		rte_pktmbuf_free(m);
		cr_expect_eq(c.drop[DROP_TX_TOO_BIG], kind + 1);
	}
	finish();
}

/* As the receiver checks them (RFC 768, RFC 8200 section 8.1). */
static void expect_checksums(const uint8_t *ip, bool v6, size_t payload)
{
	const uint8_t *udp = ip + (v6 ? 40 : 20);
	const size_t addresses = v6 ? 32 : 8;
	const uint16_t len = (uint16_t)(payload + 8);
	uint64_t sum = checksum_pseudo(IPPROTO_UDP, len);

	if (!v6)
		cr_expect_eq(checksum_fold(checksum_add(0, ip, 20)), 0xffff, "IPv4");
	cr_assert_eq(udp[4] << 8 | udp[5], len);
	cr_expect(udp[6] || udp[7], "it is there");
	sum = checksum_add(sum, udp - addresses, addresses);
	cr_expect_eq(checksum_fold(checksum_add(sum, udp, len)), 0xffff, "UDP");
}

/* What a NIC wants to find there: IPv4's zero, UDP's that of the pseudo header alone (rte_mbuf_core.h, RTE_MBUF_F_TX_UDP_CKSUM). */
static void expect_for_the_nic(const uint8_t *ip, bool v6, size_t payload)
{
	const uint8_t *udp = ip + (v6 ? 40 : 20);
	const size_t addresses = v6 ? 32 : 8;
	const uint16_t sum = checksum_fold(checksum_add(checksum_pseudo(IPPROTO_UDP, (uint16_t)(payload + 8)), udp - addresses, addresses));

	cr_expect_arr_eq(udp + 6, &sum, 2);
	if (!v6)
		cr_expect(!ip[10] && !ip[11]);
}

/* DPDK's tap driver computes them as a NIC would, on what that would be told. */
Test(ethdev_owned, checksums_of_the_device)
{
	struct port_info info;

	nic_bed_net();
	pool = test_pool("owned", POOL_N);
	create("net_tap7,iface=luT");
	test_sh("ip link set luT up");
	host = host_open("luT");
	cr_assert(port_info(p, &info));
	cr_assert(info.udp_checksum_offload);
	for (unsigned int kind = 0; kind < 4; kind++) {
		for (uint16_t len = 32; len < 200; len += 33) {
			const bool v6 = kind & 1, vlan = kind & 2;
			const struct endpoint ep = peer_of(v6, vlan ? IF_VLAN : port_ethdev_ifindex(p));
			struct rte_mbuf *m = message(len, kind);
			uint8_t frame[HOST_FRAME_MAX];
			struct rewrite rw;

			port_ethdev_rewrite(p, &rw, &ep, their_mac);
			cr_assert(p->ops->encap(p, m, &rw, 0x88));
			expect_for_the_nic(rte_pktmbuf_mtod_offset(m, uint8_t *, vlan ? 18 : 14), v6, len);
			cr_assert_eq(port_tx_burst(p, 0, &m, 1), 1);
			cr_assert_eq(host_hear(host, frame), rw.len + len);
			expect_checksums(frame + (vlan ? 18 : 14), v6, len);
		}
	}
	finish();
}
