/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops by a netdev alone: neighbours, routes, addresses. VLAN devices: test_nexthop_links.c; many changes:
 * test_nexthop_flood.c.
 */
#include "nexthop_bed.h"

TestSuite(nexthop, .init = setup, .fini = teardown, .timeout = 120);

Test(nexthop, neighbour_appears_and_changes)
{
	struct nexthop *v4 = get("10.88.0.2", NULL), *v6 = get("fd88::2", NULL);

	cr_expect(goes(v4, "none"));
	until(&bed, goes(v4, NHB_MAC " from 10.88.0.1"));
	until(&bed, goes(v6, NHB_MAC " from fd88::1"));
	cr_expect_eq(bed.changes, 2);

	/* It gets another MAC address, and lets itself be heard. */
	there("ip link set nhB address 02:88:00:00:00:22 && ping -c 1 -W 5 10.88.0.1 >/dev/null && "
	      "ping -c 1 -W 5 fd88::1 >/dev/null");
	until(&bed, goes(v4, "02:88:00:00:00:22 from 10.88.0.1"));
	until(&bed, goes(v6, "02:88:00:00:00:22 from fd88::1"));
	nexthop_put(bed.nhs, v4);
	nexthop_put(bed.nhs, v6);
}

/* Nobody there; later there is, though he does not say so. */
Test(nexthop, neighbour_is_asked_for_until_it_answers)
{
	struct nexthop *nh = get("10.88.0.9", NULL);

	test_sh("sysctl -qw net.ipv4.neigh.nhA.retrans_time_ms=100");
	idle(&bed, 1000);
	test_sh("ip neigh show 10.88.0.9 dev nhA | grep -q -e FAILED -e INCOMPLETE");
	cr_expect(goes(nh, "none"));
	there("ip addr add 10.88.0.9/24 dev nhB");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, neighbour_fails_and_returns)
{
	struct nexthop *nh = get("10.88.0.2", NULL);

	test_sh("sysctl -qw net.ipv4.neigh.nhA.retrans_time_ms=100 "
		"net.ipv4.neigh.nhA.delay_first_probe_time=1");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	there("ip addr del 10.88.0.2/24 dev nhB");
	test_sh("ip neigh change 10.88.0.2 dev nhA nud probe");
	until(&bed, goes(nh, "none"));
	there("ip addr add 10.88.0.2/24 dev nhB");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));

	test_sh("ip neigh del 10.88.0.2 dev nhA");
	until(&bed, goes(nh, "none"));
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	nexthop_put(bed.nhs, nh);
}

static bool is_reachable(void)
{
	return system("ip neigh show 10.88.0.2 dev nhA | grep -q REACHABLE") == 0;
}

/* The host does not see our traffic, but must not forget whom we talk to. */
Test(nexthop, stale_neighbour_is_confirmed)
{
	struct nexthop *nh = get("10.88.0.2", NULL);

	test_sh("sysctl -qw net.ipv4.neigh.nhA.delay_first_probe_time=1");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	for (int i = 0; i < 2; i++) {
		unsigned int changes = bed.changes;

		test_sh("ip neigh change 10.88.0.2 dev nhA lladdr " NHB_MAC " nud stale");
		cr_expect_not(is_reachable());
		until(&bed, is_reachable());
		cr_expect_eq(bed.changes, changes);
	}
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, route_follows)
{
	struct nexthop *nh;

	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2");
	test_sh("ip neigh add 10.88.0.3 lladdr " GATEWAY_MAC " dev nhA");
	nh = get("198.51.100.1", NULL);
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));

	test_sh("ip route replace 198.51.100.0/24 via 10.88.0.3");
	until(&bed, goes(nh, GATEWAY_MAC " from 10.88.0.1"));
	test_sh("ip route del 198.51.100.0/24");
	until(&bed, goes(nh, "none"));
	test_sh("ip route add default via 10.88.0.2");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	/* Not by our netdev. */
	test_sh("ip route add 198.51.100.1/32 via 10.89.0.2");
	until(&bed, goes(nh, "none"));
	test_sh("ip route del 198.51.100.1/32");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	test_sh("ip route add blackhole 198.51.100.1/32");
	until(&bed, goes(nh, "none"));
	/* The host's own address. */
	test_sh("ip route del blackhole 198.51.100.1/32 && ip addr add 198.51.100.1/32 dev nhA");
	idle(&bed, 1500);
	cr_expect(goes(nh, "none"));
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, gateway_of_the_other_family)
{
	struct nexthop *nh = get("198.51.100.1", NULL);

	test_sh("ip route add 198.51.100.0/24 via inet6 fd88::2 dev nhA");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, route_by_mark)
{
	struct nexthop *nh = get("198.51.100.1", NULL);

	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2 table 100 && "
		"ip rule add fwmark 7 table 100");
	idle(&bed, 300);
	cr_expect(goes(nh, "none"));
	nexthops_set_fwmark(bed.nhs, 7);
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	test_sh("ip rule del fwmark 7 table 100");
	until(&bed, goes(nh, "none"));
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, local_address_asked_for)
{
	struct nexthop *first, *second, *same, *v6;

	test_sh("ip addr add 10.88.0.11/24 dev nhA && ip addr add fd88::11/64 dev nhA nodad");
	first = get("10.88.0.2", NULL);
	second = get("10.88.0.2", "10.88.0.11");
	same = get("10.88.0.2", "10.88.0.11");
	v6 = get("fd88::2", "fd88::11");
	cr_expect_neq(first, second);
	cr_expect_eq(second, same);
	until(&bed, goes(first, NHB_MAC " from 10.88.0.1"));
	until(&bed, goes(second, NHB_MAC " from 10.88.0.11"));
	until(&bed, goes(v6, NHB_MAC " from fd88::11"));

	/* It goes away: any other is better than none. */
	test_sh("ip addr del 10.88.0.11/24 dev nhA && ip addr del fd88::11/64 dev nhA");
	until(&bed, goes(second, NHB_MAC " from 10.88.0.1"));
	until(&bed, goes(v6, NHB_MAC " from fd88::1"));
	nexthop_put(bed.nhs, first);
	nexthop_put(bed.nhs, second);
	cr_expect(goes(same, NHB_MAC " from 10.88.0.1"));
	nexthop_put(bed.nhs, same);
	nexthop_put(bed.nhs, v6);
}

