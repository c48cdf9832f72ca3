/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which prefixes are in the fib: those of routes, of rules' destinations, and hosts of the LAN.
 *
 * A route's prefix comes with the first route that has it, and goes when a dump of all routes has not shown it. Not with a notification: the kernel does not say which of several
 * routes with a prefix is left (NLM_F_APPEND, multipath, another table), nor which IPv4 routes go with a link. A prefix without a route only splits what
 * is alike, and costs memory until the next dump, which routes.c sees to.
 *
 * Cores find a prefix by the fib alone: it is freed a grace period after it was taken out of there.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes_internal.h"

enum {
	SWEEP = 256,			/* prefixes a tick */
	HOSTS_SWEEP = 256,
	HOSTS_EVICT = 8,		/* tries to find one that is not in use */
	HOST_AGE_S = 60,
};

static struct prefix *of_entry(struct fib_entry *e)
{
	return e ? caa_container_of(e, struct prefix, entry) : NULL;
}

static struct prefix *prefix_at(const struct routes *r, const struct dest *at)
{
	return of_entry(fib_at(r->conf.fib, at->family, at->addr, at->len));
}

/* Cores held it since they had looked it up; each has had a quiescent state after it was taken out of the fib. */
static void prefix_free(struct rcu_head *head)
{
	rcu_callback();
	free(caa_container_of(head, struct prefix, rcu));
}

static void prefix_remove(struct routes *r, struct prefix *p)
{
	verdict_forget(r, p, FIB_FROM_LAN);
	verdict_forget(r, p, FIB_FROM_TUNNEL);
	cds_list_del(&p->list);
	fib_remove(r->conf.fib, p->family, p->addr, p->len);
	r->n_odd -= p->odd;
	if (p->host)
		r->n_hosts--;
	else
		r->n_prefixes--;
	call_rcu(&p->rcu, prefix_free);
}

