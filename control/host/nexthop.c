/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A nexthop for each address in use, and a neighbour for each gateway or on-link address of theirs:
 *
 *   nexthop_get -> pending -> kernel_get_route -> its neighbour -> kernel_get_neigh -> report
 *
 * A change of routes puts every nexthop back into `pending`, of which each tick works off a part. A
 * change of a neighbour touches its nexthops only. Neighbours that the kernel is not sure of
 * (stale, failed, without an entry) are asked for: at once, and while they fail after 1, 2, 4, and
 * then every 8 seconds. The kernel calls one stale about 30 s after it was last confirmed, so that
 * being asked for then, every neighbour in use stays confirmed.
 *
 * All of it runs in the control thread. Reports are queued, and made at the end of a tick only, so
 * that whoever gets one may do as he likes here.
 */
#include <assert.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexthop_internal.h"

#define MS 1000000ull

enum {
	BUDGET = 256,			/* nexthops, and neighbours, a tick */
	ROUTES_DELAY_MS = 50,		/* a change seldom comes alone */
	ROUTES_GAP_MS = 1000,
	ROUTES_GAP_NEXTHOP_NS = 100000,

	NUD_CERTAIN = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_DELAY,
	NUD_HAS_MAC = NUD_CERTAIN | NUD_STALE,
};

static const uint64_t ask_delay[ASK_LEVELS] = { 0, 1000 * MS, 2000 * MS, 4000 * MS, 8000 * MS };

static void nexthop_touch(struct nexthops *nhs, struct nexthop *nh)
{
	if (cds_list_empty(&nh->report))
		cds_list_add_tail(&nh->report, &nhs->reports);
}

/* To be asked for when the delay of `level` is over; ASK_LEVELS: not at all. */
static void neigh_schedule(struct nexthops *nhs, struct neigh *n, unsigned int level)
{
	cds_list_del_init(&n->ask);
	n->ask_at = 0;
	if (level < ASK_LEVELS)
		cds_list_add_tail(&n->ask, &nhs->asks[level]);
}

void neigh_update(struct nexthops *nhs, struct neigh *n, uint16_t state, const uint8_t *mac)
{
	struct nexthop *nh;

	n->state = mac ? state : state & ~NUD_HAS_MAC;
	n->seen = true;
	if (mac)
		memcpy(n->mac, mac, sizeof(n->mac));
	cds_list_for_each_entry(nh, &n->nexthops, by_neigh)
		nexthop_touch(nhs, nh);

	if (n->state & NUD_CERTAIN) {
		n->failures = 0;
		neigh_schedule(nhs, n, ASK_LEVELS);
	} else if (n->state & NUD_FAILED) {
		n->failures = n->failures < ASK_LEVELS - 1 ? n->failures + 1 : ASK_LEVELS - 1;
		neigh_schedule(nhs, n, n->failures);
	} else if (n->state & NUD_INCOMPLETE) {
		/* Its end is told; should that get lost, there is a next time. */
		neigh_schedule(nhs, n, ASK_LEVELS - 1);
	} else {
		n->failures = n->state & NUD_STALE ? 0 : n->failures;
		neigh_schedule(nhs, n, n->failures);
	}
}

static struct neigh *neigh_get(struct nexthops *nhs, const struct in6_addr *addr)
{
	const struct addr_key key = { .remote = *addr };
	struct table_node *node = table_find(&nhs->neighs, &key);
	struct neigh *n;

	if (node)
		return caa_container_of(node, struct neigh, node);
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->node.key = key;
	CDS_INIT_LIST_HEAD(&n->nexthops);
	CDS_INIT_LIST_HEAD(&n->ask);
	cds_list_add_tail(&n->known, &nhs->neighs_list);
	table_insert(&nhs->neighs, &n->node);
	kernel_get_neigh(nhs, n);
	return n;
}

