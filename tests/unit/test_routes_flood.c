/* SPDX-License-Identifier: BSD-3-Clause */
/* Many routes, many changes, lost notifications; and random routing, with ip(8)'s answers as the oracle (routes_bed.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "routes_bed.h"

TestSuite(routes_flood, .init = bed_setup, .fini = bed_teardown);

/* Routes for single addresses, or the like in IPv6, by one ip(8), in the background: the test turns meanwhile. */
static void flood(const char *verb, const char *dev, int family, unsigned int n)
{
	if (family == AF_INET)
		test_sh("(for i in $(seq 0 %u); do echo route %s 11.$((i / 65536)).$((i / 256 %% 256)).$((i %% 256))/32 dev %s; done | "
			"ip -batch - ; touch /tmp/rt-flood.%d) &", n - 1, verb, dev, getpid());
	else
		test_sh("(for i in $(seq 0 %u); do echo route %s 2001:db8:$((i / 10000)):$((i %% 10000))::/64 dev %s; done | "
			"ip -6 -batch - ; touch /tmp/rt-flood.%d) &", n - 1, verb, dev, getpid());
}

static bool flood_over(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/rt-flood.%d", getpid());
	return unlink(path) == 0;
}

static void flooded(const char *what, int family, const char *verb, const char *dev, unsigned int n)
{
	const uint64_t end = clock_ns() + 120000000000u, begun = clock_ns(), ticks = bed.ticks;

	bed.longest_ns = bed.cpu_ns = 0;
	flood(verb, dev, family, n);
	while (!flood_over() && clock_ns() < end) {
		turn();
		look(FIB_FROM_TUNNEL, "10.77.0.2", true);
	}
	idle(300);
	printf("%s: %.1f s, %" PRIu64 " rounds, CPU %.2f us for each route, at most %.2f ms at a stretch; %zu prefixes, %" PRIu64 " resyncs\n", what,
	       (double)(clock_ns() - begun) / 1e9, bed.ticks - ticks, (double)bed.cpu_ns / 1e3 / n, (double)bed.longest_ns / 1e6,
	       state().prefixes, state().resyncs);
}

Test(routes_flood, hundred_thousand, .timeout = 280)
{
	enum { N = 100000 };
	const size_t before = state().prefixes;

	test_sh("ip neigh replace 10.77.0.2 lladdr " RTB_MAC " dev rtA nud permanent");
	until(is(from_tunnel("10.99.0.2", "10.77.0.2"), "lan " RTB_MAC));
	flooded("add", AF_INET, "add", "rtT", N);
	until(state().prefixes == before + N);
	until(is(from_lan("10.77.0.2", "11.1.134.159"), "tunnel"));
	expect_is(look(FIB_FROM_TUNNEL, "10.77.0.2", true), "lan " RTB_MAC);
	flooded("replace", AF_INET, "replace", "rtX", N);
	until(is(from_lan("10.77.0.2", "11.1.134.159"), "host"));
	until(state().prefixes == before + N);
	flooded("delete", AF_INET, "del", "rtX", N);
	for (int i = 0; i < 5 && state().prefixes != before; i++) {
		bed.ahead += 70000000000u;
		idle(500);
	}
	until(state().prefixes == before);
	flooded("add, IPv6", AF_INET6, "add", "rtT", N / 4);
	until(is(from_lan("fd77::2", "2001:db8:2:4999::1"), "tunnel"));
	until(state().prefixes == before + N / 4);	/* notifications may have been lost, and all be read again */
	cr_expect(is_on());
}

/* More than the socket holds while nobody reads; what matters is among the lost. */
Test(routes_flood, overrun, .timeout = 280)
{
	const size_t before = state().prefixes;

	test_sh("ip route add 198.51.0.0/16 dev rtT");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	test_sh("for i in $(seq 0 19999); do echo route add 11.0.$((i / 256)).$((i %% 256))/32 dev rtT; done | ip -batch -");
	test_sh("ip route add 198.51.100.0/24 dev rtX && ip rule add pref 77 to 192.0.2.0/24 table 77 && ip route add 192.0.2.0/24 dev rtT table 77");
	test_sh("for i in $(seq 0 19999); do echo route del 11.0.$((i / 256)).$((i %% 256))/32 dev rtT; done | ip -batch -");
	until(is(look(FIB_FROM_LAN, "198.51.100.1", true), "ask"));
	until(state().resyncs >= 1);
	expect_is(from_lan("10.77.0.2", "198.51.100.1"), "host");
	until(is(from_lan("10.77.0.2", "192.0.2.1"), "tunnel"));
	for (int i = 0; i < 5 && state().prefixes > before + 10; i++) {
		bed.ahead += 70000000000u;
		idle(500);
	}
	cr_expect_leq(state().prefixes, before + 10);
	cr_expect(is_on());
}

