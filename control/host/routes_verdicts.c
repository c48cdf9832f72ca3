/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verdicts: what the kernel said about a packet, kept for all of the prefix that its destination falls under.
 *
 *   question -> kernel -> judgement of the prefix -> entry->verdict, ->way
 *   changes  -> routes.again -> the same question once more, if packets go by the verdict; else it is forgotten
 *
 * A destination on the LAN's own link has itself as neighbour: there the prefix has no verdict, and a host prefix gets it.
 *
 * All prefixes that lead to a neighbour share one struct way. When its headers change, hop->late holds those that publish an older one, which are worked
 * off a part a tick.
 */
#include <stdlib.h>
#include <string.h>

#include "port.h"
#include "routes_internal.h"

enum {
	ASK_BUDGET = 256,		/* kernel queries a tick */
	FORGET_BUDGET = 2048,		/* or this many looked at without */
	LATE_BUDGET = 2048,		/* ways published a tick */
	STALE_BUDGET = 256,		/* ways made a tick */
};

/* Ways. */

/* Cores copied from it after they had found it in an entry; each has had a quiescent state since the last entry published another. */
static void way_free(struct rcu_head *head)
{
	rcu_callback();
	free(caa_container_of(head, struct way, fib.rcu));
}

static void way_put(struct way *w)
{
	if (w && --w->refs == 0)
		call_rcu(&w->fib.rcu, way_free);
}

static struct way *way_get(struct way *w)
{
	if (w)
		w->refs++;
	return w;
}

static struct fib_way *published(struct way *w)
{
	return w ? &w->fib : NULL;
}

/* The headers as they are now; NULL: the neighbour is not known, or no memory. */
static struct way *way_new(const struct routes *r, const struct hop *hop)
{
	struct endpoint ep = { 0 };
	uint8_t mac[6];
	struct way *w;

	if (!nexthop_way(hop->nexthop, mac, &ep))
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->fib.len = port_lan_headers(r->conf.lan_port, hop->ifindex, mac, w->fib.hdr, &w->fib.mtu);
	if (!w->fib.len) {
		free(w);
		return NULL;
	}
	w->refs = 1;
	return w;
}

static bool way_same(const struct way *a, const struct way *b)
{
	if (!a || !b)
		return a == b;
	return a->fib.mtu == b->fib.mtu && a->fib.len == b->fib.len && memcmp(a->fib.hdr, b->fib.hdr, a->fib.len) == 0;
}

/* Hops. */

static struct hop *hop_get(struct routes *r, uint32_t ifindex, const struct in6_addr *gateway)
{
	struct nexthop *nh = nexthop_get_neighbour(r->conf.lan, ifindex, gateway);
	struct cds_list_head *users;
	struct hop *hop;

	if (!nh)
		return NULL;
	users = nexthop_users(nh);
	if (!cds_list_empty(users)) {
		nexthop_put(r->conf.lan, nh);
		return cds_list_first_entry(users, struct hop, of_nexthop);
	}
	hop = calloc(1, sizeof(*hop));
	if (!hop) {
		nexthop_put(r->conf.lan, nh);
		return NULL;
	}
	hop->nexthop = nh;
	hop->ifindex = ifindex;
	CDS_INIT_LIST_HEAD(&hop->users);
	CDS_INIT_LIST_HEAD(&hop->late);
	cds_list_add(&hop->of_nexthop, users);
	cds_list_add_tail(&hop->list, &r->hops);
	hop->way = way_new(r, hop);
	return hop;
}

/* With nobody left on it. */
static void hop_put(struct routes *r, struct hop *hop)
{
	if (!cds_list_empty(&hop->users) || !cds_list_empty(&hop->late))
		return;
	cds_list_del(&hop->list);
	cds_list_del(&hop->of_nexthop);
	way_put(hop->way);
	nexthop_put(r->conf.lan, hop->nexthop);
	free(hop);
}

/* The prefix publishes the way of its hop as it is now. */
static void judgement_publish(struct judgement *j)
{
	struct way *old = j->way;

	j->way = j->hop ? way_get(j->hop->way) : NULL;
	rcu_publish(j->prefix->entry.way, published(j->way));
	way_put(old);
	if (j->hop)
		cds_list_move(&j->of_hop, &j->hop->users);
}

