/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops against the routing and neighbour tables of a real host, in namespaces of the test's
 * own.
 *
 *	here: nhA 10.88.0.1/24 fd88::1/64 ------- nhB 10.88.0.2/24 fd88::2/64 :there
 *	      nhX 10.89.0.1/24
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"
#include "nexthop.h"

enum { TIMEOUT_MS = 15000 };

#define NHB_MAC "02:88:00:00:00:02"
#define GATEWAY_MAC "02:88:00:00:00:33"

struct bed {
	int here, there;
	uint32_t ifindex;
	struct nexthops *nhs;
	unsigned int changes, host_changes, ticks;
	struct nexthop *put;		/* by the next report */
};

static struct bed bed;

static void on_change(void *arg, struct nexthop *nh)
{
	struct bed *b = arg;

	b->changes++;
	if (b->put) {
		nexthop_put(b->nhs, b->put);
		b->put = NULL;
	}
	cr_assert_not_null(nh);
}

static void on_host(void *arg)
{
	((struct bed *)arg)->host_changes++;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One round of an event loop that waits at most 100 ms. */
static void turn(struct bed *b)
{
	struct pollfd fd = { .fd = nexthops_fd(b->nhs), .events = POLLIN };
	uint64_t next = nexthops_tick(b->nhs, now_ns()), now = now_ns();
	uint64_t wait = next > now ? (next - now) / 1000000 + 1 : 0;

	b->ticks++;
	if (poll(&fd, 1, wait < 100 ? (int)wait : 100) == 1)
		nexthops_process(b->nhs);
}

#define until(b, condition) ({ \
	const uint64_t end_ = now_ns() + TIMEOUT_MS * 1000000ull; \
	while (!(condition) && now_ns() < end_) \
		turn(b); \
	cr_expect(condition, "line %d: not so: %s", __LINE__, #condition); \
})

/* For what must not happen. */
static void idle(struct bed *b, uint64_t ms)
{
	const uint64_t end = now_ns() + ms * 1000000;

	while (now_ns() < end)
		turn(b);
}

__attribute__((format(printf, 1, 2))) static void there(const char *fmt, ...)
{
	char command[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	test_netns_enter(bed.there);
	test_sh("%s", command);
	test_netns_enter(bed.here);
}

static void setup(void)
{
	char err[NEXTHOP_ERRLEN] = "";

	bed.there = test_netns_init();
	bed.here = test_netns_init();
	test_sh("ip link add nhA type veth peer name nhB netns /proc/%d/fd/%d", getpid(),
		bed.there);
	test_sh("ip addr add 10.88.0.1/24 dev nhA && ip addr add fd88::1/64 dev nhA nodad");
	/* The host asks for IPv6 neighbours from its link-local address only. */
	test_sh("ip link set nhA addrgenmode none && ip addr add fe80::1/64 dev nhA nodad && "
		"ip link set nhA up");
	test_sh("ip link add nhX type veth peer name nhY && ip link set nhY up && "
		"ip addr add 10.89.0.1/24 dev nhX && ip link set nhX up");
	there("ip link set nhB address " NHB_MAC " && ip addr add 10.88.0.2/24 dev nhB && "
	      "ip addr add fd88::2/64 dev nhB nodad && ip link set nhB up");
	bed.ifindex = if_nametoindex("nhA");
	bed.nhs = nexthops_create(bed.ifindex, 0, on_change, &bed, err);
	cr_assert_not_null(bed.nhs, "%s", err);
	nexthops_watch_host(bed.nhs, on_host);
}

static void teardown(void)
{
	nexthops_destroy(bed.nhs);
	close(bed.here);
	close(bed.there);
}

TestSuite(nexthop, .init = setup, .fini = teardown, .timeout = 120);

static struct endpoint endpoint(const char *remote, const char *local)
{
	struct endpoint ep = { 0 };

	if (inet_pton(AF_INET, remote, &ep.remote.v4.sin_addr) == 1) {
		ep.remote.v4.sin_family = AF_INET;
		if (local)
			cr_assert_eq(inet_pton(AF_INET, local, &ep.local.v4), 1);
		return ep;
	}
	cr_assert_eq(inet_pton(AF_INET6, remote, &ep.remote.v6.sin6_addr), 1);
	ep.remote.v6.sin6_family = AF_INET6;
	if (local)
		cr_assert_eq(inet_pton(AF_INET6, local, &ep.local.v6), 1);
	return ep;
}

static struct nexthop *get(const char *remote, const char *local)
{
	const struct endpoint ep = endpoint(remote, local);
	struct nexthop *nh = nexthop_get(bed.nhs, &ep);

	cr_assert_not_null(nh);
	return nh;
}

/* "MAC from LOCAL", or "none". Valid until the next but one. */
static const char *way(const struct nexthop *nh, int family)
{
	static char texts[2][128];
	static unsigned int round;
	char *text = texts[round++ % 2], local[INET6_ADDRSTRLEN];
	struct endpoint ep = { .remote.sa.sa_family = (sa_family_t)family };
	uint8_t m[6];

	if (!nexthop_way(nh, m, &ep))
		return "none";
	cr_expect_eq(ep.local_ifindex, bed.ifindex);
	inet_ntop(family, &ep.local, local, sizeof(local));
	snprintf(text, sizeof(texts[0]), "%02x:%02x:%02x:%02x:%02x:%02x from %s", m[0], m[1], m[2],
		 m[3], m[4], m[5], local);
	return text;
}

static bool goes(const struct nexthop *nh, const char *text)
{
	return strcmp(way(nh, strchr(text, 'd') && strstr(text, "from fd") ? AF_INET6 : AF_INET),
		      text) == 0;
}

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
	until(&bed, nexthops_host(bed.nhs)->present && !nexthops_host(bed.nhs)->up);
	test_sh("ip link set nhA up && ip route add 198.51.100.0/24 via 10.88.0.2");
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	test_sh("ip link del nhA");
	until(&bed, goes(nh, "none"));
	until(&bed, !nexthops_host(bed.nhs)->present);
	nexthop_put(bed.nhs, nh);
}

