/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, MTU, plain routes, and what becomes of the interface; see test_netif_default.c. */
#include "netif_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

Test(netif, addresses_and_up)
{
	struct netif *n;
	const char *text;

	netns_make();
	n = up("Address = 10.9.0.1/24, fd00:9::1/64\nAddress = 10.8.0.1\nMTU = 1400\n");
	text = out("ip addr show dev " WG);
	has(text, "inet 10.9.0.1/24 scope global " WG);
	has(text, "inet 10.8.0.1/32 scope global " WG);
	has(text, "inet6 fd00:9::1/64 scope global");
	lacks(text, "fe80:");
	has(text, "mtu 1400");
	has(text, "UP");
	cr_assert_eq(netif_mtu(n), 1400);
	cr_assert(netif_is_up(n));
	down(n);
}

Test(netif, no_linklocal_packets)
{
	struct pollfd p;
	struct netif *n;
	char packet[2048];

	p.fd = netns_make();
	p.events = POLLIN;
	n = up("Address = 10.9.0.1/24, fd00:9::1/64\n");
	/* Neither router solicitation nor multicast report: nothing would answer them. */
	while (poll(&p, 1, 300) > 0) {
		cr_assert_gt(read(p.fd, packet, sizeof(packet)), 0);
		cr_assert_neq(packet[0] & 0xf0, 0x60, "the host sent IPv6 by itself");
	}
	down(n);
}

Test(netif, bad_addresses)
{
	netns_make();
	has(up_fails("Address = 10.9.0.1/24, 10.9.0.1/24\n"), "10.9.0.1/24: ");
	out("sysctl -q net.ipv6.conf." WG ".disable_ipv6=1");
	has(up_fails("Address = fd00:9::1/64\n"), "IPv6 is switched off");
}

Test(netif, no_interface)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_of("nifnone", "");
	struct netif_conf nc = { .conf = c, .ifindex = 4711, .max_mtu = 9216 };

	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	cr_assert_null(netif_up(&nc, err));
	has(err, "4711");
	conf_free(c);
}

static struct sockaddr_storage v4(const char *text)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *sin = (void *)&ss;

	sin->sin_family = AF_INET;
	cr_assert_eq(inet_pton(AF_INET, text, &sin->sin_addr), 1);
	return ss;
}

static struct sockaddr_storage v6(const char *text, const char *zone)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in6 *sin6 = (void *)&ss;

	sin6->sin6_family = AF_INET6;
	cr_assert_eq(inet_pton(AF_INET6, text, &sin6->sin6_addr), 1);
	if (zone)
		sin6->sin6_scope_id = if_nametoindex(zone);
	return ss;
}

static uint32_t mtu_with(const char *text, const struct sockaddr_storage *endpoints, size_t n)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_of(WG, text);
	struct netif *netif = up_with(c, endpoints, n, err);
	uint32_t mtu;

	cr_assert_not_null(netif, "%s", err);
	mtu = netif_mtu(netif);
	has(out("ip link show dev " WG), "state UNKNOWN");
	cr_assert_eq((uint32_t)atoi(strstr(out("ip link show dev " WG), "mtu ") + 4), mtu);
	down(netif);
	conf_free(c);
	return mtu;
}

Test(netif, mtu_by_endpoint)
{
	struct sockaddr_storage ep[3] = { { 0 } };

	netns_make();
	run("ip link set nifup0 mtu 1600");
	run("ip route add 198.51.100.0/24 via 192.0.2.1 mtu 1440");
	run("ip route add 203.0.113.0/24 via 192.0.2.1 mtu 1300");
	run("ip -6 route add 2001:db8:1::/48 via 2001:db8::1 mtu 1700");

	cr_assert_eq(mtu_with("", ep, 3), 1420, "AF_UNSPEC is no endpoint");
	ep[0] = v4("198.51.100.7");
	cr_assert_eq(mtu_with("", ep, 3), 1360, "the route's own");
	ep[1] = v4("203.0.113.7");
	cr_assert_eq(mtu_with("", ep, 3), 1360, "the largest");
	cr_assert_eq(mtu_with("", ep + 1, 2), 1280, "never below 1280");
	ep[2] = v4("192.0.2.9");
	cr_assert_eq(mtu_with("", ep, 3), 1520, "the device's");
	ep[2] = v6("2001:db8:1::1", NULL);
	cr_assert_eq(mtu_with("", ep, 3), 1620);
	ep[0] = v6("fe80::1", "nifup0");
	cr_assert_eq(mtu_with("", ep, 1), 1520, "by its zone");
	cr_assert_eq(mtu_with("MTU = 1333\n", ep, 3), 1333);
	ep[0] = v4("127.0.0.1");
	cr_assert_eq(mtu_with("", ep, 1), 9216, "what the dataplane carries");
}