/* NULL: to none. */
static void judgement_set_hop(struct routes *r, struct judgement *j, struct hop *hop)
{
	struct hop *old = j->hop;

	if (hop == old)
		return;
	cds_list_del_init(&j->of_hop);
	j->hop = hop;
	judgement_publish(j);
	if (old)
		hop_put(r, old);
}

static void hop_renew(struct routes *r, struct hop *hop)
{
	struct way *w = way_new(r, hop);

	cds_list_del(&hop->list);
	if (way_same(w, hop->way)) {
		way_put(w);
		cds_list_add_tail(&hop->list, cds_list_empty(&hop->late) ? &r->hops : &r->hops_late);
		return;
	}
	way_put(hop->way);
	hop->way = w;
	cds_list_splice(&hop->users, &hop->late);
	CDS_INIT_LIST_HEAD(&hop->users);
	cds_list_add_tail(&hop->list, &r->hops_late);
}

void hops_tick(struct routes *r)
{
	for (unsigned int i = 0; i < STALE_BUDGET && !cds_list_empty(&r->hops_stale); i++)
		hop_renew(r, cds_list_first_entry(&r->hops_stale, struct hop, list));
	for (unsigned int i = 0; i < LATE_BUDGET && !cds_list_empty(&r->hops_late); i++) {
		struct hop *hop = cds_list_first_entry(&r->hops_late, struct hop, list);

		if (cds_list_empty(&hop->late))
			cds_list_move(&hop->list, &r->hops);
		else
			judgement_publish(cds_list_first_entry(&hop->late, struct judgement, of_hop));
	}
}

void routes_neighbour_changed(struct routes *r, struct nexthop *nh)
{
	struct cds_list_head *users = nexthop_users(nh);

	if (!cds_list_empty(users))
		cds_list_move(&cds_list_first_entry(users, struct hop, of_nexthop)->list, &r->hops_stale);
}

void routes_links_changed(struct routes *r)
{
	cds_list_splice(&r->hops, &r->hops_stale);
	CDS_INIT_LIST_HEAD(&r->hops);
	cds_list_splice(&r->hops_late, &r->hops_stale);
	CDS_INIT_LIST_HEAD(&r->hops_late);
	r->survey_wanted = true;
	routes_touch(r);
}

/* Judgements. */

bool prefix_was_used(struct prefix *p, enum fib_from from)
{
	return __atomic_fetch_and(&p->entry.used, ~(1u << from), __ATOMIC_RELAXED) & 1u << from;
}

static void set_verdict(struct prefix *p, enum fib_from from, enum fib_verdict v)
{
	__atomic_store_n(&p->entry.verdict[from], v, __ATOMIC_RELEASE);
}

/* Whoever finds the verdict unknown may ask from now on. */
static void answered(struct prefix *p, enum fib_from from)
{
	__atomic_fetch_and(&p->entry.asked, ~(1u << from), __ATOMIC_RELEASE);
}

void verdict_forget(struct routes *r, struct prefix *p, enum fib_from from)
{
	struct judgement *j = p->judged[from];

	if (!j)
		return;
	set_verdict(p, from, FIB_ASK);
	judgement_set_hop(r, j, NULL);
	cds_list_del(&j->queue);
	p->judged[from] = NULL;
	r->n_judged--;
	free(j);
	answered(p, from);
}

/* A host without a verdict would be none. */
static void verdict_drop(struct routes *r, struct prefix *p, enum fib_from from)
{
	if (p->host && from == FIB_FROM_TUNNEL)
		prefix_del_host(r, p);
	else
		verdict_forget(r, p, from);
}

static struct judgement *judgement_get(struct routes *r, struct prefix *p, const struct fib_question *q)
{
	struct judgement *j = p->judged[q->from];

	if (!j) {
		j = calloc(1, sizeof(*j));
		if (!j)
			return NULL;
		CDS_INIT_LIST_HEAD(&j->of_hop);
		cds_list_add_tail(&j->queue, &r->judged);
		j->prefix = p;
		j->used_at = r->now;
		p->judged[q->from] = j;
		r->n_judged++;
	}
	j->q = *q;
	return j;
}

