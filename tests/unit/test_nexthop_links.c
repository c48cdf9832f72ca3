/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN devices on a port's netdev, as links of their own; neighbours by link.
 *
 * 	here: nhA.10 10.90.0.1/24 fd90::1/64 ------- nhB.10 10.90.0.2/24 fd90::2/64 :there
 *
 * On a kernel without VLANs, veth pairs stand in for VLAN devices: what the kernel says of a link called nhA.10 is
 * changed, before it is read, into what it would say of a VLAN device of that name. All else (routes, neighbours,
 * addresses) is the kernel's own there too. tests/kernel/nexthop.sh runs this on Debian's kernel.
 */
#include <linux/if_ether.h>
#include <linux/if_link.h>

#include "netlink.h"
#include "nexthop_bed.h"

#define NHB10_MAC "02:88:00:00:10:02"

static bool pretend;
static const char *pretend_mac;		/* of all links, if not NULL; 6 bytes */

ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size);

/* "nhA.10": 10, on nhA. */
static uint16_t vid_by_name(const char *name, uint32_t *lower)
{
	char text[IFNAMSIZ] = "";
	unsigned int vid;

	if (sscanf(name, "%15[^.].%u", text, &vid) != 2)
		return 0;
	*lower = if_nametoindex(text);
	return (uint16_t)vid;
}

static void put_linkinfo(struct nlmsghdr *to, const struct nlattr *was, uint16_t vid)
{
	struct nlattr *info = mnl_attr_nest_start(to, IFLA_LINKINFO), *data;
	const struct nlattr *attr;

	mnl_attr_put_strz(to, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(to, IFLA_INFO_DATA);
	mnl_attr_put_u16(to, IFLA_VLAN_PROTOCOL, htons(ETH_P_8021Q));
	mnl_attr_put_u16(to, IFLA_VLAN_ID, vid);
	mnl_attr_nest_end(to, data);
	mnl_attr_for_each_nested(attr, was)
		if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
			mnl_attr_put_strz(to, IFLA_INFO_SLAVE_KIND, mnl_attr_get_str(attr));
	mnl_attr_nest_end(to, info);
}

/* One message, to `to`. */
static void pretend_message(struct nlmsghdr *to, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[IFLA_MAX + 1], *attr;
	uint32_t lower = 0;
	uint16_t vid = 0;

	memcpy(to, nlh, nlh->nlmsg_len);
	if (nlh->nlmsg_type != RTM_NEWLINK || !netlink_attrs(nlh, sizeof(struct ifinfomsg), tb, IFLA_MAX))
		return;
	if (tb[IFLA_IFNAME] && tb[IFLA_LINKINFO])
		vid = vid_by_name(mnl_attr_get_str(tb[IFLA_IFNAME]), &lower);
	if (!vid)
		return;
	to->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		const uint16_t type = mnl_attr_get_type(attr);

		if (type == IFLA_LINKINFO)
			put_linkinfo(to, attr, vid);
		else if (type == IFLA_ADDRESS && pretend_mac)
			mnl_attr_put(to, type, 6, pretend_mac);
		else if (type != IFLA_LINK && type != IFLA_LINK_NETNSID)
			mnl_attr_put(to, type, mnl_attr_get_payload_len(attr), mnl_attr_get_payload(attr));
	}
	mnl_attr_put_u32(to, IFLA_LINK, lower);
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	static _Alignas(struct nlmsghdr) char text[2 * 65536];
	const ssize_t got = __real_mnl_socket_recvfrom(nl, buf, size);
	const struct nlmsghdr *nlh = buf;
	int len = (int)got;
	size_t n = 0;

	if (!pretend)
		return got;
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		struct nlmsghdr *to = (void *)(text + n);

		pretend_message(to, nlh);
		n += NLMSG_ALIGN(to->nlmsg_len);
		cr_assert_leq(n, size);
	}
	if (got > 0)
		memcpy(buf, text, n);
	return got > 0 ? (ssize_t)n : got;
}

static void setup_links(void)
{
	setup();
	pretend = system("ip link add link nhA name nhA.9 type vlan id 9 2>/dev/null && ip link del nhA.9") != 0;
	idle(&bed, 300);
	bed.host_changes = 0;
}

TestSuite(nexthop_links, .init = setup_links, .fini = teardown, .timeout = 120);

/* Called LOWER.VID. `options`: of ip link add. */
static void vlan_add(const char *lower, unsigned int vid, const char *options)
{
	if (pretend)
		test_sh("ip link add %s.%u %s type veth peer name p.%u", lower, vid, options, vid);
	else
		test_sh("ip link add link %s name %s.%u %s type vlan id %u", lower, lower, vid, options, vid);
}

