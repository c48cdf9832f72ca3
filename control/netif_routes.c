/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes for the AllowedIPs of all peers, as wg-quick(8) adds them: longest prefix first, and into
 * the main table only what no route on the interface covers yet (as the one that came with an
 * Address may). Added in batches. Called by the control thread at start-up.
 */
#include "netif_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netif_batch.h"

static uint32_t route_mtu(const struct nlattr *metrics)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, metrics)
		if (mnl_attr_get_type(attr) == RTAX_MTU &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			return mnl_attr_get_u32(attr);
	return 0;
}

static uint32_t route_first_hop(const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);

	if (mnl_attr_get_payload_len(multipath) < sizeof(*hop))
		return 0;
	return (uint32_t)hop->rtnh_ifindex;
}

bool netif_route_parse(const struct nlmsghdr *nlh, struct netif_route *r)
{
	const struct nlattr *tb[RTA_TABLE + 1];
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	size_t len;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    !netlink_attrs(nlh, sizeof(*rtm), tb, RTA_TABLE) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    (rtm->rtm_flags & RTM_F_CLONED && nlh->nlmsg_flags & NLM_F_MULTI))
		return false;
	memset(r, 0, sizeof(*r));
	r->dst.family = rtm->rtm_family;
	r->dst.cidr = rtm->rtm_dst_len;
	r->type = rtm->rtm_type;
	r->table = tb[RTA_TABLE] ? mnl_attr_get_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	len = netif_addr_len(rtm->rtm_family);
	if (tb[RTA_DST] && mnl_attr_get_payload_len(tb[RTA_DST]) == len)
		memcpy(r->dst.addr.bytes, mnl_attr_get_payload(tb[RTA_DST]), len);
	if (tb[RTA_OIF])
		r->oif = mnl_attr_get_u32(tb[RTA_OIF]);
	else if (tb[RTA_MULTIPATH])
		r->oif = route_first_hop(tb[RTA_MULTIPATH]);
	if (tb[RTA_METRICS])
		r->mtu = route_mtu(tb[RTA_METRICS]);
	return true;
}

struct dump {
	int family;
	uint32_t table, oif;
	void (*cb)(const struct netif_route *r, void *arg);
	void *arg;
};

static int dump_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct dump *d = arg;
	struct netif_route r;

	if (netif_route_parse(nlh, &r) && r.dst.family == d->family && r.table == d->table &&
	    (!d->oif || r.oif == d->oif))
		d->cb(&r, d->arg);
	return MNL_CB_OK;
}

int netif_routes_dump(struct netlink *nl, int family, uint32_t table, uint32_t oif,
		      void (*cb)(const struct netif_route *r, void *arg), void *arg)
{
	struct dump d = { family, table, oif, cb, arg };
	union netlink_request req;
	struct rtmsg *rtm;
	int rc;

	rtm = netlink_request_init(&req, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)family;
	mnl_attr_put_u32(&req.nlh, RTA_TABLE, table);
	if (oif)
		mnl_attr_put_u32(&req.nlh, RTA_OIF, oif);
	rc = netif_dump(nl, &req, dump_cb, &d);
	/* There is no such table, or no IPv6: nothing in it. */
	if (rc == -ENOENT || rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT)
		rc = 0;
	return rc;
}

/* As ip(8) writes `route add DST dev NAME table TABLE`. */
static void route_request(union netlink_request *req, const struct netif *n,
			  const struct conf_prefix *dst, uint32_t table)
{
	struct rtmsg *rtm;

	rtm = netlink_request_init(req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)dst->family;
	rtm->rtm_dst_len = dst->cidr;
	rtm->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_scope = dst->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	if (dst->cidr)
		mnl_attr_put(&req->nlh, RTA_DST, netif_addr_len(dst->family), dst->addr.bytes);
	mnl_attr_put_u32(&req->nlh, RTA_OIF, n->ifindex);
	if (table >= 256)
		mnl_attr_put_u32(&req->nlh, RTA_TABLE, table);
}

struct same {
	const struct conf_prefix *dst;
	uint32_t oif; /* 0: not found */
};

static void same_cb(const struct netif_route *r, void *arg)
{
	struct same *s = arg;

	if (!s->oif && r->dst.cidr == s->dst->cidr && netif_covers(&r->dst, s->dst))
		s->oif = r->oif;
}

/* What is there is fine if it is ours already; otherwise it is named. */
static bool route_exists(struct netif *n, const struct conf_prefix *dst, uint32_t table, char *err)
{
	struct same s = { .dst = dst };
	struct netif_link link;
	char text[NETIF_PREFIX_STRLEN];

	netif_routes_dump(&n->nl, dst->family, table, n->ifindex, same_cb, &s);
	if (s.oif)
		return true;
	netif_routes_dump(&n->nl, dst->family, table, 0, same_cb, &s);
	netif_prefix(dst, text);
	if (!s.oif || netif_link_get(&n->nl, s.oif, &link))
		return netif_fail(err, "cannot add route %s: table %u has one already", text,
				  table);
	return netif_fail(err, "cannot add route %s: table %u has one already, to %s", text,
			  table, link.name);
}