/* The kernel's answer to q is p's verdict; without memory there is none. */
static void judge(struct routes *r, struct prefix *p, const struct fib_question *q, const struct outcome *out)
{
	struct judgement *j = judgement_get(r, p, q);
	struct hop *hop = NULL;

	if (j && out->verdict == FIB_LAN)
		hop = hop_get(r, out->link, &out->gateway);
	if (!j || (out->verdict == FIB_LAN && !hop)) {
		verdict_drop(r, p, q->from);
		return;
	}
	if (out->verdict == FIB_LAN) {
		judgement_set_hop(r, j, hop);
		set_verdict(p, q->from, FIB_LAN);
	} else {
		set_verdict(p, q->from, out->verdict);
		judgement_set_hop(r, j, NULL);
	}
}

/* A neighbour's own prefix; there is none yet for this address. */
/*
 * Only once the host knows its neighbour, which it asks for to pass on this very packet: were it for us to keep asking, packets to many addresses where nobody is would
 * fill the host's neighbour table.
 */
static void judge_host(struct routes *r, const struct fib_question *q, const struct outcome *out)
{
	struct prefix *p = nexthops_neighbour_known(r->conf.lan, out->link, &out->gateway) ? prefix_add_host(r, q->family, q->dst) : NULL;

	if (p)
		judge(r, p, q, out);
}

/* What the kernel says now about q, for p. `host`: p may get a host prefix within it. */
static void verdict_take(struct routes *r, struct prefix *p, const struct fib_question *q, bool host)
{
	struct outcome out;

	routes_kernel_ask(r, q, &out);
	if (out.verdict == FIB_ASK || (p->host && q->from == FIB_FROM_TUNNEL && !out.on_link)) {
		verdict_drop(r, p, q->from);
	} else if (out.verdict == FIB_LAN && out.on_link && !prefix_is_host_long(p)) {
		verdict_forget(r, p, q->from);
		if (host)
			judge_host(r, q, &out);
	} else {
		judge(r, p, q, &out);
	}
}

void verdict_ask(struct routes *r, const struct fib_question *q)
{
	struct fib_entry *e;
	struct prefix *p;

	if (q->from >= FIB_FROM_N || (q->family != AF_INET && q->family != AF_INET6))
		return;
	e = fib_lookup(r->conf.fib, q->family, q->dst);
	if (!e)
		return;
	p = caa_container_of(e, struct prefix, entry);
	if (r->ready && !r->off[0] && !p->judged[q->from])
		verdict_take(r, p, q, true);
	answered(p, q->from);
}

/* True: the kernel was asked. */
static bool again_one(struct routes *r, struct judgement *j)
{
	const struct fib_question q = j->q;
	struct prefix *p = j->prefix;
	const bool used = prefix_was_used(p, q.from);

	if (!used && !(p->host && q.from == FIB_FROM_TUNNEL)) {
		verdict_forget(r, p, q.from);
		return false;
	}
	if (used && p->host)
		p->busy = true;
	cds_list_del(&j->queue);
	cds_list_add_tail(&j->queue, &r->judged);
	verdict_take(r, p, &q, false);
	return true;
}

void verdicts_again(struct routes *r)
{
	unsigned int asked = 0;

	for (unsigned int i = 0; i < FORGET_BUDGET && asked < ASK_BUDGET && !cds_list_empty(&r->again); i++)
		asked += again_one(r, cds_list_first_entry(&r->again, struct judgement, queue));
}

static bool within(const uint8_t *addr, const struct dest *at)
{
	unsigned int whole = at->len / 8, rest = at->len % 8;

	if (memcmp(addr, at->addr, whole) != 0)
		return false;
	return !rest || (uint8_t)((addr[whole] ^ at->addr[whole]) >> (8 - rest)) == 0;
}

void verdicts_split(struct routes *r, const struct dest *at)
{
	struct fib_entry *e = fib_above(r->conf.fib, at->family, at->addr, at->len);
	struct prefix *p = e ? caa_container_of(e, struct prefix, entry) : NULL;

	for (int from = 0; p && from < FIB_FROM_N; from++)
		if (p->judged[from] && within(p->judged[from]->q.dst, at))
			verdict_forget(r, p, from);
}