/* nhA.10 without an address; the other end has one. */
static uint32_t vlan10_add(const char *options)
{
	if (pretend) {
		test_sh("ip link add nhA.10 %s type veth peer name nhB.10 netns /proc/%d/fd/%d", options, getpid(),
			bed.there);
	} else {
		there("ip link add link nhB name nhB.10 type vlan id 10");
		vlan_add("nhA", 10, options);
	}
	there("ip link set nhB.10 address " NHB10_MAC " && ip addr add 10.90.0.2/24 dev nhB.10 && "
	      "ip addr add fd90::2/64 dev nhB.10 nodad && ip link set nhB.10 up");
	return if_nametoindex("nhA.10");
}

static uint32_t vlan10(void)
{
	const uint32_t ifindex = vlan10_add("");

	test_sh("ip addr add 10.90.0.1/24 dev nhA.10 && ip addr add fd90::1/64 dev nhA.10 nodad && "
		"ip link set nhA.10 addrgenmode none && "
		"ip addr add fe80::10/64 dev nhA.10 nodad && ip link set nhA.10 up");
	return ifindex;
}

/* "0 10 20", the VLANs of the host's links. */
static bool links_are(const char *vids)
{
	const struct nexthops_host *h = nexthops_host(bed.nhs);
	char text[1024] = "";

	for (size_t i = 0; i < h->n_links; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "", h->links[i].vid);
	return strcmp(text, vids) == 0;
}

static const struct port_link *link_at(size_t i)
{
	cr_assert_lt(i, nexthops_host(bed.nhs)->n_links);
	return &nexthops_host(bed.nhs)->links[i];
}

Test(nexthop_links, vlan_devices_are_followed)
{
	static const uint8_t mac[6] = { 2, 0x88, 0, 0, 0x20, 1 };
	unsigned int changes;

	cr_expect(links_are("0"));
	vlan_add("nhA", 20, "");
	vlan_add("nhA", 10, "");
	until(&bed, links_are("0 10 20"));
	cr_expect_eq(link_at(0)->ifindex, bed.ifindex);
	cr_expect_eq(link_at(1)->ifindex, if_nametoindex("nhA.10"));
	cr_expect_eq(link_at(2)->ifindex, if_nametoindex("nhA.20"));
	cr_expect_not(link_at(2)->up);

	test_sh("ip link set nhA.20 mtu 1400 address 02:88:00:00:20:01 up");
	until(&bed, link_at(2)->up && link_at(2)->mtu == 1400);
	cr_expect_arr_eq(link_at(2)->mac, mac, 6);
	cr_expect_eq(link_at(0)->mtu, 1500);
	test_sh("ip link set nhA.20 down");
	until(&bed, !link_at(2)->up);

	/* These are none of ours: another netdev's, another protocol's, on top of a VLAN device, or no VLAN at all. */
	idle(&bed, 200);
	changes = bed.host_changes;
	vlan_add("nhX", 11, "");
	if (!pretend) {
		test_sh("ip link add link nhA.20 name inner type vlan id 12 && "
			"ip link add link nhA name prio type vlan id 0");
		test_sh("ip link add link nhA name ad type vlan protocol 802.1ad id 13");
	}
	test_sh("ip link add link nhA name mac type macvlan 2>/dev/null || :");
	idle(&bed, 300);
	cr_expect(links_are("0 10 20"));
	cr_expect_eq(bed.host_changes, changes);

	test_sh("ip link del nhA.10");
	until(&bed, links_are("0 20"));
	test_sh("ip link set nhA.20 netns /proc/%d/fd/%d", getpid(), bed.there);
	until(&bed, links_are("0"));
	there("ip link set nhA.20 netns /proc/%d/fd/%d", getpid(), bed.here);
	until(&bed, links_are("0 20"));
}

Test(nexthop_links, vlan_devices_that_were_there)
{
	char err[NEXTHOP_ERRLEN];

	nexthops_destroy(bed.nhs);
	vlan_add("nhX", 3, "");
	vlan_add("nhA", 4094, "");
	vlan_add("nhA", 1, "");
	bed.nhs = nexthops_create(bed.ifindex, 0, on_change, &bed, err);
	cr_assert_not_null(bed.nhs);
	cr_expect(links_are("0 1 4094"));
	idle(&bed, 100);
	cr_expect_eq(bed.host_changes, 0);
}

