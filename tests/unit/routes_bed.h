/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A router with a LAN and a tunnel, for routes.c, in namespaces of the test's own:
 *
 *	here: rtT 10.99.0.1/24 fd99::1/64 (the tunnel)
 *	      rtA 10.77.0.1/24 fd77::1/64 ------- rtB 10.77.0.2, .3 fd77::2, ::3 :there
 *	      rtX 10.55.0.1/24 (another interface)
 *
 * Needs -Wl,--wrap=port_lan_headers,--wrap=nexthops_host: the frame's headers are made here, and the LAN port may have another link.
 */
#ifndef WGDP_TEST_ROUTES_BED_H
#define WGDP_TEST_ROUTES_BED_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"
#include "port.h"
#include "routes.h"

enum { BED_TIMEOUT_MS = 20000 };

#define RTB_MAC "02:77:00:00:00:02"
#define OTHER_MAC "02:77:00:00:00:33"

static struct bed {
	int here, there;
	struct fib fib;
	struct nexthops *nhs;
	struct routes *routes;
	uint32_t lan, tunnel;
	uint64_t ahead;			/* simulated time: added to the clock */
	uint64_t ticks;
	uint64_t cpu_ns, longest_ns;	/* of the thread's CPU time: in all, and that one tick or taking in took */
	struct port_link more;		/* if it has an ifindex: another link of the LAN port */
} bed;

/* So that a kernel without 802.1Q will do. */
const struct nexthops_host *__real_nexthops_host(const struct nexthops *nhs);
const struct nexthops_host *__wrap_nexthops_host(const struct nexthops *nhs);
const struct nexthops_host *__wrap_nexthops_host(const struct nexthops *nhs)
{
	static struct port_link links[PORT_LINKS_MAX + 1];
	static struct nexthops_host host;

	host = *__real_nexthops_host(nhs);
	if (!bed.more.ifindex)
		return __real_nexthops_host(nhs);
	memcpy(links, host.links, host.n_links * sizeof(links[0]));
	links[host.n_links++] = bed.more;
	host.links = links;
	return &host;
}

uint8_t __wrap_port_lan_headers(const struct port *p, uint32_t ifindex, const uint8_t mac[6], uint8_t hdr[18], uint32_t *mtu);
uint8_t __wrap_port_lan_headers(const struct port *p, uint32_t ifindex, const uint8_t mac[6], uint8_t hdr[18], uint32_t *mtu)
{
	const struct nexthops_host *host = nexthops_host(bed.nhs);

	(void)p;
	for (size_t i = 0; i < host->n_links; i++)
		if (host->links[i].ifindex == ifindex && host->links[i].up) {
			memset(hdr, 0, 14);
			memcpy(hdr, mac, 6);
			memcpy(hdr + 6, host->links[i].mac, 6);
			*mtu = host->links[i].mtu;
			return 14;
		}
	return 0;
}

static void bed_changed(void *arg, struct nexthop *nh)
{
	(void)arg;
	if (bed.routes)
		routes_neighbour_changed(bed.routes, nh);
}

static void bed_host_changed(void *arg)
{
	(void)arg;
	if (bed.routes)
		routes_links_changed(bed.routes);
}

static inline uint64_t clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

static inline void bed_worked(uint64_t since_cpu_ns)
{
	const uint64_t ns = clock_of(CLOCK_THREAD_CPUTIME_ID) - since_cpu_ns;

	bed.cpu_ns += ns;
	bed.longest_ns = ns > bed.longest_ns ? ns : bed.longest_ns;
}

/* One round of an event loop that waits at most 100 ms. */
static inline void turn(void)
{
	struct pollfd fd[2] = { { .fd = nexthops_fd(bed.nhs), .events = POLLIN }, { .fd = routes_fd(bed.routes), .events = POLLIN } };
	uint64_t now = clock_ns() + bed.ahead, next = nexthops_tick(bed.nhs, now), begun = clock_of(CLOCK_THREAD_CPUTIME_ID), due, wait;

	due = routes_tick(bed.routes, now);
	bed_worked(begun);
	bed.ticks++;
	next = due < next ? due : next;
	now = clock_ns() + bed.ahead;
	wait = next > now ? (next - now) / 1000000 + 1 : 0;
	poll(fd, 2, wait < 100 ? (int)wait : 100);
	if (fd[0].revents)
		nexthops_process(bed.nhs);
	begun = clock_of(CLOCK_THREAD_CPUTIME_ID);
	if (fd[1].revents)
		routes_process(bed.routes);
	bed_worked(begun);
	rcu_quiescent_state();
}

#define until(condition) ({ \
	const uint64_t end_ = clock_ns() + BED_TIMEOUT_MS * 1000000ull; \
	while (!(condition) && clock_ns() < end_) \
		turn(); \
	cr_expect(condition, "line %d: not so: %s", __LINE__, #condition); \
})

static inline void idle(uint64_t ms)
{
	const uint64_t end = clock_ns() + ms * 1000000;

	while (clock_ns() < end)
		turn();
}

static inline struct routes_state state(void)
{
	struct routes_state s;

	routes_state(bed.routes, &s);
	return s;
}

static inline bool is_off(const char *why)
{
	const char *off = state().off;

	cr_assert_eq(__atomic_load_n(&bed.fib.off, __ATOMIC_ACQUIRE), off != NULL);
	return off && strcmp(off, why) == 0;
}

