/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap of deadlines against an oracle that looks at every entry. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "heap.h"

enum { ENTRIES = 300, STEPS = 200000 };

static uint64_t oracle_first(const struct heap_entry *e, const bool *in)
{
	uint64_t first = UINT64_MAX;

	for (int k = 0; k < ENTRIES; k++)
		if (in[k] && e[k].at < first)
			first = e[k].at;
	return first;
}

Test(heap, random_operations)
{
	static struct heap_entry e[ENTRIES];
	static bool in[ENTRIES];
	struct heap h = { 0 };
	unsigned int seed = 7;
	size_t n = 0;

	cr_assert_eq(heap_reserve(&h, ENTRIES), 0);
	for (int step = 0; step < STEPS; step++) {
		int k = rand_r(&seed) % ENTRIES;
		uint64_t at = rand_r(&seed) % 4 ? (uint64_t)rand_r(&seed) % 1000 : UINT64_MAX;

		n += (at != UINT64_MAX) - in[k];
		in[k] = at != UINT64_MAX;
		heap_set(&h, &e[k], at);
		cr_assert_eq(h.n, n, "step %d", step);
		if (step % 16 == 0)
			cr_assert_eq(heap_first(&h) ? heap_first(&h)->at : UINT64_MAX, oracle_first(e, in), "step %d", step);
	}
	while (heap_first(&h)) {	/* and they come out in order */
		struct heap_entry *first = heap_first(&h);
		uint64_t at = first->at;

		heap_set(&h, first, UINT64_MAX);
		cr_assert(!heap_first(&h) || heap_first(&h)->at >= at);
	}
	heap_fini(&h);
}

Test(heap, reserve_keeps_entries)
{
	struct heap_entry e[40] = { { 0 } };
	struct heap h = { 0 };

	for (size_t k = 0; k < 40; k++) {
		cr_assert_eq(heap_reserve(&h, k + 1), 0);
		heap_set(&h, &e[k], 100 - k);
	}
	cr_assert_eq(heap_first(&h), &e[39]);
	heap_fini(&h);
}
