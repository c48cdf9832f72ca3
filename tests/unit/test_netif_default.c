/* SPDX-License-Identifier: BSD-3-Clause */
/* Default routes: mark, table, rules, firewall, sysctl; and the comparison with wg-quick(8). */
#include "netif_fixture.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BOTH "Address = 10.9.0.1/24, fd00:9::1/64\n" PEER1 "AllowedIPs = 0.0.0.0/0, ::/0\n"
#define ONLY4 "Address = 10.9.0.1/24\n" PEER1 "AllowedIPs = 0.0.0.0/0\n"

static uint32_t mark_of(const char *text)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_of(WG, text);
	uint32_t mark;

	cr_assert_eq(netif_fwmark(c, &mark, err), 0, "%s", err);
	conf_free(c);
	return mark;
}

Test(netif_fwmark, chosen)
{
	netns_make();
	cr_assert_eq(mark_of(""), 0);
	cr_assert_eq(mark_of("FwMark = 0x1234\n"), 0x1234);
	cr_assert_eq(mark_of(PEER1 "AllowedIPs = 10.0.0.0/8\n"), 0);
	cr_assert_eq(mark_of(BOTH), 51820);
	cr_assert_eq(mark_of("FwMark = off\n" BOTH), 51820);
	cr_assert_eq(mark_of("FwMark = 77\n" BOTH), 77);
	cr_assert_eq(mark_of("Table = off\n" BOTH), 0);
	cr_assert_eq(mark_of("Table = 5\n" BOTH), 0);
	cr_assert_eq(mark_of(PEER1 "AllowedIPs = ::/0\n"), 51820);
}

Test(netif_fwmark, next_free_table)
{
	netns_make();
	run("ip route add 10.1.0.0/16 dev nifup0 table 51820");
	cr_assert_eq(mark_of(BOTH), 51821);
	run("ip -6 route add fd01::/64 dev nifup0 table 51821");
	cr_assert_eq(mark_of(ONLY4), 51822);
}

Test(netif_default, both_families)
{
	struct netif *n;
	char before[OUT_MAX];
	const char *text;

	netns_make();
	snprintf(before, sizeof(before), "%s", policy());
	has(before, "src_valid_mark = 0");
	n = up(BOTH);
	has(out("ip route show table 51820"), "default dev " WG " scope link");
	has(out("ip -6 route show table 51820"), "default dev " WG " metric 1024");
	text = policy();
	has(text, "32764:\tfrom all lookup main suppress_prefixlength 0\n"
		  "32765:\tnot from all fwmark 0xca6c lookup 51820\n"
		  "32766:\tfrom all lookup main\n"
		  "32767:");
	has(text, "32764:\tfrom all lookup main suppress_prefixlength 0\n"
		  "32765:\tnot from all fwmark 0xca6c lookup 51820\n"
		  "32766:\tfrom all lookup main\n"
		  "table ip");
	has(text, "table ip wgdp-" WG " {");
	has(text, "table ip6 wgdp-" WG " {");
	has(text, "iifname != \"" WG "\" ip daddr 10.9.0.1 fib saddr type != local drop");
	has(text, "iifname != \"" WG "\" ip6 daddr fd00:9::1 fib saddr type != local drop");
	has(text, "meta mark 0x0000ca6c ct mark set meta mark");
	has(text, "src_valid_mark = 1");
	down(n);
	cr_assert_str_eq(policy(), before);
}

/* What it is all for: the tunnel's packets take the uplink, others the tunnel or a nearer route. */
Test(netif_default, routing)
{
	struct netif *n;

	netns_make();
	run("ip route add default via 192.0.2.1");
	n = up(BOTH);
	has(out("ip route get 198.51.100.1"), "dev " WG);
	has(out("ip route get 198.51.100.1 mark 51820"), "dev nifup0");
	has(out("ip route get 192.0.2.77"), "dev nifup0");
	has(out("ip -6 route get 2001:db8:9::1"), "dev " WG);
	down(n);
	has(out("ip route get 198.51.100.1"), "dev nifup0");
}

Test(netif_default, only_v6)
{
	struct netif *n;

	netns_make();
	n = up(PEER1 "AllowedIPs = ::/0\n");
	has(out("ip -6 rule"), "lookup 51820");
	lacks(out("ip rule"), "51820");
	lacks(policy(), "table ip wgdp");
	has(policy(), "src_valid_mark = 0");
	down(n);
}

