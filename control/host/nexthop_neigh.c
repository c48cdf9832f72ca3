/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A neighbour for each address on a link that a next hop goes by. Those that the kernel is not sure of (stale, failed,
 * without an entry) are asked for: at once, and while they fail after 1, 2, 4, and then every 8 seconds. The kernel
 * calls one stale about 30 s after it was last confirmed, so that being asked for then, every neighbour in use stays
 * confirmed.
 *
 * Control thread. What changes is told by nexthop_touch.
 */
#include <stdlib.h>

#include "nexthop_internal.h"

enum { BUDGET = 256 };			/* asked for, a tick and level */

static const uint64_t ask_delay[ASK_LEVELS] = { 0, 1000 * MS, 2000 * MS, 4000 * MS, 8000 * MS };

/* To be asked for when the delay of `level` is over; ASK_LEVELS: not at all. */
static void neigh_schedule(struct nexthops *nhs, struct neigh *n, unsigned int level)
{
	cds_list_del_init(&n->ask);
	n->ask_at = 0;
	if (level < ASK_LEVELS)
		cds_list_add_tail(&n->ask, &nhs->asks[level]);
}

static void neigh_touch(struct nexthops *nhs, struct neigh *n)
{
	struct nexthop *nh;

	cds_list_for_each_entry(nh, &n->nexthops, by_neigh)
		nexthop_touch(nhs, nh);
}

void neigh_update(struct nexthops *nhs, struct neigh *n, uint16_t state, const uint8_t *mac)
{
	const bool before = n->reachable;
	const bool same_mac = mac && memcmp(n->mac, mac, sizeof(n->mac)) == 0;

	n->state = mac ? state : state & ~NUD_HAS_MAC;
	n->seen = true;
	n->reachable = n->state & NUD_HAS_MAC || (before && !(n->state & NUD_FAILED));
	if (mac)
		memcpy(n->mac, mac, sizeof(n->mac));
	/* There may be many next hops, and a neighbour goes from stale to certain and back for ever. */
	if (before != n->reachable || (mac && !same_mac))
		neigh_touch(nhs, n);

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

/* True: it is different now. */
static bool neigh_set_link(struct nexthops *nhs, struct neigh *n)
{
	static const struct port_link none;
	const struct port_link before = n->link, *link = links_find(nhs, n->node.key.scope);

	n->link = link ? *link : none;
	return before.ifindex != n->link.ifindex || before.vid != n->link.vid || before.up != n->link.up ||
	       memcmp(before.mac, n->link.mac, sizeof(before.mac)) != 0;
}

struct neigh *neigh_get(struct nexthops *nhs, uint32_t ifindex, const struct in6_addr *addr)
{
	const struct addr_key key = { .remote = *addr, .scope = ifindex };
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
	neigh_set_link(nhs, n);
	kernel_get_neigh(nhs, n);
	return n;
}

void neigh_free(struct nexthops *nhs, struct neigh *n)
{
	cds_list_del(&n->known);
	cds_list_del(&n->ask);
	table_remove(&nhs->neighs, &n->node);
	free(n);
}

/* The link is back: whatever is not certain is worth another try now. */
static void neigh_retry(struct nexthops *nhs, struct neigh *n)
{
	if (n->state & NUD_CERTAIN)
		return;
	n->failures = 0;
	neigh_schedule(nhs, n, 0);
}

void neighs_follow_links(struct nexthops *nhs)
{
	struct neigh *n;

	cds_list_for_each_entry(n, &nhs->neighs_list, known) {
		const bool up = n->link.up;

		if (!neigh_set_link(nhs, n))
			continue;
		neigh_touch(nhs, n);
		if (n->link.up && !up)
			neigh_retry(nhs, n);
	}
}

bool neighs_load(struct nexthops *nhs)
{
	struct neigh *n;

	cds_list_for_each_entry(n, &nhs->neighs_list, known)
		n->seen = false;
	if (!kernel_get_neighs(nhs))
		return false;
	cds_list_for_each_entry(n, &nhs->neighs_list, known)
		if (!n->seen)
			neigh_update(nhs, n, 0, NULL);
	return true;
}

/* One level's neighbours that are due; returns when the next one is. */
static uint64_t tick_level(struct nexthops *nhs, unsigned int level, uint64_t now)
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
		if (n->link.up)
			kernel_use_neigh(nhs, n);
	}
	return cds_list_empty(asks) ? UINT64_MAX : now;
}

uint64_t neighs_tick(struct nexthops *nhs, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int level = 0; level < ASK_LEVELS; level++) {
		const uint64_t at = tick_level(nhs, level, now);

		if (at < next)
			next = at;
	}
	return next;
}
