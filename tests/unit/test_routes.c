/* SPDX-License-Identifier: BSD-3-Clause */
/* A fib that follows the routing of a real host (routes_bed.h): verdicts in both directions, and what changes them. */
#include "routes_bed.h"

TestSuite(routes, .init = bed_setup, .fini = bed_teardown);

Test(routes, verdicts)
{
	test_sh("ip route add 192.0.2.0/24 via 10.77.0.2 && ip route add 198.51.100.0/24 dev rtT && ip route add 203.0.113.0/24 dev rtX");
	test_sh("ip -6 route add 2001:db8:1::/48 via fd77::2 && ip -6 route add 2001:db8:2::/48 dev rtT && ip -6 route add 2001:db8:3::/48 via fe80::2 dev rtA");
	until(is(from_lan("10.77.0.2", "198.51.100.9"), "tunnel"));
	until(is(from_lan("fd77::2", "2001:db8:2::9"), "tunnel"));
	expect_is(from_lan("10.77.0.2", "203.0.113.1"), "host");
	expect_is(from_lan("10.77.0.2", "192.0.2.1"), "host");		/* back to the LAN: the host sends redirects */
	expect_is(from_lan("10.77.0.2", "10.77.0.1"), "host");
	expect_is(from_lan("10.77.0.2", "10.99.0.1"), "host");
	expect_is(from_lan("10.77.0.2", "10.99.0.255"), "host");
	expect_is(from_lan("10.77.0.2", "10.99.0.77"), "tunnel");
	expect_is(from_lan("10.77.0.2", "100.64.0.1"), "none");
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "lan " RTB_MAC));
	until(is(from_tunnel("fd99::2", "2001:db8:1::1"), "lan " RTB_MAC));
	expect_is(from_tunnel("10.99.0.2", "198.51.100.9"), "host");
	expect_is(from_tunnel("10.99.0.2", "203.0.113.1"), "host");
	expect_is(from_tunnel("10.99.0.2", "10.77.0.1"), "host");
	expect_is(from_tunnel("fd99::2", "fd77::1"), "host");
	/* A gateway by its link-local address. */
	there("ip addr add fe80::2/64 dev rtB nodad");
	until(is(from_tunnel("fd99::2", "2001:db8:3::1"), "lan " RTB_MAC));
	/* IPv4 by way of an IPv6 gateway (RFC 5549). */
	test_sh("ip route add 192.0.2.128/25 via inet6 fe80::2 dev rtA");
	until(is(from_tunnel("10.99.0.2", "192.0.2.200"), "lan " RTB_MAC));
	/* Both directions of the same prefix are two verdicts, and a way needs a link that is up. */
	test_sh("ip link set rtA down");
	until(is(look(FIB_FROM_TUNNEL, "192.0.2.1", true), "host") || is(look(FIB_FROM_TUNNEL, "192.0.2.1", true), "ask"));
}

/* A smaller MTU of the route's own is the host's to say: cores know only those of the links. */
Test(routes, mtu_of_a_route)
{
	test_sh("ip route add 198.51.100.0/24 dev rtT mtu 1300 && ip -6 route add 2001:db8:2::/48 dev rtT mtu 1300");
	test_sh("ip route add 198.51.0.0/16 dev rtT && ip -6 route add 2001:db8::/32 dev rtT && ip route add 192.0.2.0/24 via 10.77.0.2 mtu lock 1300");
	until(is(from_lan("10.77.0.2", "198.51.100.9"), "host"));
	until(is(from_lan("fd77::2", "2001:db8:2::9"), "host"));
	until(is(from_lan("10.77.0.2", "198.51.101.9"), "tunnel"));
	until(is(from_lan("fd77::2", "2001:db8:3::9"), "tunnel"));
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "host"));
}