/*
 * The kernel tells of the first loss, and then drops everything until the socket has been read empty, without another word: a dump that began before that would miss what
 * comes behind it.
 */
Test(routes_flood, overrun_goes_on_after_it_was_told, .timeout = 280)
{
	test_sh("ip route add 1.0.0.0/8 dev rtT");
	until(is(from_lan("10.77.0.2", "1.2.3.4"), "tunnel"));
	test_sh("for i in $(seq 0 19999); do echo route add 11.0.$((i / 256)).$((i %% 256))/32 dev rtT; done | ip -batch -");
	routes_process(bed.routes);
	bed.ahead += 5000000000u;
	for (int i = 0; i < 8; i++)
		routes_tick(bed.routes, clock_ns() + bed.ahead);
	test_sh("ip route add 1.2.3.0/24 dev rtX");
	until(state().resyncs >= 1);
	until(is(look(FIB_FROM_LAN, "1.2.3.4", true), "ask"));
	expect_is(from_lan("10.77.0.2", "1.2.3.4"), "host");
}

/* Verdicts in use while routes keep changing: asked again about once a second, no more. */
Test(routes_flood, storm_is_coalesced)
{
	unsigned int changes = 0;
	const char *last = "";
	uint64_t began;

	test_sh("ip route add 198.51.100.0/24 dev rtT");
	until(is(from_lan("10.77.0.2", "198.51.100.1"), "tunnel"));
	began = clock_ns() + bed.ahead + 60000000000u;
	for (uint64_t ms = 0; ms < 10000; ms += 10) {
		const char *now;

		if (ms % 100 == 0)
			test_sh("ip route replace 198.51.100.0/24 dev %s", ms % 200 ? "rtT" : "rtX");
		routes_process(bed.routes);
		routes_tick(bed.routes, began + ms * 1000000);
		now = is(look(FIB_FROM_LAN, "198.51.100.1", true), "tunnel") ? "tunnel" : "other";
		changes += strcmp(now, last) != 0;
		last = now;
	}
	cr_expect_leq(changes, 16);
	cr_expect_geq(changes, 1);
}

/* The oracle: what the host does with such a packet, by ip(8)'s text. */
static const char *oracle(enum fib_from from, const char *src, const char *dst)
{
	static char line[512];
	char command[256], *dev;
	FILE *f;

	snprintf(command, sizeof(command), "ip route get %s from %s iif %s 2>/dev/null", dst, src, from == FIB_FROM_LAN ? "rtA" : "rtT");
	f = popen(command, "r");
	cr_assert_not_null(f);
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	pclose(f);
	dev = strstr(line, " dev ");
	if (!dev || strncmp(line, dst, strlen(dst)) != 0)
		return "host";
	if (from == FIB_FROM_LAN)
		return strncmp(dev, " dev rtT ", 9) ? "host" : "tunnel";
	if (strncmp(dev, " dev rtA ", 9))
		return "host";
	if (strstr(line, "via 10.77.0.3 ") || strstr(line, "via fd77::3 "))
		return "lan " OTHER_MAC;
	return strstr(line, " via ") ? "lan " RTB_MAC : "on-link";
}

static unsigned int draw(unsigned int below)
{
	static uint64_t s = 88172645463325252u;

	s ^= s >> 12;
	s ^= s << 25;
	s ^= s >> 27;
	return (unsigned int)((s * 0x2545f4914f6cdd1du >> 32) % below);
}