Test(nexthop, link_local_needs_our_scope)
{
	struct endpoint ep = endpoint("fe80::88", NULL);
	struct nexthop *ours, *others;

	test_sh("ip addr add fe80::2/64 dev nhX nodad");
	there("ip addr add fe80::88/64 dev nhB nodad");
	ep.remote.v6.sin6_scope_id = if_nametoindex("nhA");
	ours = nexthop_get(bed.nhs, &ep);
	ep.remote.v6.sin6_scope_id = if_nametoindex("nhX");
	others = nexthop_get(bed.nhs, &ep);
	cr_assert(ours && others && ours != others);
	until(&bed, strcmp(way(ours, AF_INET6), NHB_MAC " from fe80::1") == 0);
	cr_expect(goes(others, "none"));
	nexthop_put(bed.nhs, ours);
	nexthop_put(bed.nhs, others);
}

Test(nexthop, vrf)
{
	struct nexthop *nh = get("198.51.100.1", NULL);

	if (system("ip link add nhvrf type vrf table 10 2>/dev/null") != 0) {
		nexthop_put(bed.nhs, nh);
		cr_skip_test("this kernel has no VRF");
	}
	test_sh("ip link set nhvrf up && ip link set nhA master nhvrf");
	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2 table 10");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, link_goes_down_and_comes_back)
{
	struct nexthop *nh = get("198.51.100.1", NULL);

	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	test_sh("ip link set nhA down");
	until(&bed, goes(nh, "none"));
	until(&bed, nexthops_host(bed.nhs)->present && !nexthops_host(bed.nhs)->links[0].up);
	test_sh("ip link set nhA up && ip route add 198.51.100.0/24 via 10.88.0.2");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	test_sh("ip link del nhA");
	until(&bed, goes(nh, "none"));
	until(&bed, !nexthops_host(bed.nhs)->present);
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, host_is_followed)
{
	const struct nexthops_host *h = nexthops_host(bed.nhs);
	struct nexthop *nh = get("10.88.0.2", NULL);
	unsigned int changes;

	cr_expect(h->present && h->n_links == 1 && h->links[0].up && h->links[0].mtu == 1500);
	cr_expect_eq(h->links[0].ifindex, bed.ifindex);
	cr_expect(has_local("10.88.0.1") && has_local("fd88::1") && has_local("10.89.0.1") &&
		  has_local("127.0.0.1") && has_local("::1"));
	cr_expect_not(has_local("10.88.0.2"));
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	cr_expect_eq(bed.host_changes, 0);

	test_sh("ip addr add 10.90.0.1/32 dev lo");
	until(&bed, has_local("10.90.0.1"));
	cr_expect_eq(bed.host_changes, 1);
	test_sh("ip addr del 10.90.0.1/32 dev lo && ip link set nhA mtu 1400");
	until(&bed, !has_local("10.90.0.1") && nexthops_host(bed.nhs)->links[0].mtu == 1400);

	/* An address that might be somebody else's is not ours yet. */
	test_sh("sysctl -qw net.ipv6.conf.nhA.dad_transmits=6 && ip addr add fd88::77/64 dev nhA");
	idle(&bed, 200);
	cr_expect_not(has_local("fd88::77"));
	until(&bed, has_local("fd88::77"));

	/* Our own MAC address stands in all headers. */
	idle(&bed, 1500);
	changes = bed.changes;
	test_sh("ip link set nhA address 02:88:00:00:00:11");
	until(&bed, nexthops_host(bed.nhs)->links[0].mac[5] == 0x11);
	until(&bed, bed.changes > changes);
	nexthop_put(bed.nhs, nh);
}

Test(nexthop, reports_may_put)
{
	struct nexthop *a = get("10.88.0.2", NULL), *b = get("10.88.0.2", "10.88.0.1");

	/* Both are reported at once; the first report puts the second nexthop. */
	bed.put = b;
	until(&bed, !bed.put && goes(a, NHB_MAC " from 10.88.0.1"));
	cr_expect_eq(bed.changes, 1);

	/* And itself. */
	test_sh("ip neigh replace 10.88.0.2 lladdr " GATEWAY_MAC " dev nhA nud permanent");
	bed.put = a;
	until(&bed, !bed.put);
	cr_expect_eq(bed.changes, 2);
}

Test(nexthop_create, no_such_interface)
{
	char err[NEXTHOP_ERRLEN] = "";

	test_netns_init();
	cr_expect_null(nexthops_create(4711, 0, on_change, &bed, err));
	cr_expect_str_eq(err, "cannot follow the host's routes: No such device");
}