/* Questions that are worth none, or wrong, leave no verdict behind. */
Test(routes, questions)
{
	struct fib_question q;

	test_sh("ip route add default dev rtT && ip route add 198.51.100.0/24 dev rtT && ip -6 route add default dev rtT");
	until(!is(look(FIB_FROM_LAN, "198.51.100.1", false), "none") && !is(look(FIB_FROM_LAN, "2001:db8::1", false), "none"));
	q = question(FIB_FROM_LAN, "10.77.0.2", "198.51.100.1");
	q.vid = 7;
	routes_ask(bed.routes, &q);
	expect_is(look(FIB_FROM_LAN, "198.51.100.1", false), "ask");
	expect_is(from_lan("10.77.0.2", "224.0.0.1"), "ask");
	expect_is(from_lan("10.77.0.2", "169.254.1.1"), "ask");
	expect_is(from_lan("127.0.0.1", "198.51.100.1"), "ask");
	expect_is(from_lan("fd77::2", "ff05::1"), "ask");
	expect_is(from_lan("fe80::2", "2001:db8::1"), "ask");
	/* An address of ours as source; one that comes from elsewhere. Others' packets pass. */
	expect_is(from_lan("10.77.0.1", "198.51.100.1"), "ask");
	test_sh("sysctl -qw net.ipv4.conf.rtA.rp_filter=1");
	expect_is(from_lan("10.55.0.9", "198.51.100.1"), "ask");
	expect_is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel");
	q.family = 99;
	routes_ask(bed.routes, &q);
	q.from = 99;
	routes_ask(bed.routes, &q);
	test_sh("sysctl -qw net.ipv4.conf.rtA.rp_filter=0");
}

Test(routes, host_kinds)
{
	test_sh("ip route add blackhole 192.0.2.0/26 && ip route add unreachable 192.0.2.64/26 && ip route add prohibit 192.0.2.128/26");
	test_sh("ip route add 192.0.2.192/26 encap ip6 dst fd77::2 dev rtA && ip -6 route add blackhole 2001:db8:1::/48");
	until(!is(look(FIB_FROM_LAN, "192.0.2.255", false), "none") && !is(look(FIB_FROM_LAN, "2001:db8:1::1", false), "none"));
	expect_is(from_tunnel("10.99.0.2", "192.0.2.1"), "host");
	expect_is(from_tunnel("10.99.0.2", "192.0.2.65"), "host");
	expect_is(from_tunnel("10.99.0.2", "192.0.2.129"), "host");
	expect_is(from_tunnel("10.99.0.2", "192.0.2.193"), "host");
	expect_is(from_tunnel("fd99::2", "2001:db8:1::1"), "host");
}

Test(routes, forwarding)
{
	test_sh("ip route add 198.51.100.0/24 dev rtT && ip -6 route add 2001:db8:2::/48 dev rtT");
	until(is(from_lan("10.77.0.2", "198.51.100.9"), "tunnel"));
	until(is(from_lan("fd77::2", "2001:db8:2::9"), "tunnel"));
	test_sh("sysctl -qw net.ipv6.conf.all.forwarding=0");
	until(is(from_lan("fd77::2", "2001:db8:2::9"), "host"));
	expect_is(from_lan("10.77.0.2", "198.51.100.9"), "tunnel");
	test_sh("sysctl -qw net.ipv4.ip_forward=0");
	until(is(from_lan("10.77.0.2", "198.51.100.9"), "host"));
	test_sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
	until(is(from_lan("10.77.0.2", "198.51.100.9"), "tunnel"));
	until(is(from_lan("fd77::2", "2001:db8:2::9"), "tunnel"));
	test_sh("sysctl -qw net.ipv4.conf.rtA.forwarding=0");
	until(is(from_lan("10.77.0.2", "198.51.100.9"), "host"));
}

/* What wg-quick sets up for a default route through the tunnel. */
Test(routes, wg_quick_rules)
{
	test_sh("ip route add default via 10.55.0.9 && ip route add default dev rtT table 51820");
	until(is(from_lan("10.77.0.2", "192.0.2.1"), "host"));
	test_sh("ip rule add not fwmark 51820 table 51820 && ip rule add table main suppress_prefixlength 0");
	until(is(from_lan("10.77.0.2", "192.0.2.1"), "tunnel"));
	cr_expect(is_on());
	expect_is(from_lan("10.77.0.2", "10.55.0.7"), "host");
	expect_is(from_tunnel("10.99.0.2", "192.0.2.1"), "host");
	test_sh("ip rule del not fwmark 51820 table 51820");
	until(is(from_lan("10.77.0.2", "192.0.2.1"), "host"));
}