static void nexthop_leave_neigh(struct nexthops *nhs, struct nexthop *nh)
{
	struct neigh *n = nh->neigh;

	if (!n)
		return;
	nh->neigh = NULL;
	cds_list_del_init(&nh->by_neigh);
	if (!cds_list_empty(&n->nexthops))
		return;
	cds_list_del(&n->known);
	cds_list_del(&n->ask);
	table_remove(&nhs->neighs, &n->node);
	free(n);
}

/* Without memory for a neighbour it stays pending. */
static void nexthop_resolve(struct nexthops *nhs, struct nexthop *nh)
{
	struct neigh *n = NULL;
	struct route r;

	if (kernel_get_route(nhs, &nh->node.key, &r)) {
		n = neigh_get(nhs, &r.gateway);
		if (!n)
			return;
		nh->local = r.local;
	}
	if (nh->neigh != n) {
		nexthop_leave_neigh(nhs, nh);
		nh->neigh = n;
		if (n)
			cds_list_add_tail(&nh->by_neigh, &n->nexthops);
	}
	cds_list_move(&nh->queue, &nhs->settled);
	nexthop_touch(nhs, nh);
}

static void nexthops_report(struct nexthops *nhs, bool all)
{
	while (!cds_list_empty(&nhs->reports)) {
		struct nexthop *nh = cds_list_first_entry(&nhs->reports, struct nexthop, report);
		const struct neigh *n = nh->neigh;
		struct way way;

		cds_list_del_init(&nh->report);
		memset(&way, 0, sizeof(way));
		if (n && n->state & NUD_HAS_MAC) {
			way.usable = true;
			way.local = nh->local;
			memcpy(way.mac, n->mac, sizeof(way.mac));
		}
		if (memcmp(&way, &nh->way, sizeof(way)) == 0 && !(all && way.usable))
			continue;
		nh->way = way;
		nhs->changed(nhs->arg, nh);
	}
}

/* Every nexthop after all the others that wait. */
static void nexthops_all_pending(struct nexthops *nhs)
{
	cds_list_splice(&nhs->settled, nhs->pending.prev);
	CDS_INIT_LIST_HEAD(&nhs->settled);
}

static void nexthops_resync(struct nexthops *nhs)
{
	struct neigh *n, *next;

	nhs->lost = false;
	nhs->host_dirty = nhs->routes_dirty = true;
	cds_list_for_each_entry(n, &nhs->neighs_list, known)
		n->seen = false;
	if (!kernel_get_neighs(nhs)) {
		nhs->lost = true;	/* once more, next time */
		return;
	}
	cds_list_for_each_entry_safe(n, next, &nhs->neighs_list, known)
		if (!n->seen)
			neigh_update(nhs, n, 0, NULL);
}

/* The link is back: whatever is not certain is worth another try now. */
static void neighs_ask_all(struct nexthops *nhs)
{
	struct neigh *n;

	cds_list_for_each_entry(n, &nhs->neighs_list, known)
		if (!(n->state & NUD_CERTAIN)) {
			n->failures = 0;
			neigh_schedule(nhs, n, 0);
		}
}

/* True: the MAC address has changed, and with it the headers of all. */
static bool tick_host(struct nexthops *nhs)
{
	const struct nexthops_host before = nhs->host;
	struct nexthop *nh;

	nhs->host_dirty = false;
	if (!kernel_get_host(nhs))
		return false;
	nhs->routes_dirty = true;
	if (nhs->host_changed)
		nhs->host_changed(nhs->arg);
	if (nhs->host.up && !before.up)
		neighs_ask_all(nhs);
	if (memcmp(before.mac, nhs->host.mac, sizeof(before.mac)) == 0)
		return false;
	cds_list_for_each_entry(nh, &nhs->settled, queue)
		nexthop_touch(nhs, nh);
	cds_list_for_each_entry(nh, &nhs->pending, queue)
		nexthop_touch(nhs, nh);
	return true;
}

