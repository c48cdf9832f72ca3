/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the next hops ask of the kernel, and what the kernel tells: route netlink, one socket for requests and one for
 * notifications. Routes, neighbours and addresses; links are nexthop_links.c's. IPv4 addresses are mapped everywhere
 * but in the messages themselves. Control thread.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <stdlib.h>

#include "nexthop_internal.h"

enum { DUMP_TRIES = 5, READ_MAX = 64 };

static const enum rtnetlink_groups groups[] = {
	RTNLGRP_NEIGH, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP, RTNLGRP_NONE,
};

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct in6_addr *a)
{
	if (addr_is_v4(a))
		mnl_attr_put(nlh, type, 4, a->s6_addr + 12);
	else
		mnl_attr_put(nlh, type, sizeof(*a), a);
}

static uint8_t family_of(const struct in6_addr *a)
{
	return addr_is_v4(a) ? AF_INET : AF_INET6;
}

int kernel_dump(struct nexthops *nhs, void (*prepare)(union netlink_request *req, void *arg), mnl_cb_t cb, void *arg)
{
	union netlink_request req;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		prepare(&req, arg);
		rc = netlink_talk(&nhs->talk, &req.nlh, cb, arg);
	}
	return rc;
}

struct addr_list {
	struct in6_addr *v;
	size_t n, room;
};

static void all_addrs(union netlink_request *req, void *arg)
{
	struct addr_list *list = arg;

	netlink_request_init(req, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	list->n = 0;
}

static int addr_list_add(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1];
	struct addr_list *list = arg;
	struct in6_addr *more, a;
	uint32_t flags;

	if (nlh->nlmsg_type != RTM_NEWADDR || !netlink_attrs(nlh, sizeof(*ifa), tb, IFA_MAX))
		return MNL_CB_OK;
	flags = tb[IFA_FLAGS] ? netlink_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	if (flags & IFA_F_DADFAILED || (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC)))
		return MNL_CB_OK;
	if (!netlink_addr(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], &a))
		return MNL_CB_OK;
	if (list->n == list->room) {
		more = realloc(list->v, (2 * list->room + 16) * sizeof(*more));
		if (!more)
			return MNL_CB_ERROR;
		list->v = more;
		list->room = 2 * list->room + 16;
	}
	list->v[list->n++] = a;
	return MNL_CB_OK;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct in6_addr));
}

bool kernel_get_addrs(struct nexthops *nhs)
{
	struct addr_list list = { 0 };
	size_t n = 0;

	if (kernel_dump(nhs, all_addrs, addr_list_add, &list) < 0) {
		nhs->addrs_due.wanted = true;	/* again, in a moment */
		free(list.v);
		return false;
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), compare);
	for (size_t i = 0; i < list.n; i++)
		if (!n || compare(&list.v[n - 1], &list.v[i]) != 0)
			list.v[n++] = list.v[i];
	if (n == nhs->host.n_addrs &&
	    (!n || memcmp(list.v, nhs->addrs, n * sizeof(*list.v)) == 0)) {
		free(list.v);
		return false;
	}
	free(nhs->addrs);
	nhs->addrs = list.v;
	nhs->host.addrs = list.v;
	nhs->host.n_addrs = n;
	return true;
}

static bool is_ours(const struct nexthops *nhs, const struct in6_addr *a)
{
	return bsearch(a, nhs->addrs, nhs->host.n_addrs, sizeof(*a), compare);
}

struct route_answer {
	const struct nexthops *nhs;
	struct route *route;
	bool usable;
};

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	struct route_answer *answer = arg;
	struct route *r = answer->route;

	if (nlh->nlmsg_type != RTM_NEWROUTE || !netlink_attrs(nlh, sizeof(*rtm), tb, RTA_MAX))
		return MNL_CB_OK;
	r->ifindex = netlink_u32(tb[RTA_OIF]);
	if (rtm->rtm_type != RTN_UNICAST || !links_find(answer->nhs, r->ifindex))
		return MNL_CB_OK;
	netlink_gateway(tb, &r->gateway);
	netlink_addr(tb[RTA_PREFSRC], &r->local);
	answer->usable = true;
	return MNL_CB_OK;
}