/* A rule's destination is a border between verdicts, though no route is. */
Test(routes, rule_by_destination)
{
	test_sh("ip route add default dev rtT && ip route add default via 10.77.0.2 table 100 && ip rule add to 192.0.2.0/24 table 100");
	until(is(from_lan("10.77.0.2", "192.0.3.1"), "tunnel"));
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "lan " RTB_MAC));
	until(is(from_lan("10.77.0.2", "192.0.2.1"), "host"));
	test_sh("ip rule add to 192.0.2.0/24 table 100 pref 5 && ip rule del pref 5");
	idle(1500);
	expect_is(from_lan("10.77.0.2", "192.0.2.1"), "host");
	test_sh("ip rule del to 192.0.2.0/24 table 100");
	until(is(from_lan("10.77.0.2", "192.0.2.1"), "tunnel"));
	cr_expect(is_on());
}

Test(routes, off_and_on)
{
	static const struct {
		const char *family, *selector, *why;
	} rule[] = {
		{ "-4", "from 10.0.0.0/8", "rule 100: by source address" }, { "-6", "from fd00::/8", "rule 100: by source address" },
		{ "-4", "tos 0x10", "rule 100: by TOS" }, { "-4", "ipproto tcp", "rule 100: by protocol" }, { "-4", "dport 80", "rule 100: by port" },
		{ "-4", "uidrange 0-99", "rule 100: by user" },
	};

	test_sh("ip route add 198.51.100.0/24 dev rtT");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	for (size_t i = 0; i < sizeof(rule) / sizeof(rule[0]); i++) {
		test_sh("ip %s rule add pref 100 %s table 100", rule[i].family, rule[i].selector);
		until(is_off(rule[i].why));
		test_sh("ip %s rule del pref 100", rule[i].family);
		bed.ahead += 2000000000u;	/* not before the gap between two looks */
		until(is_on());
	}
	test_sh("ip rule add pref 100 iif rtA table 100 && ip rule add pref 101 iif lo table 100 && ip rule add pref 102 fwmark 7 oif rtT table 100");
	bed.ahead += 2000000000u;
	idle(300);
	cr_expect(is_on());
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));

	/* Routes that do not go by destination alone. */
	test_sh("ip route add 192.0.2.0/24 tos 0x10 dev rtT");
	until(is_off("route to 192.0.2.0/24: by TOS"));
	test_sh("ip route del 192.0.2.0/24 tos 0x10");
	until(is_on());
	test_sh("ip -6 route add default from 2001:db8::/32 dev rtT");
	until(is_off("route to ::/0: by source address"));
	test_sh("ip -6 route del default from 2001:db8::/32 dev rtT");
	until(is_on());

	/* A LAN port in a bridge does not route. */
	test_sh("ip link add rtBr type bridge && ip link set rtA master rtBr");
	until(is_off("rtA belongs to another interface (bridge, bond)"));
	test_sh("ip link set rtA nomaster");
	until(is_on());
}

/* Several links: they must be alike. */
Test(routes, several_links)
{
	struct fib_question q;

	test_sh("ip route add 198.51.100.0/24 dev rtT && ip route add 192.0.2.0/24 dev rtX && ip neigh replace 192.0.2.1 lladdr " OTHER_MAC " dev rtX nud permanent");
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "host"));
	bed.more = (struct port_link){ .ifindex = if_nametoindex("rtX"), .mtu = 1500, .vid = 5, .up = true };
	routes_links_changed(bed.routes);
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "lan ?"));
	until(is_on() && !is(look(FIB_FROM_LAN, "198.51.100.9", false), "none"));
	q = question(FIB_FROM_LAN, "10.55.0.2", "198.51.100.9");
	q.vid = 6;
	routes_ask(bed.routes, &q);
	expect_is(look(FIB_FROM_LAN, "198.51.100.9", false), "ask");
	q.vid = 5;
	routes_ask(bed.routes, &q);
	expect_is(look(FIB_FROM_LAN, "198.51.100.9", false), "tunnel");

	test_sh("ip rule add pref 100 iif rtX table 100");
	until(is_off("rule 100: by incoming interface"));
	test_sh("ip rule del pref 100 && ip rule add pref 100 iif rtT table 100");
	until(is_on());
	test_sh("sysctl -qw net.ipv4.conf.rtX.forwarding=0");
	until(is_off("net.ipv4.conf.rtX.forwarding is not as for the LAN's other interfaces"));
	test_sh("sysctl -qw net.ipv4.conf.rtX.forwarding=1");
	until(is_on());
	test_sh("ip rule add pref 101 iif rtX table 100");
	until(is_off("rule 101: by incoming interface"));
	bed.more.ifindex = 0;
	routes_links_changed(bed.routes);
	until(is_on());
	expect_is(from_tunnel("10.99.0.2", "192.0.2.7"), "host");
}

