/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ours, and DPDK's rte_lpm, rte_lpm6, rte_fib (DIR24_8) and rte_fib6 (TRIE), which know numbers for next hops: the
 * peers. Theirs are given as much as the prefixes can need: a group of 256 entries for each /24 with something
 * longer in it, and so on. rte_fib has no single lookup; a bulk of one stands for it.
 */
#include "allowedips_tables.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"	/* theirs */
#include <rte_lpm.h>
#pragma GCC diagnostic pop
#include <rte_lpm6.h>

#include "allowedips.h"
#include "bench.h"
#include "rcu.h"

enum {
	LPM_RULES = 150000,	/* the list of a length's rules is searched from end to end */
	FIB6_GROUPS = 1 << 20,	/* of 1 KiB each */
	SPARE = 1024,		/* of tbl8 groups */
};

static const uint8_t *prefix_addr(const struct prefixes *s, uint32_t peer)
{
	return s->p[peer - 1].addr;
}

static uint32_t prefix_host4(const struct prefixes *s, uint32_t peer)
{
	uint32_t v;

	memcpy(&v, prefix_addr(s, peer), sizeof(v));
	return rte_be_to_cpu_32(v);
}

/* Inserts the stable ones. False: one does not fit. */
static bool fill(const struct table *how, void *t, const struct prefixes *s)
{
	for (uint32_t peer = 1; peer <= s->stable; peer++)
		if (how->insert(t, s, peer))
			return false;
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* How many different beginnings of `bits` bits (a multiple of 8) the prefixes longer than that have. */
static unsigned int count_groups(const struct prefixes *s, unsigned int bits)
{
	uint8_t (*key)[16] = calloc(s->n, sizeof(*key));
	unsigned int n = 0, groups = 0;

	if (!key)
		bench_fail("no memory");
	for (unsigned int i = 0; i < s->n; i++)
		if (s->p[i].cidr > bits)
			memcpy(key[n++], s->p[i].addr, bits / 8);
	qsort(key, n, sizeof(*key), by_bytes);
	for (unsigned int i = 0; i < n; i++)
		groups += i == 0 || by_bytes(key[i], key[i - 1]);
	free(key);
	return groups;
}

/* Groups of 8 bits each below the first 24, with spare ones for updates. */
static unsigned int tbl8_groups(const struct prefixes *s)
{
	unsigned int n = SPARE + s->n / 64;

	for (unsigned int bits = 24; bits < (s->is6 ? 128 : 32); bits += 8)
		n += count_groups(s, bits);
	return n;
}

/* Ours. */

struct ours {
	struct allowedips *t;
	struct allowedips_owner owner;
};

struct allowedips *tables_ours(void *t)
{
	return ((struct ours *)t)->t;
}

static int ours_insert(void *t, const struct prefixes *s, uint32_t peer)
{
	struct ours *o = t;

	if (peer % 64 == 0)
		rcu_quiescent_state();
	return allowedips_insert(o->t, s->is6 ? AF_INET6 : AF_INET, prefix_addr(s, peer), s->p[peer - 1].cidr,
				 (void *)(uintptr_t)peer, &o->owner);
}

static int ours_remove(void *t, const struct prefixes *s, uint32_t peer)
{
	struct ours *o = t;

	return allowedips_remove(o->t, s->is6 ? AF_INET6 : AF_INET, prefix_addr(s, peer), s->p[peer - 1].cidr,
				 &o->owner);
}

static void *ours_create(const struct prefixes *s, const char **why)
{
	struct ours *o = calloc(1, sizeof(*o));

	*why = "no memory";
	if (!o)
		return NULL;
	allowedips_owner_init(&o->owner);
	o->t = allowedips_create();
	if (!o->t || !fill(&tables[s->is6][0], o, s))
		bench_fail("allowedips: no memory");
	rcu_barrier();
	return o;
}

static void ours_destroy(void *t)
{
	struct ours *o = t;

	allowedips_destroy(o->t);
	free(o);
}

static void ours_single(void *t, const struct prefixes *s, struct lookups *l)
{
	const struct allowedips *a = ((struct ours *)t)->t;

	if (s->is6)
		for (unsigned int i = 0; i < l->n; i++)
			l->got[i] = (uintptr_t)allowedips_lookup6(a, l->addr + 16 * (size_t)i);
	else
		for (unsigned int i = 0; i < l->n; i++)
			l->got[i] = (uintptr_t)allowedips_lookup4(a, l->addr + 4 * (size_t)i);
}

static void ours_bulk(void *t, const struct prefixes *s, struct lookups *l)
{
	const struct allowedips *a = ((struct ours *)t)->t;
	struct allowedips_query q[BURST];

	for (unsigned int i = 0; i < l->n; i += BURST) {
		for (unsigned int k = 0; k < BURST; k++) {
			q[k].addr = l->addr + (size_t)(i + k) * (s->is6 ? 16 : 4);
			q[k].is6 = s->is6;
		}
		allowedips_lookup_bulk(a, q, BURST);
		for (unsigned int k = 0; k < BURST; k++)
			l->got[i + k] = (uintptr_t)q[k].peer;
	}
}

static size_t ours_memory(void *t)
{
	return allowedips_memory(((struct ours *)t)->t);
}

/* rte_lpm. */

static int lpm_insert(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_lpm_add(t, prefix_host4(s, peer), s->p[peer - 1].cidr, peer);
}

static int lpm_remove(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_lpm_delete(t, prefix_host4(s, peer), s->p[peer - 1].cidr);
}

static void *lpm_create(const struct prefixes *s, const char **why)
{
	struct rte_lpm_config c = { .max_rules = s->n + SPARE };
	struct rte_lpm *t;

	*why = "each addition searches the rules from end to end";
	if (s->n > LPM_RULES)
		return NULL;
	*why = "no memory";
	c.number_tbl8s = tbl8_groups(s);
	t = rte_lpm_create("lpm", SOCKET_ID_ANY, &c);
	if (t && !fill(&tables[0][1], t, s)) {
		rte_lpm_free(t);
		return NULL;
	}
	return t;
}

static void lpm_destroy(void *t)
{
	rte_lpm_free(t);
}

static void lpm_single(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		uint32_t peer = 0;

		l->got[i] = rte_lpm_lookup(t, l->host4[i], &peer) ? 0 : peer;
	}
}

