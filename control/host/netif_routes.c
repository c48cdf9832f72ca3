/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes for the AllowedIPs of all peers, as wg-quick(8) adds them: longest prefix first, and into
 * the main table only what no route on the interface covers yet (as the one that came with an
 * Address may). Added and deleted in batches. Called by the control thread at start-up and reload.
 */
#include "netif_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netif_batch.h"

enum { ROUTE_METRIC_V6 = 1024, ROUTE_EXCL = NLM_F_CREATE | NLM_F_EXCL };

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
	r->protocol = rtm->rtm_protocol;
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

/* As ip(8) writes `route add DST dev NAME table TABLE`; of flags 0, the request to delete just that. */
static void route_request(union netlink_request *req, const struct netif *n, const struct conf_prefix *dst,
			  uint32_t table, uint16_t flags)
{
	struct rtmsg *rtm;

	rtm = netlink_request_init(req, flags ? RTM_NEWROUTE : RTM_DELROUTE, flags, sizeof(*rtm));
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
	/* what adding one without metric gives it: the route of an address has another */
	if (!flags && dst->family == AF_INET6)
		mnl_attr_put_u32(&req->nlh, RTA_PRIORITY, ROUTE_METRIC_V6);
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

	route_request(&req, n, dst, table, ROUTE_EXCL);
	rc = netlink_talk(&n->nl, &req.nlh, NULL, NULL);
	if (!rc)
		return true;
	if (rc == -EEXIST)
		return route_exists(n, dst, table, err);
	return netif_fail(err, "cannot add route %s to table %u: %s",
			  netif_prefix(dst, text), table, n->nl.error);
}

int netif_route_append(struct netif *n, const struct conf_prefix *dst, uint32_t table)
{
	union netlink_request req;

	route_request(&req, n, dst, table, NLM_F_CREATE | NLM_F_APPEND);
	return netlink_talk(&n->nl, &req.nlh, NULL, NULL);
}

uint32_t netif_table(const struct conf *c)
{
	/* 0 means main to the kernel too, but its answers say 254. */
	return c->table == CONF_TABLE_NUMBER && c->table_number ? c->table_number : RT_TABLE_MAIN;
}

static void present_cb(const struct netif_route *r, void *arg)
{
	netif_prefixes_add(arg, &r->dst);
}

static void onlink_cb(const struct netif_route *r, void *arg)
{
	if (r->protocol == RTPROT_KERNEL)
		netif_prefixes_add(arg, &r->dst);
}

/* The interface's own routes in a table, of the families asked for; sorted. */
static bool routes_list(struct netif *n, const bool families[2], uint32_t table,
			void (*cb)(const struct netif_route *r, void *arg), struct netif_prefixes *list, char *err)
{
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++)
		if (families[i])
			rc = netif_routes_dump(&n->nl, i ? AF_INET6 : AF_INET, table, n->ifindex, cb, list);
	netif_prefixes_sort(list);
	if (!rc && !list->no_memory)
		return true;
	return netif_fail(err, "cannot read the routing table: %s", rc ? n->nl.error : strerror(ENOMEM));
}

bool netif_routes_onlink(struct netif *n, const struct conf *c, struct netif_prefixes *list, char *err)
{
	static const bool both[2] = { true, true };
	struct netif_prefixes all = { 0 }, networks = { 0 };
	bool ok = routes_list(n, both, netif_table(c), onlink_cb, &all, err);

	for (size_t i = 0; i < c->n_addresses; i++) {
		struct conf_prefix network = netif_network(&c->addresses[i]);

		netif_prefixes_add(&networks, &network);
	}
	netif_prefixes_sort(&networks);
	for (size_t i = 0; i < all.n; i++)
		if (netif_prefixes_has(&networks, &all.p[i]))
			netif_prefixes_add(list, &all.p[i]);
	netif_prefixes_unique(list);
	if (ok && (networks.no_memory || list->no_memory))
		ok = netif_fail(err, "out of memory");
	netif_prefixes_free(&all);
	netif_prefixes_free(&networks);
	return ok;
}

/* In the main table as wg-quick has it, in one that was named only as the kernel must have it. */
static bool is_unnecessary(const struct conf *c, const struct netif_prefixes *onlink, const struct conf_prefix *p)
{
	if (c->table == CONF_TABLE_NUMBER)
		return p->family == AF_INET && netif_prefixes_has(onlink, p);
	for (size_t i = 0; i < onlink->n; i++)
		if (netif_covers(&onlink->p[i], p))
			return true;
	return false;
}