Test(netif_default, only_v4)
{
	struct netif *n;

	netns_make();
	n = up(ONLY4);
	has(out("ip rule"), "lookup 51820");
	lacks(out("ip -6 rule"), "51820");
	lacks(policy(), "table ip6 wgdp");
	down(n);
}

Test(netif_default, own_mark)
{
	struct netif *n;

	netns_make();
	n = up("FwMark = 0x70\n" BOTH);
	has(policy(), "not from all fwmark 0x70 lookup 112");
	has(out("ip route show table 112"), "default dev " WG);
	down(n);
	lacks(policy(), "0x70");
}

Test(netif_default, odd_name)
{
	struct netif *n;

	netns_make();
	tun_make("n+i=f.0-_");
	n = up_named("n+i=f.0-_", BOTH);
	has(policy(), "iifname != \"n+i=f.0-_\"");
	down(n);
	lacks(policy(), "table ip");
}

/* Fails at the last step but one: route, table and sysctl of IPv4 stand already, rules too. */
Test(netif_default, conflict_leaves_nothing)
{
	char before[OUT_MAX];
	const char *err;

	netns_make();
	run("ip -6 route add default via 2001:db8::1 table 112");
	snprintf(before, sizeof(before), "%s", policy());
	err = up_fails("FwMark = 112\n" BOTH);
	has(err, "::/0");
	has(err, "112");
	has(err, "nifup0");
	cr_assert_str_eq(policy(), before);
}

Test(netif_default, sysctl_found_set_stays)
{
	struct netif *n;

	netns_make();
	out("sysctl -q net.ipv4.conf.all.src_valid_mark=1");
	n = up(BOTH);
	down(n);
	has(policy(), "src_valid_mark = 1");
}

/* The first to come is the first to go, and the second still works. */
Test(netif_default, two_tunnels)
{
	struct netif *a, *b;
	char before[OUT_MAX];

	netns_make();
	tun_make("nifwg1");
	snprintf(before, sizeof(before), "%s", policy());
	a = up(BOTH);
	b = up_named("nifwg1", "Address = 10.8.0.1/24\n" PEER1 "AllowedIPs = 0.0.0.0/0\n");
	has(policy(), "lookup 51821");
	down(a);
	has(policy(), "32762:\tfrom all lookup main suppress_prefixlength 0\n"
		      "32763:\tnot from all fwmark 0xca6d lookup 51821\n"
		      "32766:\tfrom all lookup main\n");
	lacks(policy(), WG);
	lacks(policy(), "51820");
	has(policy(), "src_valid_mark = 1");
	down(b);
	lacks(policy(), "suppress");
	lacks(policy(), "wgdp");
}

/* Somebody has tidied up already. */
Test(netif_default, already_gone)
{
	struct netif *n;

	netns_make();
	n = up(BOTH);
	run("ip rule del table 51820; ip -6 rule del table main suppress_prefixlength 0");
	run("nft delete table ip wgdp-" WG "; sysctl -q net.ipv4.conf.all.src_valid_mark=0");
	run("ip link del " WG);
	down(n);
	lacks(policy(), "51820");
	lacks(policy(), "suppress");
	lacks(policy(), "wgdp");
}

/* A killed process leaves rules and firewall, not the interface. */
Test(netif_default, after_a_crash)
{
	struct netif *n;
	const char *rule;
	pid_t pid;
	int fd = netns_make();

	pid = fork();
	if (!pid) {
		up(BOTH);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(fd);
	has(policy(), "lookup 51820");
	tun_make(WG);
	n = up(BOTH);
	rule = strstr(policy(), "daddr 10.9.0.1");
	cr_assert_not_null(rule);
	lacks(rule + 1, "daddr 10.9.0.1");
	down(n);
	lacks(policy(), "51820");
	lacks(policy(), "suppress");
	lacks(policy(), "wgdp");
}

/* --- the real thing */

static bool have(const char *program)
{
	return *out("command -v %s", program) != '\0';
}

/* All that wg-quick and netif may change, with what differs by nature taken out. */
static void snapshot(char *to)
{
	/* The kernel finishes IPv6 addresses by and by. */
	out("for i in $(seq 500); do ip -6 addr show dev " WG " tentative | grep -q . || break;"
	    " sleep 0.02; done");
	snprintf(to, OUT_MAX, "%s",
		 out("{ ip -o addr show dev " WG " | grep -v fe80 | sed 's/^[0-9]*: //';"
		     " ip -o link show dev " WG " | grep -o 'mtu [0-9]*';"
		     " ip -d -4 route show table all dev " WG ";"
		     " ip -d -6 route show table all dev " WG " | grep -v fe80;"
		     " ip -d rule; ip -d -6 rule; { nft list ruleset ip; nft list ruleset ip6; } |"
		     " grep -v fe80 | sed s/wg-quick-/wgdp-/;"
		     " sysctl net.ipv4.conf.all.src_valid_mark; }"));
}

static void isolate(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("none", "/run", "tmpfs", 0, NULL), 0);
	cr_assert_eq(mkdir("/run/wireguard", 0755), 0);
	cr_assert_eq(mount("none", "/mnt", "tmpfs", 0, NULL), 0);
	run("ip link set lo up && ip link add nifup0 type veth peer name nifup1");
	run("ip addr add 192.0.2.2/24 dev nifup0 && ip link set nifup0 mtu 1470 up");
	run("ip link set nifup1 up && ip route add default via 192.0.2.1");
}