static bool has_local(const char *text)
{
	const struct nexthops_host *h = nexthops_host(bed.nhs);
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, a.s6_addr + 12) != 1)
		inet_pton(AF_INET6, text, &a);
	for (size_t i = 0; i < h->n_addrs; i++)
		if (memcmp(&h->addrs[i], &a, sizeof(a)) == 0)
			return true;
	return false;
}

Test(nexthop, host_is_followed)
{
	const struct nexthops_host *h = nexthops_host(bed.nhs);
	struct nexthop *nh = get("10.88.0.2", NULL);
	unsigned int changes;

	cr_expect(h->present && h->up && h->mtu == 1500);
	cr_expect(has_local("10.88.0.1") && has_local("fd88::1") && has_local("10.89.0.1") &&
		  has_local("127.0.0.1") && has_local("::1"));
	cr_expect_not(has_local("10.88.0.2"));
	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	cr_expect_eq(bed.host_changes, 0);

	test_sh("ip addr add 10.90.0.1/32 dev lo");
	until(&bed, has_local("10.90.0.1"));
	cr_expect_eq(bed.host_changes, 1);
	test_sh("ip addr del 10.90.0.1/32 dev lo && ip link set nhA mtu 1400");
	until(&bed, !has_local("10.90.0.1") && nexthops_host(bed.nhs)->mtu == 1400);

	/* An address that might be somebody else's is not ours yet. */
	test_sh("sysctl -qw net.ipv6.conf.nhA.dad_transmits=2 && ip addr add fd88::77/64 dev nhA");
	idle(&bed, 200);
	cr_expect_not(has_local("fd88::77"));
	until(&bed, has_local("fd88::77"));

	/* Our own MAC address stands in all headers. */
	idle(&bed, 1500);
	changes = bed.changes;
	test_sh("ip link set nhA address 02:88:00:00:00:11");
	until(&bed, nexthops_host(bed.nhs)->mac[5] == 0x11);
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

/*
 * Many peers behind one gateway: looked up in bounded portions, found again, changed all at once.
 */
Test(nexthop, many)
{
	enum { MANY = 5000 };
	static struct nexthop *nh[MANY];
	struct endpoint ep = endpoint("198.18.0.0", NULL);
	const uint32_t base = ntohl(ep.remote.v4.sin_addr.s_addr);

	test_sh("ip neigh add 10.88.0.3 lladdr " GATEWAY_MAC " dev nhA nud permanent");
	test_sh("ip route add 198.18.0.0/15 via 10.88.0.2");
	for (uint32_t i = 0; i < MANY; i++) {
		ep.remote.v4.sin_addr.s_addr = htonl(base + i);
		nh[i] = nexthop_get(bed.nhs, &ep);
		cr_assert_not_null(nh[i]);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		ep.remote.v4.sin_addr.s_addr = htonl(base + i);
		cr_assert_eq(nexthop_get(bed.nhs, &ep), nh[i]);
		nexthop_put(bed.nhs, nh[i]);
	}
	until(&bed, bed.changes == MANY);
	cr_expect_geq(bed.ticks, MANY / 256);
	for (uint32_t i = 0; i < MANY; i++)
		cr_assert(goes(nh[i], NHB_MAC " from 10.88.0.1"));

	test_sh("ip route replace 198.18.0.0/15 via 10.88.0.3");
	until(&bed, bed.changes == 2 * MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert(goes(nh[i], GATEWAY_MAC " from 10.88.0.1"));
		nexthop_put(bed.nhs, nh[i]);
	}
}

/* More notifications than the socket holds, and what matters is among the lost ones. */
Test(nexthop, overrun)
{
	struct nexthop *nh = get("10.88.0.2", NULL), *far = get("198.51.100.1", NULL);

	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	idle(&bed, 1500);
	test_sh("for i in $(seq 0 9999); do echo route add 198.19.$((i / 250)).$((i %% 250))/32 "
		"dev nhX; done | ip -batch -");
	test_sh("ip neigh replace 10.88.0.2 lladdr " GATEWAY_MAC " dev nhA nud permanent");
	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2 && ip addr add 10.90.0.1/32 dev lo");
	test_sh("for i in $(seq 0 9999); do echo route del 198.19.$((i / 250)).$((i %% 250))/32 "
		"dev nhX; done | ip -batch -");
	until(&bed, goes(nh, GATEWAY_MAC " from 10.88.0.1"));
	until(&bed, goes(far, GATEWAY_MAC " from 10.88.0.1"));
	until(&bed, has_local("10.90.0.1"));
	nexthop_put(bed.nhs, nh);
	nexthop_put(bed.nhs, far);
}

/* Routes that keep changing: a lookup of everything about once a second, no more. */
Test(nexthop, storm_is_coalesced)
{
	struct nexthop *nh = get("198.51.100.1", NULL);
	unsigned int ticks;

	test_sh("ip neigh add 10.88.0.3 lladdr " GATEWAY_MAC " dev nhA nud permanent");
	test_sh("ip route add 198.51.100.0/24 via 10.88.0.3");
	until(&bed, goes(nh, GATEWAY_MAC " from 10.88.0.1"));
	idle(&bed, 1500);

	/* Simulated time: the tick that looks up is the one that then reports a change. */
	ticks = bed.changes;
	for (uint64_t ms = 0; ms < 10000; ms += 10) {
		if (ms % 100 == 0)
			test_sh("ip route replace 198.51.100.0/24 via 10.88.0.3 %s",
				ms % 200 ? "" : "src 10.89.0.1");
		nexthops_process(bed.nhs);
		nexthops_tick(bed.nhs, now_ns() + 60000000000u + ms * 1000000);
	}
	cr_expect_leq(bed.changes - ticks, 11);
	cr_expect_geq(bed.changes - ticks, 1);
	nexthop_put(bed.nhs, nh);
}

Test(nexthop_create, no_such_interface)
{
	char err[NEXTHOP_ERRLEN] = "";

	test_netns_init();
	cr_expect_null(nexthops_create(4711, 0, on_change, &bed, err));
	cr_expect_str_eq(err, "cannot follow the host's routes: No such device");
}
