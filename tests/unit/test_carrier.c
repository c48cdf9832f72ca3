/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's link, shown to the host as its mirror's carrier. */
#include "nic_bed.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "carrier.h"

TestSuite(carrier, .timeout = 280);

enum { POOL_N = 2047, SOON_NS = 1000000000 };

static struct rte_mempool *pool;
static struct wire wire;
static struct port *lan;
static struct carrier carrier;
static uint64_t now = 1;

static void create(const char *device)
{
	const struct port_ethdev_conf conf = { .device = device, .mirror = "luC", .n_queues = 1, .pool = pool };

	lan = port_lan_create(&conf, err);
	cr_assert_not_null(lan, "%s", err);
	cr_assert_eq(carrier_init(&carrier, lan, port_lan_ifindex(lan), "test", err), 0, "%s", err);
}

static void setup(void)
{
	nic_bed_net();
	pool = test_pool("carrier", POOL_N);
}

static void finish(void)
{
	carrier_fini(&carrier);
	cr_expect_eq(carrier_tick(&carrier, now), UINT64_MAX);
	lan->ops->destroy(lan);
	rcu_barrier();
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(pool), 0);
}

static bool has_carrier(const char *ifname)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_data = (char *)&value };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	cr_assert_eq(ioctl(fd, SIOCETHTOOL, &ifr), 0);
	close(fd);
	return value.data;
}

/* It is time to look, and the next look is soon. */
static bool look(void)
{
	const uint64_t next = carrier_tick(&carrier, now);

	cr_assert_gt(next, now);
	cr_assert_leq(next - now, SOON_NS);
	cr_assert_eq(carrier_tick(&carrier, next - 1), next, "not before");
	now = next;
	return has_carrier("luC");
}

Test(carrier, follows_the_link)
{
	setup();
	wire_make(&wire, "car", 1);
	create(wire.device);
	cr_expect(look());
	for (int k = 0; k < 3; k++) {
		wire_set_link(&wire, false);
		cr_expect_not(look());
		cr_expect_not(look());
		wire_set_link(&wire, true);
		cr_expect(look());
	}
	finish();
}

/* Whose carrier cannot be set: as soon as it can be. */
Test(carrier, a_mirror_that_is_down)
{
	setup();
	wire_make(&wire, "car", 1);
	create(wire.device);
	cr_expect(look());
	test_sh("ip link set luC down");
	wire_set_link(&wire, false);
	look();
	wire_set_link(&wire, true);
	look();
	wire_set_link(&wire, false);
	test_sh("ip link set luC up");
	cr_expect_not(look());
	wire_set_link(&wire, true);
	cr_expect(look());
	finish();
}

/* A netdev beneath a packet socket, of which the kernel says after a moment what has become of it. */
static void await(bool up)
{
	for (int tries = 0; tries < 1000 && look() != up; tries++)
		usleep(10 * 1000);
	cr_expect_eq(has_carrier("luC"), up);
}

Test(carrier, of_a_packet_socket)
{
	setup();
	test_sh("ip link add luV type veth peer name luW && ip link set luV up && ip link set luW up");
	create("net_af_packet0,iface=luV");
	await(true);
	test_sh("ip link set luW down");
	await(false);
	test_sh("ip link set luW up");
	await(true);
	finish();
}

/* Nobody is at its other end. */
Test(carrier, of_a_memif_alone)
{
	setup();
	create("net_memif0,role=server,socket-abstract=yes,socket=luC");
	cr_expect_not(look());
	cr_expect_not(port_link_up(lan));
	finish();
}

Test(carrier, none)
{
	struct carrier zero = { 0 };

	cr_expect_eq(carrier_tick(&zero, 5), UINT64_MAX);
	carrier_fini(&zero);
}