static void tick_routes(struct nexthops *nhs, uint64_t now)
{
	const uint64_t gap = ROUTES_GAP_MS * MS + nhs->nexthops.n * ROUTES_GAP_NEXTHOP_NS;

	if (nhs->routes_dirty && !nhs->routes_due)
		nhs->routes_due = now + ROUTES_DELAY_MS * MS;
	if (nhs->routes_dirty && now >= nhs->routes_due && now >= nhs->routes_earliest) {
		nhs->routes_dirty = false;
		nhs->routes_due = 0;
		nhs->routes_earliest = now + gap;
		nexthops_all_pending(nhs);
	}
	for (unsigned int i = 0; i < BUDGET && !cds_list_empty(&nhs->pending); i++)
		nexthop_resolve(nhs, cds_list_first_entry(&nhs->pending, struct nexthop, queue));
}

/* One level's neighbours that are due; returns when the next one is. */
static uint64_t tick_asks(struct nexthops *nhs, unsigned int level, uint64_t now)
{
	struct cds_list_head *asks = &nhs->asks[level];
	struct neigh *n;

	/* What is new stands at the end. */
	for (struct cds_list_head *at = asks->prev; at != asks; at = at->prev) {
		n = cds_list_entry(at, struct neigh, ask);
		if (n->ask_at)
			break;
		n->ask_at = now + ask_delay[level];
	}
	for (unsigned int i = 0; i < BUDGET && !cds_list_empty(asks); i++) {
		n = cds_list_first_entry(asks, struct neigh, ask);
		if (n->ask_at > now)
			return n->ask_at;
		/* Notifications take it out, or move it; else this happens again. */
		neigh_schedule(nhs, n, ASK_LEVELS - 1);
		n->ask_at = now + ask_delay[ASK_LEVELS - 1];
		if (nhs->host.up)
			kernel_use_neigh(nhs, n);
	}
	return cds_list_empty(asks) ? UINT64_MAX : now;
}

uint64_t nexthops_tick(struct nexthops *nhs, uint64_t now)
{
	uint64_t next = UINT64_MAX, at;
	bool all = false;

	if (nhs->lost)
		nexthops_resync(nhs);
	if (nhs->host_dirty)
		all = tick_host(nhs);
	tick_routes(nhs, now);
	for (unsigned int level = 0; level < ASK_LEVELS; level++) {
		at = tick_asks(nhs, level, now);
		if (at < next)
			next = at;
	}
	nexthops_report(nhs, all);

	if (!cds_list_empty(&nhs->pending) || nhs->host_dirty || nhs->lost)
		return now;
	at = nhs->routes_due > nhs->routes_earliest ? nhs->routes_due : nhs->routes_earliest;
	return nhs->routes_dirty && at < next ? at : next;
}

void nexthops_process(struct nexthops *nhs)
{
	kernel_read(nhs);
}

void nexthops_set_fwmark(struct nexthops *nhs, uint32_t fwmark)
{
	if (nhs->fwmark == fwmark)
		return;
	nhs->fwmark = fwmark;
	nexthops_all_pending(nhs);
}

const struct nexthops_host *nexthops_host(const struct nexthops *nhs)
{
	return &nhs->host;
}

static struct in6_addr map_v4(struct in_addr v4)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.s6_addr + 12, &v4, sizeof(v4));
	return a;
}

static bool key_of(const struct endpoint *ep, struct addr_key *key)
{
	memset(key, 0, sizeof(*key));
	switch (ep->remote.sa.sa_family) {
	case AF_INET:
		key->remote = map_v4(ep->remote.v4.sin_addr);
		if (ep->local.v4.s_addr)
			key->local = map_v4(ep->local.v4);
		return true;
	case AF_INET6:
		key->remote = ep->remote.v6.sin6_addr;
		key->local = ep->local.v6;
		if (IN6_IS_ADDR_LINKLOCAL(&key->remote))
			key->scope = ep->remote.v6.sin6_scope_id;
		return true;
	default:
		return false;
	}
}