bool netif_route_add(struct netif *n, const struct conf_prefix *dst, uint32_t table, char *err)
{
	union netlink_request req;
	char text[NETIF_PREFIX_STRLEN];
	int rc;

	route_request(&req, n, dst, table);
	rc = netlink_talk(&n->nl, &req.nlh, NULL, NULL);
	if (!rc)
		return true;
	if (rc == -EEXIST)
		return route_exists(n, dst, table, err);
	return netif_fail(err, "cannot add route %s to table %u: %s",
			  netif_prefix(dst, text), table, n->nl.error);
}

struct prefixes {
	struct conf_prefix *p;
	size_t n, room;
	bool no_memory;
};

static void prefixes_add(struct prefixes *list, const struct conf_prefix *p)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		void *bigger = reallocarray(list->p, room, sizeof(*p));

		if (!bigger) {
			list->no_memory = true;
			return;
		}
		list->p = bigger;
		list->room = room;
	}
	list->p[list->n++] = *p;
}

/* Longest first, equal ones side by side. */
static int prefix_cmp(const void *a, const void *b)
{
	const struct conf_prefix *x = a, *y = b;

	if (x->cidr != y->cidr)
		return x->cidr > y->cidr ? -1 : 1;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return memcmp(x->addr.bytes, y->addr.bytes, netif_addr_len(x->family));
}

/* All that get a plain route, each once. */
static void prefixes_collect(struct prefixes *list, const struct conf *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct conf_peer *peer = &c->peers[i];

		for (size_t j = 0; j < peer->n_allowed_ips && !list->no_memory; j++)
			if (peer->allowed_ips[j].cidr || c->table == CONF_TABLE_NUMBER)
				prefixes_add(list, &peer->allowed_ips[j]);
	}
	if (list->n)
		qsort(list->p, list->n, sizeof(*list->p), prefix_cmp);
	for (size_t i = 0; i < list->n; i++)
		if (!kept || prefix_cmp(&list->p[kept - 1], &list->p[i]))
			list->p[kept++] = list->p[i];
	list->n = kept;
}

static void present_cb(const struct netif_route *r, void *arg)
{
	prefixes_add(arg, &r->dst);
}

/* Takes out what the interface's own routes cover. */
static bool prefixes_drop_covered(struct netif *n, struct prefixes *list, char *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct prefixes present = { 0 };
	size_t kept = 0;
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++)
		rc = netif_routes_dump(&n->nl, families[i], RT_TABLE_MAIN, n->ifindex, present_cb,
				       &present);
	if (rc || present.no_memory) {
		free(present.p);
		return netif_fail(err, "cannot read the routing table: %s",
				  rc ? n->nl.error : strerror(ENOMEM));
	}
	for (size_t i = 0; i < list->n; i++) {
		bool covered = false;

		for (size_t j = 0; j < present.n && !covered; j++)
			covered = netif_covers(&present.p[j], &list->p[i]);
		if (!covered)
			list->p[kept++] = list->p[i];
	}
	list->n = kept;
	free(present.p);
	return true;
}

struct adding {
	struct netif *n;
	const struct prefixes *todo;
	uint32_t table;
	char *err;
};

enum { ADDING_REPORTED = 1 };

/* Tried again alone: either it is there already and ours, or the kernel says what is wrong. */
static int adding_failed(size_t index, int error __attribute__((unused)), void *arg)
{
	const struct adding *a = arg;

	return netif_route_add(a->n, &a->todo->p[index], a->table, a->err) ? 0 : ADDING_REPORTED;
}

static bool routes_add(struct netif *n, const struct prefixes *list, uint32_t table, char *err)
{
	struct adding a = { n, list, table, err };
	union netlink_request req;
	struct netif_batch b;
	int rc = 0;

	netif_batch_init(&b, &n->nl, adding_failed, &a);
	for (size_t i = 0; i < list->n && !rc; i++) {
		route_request(&req, n, &list->p[i], table);
		rc = netif_batch_add(&b, &req.nlh);
	}
	if (!rc)
		rc = netif_batch_flush(&b);
	if (rc && rc != ADDING_REPORTED)
		netif_fail(err, "cannot add routes: %s", strerror(-rc));
	return !rc;
}

bool netif_routes_up(struct netif *n, const struct conf *c, char *err)
{
	uint32_t table = RT_TABLE_MAIN;
	struct prefixes list = { 0 };
	bool ok;

	/* 0 means main to the kernel too, but its answers say 254. */
	if (c->table == CONF_TABLE_NUMBER && c->table_number)
		table = c->table_number;
	if (c->table == CONF_TABLE_OFF)
		return true;
	prefixes_collect(&list, c);
	if (list.no_memory)
		ok = netif_fail(err, "out of memory");
	else
		ok = c->table == CONF_TABLE_NUMBER || prefixes_drop_covered(n, &list, err);
	ok = ok && routes_add(n, &list, table, err);
	free(list.p);
	return ok;
}
