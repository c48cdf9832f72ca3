/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A nexthop for each address in use, that goes by a neighbour (nexthop_neigh.c), a gateway's or the address's own:
 *
 *   nexthop_get -> pending -> kernel_get_route -> its neighbour -> kernel_get_neigh -> report
 *
 * A change of routes puts every nexthop that depends on them back into `pending`, of which each tick works off a part.
 * A change of a neighbour touches its nexthops only, a change of a link (nexthop_links.c) those of its neighbours.
 *
 * All of it runs in the control thread. Reports are queued, and made at the end of a tick only, so that whoever gets
 * one may do as he likes here.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "nexthop_internal.h"

enum {
	BUDGET = 256,			/* requests for routes, and nexthops resolved, a tick */
	REPORTS = 1024,			/* made in a tick */

	ROUTES_DELAY_MS = 50,		/* a change seldom comes alone */
	ROUTES_GAP_MS = 1000,
	ROUTES_GAP_NEXTHOP_NS = 100000,
	RESYNC_GAP_MS = 250,
	RESYNC_GAP_NEIGH_NS = 20000,
	HOST_GAP_MS = 20,		/* between two readings of all links, or of all addresses */
	HOST_GAP_EACH_NS = 20000,
};

void nexthop_touch(struct nexthops *nhs, struct nexthop *nh)
{
	if (cds_list_empty(&nh->report))
		cds_list_add_tail(&nh->report, &nhs->reports);
}

static void nexthop_leave_neigh(struct nexthops *nhs, struct nexthop *nh)
{
	struct neigh *n = nh->neigh;

	if (!n)
		return;
	nh->neigh = NULL;
	cds_list_del_init(&nh->by_neigh);
	if (cds_list_empty(&n->nexthops))
		neigh_free(nhs, n);
}

static bool nexthop_find(struct nexthops *nhs, const struct addr_key *key, struct route *r)
{
	if (!key->direct)
		return kernel_get_route(nhs, key, r);
	*r = (struct route){ .gateway = key->remote, .ifindex = key->scope };
	return links_find(nhs, key->scope);
}