Test(netif, mtu_by_default_route)
{
	struct sockaddr_storage unreachable = v4("203.0.113.1");

	netns_make();
	cr_assert_eq(mtu_with("", &unreachable, 1), 1420);
	run("ip link set nifup0 mtu 1700");
	run("ip -6 route add default via 2001:db8::1");
	cr_assert_eq(mtu_with("", NULL, 0), 1620);
	run("ip route add default via 192.0.2.1 mtu 1600");
	cr_assert_eq(mtu_with("", NULL, 0), 1520);
}

Test(netif, mtu_by_marked_route)
{
	struct sockaddr_storage ep = v4("203.0.113.1");

	netns_make();
	run("ip link set nifup0 mtu 1600");
	run("ip route add default via 192.0.2.1 table 77 && ip rule add fwmark 0x77 table 77");
	cr_assert_eq(mtu_with("FwMark = 0x77\n", &ep, 1), 1520);
}

Test(netif, mtu_too_large)
{
	netns_make();
	has(up_fails("MTU = 9300\n"), "9216");
}

Test(netif, routes)
{
	struct netif *n;
	const char *text;

	netns_make();
	n = up("Address = 10.9.0.1/24, fd00:9::1/64\n" PEER1
	       "AllowedIPs = 10.9.0.2/32, 10.50.0.0/16, fd00:9::2/128\n" PEER2
	       "AllowedIPs = 10.50.7.0/24, 10.50.0.0/16, 10.8.0.0/13, fd00:60::/32\n");
	text = out("ip route show dev " WG);
	/* 10.9.0.2 lies in the Address's own route; a longer route than another is not left out. */
	cr_assert_str_eq(text, "10.8.0.0/13 scope link \n"
			       "10.9.0.0/24 proto kernel scope link src 10.9.0.1 \n"
			       "10.50.0.0/16 scope link \n"
			       "10.50.7.0/24 scope link \n");
	text = out("ip -6 route show dev " WG);
	cr_assert_str_eq(text, "fd00:9::/64 proto kernel metric 256 pref medium\n"
			       "fd00:60::/32 metric 1024 pref medium\n");
	lacks(policy(), "suppress");
	down(n);
}

Test(netif, table_off)
{
	struct netif *n;

	netns_make();
	n = up("Address = 10.9.0.1/32\nTable = off\n" PEER1
	       "AllowedIPs = 0.0.0.0/0, 10.1.0.0/16, ::/0\n");
	run("ip route show table all dev " WG " type unicast");
	run("ip -6 route show table all dev " WG " type unicast | grep -v ^fe80");
	lacks(policy(), WG);
	down(n);
}

Test(netif, table_number)
{
	struct netif *n;
	const char *text;

	netns_make();
	n = up("Address = 10.9.0.1/24\nTable = 1234\n" PEER1
	       "AllowedIPs = 0.0.0.0/0, 10.9.0.2/32, 10.9.0.0/24, ::/0\n");
	text = out("ip route show table 1234; ip -6 route show table 1234");
	cr_assert_str_eq(text, "default dev " WG " scope link \n"
			       "10.9.0.0/24 dev " WG " scope link \n"
			       "10.9.0.2 dev " WG " scope link \n"
			       "default dev " WG " metric 1024 pref medium\n");
	lacks(policy(), "1234");
	lacks(policy(), "table ip");
	down(n);
}

Test(netif, table_small_number)
{
	struct netif *n;

	netns_make();
	n = up("Table = 77\n" PEER1 "AllowedIPs = 10.1.0.0/16\n");
	has(out("ip route show table 77"), "10.1.0.0/16 dev " WG);
	down(n);
}

/* Its own connected route in the table named is no conflict. */
Test(netif, table_main_by_number)
{
	struct netif *n;

	netns_make();
	n = up("Address = 10.9.0.1/24\nTable = 254\n" PEER1
	       "AllowedIPs = 10.9.0.0/24, 10.7.0.0/16\n");
	has(out("ip route"), "10.7.0.0/16 dev " WG);
	down(n);
}