struct nexthop *nexthop_get(struct nexthops *nhs, const struct endpoint *ep)
{
	struct table_node *node;
	struct addr_key key;
	struct nexthop *nh;

	if (!key_of(ep, &key))
		return NULL;
	node = table_find(&nhs->nexthops, &key);
	if (node) {
		nh = caa_container_of(node, struct nexthop, node);
		nh->refs++;
		return nh;
	}
	nh = calloc(1, sizeof(*nh));
	if (!nh)
		return NULL;
	nh->node.key = key;
	nh->refs = 1;
	nh->ifindex = nhs->ifindex;
	CDS_INIT_LIST_HEAD(&nh->report);
	CDS_INIT_LIST_HEAD(&nh->by_neigh);
	CDS_INIT_LIST_HEAD(&nh->users);
	cds_list_add_tail(&nh->queue, &nhs->pending);
	table_insert(&nhs->nexthops, &nh->node);
	return nh;
}

void nexthop_put(struct nexthops *nhs, struct nexthop *nh)
{
	if (--nh->refs)
		return;
	assert(cds_list_empty(&nh->users));
	nexthop_leave_neigh(nhs, nh);
	cds_list_del(&nh->queue);
	cds_list_del(&nh->report);
	table_remove(&nhs->nexthops, &nh->node);
	free(nh);
}

struct cds_list_head *nexthop_users(struct nexthop *nh)
{
	return &nh->users;
}

bool nexthop_way(const struct nexthop *nh, uint8_t mac[6], struct endpoint *ep)
{
	if (!nh->way.usable)
		return false;
	memcpy(mac, nh->way.mac, sizeof(nh->way.mac));
	memset(&ep->local, 0, sizeof(ep->local));
	if (addr_is_v4(&nh->way.local))
		memcpy(&ep->local.v4, nh->way.local.s6_addr + 12, sizeof(ep->local.v4));
	else
		ep->local.v6 = nh->way.local;
	ep->local_ifindex = nh->ifindex;
	return true;
}

struct nexthops *nexthops_create(uint32_t ifindex, uint32_t fwmark, nexthops_changed changed,
				 void *arg, char err[NEXTHOP_ERRLEN])
{
	struct nexthops *nhs = calloc(1, sizeof(*nhs));
	int rc;

	if (!nhs) {
		snprintf(err, NEXTHOP_ERRLEN, "not enough memory to follow routes");
		return NULL;
	}
	*nhs = (struct nexthops){
		.ifindex = ifindex, .fwmark = fwmark, .changed = changed, .arg = arg,
	};
	CDS_INIT_LIST_HEAD(&nhs->pending);
	CDS_INIT_LIST_HEAD(&nhs->settled);
	CDS_INIT_LIST_HEAD(&nhs->reports);
	CDS_INIT_LIST_HEAD(&nhs->neighs_list);
	for (unsigned int i = 0; i < ASK_LEVELS; i++)
		CDS_INIT_LIST_HEAD(&nhs->asks[i]);

	rc = table_init(&nhs->nexthops);
	if (rc == 0)
		rc = table_init(&nhs->neighs);
	if (rc == 0)
		rc = kernel_open(nhs);
	if (rc == 0)
		return nhs;
	snprintf(err, NEXTHOP_ERRLEN, "cannot follow the host's routes: %s", strerror(-rc));
	nexthops_destroy(nhs);
	return NULL;
}

void nexthops_watch_host(struct nexthops *nhs, nexthops_host_changed changed)
{
	nhs->host_changed = changed;
}

int nexthops_fd(const struct nexthops *nhs)
{
	return netlink_fd(&nhs->notify);
}

void nexthops_destroy(struct nexthops *nhs)
{
	if (!nhs)
		return;
	assert(nhs->nexthops.n == 0 && nhs->neighs.n == 0);
	kernel_close(nhs);
	table_fini(&nhs->nexthops);
	table_fini(&nhs->neighs);
	free(nhs->addrs);
	free(nhs);
}
