/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network namespace of the test's own, with an uplink and a tun interface to set up, and the eyes
 * of ip(8) and nft(8) on the result. Needs root. Everything ends with the test's process.
 *
 *	nifwg0 (tun, WG)		nifup0 192.0.2.2/24 --- nifup1
 */
#ifndef WGDP_NETIF_FIXTURE_H
#define WGDP_NETIF_FIXTURE_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netif.h"

#define WG "nifwg0"
#define PEER1 "[Peer]\nPublicKey = aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124=\n"
#define PEER2 "[Peer]\nPublicKey = 0JZ4jgXu1hgfSNjCYQdtRUNbfZjIWAiS41cFE/FZ9TM=\n"

enum { OUT_MAX = 64 * 1024 };

/* Runs a shell command; what it printed, errors too. Valid until the next but three. */
__attribute__((format(printf, 1, 2))) static const char *out(const char *fmt, ...)
{
	static char bufs[4][OUT_MAX];
	static unsigned int turn;
	char *buf = bufs[turn++ % 4], command[1024] = "exec 2>&1; ";
	size_t len = 0, got;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(command + strlen(command), sizeof(command) - strlen(command), fmt, ap);
	va_end(ap);
	f = popen(command, "r");
	cr_assert_not_null(f);
	while ((got = fread(buf + len, 1, OUT_MAX - 1 - len, f)))
		len += got;
	buf[len] = '\0';
	pclose(f);
	return buf;
}

#define run(...) cr_assert_str_empty(out(__VA_ARGS__))
#define has(text, part) cr_assert(strstr(text, part), "`%s' is not in:\n%s", part, text)
#define lacks(text, part) cr_assert(!strstr(text, part), "`%s' is in:\n%s", part, text)

static inline int tun_make(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	return fd;
}

/* Returns the tun's descriptor. */
static inline int netns_make(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "this test needs root");
	run("ip link set lo up && ip link add nifup0 type veth peer name nifup1");
	run("ip addr add 192.0.2.2/24 dev nifup0 && ip link set nifup0 up");
	run("ip link set nifup1 up && ip -6 addr add 2001:db8::2/64 dev nifup0 nodad");
	return tun_make(WG);
}

static inline struct conf *conf_of(const char *name, const char *text)
{
	char whole[16384], path[64];
	struct conf *c;
	int n = snprintf(whole, sizeof(whole),
			 "[Interface]\n"
			 "PrivateKey = uJtK6fVYTmoAMAzCW8kwmUVNJ0vnXDyR3DX2qPVYhHc=\n"
			 "%s",
			 text);

	snprintf(path, sizeof(path), "%s.conf", name);
	c = conf_parse(path, whole, (size_t)n, stderr);
	cr_assert_not_null(c);
	return c;
}

/* As the daemon does it: the mark, then the rest. NULL with err. */
static inline struct netif *up_with(const struct conf *c, const struct sockaddr_storage *endpoints,
				    size_t n, char err[NETIF_ERRLEN])
{
	struct netif_conf nc = {
		.conf = c,
		.ifindex = if_nametoindex(c->ifname),
		.endpoints = endpoints,
		.n_endpoints = n,
		.max_mtu = 9216,
	};

	cr_assert_eq(netif_fwmark(c, &nc.fwmark, err), 0, "%s", err);
	return netif_up(&nc, err);
}

static inline struct netif *up_named(const char *name, const char *text)
{
	char err[NETIF_ERRLEN] = "";
	struct conf *c = conf_of(name, text);
	struct netif *n = up_with(c, NULL, 0, err);

	cr_assert_not_null(n, "%s", err);
	/* What it needs later it has copied. */
	conf_free(c);
	return n;
}

static inline struct netif *up(const char *text)
{
	return up_named(WG, text);
}

static inline void down(struct netif *n)
{
	char err[NETIF_ERRLEN] = "";

	cr_assert_eq(netif_down(n, err), 0, "%s", err);
}

/* It must fail; why */
static inline const char *up_fails(const char *text)
{
	static char err[NETIF_ERRLEN];
	struct conf *c = conf_of(WG, text);

	err[0] = '\0';
	cr_assert_null(up_with(c, NULL, 0, err));
	conf_free(c);
	return err;
}

/* All that a default route adds beside routes. */
static inline const char *policy(void)
{
	return out("ip rule; ip -6 rule; nft list ruleset;"
		   " sysctl net.ipv4.conf.all.src_valid_mark");
}

#endif