Test(netif, conflict)
{
	const char *err;

	netns_make();
	run("ip route add 10.60.0.0/16 via 192.0.2.1");
	err = up_fails("Address = 10.9.0.1/24\n" PEER1 "AllowedIPs = 10.50.0.0/16, 10.60.0.0/16\n");
	has(err, "10.60.0.0/16");
	has(err, "nifup0");
	has(out("ip route"), "10.60.0.0/16 via 192.0.2.1");
}

Test(netif, conflict_v6)
{
	const char *err;

	netns_make();
	run("ip -6 route add fd00:60::/32 via 2001:db8::1");
	err = up_fails("Address = fd00:9::1/64\n" PEER1
		       "AllowedIPs = fd00:50::/32, fd00:60::/32\n");
	has(err, "fd00:60::/32");
	has(err, "nifup0");
}

enum { MANY = 100000 };

/* 50,000 of each family over 1000 peers; the last prefix 10.200.0.0/16. Built by hand: no text. */
static struct conf *conf_many(void)
{
	struct conf *c = conf_of(WG, "Address = 10.9.0.1/32\n" PEER1);
	struct conf_prefix *p = calloc(MANY + 1, sizeof(*p));

	cr_assert_not_null(p);
	for (uint32_t i = 0; i < MANY; i++) {
		p[i].family = i % 2 ? AF_INET6 : AF_INET;
		p[i].cidr = i % 2 ? 64 : 32;
		if (i % 2)
			p[i].addr.bytes[0] = 0xfd;
		if (i % 2)
			memcpy(p[i].addr.bytes + 4, &i, 4);
		else
			p[i].addr.v4.s_addr = htonl(0x0b000000 + i);
	}
	p[MANY].family = AF_INET;
	p[MANY].cidr = 16;
	p[MANY].addr.v4.s_addr = htonl(0x0ac80000);
	free(c->peers[0].allowed_ips);
	c->peers[0].allowed_ips = p;
	c->peers[0].n_allowed_ips = MANY + 1;
	return c;
}

Test(netif, many_routes, .timeout = 120)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_many();
	struct timespec t0, t1;
	struct netif *n;

	netns_make();
	clock_gettime(CLOCK_MONOTONIC, &t0);
	n = up_with(c, NULL, 0, err);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	cr_assert_not_null(n, "%s", err);
	fprintf(stderr, "%u routes in %.3f s\n", MANY,
		(double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9);
	cr_assert_str_eq(out("ip route show dev " WG " | wc -l"), "50001\n");
	cr_assert_str_eq(out("ip -6 route show dev " WG " | wc -l"), "50000\n");
	down(n);
	conf_free(c);
}

Test(netif, many_routes_conflict, .timeout = 120)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_many();

	netns_make();
	run("ip route add 10.200.0.0/16 via 192.0.2.1");
	cr_assert_null(up_with(c, NULL, 0, err));
	has(err, "10.200.0.0/16");
	conf_free(c);
}

/* All 300 are there already, on our own interface: several batches of nothing but errors. */
Test(netif, many_routes_present)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_of(WG, "Table = 99\n" PEER1);
	struct conf_prefix *p = calloc(301, sizeof(*p));
	struct netif *n;

	netns_make();
	for (uint32_t i = 0; i < 301; i++) {
		p[i].family = AF_INET;
		p[i].cidr = i < 300 ? 32 : 8;
		p[i].addr.v4.s_addr = htonl(i < 300 ? 0x0b000000 + i : 0x0b000000);
	}
	c->peers[0].allowed_ips = p;
	c->peers[0].n_allowed_ips = 301;
	run("ip link set " WG " up && for i in $(seq 0 299); do"
	    " echo route add 11.0.$((i / 256)).$((i %% 256)) dev " WG " table 99; done | ip -b -");
	n = up_with(c, NULL, 0, err);
	cr_assert_not_null(n, "%s", err);
	has(out("ip route show table 99"), "11.0.0.0/8");
	down(n);
	conf_free(c);
}

static enum netif_event next_event(struct netif *n)
{
	struct pollfd p = { .fd = netif_fd(n), .events = POLLIN };
	enum netif_event e = NETIF_NONE;

	while (e == NETIF_NONE && poll(&p, 1, 2000) > 0)
		e = netif_event(n);
	return e;
}