/* Without memory for a neighbour it stays pending. */
static void nexthop_resolve(struct nexthops *nhs, struct nexthop *nh)
{
	struct neigh *n = NULL;
	struct route r;

	if (nexthop_find(nhs, &nh->node.key, &r)) {
		n = neigh_get(nhs, r.ifindex, &r.gateway);
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
	cds_list_move(&nh->queue, nh->node.key.direct ? &nhs->direct : &nhs->settled);
	nexthop_touch(nhs, nh);
}

static void way_make(struct way *way, const struct nexthop *nh)
{
	const struct neigh *n = nh->neigh;

	memset(way, 0, sizeof(*way));
	if (!n || !n->reachable || !n->link.up)
		return;
	way->usable = true;
	way->local = nh->local;
	way->ifindex = n->link.ifindex;
	way->vid = n->link.vid;
	memcpy(way->mac, n->mac, sizeof(way->mac));
	memcpy(way->own_mac, n->link.mac, sizeof(way->own_mac));
}

static void nexthops_report(struct nexthops *nhs)
{
	for (unsigned int i = 0; i < REPORTS && !cds_list_empty(&nhs->reports); i++) {
		struct nexthop *nh = cds_list_first_entry(&nhs->reports, struct nexthop, report);
		struct way way;

		cds_list_del_init(&nh->report);
		way_make(&way, nh);
		if (memcmp(&way, &nh->way, sizeof(way)) == 0)
			continue;
		nh->way = way;
		nhs->changed(nhs->arg, nh);
	}
}

/* All of a list, after those that wait. */
static void nexthops_to_pending(struct nexthops *nhs, struct cds_list_head *list)
{
	cds_list_splice(list, nhs->pending.prev);
	CDS_INIT_LIST_HEAD(list);
}

static void tick_resync(struct nexthops *nhs, uint64_t now)
{
	if (nhs->overrun)
		kernel_read(nhs);
	if (nhs->overrun || !due_now(&nhs->resync, now, 0, RESYNC_GAP_MS * MS + nhs->neighs.n * RESYNC_GAP_NEIGH_NS))
		return;
	nhs->counts.resyncs++;
	nhs->links.load.wanted = nhs->addrs_due.wanted = nhs->routes.wanted = true;
	nhs->resync.wanted = !neighs_load(nhs);
}

static void tick_host(struct nexthops *nhs, uint64_t now)
{
	bool links, addrs = false;

	if (due_now(&nhs->links.load, now, 0, HOST_GAP_MS * MS + nhs->links.n_vlans * HOST_GAP_EACH_NS))
		links_load(nhs);
	links = links_publish(nhs);
	if (due_now(&nhs->addrs_due, now, 0, HOST_GAP_MS * MS + nhs->host.n_addrs * HOST_GAP_EACH_NS))
		addrs = kernel_get_addrs(nhs);
	if (!links && !addrs)
		return;
	nhs->routes.wanted = true;
	if (nhs->host_changed)
		nhs->host_changed(nhs->arg);
	if (!links)
		return;
	neighs_follow_links(nhs);
	nexthops_to_pending(nhs, &nhs->direct);
}

static void tick_routes(struct nexthops *nhs, uint64_t now)
{
	const uint64_t gap = ROUTES_GAP_MS * MS + nhs->nexthops.n * ROUTES_GAP_NEXTHOP_NS;
	const uint64_t enough = nhs->counts.routes_asked + BUDGET;

	if (due_now(&nhs->routes, now, ROUTES_DELAY_MS * MS, gap))
		nexthops_to_pending(nhs, &nhs->settled);
	for (unsigned int i = 0; i < BUDGET && nhs->counts.routes_asked < enough; i++) {
		if (cds_list_empty(&nhs->pending))
			break;
		nexthop_resolve(nhs, cds_list_first_entry(&nhs->pending, struct nexthop, queue));
	}
}

uint64_t nexthops_tick(struct nexthops *nhs, uint64_t now)
{
	const struct due *dues[] = { &nhs->resync, &nhs->links.load, &nhs->addrs_due, &nhs->routes };
	uint64_t next;

	tick_resync(nhs, now);
	tick_host(nhs, now);
	tick_routes(nhs, now);
	next = neighs_tick(nhs, now);
	nexthops_report(nhs);

	if (!cds_list_empty(&nhs->pending) || !cds_list_empty(&nhs->reports) || nhs->overrun || nhs->links.changed)
		return now;
	for (size_t i = 0; i < sizeof(dues) / sizeof(*dues); i++)
		if (due_at(dues[i]) < next)
			next = due_at(dues[i]);
	return next;
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
	nexthops_to_pending(nhs, &nhs->settled);
}

const struct nexthops_host *nexthops_host(const struct nexthops *nhs)
{
	return &nhs->host;
}

void nexthops_count(const struct nexthops *nhs, struct nexthops_counts *counts)
{
	*counts = nhs->counts;
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

static struct nexthop *nexthop_by_key(struct nexthops *nhs, const struct addr_key *key)
{
	struct table_node *node = table_find(&nhs->nexthops, key);
	struct nexthop *nh;

	if (node) {
		nh = caa_container_of(node, struct nexthop, node);
		nh->refs++;
		return nh;
	}
	nh = calloc(1, sizeof(*nh));
	if (!nh)
		return NULL;
	nh->node.key = *key;
	nh->refs = 1;
	CDS_INIT_LIST_HEAD(&nh->report);
	CDS_INIT_LIST_HEAD(&nh->by_neigh);
	CDS_INIT_LIST_HEAD(&nh->users);
	cds_list_add_tail(&nh->queue, &nhs->pending);
	table_insert(&nhs->nexthops, &nh->node);
	return nh;
}

struct nexthop *nexthop_get(struct nexthops *nhs, const struct endpoint *ep)
{
	struct addr_key key;

	return key_of(ep, &key) ? nexthop_by_key(nhs, &key) : NULL;
}

struct nexthop *nexthop_get_neighbour(struct nexthops *nhs, uint32_t ifindex, const struct in6_addr *gateway)
{
	const struct addr_key key = { .remote = *gateway, .scope = ifindex, .direct = 1 };

	return nexthop_by_key(nhs, &key);
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
	ep->local_ifindex = nh->way.ifindex;
	if (nh->node.key.direct)
		return true;
	memset(&ep->local, 0, sizeof(ep->local));
	if (addr_is_v4(&nh->way.local))
		memcpy(&ep->local.v4, nh->way.local.s6_addr + 12, sizeof(ep->local.v4));
	else
		ep->local.v6 = nh->way.local;
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
		.links.ifindex = ifindex, .fwmark = fwmark, .changed = changed, .arg = arg,
	};
	CDS_INIT_LIST_HEAD(&nhs->pending);
	CDS_INIT_LIST_HEAD(&nhs->settled);
	CDS_INIT_LIST_HEAD(&nhs->direct);
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
	links_fini(&nhs->links);
	free(nhs->addrs);
	free(nhs);
}
