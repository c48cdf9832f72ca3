/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two policy rules of a default route in table T:
 *
 *	P	lookup main, but leave out its default route
 *	P + 1	not marked T: lookup T
 *
 * So what is not our own tunnel's traffic takes a more specific route if there is one, and else the
 * tunnel. P is chosen as the kernel does for a rule without priority, just above the second rule,
 * but here, so that netif_rules_down removes these very rules: another tunnel has such a pair too,
 * and the kernel would delete the first that looks alike. Control thread, at start-up, shut-down.
 */
#include "netif_internal.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <string.h>

enum rule_kind { RULE_SUPPRESS, RULE_FWMARK };

/* One of ours, from a dump; others have kind -1. */
struct rule {
	uint32_t pref, table;
	int kind;
};

static uint32_t attr_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr ? mnl_attr_get_u32(attr) : otherwise;
}

static bool rule_parse(const struct nlmsghdr *nlh, int family, struct rule *r)
{
	const struct nlattr *tb[FRA_OIFNAME + 1];
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	uint32_t suppress, mark, mask;

	if (nlh->nlmsg_type != RTM_NEWRULE ||
	    !netlink_attrs(nlh, sizeof(*frh), tb, FRA_OIFNAME) || frh->family != family)
		return false;
	r->pref = attr_u32(tb[FRA_PRIORITY], 0);
	r->table = attr_u32(tb[FRA_TABLE], frh->table);
	r->kind = -1;
	suppress = attr_u32(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX);
	mark = attr_u32(tb[FRA_FWMARK], 0);
	mask = attr_u32(tb[FRA_FWMASK], 0);
	if (frh->action != FR_ACT_TO_TBL || frh->src_len || frh->dst_len || tb[FRA_IIFNAME] ||
	    tb[FRA_OIFNAME])
		return true;
	if (suppress == 0 && !mark && !(frh->flags & FIB_RULE_INVERT) && r->table == RT_TABLE_MAIN)
		r->kind = RULE_SUPPRESS;
	else if (suppress == UINT32_MAX && mark && mark == r->table && mask == UINT32_MAX &&
		 frh->flags & FIB_RULE_INVERT)
		r->kind = RULE_FWMARK;
	return true;
}

/* What one look at all rules of a family tells. */
struct survey {
	int family;
	uint32_t table; /* leftovers are looked for that lead to it */
	unsigned int n;
	uint32_t pref; /* that the kernel would choose next */
	bool any_suppress;
	struct rule prev;
	struct netif_rules leftover;
};

static int survey_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct survey *s = arg;
	struct rule r;

	if (!rule_parse(nlh, s->family, &r))
		return MNL_CB_OK;
	if (s->n++ == 1 && r.pref)
		s->pref = r.pref - 1;
	if (r.kind == RULE_SUPPRESS)
		s->any_suppress = true;
	if (r.kind == RULE_FWMARK && r.table == s->table && !s->leftover.fwmark) {
		s->leftover.fwmark = true;
		s->leftover.mark = s->table;
		s->leftover.fwmark_pref = r.pref;
		s->leftover.suppress = s->prev.kind == RULE_SUPPRESS;
		s->leftover.suppress_pref = s->prev.pref;
	}
	s->prev = r;
	return MNL_CB_OK;
}

static int survey(struct netif *n, int family, struct survey *s)
{
	union netlink_request req;
	struct fib_rule_hdr *frh;

	memset(s, 0, sizeof(*s));
	s->family = family;
	s->table = n->fwmark;
	s->prev.kind = -1;
	frh = netlink_request_init(&req, RTM_GETRULE, NLM_F_DUMP, sizeof(*frh));
	frh->family = (uint8_t)family;
	return netif_dump(&n->nl, &req, survey_cb, s);
}

static int rule_talk(struct netif *n, uint16_t type, int family, enum rule_kind kind,
		     uint32_t pref, uint32_t mark)
{
	union netlink_request req;
	struct fib_rule_hdr *frh;
	uint16_t flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;

	frh = netlink_request_init(&req, type, flags, sizeof(*frh));
	frh->family = (uint8_t)family;
	frh->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(&req.nlh, FRA_PRIORITY, pref);
	if (kind == RULE_SUPPRESS) {
		frh->table = RT_TABLE_MAIN;
		mnl_attr_put_u32(&req.nlh, FRA_SUPPRESS_PREFIXLEN, 0);
	} else {
		frh->flags = FIB_RULE_INVERT;
		mnl_attr_put_u32(&req.nlh, FRA_FWMARK, mark);
		mnl_attr_put_u32(&req.nlh, FRA_TABLE, mark);
	}
	return netlink_talk(&n->nl, &req.nlh, NULL, NULL);
}

/* 0 or -errno, with n->nl.error. What is not there any more counts as removed. */
static int rules_remove(struct netif *n, int family, struct netif_rules *rules)
{
	int rc = 0, rc2 = 0;

	if (rules->fwmark)
		rc = rule_talk(n, RTM_DELRULE, family, RULE_FWMARK, rules->fwmark_pref, rules->mark);
	if (rules->suppress)
		rc2 = rule_talk(n, RTM_DELRULE, family, RULE_SUPPRESS, rules->suppress_pref, rules->mark);
	memset(rules, 0, sizeof(*rules));
	if (rc && rc != -ENOENT)
		return rc;
	return rc2 == -ENOENT ? 0 : rc2;
}

/*
 * A process that was killed leaves its rules. Those that lead to our table are taken away first:
 * ours replace them, and they would stay for ever otherwise.
 */
static int rules_sweep(struct netif *n, int family, struct survey *s)
{
	int rc = survey(n, family, s);

	while (!rc && s->leftover.fwmark) {
		rc = rules_remove(n, family, &s->leftover);
		if (!rc)
			rc = survey(n, family, s);
	}
	return rc;
}

bool netif_rules_up(struct netif *n, int family, char *err)
{
	struct netif_rules *rules = &n->rules[family == AF_INET6];
	struct survey s;
	int rc = rules_sweep(n, family, &s);

	rules->mark = n->fwmark;
	/* In this order: with priority 0 the second comes behind the first. */
	if (!rc) {
		rules->suppress_pref = s.pref ? s.pref - 1 : 0;
		rc = rule_talk(n, RTM_NEWRULE, family, RULE_SUPPRESS, rules->suppress_pref, rules->mark);
		rules->suppress = !rc;
	}
	if (!rc) {
		rules->fwmark_pref = s.pref;
		rc = rule_talk(n, RTM_NEWRULE, family, RULE_FWMARK, rules->fwmark_pref, rules->mark);
		rules->fwmark = !rc;
	}
	if (rc)
		return netif_fail(err, "cannot add policy rules for the %s default route: %s",
				  family == AF_INET ? "IPv4" : "IPv6", n->nl.error);
	return true;
}

bool netif_rules_down(struct netif *n, int family, char *err)
{
	if (rules_remove(n, family, &n->rules[family == AF_INET6]))
		return netif_fail(err, "cannot remove the policy rules: %s", n->nl.error);
	return true;
}

bool netif_rules_in_use(struct netif *n, int family)
{
	struct survey s;

	return survey(n, family, &s) == 0 && s.any_suppress;
}