/* In the routing table of the VRF `oif`, or by the link `oif` alone; 0: as the rules say. */
static bool ask_route(struct nexthops *nhs, const struct addr_key *key, uint32_t oif, struct route *r)
{
	struct route_answer answer = { .nhs = nhs, .route = r };
	const bool from = !IN6_IS_ADDR_UNSPECIFIED(&key->local) && is_ours(nhs, &key->local);
	union netlink_request req;
	struct rtmsg *rtm = netlink_request_init(&req, RTM_GETROUTE, 0, sizeof(*rtm));

	rtm->rtm_family = family_of(&key->remote);
	rtm->rtm_dst_len = addr_is_v4(&key->remote) ? 32 : 128;
	put_addr(&req.nlh, RTA_DST, &key->remote);
	if (from) {
		rtm->rtm_src_len = rtm->rtm_dst_len;
		put_addr(&req.nlh, RTA_SRC, &key->local);
	}
	if (oif)
		mnl_attr_put_u32(&req.nlh, RTA_OIF, oif);
	if (nhs->fwmark)
		mnl_attr_put_u32(&req.nlh, RTA_MARK, nhs->fwmark);

	nhs->counts.routes_asked++;
	*r = (struct route){ .gateway = key->remote };
	netlink_talk(&nhs->talk, &req.nlh, take_route, &answer);
	if (from)
		r->local = key->local;
	return answer.usable && !IN6_IS_ADDR_UNSPECIFIED(&r->local);
}

bool kernel_get_route(struct nexthops *nhs, const struct addr_key *key, struct route *r)
{
	if (key->scope)
		return ask_route(nhs, key, key->scope, r);
	for (size_t i = 0; i < nhs->n_vrfs; i++)
		if (ask_route(nhs, key, nhs->vrfs[i], r))
			return true;
	return false;
}

/* Of the links' own tables; a deleted entry is one without state. */
static int take_neigh(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct nexthops *nhs = arg;
	struct table_node *node;
	struct addr_key key;
	uint8_t mac[6];
	uint16_t state;

	if (!netlink_attrs(nlh, sizeof(*ndm), tb, NDA_MAX) ||
	    ndm->ndm_flags & NTF_PROXY ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return MNL_CB_OK;
	memset(&key, 0, sizeof(key));
	key.scope = (uint32_t)ndm->ndm_ifindex;
	if (!netlink_addr(tb[NDA_DST], &key.remote))
		return MNL_CB_OK;
	node = table_find(&nhs->neighs, &key);
	if (!node)
		return MNL_CB_OK;
	state = nlh->nlmsg_type == RTM_NEWNEIGH ? ndm->ndm_state : 0;
	neigh_update(nhs, caa_container_of(node, struct neigh, node), state,
		     attr_mac(tb[NDA_LLADDR], mac) ? mac : NULL);
	return MNL_CB_OK;
}

static struct nlmsghdr *neigh_request(const struct addr_key *key, union netlink_request *req, uint16_t type, uint16_t flags, uint8_t ntf)
{
	struct ndmsg *ndm = netlink_request_init(req, type, flags, sizeof(*ndm));

	ndm->ndm_family = family_of(&key->remote);
	ndm->ndm_ifindex = (int)key->scope;
	ndm->ndm_flags = ntf;
	put_addr(&req->nlh, NDA_DST, &key->remote);
	return &req->nlh;
}

void kernel_get_neigh(struct nexthops *nhs, struct neigh *n)
{
	union netlink_request req;

	n->seen = false;
	netlink_talk(&nhs->talk, neigh_request(&n->node.key, &req, RTM_GETNEIGH, 0, 0), take_neigh, nhs);
	if (!n->seen)
		neigh_update(nhs, n, 0, NULL);
}

static void all_neighs(union netlink_request *req, const struct nexthops *nhs, uint8_t family)
{
	struct ndmsg *ndm = netlink_request_init(req, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*ndm));

	ndm->ndm_family = family;
	if (nhs->host.n_links == 1)	/* the kernel goes through all of them for each request */
		mnl_attr_put_u32(&req->nlh, NDA_IFINDEX, nhs->links.ifindex);
}