static void lpm_bulk(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	uint32_t hop[BURST];

	for (unsigned int i = 0; i < l->n; i += BURST) {
		rte_lpm_lookup_bulk_func(t, l->host4 + i, hop, BURST);
		for (unsigned int k = 0; k < BURST; k++)
			l->got[i + k] = hop[k] & RTE_LPM_LOOKUP_SUCCESS ? hop[k] & 0xffffff : 0;
	}
}

/* rte_fib. */

static int fib_insert(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_fib_add(t, prefix_host4(s, peer), s->p[peer - 1].cidr, peer);
}

static int fib_remove(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_fib_delete(t, prefix_host4(s, peer), s->p[peer - 1].cidr);
}

static void *fib_create(const struct prefixes *s, const char **why)
{
	struct rte_fib_conf c = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = s->n + SPARE,
		.dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = tbl8_groups(s) },
	};
	struct rte_fib *t = rte_fib_create("fib", SOCKET_ID_ANY, &c);

	*why = "no memory";
	if (t && !fill(&tables[0][2], t, s)) {
		rte_fib_free(t);
		return NULL;
	}
	if (t)
		rte_fib_select_lookup(t, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);	/* else its default */
	return t;
}

static void fib_destroy(void *t)
{
	rte_fib_free(t);
}

static void fib_single(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		uint64_t hop;

		rte_fib_lookup_bulk(t, l->host4 + i, &hop, 1);
		l->got[i] = hop;
	}
}

static void fib_bulk(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	uint64_t hop[BURST];

	for (unsigned int i = 0; i < l->n; i += BURST) {
		rte_fib_lookup_bulk(t, l->host4 + i, hop, BURST);
		for (unsigned int k = 0; k < BURST; k++)
			l->got[i + k] = hop[k];
	}
}

/* rte_lpm6. */

static int lpm6_insert(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_lpm6_add(t, prefix_addr(s, peer), s->p[peer - 1].cidr, peer);
}

static int lpm6_remove(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_lpm6_delete(t, prefix_addr(s, peer), s->p[peer - 1].cidr);
}

static void *lpm6_create(const struct prefixes *s, const char **why)
{
	struct rte_lpm6_config c = { .max_rules = s->n + SPARE, .number_tbl8s = tbl8_groups(s) };
	struct rte_lpm6 *t = rte_lpm6_create("lpm6", SOCKET_ID_ANY, &c);

	*why = "no memory";
	if (t && !fill(&tables[1][1], t, s)) {
		rte_lpm6_free(t);
		return NULL;
	}
	return t;
}