/* The netdev goes elsewhere, and comes back with what is on it. */
Test(nexthop_links, netdev_leaves_and_returns)
{
	const int elsewhere = test_netns_init();

	test_netns_enter(bed.here);
	vlan_add("nhA", 7, "");
	until(&bed, links_are("0 7"));
	test_sh("ip link set nhA netns /proc/%d/fd/%d", getpid(), elsewhere);
	until(&bed, !nexthops_host(bed.nhs)->present && links_are("0"));
	cr_expect_not(link_at(0)->up);
	test_netns_enter(elsewhere);
	test_sh("ip link set nhA netns /proc/%d/fd/%d", getpid(), bed.here);
	test_netns_enter(bed.here);
	cr_assert_eq(if_nametoindex("nhA"), bed.ifindex);
	until(&bed, nexthops_host(bed.nhs)->present && links_are("0 7"));
	close(elsewhere);
}

Test(nexthop_links, more_than_there_is_room_for)
{
	const struct nexthops_host *h = nexthops_host(bed.nhs);

	test_sh("for i in $(seq 131 -1 2); do echo link add %s type %s; done | ip -batch -",
		pretend ? "nhA.$i" : "link nhA name nhA.$i", pretend ? "veth peer name p.$i" : "vlan id $i");
	until(&bed, h->n_links == PORT_LINKS_MAX && h->links[PORT_LINKS_MAX - 1].vid == 128);
	for (size_t i = 1; i < h->n_links; i++)
		cr_assert_eq(h->links[i].vid, i + 1);
	test_sh("ip link del nhA.50");
	until(&bed, h->links[PORT_LINKS_MAX - 1].vid == 129);
	cr_expect_eq(h->n_links, PORT_LINKS_MAX);
	test_sh("for i in $(seq 51 131); do echo link del nhA.$i; done | ip -batch -");
	until(&bed, h->n_links == 49);
	cr_expect_eq(h->links[48].vid, 49);
}

Test(nexthop_links, route_by_a_vlan)
{
	struct nexthop *v4 = get("10.90.0.2", NULL), *v6 = get("fd90::2", NULL), *far = get("198.51.100.1", NULL);
	uint32_t vlan;

	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2");
	until(&bed, goes(far, NHB_MAC " from 10.88.0.1"));
	vlan = vlan10();
	until(&bed, goes_by(v4, NHB10_MAC " from 10.90.0.1", vlan));
	until(&bed, goes_by(v6, NHB10_MAC " from fd90::1", vlan));

	test_sh("ip route replace 198.51.100.0/24 via 10.90.0.2");
	until(&bed, goes_by(far, NHB10_MAC " from 10.90.0.1", vlan));
	test_sh("ip route replace 198.51.100.0/24 via 10.88.0.2");
	until(&bed, goes(far, NHB_MAC " from 10.88.0.1"));
	test_sh("ip route add 198.51.100.1/32 via 10.90.0.2");
	until(&bed, goes_by(far, NHB10_MAC " from 10.90.0.1", vlan));

	/* Its neighbour gets another MAC address. */
	there("ip link set nhB.10 address 02:88:00:00:10:22 && ping -c 1 -W 5 10.90.0.1 >/dev/null");
	until(&bed, goes_by(v4, "02:88:00:00:10:22 from 10.90.0.1", vlan));
	until(&bed, goes_by(far, "02:88:00:00:10:22 from 10.90.0.1", vlan));

	/* Link down and up, and gone: the other route serves. */
	test_sh("ip link set nhA.10 down");
	until(&bed, goes(far, NHB_MAC " from 10.88.0.1"));
	until(&bed, goes(v4, "none") && goes(v6, "none"));
	test_sh("ip link set nhA.10 up");
	until(&bed, goes_by(v4, "02:88:00:00:10:22 from 10.90.0.1", vlan));
	test_sh("ip link del nhA.10");
	until(&bed, goes(v4, "none"));
	cr_expect(links_are("0"));
	nexthop_put(bed.nhs, v4);
	nexthop_put(bed.nhs, v6);
	nexthop_put(bed.nhs, far);
}

/*
 * A link's own MAC address stands in the headers of what goes by it, and of nothing else. The kernel forgets the link's
 * neighbours, so that there may be more than one report; but not when it only pretends.
 */
