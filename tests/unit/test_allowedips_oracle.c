/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allowed-IPs trie in long random runs against an oracle that is too simple to be wrong: an
 * array searched from end to end. Addresses come in clusters, so that prefixes nest, meet and move
 * often. Link as failing_alloc.h says.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "allowedips.h"
#include "failing_alloc.h"
#include "rcu.h"

enum {
	N_PEERS = 12,
	N_ORACLE = 200,
	BUSY_OPS = 1000000,
	STARVED_OPS = 100000,
	MAX_BULK = 130,
};

/* An address is 16 bytes, IPv4 in the first four; host bits are zero. */
struct entry {
	int family;
	uint8_t addr[16];
	unsigned int cidr;
	unsigned int peer;
};

struct world {
	struct allowedips *t;
	size_t memory_empty;
	struct allowedips_owner owner[N_PEERS];
	char peer[N_PEERS];	/* only their addresses matter */
	struct entry entry[N_ORACLE];
	unsigned int n;
	uint64_t rng;
	uint64_t seed;
};

static size_t addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

static unsigned int addr_width(int family)
{
	return addr_len(family) * 8;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static void clear_host_bits(uint8_t *a, unsigned int cidr)
{
	for (unsigned int i = cidr; i < 128; i++)
		a[i / 8] &= ~(0x80 >> i % 8);
}

static int oracle_find(const struct world *w, int family, const uint8_t *addr, unsigned int cidr)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->entry[i].family == family && w->entry[i].cidr == cidr &&
		    same_bits(w->entry[i].addr, addr, cidr))
			return i;
	return -1;
}

static const void *oracle_lookup(const struct world *w, int family, const uint8_t *addr)
{
	const struct entry *best = NULL;

	for (unsigned int i = 0; i < w->n; i++) {
		const struct entry *e = &w->entry[i];

		if (e->family == family && (!best || e->cidr > best->cidr) &&
		    same_bits(e->addr, addr, e->cidr))
			best = e;
	}
	return best ? &w->peer[best->peer] : NULL;
}

static const void *trie_lookup(const struct allowedips *t, int family, const uint8_t *addr)
{
	return family == AF_INET ? allowedips_lookup4(t, addr) : allowedips_lookup6(t, addr);
}

static void world_init(struct world *w, uint64_t seed)
{
	rcu_register_thread();
	memset(w, 0, sizeof(*w));
	w->rng = w->seed = seed;
	w->t = allowedips_create();
	cr_assert_not_null(w->t);
	w->memory_empty = allowedips_memory(w->t);
	for (int i = 0; i < N_PEERS; i++)
		allowedips_owner_init(&w->owner[i]);
}

static void world_end(struct world *w)
{
	for (int i = 0; i < N_PEERS; i++)
		allowedips_remove_owner(w->t, &w->owner[i]);
	cr_assert_eq(allowedips_count(w->t), 0);
	cr_assert_eq(allowedips_memory(w->t), w->memory_empty);
	allowedips_destroy(w->t);
	rcu_barrier();
	rcu_unregister_thread();
}

static unsigned int draw(struct world *w, unsigned int below)
{
	return draw_from(&w->rng, below);
}

/*
 * One of three bases, with some bits flipped and, now and then, a byte or all of the rest of it
 * random: common paths of any length, nodes with few children and with many.
 */
