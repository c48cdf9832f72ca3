/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order of things: addresses, then MTU and up, then routes, then default routes with their
 * rules. The MTU comes before the routes, because with them the way to an endpoint might lead
 * through the tunnel itself. Called by the control thread, at start-up and shut-down.
 *
 * The kernel is asked to give the interface no IPv6 link-local address of its own: nobody beyond a
 * WireGuard interface could answer it, and its multicasts would wake peers. The kernel's WireGuard
 * has none either.
 */
#include "netif_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool netif_fail(char *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return false;
	va_start(ap, fmt);
	vsnprintf(err, NETIF_ERRLEN, fmt, ap);
	va_end(ap);
	return false;
}

const char *netif_prefix(const struct conf_prefix *p, char out[NETIF_PREFIX_STRLEN])
{
	size_t len;

	inet_ntop(p->family, p->addr.bytes, out, INET6_ADDRSTRLEN);
	len = strlen(out);
	snprintf(out + len, NETIF_PREFIX_STRLEN - len, "/%u", p->cidr);
	return out;
}

size_t netif_addr_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

bool netif_covers(const struct conf_prefix *outer, const struct conf_prefix *inner)
{
	size_t bytes = outer->cidr / 8U;
	unsigned int bits = outer->cidr % 8U;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	if (outer->family != inner->family || outer->cidr > inner->cidr)
		return false;
	if (memcmp(outer->addr.bytes, inner->addr.bytes, bytes) != 0)
		return false;
	return !bits || !((outer->addr.bytes[bytes] ^ inner->addr.bytes[bytes]) & mask);
}

bool netif_wants_default(const struct conf *c, int family)
{
	if (c->table != CONF_TABLE_AUTO)
		return false;
	for (size_t i = 0; i < c->n_peers; i++) {
		const struct conf_peer *p = &c->peers[i];

		for (size_t j = 0; j < p->n_allowed_ips; j++)
			if (p->allowed_ips[j].family == family && p->allowed_ips[j].cidr == 0)
				return true;
	}
	return false;
}

bool netif_has_default(const struct conf *c)
{
	return netif_wants_default(c, AF_INET) || netif_wants_default(c, AF_INET6);
}

int netif_open(struct netlink *nl)
{
	int one = 1, rc = netlink_open(nl, NULL);

	if (rc)
		return rc;
	/* Kernels before 4.20 have it not, and send more than was asked for. */
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

int netif_dump(struct netlink *nl, const union netlink_request *req, mnl_cb_t cb, void *arg)
{
	int rc = -EINTR;

	for (int tries = 0; tries < 10 && rc == -EINTR; tries++) {
		union netlink_request copy = *req;

		rc = netlink_talk(nl, &copy.nlh, cb, arg);
	}
	return rc;
}

bool netif_link_parse(const struct nlmsghdr *nlh, struct netif_link *link)
{
	const struct nlattr *tb[IFLA_MTU + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (!netlink_attrs(nlh, sizeof(*ifi), tb, IFLA_MTU) || !tb[IFLA_IFNAME] || !tb[IFLA_MTU])
		return false;
	if (mnl_attr_validate(tb[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_validate(tb[IFLA_MTU], MNL_TYPE_U32) < 0)
		return false;
	snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(tb[IFLA_IFNAME]));
	link->mtu = mnl_attr_get_u32(tb[IFLA_MTU]);
	link->up = ifi->ifi_flags & IFF_UP;
	return true;
}

static int link_get_cb(const struct nlmsghdr *nlh, void *arg)
{
	return netif_link_parse(nlh, arg) ? MNL_CB_OK : MNL_CB_ERROR;
}

int netif_link_get(struct netlink *nl, uint32_t ifindex, struct netif_link *link)
{
	union netlink_request req;
	struct ifinfomsg *ifi;

	ifi = netlink_request_init(&req, RTM_GETLINK, 0, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	return netlink_talk(nl, &req.nlh, link_get_cb, link);
}

/* Fails where IPv6 is switched off, which is just as well. */
void netif_link_no_linklocal(struct netif *n)
{
	union netlink_request req;
	struct ifinfomsg *ifi;
	struct nlattr *spec, *inet6;

	ifi = netlink_request_init(&req, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = (int)n->ifindex;
	spec = mnl_attr_nest_start(&req.nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(&req.nlh, AF_INET6);
	mnl_attr_put_u8(&req.nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(&req.nlh, inet6);
	mnl_attr_nest_end(&req.nlh, spec);
	netlink_talk(&n->nl, &req.nlh, NULL, NULL);
}

static bool link_up(struct netif *n, char *err)
{
	union netlink_request req;
	struct ifinfomsg *ifi;

	ifi = netlink_request_init(&req, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = (int)n->ifindex;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_u32(&req.nlh, IFLA_MTU, n->mtu);
	if (netlink_talk(&n->nl, &req.nlh, NULL, NULL))
		return netif_fail(err, "cannot set MTU %u and bring it up: %s",
				  n->mtu, n->nl.error);
	n->up = true;
	return true;
}

/* As wireguard-go makes it. */
static bool bare_up(struct netif *n, const struct netif_link *link, char *err)
{
	n->up = link->up;
	return netif_mtu_set(n, NETIF_MTU_BARE, err);
}

static bool netif_set_up(struct netif *n, const struct netif_conf *nc, char *err)
{
	static const enum rtnetlink_groups groups[] = { RTNLGRP_LINK, RTNLGRP_NONE };
	const struct conf *c = nc->conf;
	struct netif_link link;
	int rc;

	rc = netif_open(&n->nl);
	if (!rc)
		rc = netlink_open(&n->watch, groups);
	if (rc)
		return netif_fail(err, "netlink: %s", strerror(-rc));
	if (netif_link_get(&n->nl, n->ifindex, &link))
		return netif_fail(err, "no interface with index %u: %s", n->ifindex,
				  n->nl.error);
	memcpy(n->ifname, link.name, sizeof(n->ifname));

	netif_link_no_linklocal(n);
	if (nc->bare)
		return bare_up(n, &link, err);
	for (size_t i = 0; i < c->n_addresses; i++)
		if (netif_address_add(n, &c->addresses[i], err))
			return false;
	return netif_mtu_choose(&n->nl, nc, &n->mtu, err) && link_up(n, err) &&
	       netif_routes_up(n, c, err) && netif_default_up(n, c, err);
}

struct netif *netif_up(const struct netif_conf *nc, char err[NETIF_ERRLEN])
{
	struct netif *n = calloc(1, sizeof(*n));

	if (!n) {
		netif_fail(err, "out of memory");
		return NULL;
	}
	n->ifindex = nc->ifindex;
	n->fwmark = nc->fwmark;
	if (netif_set_up(n, nc, err))
		return n;
	/* The first thing that went wrong is what the user must know. */
	netif_down(n, NULL);
	return NULL;
}

int netif_down(struct netif *n, char err[NETIF_ERRLEN])
{
	bool ok;

	if (!n)
		return 0;
	ok = netif_default_down(n, err);
	netif_prefixes_free(&n->onlink);
	netlink_close(&n->watch);
	netlink_close(&n->nl);
	free(n);
	return ok ? 0 : -1;
}

uint32_t netif_mark(const struct netif *n)
{
	return n->fwmark;
}

uint32_t netif_mtu(const struct netif *n)
{
	return n->mtu;
}

bool netif_is_up(const struct netif *n)
{
	return n->up;
}
