/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops when there is much to do: many of them, floods of route changes, notifications that were lost.
 */
#include <sys/wait.h>

#include "nexthop_bed.h"

TestSuite(nexthop_flood, .init = setup, .fini = teardown, .timeout = 120);

/*
 * Many peers behind one gateway: looked up in bounded portions, found again, changed all at once.
 */
Test(nexthop_flood, many)
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

/* Host routes 10.FROM.0.0 and following by nhX. */
static void routes(const char *verb, unsigned int from, unsigned int n)
{
	test_sh("for i in $(seq 0 %u); do echo route %s 10.$((%u + i / 62500)).$((i / 250 %% 250)).$((i %% 250))/32 "
		"dev nhX; done | ip -batch -", n - 1, verb, from);
}

static uint64_t resyncs(void)
{
	struct nexthops_counts counts;

	nexthops_count(bed.nhs, &counts);
	return counts.resyncs;
}

/* More notifications than the socket holds, and what matters is among the lost ones. */
Test(nexthop_flood, overrun)
{
	struct nexthop *nh = get("10.88.0.2", NULL), *far = get("198.51.100.1", NULL);

	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	idle(&bed, 1500);
	cr_expect_eq(resyncs(), 0);
	routes("add", 100, 10000);
	test_sh("ip neigh replace 10.88.0.2 lladdr " GATEWAY_MAC " dev nhA nud permanent");
	test_sh("ip route add 198.51.100.0/24 via 10.88.0.2 && ip addr add 10.90.0.1/32 dev lo");
	test_sh("ip link set nhA mtu 1400");
	routes("del", 100, 10000);
	until(&bed, goes(nh, GATEWAY_MAC " from 10.88.0.1"));
	until(&bed, goes(far, GATEWAY_MAC " from 10.88.0.1"));
	until(&bed, has_local("10.90.0.1") && nexthops_host(bed.nhs)->links[0].mtu == 1400);
	cr_expect_eq(resyncs(), 1);
	nexthop_put(bed.nhs, nh);
	nexthop_put(bed.nhs, far);
}

/*
 * The kernel tells of the first loss, and then drops everything until the socket has been read empty, without another
 * word: what changes after we have heard of the loss, but before that, must not be missed either.
 */
Test(nexthop_flood, overrun_goes_on_after_it_was_told)
{
	struct nexthop *nh = get("10.88.0.2", NULL);

	until(&bed, goes(nh, NHB_MAC " from 10.88.0.1"));
	idle(&bed, 1500);
	routes("add", 100, 10000);
	nexthops_process(bed.nhs);
	nexthops_tick(bed.nhs, now_ns());
	test_sh("ip neigh replace 10.88.0.2 lladdr " GATEWAY_MAC " dev nhA nud permanent && "
		"ip addr add 10.90.0.1/32 dev lo && ip link set nhA mtu 1400");
	until(&bed, goes(nh, GATEWAY_MAC " from 10.88.0.1"));
	until(&bed, has_local("10.90.0.1") && nexthops_host(bed.nhs)->links[0].mtu == 1400);
	nexthop_put(bed.nhs, nh);
}

static pid_t flood(const char *verb, unsigned int from, unsigned int n)
{
	const pid_t pid = fork();

	if (pid == 0) {
		routes(verb, from, n);
		_exit(0);
	}
	cr_assert_gt(pid, 0);
	return pid;
}

/*
 * A routing daemon brings a whole table, and takes it away again, while we run: bounded work in each round, few
 * questions in all, and what matters gets through within seconds.
 */
Test(nexthop_flood, a_table_of_routes)
{
	enum { MANY = 50000, NEXTHOPS = 100 };
	struct nexthops_counts before, now;
	struct nexthop *nh[NEXTHOPS];
	const uint64_t began = now_ns();
	unsigned int rounds = 0;
	char text[32];
	int status = 0;
	pid_t pid;

	test_sh("ip neigh add 10.88.0.3 lladdr " GATEWAY_MAC " dev nhA nud permanent && "
		"ip route add 198.51.100.0/24 via 10.88.0.2");
	for (unsigned int i = 0; i < NEXTHOPS; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u", i + 1);
		nh[i] = get(text, NULL);
	}
	until(&bed, goes(nh[NEXTHOPS - 1], NHB_MAC " from 10.88.0.1"));
	nexthops_count(bed.nhs, &before);
	for (unsigned int i = 0; i < 2; i++) {
		pid = flood(i ? "del" : "add", 100, MANY);
		for (; waitpid(pid, &status, WNOHANG) == 0; rounds++)
			turn(&bed);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		test_sh("ip route replace 198.51.100.0/24 via 10.88.0.%s", i ? "2" : "3");
		until(&bed, goes(nh[0], i ? NHB_MAC " from 10.88.0.1" : GATEWAY_MAC " from 10.88.0.1"));
		for (unsigned int n = 0; n < NEXTHOPS; n++)
			until(&bed, goes(nh[n], way(nh[0], AF_INET)));
	}
	nexthops_count(bed.nhs, &now);
	now.routes_asked -= before.routes_asked;
	now.resyncs -= before.resyncs;
	cr_log_info("%u rounds, %lu routes asked, %lu resyncs", rounds, now.routes_asked, now.resyncs);
	cr_expect_leq(now.routes_asked, NEXTHOPS * (2 + (now_ns() - began) / 1000000000));
	cr_expect_leq(now.resyncs, 1 + (now_ns() - began) / 250000000);
	for (unsigned int i = 0; i < NEXTHOPS; i++)
		nexthop_put(bed.nhs, nh[i]);
}

/* Routes that keep changing: a lookup of everything about once a second, no more. */
Test(nexthop_flood, storm_is_coalesced)
{
	struct nexthop *nh = get("198.51.100.1", NULL);
	unsigned int ticks;
	uint64_t began;

	test_sh("ip neigh add 10.88.0.3 lladdr " GATEWAY_MAC " dev nhA nud permanent");
	test_sh("ip route add 198.51.100.0/24 via 10.88.0.3");
	until(&bed, goes(nh, GATEWAY_MAC " from 10.88.0.1"));
	idle(&bed, 1500);

	/* Simulated time: the tick that looks up is the one that then reports a change. */
	ticks = bed.changes;
	began = now_ns() + 60000000000u;
	for (uint64_t ms = 0; ms < 10000; ms += 10) {
		if (ms % 100 == 0)
			test_sh("ip route replace 198.51.100.0/24 via 10.88.0.3 %s",
				ms % 200 ? "" : "src 10.89.0.1");
		nexthops_process(bed.nhs);
		nexthops_tick(bed.nhs, began + ms * 1000000);
	}
	cr_expect_leq(bed.changes - ticks, 11);
	cr_expect_geq(bed.changes - ticks, 1);
	nexthop_put(bed.nhs, nh);
}

