/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A running interface that follows another conf. What must come out is what netif_up makes of that conf from nothing: every test
 * compares the two as ip(8), nft(8) and sysctl(8) show them; one that fails, with what was there before.
 */
#include "netif_fixture.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define A4 "Address = 10.9.0.1/24\n"
#define A6 "Address = fd00:9::1/64\n"

/* The kernel finishes IPv6 addresses by and by: those without detection of duplicates, too, get their local route later. */
static void settle(void)
{
	run("addresses() { ip -o -6 addr show -tentative | awk '{ print $2, $4 }' | sed 's|/.*||' | sort; };"
	    "routes() { ip -6 route show table local type local | awk '{ print $4, $2 }' | sort; };"
	    "for i in $(seq 3000); do"
	    "	ip -6 addr show tentative | grep -q . || [ \"$(addresses)\" != \"$(routes)\" ] || exit 0;"
	    "	sleep 0.02;"
	    "done;"
	    "echo not settled in 60 s; addresses; routes");
}

/*
 * Everything, in no particular order where the order tells which of two was there first: of addresses, and of the source that the
 * network of several has (10.7.0.0/24 in these tests).
 */
static char *host(void)
{
	static char bufs[4][OUT_MAX];
	static unsigned int turn;
	char *buf = bufs[turn++ % 4];

	settle();
	snprintf(buf, OUT_MAX, "%s",
		 out("{ ip -o addr show dev " WG " | sed 's/^[0-9]*: //; s/ secondary//' | sort;"
		     " ip -o link show dev " WG " | grep -o 'mtu [0-9]*';"
		     " ip -d -4 route show table all | sed '/^10.7.0.0.24/s/ src.*//; /10.7.0/s/ src .*//';"
		     " ip -d -6 route show table all;"
		     " ip -d rule; ip -d -6 rule; nft list ruleset ip | sort; nft list ruleset ip6 | sort;"
		     " sysctl net.ipv4.conf.all.src_valid_mark; }"));
	return buf;
}

static void same(const char *a, const char *b, const char *what)
{
	size_t at = 0;

	while (a[at] && a[at] == b[at])
		at++;
	while (at && a[at - 1] != '\n')
		at--;
	cr_assert_str_eq(a, b, "%s:\n%swhere it differs first: %.*s, not %.*s", what, b, (int)strcspn(b + at, "\n"), b + at,
			 (int)strcspn(a + at, "\n"), a + at);
}

static uint32_t mark_for(struct netif *n, const struct conf *old, const struct conf *new)
{
	char err[NETIF_ERRLEN] = "";
	uint32_t mark = netif_mark(n);

	if (!netif_has_default(old) || !netif_has_default(new))
		cr_assert_eq(netif_fwmark(new, &mark, err), 0, "%s", err);
	return mark;
}

static struct netif_update *begin(struct netif *n, const struct conf *old, const struct conf *new, char *err)
{
	struct netif_conf nc = {
		.conf = new, .ifindex = if_nametoindex(WG), .fwmark = mark_for(n, old, new), .max_mtu = 9216,
	};

	err[0] = '\0';
	return netif_update_begin(n, old, &nc, err);
}

static int tun_fd;

/* A new namespace, in which nothing happens any more by itself. */
static void again(void)
{
	if (tun_fd)
		close(tun_fd);
	tun_fd = netns_make();
	for (int i = 0; i < 2; i++)
		run("until ip link show dev nifup%d | grep -q 'state UP'; do sleep 0.01; done", i);
	run("sysctl -qw net.ipv6.conf.nifup1.disable_ipv6=1");
	run("ip link set nifup0 addrgenmode none && ip -6 addr flush dev nifup0 scope link");
}

/* How netif_up makes it, in a namespace of its own. */
static const char *fresh(const char *text, const char *around)
{
	struct netif *n;
	const char *shown;

	again();
	out("%s", around);
	n = up(text);
	shown = host();
	down(n);
	return shown;
}