/* Tunnel and LAN in a VRF: its table decides, not the main one. */
Test(routes, vrf)
{
	if (system("ip link add rtVrf type vrf table 77 2>/dev/null") != 0)
		cr_skip("this kernel has no VRF");
	test_sh("ip route add 198.51.100.0/24 dev rtX");
	test_sh("ip link set rtVrf up && ip link set rtA master rtVrf && ip link set rtT master rtVrf");
	test_sh("ip addr replace fd77::1/64 dev rtA nodad && ip addr replace fd99::1/64 dev rtT nodad");
	test_sh("ip route add 198.51.100.0/24 dev rtT table 77 && ip route add 192.0.2.0/24 via 10.77.0.2 vrf rtVrf");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "lan " RTB_MAC));
	until(is(from_tunnel("10.99.0.2", "10.77.0.3"), "lan " RTB_MAC));
	cr_expect(is_on());
	bed.more = (struct port_link){ .ifindex = if_nametoindex("rtX"), .mtu = 1500, .vid = 5, .up = true };
	routes_links_changed(bed.routes);
	until(is_off("rtX is in another VRF than the LAN's other interfaces"));
}

/* A more specific route takes effect at once, and what stood for the shorter one does not any more. */
Test(routes, more_specific)
{
	test_sh("ip route add 198.51.0.0/16 dev rtT && ip -6 route add 2001:db8::/32 dev rtT");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	until(is(from_lan("fd77::2", "2001:db8:1::1"), "tunnel"));
	test_sh("ip route add 198.51.100.0/24 dev rtX && ip -6 route add 2001:db8:1::/48 dev rtX");
	until(is(look(FIB_FROM_LAN, "198.51.100.1", true), "ask"));
	until(is(look(FIB_FROM_LAN, "2001:db8:1::1", true), "ask"));
	expect_is(look(FIB_FROM_LAN, "198.51.1.1", true), "ask");
	expect_is(look(FIB_FROM_LAN, "2001:db8:2::1", true), "ask");
	expect_is(from_lan("10.77.0.2", "198.51.100.1"), "host");
	expect_is(from_lan("10.77.0.2", "198.51.1.1"), "tunnel");
	test_sh("ip route del 198.51.100.0/24 && ip -6 route del 2001:db8:1::/48");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	until(is(from_lan("fd77::2", "2001:db8:1::1"), "tunnel"));
	/* And what stands for another part of the shorter one keeps doing so. */
	test_sh("ip route add 198.51.200.0/24 dev rtX");
	until(is(look(FIB_FROM_LAN, "198.51.200.1", true), "ask"));
	expect_is(look(FIB_FROM_LAN, "198.51.1.1", true), "tunnel");
}

/* A route is replaced, one of several goes, metrics and tables decide. */
Test(routes, replace)
{
	test_sh("ip route add 198.51.100.0/24 dev rtX metric 10 && ip route add 198.51.100.0/24 dev rtT metric 5");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	test_sh("ip route del 198.51.100.0/24 metric 5");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "host"));
	test_sh("ip route replace 198.51.100.0/24 dev rtT metric 10");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	test_sh("ip route append 198.51.100.0/24 dev rtX metric 10 && ip route del 198.51.100.0/24 dev rtT metric 10");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "host"));
	test_sh("ip route add 198.51.100.0/24 dev rtT table 9 && ip rule add pref 9 table 9");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
}