static void wg_quick(const char *text, char *to)
{
	FILE *f;

	isolate();
	f = fopen("/mnt/" WG ".conf", "w");
	cr_assert_not_null(f);
	fprintf(f,
		"[Interface]\n"
		"PrivateKey = uJtK6fVYTmoAMAzCW8kwmUVNJ0vnXDyR3DX2qPVYhHc=\n"
		"%s",
		text);
	fclose(f);
	cr_assert_eq(system("wg-quick up /mnt/" WG ".conf >/mnt/log 2>&1"), 0, "%s",
		     out("cat /mnt/log"));
	snapshot(to);
	cr_assert_eq(system("wg-quick down /mnt/" WG ".conf >/mnt/log 2>&1"), 0);
}

static void ours(const char *text, char *to)
{
	struct sockaddr_storage ep = { 0 };
	struct sockaddr_in *sin = (void *)&ep;
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_of(WG, text);
	struct netif *n;

	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(0xc6336401);
	isolate();
	tun_make(WG);
	n = up_with(c, &ep, 1, err);
	cr_assert_not_null(n, "%s", err);
	snapshot(to);
	down(n);
	conf_free(c);
}

/* The first line that differs. */
static void same_as_wg_quick(const char *text)
{
	static char theirs[OUT_MAX], mine[OUT_MAX];
	char *save1, *save2, *a, *b;

	if (!have("wg-quick") || !have("wireguard-go"))
		cr_skip_test("no wg-quick here");
	wg_quick(text, theirs);
	ours(text, mine);
	cr_assert_gt(strlen(theirs), 500);
	a = strtok_r(theirs, "\n", &save1);
	b = strtok_r(mine, "\n", &save2);
	while (a && b) {
		cr_assert_str_eq(a, b);
		a = strtok_r(NULL, "\n", &save1);
		b = strtok_r(NULL, "\n", &save2);
	}
	cr_assert(!a && !b, "wg-quick: %s, here: %s", a, b);
}

#define ENDPOINT "Endpoint = 198.51.100.1:51820\n"

Test(wg_quick, site_to_site)
{
	same_as_wg_quick("Address = 10.9.0.1/24, fd00:9::1/64\nAddress = 10.8.0.1\n" PEER1 ENDPOINT
			 "AllowedIPs = 10.9.0.2/32, 10.50.0.0/16, fd00:9::2/128\n" PEER2
			 "AllowedIPs = 10.50.7.0/24, 10.8.0.0/13, fd00:60::/32, 10.50.0.0/16\n");
}

Test(wg_quick, default_routes)
{
	same_as_wg_quick("Address = 10.9.0.1/24, fd00:9::1/64\nAddress = 10.8.0.1\n" PEER1 ENDPOINT
			 "AllowedIPs = 0.0.0.0/0, ::/0, 10.50.0.0/16\n");
}

Test(wg_quick, default_route_v4_own_mark_and_mtu)
{
	same_as_wg_quick("Address = 10.9.0.1/24\nFwMark = 0x99\nMTU = 1333\n" PEER1 ENDPOINT
			 "AllowedIPs = 0.0.0.0/0\n");
}

Test(wg_quick, table_number)
{
	same_as_wg_quick("Address = 10.9.0.1/24\nTable = 4711\n" PEER1 ENDPOINT
			 "AllowedIPs = 0.0.0.0/0, 10.9.0.0/24, ::/0\n");
}

Test(wg_quick, table_off)
{
	same_as_wg_quick("Address = 10.9.0.1/24, fd00:9::1/64\nTable = off\n" PEER1 ENDPOINT
			 "AllowedIPs = 0.0.0.0/0, 10.50.0.0/16, ::/0\n");
}