static inline bool is_on(void)
{
	return !is_off("") && !state().off;
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

static inline struct fib_question question(enum fib_from from, const char *src, const char *dst)
{
	struct fib_question q = { .from = from, .family = strchr(dst, ':') ? AF_INET6 : AF_INET };

	cr_assert_eq(inet_pton(q.family, src, q.src), 1, "%s", src);
	cr_assert_eq(inet_pton(q.family, dst, q.dst), 1, "%s", dst);
	return q;
}

/* What a core does with a packet: by the verdict, in words, if there is one. `use`: marks it as used. */
static inline const char *look(enum fib_from from, const char *dst, bool use)
{
	static const char *const name[] = { "ask", "host", "tunnel", "lan" };
	static char text[64];
	const struct fib_question q = question(from, dst, dst);
	struct fib_entry *e = fib_lookup(&bed.fib, q.family, q.dst);
	const struct fib_way *w;
	uint32_t v;

	snprintf(text, sizeof(text), "none");
	if (!e)
		return text;
	v = __atomic_load_n(&e->verdict[from], __ATOMIC_ACQUIRE);
	w = rcu_load(e->way);
	if (use && v != FIB_ASK)
		__atomic_fetch_or(&e->used, 1u << from, __ATOMIC_RELAXED);
	if (v != FIB_LAN || !w)
		snprintf(text, sizeof(text), "%s", v == FIB_LAN ? "lan ?" : name[v]);
	else
		snprintf(text, sizeof(text), "lan %02x:%02x:%02x:%02x:%02x:%02x", w->hdr[0], w->hdr[1], w->hdr[2], w->hdr[3], w->hdr[4], w->hdr[5]);
	return text;
}

/* The same for a packet that brings its question along. */
static inline const char *ask(enum fib_from from, const char *src, const char *dst)
{
	const struct fib_question q = question(from, src, dst);
	struct fib_entry *e = fib_lookup(&bed.fib, q.family, q.dst);

	if (e && __atomic_load_n(&e->verdict[from], __ATOMIC_ACQUIRE) == FIB_ASK) {
		__atomic_fetch_or(&e->asked, 1u << from, __ATOMIC_RELAXED);
		routes_ask(bed.routes, &q);
		cr_expect_eq(e->asked & 1u << from, 0);
	}
	return look(from, dst, true);
}

#define from_lan(src, dst) ask(FIB_FROM_LAN, src, dst)
#define from_tunnel(src, dst) ask(FIB_FROM_TUNNEL, src, dst)
#define is(text, what) (strcmp(text, what) == 0)
#define expect_is(text, what) ({ const char *text_ = (text); cr_expect_str_eq(text_, what, "line %d: %s is %s, not %s", __LINE__, #text, text_, what); })

static inline void bed_start(size_t prefixes_max, size_t hosts_max)
{
	const struct routes_conf conf = {
		.name = "test", .fib = &bed.fib, .lan = bed.nhs, .tunnel_ifindex = bed.tunnel, .prefixes_max = prefixes_max, .hosts_max = hosts_max,
	};
	char err[ROUTES_ERRLEN] = "";

	bed.routes = routes_create(&conf, err);
	cr_assert_not_null(bed.routes, "%s", err);
	cr_expect(is_off("the host's routes are being read"));
}

static inline void bed_stop(void)
{
	routes_destroy(bed.routes);
	bed.routes = NULL;
}

static inline void bed_setup(void)
{
	char err[NEXTHOP_ERRLEN] = "";

	bed.there = test_netns_init();
	bed.here = test_netns_init();
	rcu_register_thread();
	test_sh("ip link add rtA type veth peer name rtB netns /proc/%d/fd/%d", getpid(), bed.there);
	test_sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
	test_sh("ip link set rtA addrgenmode none && ip addr add 10.77.0.1/24 dev rtA && ip addr add fd77::1/64 dev rtA nodad && "
		"ip addr add fe80::1/64 dev rtA nodad && ip link set rtA up");
	test_sh("ip link add rtT type veth peer name rtU && ip link set rtU addrgenmode none && ip link set rtU up && ip link set rtT addrgenmode none && ip addr add 10.99.0.1/24 dev rtT && "
		"ip addr add fd99::1/64 dev rtT nodad && ip link set rtT up");
	test_sh("ip link add rtX type veth peer name rtY && ip link set rtX addrgenmode none && ip link set rtY addrgenmode none && ip link set rtY up && ip addr add 10.55.0.1/24 dev rtX && ip link set rtX up");
	there("ip link set rtB address " RTB_MAC " && ip addr add 10.77.0.2/24 dev rtB && ip addr add 10.77.0.3/24 dev rtB && "
	      "ip addr add fd77::2/64 dev rtB nodad && ip addr add fd77::3/64 dev rtB nodad && ip link set rtB up");
	bed.lan = if_nametoindex("rtA");
	bed.tunnel = if_nametoindex("rtT");
	cr_assert_eq(fib_init(&bed.fib), 0);
	bed.nhs = nexthops_create(bed.lan, 0, bed_changed, &bed, err);
	cr_assert_not_null(bed.nhs, "%s", err);
	nexthops_watch_host(bed.nhs, bed_host_changed);
	bed_start(0, 0);
	until(is_on());
}

static inline void bed_teardown(void)
{
	bed_stop();
	nexthops_destroy(bed.nhs);
	fib_fini(&bed.fib);
	rcu_barrier();
	rcu_unregister_thread();
}

#endif