bool netif_routes_wanted(const struct conf *c, const struct netif_prefixes *onlink, struct netif_prefixes *list, char *err)
{
	size_t kept = 0;

	for (size_t i = 0; c->table != CONF_TABLE_OFF && i < c->n_peers; i++) {
		const struct conf_peer *peer = &c->peers[i];

		for (size_t j = 0; j < peer->n_allowed_ips && !list->no_memory; j++)
			if (peer->allowed_ips[j].cidr || c->table == CONF_TABLE_NUMBER)
				netif_prefixes_add(list, &peer->allowed_ips[j]);
	}
	if (list->no_memory)
		return netif_fail(err, "out of memory");
	netif_prefixes_sort(list);
	netif_prefixes_unique(list);
	for (size_t i = 0; i < list->n; i++)
		if (!is_unnecessary(c, onlink, &list->p[i]))
			list->p[kept++] = list->p[i];
	list->n = kept;
	return true;
}

struct batching {
	struct netif *n;
	bool *failed; /* of each, with adding */
	bool stop; /* by something else than a route that exists */
	bool ok; /* with deleting */
	char *err;
};

static int adding_failed(size_t index, int error, void *arg)
{
	struct batching *a = arg;

	a->failed[index] = true;
	a->stop |= error != -EEXIST;
	return 0;
}

/*
 * What failed, once more: what the interface has already is as it should be, and of the rest the kernel says about one what is wrong.
 * The list becomes that which was added, of the first `tried`.
 */
static bool adding_settle(struct netif *n, struct netif_prefixes *list, size_t tried, uint32_t table,
			  const bool *failed, char *err)
{
	struct netif_prefixes present = { 0 };
	bool families[2] = { false, false }, ok;
	size_t kept = 0;

	for (size_t i = 0; i < tried; i++)
		families[list->p[i].family == AF_INET6] |= failed[i];
	ok = routes_list(n, families, table, present_cb, &present, err);
	for (size_t i = 0; i < tried; i++) {
		if (failed[i] && (!ok || netif_prefixes_has(&present, &list->p[i])))
			continue;
		if (failed[i] && !netif_route_add(n, &list->p[i], table, err)) {
			ok = false;
			continue;
		}
		list->p[kept++] = list->p[i];
	}
	list->n = kept;
	netif_prefixes_free(&present);
	return ok;
}

bool netif_routes_add(struct netif *n, struct netif_prefixes *list, uint32_t table, char *err)
{
	struct batching a = { .n = n, .failed = calloc(list->n + 1, sizeof(bool)) };
	union netlink_request req;
	struct netif_batch b;
	size_t tried;
	bool ok;
	int rc = 0;

	if (!a.failed) {
		list->n = 0;
		return netif_fail(err, "out of memory");
	}
	netif_batch_init(&b, &n->nl, adding_failed, &a);
	for (tried = 0; tried < list->n && !rc && !a.stop; tried++) {
		route_request(&req, n, &list->p[tried], table, ROUTE_EXCL);
		rc = netif_batch_add(&b, &req.nlh);
	}
	if (!rc)
		rc = netif_batch_flush(&b);
	if (rc)
		list->n = tried;
	ok = rc ? netif_fail(err, "cannot add routes: %s", strerror(-rc)) :
		  adding_settle(n, list, tried, table, a.failed, err);
	free(a.failed);
	return ok;
}

static int deleting_failed(size_t index __attribute__((unused)), int error, void *arg)
{
	struct batching *d = arg;

	if (d->ok && error != -ESRCH && error != -ENOENT && error != -ENODEV)
		d->ok = netif_fail(d->err, "cannot remove a route: %s", strerror(-error));
	return 0;
}

bool netif_routes_delete(struct netif *n, const struct netif_prefixes *list, uint32_t table, char *err)
{
	struct batching d = { .n = n, .ok = true, .err = err };
	union netlink_request req;
	struct netif_batch b;
	int rc = 0;

	netif_batch_init(&b, &n->nl, deleting_failed, &d);
	for (size_t i = 0; i < list->n && !rc; i++) {
		route_request(&req, n, &list->p[i], table, 0);
		rc = netif_batch_add(&b, &req.nlh);
	}
	if (!rc)
		rc = netif_batch_flush(&b);
	if (rc)
		return netif_fail(err, "cannot remove routes: %s", strerror(-rc));
	return d.ok;
}

bool netif_routes_up(struct netif *n, const struct conf *c, char *err)
{
	struct netif_prefixes list = { 0 };
	bool ok;

	if (c->table == CONF_TABLE_OFF)
		return true;
	ok = netif_routes_onlink(n, c, &n->onlink, err) && netif_routes_wanted(c, &n->onlink, &list, err) &&
	     netif_routes_add(n, &list, netif_table(c), err);
	netif_prefixes_free(&list);
	return ok;
}
