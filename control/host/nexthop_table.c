/* SPDX-License-Identifier: BSD-3-Clause */
#include "nexthop_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_jhash.h>

enum { TABLE_MIN = 64 };

static struct table_node **table_slot(const struct table *t, const struct addr_key *key)
{
	return &t->slot[rte_jhash(key, sizeof(*key), t->seed) & t->mask];
}

int table_init(struct table *t)
{
	memset(t, 0, sizeof(*t));
	if (getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		return -errno;
	t->mask = TABLE_MIN - 1;
	t->slot = calloc(TABLE_MIN, sizeof(*t->slot));
	return t->slot ? 0 : -ENOMEM;
}

void table_fini(struct table *t)
{
	free(t->slot);
	t->slot = NULL;
}

struct table_node *table_find(const struct table *t, const struct addr_key *key)
{
	struct table_node *node = *table_slot(t, key);

	while (node && memcmp(&node->key, key, sizeof(*key)) != 0)
		node = node->next;
	return node;
}

/* Twice the slots; without memory for them, the chains just grow. */
static void table_grow(struct table *t)
{
	struct table old = *t;
	struct table_node **slot = calloc(2 * (old.mask + 1), sizeof(*slot));

	if (!slot)
		return;
	t->slot = slot;
	t->mask = 2 * (old.mask + 1) - 1;
	t->n = 0;
	for (size_t i = 0; i <= old.mask; i++)
		while (old.slot[i]) {
			struct table_node *node = old.slot[i];

			old.slot[i] = node->next;
			table_insert(t, node);
		}
	free(old.slot);
}

void table_insert(struct table *t, struct table_node *node)
{
	struct table_node **slot;

	if (t->n > t->mask)
		table_grow(t);
	slot = table_slot(t, &node->key);
	node->next = *slot;
	*slot = node;
	t->n++;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = table_slot(t, &node->key);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->n--;
}
