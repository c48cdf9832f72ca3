/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that DPDK owns, under a LAN port: what the host sends leaves in its order and in turns, what the host cannot take is counted, queues, and what the
 * port says of itself.
 */
#include "nic_bed.h"

#include <errno.h>

#include "lan_bed.h"
#include "nic.h"

TestSuite(nic, .timeout = 280);

enum { POOL_N = 4095 };

static struct rte_mempool *pool;
static struct wire wire;
static struct port *lan;
static struct counters c[WIRE_QUEUES], *cp[WIRE_QUEUES];
static int host;

static void setup_only(unsigned int queues)
{
	nic_bed_net();
	pool = test_pool("nic", POOL_N);
	if (queues)
		wire_make(&wire, "nic", queues);
}

static struct port *create(const char *device, const char *mirror, uint16_t queues)
{
	const struct port_ethdev_conf conf = { .device = device, .mirror = mirror, .n_queues = queues, .pool = pool };
	struct port *p = port_lan_create(&conf, err);

	if (!p)
		return NULL;
	for (uint16_t q = 0; q < queues; q++)
		cp[q] = &c[q];
	p->counters = cp;
	return p;
}

static void setup(uint16_t queues)
{
	setup_only(queues);
	lan = create(wire.device, "luN", queues);
	cr_assert_not_null(lan, "%s", err);
	host = host_open("luN");
}

static void finish(void)
{
	struct rte_mbuf *m;

	for (unsigned int q = 0; q < lan->n_queues; q++)
		while ((m = wire_get(&wire, q)))
			rte_pktmbuf_free(m);
	close(host);
	lan->ops->destroy(lan);
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

static size_t numbered(uint8_t *frame, unsigned int number)
{
	const struct lan_packet k = { .src = "192.0.2.7", .dst = "198.51.100.9", .id = (uint16_t)number, .len = (uint16_t)(60 + number % 1400) };

	return lan_frame(frame, &k, 0);
}

static void say(unsigned int number)
{
	uint8_t frame[LAN_PACKET_MAX];

	host_say(host, frame, numbered(frame, number));
}

/* What has been sent next is the host's frame of that number. */
static void sent(unsigned int number)
{
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = numbered(frame, number);
	struct rte_mbuf *m = wire_get(&wire, 0);

	cr_assert_not_null(m, "frame %u", number);
	cr_assert_eq(rte_pktmbuf_pkt_len(m), len);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), frame, len);
	rte_pktmbuf_free(m);
}