Test(nexthop_links, own_mac_address_changes)
{
	const uint32_t vlan = vlan10();
	struct nexthop *on_vlan = get("10.90.0.2", NULL), *on_netdev = get("10.88.0.2", NULL);
	unsigned int changes;

	until(&bed, goes_by(on_vlan, NHB10_MAC " from 10.90.0.1", vlan) && goes(on_netdev, NHB_MAC " from 10.88.0.1"));
	idle(&bed, 1500);
	bed.count = on_vlan;
	bed.counted = 0;
	changes = bed.changes;
	if (pretend) {
		pretend_mac = "\x02\x88\x00\x00\x10\x77";
		test_sh("ip link set nhA.10 mtu 1499");
		until(&bed, bed.counted == 1);
		cr_expect_eq(link_at(1)->mac[5], 0x77);
		pretend_mac = NULL;
	}
	test_sh("ip link set nhA.10 address 02:88:00:00:10:01");
	until(&bed, link_at(1)->mac[5] == 1 && bed.counted > pretend);
	until(&bed, goes_by(on_vlan, NHB10_MAC " from 10.90.0.1", vlan));
	cr_expect_eq(bed.changes - changes, bed.counted);
	nexthop_put(bed.nhs, on_vlan);
	nexthop_put(bed.nhs, on_netdev);
}

/* Another VLAN device under the same index: the tag in the headers is another. */
Test(nexthop_links, vlan_changes)
{
	struct nexthop *nh = get("10.91.0.2", NULL);

	vlan_add("nhA", 11, "index 4711 address 02:88:00:00:11:01");
	test_sh("ip link set nhA.11 up && ip addr add 10.91.0.1/24 dev nhA.11 && "
		"ip neigh add 10.91.0.2 lladdr " GATEWAY_MAC " dev nhA.11 nud permanent");
	until(&bed, goes_by(nh, GATEWAY_MAC " from 10.91.0.1", 4711));
	idle(&bed, 1500);
	bed.count = nh;
	bed.counted = 0;
	test_sh("ip link del nhA.11");
	vlan_add("nhA", 12, "index 4711 address 02:88:00:00:11:01");
	test_sh("ip link set nhA.12 up && ip addr add 10.91.0.1/24 dev nhA.12 && "
		"ip neigh add 10.91.0.2 lladdr " GATEWAY_MAC " dev nhA.12 nud permanent");
	until(&bed, links_are("0 12") && goes_by(nh, GATEWAY_MAC " from 10.91.0.1", 4711) && bed.counted);
	nexthop_put(bed.nhs, nh);
}

static struct nexthop *get_neighbour(uint32_t ifindex, const char *text)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	struct nexthop *nh;

	if (inet_pton(AF_INET, text, a.s6_addr + 12) != 1)
		cr_assert_eq(inet_pton(AF_INET6, text, &a), 1);
	nh = nexthop_get_neighbour(bed.nhs, ifindex, &a);
	cr_assert_not_null(nh);
	return nh;
}

/* What ep has as its own address stays. */
static bool is_at(const struct nexthop *nh, const char *mac, uint32_t ifindex)
{
	struct endpoint ep = endpoint("192.0.2.1", "192.0.2.2");
	const struct endpoint before = ep;
	char text[32];
	uint8_t m[6];

	if (!nexthop_way(nh, m, &ep))
		return strcmp(mac, "none") == 0;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	cr_expect_eq(ep.local.v4.s_addr, before.local.v4.s_addr);
	cr_expect_eq(ep.remote.v4.sin_addr.s_addr, before.remote.v4.sin_addr.s_addr);
	return ep.local_ifindex == ifindex && strcmp(text, mac) == 0;
}

/* The same address on two links is two neighbours, whatever routes say. */
Test(nexthop_links, neighbours_by_link)
{
	const uint32_t vlan = vlan10(), other = if_nametoindex("nhX");
	struct nexthop *a, *b, *same, *v6, *x, *routed;

	there("ip addr add 10.88.0.2/24 dev nhB.10 && sysctl -qw net.ipv4.conf.all.arp_ignore=1");
	test_sh("ip neigh add 10.88.0.2 lladdr 02:88:00:00:00:44 dev nhX nud permanent");
	a = get_neighbour(bed.ifindex, "10.88.0.2");
	b = get_neighbour(vlan, "10.88.0.2");
	same = get_neighbour(vlan, "10.88.0.2");
	v6 = get_neighbour(vlan, "fd90::2");
	x = get_neighbour(other, "10.88.0.2");
	routed = get("10.88.0.2", NULL);
	cr_assert(a != b && b == same && routed != a && routed != b);
	until(&bed, is_at(a, NHB_MAC, bed.ifindex));
	until(&bed, is_at(b, NHB10_MAC, vlan));
	until(&bed, is_at(v6, NHB10_MAC, vlan));
	until(&bed, goes(routed, NHB_MAC " from 10.88.0.1"));
	cr_expect(is_at(x, "none", 0));

	/* Routes are nothing to them. */
	test_sh("ip route add blackhole 10.88.0.2/32");
	until(&bed, goes(routed, "none"));
	cr_expect(is_at(a, NHB_MAC, bed.ifindex) && is_at(b, NHB10_MAC, vlan));
	there("ip link set nhB.10 address 02:88:00:00:10:22 && ping -6 -c 1 -W 5 fd90::1 >/dev/null");
	until(&bed, is_at(v6, "02:88:00:00:10:22", vlan));
	cr_expect(is_at(a, NHB_MAC, bed.ifindex));
	test_sh("ip link set nhA.10 down");
	until(&bed, is_at(b, "none", 0) && is_at(v6, "none", 0));
	cr_expect(is_at(a, NHB_MAC, bed.ifindex));

	nexthop_put(bed.nhs, a);
	nexthop_put(bed.nhs, b);
	nexthop_put(bed.nhs, same);
	nexthop_put(bed.nhs, v6);
	nexthop_put(bed.nhs, x);
	nexthop_put(bed.nhs, routed);
}

