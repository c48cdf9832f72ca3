/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What next hops are tested on: the routing and neighbour tables of a real host, in namespaces of the test's own. Needs
 * root.
 *
 * 	here: nhA 10.88.0.1/24 fd88::1/64 ------- nhB 10.88.0.2/24 fd88::2/64 :there
 * 	      nhX 10.89.0.1/24
 */
#ifndef WGDP_NEXTHOP_BED_H
#define WGDP_NEXTHOP_BED_H

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
	struct nexthop *count;		/* whose reports are */
	unsigned int counted;
};

static struct bed bed;

static inline void on_change(void *arg, struct nexthop *nh)
{
	struct bed *b = arg;

	b->changes++;
	b->counted += nh == b->count;
	if (b->put) {
		nexthop_put(b->nhs, b->put);
		b->put = NULL;
	}
	cr_assert_not_null(nh);
}

static inline void on_host(void *arg)
{
	((struct bed *)arg)->host_changes++;
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One round of an event loop that waits at most 100 ms. */
static inline void turn(struct bed *b)
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
static inline void idle(struct bed *b, uint64_t ms)
{
	const uint64_t end = now_ns() + ms * 1000000;

	while (now_ns() < end)
		turn(b);
}

__attribute__((format(printf, 1, 2))) static inline void there(const char *fmt, ...)
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

static inline void setup(void)
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
	/* No address that comes by itself, some time later. */
	test_sh("ip link add nhX type veth peer name nhY && ip link set nhX addrgenmode none && "
		"ip link set nhY addrgenmode none && ip link set nhY up && "
		"ip addr add 10.89.0.1/24 dev nhX && ip link set nhX up");
	there("ip link set nhB address " NHB_MAC " && ip addr add 10.88.0.2/24 dev nhB && "
	      "ip addr add fd88::2/64 dev nhB nodad && ip link set nhB up");
	bed.ifindex = if_nametoindex("nhA");
	bed.nhs = nexthops_create(bed.ifindex, 0, on_change, &bed, err);
	cr_assert_not_null(bed.nhs, "%s", err);
	nexthops_watch_host(bed.nhs, on_host);
}

static inline void teardown(void)
{
	nexthops_destroy(bed.nhs);
	close(bed.here);
	close(bed.there);
}

static inline struct endpoint endpoint(const char *remote, const char *local)
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

static inline struct nexthop *get(const char *remote, const char *local)
{
	const struct endpoint ep = endpoint(remote, local);
	struct nexthop *nh = nexthop_get(bed.nhs, &ep);

	cr_assert_not_null(nh);
	return nh;
}

/* "MAC from LOCAL" when it is by that link, or "none". Valid until the next but one. */
static inline const char *way_by(const struct nexthop *nh, int family, uint32_t ifindex)
{
	static char texts[2][128];
	static unsigned int round;
	char *text = texts[round++ % 2], local[INET6_ADDRSTRLEN];
	struct endpoint ep = { .remote.sa.sa_family = (sa_family_t)family };
	uint8_t m[6];

	if (!nexthop_way(nh, m, &ep))
		return "none";
	inet_ntop(family, &ep.local, local, sizeof(local));
	snprintf(text, sizeof(texts[0]), "%02x:%02x:%02x:%02x:%02x:%02x from %s%s", m[0], m[1], m[2], m[3], m[4],
		 m[5], local, ep.local_ifindex == ifindex ? "" : " by another link");
	return text;
}

static inline const char *way(const struct nexthop *nh, int family)
{
	return way_by(nh, family, bed.ifindex);
}

static inline bool goes_by(const struct nexthop *nh, const char *text, uint32_t ifindex)
{
	return strcmp(way_by(nh, strstr(text, "from fd") ? AF_INET6 : AF_INET, ifindex), text) == 0;
}

static inline bool goes(const struct nexthop *nh, const char *text)
{
	return goes_by(nh, text, bed.ifindex);
}

static inline bool has_local(const char *text)
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

#endif