/* One of few addresses, whose first `len` bits are not all alike. */
static void draw_addr(char out[64], bool six, unsigned int len)
{
	uint8_t a[16] = { 20, (uint8_t)draw(3), (uint8_t)(draw(3) * 64), (uint8_t)(draw(4) * 60) };
	const uint8_t b[16] = { 0x20, 1, 0xd, 0xb8, 0, (uint8_t)draw(3), (uint8_t)draw(3), [15] = (uint8_t)draw(3) };

	if (six)
		memcpy(a, b, sizeof(a));
	for (unsigned int i = len; i < (six ? 128 : 32); i++)
		a[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	inet_ntop(six ? AF_INET6 : AF_INET, a, out, 64);
}

/* A command for ip -force -batch, of which many will fail. */
static void draw_change(FILE *f, bool six)
{
	static const char *const to4[] = { "dev rtT", "dev rtX", "via 10.77.0.2", "via 10.77.0.3", "dev rtA" };
	static const char *const to6[] = { "dev rtT", "dev rtX", "via fd77::2", "via fd77::3", "dev rtA" };
	static const char *const verb[] = { "add", "replace", "append", "del" };
	const unsigned int v = draw(4), what = draw(8);
	const unsigned int len = six ? (draw(3) ? 32 + 4 * draw(10) : 128) : 8 + draw(25);
	char addr[64];

	draw_addr(addr, six, len);
	if (what == 0) {
		fprintf(f, "rule %s pref %u to %s/%u table %u\n", v < 2 ? "add" : "del", 100 + draw(4), addr, len, draw(2) ? 50 : 254);
		return;
	}
	if (what == 1)
		fprintf(f, "route %s %s %s/%u table %u metric 5\n", verb[v], draw(2) ? "blackhole" : "unreachable", addr, len, draw(2) ? 50 : 254);
	else
		fprintf(f, "route %s %s/%u %s table %u metric %u\n", verb[v], addr, len, (six ? to6 : to4)[draw(5)], draw(2) ? 50 : 254, 1 + draw(3));
}

static void change_routing(unsigned int n, bool six)
{
	FILE *f = popen(six ? "ip -6 -force -batch - >/dev/null 2>&1" : "ip -4 -force -batch - >/dev/null 2>&1", "w");

	cr_assert_not_null(f);
	for (unsigned int i = 0; i < n; i++)
		draw_change(f, six);
	pclose(f);
}

static unsigned int compare_with_oracle(unsigned int n)
{
	unsigned int known = 0;
	char dst[64];

	for (unsigned int i = 0; i < n; i++) {
		const bool six = i % 2;
		const enum fib_from from = i / 2 % 2 ? FIB_FROM_LAN : FIB_FROM_TUNNEL;
		const char *src = six ? (from == FIB_FROM_LAN ? "fd77::9" : "fd99::9") : from == FIB_FROM_LAN ? "10.77.0.9" : "10.99.0.9";
		const char *want, *got;

		draw_addr(dst, six, 128);
		want = oracle(from, src, dst);
		/* Asks where it is not known, and has known verdicts of before as they are. */
		got = ask(from, src, dst);
		if (is(want, "on-link"))	/* where the host knows nobody; a route for just that host is judged itself */
			cr_expect(is(got, "ask") || is(got, "lan ?"), "%s from %s: %s, not on the link", dst, src, got);
		else if (is(got, "none") || is(got, "ask"))
			cr_expect_str_eq(want, "host", "%s from %s: %s, not %s", dst, src, got, want);
		else
			cr_expect_str_eq(got, want, "%s from %s: %s, not %s", dst, src, got, want);
		known += !is(got, "none") && !is(got, "ask");
	}
	return known;
}

Test(routes_flood, like_the_oracle, .timeout = 280)
{
	unsigned int known = 0;

	test_sh("ip neigh replace 10.77.0.2 lladdr " RTB_MAC " dev rtA nud permanent && ip neigh replace fd77::2 lladdr " RTB_MAC " dev rtA nud permanent");
	test_sh("ip neigh replace 10.77.0.3 lladdr " OTHER_MAC " dev rtA nud permanent && ip neigh replace fd77::3 lladdr " OTHER_MAC " dev rtA nud permanent");
	test_sh("ip rule add pref 90 to 20.1.0.0/16 table 50 && ip -6 rule add pref 90 to 2001:db8:1::/48 table 50");
	/* Verdicts that keep the ways known. */
	test_sh("ip route add 192.0.2.2/32 via 10.77.0.2 && ip route add 192.0.2.3/32 via 10.77.0.3 && "
		"ip -6 route add 2001:db9::2/128 via fd77::2 && ip -6 route add 2001:db9::3/128 via fd77::3");
	for (int round = 0; round < 12; round++) {
		change_routing(round ? 15 : 100, false);
		change_routing(round ? 15 : 100, true);
		bed.ahead += 3000000000u;
		idle(250);
		until(is(from_tunnel("10.99.0.2", "192.0.2.2"), "lan " RTB_MAC) && is(from_tunnel("10.99.0.2", "192.0.2.3"), "lan " OTHER_MAC));
		until(is(from_tunnel("fd99::2", "2001:db9::2"), "lan " RTB_MAC) && is(from_tunnel("fd99::2", "2001:db9::3"), "lan " OTHER_MAC));
		known += compare_with_oracle(60);
		cr_expect(is_on());
	}
	printf("%u verdicts compared\n", known);
	cr_expect_geq(known, 300);
}
