/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A default route into the tunnel that leaves the tunnel's own packets out, as wg-quick(8) makes
 * it: the route goes into a table of its own; policy rules (netif_rules.c) send there whatever
 * lacks our mark; nftables drops what comes for the tunnel's addresses by another way, and puts the
 * mark on answers to our packets, so that the reverse path filter (src_valid_mark) sees the same
 * route for both. Control thread, at start-up and shut-down.
 */
#include "netif_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SRC_VALID_MARK "/proc/sys/net/ipv4/conf/all/src_valid_mark"

enum { DEFAULT_TABLE = 51820 };

static const int families[] = { AF_INET, AF_INET6 };

static void count_cb(const struct netif_route *r __attribute__((unused)), void *arg)
{
	++*(size_t *)arg;
}

int netif_fwmark(const struct conf *c, uint32_t *fwmark, char err[NETIF_ERRLEN])
{
	struct netlink nl;
	uint32_t table = DEFAULT_TABLE;
	size_t used;
	int rc;

	*fwmark = c->fwmark;
	if (c->fwmark || !netif_has_default(c))
		return 0;

	rc = netif_open(&nl);
	for (used = 1; !rc && used; table++) {
		used = 0;
		for (int i = 0; i < 2 && !rc; i++)
			rc = netif_routes_dump(&nl, families[i], table, 0, count_cb, &used);
		*fwmark = table;
	}
	netlink_close(&nl);
	if (!rc)
		return 0;
	netif_fail(err, "cannot look for a free routing table: %s", strerror(-rc));
	return -1;
}

/* 0 or 1 as the sysctl stands, else -errno. */
static int sysctl_get(void)
{
	char text[2] = "";
	int fd = open(SRC_VALID_MARK, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text));
	close(fd);
	return len > 0 && text[0] == '0' ? 0 : 1;
}

static int sysctl_put(char value)
{
	const char text[2] = { value, '\n' };
	int fd = open(SRC_VALID_MARK, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = write(fd, text, sizeof(text)) == sizeof(text) ? 0 : -errno;
	close(fd);
	return rc;
}

/* Not written when it is right already: in a container it may be read-only. */
static bool sysctl_up(struct netif *n, char *err)
{
	int found = sysctl_get();

	if (found == 1)
		return true;
	if (found == 0)
		found = sysctl_put('1');
	if (found)
		return netif_fail(err, "cannot set %s to 1: %s", SRC_VALID_MARK,
				  strerror(-found));
	n->sysctl_set = true;
	return true;
}

/* Comes after our rules are gone: a pair that is left belongs to another tunnel, which needs it. */
static bool sysctl_down(struct netif *n, char *err)
{
	int rc = 0;

	if (n->sysctl_set && !netif_rules_in_use(n, AF_INET) && sysctl_get() == 1)
		rc = sysctl_put('0');
	n->sysctl_set = false;
	if (rc)
		return netif_fail(err, "cannot set %s back to 0: %s",
				  SRC_VALID_MARK, strerror(-rc));
	return true;
}

/* libnftables ends the process when it cannot open its socket: try it out. */
static int nft_available(void)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (!sock)
		return -errno;
	mnl_socket_close(sock);
	return 0;
}

/* All of the commands or none. `what` for the message: "set up", "remove". */
static bool nft_run(const char *commands, const char *what, char *err)
{
	struct nft_ctx *ctx;
	int rc = nft_available();
	const char *text;

	if (rc)
		return netif_fail(err, "cannot %s the nftables rules: %s", what,
				  strerror(-rc));
	ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!ctx || nft_ctx_buffer_error(ctx) || nft_ctx_buffer_output(ctx)) {
		if (ctx)
			nft_ctx_free(ctx);
		return netif_fail(err, "out of memory");
	}
	rc = nft_run_cmd_from_buffer(ctx, commands);
	if (rc) {
		text = nft_ctx_get_error_buffer(ctx);
		netif_fail(err, "cannot %s the nftables rules: %.*s", what,
			   (int)strcspn(text, "\n"), text);
	}
	nft_ctx_free(ctx);
	return !rc;
}

/* An interface name may hold what an identifier of nft must not, but never a slash. */
static void nft_put_table(FILE *f, const struct netif *n, int family)
{
	fprintf(f, "%s wgdp-", family == AF_INET ? "ip" : "ip6");
	for (const char *s = n->ifname; *s; s++) {
		if (*s == '=' || *s == '+')
			fprintf(f, "/%x", *s);
		else
			fputc(*s, f);
	}
}

/* Removes the table whether it is there or not: adding one that exists is no error. */
static void nft_put_removal(FILE *f, const struct netif *n, int family)
{
	fputs("add table ", f);
	nft_put_table(f, n, family);
	fputs("\ndelete table ", f);
	nft_put_table(f, n, family);
	fputc('\n', f);
}