static void all_neighs4(union netlink_request *req, void *arg)
{
	all_neighs(req, arg, AF_INET);
}

static void all_neighs6(union netlink_request *req, void *arg)
{
	all_neighs(req, arg, AF_INET6);
}

static int take_known(const struct nlmsghdr *nlh, void *known)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	uint8_t mac[6];

	if (nlh->nlmsg_type == RTM_NEWNEIGH && netlink_attrs(nlh, sizeof(*ndm), tb, NDA_MAX))
		*(bool *)known = ndm->ndm_state & NUD_HAS_MAC && attr_mac(tb[NDA_LLADDR], mac);
	return MNL_CB_OK;
}

bool nexthops_neighbour_known(struct nexthops *nhs, uint32_t ifindex, const struct in6_addr *gateway)
{
	const struct addr_key key = { .remote = *gateway, .scope = ifindex };
	union netlink_request req;
	bool known = false;

	netlink_talk(&nhs->talk, neigh_request(&key, &req, RTM_GETNEIGH, 0, 0), take_known, &known);
	return known;
}

bool kernel_get_neighs(struct nexthops *nhs)
{
	return kernel_dump(nhs, all_neighs4, take_neigh, nhs) == 0 &&
	       kernel_dump(nhs, all_neighs6, take_neigh, nhs) == 0;
}

/* What the kernel refuses now is asked for again in a while. */
void kernel_use_neigh(struct nexthops *nhs, const struct neigh *n)
{
	union netlink_request req;

	netlink_talk(&nhs->talk,
		     neigh_request(&n->node.key, &req, RTM_NEWNEIGH, NLM_F_CREATE, NTF_USE), NULL, NULL);
}

static int take_notification(const struct nlmsghdr *nlh, void *arg)
{
	struct nexthops *nhs = arg;
	const struct rtmsg *rtm;

	switch (nlh->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return take_neigh(nlh, nhs);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		nhs->addrs_due.wanted = nhs->routes.wanted = true;
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		/* Routes go down with a link, any link, and IPv4's without being told. */
		links_take(&nhs->links, nlh);
		nhs->routes.wanted = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		rtm = mnl_nlmsg_get_payload(nlh);
		if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(*rtm) ||
		    !(rtm->rtm_flags & RTM_F_CLONED))
			nhs->routes.wanted = true;
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		nhs->routes.wanted = true;
		break;
	}
	return MNL_CB_OK;
}

void kernel_read(struct nexthops *nhs)
{
	const int rc = netlink_read(&nhs->notify, READ_MAX, take_notification, nhs);

	if (rc < 0) {
		nhs->overrun = true;
	} else if (rc == 0 && nhs->overrun) {
		nhs->overrun = false;
		nhs->resync.wanted = true;
	}
}

int kernel_open(struct nexthops *nhs)
{
	int rc = netlink_open(&nhs->notify, groups);

	if (rc == 0)
		rc = netlink_open(&nhs->talk, NULL);
	if (rc) {
		kernel_close(nhs);
		return rc;
	}
	links_load(nhs);
	links_publish(nhs);
	kernel_get_addrs(nhs);
	if (nhs->host.present)
		return 0;
	kernel_close(nhs);
	return -ENODEV;
}

void kernel_close(struct nexthops *nhs)
{
	netlink_close(&nhs->talk);
	netlink_close(&nhs->notify);
}