static uint16_t look(uint16_t queue)
{
	struct rte_mbuf *m[PORT_BURST];
	const uint16_t n = port_rx_burst(lan, queue, m, PORT_BURST);

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

Test(nic, what_the_host_sends_goes_out_in_turns)
{
	enum { N = 100 };
	int fd[PORT_MAX_FDS];

	setup(2);
	for (unsigned int i = 0; i < N; i++)
		say(i);
	cr_expect_eq(lan->ops->fds(lan, 0, fd), 0, "a ring cannot wake anybody");
	cr_expect_eq(look(1), 0);
	cr_expect_eq(rte_ring_count(wire.tx[0]) + rte_ring_count(wire.tx[1]), 0, "the first queue's alone");
	for (unsigned int i = 0; i < N; i++) {
		if (i % NIC_FROM_HOST == 0) {
			cr_expect_eq(rte_ring_count(wire.tx[0]), 0);
			look(0);
			cr_expect_leq(rte_ring_count(wire.tx[0]), NIC_FROM_HOST);
		}
		sent(i);
	}
	cr_expect_eq(c[0].host_rx, N);
	cr_expect_eq(c[1].host_rx, 0);
	finish();
}

/* Traffic without end does not keep the host from its turn, nor the other way round. */
Test(nic, a_busy_port_looks_at_its_mirror)
{
	const uint8_t arp[60] = { 2, 0, 0, 0, 0, 0x77 };
	uint8_t frame[LAN_PACKET_MAX];
	unsigned int looks = 0;

	setup(1);
	for (unsigned int i = 0; i < 10; i++) {
		look(0);	/* nothing there */
		say(i);
		for (looks = 0; looks < 1000 && rte_ring_empty(wire.tx[0]); looks++) {
			wire_put(&wire, 0, mbuf(arp, sizeof(arp)));
			look(0);
			cr_assert_eq(host_hear(host, frame), sizeof(arp));
		}
		cr_expect_leq(looks, 10);
		sent(i);
	}
	finish();
}

/* A full ring: what does not go is counted, and no buffer is lost. */
Test(nic, a_device_that_takes_no_more)
{
	struct rte_mbuf *m[PORT_BURST];
	uint8_t frame[LAN_PACKET_MAX];
	uint64_t sum = 0;

	setup(1);
	for (unsigned int k = 0; k < WIRE_RING / PORT_BURST + 1; k++) {
		for (unsigned int i = 0; i < PORT_BURST; i++)
			m[i] = mbuf(frame, numbered(frame, i));
		sum += port_tx_burst(lan, 0, m, PORT_BURST);
	}
	cr_expect_eq(sum, WIRE_RING - 1);
	cr_expect_eq(c[0].drop[DROP_TX_FAILED], (WIRE_RING / PORT_BURST + 1) * PORT_BURST - sum);
	say(1);
	look(0);
	cr_expect_eq(c[0].drop[DROP_TX_FAILED], (WIRE_RING / PORT_BURST + 1) * PORT_BURST - sum + 1);
	cr_expect_eq(c[0].host_rx, 0);
	finish();
}

static void set_link(uint32_t mtu, const uint8_t mac[6])
{
	struct port_link link = { .ifindex = port_lan_ifindex(lan), .mtu = mtu, .up = true };

	memcpy(link.mac, mac, 6);
	cr_assert_eq(port_lan_set_links(lan, &link, 1), 0);
}

/* What arrives larger than that is the host's to judge; what it sends is what its administrator lets it. */
Test(nic, the_mirrors_mtu)
{
	const struct lan_packet k = { .src = "192.0.2.7", .dst = "198.51.100.9", .len = 4000 };
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = lan_frame(frame, &k, 0);

	setup(1);
	memcpy(frame, neighbour_mac, 6);	/* the host's to judge */
	set_link(1500, lan_mac);
	wire_put(&wire, 0, mbuf(frame, len));
	look(0);
	host_expect(host, frame, len);
	test_sh("ip link set luN mtu 4000");
	set_link(4000, lan_mac);
	wire_put(&wire, 0, mbuf(frame, len));
	look(0);
	host_expect(host, frame, len);
	cr_expect_eq(c[0].drop[DROP_HOST_FULL], 0);
	cr_expect_eq(c[0].host_tx, 2);
	host_say(host, frame, len);
	look(0);
	cr_expect_eq(rte_ring_count(wire.tx[0]), 1);
	finish();
}

Test(nic, says_what_it_is)
{
	struct port_info info;
	struct ifreq ifr;

	setup(2);
	cr_assert(port_info(lan, &info));
	cr_expect_str_eq(info.device, wire.device);
	cr_expect_str_eq(info.driver, "net_ring");
	cr_expect_str_eq(info.mirror, "luN");
	cr_expect_eq(info.mirror_ifindex, if_nametoindex("luN"));
	cr_expect_eq(port_lan_ifindex(lan), if_nametoindex("luN"));
	cr_expect_eq(info.queues, 2);
	cr_expect_eq(info.mtu, 1500);
	cr_expect(info.link_up);
	cr_expect_not(info.udp_checksum_offload);
	cr_expect_not(info.rss);
	cr_assert(host_ifreq("luN", SIOCGIFHWADDR, &ifr));
	cr_expect_arr_eq(info.mac, ifr.ifr_hwaddr.sa_data, 6);
	wire_put(&wire, 1, mbuf((const uint8_t[60]){ 0 }, 60));
	look(1);
	set_link(1400, lan_mac);
	wire_set_link(&wire, false);
	cr_assert(port_info(lan, &info));
	cr_expect_eq(info.rx_packets, 1);
	cr_expect_eq(info.mtu, 1400);
	cr_expect_arr_eq(info.mac, lan_mac, 6);
	cr_expect_not(info.link_up);
	cr_expect_not(port_link_up(lan));
	wire_set_link(&wire, true);
	cr_expect(port_link_up(lan));
	finish();
}

/* A mirror that cannot be made leaves no device either. */
Test(nic, what_fails_leaves_nothing)
{
	setup_only(1);
	test_sh("ip link add luN type veth peer name luM");
	cr_assert_null(create("net_tap7,iface=luT", "luN", 1));
	cr_expect_not_null(strstr(err, "interface luN exists already"), "%s", err);
	cr_expect_eq(if_nametoindex("luT"), 0);
	cr_assert_null(create("net_nosuch0", "luO", 1));
	cr_expect_not_null(strstr(err, "net_nosuch0"), "%s", err);
	cr_expect_eq(if_nametoindex("luO"), 0);
	cr_assert_null(create(wire.device, "luO", 3));
	cr_expect_not_null(strstr(err, "has 1 queues, 3 are needed"), "%s", err);
	cr_assert_null(create("net_memif0,role=server,socket-abstract=yes,socket=luS", "luO", 2));
	cr_expect_str_eq(err, "net_memif0 has one queue as a server, since its client may bring one ring, and 2 are needed: give it role=client, or fewer RxCores");
	cr_assert_null(create("net_memif0,socket-abstract=yes,socket=luS", "luO", 1));
	cr_expect_str_eq(err, "DPDK cannot start net_memif0: no server answers at its socket; start that end first, or give this one role=server");
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

Test(nic, a_device_has_one_owner)
{
	struct port *other;

	setup(1);
	cr_assert_null(create(wire.device, "luO", 1));
	cr_expect_str_eq(err, "another interface has the DPDK device net_ring_nic already: give each a number of its own (net_ring_nic0, net_ring_nic1, ...)");
	cr_expect_eq(port_ethdev_queues(wire.device, true, err), 0);
	cr_expect_not_null(strstr(err, "another interface has"), "%s", err);
	other = create("net_ring7", "luO", 1);
	cr_assert_not_null(other, "%s", err);
	other->ops->destroy(other);
	finish();
}

/* Asked how many queues it has a device is plugged in, and then opened. */
Test(nic, queues_of_devices)
{
	static const char *const device[] = { "net_ring0", "net_tap0,iface=luT", "net_null0" };
	struct port *p;

	setup_only(0);
	test_sh("ip link add luV type veth peer name luW");
	for (unsigned int i = 0; i < RTE_DIM(device); i++) {
		const uint16_t n = port_ethdev_queues(device[i], true, err);
		uint16_t queues;

		cr_assert_geq(n, 1, "%s", err);
		queues = RTE_MIN(n, (uint16_t)2);
		cr_expect_eq(port_ethdev_queues(device[i], true, err), n, "the same twice");
		p = create(device[i], "luN", queues);
		cr_assert_not_null(p, "%s: %s", device[i], err);
		cr_expect_eq(p->n_queues, queues);
		p->ops->destroy(p);
		p = create(device[i], "luN", queues);
		cr_assert_not_null(p, "%s again: %s", device[i], err);
		p->ops->destroy(p);
	}
	cr_expect_eq(port_ethdev_queues("net_memif0,socket-abstract=yes,socket=luN", false, err), 1, "%s", err);
	cr_expect(port_ethdev_queues("net_memif0,socket-abstract=yes,socket=luN", true, err) >= 2, "%s", err);
	cr_expect_eq(port_ethdev_queues("net_af_packet0,iface=luV", true, err), UINT16_MAX, "as many as are asked for");
	cr_expect_eq(port_ethdev_queues("net_af_packet0,iface=nosuch", true, err), 0);
	cr_expect_str_eq(err, "there is no interface 'nosuch'");
	cr_expect_eq(port_ethdev_queues("net_nosuch0", true, err), 0);
	cr_expect_not_null(strstr(err, "net_nosuch0"), "%s", err);
	rcu_barrier();
	rcu_unregister_thread();
}

/* A device that can spread what arrives is told to, where there is more than one queue. */
Test(nic, spreads_over_its_queues)
{
	struct port_info info;

	setup_only(0);
	for (uint16_t queues = 1; queues <= 2; queues++) {
		lan = create("net_tap7,iface=luT", "luN", queues);
		cr_assert_not_null(lan, "%s", err);
		cr_assert(port_info(lan, &info));
		cr_expect_eq(info.queues, queues);
		cr_expect_eq(info.rss, queues > 1);
		lan->ops->destroy(lan);
	}
	rcu_barrier();
	rcu_unregister_thread();
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

/* Each queue of the port looks at its own of the device. */
Test(nic, receives_from_all_queues)
{
	setup(2);
	for (unsigned int q = 0; q < 2; q++) {
		wire_put(&wire, q, mbuf((const uint8_t[60]){ 0 }, 60));
		look((uint16_t)q);
		cr_expect_eq(c[q].host_tx, 1, "queue %u", q);
	}
	finish();
}

/* What a NIC is told by its mirror: here a tap, whose address the kernel shows. */
Test(nic, the_mirrors_mac_is_followed)
{
	struct ifreq ifr;

	setup_only(0);
	lan = create("net_tap7,iface=luT", "luN", 1);
	cr_assert_not_null(lan, "%s", err);
	test_sh("ip link set luN address 02:00:00:00:00:44");
	set_link(1500, (const uint8_t[6]){ 2, 0, 0, 0, 0, 0x44 });
	cr_assert(host_ifreq("luT", SIOCGIFHWADDR, &ifr));
	cr_expect_arr_eq(ifr.ifr_hwaddr.sa_data, "\2\0\0\0\0\x44", 6);
	cr_assert(host_ifreq("luT", SIOCGIFFLAGS, &ifr));
	cr_expect_not(ifr.ifr_flags & IFF_PROMISC);
	cr_expect(ifr.ifr_flags & IFF_ALLMULTI);
	lan->ops->destroy(lan);
	rcu_barrier();
	rcu_unregister_thread();
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}
