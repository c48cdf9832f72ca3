/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash table by addresses: chained, grows with its contents, seeded so that nobody can choose
 * addresses that meet in one chain. One thread.
 */
#ifndef WGDP_NEXTHOP_TABLE_H
#define WGDP_NEXTHOP_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv4 addresses are mapped. No holes. */
struct addr_key {
	struct in6_addr remote, local;
	uint32_t scope;		/* of a link-local remote, or the link of a neighbour; else 0 */
	uint32_t direct;	/* 1: nexthop_get_neighbour's, 0: what routes say */
};

_Static_assert(sizeof(struct addr_key) == 40, "addr_key has no holes");

struct table_node {
	struct table_node *next;
	struct addr_key key;
};

struct table {
	struct table_node **slot;
	size_t n, mask;
	uint32_t seed;
};

/* 0, or -ENOMEM. */
int table_init(struct table *t);
void table_fini(struct table *t);

struct table_node *table_find(const struct table *t, const struct addr_key *key);

/* node->key is set, and not in the table yet. */
void table_insert(struct table *t, struct table_node *node);
void table_remove(struct table *t, struct table_node *node);

#endif