Test(routes, ecmp_and_nexthop_objects)
{
	test_sh("ip route add 192.0.2.0/24 nexthop via 10.77.0.2 nexthop via 10.77.0.3");
	test_sh("ip -6 route add 2001:db8:1::/48 nexthop via fd77::2 nexthop via fd77::3");
	until(is(from_tunnel("10.99.0.2", "192.0.2.1"), "lan " RTB_MAC));
	until(is(from_tunnel("fd99::2", "2001:db8:1::1"), "lan " RTB_MAC));
	test_sh("ip -6 route del 2001:db8:1::/48 via fd77::2");
	until(is(from_tunnel("fd99::2", "2001:db8:1::1"), "lan " RTB_MAC));
	test_sh("ip nexthop add id 1 via 10.77.0.3 dev rtA && ip route add 192.0.3.0/24 nhid 1");
	until(is(from_tunnel("10.99.0.2", "192.0.3.1"), "lan " RTB_MAC));
	test_sh("ip nexthop replace id 1 dev rtT");
	until(is(from_tunnel("10.99.0.2", "192.0.3.1"), "host"));
	until(is(from_lan("10.77.0.2", "192.0.3.1"), "tunnel"));
	test_sh("ip nexthop del id 1");
	until(!is(look(FIB_FROM_LAN, "192.0.3.1", true), "tunnel"));
	/* The kernel said nothing of the route: its prefix is found missing later. */
	bed.ahead += 120000000000u;
	until(is(look(FIB_FROM_LAN, "192.0.3.1", false), "none"));
}

Test(routes, gateway_moves)
{
	enum { MANY = 3000 };
	char dst[32];
	int on;

	test_sh("for i in $(seq 0 %d); do echo route add 198.18.$((i / 256)).$((i %% 256))/32 via 10.77.0.2; done | ip -batch -", MANY - 1);
	until(is(from_tunnel("10.99.0.2", "198.18.0.0"), "lan " RTB_MAC));
	for (int i = 0; i < MANY; i++) {
		snprintf(dst, sizeof(dst), "198.18.%d.%d", i / 256, i % 256);
		until(!is(look(FIB_FROM_TUNNEL, dst, false), "none"));
		from_tunnel("10.99.0.2", dst);
	}
	test_sh("ip neigh replace 10.77.0.2 lladdr " OTHER_MAC " dev rtA nud permanent");
	for (on = 0; on < 10; on += is(look(FIB_FROM_TUNNEL, "198.18.0.0", true), "lan " OTHER_MAC))
		turn();
	for (int i = 0; i < MANY; i++) {
		snprintf(dst, sizeof(dst), "198.18.%d.%d", i / 256, i % 256);
		until(is(from_tunnel("10.99.0.2", dst), "lan " OTHER_MAC));
	}
	test_sh("ip neigh del 10.77.0.2 dev rtA && ip link set rtA address 02:77:00:00:00:01 mtu 1400");
	until(is(look(FIB_FROM_TUNNEL, "198.18.0.5", true), "lan " RTB_MAC));
	cr_expect_eq(fib_lookup(&bed.fib, AF_INET, "\xc6\x12\x00\x05")->way->mtu, 1400);
	cr_expect_eq(fib_lookup(&bed.fib, AF_INET, "\xc6\x12\x00\x05")->way->hdr[11], 1);
}

/* The host has asked for its neighbours, as it does to pass on the packet that the question was about. */
static void neighbour(const char *addr)
{
	test_sh("ip neigh replace %s lladdr " RTB_MAC " dev rtA nud reachable", addr);
}

