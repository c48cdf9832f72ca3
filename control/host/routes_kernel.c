/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What routes*.c ask of the kernel, and what it tells: one socket for requests, one for notifications, one for the dump of all routes, of which the kernel makes
 * the next datagram only when one has been read.
 *
 * A dump of routes is no snapshot, and does not say when it has skipped something. IPv4: a table is walked by base address, and within one of these by
 * counting, so a route can be missed where the kernel paused and another route of that address went meanwhile. IPv6: the whole walk counts, so any route
 * that goes can make it miss another (net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <string.h>

#include "routes_internal.h"

enum {
	READ_MAX = 64,			/* notifications, one route each, a round */
	DUMP_READ = 2,			/* datagrams a tick, some hundred routes each */
	DUMP_BUFFER = 32768,
};

static const enum rtnetlink_groups groups[] = {
	RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
	RTNLGRP_NEXTHOP, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_NONE,
};

int routes_kernel_open(struct routes *r)
{
	int rc = netlink_open(&r->notify, groups);

	if (rc == 0)
		rc = netlink_open(&r->talk, NULL);
	if (rc == 0)
		rc = netlink_open(&r->dump.nl, NULL);
	if (rc == 0 && fcntl(netlink_fd(&r->dump.nl), F_SETFL, O_NONBLOCK) < 0)
		rc = -errno;
	return rc;
}

void routes_kernel_close(struct routes *r)
{
	netlink_close(&r->notify);
	netlink_close(&r->talk);
	netlink_close(&r->dump.nl);
}

/* Questions. */

/* Does the route itself say an MTU, of which cores know nothing? One that has been found out (it expires) concerns only what the host sends itself. */
static bool has_mtu(const struct nlattr **tb)
{
	struct rta_cacheinfo cache = { 0 };
	const struct nlattr *attr;

	if (tb[RTA_CACHEINFO] && mnl_attr_get_payload_len(tb[RTA_CACHEINFO]) >= sizeof(cache))
		memcpy(&cache, mnl_attr_get_payload(tb[RTA_CACHEINFO]), sizeof(cache));
	if (!tb[RTA_METRICS] || cache.rta_expires)
		return false;
	mnl_attr_for_each_nested(attr, tb[RTA_METRICS])
		if (mnl_attr_get_type(attr) == RTAX_MTU)
			return true;
	return false;
}

struct answer {
	const struct routes *r;
	const struct fib_question *q;
	struct outcome *out;
};

static int take_answer(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	const struct answer *a = arg;
	struct outcome *out = a->out;
	uint32_t oif;

	if (nlh->nlmsg_type != RTM_NEWROUTE || !netlink_attrs(nlh, sizeof(*rtm), tb, RTA_MAX))
		return MNL_CB_OK;
	if (rtm->rtm_type != RTN_UNICAST || tb[RTA_ENCAP] || tb[RTA_ENCAP_TYPE] || has_mtu(tb))
		return MNL_CB_OK;
	oif = netlink_u32(tb[RTA_OIF]);
	if (a->q->from == FIB_FROM_LAN) {
		if (oif == a->r->conf.tunnel_ifindex)
			out->verdict = FIB_TUNNEL;
		return MNL_CB_OK;
	}
	if (!routes_link(a->r, oif))
		return MNL_CB_OK;
	out->verdict = FIB_LAN;
	out->link = oif;
	out->on_link = !netlink_gateway(tb, &out->gateway);
	if (out->on_link)
		netlink_addr_bytes(a->q->dst, a->q->family == AF_INET6 ? 16 : 4, &out->gateway);
	return MNL_CB_OK;
}

/* Only addresses that a router may pass on. */
static bool askable(const struct fib_question *q)
{
	const struct in6_addr *d6 = (const void *)q->dst, *s6 = (const void *)q->src;
	uint32_t d4;

	if (q->family == AF_INET6)
		return !IN6_IS_ADDR_MULTICAST(d6) && !IN6_IS_ADDR_LINKLOCAL(d6) && !IN6_IS_ADDR_LOOPBACK(d6) && !IN6_IS_ADDR_UNSPECIFIED(d6) &&
		       !IN6_IS_ADDR_V4MAPPED(d6) && !IN6_IS_ADDR_MULTICAST(s6) && !IN6_IS_ADDR_LINKLOCAL(s6) && !IN6_IS_ADDR_UNSPECIFIED(s6) &&
		       !IN6_IS_ADDR_LOOPBACK(s6);
	memcpy(&d4, q->dst, sizeof(d4));
	d4 = ntohl(d4);
	return d4 >> 24 != 0 && d4 >> 24 != IN_LOOPBACKNET && d4 >> 28 < 14 && q->src[0] != 0 && q->src[0] != IN_LOOPBACKNET && q->src[0] < 224 &&
	       d4 >> 16 != 0xa9fe;
}

/*
 * IPv4: may the kernel have refused for the source only (rp_filter, an address of its own)? Of other packets that says nothing. A blackhole gives the same
 * EINVAL as a bad source, but also to who does not come from anywhere.
 */
static bool by_source(struct routes *r, const struct fib_question *q, int error)
{
	union netlink_request req;
	struct rtmsg *rtm = netlink_request_init(&req, RTM_GETROUTE, 0, sizeof(*rtm));

	if (q->family != AF_INET || error != -EINVAL)
		return error == -EXDEV;
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	mnl_attr_put(&req.nlh, RTA_DST, 4, q->dst);
	return netlink_talk(&r->talk, &req.nlh, NULL, NULL) != -EINVAL;
}

void routes_kernel_ask(struct routes *r, const struct fib_question *q, struct outcome *out)
{
	const struct port_link *link = q->from == FIB_FROM_LAN ? routes_link_by_vid(r, q->vid) : NULL;
	const uint32_t iif = q->from == FIB_FROM_TUNNEL ? r->conf.tunnel_ifindex : link ? link->ifindex : 0;
	const uint8_t len = q->family == AF_INET6 ? 16 : 4;
	struct answer a = { .r = r, .q = q, .out = out };
	union netlink_request req;
	struct rtmsg *rtm;
	int rc;

	*out = (struct outcome){ .verdict = FIB_ASK };
	if (!iif || !askable(q))
		return;
	out->verdict = FIB_HOST;
	/* The kernel looks at this when it forwards, and not when it is asked. */
	if (q->family == AF_INET6 && !r->forwarding6)
		return;

	rtm = netlink_request_init(&req, RTM_GETROUTE, 0, sizeof(*rtm));
	rtm->rtm_family = q->family;
	rtm->rtm_dst_len = rtm->rtm_src_len = (uint8_t)(8 * len);
	mnl_attr_put(&req.nlh, RTA_DST, len, q->dst);
	mnl_attr_put(&req.nlh, RTA_SRC, len, q->src);
	mnl_attr_put_u32(&req.nlh, RTA_IIF, iif);
	rc = netlink_talk(&r->talk, &req.nlh, take_answer, &a);
	if (rc < 0 && by_source(r, q, rc))
		out->verdict = FIB_ASK;
}

/* Routes. */

struct told {
	struct dest at;
	const char *odd;
};

/* False: not a route that decides. */
static bool route_of(const struct nlmsghdr *nlh, struct told *t)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_MAX + 1];
	bool v4;

	if (!netlink_attrs(nlh, sizeof(*rtm), tb, RTA_MAX) || rtm->rtm_flags & RTM_F_CLONED)
		return false;
	v4 = rtm->rtm_family == AF_INET;
	if ((!v4 && rtm->rtm_family != AF_INET6) || rtm->rtm_dst_len > (v4 ? 32 : 128))
		return false;
	*t = (struct told){ .at = { .family = rtm->rtm_family, .len = rtm->rtm_dst_len } };
	if (tb[RTA_DST] && mnl_attr_get_payload_len(tb[RTA_DST]) == (v4 ? 4 : 16))
		memcpy(t->at.addr, mnl_attr_get_payload(tb[RTA_DST]), v4 ? 4 : 16);
	if (rtm->rtm_src_len)
		t->odd = "source address";
	else if (v4 && rtm->rtm_tos)
		t->odd = "TOS";
	return true;
}

