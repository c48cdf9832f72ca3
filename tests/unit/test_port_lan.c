/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LAN port: which frames become packets, which go up the mirror, and that these are what arrived; headers to neighbours; what the host sends.
 */
#include "nic_bed.h"

#include <errno.h>

#include "lan_bed.h"

TestSuite(port_lan, .timeout = 280);

enum { POOL_N = 2047, VID = 100, VID_DOWN = 200, VID_NONE = 300, IF_VLAN = 1001, IF_DOWN = 1002 };

static struct rte_mempool *pool;
static struct wire wire;
static struct port *lan;
static struct counters c[WIRE_QUEUES], *cp[WIRE_QUEUES];
static int host;

/* The mirror, a VLAN device of its own address on it, and another one that is down. */
static void set_links(const uint8_t mac[6], uint32_t mtu)
{
	struct port_link links[] = {
		{ .ifindex = port_lan_ifindex(lan), .mtu = mtu, .up = true },
		{ .ifindex = IF_VLAN, .mtu = mtu - 100, .vid = VID, .up = true },
		{ .ifindex = IF_DOWN, .mtu = mtu, .vid = VID_DOWN, .up = false },
	};

	memcpy(links[0].mac, mac, 6);
	memcpy(links[1].mac, vlan_mac, 6);
	memcpy(links[2].mac, mac, 6);
	cr_assert_eq(port_lan_set_links(lan, links, RTE_DIM(links)), 0);
}

static void setup(uint16_t queues)
{
	struct port_ethdev_conf conf = { .mirror = "luL", .n_queues = queues };

	nic_bed_net();
	pool = conf.pool = test_pool("lan", POOL_N);
	wire_make(&wire, "lan", queues);
	conf.device = wire.device;
	lan = port_lan_create(&conf, err);
	cr_assert_not_null(lan, "%s", err);
	for (uint16_t q = 0; q < queues; q++)
		cp[q] = &c[q];
	lan->counters = cp;
	set_links(lan_mac, LAN_MTU);
	host = host_open("luL");
}

static void finish(void)
{
	struct rte_mbuf *m;

	for (unsigned int q = 0; q < lan->n_queues; q++)
		while ((m = wire_get(&wire, q)))
			rte_pktmbuf_free(m);
	close(host);
	lan->ops->destroy(lan);
	cr_expect_eq(if_nametoindex("luL"), 0);
	rcu_barrier();
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(pool), 0, "every packet buffer is back");
}

static struct rte_mbuf *mbuf(const uint8_t *data, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	cr_assert_not_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	return m;
}

static const struct lan_packet plain4 = { .src = "192.0.2.7", .dst = "198.51.100.9" }, plain6 = { .src = "2001:db8::7", .dst = "2001:db8:1::9" };

/* What the port makes of a frame: a packet, with `l2` bytes in front of it; NULL: it has gone to the host as it is. */
static struct rte_mbuf *arrives(const uint8_t *frame, size_t len, size_t l2)
{
	struct rte_mbuf *m;

	wire_put(&wire, 0, mbuf(frame, len));
	if (!port_rx_burst(lan, 0, &m, 1)) {
		host_expect(host, frame, len);
		return NULL;
	}
	cr_assert_eq(m->l2_len, l2);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *) - l2, frame, l2);
	return m;
}

static void accepted(const uint8_t *frame, size_t len, size_t l2, uint16_t vid, size_t packet)
{
	struct rte_mbuf *m = arrives(frame, len, l2);

	cr_assert_not_null(m);
	cr_assert_eq(pkt_of(m)->vid, vid);
	cr_assert_eq(rte_pktmbuf_pkt_len(m), packet);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), frame + l2, packet);
	/* And the way back up: as it came. */
	port_lan_punt(lan, 0, &m, 1);
	host_expect(host, frame, l2 + packet);
}

Test(port_lan, packets_of_links_that_are_up)
{
	uint8_t frame[LAN_PACKET_MAX];
	size_t len;

	setup(1);
	for (int v6 = 0; v6 < 2; v6++) {
		for (uint16_t vid = 0; vid <= VID; vid += VID) {
			len = lan_frame(frame, v6 ? &plain6 : &plain4, vid);
			accepted(frame, len, vid ? 18 : 14, vid, 100);
		}
	}
	cr_expect_eq(c[0].host_tx, 4);
	finish();
}