/* There, back by an abort, there again, and back by another update. */
static void follows_with(const char *from, const char *to, const char *around)
{
	struct conf *old = conf_of(WG, from), *new = conf_of(WG, to);
	char *expected = strdup(fresh(to, around)), *before;
	const char *after;
	char err[NETIF_ERRLEN], what[4096];
	struct netif_update *u;
	struct netif *n;

	snprintf(what, sizeof(what), "from\n%s\nto\n%s", from, to);
	again();
	out("%s", around);
	n = up_with(old, NULL, 0, err);
	cr_assert_not_null(n, "%s", err);
	before = strdup(host());
	u = begin(n, old, new, err);
	cr_assert_not_null(u, "%s: %s", what, err);
	netif_update_abort(u);
	after = host();
	same(before, after, "abort");

	u = begin(n, old, new, err);
	cr_assert_not_null(u, "%s", err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	after = host();
	same(expected, after, what);
	cr_assert_eq((uint32_t)atoi(strstr(after, "mtu ") + 4), netif_mtu(n));

	/* What it is made of now is the new one: nothing differs. */
	u = begin(n, new, new, err);
	cr_assert_not_null(u, "%s", err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	same(expected, host(), "nothing");

	/* And the way back. */
	u = begin(n, new, old, err);
	cr_assert_not_null(u, "%s, back: %s", what, err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s, back: %s", what, err);
	after = host();
	same(before, after, "back");
	down(n);
	lacks(policy(), "wgdp");
	lacks(policy(), "suppress");
	free(expected);
	free(before);
	conf_free(old);
	conf_free(new);
}

static void follows(const char *from, const char *to)
{
	follows_with(from, to, ":");
}

Test(netif_update, nothing, .timeout = 280)
{
	follows(A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32\n", A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32\n");
}

Test(netif_update, routes, .timeout = 280)
{
	follows(A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, 10.51.0.0/16, fd00:50::/32\n",
		A4 A6 PEER1 "AllowedIPs = 10.51.0.0/16, 10.52.0.0/16, 10.9.0.7/32, fd00:51::/32\n" PEER2 "AllowedIPs = 10.51.7.0/24\n");
	follows(PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32\n", "");
	follows("", PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32\n");
}

Test(netif_update, addresses, .timeout = 280)
{
	follows(A4 PEER1 "AllowedIPs = 10.50.0.0/16\n", A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16\n");
	follows(A4 A6, "Address = 10.10.0.1/24, fd00:a::1/64\n");
	follows(A4, "Address = 10.9.0.1/16\n");
	/* the kernel has an IPv6 address only once */
	follows(A6 PEER1 "AllowedIPs = fd00:9::/48\n", "Address = fd00:9::1/128\n" PEER1 "AllowedIPs = fd00:9::/48\n");
}

/* Without the last IPv4 address, the kernel drops all IPv4 routes of the interface. */
Test(netif_update, no_address_left, .timeout = 280)
{
	follows(A4 PEER1 "AllowedIPs = 10.50.0.0/16, 10.51.0.0/16, 0.0.0.0/0\n", PEER1 "AllowedIPs = 10.50.0.0/16, 10.52.0.0/16, 0.0.0.0/0\n");
	follows(PEER1 "AllowedIPs = 10.50.0.0/16, 0.0.0.0/0\n", A4 PEER1 "AllowedIPs = 10.50.0.0/16, 0.0.0.0/0\n");
	follows(A6 PEER1 "AllowedIPs = fd00:50::/32, ::/0\n", PEER1 "AllowedIPs = fd00:50::/32, ::/0\n");
	follows("Table = 99\n" A4 PEER1 "AllowedIPs = 10.50.0.0/16, 0.0.0.0/0\n", "Table = 99\n" PEER1 "AllowedIPs = 10.50.0.0/16, 0.0.0.0/0\n");
}

/* Without promote_secondaries, the second address of a network goes with the first. */
Test(netif_update, first_of_a_network, .timeout = 280)
{
	static const char from[] = "Address = 10.7.0.1/24, 10.7.0.2/24\n" PEER1 "AllowedIPs = 10.50.0.0/16\n";
	static const char to[] = "Address = 10.7.0.2/24, 10.7.0.3/24\n" PEER1 "AllowedIPs = 10.50.0.0/16\n";
	static const char *const sysctls[] = { "0", "1" };

	for (int i = 0; i < 2; i++) {
		char around[200];

		snprintf(around, sizeof(around), "sysctl -qw net.ipv4.conf.all.promote_secondaries=%s "
			 "net.ipv4.conf." WG ".promote_secondaries=%s", sysctls[i], sysctls[i]);
		follows_with(from, to, around);
		follows_with(to, from, around);
	}
	follows("Address = 10.7.0.1/24\n" PEER1 "AllowedIPs = 10.50.0.0/16\n", "Address = 10.7.0.2/24\n" PEER1 "AllowedIPs = 10.50.0.0/16\n");
	out("sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf." WG ".promote_secondaries=0");
	has(out("sysctl net.ipv4.conf." WG ".promote_secondaries"), "= 0");
}

/* The sysctl is put back. */
Test(netif_update, promote_secondaries_stays)
{
	struct conf *old = conf_of(WG, "Address = 10.7.0.1/24, 10.7.0.2/24\n"), *new = conf_of(WG, "Address = 10.7.0.2/24\n");
	char err[NETIF_ERRLEN];
	struct netif_update *u;
	struct netif *n;

	again();
	out("sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf." WG ".promote_secondaries=0");
	n = up_with(old, NULL, 0, err);
	u = begin(n, old, new, err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	has(out("ip addr show dev " WG), "10.7.0.2/24");
	has(out("sysctl net.ipv4.conf." WG ".promote_secondaries"), "= 0");
	down(n);
	conf_free(old);
	conf_free(new);
}

/* The route of an address comes in the place of one for AllowedIPs, and the reverse. */
Test(netif_update, covered, .timeout = 120)
{
	static const char wide[] = A4 A6 PEER1 "AllowedIPs = 10.9.0.0/24, 10.9.0.2/32, 10.9.0.0/16, fd00:9::2/128, fd00:9::/64\n";
	static const char narrow[] = "Address = 10.9.0.1/32, fd00:9::1/128\n" PEER1
				     "AllowedIPs = 10.9.0.0/24, 10.9.0.2/32, 10.9.0.0/16, fd00:9::2/128, fd00:9::/64\n";
	static const char other[] = "Address = 10.9.0.3/24, fd00:9::3/64\n" PEER1
				    "AllowedIPs = 10.9.0.0/24, 10.9.0.2/32, 10.9.0.0/16, fd00:9::2/128, fd00:9::/64\n";
	static const char *const tables[] = { "", "Table = 254\n", "Table = 99\n", "Table = off\n" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char a[1000], b[1000], c[1000];

		snprintf(a, sizeof(a), "%s%s", tables[i], wide);
		snprintf(b, sizeof(b), "%s%s", tables[i], narrow);
		snprintf(c, sizeof(c), "%s%s", tables[i], other);
		follows(a, b);
		follows(b, a);
		follows(a, c);
	}
}

Test(netif_update, default_route, .timeout = 120)
{
	static const char none[] = A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16\n";
	static const char v4[] = A4 A6 PEER1 "AllowedIPs = 0.0.0.0/0, 10.50.0.0/16\n";
	static const char both[] = A4 A6 PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n";
	static const char elsewhere[] = "Address = 10.10.0.1/24, fd00:a::1/64\n" PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n";

	follows(none, both);
	follows(both, none);
	follows(v4, both);
	follows(both, v4);
	follows(both, elsewhere);
	follows(none, "FwMark = 0x70\n" A4 PEER1 "AllowedIPs = ::/0, 0.0.0.0/0\n");
	follows("FwMark = 0x70\n" A4 PEER1 "AllowedIPs = ::/0, 0.0.0.0/0\n", none);
	follows_with(none, both, "sysctl -qw net.ipv4.conf.all.src_valid_mark=1");
}

/* The firewall's tables keep their place among those of others, after an abort and after a commit. */
Test(netif_update, nft_in_place, .timeout = 280)
{
	struct conf *old = conf_of(WG, A4 A6 PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n");
	struct conf *new = conf_of(WG, "Address = 10.10.0.1/24\n" A6 PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n");
	char err[NETIF_ERRLEN], before[OUT_MAX];
	struct netif_update *u;
	struct netif *n;

	again();
	n = up_with(old, NULL, 0, err);
	run("nft add table ip nifother");
	snprintf(before, sizeof(before), "%s", out("nft list ruleset"));
	u = begin(n, old, new, err);
	has(out("nft list ruleset"), "daddr 10.10.0.1 ");
	netif_update_abort(u);
	same(before, out("nft list ruleset"), "abort");
	u = begin(n, old, new, err);
	cr_assert_eq(netif_update_commit(u, err), 0);
	lacks(out("nft list ruleset"), "10.9.0.1");
	has(out("nft list tables"), "table ip wgdp-" WG "\ntable ip6 wgdp-" WG "\ntable ip nifother");
	down(n);
	conf_free(old);
	conf_free(new);
}

Test(netif_update, mtu, .timeout = 120)
{
	follows(A4 A6 "MTU = 1400\n", A4 A6 "MTU = 1380\n");
	follows(A4 A6 "MTU = 1400\n", A4 A6);
	follows(A4 A6, A4 A6 "MTU = 1300\n");
	follows(A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32\n", A4 "MTU = 1000\n" PEER1 "AllowedIPs = 10.50.0.0/16\n");
	follows(A4 "MTU = 1000\n" PEER1 "AllowedIPs = 10.50.0.0/16\n", A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32, ::/0\n");
}

/* Endpoints that AllowedIPs cover now: the way beside the tunnel counts. */
Test(netif_update, mtu_beside_the_tunnel, .timeout = 280)
{
	struct conf *old = conf_of(WG, A4 PEER1 "AllowedIPs = 203.0.113.0/24\n");
	struct conf *new = conf_of(WG, A4 PEER1 "AllowedIPs = 203.0.113.0/24, 10.50.0.0/16\n");
	struct sockaddr_storage ep = { 0 };
	struct sockaddr_in *sin = (void *)&ep;
	char err[NETIF_ERRLEN] = "";
	struct netif_conf nc = { .conf = new, .endpoints = &ep, .n_endpoints = 1, .max_mtu = 9216 };
	struct netif_update *u;
	struct netif *n;

	sin->sin_family = AF_INET;
	cr_assert_eq(inet_pton(AF_INET, "203.0.113.5", &sin->sin_addr), 1);
	again();
	run("ip link set nifup0 mtu 1600 && ip route add default via 192.0.2.1");
	n = up_with(old, &ep, 1, err);
	cr_assert_eq(netif_mtu(n), 1520);
	nc.ifindex = if_nametoindex(WG);
	u = netif_update_begin(n, old, &nc, err);
	cr_assert_not_null(u, "%s", err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	cr_assert_eq(netif_mtu(n), 1520);
	has(out("ip link show dev " WG), "mtu 1520");
	down(n);
	conf_free(old);
	conf_free(new);
}

/* It must not be possible, for that reason, and leave everything as it was. */
static void fails_with(const char *from, const char *to, const char *around, const char *why)
{
	struct conf *old = conf_of(WG, from), *new = conf_of(WG, to);
	char err[NETIF_ERRLEN] = "", before[OUT_MAX], *policies;
	uint32_t mark;
	struct netif *n;

	again();
	n = up_with(old, NULL, 0, err);
	cr_assert_not_null(n, "%s", err);
	out("%s", around);
	mark = netif_mark(n);
	policies = host();
	snprintf(before, sizeof(before), "%s", out("ip addr; ip route; ip -6 route; nft list ruleset"));
	cr_assert_null(begin(n, old, new, err));
	has(err, why);
	same(policies, host(), to);
	same(before, out("ip addr; ip route; ip -6 route; nft list ruleset"), to);
	cr_assert_eq(netif_mark(n), mark);
	down(n);
	conf_free(old);
	conf_free(new);
}

Test(netif_update, fails_whole, .timeout = 120)
{
	static const char from[] = A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, fd00:50::/32, 10.9.0.0/24\n";
	static const char both[] = A4 A6 PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n";

	fails_with(from, "MTU = 1300\nAddress = 10.9.0.1/32, 10.10.0.1/24, fd00:9::1/128\n" PEER1
			 "AllowedIPs = 10.9.0.0/24, 10.51.0.0/16, 10.60.0.0/16, fd00:51::/32, 10.61.7.0/24\n",
		   "ip route add 10.60.0.0/16 via 192.0.2.1", "10.60.0.0/16: table 254 has one already, to nifup0");
	fails_with(from, A4 A6 PEER1 "AllowedIPs = fd00:60::/32, 0.0.0.0/0\n",
		   "ip -6 route add fd00:60::/32 via 2001:db8::1", "fd00:60::/32");
	/* the very last step but rules: IPv4 is complete by then */
	fails_with(from, "FwMark = 112\nAddress = 10.10.0.1/24, fd00:9::1/64\n" PEER1 "AllowedIPs = 10.51.0.0/16, 0.0.0.0/0, ::/0\n",
		   "ip -6 route add default via 2001:db8::1 table 112", "::/0");
	fails_with(both, "Address = 10.11.0.1/24, fd00:b::1/64\n" PEER1 "AllowedIPs = 0.0.0.0/0, ::/0, 10.60.0.0/16\n",
		   "ip route add 10.60.0.0/16 via 192.0.2.1", "nifup0");
	fails_with(PEER1 "AllowedIPs = 0.0.0.0/0, 10.50.0.0/16\n", A4 PEER1 "AllowedIPs = 0.0.0.0/0, 10.60.0.0/16\n",
		   "ip route add 10.60.0.0/16 via 192.0.2.1", "nifup0");
	fails_with(from, "MTU = 9300\n", ":", "9216");
	fails_with(A4, A4 A4, ":", "10.9.0.1/24: it is there twice");
	fails_with(A4, A6 "Address = fd00:9::1/128\n", ":", "fd00:9::1/");
	fails_with(A4, A4 "MTU = 1000\n" PEER1 "AllowedIPs = ::/0\n", ":", "needs 1280");
}

Test(netif_update, mark_stays)
{
	struct conf *c = conf_of(WG, A4 PEER1 "AllowedIPs = 0.0.0.0/0\n");
	char err[NETIF_ERRLEN];
	struct netif_conf nc = { .conf = c, .fwmark = 0x70, .max_mtu = 9216 };
	struct netif *n;

	again();
	nc.ifindex = if_nametoindex(WG);
	n = up_with(c, NULL, 0, err);
	cr_assert_null(netif_update_begin(n, c, &nc, err));
	has(err, "0xca6c");
	cr_assert_eq(netif_mark(n), 51820);
	down(n);
	conf_free(c);
}

Test(netif_update, down, .timeout = 280)
{
	fails_with(A4 A6, A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16\n", "ip link set " WG " down", "ip link set " WG " up");
	fails_with(A4, A4 A6, "ip link set " WG " down", "is down");
}

/* Nothing to be changed is nothing to fail, and rules can be found without the interface. */
static void elsewhere(const char *to, const char *why)
{
	struct conf *old = conf_of(WG, A4 PEER1 "AllowedIPs = 10.50.0.0/16\n"), *new = conf_of(WG, to);
	char err[NETIF_ERRLEN];
	struct netif_conf nc = { .conf = new, .max_mtu = 9216 };
	struct netif_update *u;
	struct netif *n;
	pid_t pid;
	int ready[2];
	char c;

	cr_assert_eq(pipe(ready), 0);
	again();
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		unshare(CLONE_NEWNET);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	n = up_with(old, NULL, 0, err);
	nc.ifindex = if_nametoindex(WG);
	run("ip link set " WG " netns %d", (int)pid);
	u = netif_update_begin(n, old, &nc, err);
	if (why) {
		cr_assert_null(u);
		has(err, why);
	} else {
		cr_assert_not_null(u, "%s", err);
		cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	}
	down(n);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	conf_free(old);
	conf_free(new);
}

Test(netif_update, moved, .timeout = 280)
{
	elsewhere(A4 PEER1 "AllowedIPs = 10.50.0.0/16\n", NULL);
	elsewhere(A4 PEER1 "AllowedIPs = 10.51.0.0/16\n", "not in this network namespace");
	elsewhere(A4 "MTU = 1300\n" PEER1 "AllowedIPs = 10.50.0.0/16\n", "not in this network namespace");
}

/* Somebody has done the half of it, and removed what is to be removed; what is his own stays. */
Test(netif_update, others, .timeout = 280)
{
	struct conf *old = conf_of(WG, A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, 10.51.0.0/16, 10.9.0.2/32, fd00:50::/32, 0.0.0.0/0\n");
	struct conf *new = conf_of(WG, "Address = 10.10.0.1/24, fd00:a::1/64\n" PEER1 "AllowedIPs = 10.52.0.0/16, fd00:52::/32\n");
	char err[NETIF_ERRLEN], before[OUT_MAX];
	struct netif_update *u;
	struct netif *n;

	again();
	n = up_with(old, NULL, 0, err);
	run("ip addr add 10.10.0.1/24 dev " WG " && ip addr add fd00:a::1/64 dev " WG " && ip addr add 10.99.0.1/24 dev " WG);
	run("ip route add 10.52.0.0/16 dev " WG " && ip -6 route add fd00:52::/32 dev " WG);
	run("ip route del 10.50.0.0/16 && ip -6 route del fd00:50::/32 && ip addr del fd00:9::1/64 dev " WG);
	run("ip route add 10.9.0.2/32 dev " WG " && ip route add 10.77.0.0/16 dev " WG);
	run("ip rule del table 51820; ip route flush table 51820; nft delete table ip wgdp-" WG);
	settle();
	snprintf(before, sizeof(before), "%s", out("ip addr show dev " WG "; ip route; ip -6 route"));
	u = begin(n, old, new, err);
	cr_assert_not_null(u, "%s", err);
	netif_update_abort(u);
	settle();
	same(before, out("ip addr show dev " WG "; ip route; ip -6 route"), "abort");
	u = begin(n, old, new, err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	cr_assert_str_eq(out("ip route show dev " WG), "10.9.0.2 scope link \n10.10.0.0/24 proto kernel scope link src 10.10.0.1 \n"
						       "10.52.0.0/16 scope link \n10.77.0.0/16 scope link \n"
						       "10.99.0.0/24 proto kernel scope link src 10.99.0.1 \n");
	lacks(out("ip addr show dev " WG), "10.9.0.1");
	lacks(policy(), "51820");
	lacks(policy(), "suppress");
	down(n);
	conf_free(old);
	conf_free(new);
}

/* Those that stay are the very same: nothing is said about them on rtnetlink. */
Test(netif_update, what_stays_is_not_touched, .timeout = 280)
{
	struct conf *old = conf_of(WG, A4 A6 PEER1 "AllowedIPs = 10.50.0.0/16, 10.51.0.0/16, fd00:50::/32, 0.0.0.0/0\n");
	struct conf *new = conf_of(WG, A4 A6 "Address = 10.10.0.1/24\n" PEER1
				   "AllowedIPs = 10.50.0.0/16, 10.52.0.0/16, fd00:50::/32, fd00:52::/32, 0.0.0.0/0\n");
	char err[NETIF_ERRLEN], log[] = "/tmp/nifmonXXXXXX";
	int fd = mkstemp(log);
	struct netif_update *u;
	struct netif *n;

	again();
	n = up_with(old, NULL, 0, err);
	settle();
	out("timeout 50 ip monitor address route rule > %s 2>&1 & echo $! > %s.pid", log, log);
	/* until it sees what happens now */
	run("until grep -q 10.66.0.0 %s; do ip route add 10.66.0.0/16 dev lo; ip route del 10.66.0.0/16; sleep 0.05; done", log);
	u = begin(n, old, new, err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	run("ip route add 10.67.0.0/16 dev lo; until grep -q 10.67.0.0 %s; do sleep 0.05; done; kill $(cat %s.pid); rm %s.pid", log, log, log);
	has(out("cat %s", log), "10.52.0.0/16");
	has(out("cat %s", log), "eleted 10.51.0.0/16");
	has(out("cat %s", log), "10.10.0.1");
	lacks(out("cat %s", log), "10.50.0.0");
	lacks(out("cat %s", log), "10.9.0");
	lacks(out("cat %s", log), "fd00:50::");
	lacks(out("cat %s", log), "fd00:9::");
	lacks(out("cat %s", log), "default");
	lacks(out("cat %s", log), "51820");
	close(fd);
	unlink(log);
	down(n);
	conf_free(old);
	conf_free(new);
}

enum { MANY = 100000 };

/* MANY prefixes from number `first` on, half of each family. */
static struct conf *conf_many(uint32_t first)
{
	struct conf *c = conf_of(WG, "Address = 10.9.0.1/32\n" PEER1);
	struct conf_prefix *p = calloc(MANY, sizeof(*p));

	cr_assert_not_null(p);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t number = first + i;

		p[i].family = number % 2 ? AF_INET6 : AF_INET;
		p[i].cidr = number % 2 ? 64 : 32;
		if (number % 2) {
			p[i].addr.bytes[0] = 0xfd;
			memcpy(p[i].addr.bytes + 4, &number, 4);
		} else {
			p[i].addr.v4.s_addr = htonl(0x0b000000 + number);
		}
	}
	free(c->peers[0].allowed_ips);
	c->peers[0].allowed_ips = p;
	c->peers[0].n_allowed_ips = MANY;
	return c;
}

Test(netif_update, many_routes, .timeout = 120)
{
	struct conf *old = conf_many(0), *new = conf_many(MANY - 1000);
	char err[NETIF_ERRLEN];
	struct netif_update *u;
	struct netif *n;

	again();
	n = up_with(old, NULL, 0, err);
	u = begin(n, old, new, err);
	cr_assert_not_null(u, "%s", err);
	cr_assert_str_eq(out("ip route show dev " WG " | wc -l"), "99500\n");
	netif_update_abort(u);
	cr_assert_str_eq(out("ip route show dev " WG " | wc -l; ip -6 route show dev " WG " | wc -l"), "50000\n50000\n");
	u = begin(n, old, new, err);
	cr_assert_eq(netif_update_commit(u, err), 0, "%s", err);
	cr_assert_str_eq(out("ip route show dev " WG " | wc -l; ip -6 route show dev " WG " | wc -l"), "50000\n50000\n");
	has(out("ip route get 11.2.255.255 | head -1; ip route show 11.3.4.0"), "11.3.4.0");
	down(n);
	conf_free(old);
	conf_free(new);
}

/* --- any two confs */

static uint32_t rng;

static uint32_t draw(uint32_t below)
{
	rng = rng * 1664525u + 1013904223u;
	return (rng >> 8) % below;
}

/* Some of a pool, one line for each. */
static void draw_some(FILE *f, const char *key, const char *const *pool, size_t n, uint32_t one_in)
{
	for (size_t i = 0; i < n; i++)
		if (draw(one_in) == 0)
			fprintf(f, "%s = %s\n", key, pool[i]);
}

#define POOL(pool) pool, sizeof(pool) / sizeof(pool[0])

static char *draw_conf(const char *table, bool mark)
{
	static const char *const addresses[] = {
		"10.9.0.1/24", "10.9.0.9/32", "10.7.0.1/24", "10.7.0.2/24", "10.8.0.1/16", "10.7.0.3/32", "10.6.0.0/31",
		"0.0.0.5/24", "fd00:9::1/64", "fd00:9::2/64", "fd00:8::1/128", "fd00:7::1/48",
	};
	static const char *const prefixes[] = {
		"10.9.0.0/24", "10.9.0.2/32", "10.9.0.0/16", "10.7.0.0/24", "10.7.0.1/32", "10.8.0.0/16", "10.8.3.0/24",
		"10.0.0.0/8", "10.50.0.0/16", "0.0.0.0/0", "fd00:9::/64", "fd00:9::5/128", "fd00:8::1/128", "fd00:7::/48",
		"fd00:7:0:3::/64", "fd00::/16", "::/0", "128.0.0.0/1",
	};
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs(table, f);
	if (mark)
		fputs("FwMark = 0x70\n", f);
	if (draw(3) == 0)
		fprintf(f, "MTU = %u\n", 1280 + draw(3) * 100);
	draw_some(f, "Address", POOL(addresses), 1 + draw(4));
	fputs(PEER1, f);
	draw_some(f, "AllowedIPs", POOL(prefixes), 2 + draw(3));
	fputs(PEER2, f);
	draw_some(f, "AllowedIPs", POOL(prefixes), 4);
	fclose(f);
	return text;
}

/* One route more, of either family, that another interface has already: everything stays as it was. */
static void fails_any(const char *from, const char *to, const char *number, bool v6)
{
	const char *prefix = v6 ? "fd60::/32" : "10.60.0.0/16", *before;
	char worse[4096], err[NETIF_ERRLEN] = "";
	struct conf *old = conf_of(WG, from), *new;
	struct netif *n;

	snprintf(worse, sizeof(worse), "%sAllowedIPs = %s\n", to, prefix);
	new = conf_of(WG, worse);
	again();
	run("ip route add %s via %s table %s", prefix, v6 ? "2001:db8::1" : "192.0.2.1", number);
	n = up_with(old, NULL, 0, err);
	cr_assert_not_null(n, "%s", err);
	before = host();
	cr_assert_null(begin(n, old, new, err));
	has(err, prefix);
	same(before, host(), worse);
	down(n);
	conf_free(old);
	conf_free(new);
}

static void any_pairs(uint32_t seed, const char *table, const char *number, unsigned int n)
{
	rng = seed;
	for (unsigned int i = 0; i < n; i++) {
		bool mark = draw(3) == 0;
		char *from = draw_conf(table, mark), *to = draw_conf(table, mark);
		char around[100];

		snprintf(around, sizeof(around), "sysctl -qw net.ipv4.conf.all.promote_secondaries=%u", draw(2));
		follows_with(from, to, around);
		fails_any(from, to, number, draw(2));
		free(from);
		free(to);
	}
}

Test(netif_update_any, auto_table, .timeout = 280)
{
	any_pairs(1, "", "254", 25);
}

Test(netif_update_any, auto_table_more, .timeout = 280)
{
	any_pairs(2, "", "254", 25);
}

Test(netif_update_any, own_table, .timeout = 280)
{
	any_pairs(3, "Table = 4711\n", "4711", 8);
}

Test(netif_update_any, main_table, .timeout = 280)
{
	any_pairs(4, "Table = main\n", "254", 10);
}
