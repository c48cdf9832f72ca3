/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which MTU: that of the best way to an endpoint, less what WireGuard adds. A route's own MTU
 * (metrics, or learned by path MTU discovery) counts before its device's. As wg-quick(8) does it,
 * except that nothing below 1280 is chosen, that endpoints are looked up with the sockets' mark,
 * and that a host with an IPv6 default route alone gets that one's MTU. Called by netif_up.
 */
#include "netif_internal.h"

#include <errno.h>
#include <string.h>

enum { MTU_ETHERNET = 1500 };

static uint32_t mtu_of_route(struct netlink *nl, const struct netif_route *r)
{
	struct netif_link link;

	if (r->mtu)
		return r->mtu;
	if (!r->oif || netif_link_get(nl, r->oif, &link))
		return 0;
	return link.mtu;
}

static int route_cb(const struct nlmsghdr *nlh, void *arg)
{
	netif_route_parse(nlh, arg);
	return MNL_CB_OK;
}

/* 0: there is no way */
static uint32_t mtu_towards(struct netlink *nl, const struct sockaddr_storage *ss, uint32_t fwmark)
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;
	struct netif_route route = { 0 };
	union netlink_request req;
	struct rtmsg *rtm;

	rtm = netlink_request_init(&req, RTM_GETROUTE, 0, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)ss->ss_family;
	if (ss->ss_family == AF_INET) {
		rtm->rtm_dst_len = 32;
		mnl_attr_put(&req.nlh, RTA_DST, sizeof(v4->sin_addr), &v4->sin_addr);
	} else {
		rtm->rtm_dst_len = 128;
		mnl_attr_put(&req.nlh, RTA_DST, sizeof(v6->sin6_addr), &v6->sin6_addr);
		if (v6->sin6_scope_id)
			mnl_attr_put_u32(&req.nlh, RTA_OIF, v6->sin6_scope_id);
	}
	if (fwmark)
		mnl_attr_put_u32(&req.nlh, RTA_MARK, fwmark);
	if (netlink_talk(nl, &req.nlh, route_cb, &route))
		return 0;
	return mtu_of_route(nl, &route);
}

static void default_cb(const struct netif_route *r, void *arg)
{
	struct netif_route *first = arg;

	if (first->type == RTN_UNSPEC && r->type == RTN_UNICAST && r->dst.cidr == 0)
		*first = *r;
}

static uint32_t mtu_of_default(struct netlink *nl, int family)
{
	struct netif_route first = { .type = RTN_UNSPEC };

	if (netif_routes_dump(nl, family, RT_TABLE_MAIN, 0, default_cb, &first))
		return 0;
	return mtu_of_route(nl, &first);
}

bool netif_mtu_choose(struct netlink *nl, const struct netif_conf *nc, uint32_t *mtu, char *err)
{
	const struct conf *c = nc->conf;
	uint32_t best = 0, one;

	if (c->mtu && c->mtu > nc->max_mtu)
		return netif_fail(err, "MTU %u is more than the %u that can be carried", c->mtu,
				  nc->max_mtu);
	if (c->mtu) {
		*mtu = c->mtu;
		return true;
	}

	for (size_t i = 0; i < nc->n_endpoints; i++) {
		const struct sockaddr_storage *ss = &nc->endpoints[i];

		if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6)
			continue;
		one = mtu_towards(nl, ss, nc->fwmark);
		best = one > best ? one : best;
	}
	if (!best)
		best = mtu_of_default(nl, AF_INET);
	if (!best)
		best = mtu_of_default(nl, AF_INET6);
	if (!best)
		best = MTU_ETHERNET;

	best = best < NETIF_MTU_MIN + NETIF_OVERHEAD ? NETIF_MTU_MIN : best - NETIF_OVERHEAD;
	*mtu = best < nc->max_mtu ? best : nc->max_mtu;
	return true;
}