Test(port_lan, padding_is_cut_off)
{
	const struct lan_packet k = { .src = "192.0.2.7", .dst = "198.51.100.9", .len = 28 };
	uint8_t frame[LAN_PACKET_MAX];

	setup(1);
	lan_frame(frame, &k, 0);
	memset(frame + 42, 0xee, 18);
	accepted(frame, 60, 14, 0, 28);
	finish();
}

/* Tagged with VLAN 0, for its priority alone: untagged by any other name. */
Test(port_lan, a_priority_tag)
{
	uint8_t frame[LAN_PACKET_MAX];
	size_t len;

	setup(1);
	len = lan_frame(frame, &plain4, VID);
	memcpy(frame, lan_mac, 6);
	lan_put16(frame + 14, 5 << 13);
	accepted(frame, len, 18, 0, 100);
	lan_put16(frame + 14, 5 << 13 | VID);
	memcpy(frame, vlan_mac, 6);
	accepted(frame, len, 18, VID, 100);
	finish();
}

static void to_the_host(const uint8_t *frame, size_t len)
{
	cr_assert_null(arrives(frame, len, 0));
}

Test(port_lan, frames_that_are_the_hosts)
{
	static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 }, group[6] = { 1, 0, 0x5e, 0, 0, 1 };
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = lan_frame(frame, &plain4, 0);

	setup(1);
	memcpy(frame, broadcast, 6);
	to_the_host(frame, len);
	memcpy(frame, group, 6);
	to_the_host(frame, len);
	memcpy(frame, neighbour_mac, 6);
	to_the_host(frame, len);
	memcpy(frame, vlan_mac, 6);	/* ours, but of the VLAN */
	to_the_host(frame, len);
	memcpy(frame, lan_mac, 6);
	memcpy(frame + 6, group, 6);	/* nobody sends from there */
	to_the_host(frame, len);
	memcpy(frame + 6, neighbour_mac, 6);
	lan_put16(frame + 12, ETHERTYPE_ARP);
	to_the_host(frame, len);
	lan_put16(frame + 12, ETHERTYPE_IPV6);	/* which it is not */
	to_the_host(frame, len);
	lan_put16(frame + 12, 1000);	/* IEEE 802.3's length */
	to_the_host(frame, len);
	cr_expect_eq(c[0].host_tx, 8);
	finish();
}

Test(port_lan, vlans_of_the_hosts)
{
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = lan_frame(frame, &plain4, VID);

	setup(1);
	lan_put16(frame + 14, VID_NONE);
	to_the_host(frame, len);
	memcpy(frame, lan_mac, 6);
	to_the_host(frame, len);
	lan_put16(frame + 14, VID_DOWN);
	to_the_host(frame, len);
	lan_put16(frame + 14, 4095);
	to_the_host(frame, len);
	lan_put16(frame + 14, VID);	/* the mirror's own address */
	to_the_host(frame, len);
	memcpy(frame, vlan_mac, 6);
	lan_put16(frame + 16, ETHERTYPE_VLAN);	/* a second tag */
	to_the_host(frame, len);
	finish();
}

Test(port_lan, broken_packets_are_the_hosts)
{
	uint8_t frame[LAN_PACKET_MAX];
	size_t len = lan_frame(frame, &plain4, 0);

	setup(1);
	lan_put16(frame + 16, 101);	/* longer than there is */
	to_the_host(frame, len);
	lan_put16(frame + 16, 19);
	to_the_host(frame, len);
	lan_put16(frame + 16, 100);
	frame[14] = 0x44;
	to_the_host(frame, len);
	frame[14] = 0x55;
	to_the_host(frame, len);
	len = lan_frame(frame, &plain6, 0);
	lan_put16(frame + 18, 61);
	to_the_host(frame, len);
	to_the_host(frame, 14);
	finish();
}

/* The mirror has gone down, and comes back. */
Test(port_lan, links_come_and_go)
{
	uint8_t frame[LAN_PACKET_MAX];
	size_t len;
	struct port_link link = { .ifindex = 5, .mtu = LAN_MTU, .up = false };

	setup(1);
	memcpy(link.mac, lan_mac, 6);
	cr_assert_eq(port_lan_set_links(lan, &link, 1), 0);
	len = lan_frame(frame, &plain4, 0);
	to_the_host(frame, len);
	len = lan_frame(frame, &plain4, VID);
	to_the_host(frame, len);
	set_links(neighbour_mac, LAN_MTU);	/* another address, too */
	len = lan_frame(frame, &plain4, 0);
	to_the_host(frame, len);
	memcpy(frame, neighbour_mac, 6);
	accepted(frame, len, 14, 0, 100);
	finish();
}

