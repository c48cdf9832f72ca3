/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorting a burst into runs, against a naive stable sort by first appearance. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "group.h"
#include "hex.h"

enum { MAX = 64 };

/* Pointers that are never followed: a session lies on a cache line of its own. */
static struct session *session(uint64_t k)
{
	return (struct session *)(uintptr_t)((k + 1) << 6);
}

static struct rte_mbuf *mbuf(unsigned int i)
{
	return (struct rte_mbuf *)(uintptr_t)(i + 1);
}

static unsigned int naive(struct rte_mbuf **m, struct session **s, unsigned int n)
{
	struct rte_mbuf *from_m[MAX];
	struct session *from_s[MAX];
	unsigned int groups = 0, at = 0;

	memcpy(from_m, m, n * sizeof(m[0]));
	memcpy(from_s, s, n * sizeof(s[0]));
	for (unsigned int i = 0; i < n; i++) {
		if (!from_s[i])
			continue;
		groups++;
		for (unsigned int k = n; k-- > i;)
			at += from_s[k] == from_s[i];
		for (unsigned int k = n, to = at; k-- > i;) {
			if (from_s[k] != from_s[i])
				continue;
			m[--to] = from_m[k];
			s[to] = from_s[k];
			if (k != i)
				from_s[k] = NULL;
		}
	}
	return groups;
}

static void expect_same(struct session **s, unsigned int n, const char *what)
{
	struct rte_mbuf *m[MAX] = { NULL }, *want_m[MAX];
	struct session *want_s[MAX];
	unsigned int want;

	for (unsigned int i = 0; i < n; i++)
		m[i] = mbuf(i);
	memcpy(want_m, m, sizeof(m));
	memcpy(want_s, s, n * sizeof(s[0]));
	want = naive(want_m, want_s, n);
	cr_assert_eq(group_by_session(m, s, n), want, "%s: groups", what);
	for (unsigned int i = 0; i < n; i++)
		cr_assert(m[i] == want_m[i] && s[i] == want_s[i], "%s: packet %u of %u", what, i, n);
}

Test(group, few)
{
	struct session *none[1] = { NULL }, *one[] = { session(1) }, *two[] = { session(1), session(2), session(2) },
		       *three[] = { session(1), session(2), session(1) };

	expect_same(none, 0, "none");
	expect_same(one, 1, "one");
	expect_same(two, 3, "two");
	expect_same(three, 3, "three");
}

Test(group, random)
{
	uint64_t seed = 4;

	for (unsigned int round = 0; round < 20000; round++) {
		const unsigned int n = random_next(&seed) % (MAX + 1);
		const uint64_t sessions = 1 + random_next(&seed) % (round % 2 ? 5 : 1000);
		/* Close together, and so far apart that hashes collide. */
		const uint64_t step = round % 3 ? 37 : UINT64_C(1) << 25;
		struct session *s[MAX];

		for (unsigned int i = 0; i < n; i++)
			s[i] = session(random_next(&seed) % sessions * step);
		expect_same(s, n, "random");
	}
}
