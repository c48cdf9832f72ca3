/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets: burst, rate, what counts as one source, and a flood of sources. */
#include <arpa/inet.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "eal.h"
#include "protocol.h"
#include "ratelimiter.h"

#define MS (WG_NS_PER_SEC / 1000)
#define START (1000 * WG_NS_PER_SEC)

static struct endpoint from(const char *addr, uint16_t port)
{
	struct endpoint ep = { .local_ifindex = 0 };

	if (inet_pton(AF_INET, addr, &ep.remote.v4.sin_addr) == 1) {
		ep.remote.v4.sin_family = AF_INET;
		ep.remote.v4.sin_port = htons(port);
	} else {
		cr_assert_eq(inet_pton(AF_INET6, addr, &ep.remote.v6.sin6_addr), 1);
		ep.remote.v6.sin6_family = AF_INET6;
		ep.remote.v6.sin6_port = htons(port);
	}
	return ep;
}

static unsigned int allowed(struct ratelimiter *r, const char *addr, unsigned int tries, uint64_t now)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < tries; k++) {
		struct endpoint ep = from(addr, 1000 + k);

		n += ratelimiter_allow(r, &ep, now);
	}
	return n;
}

static struct ratelimiter *make(void)
{
	struct ratelimiter *r;

	test_eal_init();
	r = ratelimiter_create("test");
	cr_assert_not_null(r);
	return r;
}

Test(ratelimiter, burst_of_five_then_twenty_a_second)
{
	struct ratelimiter *r = make();

	cr_assert_eq(allowed(r, "192.0.2.1", 100, START), 5);
	cr_assert_eq(allowed(r, "192.0.2.1", 100, START + 49 * MS), 0);
	cr_assert_eq(allowed(r, "192.0.2.1", 100, START + 50 * MS), 1);
	cr_assert_eq(allowed(r, "192.0.2.1", 100, START + 151 * MS), 2);
	cr_assert_eq(allowed(r, "192.0.2.1", 100, START + 900 * MS), 5, "never more than the burst");
	unsigned int n = 0;

	for (uint64_t t = 1; t <= 2000; t++)
		n += allowed(r, "192.0.2.1", 3, START + (900 + t) * MS);
	cr_assert_eq(n, 40, "two seconds of a steady flood");
	ratelimiter_destroy(r);
}

Test(ratelimiter, a_source_is_an_address_or_a_64)
{
	struct ratelimiter *r = make();

	cr_assert_eq(allowed(r, "192.0.2.1", 9, START), 5);
	cr_assert_eq(allowed(r, "192.0.2.2", 9, START), 5);
	cr_assert_eq(allowed(r, "2001:db8:0:1::1", 9, START), 5);
	cr_assert_eq(allowed(r, "2001:db8:0:1:ffff::2", 9, START), 0, "the same /64");
	cr_assert_eq(allowed(r, "2001:db8:0:2::1", 9, START), 5);
	ratelimiter_destroy(r);
}

Test(ratelimiter, a_flood_of_sources_is_bounded_and_passes)
{
	struct ratelimiter *r = make();
	unsigned int n = 0;
	char addr[32];

	for (unsigned int k = 0; k < 2 * RATELIMITER_SOURCES; k++) {
		snprintf(addr, sizeof(addr), "10.%u.%u.%u", k >> 16, k >> 8 & 255, k & 255);
		n += allowed(r, addr, 1, START);
	}
	cr_assert_leq(n, RATELIMITER_SOURCES);
	cr_assert_geq(n, RATELIMITER_SOURCES / 2);
	cr_assert_eq(allowed(r, "10.0.0.1", 9, START), 4, "who came before goes on");
	cr_assert_eq(allowed(r, "192.0.2.9", 9, START + 249 * MS), 0, "no room yet");
	cr_assert_eq(allowed(r, "192.0.2.9", 9, START + 250 * MS), 5, "their buckets are full again, and there is room");
	ratelimiter_destroy(r);
}