static void nft_put_address(FILE *f, const struct netif *n, const struct conf_prefix *p)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(p->family, p->addr.bytes, text, sizeof(text));
	fprintf(f, "\t\tiifname != \"%s\" %s daddr %s fib saddr type != local drop\n", n->ifname,
		p->family == AF_INET ? "ip" : "ip6", text);
}

/* Into the table that there may be already, so that it keeps its place in listings. */
static void nft_put_emptying(FILE *f, const struct netif *n, int family)
{
	fputs("add table ", f);
	nft_put_table(f, n, family);
	fputs("\nflush table ", f);
	nft_put_table(f, n, family);
	fputc('\n', f);
}

static void nft_put_ruleset(FILE *f, const struct netif *n, const struct conf *c, int family)
{
	fputs("table ", f);
	nft_put_table(f, n, family);
	fputs(" {\n"
	      "\tchain preraw {\n"
	      "\t\ttype filter hook prerouting priority -300;\n",
	      f);
	for (size_t i = 0; i < c->n_addresses; i++)
		if (c->addresses[i].family == family)
			nft_put_address(f, n, &c->addresses[i]);
	fprintf(f,
		"\t}\n"
		"\tchain premangle {\n"
		"\t\ttype filter hook prerouting priority -150;\n"
		"\t\tmeta l4proto udp meta mark set ct mark\n"
		"\t}\n"
		"\tchain postmangle {\n"
		"\t\ttype filter hook postrouting priority -150;\n"
		"\t\tmeta l4proto udp meta mark %u ct mark set meta mark\n"
		"\t}\n"
		"}\n",
		n->fwmark);
}

/* anew: whatever was in the table, and however its chains were made. */
static bool nft_up(struct netif *n, const struct conf *c, int family, bool anew, char *err)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool ok;

	if (f && anew)
		nft_put_removal(f, n, family);
	else if (f)
		nft_put_emptying(f, n, family);
	if (f)
		nft_put_ruleset(f, n, c, family);
	if (!f || fclose(f)) {
		free(text);
		return netif_fail(err, "out of memory");
	}
	ok = nft_run(text, "set up", err);
	n->nft[family == AF_INET6] |= ok;
	free(text);
	return ok;
}

bool netif_nft_change(struct netif *n, const struct conf *c, int family, char *err)
{
	return nft_up(n, c, family, false, err);
}

/* They name the addresses, in the order of the conf. */
bool netif_nft_differs(const struct conf *a, const struct conf *b, int family)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a->n_addresses && a->addresses[i].family != family)
			i++;
		while (j < b->n_addresses && b->addresses[j].family != family)
			j++;
		if (i == a->n_addresses || j == b->n_addresses)
			return i != a->n_addresses || j != b->n_addresses;
		if (memcmp(a->addresses[i++].addr.bytes, b->addresses[j++].addr.bytes, netif_addr_len(family)))
			return true;
	}
}

static bool nft_down(struct netif *n, int family, char *err)
{
	char *text = NULL;
	size_t len;
	FILE *f;
	bool ok;

	if (!n->nft[family == AF_INET6])
		return true;
	n->nft[family == AF_INET6] = false;
	f = open_memstream(&text, &len);
	if (f)
		nft_put_removal(f, n, family);
	if (!f || fclose(f)) {
		free(text);
		return netif_fail(err, "out of memory");
	}
	ok = nft_run(text, "remove", err);
	free(text);
	return ok;
}

bool netif_default_route(struct netif *n, int family, char *err)
{
	const struct conf_prefix all = { .family = family };

	assert(n->fwmark);
	return netif_route_add(n, &all, n->fwmark, err);
}

bool netif_default_add(struct netif *n, const struct conf *c, int family, char *err)
{
	if (!netif_default_route(n, family, err))
		return false;
	if (!nft_up(n, c, family, true, err))
		return false;
	if (family == AF_INET && !sysctl_up(n, err))
		return false;
	/* Last: from here on, packets take the route. */
	return netif_rules_up(n, family, err);
}

bool netif_default_remove(struct netif *n, int family, uint32_t mark, char *err)
{
	struct conf_prefix all = { .family = family };
	const struct netif_prefixes list = { .p = &all, .n = 1 };
	bool ok = netif_rules_down(n, family, err);

	ok = nft_down(n, family, err) && ok;
	ok = netif_routes_delete(n, &list, mark, err) && ok;
	return (family != AF_INET || sysctl_down(n, err)) && ok;
}

bool netif_default_up(struct netif *n, const struct conf *c, char *err)
{
	for (int i = 0; i < 2; i++)
		if (netif_wants_default(c, families[i]) && !netif_default_add(n, c, families[i], err))
			return false;
	return true;
}

bool netif_default_down(struct netif *n, char *err)
{
	bool ok = true;

	for (int i = 0; i < 2; i++) {
		ok = netif_rules_down(n, families[i], err) && ok;
		ok = nft_down(n, families[i], err) && ok;
	}
	return sysctl_down(n, err) && ok;
}