/* It is kept confirmed like any other, and asked for when its link appears. */
Test(nexthop_links, neighbour_on_a_link_to_come)
{
	struct nexthop *nh = get_neighbour(4711, "10.90.0.2");

	idle(&bed, 100);
	cr_expect(is_at(nh, "none", 0));
	vlan10_add("index 4711");
	test_sh("ip link set nhA.10 up && ip addr add 10.90.0.1/24 dev nhA.10");
	until(&bed, is_at(nh, NHB10_MAC, 4711));
	test_sh("ip neigh change 10.90.0.2 dev nhA.10 lladdr " NHB10_MAC " nud stale && "
		"sysctl -qw net.ipv4.neigh.nhA/10.delay_first_probe_time=1");
	until(&bed, system("ip neigh show 10.90.0.2 dev nhA.10 | grep -q REACHABLE") == 0);
	test_sh("ip link del nhA.10");
	until(&bed, is_at(nh, "none", 0));
	nexthop_put(bed.nhs, nh);
}

/* A VLAN device in a VRF, and the netdev in none. */
Test(nexthop_links, vrf_of_a_vlan)
{
	struct nexthop *nh, *other;
	uint32_t vlan;

	if (system("ip link add nhvrf type vrf table 10 2>/dev/null") != 0)
		cr_skip_test("this kernel has no VRF");
	nh = get("198.51.100.1", NULL);
	other = get("203.0.113.1", NULL);
	test_sh("ip link set nhvrf up && ip route add default via 10.89.0.2 && "
		"ip route add 203.0.113.0/24 via 10.88.0.2");
	vlan = vlan10();
	test_sh("ip link set nhA.10 master nhvrf");
	test_sh("ip route add 198.51.100.0/24 via 10.90.0.2 table 10 && "
		"ip route add 203.0.113.0/24 via 10.90.0.2 table 10");
	until(&bed, goes_by(nh, NHB10_MAC " from 10.90.0.1", vlan));
	until(&bed, goes(other, NHB_MAC " from 10.88.0.1"));	/* the first link's have precedence */
	test_sh("ip route del 203.0.113.0/24");
	until(&bed, goes_by(other, NHB10_MAC " from 10.90.0.1", vlan));
	test_sh("ip link set nhA.10 nomaster");
	until(&bed, goes(nh, "none") && goes(other, "none"));
	nexthop_put(bed.nhs, nh);
	nexthop_put(bed.nhs, other);
}

/* Interfaces that are nothing to us come and go: nobody is told, and little is asked. */
Test(nexthop_links, other_interfaces)
{
	struct nexthop *nh = get("10.88.0.2", NULL);
	struct nexthops_counts before, after;
	unsigned int changes;
	uint64_t began;

	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	idle(&bed, 1500);
	began = now_ns();
	changes = bed.host_changes;
	nexthops_count(bed.nhs, &before);
	test_sh("for i in $(seq 100); do echo link add d$i type veth peer name e$i; echo link set d$i mtu 1400; done | "
		"ip -batch -");
	idle(&bed, 500);
	test_sh("for i in $(seq 100); do echo link del d$i; done | ip -batch -");
	idle(&bed, 1500);
	nexthops_count(bed.nhs, &after);
	cr_expect_eq(bed.host_changes, changes);
	cr_expect_geq(after.routes_asked, before.routes_asked + 1);
	cr_expect_leq(after.routes_asked, before.routes_asked + 2 + (now_ns() - began) / 1000000000);
	cr_expect(goes(nh, NHB_MAC " from 10.88.0.1"));
	nexthop_put(bed.nhs, nh);
}