static void drain(struct netif *n)
{
	struct pollfd p = { .fd = netif_fd(n), .events = POLLIN };

	while (poll(&p, 1, 100) > 0)
		netif_event(n);
}

/* A process in a network namespace of its own. */
static pid_t other_netns(void)
{
	int ready[2];
	char c;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		unshare(CLONE_NEWNET);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	return pid;
}

Test(netif_watch, changed)
{
	struct netif *n;

	netns_make();
	n = up("Address = 10.9.0.1/24\nMTU = 1400\n");
	cr_assert_eq(netif_event(n), NETIF_NONE, "what it is since it was made is no news");
	cr_assert(!netif_was_down(n));
	drain(n);
	run("ip link set nifup0 mtu 1450");
	run("ip link set " WG " mtu 1380");
	cr_assert_eq(next_event(n), NETIF_CHANGED);
	cr_assert_eq(netif_mtu(n), 1380);
	run("ip link set " WG " down");
	cr_assert_eq(next_event(n), NETIF_CHANGED);
	cr_assert(!netif_is_up(n));
	cr_assert(netif_was_down(n));
	cr_assert_eq(netif_event(n), NETIF_NONE);
	run("ip link set " WG " up");
	cr_assert_eq(next_event(n), NETIF_CHANGED);
	cr_assert(netif_is_up(n) && !netif_was_down(n));
	run("ip link set " WG " down && ip link set " WG " up");
	cr_assert_eq(netif_event(n), NETIF_CHANGED, "both are in one look");
	cr_assert(netif_is_up(n) && netif_was_down(n));
	down(n);
}

Test(netif_watch, deleted)
{
	struct netif *n;

	netns_make();
	n = up("Address = 10.9.0.1/24\n" PEER1 "AllowedIPs = 0.0.0.0/0\n");
	drain(n);
	run("ip link del nifup0");
	run("ip link del " WG);
	cr_assert_eq(next_event(n), NETIF_DELETED);
	has(policy(), "lookup 51820");
	down(n);
	lacks(policy(), "51820");
	lacks(policy(), "wgdp");
}

Test(netif_watch, deleted_with_its_tun)
{
	struct netif *n;
	int fd = netns_make();

	n = up("Address = 10.9.0.1/24\n");
	drain(n);
	close(fd);
	cr_assert_eq(next_event(n), NETIF_DELETED);
	down(n);
}

Test(netif_watch, moved)
{
	struct netif *n;
	uint32_t ifindex;
	pid_t pid;

	netns_make();
	pid = other_netns();
	n = up("Address = 10.9.0.1/24\n" PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n");
	ifindex = if_nametoindex(WG);
	drain(n);
	run("ip link set " WG " netns %d", (int)pid);
	cr_assert_eq(next_event(n), NETIF_MOVED);

	/* Its number may be another's now. */
	run("ip link add nifx index %u type veth peer name nify && ip link del nifx", ifindex);
	cr_assert_eq(next_event(n), NETIF_NONE);
	down(n);
	lacks(policy(), "51820");
	lacks(policy(), "wgdp");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(netif_watch, in_a_bridge_is_not_deleted)
{
	struct netif *n;

	netns_make();
	/* A tun cannot be in a bridge; any other device can: same messages. */
	run("ip link add nifbr type bridge");
	n = up_named("nifup1", "");
	drain(n);
	run("ip link set nifup1 master nifbr && ip link set nifup1 nomaster");
	cr_assert_eq(next_event(n), NETIF_NONE);
	down(n);
}

/* So many messages that some are lost. */
Test(netif_watch, overrun, .timeout = 280)
{
	struct netif *n;

	netns_make();
	n = up("Address = 10.9.0.1/24\nMTU = 1400\n");
	drain(n);
	run("for i in $(seq 2000); do echo link set nifup0 mtu $((1400 + i %% 2)); done | ip -b -");
	run("ip link set " WG " mtu 1390");
	cr_assert_eq(next_event(n), NETIF_CHANGED);
	cr_assert_eq(netif_mtu(n), 1390);
	drain(n);
	run("for i in $(seq 2000); do echo link set nifup0 mtu $((1400 + i %% 2)); done | ip -b -");
	run("ip link del " WG);
	/* Which of the two cannot be told then. */
	cr_assert(next_event(n) >= NETIF_DELETED);
	down(n);
}