/* Sets the base address's bit in one, and says whether the other has it; another address's bit may be the same, which only makes for another dump. */
static bool mark_base(uint64_t *set, const uint64_t *other, const uint8_t addr[4])
{
	uint32_t base, bit;

	memcpy(&base, addr, sizeof(base));
	bit = (base * 0x9e3779b1u) >> 12;
	set[bit / 64] |= 1ull << bit % 64;
	return other[bit / 64] & 1ull << bit % 64;
}

_Static_assert(DUMP_BITS == 1 << (32 - 12), "mark_base");

static void route_deleted(struct routes *r, const struct told *t)
{
	struct dump *d = &r->dump;

	prefix_lost_route(r, &t->at);
	if (t->odd)
		routes_want_dump(r, r->now);		/* it keeps the fib off */
	if (t->at.family == AF_INET6 || mark_base(d->gone, d->paused, t->at.addr))
		d->whole[t->at.family == AF_INET6] = false;
}

/* IPv4 routes may have gone with what this is about, or (with the first rule) moved to another table, which nobody tells. */
static void routes_went(struct routes *r)
{
	r->stale++;
	r->dump.whole[0] = r->dump.whole[1] = false;
}

static int take_notification(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct routes *r = arg;
	struct told t;

	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (!route_of(nlh, &t))
			return MNL_CB_OK;
		r->changed_at = r->now;
		if (nlh->nlmsg_type == RTM_NEWROUTE)
			prefix_see(r, &t.at, t.odd);
		else
			route_deleted(r, &t);
		break;
	case RTM_NEWLINK:
		r->survey_wanted = true;
		if (nlh->nlmsg_len >= NLMSG_HDRLEN + sizeof(*ifi) && !(ifi->ifi_flags & IFF_UP))
			routes_went(r);
		break;
	case RTM_NEWRULE:
	case RTM_DELLINK:
		r->survey_wanted = true;
		routes_went(r);
		break;
	case RTM_DELRULE:
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		r->survey_wanted = true;
		break;
	case RTM_DELADDR:
	case RTM_DELNEXTHOP:
		routes_went(r);
		break;
	}
	routes_touch(r);
	return MNL_CB_OK;
}

