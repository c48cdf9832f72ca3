/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_locals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rcu.h"

/*
 * Open addressing, at most half full; the unspecified address, never the host's, marks a free slot.
 */
struct local_set {
	struct rcu_head rcu;
	uint32_t mask;
	struct in6_addr slot[];
};

static uint32_t hash(const struct in6_addr *a)
{
	uint64_t w[2];

	memcpy(w, a, sizeof(w));
	w[0] = (w[0] ^ w[1]) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(w[0] >> 32) ^ (uint32_t)w[0];
}

static bool equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Where addr is, or the free slot where it would be. */
static uint32_t locals_slot(const struct local_set *set, const struct in6_addr *addr)
{
	uint32_t i = hash(addr) & set->mask;

	while (!IN6_IS_ADDR_UNSPECIFIED(&set->slot[i]) && !equal(&set->slot[i], addr))
		i = (i + 1) & set->mask;
	return i;
}

bool locals_contains(const struct local_set *set, const struct in6_addr *addr)
{
	return set && !IN6_IS_ADDR_UNSPECIFIED(addr) &&
	       equal(&set->slot[locals_slot(set, addr)], addr);
}

/* Data cores could hold it, until their quiescent state after it was unpublished. */
static void locals_free_rcu(struct rcu_head *head)
{
	rcu_callback();
	free(caa_container_of(head, struct local_set, rcu));
}

int locals_replace(struct local_set **set, const struct in6_addr *addrs, size_t n)
{
	struct local_set *old = *set, *s;
	uint32_t slots = 4;

	while (slots < 2 * n)
		slots *= 2;
	s = calloc(1, sizeof(*s) + slots * sizeof(s->slot[0]));
	if (!s)
		return -ENOMEM;
	s->mask = slots - 1;
	for (size_t i = 0; i < n; i++)
		s->slot[locals_slot(s, &addrs[i])] = addrs[i];

	rcu_publish(*set, s);
	if (old)
		call_rcu(&old->rcu, locals_free_rcu);
	return 0;
}

void locals_destroy(struct local_set **set)
{
	free(*set);
	*set = NULL;
}