static struct prefix *prefix_new(struct routes *r, uint8_t family, const uint8_t *addr, uint8_t len)
{
	struct prefix *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->family = family;
	p->len = len;
	memcpy(p->addr, addr, family == AF_INET6 ? 16 : 4);
	if (fib_insert(r->conf.fib, family, addr, len, &p->entry) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

/* A host that is a route's or rule's prefix, too: it is one of those from now on. */
static void host_becomes_prefix(struct routes *r, struct prefix *p)
{
	verdict_forget(r, p, FIB_FROM_LAN);
	verdict_forget(r, p, FIB_FROM_TUNNEL);
	p->host = false;
	cds_list_move(&p->list, &r->seen);
	r->n_hosts--;
	r->n_prefixes++;
}

/* Of routes and rules. NULL: it cannot be had, and r->incomplete says so. */
static struct prefix *prefix_get(struct routes *r, const struct dest *at)
{
	const size_t max = r->conf.prefixes_max ? r->conf.prefixes_max : ROUTES_MAX;
	struct prefix *p = prefix_at(r, at);

	if (p && !p->host)
		return p;
	if (p) {
		host_becomes_prefix(r, p);
		p->generation = r->generation;
		return p;
	}
	verdicts_split(r, at);
	p = r->n_prefixes < max ? prefix_new(r, at->family, at->addr, at->len) : NULL;
	if (!p) {
		r->dump.failed = r->n_prefixes < max ? "no memory for the host's routes" : "the host has too many routes";
		r->incomplete = r->dump.failed;
		return NULL;
	}
	p->generation = r->generation;
	cds_list_add_tail(&p->list, &r->seen);
	r->n_prefixes++;
	return p;
}

void prefix_see(struct routes *r, const struct dest *at, const char *odd)
{
	struct prefix *p = prefix_get(r, at);
	char text[INET6_ADDRSTRLEN];

	if (!p)
		return;
	p->route = true;
	if (p->generation != r->generation) {
		p->generation = r->generation;
		cds_list_move(&p->list, &r->seen);
		r->n_odd -= p->odd;
		p->odd = false;
	}
	if (!odd)
		return;
	r->n_odd += !p->odd;
	p->odd = true;
	snprintf(r->odd, sizeof(r->odd), "route to %s/%u: by %s", inet_ntop(at->family, at->addr, text, sizeof(text)), at->len, odd);
}

void prefix_lost_route(struct routes *r, const struct dest *at)
{
	const struct prefix *p = prefix_at(r, at);

	r->stale += p && p->route;
}

void prefix_add_rule(struct routes *r, const struct dest *at)
{
	struct prefix *p = prefix_get(r, at);

	if (p)
		p->rules++;
}

void prefix_del_rule(struct routes *r, const struct dest *at)
{
	struct prefix *p = prefix_at(r, at);

	if (!p || !p->rules)
		return;
	p->rules--;
	if (!p->rules && !p->route)
		prefix_remove(r, p);
}

void prefixes_begin_dump(struct routes *r)
{
	cds_list_splice(&r->seen, &r->unseen);
	CDS_INIT_LIST_HEAD(&r->seen);
	r->generation++;
}

static void sweep_one(struct routes *r, struct prefix *p)
{
	if (p->route && r->dump.whole[p->family == AF_INET6])
		p->route = false;
	if (p->route || p->rules) {
		if (!p->route) {
			r->n_odd -= p->odd;
			p->odd = false;
		}
		cds_list_move(&p->list, &r->seen);
		p->generation = r->generation;
	} else {
		prefix_remove(r, p);
	}
}

bool prefixes_sweep(struct routes *r)
{
	for (unsigned int i = 0; i < SWEEP && !cds_list_empty(&r->unseen); i++)
		sweep_one(r, cds_list_first_entry(&r->unseen, struct prefix, list));
	return cds_list_empty(&r->unseen);
}

/* Hosts. */

static bool host_in_use(struct prefix *p)
{
	bool tunnel = prefix_was_used(p, FIB_FROM_TUNNEL), lan = prefix_was_used(p, FIB_FROM_LAN), busy = p->busy;

	p->busy = false;
	return tunnel || lan || busy;
}

/* Looks at the host that has not been looked at for the longest time. */
static void host_age(struct routes *r)
{
	struct prefix *p = cds_list_first_entry(&r->hosts, struct prefix, list);

	if (host_in_use(p)) {
		p->judged[FIB_FROM_TUNNEL]->used_at = r->now;
		cds_list_del(&p->list);
		cds_list_add_tail(&p->list, &r->hosts);
	} else {
		prefix_remove(r, p);
	}
}

uint64_t prefixes_age_hosts(struct routes *r)
{
	for (unsigned int i = 0; !cds_list_empty(&r->hosts); i++) {
		const struct prefix *p = cds_list_first_entry(&r->hosts, struct prefix, list);
		uint64_t due = p->judged[FIB_FROM_TUNNEL]->used_at + HOST_AGE_S * ROUTES_S;

		if (due > r->now)
			return due;
		if (i == HOSTS_SWEEP)
			return r->now;
		host_age(r);
	}
	return UINT64_MAX;
}

struct prefix *prefix_add_host(struct routes *r, uint8_t family, const uint8_t *addr)
{
	const size_t max = r->conf.hosts_max ? r->conf.hosts_max : ROUTES_HOSTS_MAX;
	struct prefix *p;

	for (unsigned int i = 0; i < HOSTS_EVICT && r->n_hosts >= max; i++)
		host_age(r);
	if (r->n_hosts >= max)
		return NULL;
	p = prefix_new(r, family, addr, family == AF_INET6 ? 128 : 32);
	if (!p)
		return NULL;
	p->host = true;
	cds_list_add_tail(&p->list, &r->hosts);
	r->n_hosts++;
	return p;
}

void prefix_del_host(struct routes *r, struct prefix *p)
{
	prefix_remove(r, p);
}

static void free_all(struct routes *r, struct cds_list_head *list)
{
	struct prefix *p, *next;

	cds_list_for_each_entry_safe(p, next, list, list) {
		verdict_forget(r, p, FIB_FROM_LAN);
		verdict_forget(r, p, FIB_FROM_TUNNEL);
		free(p);
	}
}

void prefixes_free(struct routes *r)
{
	free_all(r, &r->seen);
	free_all(r, &r->unseen);
	free_all(r, &r->hosts);
}