static void lpm6_destroy(void *t)
{
	rte_lpm6_free(t);
}

static void lpm6_single(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		uint32_t peer = 0;

		l->got[i] = rte_lpm6_lookup(t, l->addr + 16 * (size_t)i, &peer) ? 0 : peer;
	}
}

static void lpm6_bulk(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	int32_t hop[BURST];

	for (unsigned int i = 0; i < l->n; i += BURST) {
		rte_lpm6_lookup_bulk_func(t, (uint8_t (*)[16])(l->addr + 16 * (size_t)i), hop, BURST);
		for (unsigned int k = 0; k < BURST; k++)
			l->got[i + k] = hop[k] < 0 ? 0 : hop[k];
	}
}

/* rte_fib6. */

static int fib6_insert(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_fib6_add(t, prefix_addr(s, peer), s->p[peer - 1].cidr, peer);
}

static int fib6_remove(void *t, const struct prefixes *s, uint32_t peer)
{
	return rte_fib6_delete(t, prefix_addr(s, peer), s->p[peer - 1].cidr);
}

/*
 * It keeps tbl8 groups for each prefix alone, though they share most of them. (And it counts those that removing
 * one sets free wrongly, if there are prefixes around it: https://github.com/DPDK/grout/pull/620. So updates fail
 * after a while.)
 */
static unsigned int fib6_groups(const struct prefixes *s)
{
	unsigned int n = SPARE;

	for (unsigned int i = 0; i < s->n; i++)
		n += s->p[i].cidr > 24 ? (s->p[i].cidr - 24 + 7) / 8 : 0;
	return n;
}

static void *fib6_create(const struct prefixes *s, const char **why)
{
	struct rte_fib6_conf c = {
		.type = RTE_FIB6_TRIE,
		.max_routes = s->n + SPARE,
		.trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = fib6_groups(s) },
	};
	struct rte_fib6 *t;

	*why = "wants more than 1 GiB set aside";
	if (c.trie.num_tbl8 > FIB6_GROUPS)
		return NULL;
	t = rte_fib6_create("fib6", SOCKET_ID_ANY, &c);
	*why = "no memory";
	if (t && !fill(&tables[1][2], t, s)) {
		rte_fib6_free(t);
		return NULL;
	}
	if (t)
		rte_fib6_select_lookup(t, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512);	/* else its default */
	return t;
}

static void fib6_destroy(void *t)
{
	rte_fib6_free(t);
}

static void fib6_single(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		uint64_t hop;

		rte_fib6_lookup_bulk(t, (uint8_t (*)[16])(l->addr + 16 * (size_t)i), &hop, 1);
		l->got[i] = hop;
	}
}

static void fib6_bulk(void *t, __attribute__((unused)) const struct prefixes *s, struct lookups *l)
{
	uint64_t hop[BURST];

	for (unsigned int i = 0; i < l->n; i += BURST) {
		rte_fib6_lookup_bulk(t, (uint8_t (*)[16])(l->addr + 16 * (size_t)i), hop, BURST);
		for (unsigned int k = 0; k < BURST; k++)
			l->got[i + k] = hop[k];
	}
}

#define FUNCTIONS(abbr) \
	.create = abbr##_create, .destroy = abbr##_destroy, .single = abbr##_single, .bulk = abbr##_bulk, \
	.insert = abbr##_insert, .remove = abbr##_remove
#define OURS { .name = "wgdp", .note = "", FUNCTIONS(ours), .memory = ours_memory, .quick = UINT_MAX }
#define UNREAD "updates without readers"
#define ONE "single: bulk of one; " UNREAD

const struct table tables[2][N_TABLES] = {
	{
		OURS,
		{ .name = "rte_lpm", .note = UNREAD, FUNCTIONS(lpm), .quick = 10000 },
		{ .name = "rte_fib", .note = "DIR24_8 4B; " ONE, FUNCTIONS(fib), .quick = 100000 },
	}, {
		OURS,
		{ .name = "rte_lpm6", .note = UNREAD, FUNCTIONS(lpm6), .quick = 100000 },
		{ .name = "rte_fib6", .note = "TRIE 4B; " ONE, FUNCTIONS(fib6), .quick = 10000 },
	},
};