bool routes_kernel_read(struct routes *r)
{
	const int n = netlink_read(&r->notify, READ_MAX, take_notification, r);
	const bool empty = n >= 0 && n < READ_MAX;

	if (n < 0)
		r->overrun = r->lost = true;
	if (r->overrun)
		r->dump.whole[0] = r->dump.whole[1] = false;
	if (empty && r->overrun) {
		r->overrun = false;
		r->survey_wanted = true;
		routes_want_dump(r, r->now);
		routes_touch(r);
	}
	return empty;
}

int routes_kernel_dump(struct routes *r, uint8_t family)
{
	struct netlink *nl = &r->dump.nl;
	union netlink_request req;
	struct rtmsg *rtm = netlink_request_init(&req, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sizeof(*rtm));

	rtm->rtm_family = family;
	req.nlh.nlmsg_seq = ++nl->seq;
	return mnl_socket_sendto(nl->sock, &req.nlh, req.nlh.nlmsg_len) < 0 ? -errno : 0;
}

static int dump_end(const struct nlmsghdr *nlh)
{
	const int *error = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(*error))
		return nlh->nlmsg_type == NLMSG_DONE ? 1 : -EBADMSG;
	return *error < 0 ? *error : 1;
}

/* As routes_kernel_dump_step. */
static int dump_take(struct routes *r, const struct nlmsghdr *h, int len)
{
	struct dump *d = &r->dump;
	struct told t = { 0 };

	for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		if (h->nlmsg_seq != d->nl.seq || h->nlmsg_pid != d->nl.portid)
			continue;
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			d->whole[0] = d->whole[1] = false;
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return dump_end(h);
		if (h->nlmsg_type != RTM_NEWROUTE || !route_of(h, &t))
			continue;
		prefix_see(r, &t.at, t.odd);
	}
	if (t.at.family == AF_INET && mark_base(d->paused, d->gone, t.at.addr))
		d->whole[0] = false;
	return 0;
}

int routes_kernel_dump_step(struct routes *r)
{
	_Alignas(struct nlmsghdr) char buf[DUMP_BUFFER];
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < DUMP_READ; i++) {
		ssize_t n = mnl_socket_recvfrom(r->dump.nl.sock, buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		rc = dump_take(r, (const void *)buf, (int)n);
	}
	return rc;
}
