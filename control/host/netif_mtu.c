/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which MTU: that of the best way to an endpoint, less what WireGuard adds. A route's own MTU
 * (metrics, or learned by path MTU discovery) counts before its device's. As wg-quick(8) does it,
 * except that nothing below 1280 is chosen, that endpoints are looked up with the sockets' mark,
 * that of very many only the first thousand count, and that a host with an IPv6 default route alone
 * gets that one's MTU. Called by netif_up, and by netif_update_begin while the interface runs.
 */
#include "netif_internal.h"

#include <errno.h>
#include <string.h>

enum {
	MTU_ETHERNET = 1500,
	WAYS_MAX = 1000, /* endpoints that are asked about: each costs the kernel's answer, and few hosts have that many ways out */
	DETOURS_MAX = 4, /* of them, for which the whole table is read */
};

/* What was learned on the way through the endpoints: most leave by the same device. */
struct search {
	struct netlink *nl;
	uint32_t fwmark, ifindex;
	uint32_t oif, oif_mtu; /* the last device that was asked about */
	unsigned int detours;
};

static uint32_t mtu_of_route(struct search *s, const struct netif_route *r)
{
	struct netif_link link;

	if (r->mtu)
		return r->mtu;
	if (r->oif == s->oif)
		return s->oif_mtu;
	if (netif_link_get(s->nl, r->oif, &link))
		return 0;
	s->oif = r->oif;
	s->oif_mtu = link.mtu;
	return link.mtu;
}

static int route_cb(const struct nlmsghdr *nlh, void *arg)
{
	netif_route_parse(nlh, arg);
	return MNL_CB_OK;
}

struct detour {
	struct conf_prefix to;
	uint32_t without; /* this interface */
	struct netif_route best;
};

static void detour_cb(const struct netif_route *r, void *arg)
{
	struct detour *d = arg;

	if (r->oif != d->without && r->type == RTN_UNICAST && netif_covers(&r->dst, &d->to) &&
	    (d->best.type == RTN_UNSPEC || r->dst.cidr > d->best.dst.cidr))
		d->best = *r;
}

/* The way that there would be if it did not lead through the tunnel itself, as it may once the tunnel's routes stand. */
static uint32_t mtu_beside(struct search *s, const struct sockaddr_storage *ss)
{
	struct detour d = { .to.family = ss->ss_family, .without = s->ifindex };

	if (ss->ss_family == AF_INET)
		d.to.addr.v4 = ((const struct sockaddr_in *)ss)->sin_addr;
	else
		d.to.addr.v6 = ((const struct sockaddr_in6 *)ss)->sin6_addr;
	d.to.cidr = ss->ss_family == AF_INET ? 32 : 128;
	if (netif_routes_dump(s->nl, ss->ss_family, RT_TABLE_MAIN, 0, detour_cb, &d))
		return 0;
	return mtu_of_route(s, &d.best);
}

/* 0: there is no way */
static uint32_t mtu_towards(struct search *s, const struct sockaddr_storage *ss)
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
	if (s->fwmark)
		mnl_attr_put_u32(&req.nlh, RTA_MARK, s->fwmark);
	if (netlink_talk(s->nl, &req.nlh, route_cb, &route))
		return 0;
	if (route.oif != s->ifindex)
		return mtu_of_route(s, &route);
	return ++s->detours <= DETOURS_MAX ? mtu_beside(s, ss) : 0;
}

static void default_cb(const struct netif_route *r, void *arg)
{
	struct detour *d = arg;

	if (d->best.type == RTN_UNSPEC && r->type == RTN_UNICAST && r->dst.cidr == 0 && r->oif != d->without)
		d->best = *r;
}

static uint32_t mtu_of_default(struct search *s, int family)
{
	struct detour d = { .without = s->ifindex };

	if (netif_routes_dump(s->nl, family, RT_TABLE_MAIN, 0, default_cb, &d))
		return 0;
	return mtu_of_route(s, &d.best);
}

bool netif_mtu_choose(struct netlink *nl, const struct netif_conf *nc, uint32_t *mtu, char *err)
{
	const struct conf *c = nc->conf;
	struct search s = { .nl = nl, .fwmark = nc->fwmark, .ifindex = nc->ifindex };
	unsigned int ways = 0;
	uint32_t best = 0, one;

	if (c->mtu && c->mtu > nc->max_mtu)
		return netif_fail(err, "MTU %u is more than the %u that can be carried", c->mtu,
				  nc->max_mtu);
	if (c->mtu) {
		*mtu = c->mtu;
		return true;
	}

	for (size_t i = 0; i < nc->n_endpoints && ways < WAYS_MAX; i++) {
		const struct sockaddr_storage *ss = &nc->endpoints[i];

		if (ss->ss_family != AF_INET && ss->ss_family != AF_INET6)
			continue;
		ways++;
		one = mtu_towards(&s, ss);
		best = one > best ? one : best;
	}
	if (!best)
		best = mtu_of_default(&s, AF_INET);
	if (!best)
		best = mtu_of_default(&s, AF_INET6);
	if (!best)
		best = MTU_ETHERNET;

	best = best < NETIF_MTU_MIN + NETIF_OVERHEAD ? NETIF_MTU_MIN : best - NETIF_OVERHEAD;
	*mtu = best < nc->max_mtu ? best : nc->max_mtu;
	return true;
}

bool netif_mtu_set(struct netif *n, uint32_t mtu, char *err)
{
	union netlink_request req;
	struct ifinfomsg *ifi;

	ifi = netlink_request_init(&req, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = (int)n->ifindex;
	mnl_attr_put_u32(&req.nlh, IFLA_MTU, mtu);
	if (netlink_talk(&n->nl, &req.nlh, NULL, NULL))
		return netif_fail(err, "cannot set MTU %u: %s", mtu, n->nl.error);
	n->mtu = mtu;
	return true;
}