/* Neighbours on the link, in both families: each its own prefix, until nobody uses it. */
Test(routes, hosts)
{
	expect_is(from_tunnel("10.99.0.2", "10.77.0.2"), "ask");	/* whom the host does not know yet */
	cr_expect_eq(state().hosts, 0);
	neighbour("10.77.0.2");
	neighbour("10.77.0.3");
	neighbour("fd77::3");
	until(is(from_tunnel("10.99.0.2", "10.77.0.2"), "lan " RTB_MAC));
	until(is(from_tunnel("10.99.0.2", "10.77.0.3"), "lan " RTB_MAC));
	until(is(from_tunnel("fd99::2", "fd77::3"), "lan " RTB_MAC));
	cr_expect_eq(state().hosts, 3);
	expect_is(look(FIB_FROM_TUNNEL, "10.77.0.4", false), "ask");
	expect_is(from_lan("10.77.0.9", "10.77.0.2"), "host");
	/* One who does not answer takes no place. */
	expect_is(from_tunnel("10.99.0.2", "10.77.0.66"), "ask");
	cr_expect_eq(state().hosts, 3);

	for (int i = 0; i < 3; i++) {
		from_tunnel("10.99.0.2", "10.77.0.3");
		bed.ahead += 61000000000u;
		turn();
	}
	until(state().hosts == 1);
	expect_is(look(FIB_FROM_TUNNEL, "10.77.0.2", false), "ask");
	expect_is(look(FIB_FROM_TUNNEL, "10.77.0.3", true), "lan " RTB_MAC);

	/* A change makes it be asked for again; with the address gone it is none. */
	test_sh("ip addr del 10.77.0.1/24 dev rtA");
	until(state().hosts == 0);
	test_sh("ip addr add 10.77.0.1/24 dev rtA");
	neighbour("10.77.0.3");
	until(is(from_tunnel("10.99.0.2", "10.77.0.3"), "lan " RTB_MAC));
	/* A route for just that host: as a prefix, not as a host. */
	test_sh("ip route add 10.77.0.3/32 dev rtT");
	until(is(from_lan("10.77.0.2", "10.77.0.3"), "tunnel") && state().hosts == 0);
	test_sh("ip route replace 10.77.0.3/32 dev rtA");
	until(is(from_tunnel("10.99.0.2", "10.77.0.3"), "lan " RTB_MAC));
	cr_expect_eq(state().hosts, 0);
}

Test(routes, hosts_are_bounded)
{
	char dst[32];

	bed_stop();
	fib_fini(&bed.fib);
	cr_assert_eq(fib_init(&bed.fib), 0);
	bed_start(0, 20);
	neighbour("10.77.0.2");
	test_sh("for i in $(seq 10 249); do echo neigh replace 10.77.0.$i lladdr " RTB_MAC " dev rtA nud permanent; done | ip -batch -");
	until(is_on() && is(from_tunnel("10.99.0.2", "10.77.0.2"), "lan " RTB_MAC));
	for (int i = 10; i < 250; i++) {
		snprintf(dst, sizeof(dst), "10.77.0.%d", i);
		ask(FIB_FROM_TUNNEL, "10.99.0.2", dst);
		fib_lookup(&bed.fib, AF_INET, question(FIB_FROM_TUNNEL, dst, dst).dst)->used = 0;
		look(FIB_FROM_TUNNEL, "10.77.0.2", true);
		cr_assert_leq(state().hosts, 20);
	}
	/* Those that nobody used had to go, and not the other. */
	until(is(look(FIB_FROM_TUNNEL, "10.77.0.249", false), "lan " RTB_MAC));
	expect_is(look(FIB_FROM_TUNNEL, "10.77.0.10", false), "ask");
	expect_is(look(FIB_FROM_TUNNEL, "10.77.0.2", false), "lan " RTB_MAC);
}

Test(routes, prefixes_are_bounded)
{
	bed_stop();
	fib_fini(&bed.fib);
	cr_assert_eq(fib_init(&bed.fib), 0);
	bed_start(200, 0);
	until(is_on());
	test_sh("for i in $(seq 0 255); do echo route add 198.18.$i.0/24 dev rtT; done | ip -batch -");
	until(is_off("the host has too many routes"));
	cr_expect_leq(state().prefixes, 200);
	test_sh("for i in $(seq 0 255); do echo route del 198.18.$i.0/24 dev rtT; done | ip -batch -");
	idle(300);
	for (int i = 0; i < 4 && state().off; i++) {
		bed.ahead += 70000000000u;
		idle(300);
	}
	until(is_on());
	cr_expect_lt(state().prefixes, 60);
}
