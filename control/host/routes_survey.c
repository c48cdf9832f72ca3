/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether destination and direction are all that the host decides by: what its rules select by, and whether the LAN's links are alike. Also rules' destinations, which
 * are prefixes like routes', and whether IPv6 is forwarded at all. Asked anew, all of it, when something has changed.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes_internal.h"

enum { DUMP_TRIES = 5 };

/* Attributes newer than Debian 12's headers (linux/fib_rules.h of 6.18). */
enum {
	LATER_DSCP = FRA_DPORT_RANGE + 1,
	LATER_FLOWLABEL,
	LATER_FLOWLABEL_MASK,
	LATER_SPORT_MASK,
	LATER_DPORT_MASK,
	LATER_DSCP_MASK,
};

struct survey {
	struct routes *r;
	struct dests to;
	char why[ROUTES_ERRLEN];	/* the first reason */
};

__attribute__((format(printf, 2, 3))) static void because(struct survey *s, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

/* Rules. */

/* Is the rule about one of the LAN's links, of several? A master's name (a VRF) is said by all of its links, or links_alike() complains. */
static bool by_link(const struct routes *r, const struct nlattr *name)
{
	if (!name || mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0 || nexthops_host(r->conf.lan)->n_links < 2)
		return false;
	return routes_link(r, if_nametoindex(mnl_attr_get_str(name)));
}

/* What the rule selects by that is not the destination's or the tunnel's; NULL: nothing. */
static const char *selects_by(const struct routes *r, const struct fib_rule_hdr *frh, const struct nlattr **tb)
{
	if (frh->src_len || tb[FRA_SRC])
		return "source address";
	if (frh->tos || tb[LATER_DSCP] || tb[LATER_DSCP_MASK])
		return "TOS";
	if (tb[FRA_IP_PROTO])
		return "protocol";
	if (tb[FRA_SPORT_RANGE] || tb[FRA_DPORT_RANGE] || tb[LATER_SPORT_MASK] || tb[LATER_DPORT_MASK])
		return "port";
	if (tb[LATER_FLOWLABEL] || tb[LATER_FLOWLABEL_MASK])
		return "flow label";
	if (tb[FRA_UID_RANGE])
		return "user";
	if (tb[FRA_TUN_ID])
		return "tunnel id";
	if (by_link(r, tb[FRA_IIFNAME]))
		return "incoming interface";
	return NULL;
}

static int add_dest(struct dests *to, const struct dest *at)
{
	struct dest *more;

	if (to->n == to->room) {
		more = realloc(to->v, (2 * to->room + 16) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		to->v = more;
		to->room = 2 * to->room + 16;
	}
	to->v[to->n++] = *at;
	return 0;
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[LATER_DSCP_MASK + 1];
	struct survey *s = arg;
	struct dest at = { 0 };
	const char *by;

	if (nlh->nlmsg_type != RTM_NEWRULE || !netlink_attrs(nlh, sizeof(*frh), tb, LATER_DSCP_MASK))
		return MNL_CB_OK;
	by = selects_by(s->r, frh, tb);
	if (by)
		because(s, "rule %u: by %s", netlink_u32(tb[FRA_PRIORITY]), by);
	if (!tb[FRA_DST] || !frh->dst_len || mnl_attr_get_payload_len(tb[FRA_DST]) > sizeof(at.addr))
		return MNL_CB_OK;
	at.family = frh->family;
	at.len = frh->dst_len;
	memcpy(at.addr, mnl_attr_get_payload(tb[FRA_DST]), mnl_attr_get_payload_len(tb[FRA_DST]));
	return add_dest(&s->to, &at) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int dump_rules(struct survey *s, uint8_t family)
{
	union netlink_request req;
	struct fib_rule_hdr *frh;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		frh = netlink_request_init(&req, RTM_GETRULE, NLM_F_DUMP, sizeof(*frh));
		frh->family = family;
		rc = netlink_talk(&s->r->talk, &req.nlh, take_rule, s);
	}
	/* A kernel without the family, or without rules. */
	return rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP ? 0 : rc;
}

/* Forwarding and links. */

static int take_forwarding(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NETCONFA_MAX + 1];
	bool *on = arg;

	if (nlh->nlmsg_type == RTM_NEWNETCONF && netlink_attrs(nlh, sizeof(struct netconfmsg), tb, NETCONFA_MAX))
		*on = netlink_u32(tb[NETCONFA_FORWARDING]);
	return MNL_CB_OK;
}

/* An interface without that family forwards nothing. */
static bool forwarding(struct routes *r, uint8_t family, int32_t ifindex)
{
	union netlink_request req;
	struct netconfmsg *ncm = netlink_request_init(&req, RTM_GETNETCONF, 0, sizeof(*ncm));
	bool on = false;

	ncm->ncm_family = family;
	mnl_attr_put_u32(&req.nlh, NETCONFA_IFINDEX, (uint32_t)ifindex);
	netlink_talk(&r->talk, &req.nlh, take_forwarding, &on);
	return on;
}

struct master {
	uint32_t ifindex;		/* 0: none */
	bool vrf;
};

static int take_master(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[IFLA_MAX + 1], *attr;
	struct master *m = arg;

	if (nlh->nlmsg_type != RTM_NEWLINK || !netlink_attrs(nlh, sizeof(struct ifinfomsg), tb, IFLA_MAX))
		return MNL_CB_OK;
	m->ifindex = netlink_u32(tb[IFLA_MASTER]);
	if (!tb[IFLA_LINKINFO])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(attr, tb[IFLA_LINKINFO])
		if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			m->vrf = strcmp(mnl_attr_get_str(attr), "vrf") == 0;
	return MNL_CB_OK;
}

static struct master master_of(struct routes *r, uint32_t ifindex)
{
	union netlink_request req;
	struct ifinfomsg *ifi = netlink_request_init(&req, RTM_GETLINK, 0, sizeof(*ifi));
	struct master m = { 0 };

	ifi->ifi_index = (int)ifindex;
	netlink_talk(&r->talk, &req.nlh, take_master, &m);
	return m;
}

/* Verdicts for what comes from the LAN do not know by which of its links. */
static void links_alike(struct survey *s)
{
	const struct nexthops_host *host = nexthops_host(s->r->conf.lan);
	bool forwards = false;
	struct master first = { 0 };
	char name[IF_NAMESIZE];

	for (size_t i = 0; i < host->n_links; i++) {
		const uint32_t ifindex = host->links[i].ifindex;
		const struct master m = master_of(s->r, ifindex);
		const bool on = host->n_links > 1 && forwarding(s->r, AF_INET, (int32_t)ifindex);

		if (!if_indextoname(ifindex, name))
			continue;
		if (m.ifindex && !m.vrf)
			because(s, "%s belongs to another interface (bridge, bond)", name);
		if (i && m.ifindex != first.ifindex)
			because(s, "%s is in another VRF than the LAN's other interfaces", name);
		if (i && on != forwards)
			because(s, "net.ipv4.conf.%s.forwarding is not as for the LAN's other interfaces", name);
		if (!i) {
			first = m;
			forwards = on;
		}
	}
}

bool survey(struct routes *r)
{
	struct survey s = { .r = r };
	struct dests old = r->rules;

	if (dump_rules(&s, AF_INET) < 0 || dump_rules(&s, AF_INET6) < 0) {
		free(s.to.v);
		return false;
	}
	r->forwarding6 = forwarding(r, AF_INET6, NETCONFA_IFINDEX_ALL);
	links_alike(&s);
	for (size_t i = 0; i < s.to.n; i++)
		prefix_add_rule(r, &s.to.v[i]);
	for (size_t i = 0; i < old.n; i++)
		prefix_del_rule(r, &old.v[i]);
	free(old.v);
	r->rules = s.to;
	memcpy(r->survey, s.why, sizeof(r->survey));
	return true;
}
