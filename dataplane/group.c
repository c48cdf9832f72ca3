/* SPDX-License-Identifier: BSD-3-Clause */
#include "group.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { PACKETS = 64, SLOTS = 2 * PACKETS };

struct groups {
	unsigned int n;
	uint8_t slot[SLOTS];	/* by hash of the session: its group, plus one; 0: none */
	struct session *session[PACKETS];
	uint8_t size[PACKETS];
};

static unsigned int group_of(struct groups *g, struct session *s)
{
	unsigned int h = (uint32_t)((uintptr_t)s >> 6) * 0x9e3779b1u >> 25;

	_Static_assert(SLOTS == 1 << (32 - 25), "the hash has a slot for each of its values");
	for (; g->slot[h]; h = (h + 1) % SLOTS)
		if (g->session[g->slot[h] - 1] == s)
			return g->slot[h] - 1;
	g->session[g->n] = s;
	g->size[g->n] = 0;
	g->slot[h] = ++g->n;
	return g->n - 1;
}

/* Counting sort, which is stable. */
static void sort(const struct groups *g, const uint8_t *group, struct rte_mbuf **m, struct session **s, unsigned int n)
{
	struct rte_mbuf *sorted[PACKETS];
	uint8_t at[PACKETS];

	for (unsigned int k = 0, sum = 0; k < g->n; sum += g->size[k++]) {
		at[k] = sum;
		for (unsigned int i = 0; i < g->size[k]; i++)
			s[sum + i] = g->session[k];
	}
	for (unsigned int i = 0; i < n; i++)
		sorted[at[group[i]]++] = m[i];
	memcpy(m, sorted, n * sizeof(m[0]));
}

unsigned int group_by_session(struct rte_mbuf **m, struct session **s, unsigned int n)
{
	struct groups g;
	uint8_t group[PACKETS];
	unsigned int runs = n > 0;

	assert(n <= PACKETS);
	for (unsigned int i = 1; i < n; i++)
		runs += s[i] != s[i - 1];
	if (runs <= 2)
		return runs;
	g.n = 0;
	memset(g.slot, 0, sizeof(g.slot));
	for (unsigned int i = 0; i < n; i++) {
		group[i] = group_of(&g, s[i]);
		g.size[group[i]]++;
	}
	if (g.n < runs)
		sort(&g, group, m, s, n);
	return g.n;
}