/* As many a NIC receives what is larger than its buffers. */
Test(port_lan, frames_in_segments)
{
	const struct lan_packet k = { .src = "192.0.2.7", .dst = "198.51.100.9", .len = 1400 };
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = lan_frame(frame, &k, 0);
	struct rte_mbuf *head, *m;

	setup(1);
	head = mbuf(frame, 500);
	cr_assert_eq(rte_pktmbuf_chain(head, mbuf(frame + 500, 500)), 0);
	cr_assert_eq(rte_pktmbuf_chain(head, mbuf(frame + 1000, len - 1000)), 0);
	wire_put(&wire, 0, head);
	cr_assert_eq(port_rx_burst(lan, 0, &m, 1), 1);
	cr_assert_eq(m->nb_segs, 1);
	cr_assert_eq(rte_pktmbuf_data_len(m), 1400);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), frame + 14, 1400);
	rte_pktmbuf_free(m);
	finish();
}

/* More than any buffer holds. */
Test(port_lan, a_frame_too_large_for_a_buffer_is_dropped)
{
	static uint8_t frame[9000];
	struct rte_mbuf *head, *m;

	setup(1);
	lan_frame(frame, &plain4, 0);
	head = mbuf(frame, sizeof(frame));
	cr_assert_eq(rte_pktmbuf_chain(head, mbuf(frame, sizeof(frame))), 0);
	wire_put(&wire, 0, head);
	cr_assert_eq(port_rx_burst(lan, 0, &m, 1), 0);
	cr_expect_eq(c[0].drop[DROP_OUTER_TRUNCATED], 1);
	finish();
}

/* Every third frame of a full burst is the host's. */
Test(port_lan, bursts_keep_their_order)
{
	struct lan_packet k = plain4;
	uint8_t frame[LAN_PACKET_MAX];
	struct rte_mbuf *m[PORT_BURST];
	unsigned int got = 0;
	size_t len = 0;

	setup(1);
	for (unsigned int i = 0; i < PORT_BURST; i++) {
		k.id = (uint16_t)i;
		len = lan_frame(frame, &k, 0);
		frame[0] |= i % 3 == 0;		/* to a group */
		wire_put(&wire, 0, mbuf(frame, len));
	}
	got = port_rx_burst(lan, 0, m, PORT_BURST);
	cr_assert_eq(got, PORT_BURST - (PORT_BURST + 2) / 3);
	for (unsigned int i = 0, at = 0; i < PORT_BURST; i++) {
		k.id = (uint16_t)i;
		len = lan_frame(frame, &k, 0);
		frame[0] |= i % 3 == 0;
		if (i % 3 == 0) {
			host_expect(host, frame, len);
			continue;
		}
		cr_assert_arr_eq(rte_pktmbuf_mtod(m[at], uint8_t *), frame + 14, len - 14, "packet %u", i);
		rte_pktmbuf_free(m[at++]);
	}
	finish();
}

Test(port_lan, headers_to_neighbours)
{
	uint8_t hdr[18], want[18];
	uint32_t mtu = 0;

	setup(1);
	cr_assert_eq(port_lan_headers(lan, port_lan_ifindex(lan), neighbour_mac, hdr, &mtu), 14);
	lan_ethernet(want, neighbour_mac, lan_mac, 0, 0);
	cr_expect_arr_eq(hdr, want, 14);
	cr_expect_eq(mtu, LAN_MTU);
	cr_assert_eq(port_lan_headers(lan, IF_VLAN, neighbour_mac, hdr, &mtu), 18);
	lan_ethernet(want, neighbour_mac, vlan_mac, VID, 0);
	cr_expect_arr_eq(hdr, want, 18);
	cr_expect_eq(mtu, LAN_MTU - 100);
	cr_expect_eq(port_lan_headers(lan, IF_DOWN, neighbour_mac, hdr, &mtu), 0);
	cr_expect_eq(port_lan_headers(lan, 4242, neighbour_mac, hdr, &mtu), 0);
	finish();
}