static void draw_addr(struct world *w, int family, uint8_t addr[16])
{
	static const uint8_t base[3][16] = {
		{ 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
		{ 10, 1, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
		{ 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0x80 },
	};
	unsigned int kind = draw(w, 8), i = draw(w, addr_len(family));

	memcpy(addr, base[draw(w, 3)], 16);
	for (unsigned int flips = draw(w, 3); flips; flips--) {
		unsigned int b = draw(w, addr_width(family));

		addr[b / 8] ^= 0x80 >> b % 8;
	}
	if (kind == 0)
		addr[i] = draw(w, 256);
	while (kind == 1 && i < addr_len(family))
		addr[i++] = draw(w, 256);
	clear_host_bits(addr, addr_width(family));
}

static unsigned int draw_cidr(struct world *w, int family)
{
	static const uint8_t edge[] = {
		0, 1, 5, 6, 7, 11, 12, 13, 17, 18, 24, 29, 30, 31, 32,
		48, 59, 60, 61, 63, 64, 65, 66, 67, 119, 120, 125, 126, 127, 128,
	};
	unsigned int cidr = draw(w, 3) ? edge[draw(w, sizeof(edge))] : draw(w, 129);

	return cidr <= addr_width(family) ? cidr : draw(w, addr_width(family) + 1);
}

#define SAY "seed %" PRIu64 ", operation %u"
#define SAID(w, op) (w)->seed, (op)

static void try_insert(struct world *w, unsigned int op)
{
	int family = draw(w, 2) ? AF_INET : AF_INET6, rc, i;
	unsigned int cidr = draw_cidr(w, family), peer = draw(w, N_PEERS), failed = n_failed;
	size_t memory = allowedips_memory(w->t);
	uint8_t addr[16];

	draw_addr(w, family, addr);
	i = oracle_find(w, family, addr, cidr);
	if (i < 0 && w->n == N_ORACLE)
		return;
	rc = allowedips_insert(w->t, family, addr, cidr, &w->peer[peer], &w->owner[peer]);
	if (rc) {
		cr_assert_eq(rc, -ENOMEM, SAY, SAID(w, op));
		cr_assert_gt(n_failed, failed, SAY, SAID(w, op));
		cr_assert_eq(allowedips_memory(w->t), memory, SAY, SAID(w, op));
		cr_assert_lt(i, 0, SAY ": a move needs no memory", SAID(w, op));
		return;
	}
	cr_assert_eq(n_failed, failed, SAY, SAID(w, op));
	if (i < 0) {
		i = w->n++;
		clear_host_bits(addr, cidr);
		w->entry[i] = (struct entry){ .family = family, .cidr = cidr };
		memcpy(w->entry[i].addr, addr, 16);
	}
	w->entry[i].peer = peer;
}

static void try_remove(struct world *w, unsigned int op)
{
	int family = draw(w, 2) ? AF_INET : AF_INET6, expected, rc, i;
	unsigned int cidr = draw_cidr(w, family), peer = draw(w, N_PEERS);
	uint8_t addr[16];

	draw_addr(w, family, addr);
	if (w->n && draw(w, 4)) {
		const struct entry *e = &w->entry[draw(w, w->n)];

		family = e->family;
		cidr = e->cidr;
		memcpy(addr, e->addr, 16);
		if (draw(w, 8))
			peer = e->peer;
	}
	i = oracle_find(w, family, addr, cidr);
	expected = i >= 0 && w->entry[i].peer == peer ? 0 : -ENOENT;
	rc = allowedips_remove(w->t, family, addr, cidr, &w->owner[peer]);
	cr_assert_eq(rc, expected, SAY ": remove %d", SAID(w, op), rc);
	if (!rc)
		w->entry[i] = w->entry[--w->n];
}

static void remove_owner(struct world *w)
{
	unsigned int peer = draw(w, N_PEERS), kept = 0;

	allowedips_remove_owner(w->t, &w->owner[peer]);
	for (unsigned int i = 0; i < w->n; i++)
		if (w->entry[i].peer != peer)
			w->entry[kept++] = w->entry[i];
	w->n = kept;
}

/* An address to look up; returns its family. */
static int draw_lookup(struct world *w, uint8_t addr[16])
{
	int family = draw(w, 2) ? AF_INET : AF_INET6;

	draw_addr(w, family, addr);
	if (w->n && draw(w, 2)) {	/* in a known prefix, or beside it by one bit */
		const struct entry *e = &w->entry[draw(w, w->n)];
		unsigned int last = e->cidr - draw(w, 2);

		family = e->family;
		for (unsigned int b = 0; b < e->cidr; b++) {
			addr[b / 8] &= ~(0x80 >> b % 8);
			addr[b / 8] |= e->addr[b / 8] & (0x80 >> b % 8);
		}
		if (last < addr_width(family))
			addr[last / 8] ^= 0x80 >> last % 8;
	}
	return family;
}

static void try_lookup(struct world *w, unsigned int op)
{
	uint8_t addr[16];
	int family = draw_lookup(w, addr);

	cr_assert_eq(trie_lookup(w->t, family, addr), oracle_lookup(w, family, addr), SAY, SAID(w, op));
}

/* What a bulk lookup's addresses are like; some are the same as the one before in any case. */
enum bulk_kind { BULK_MIXED, BULK_IPV4, BULK_IPV6, BULK_ONE_FLOW, BULK_KINDS };

/* n at once: each as the oracle and as alone, nothing written beyond the last. */
static void try_bulk(struct world *w, unsigned int op, unsigned int n, enum bulk_kind kind)
{
	struct allowedips_query q[MAX_BULK + 1];
	uint8_t addr[MAX_BULK + 1][17];	/* odd: unaligned */

	for (unsigned int i = 0; i <= n; i++) {
		bool again = i && (kind == BULK_ONE_FLOW || draw(w, 4) == 0);
		int family;

		do
			family = draw_lookup(w, addr[i]);
		while ((kind == BULK_IPV4 && family != AF_INET) || (kind == BULK_IPV6 && family != AF_INET6));
		q[i] = (struct allowedips_query){ .addr = addr[i], .peer = w, .is6 = family == AF_INET6 };
		if (again)
			memcpy(addr[i], addr[i - 1], 16);	/* of the other family, now and then */
		if (kind == BULK_ONE_FLOW)
			q[i].is6 = q[0].is6;
	}
	allowedips_lookup_bulk(w->t, q, n);
	for (unsigned int i = 0; i < n; i++) {
		int family = q[i].is6 ? AF_INET6 : AF_INET;

		cr_assert_eq(q[i].peer, oracle_lookup(w, family, addr[i]), SAY ": %u of %u", SAID(w, op), i, n);
		cr_assert_eq(q[i].peer, trie_lookup(w->t, family, addr[i]), SAY ": %u of %u", SAID(w, op), i, n);
	}
	cr_assert_eq(q[n].peer, w, SAY ": wrote beyond %u", SAID(w, op), n);
}

/*
 * The lists agree with the oracle, prefix by prefix. And the memory is what a trie built afresh of
 * the same prefixes takes: no empty node and no node to skip was left behind.
 */
static void check_all(struct world *w, unsigned int op, bool exact)
{
	struct allowedips *fresh = allowedips_create();
	struct allowedips_owner all;
	size_t n = 0;

	cr_assert_not_null(fresh);
	allowedips_owner_init(&all);
	for (unsigned int peer = 0; peer < N_PEERS; peer++) {
		struct allowedips_prefix *p;
		size_t listed = 0;

		cds_list_for_each_entry(p, &w->owner[peer].prefixes, of_owner) {
			int i = oracle_find(w, p->family, p->addr, p->cidr);

			cr_assert_geq(i, 0, SAY, SAID(w, op));
			cr_assert_eq(w->entry[i].peer, peer, SAY, SAID(w, op));
			cr_assert_arr_eq(p->addr, w->entry[i].addr, 16, SAY, SAID(w, op));
			cr_assert_eq(p->owner, &w->owner[peer], SAY, SAID(w, op));
			listed++;
		}
		cr_assert_eq(listed, w->owner[peer].n, SAY, SAID(w, op));
		n += listed;
	}
	cr_assert_eq(n, w->n, SAY, SAID(w, op));
	cr_assert_eq(allowedips_count(w->t), n, SAY, SAID(w, op));

	for (unsigned int i = 0; i < w->n; i++)
		cr_assert_eq(allowedips_insert(fresh, w->entry[i].family, w->entry[i].addr,
					       w->entry[i].cidr, w, &all), 0);
	if (exact)
		cr_assert_eq(allowedips_memory(w->t), allowedips_memory(fresh), SAY, SAID(w, op));
	allowedips_destroy(fresh);
	cr_assert(cds_list_empty(&all.prefixes) && all.n == 0);
}

static void run_random(struct world *w, unsigned int ops, unsigned int failing)
{
	for (unsigned int op = 0; op < ops; op++) {
		unsigned int what = draw(w, 1000);

		fail_one_in = failing;
		if (what < 250)
			try_insert(w, op);
		else if (what < 400)
			try_remove(w, op);
		else if (what < 402)
			remove_owner(w);
		else if (what < 410)
			try_bulk(w, op, draw(w, MAX_BULK + 1), draw(w, BULK_KINDS));
		else
			try_lookup(w, op);
		fail_one_in = 0;
		if (op % 5000 == 4999)
			check_all(w, op, !failing);
		if (op % 64 == 0)
			rcu_quiescent_state();
	}
}

Test(allowedips_oracle, random_operations)
{
	static struct world w;

	world_init(&w, 2024112901);
	run_random(&w, BUSY_OPS, 0);
	world_end(&w);
}

Test(allowedips_oracle, random_operations_with_failing_allocations)
{
	static struct world w;

	world_init(&w, 2024112902);
	run_random(&w, STARVED_OPS, 3);
	cr_assert_gt(n_failed, 1000);
	world_end(&w);
}

/* Every n and kind, on tables with nothing, with one node, with a few and with many. */
Test(allowedips_oracle, bulk_every_n)
{
	static const unsigned int sizes[] = { 0, 1, 2, 5, 20, N_ORACLE };
	static struct world w;

	for (unsigned int s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		world_init(&w, 2024112904 + s);
		while (w.n < sizes[s])
			try_insert(&w, 0);
		for (unsigned int n = 0; n <= MAX_BULK; n++)
			for (int kind = 0; kind < BULK_KINDS; kind++)
				try_bulk(&w, n, n, kind);
		world_end(&w);
	}
}
