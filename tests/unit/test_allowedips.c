/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allowed-IPs trie by numbered tables: nesting, lengths at the edges of nodes, moves, errors,
 * no memory. Link as failing_alloc.h says.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allowedips.h"
#include "failing_alloc.h"
#include "rcu.h"

enum { N_PEERS = 12 };

struct world {
	struct allowedips *t;
	size_t memory_empty;
	struct allowedips_owner owner[N_PEERS];
	char peer[N_PEERS];	/* only their addresses matter */
};

static void world_init(struct world *w)
{
	rcu_register_thread();
	memset(w, 0, sizeof(*w));
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

static const void *trie_lookup(const struct allowedips *t, int family, const uint8_t *addr)
{
	return family == AF_INET ? allowedips_lookup4(t, addr) : allowedips_lookup6(t, addr);
}

struct row {
	const char *text;	/* address/cidr, or an address to look up */
	int peer;		/* -1: none */
};

static int parse(const char *text, uint8_t addr[16], unsigned int *cidr)
{
	char copy[64], *slash;
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash) {
		*slash = '\0';
		*cidr = atoi(slash + 1);
	}
	memset(addr, 0, 16);
	cr_assert_eq(inet_pton(family, copy, addr), 1, "%s", text);
	return family;
}

static int insert(struct world *w, const char *text, int peer)
{
	unsigned int cidr = 0;
	uint8_t addr[16];
	int family = parse(text, addr, &cidr);

	return allowedips_insert(w->t, family, addr, cidr, &w->peer[peer], &w->owner[peer]);
}

static int drop(struct world *w, const char *text, int peer)
{
	unsigned int cidr = 0;
	uint8_t addr[16];
	int family = parse(text, addr, &cidr);

	return allowedips_remove(w->t, family, addr, cidr, &w->owner[peer]);
}

static int find(struct world *w, const char *text)
{
	unsigned int cidr;
	uint8_t addr[16];
	const char *peer = trie_lookup(w->t, parse(text, addr, &cidr), addr);

	return peer ? peer - w->peer : -1;
}

static void check_rows(struct world *w, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int got = find(w, row[i].text);

		cr_assert_eq(got, row[i].peer, "row %zu: %s is %d's, not %d's", i, row[i].text,
			     row[i].peer, got);
	}
}

#define CHECK_ROWS(w, rows) check_rows(w, rows, sizeof(rows) / sizeof((rows)[0]))

static void insert_rows(struct world *w, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(insert(w, row[i].text, row[i].peer), 0, "row %zu", i);
	cr_assert_eq(allowedips_count(w->t), n);
}

#define INSERT_ROWS(w, rows) insert_rows(w, rows, sizeof(rows) / sizeof((rows)[0]))

Test(allowedips, table_nested)
{
	static const struct row prefixes[] = {
		/* 0 */ { "0.0.0.0/0", 0 },
		/* 1 */ { "10.0.0.0/8", 1 },
		/* 2 */ { "10.1.2.3/16", 2 },		/* host bits are ignored */
		/* 3 */ { "10.1.2.0/24", 3 },
		/* 4 */ { "10.1.2.3/32", 4 },
		/* 5 */ { "192.168.255.255/25", 5 },	/* 192.168.255.128/25 */
		/* 6 */ { "::/0", 6 },
		/* 7 */ { "2001:db8::/32", 7 },
		/* 8 */ { "2001:db8:0:1:ffff::/64", 8 },
		/* 9 */ { "2001:db8:0:1::1/128", 9 },
	};
	static const struct row lookups[] = {
		/* 0 */ { "8.8.8.8", 0 },
		/* 1 */ { "255.255.255.255", 0 },
		/* 2 */ { "0.0.0.0", 0 },
		/* 3 */ { "10.0.0.0", 1 },
		/* 4 */ { "10.255.255.255", 1 },
		/* 5 */ { "11.0.0.0", 0 },
		/* 6 */ { "10.1.0.0", 2 },
		/* 7 */ { "10.1.3.0", 2 },
		/* 8 */ { "10.1.2.2", 3 },
		/* 9 */ { "10.1.2.3", 4 },
		/* 10 */ { "192.168.255.127", 0 },
		/* 11 */ { "192.168.255.128", 5 },
		/* 12 */ { "::", 6 },
		/* 13 */ { "a00::", 6 },		/* 10.0.0.0's bits, another family */
		/* 14 */ { "2001:db7:ffff::", 6 },
		/* 15 */ { "2001:db8::", 7 },
		/* 16 */ { "2001:db8:0:1::", 8 },
		/* 17 */ { "2001:db8:0:1::1", 9 },
		/* 18 */ { "2001:db8:0:1::2", 8 },
		/* 19 */ { "2001:db8:0:2::", 7 },
	};
	static const struct row without_covers[] = {
		/* 0 */ { "8.8.8.8", -1 },
		/* 1 */ { "10.1.2.2", 3 },
		/* 2 */ { "10.1.3.0", -1 },
		/* 3 */ { "10.1.2.3", 4 },
		/* 4 */ { "::", -1 },
		/* 5 */ { "2001:db8:0:1::2", 8 },
		/* 6 */ { "2001:db8:0:2::", -1 },
	};
	struct world w;

	world_init(&w);
	INSERT_ROWS(&w, prefixes);
	CHECK_ROWS(&w, lookups);

	cr_assert_eq(drop(&w, "0.0.0.0/0", 0), 0);
	cr_assert_eq(drop(&w, "10.77.0.0/8", 1), 0);
	cr_assert_eq(drop(&w, "10.1.0.0/16", 3), -ENOENT);	/* 2's */
	cr_assert_eq(drop(&w, "10.1.0.0/16", 2), 0);
	cr_assert_eq(drop(&w, "10.1.0.0/16", 2), -ENOENT);
	cr_assert_eq(drop(&w, "10.1.2.0/23", 3), -ENOENT);
	cr_assert_eq(drop(&w, "::/0", 6), 0);
	cr_assert_eq(drop(&w, "2001:db8::/32", 7), 0);
	CHECK_ROWS(&w, without_covers);
	world_end(&w);
}

/*
 * Prefixes of every length alone and all at once, in both families: the last bit inside and the
 * first bit outside, at each multiple of the stride and beside it.
 */
static void check_lengths(int family, const uint8_t base[16])
{
	unsigned int width = family == AF_INET ? 32 : 128;
	struct world w;

	world_init(&w);
	for (unsigned int cidr = 0; cidr <= width; cidr++) {
		uint8_t a[16];

		cr_assert_eq(allowedips_insert(w.t, family, base, cidr, &w.peer[0],
					       &w.owner[0]), 0);
		cr_assert_eq(trie_lookup(w.t, family, base), &w.peer[0], "/%u", cidr);
		for (unsigned int b = 0; b < width; b++) {
			memcpy(a, base, 16);
			a[b / 8] ^= 0x80 >> b % 8;
			cr_assert_eq(trie_lookup(w.t, family, a), b < cidr ? NULL : &w.peer[0],
				     "/%u, bit %u", cidr, b);
		}
		cr_assert_eq(allowedips_remove(w.t, family, base, cidr, &w.owner[0]), 0);
		cr_assert_eq(allowedips_memory(w.t), w.memory_empty);
	}
	for (unsigned int cidr = 0; cidr <= width; cidr++)	/* peers in turn */
		cr_assert_eq(allowedips_insert(w.t, family, base, cidr, &w.peer[cidr % N_PEERS],
					       &w.owner[cidr % N_PEERS]), 0);
	for (unsigned int b = 0; b < width; b++) {
		uint8_t a[16];

		memcpy(a, base, 16);
		a[b / 8] ^= 0x80 >> b % 8;	/* /b is the longest that has it */
		cr_assert_eq(trie_lookup(w.t, family, a), &w.peer[b % N_PEERS], "bit %u", b);
	}
	cr_assert_eq(trie_lookup(w.t, family, base), &w.peer[width % N_PEERS]);
	world_end(&w);
}

Test(allowedips, every_length)
{
	static const uint8_t zero[16], ones[16] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	};
	static const uint8_t mixed[16] = {
		0xa5, 0x5a, 0x3c, 0xc3, 0x81, 0x7e, 0, 255, 1, 2, 4, 8, 0x99, 0x66, 0xf0, 0x0f,
	};

	check_lengths(AF_INET, zero);
	check_lengths(AF_INET, ones);
	check_lengths(AF_INET, mixed);
	check_lengths(AF_INET6, zero);
	check_lengths(AF_INET6, ones);
	check_lengths(AF_INET6, mixed);
}

/* A node with all 63 prefixes and all 64 children, built and taken down. */
Test(allowedips, full_node)
{
	struct world w;

	world_init(&w);
	for (unsigned int cidr = 0; cidr <= 6; cidr++)
		for (unsigned int v = 0; v < 1u << cidr; v++) {
			uint8_t addr[16] = { v << (8 - cidr) };
			unsigned int peer = (cidr + v) % N_PEERS;

			cr_assert_eq(allowedips_insert(w.t, AF_INET6, addr, cidr, &w.peer[peer],
						       &w.owner[peer]), 0);
		}
	cr_assert_eq(allowedips_count(w.t), 127);
	for (unsigned int v = 0; v < 256; v++) {
		uint8_t addr[16] = { v };

		cr_assert_eq(allowedips_lookup6(w.t, addr), &w.peer[(6 + (v >> 2)) % N_PEERS]);
	}
	for (unsigned int v = 0; v < 64; v++) {
		uint8_t addr[16] = { v << 2 };

		cr_assert_eq(allowedips_remove(w.t, AF_INET6, addr, 6,
					       &w.owner[(6 + v) % N_PEERS]), 0);
		cr_assert_eq(allowedips_lookup6(w.t, addr), &w.peer[(5 + (v >> 1)) % N_PEERS]);
	}
	world_end(&w);
}

Test(allowedips, bad_arguments)
{
	static const uint8_t addr[16];
	struct world w;

	world_init(&w);
	cr_assert_eq(allowedips_insert(w.t, AF_INET, addr, 33, &w.peer[0], &w.owner[0]), -EINVAL);
	cr_assert_eq(allowedips_insert(w.t, AF_INET6, addr, 129, &w.peer[0], &w.owner[0]), -EINVAL);
	cr_assert_eq(allowedips_insert(w.t, AF_UNIX, addr, 1, &w.peer[0], &w.owner[0]), -EINVAL);
	cr_assert_eq(allowedips_remove(w.t, AF_INET, addr, 33, &w.owner[0]), -ENOENT);
	cr_assert_eq(allowedips_memory(w.t), w.memory_empty);
	allowedips_destroy(NULL);
	world_end(&w);
}

/* A prefix given to another peer moves there; the lists say so, each in order of insertion. */
Test(allowedips, move)
{
	struct allowedips_prefix *p;
	struct world w;
	size_t memory;

	world_init(&w);
	cr_assert_eq(insert(&w, "10.0.0.0/24", 0), 0);
	cr_assert_eq(insert(&w, "10.0.1.0/24", 0), 0);
	cr_assert_eq(insert(&w, "10.0.2.0/24", 1), 0);
	memory = allowedips_memory(w.t);

	fail_one_in = 1;
	cr_assert_eq(insert(&w, "10.0.0.9/24", 1), 0);
	cr_assert_eq(insert(&w, "10.0.2.0/24", 1), 0);	/* goes last */
	fail_one_in = 0;
	cr_assert_eq(find(&w, "10.0.0.1"), 1);
	cr_assert_eq(find(&w, "10.0.1.1"), 0);
	cr_assert_eq(allowedips_count(w.t), 3);
	cr_assert_eq(allowedips_memory(w.t), memory);
	cr_assert_eq(w.owner[0].n, 1);
	cr_assert_eq(w.owner[1].n, 2);
	p = cds_list_first_entry(&w.owner[1].prefixes, struct allowedips_prefix, of_owner);
	cr_assert_eq(p->addr[2], 0);
	p = cds_list_entry(w.owner[1].prefixes.prev, struct allowedips_prefix, of_owner);
	cr_assert_eq(p->addr[2], 2);
	cr_assert_eq(p->cidr, 24);
	cr_assert_eq(p->family, AF_INET);
	cr_assert_eq(drop(&w, "10.0.0.0/24", 0), -ENOENT);
	world_end(&w);
}

/* No memory at all: insert changes nothing, remove and remove_owner still do all of their work. */
Test(allowedips, no_memory)
{
	struct world w;
	size_t memory;

	world_init(&w);
	for (int i = 0; i < 40; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.%d.%d.0/%d", i / 4, i * 37 % 256, 16 + i % 4 * 5);
		cr_assert_eq(insert(&w, text, i % 3), 0);
	}
	memory = allowedips_memory(w.t);

	fail_one_in = 1;
	cr_assert_null(allowedips_create());
	cr_assert_eq(insert(&w, "10.3.3.3/32", 4), -ENOMEM);
	cr_assert_eq(insert(&w, "0.0.0.0/0", 4), -ENOMEM);
	cr_assert_eq(insert(&w, "::/0", 4), -ENOMEM);
	cr_assert_eq(find(&w, "172.16.0.1"), -1);
	cr_assert_eq(allowedips_memory(w.t), memory);
	cr_assert_eq(allowedips_count(w.t), 40);
	cr_assert_eq(w.owner[4].n, 0);

	cr_assert_eq(find(&w, "10.9.200.1"), 0);	/* i is 36: 10.9.0.0/16 */
	cr_assert_eq(drop(&w, "10.9.0.0/16", 0), 0);
	cr_assert_eq(find(&w, "10.9.200.1"), -1);
	allowedips_remove_owner(w.t, &w.owner[0]);
	allowedips_remove_owner(w.t, &w.owner[1]);
	cr_assert_eq(w.owner[0].n, 0);
	cr_assert_eq(allowedips_count(w.t), w.owner[2].n);
	for (int i = 0; i < 40; i++) {
		char text[32];
		int peer;

		snprintf(text, sizeof(text), "10.%d.%d.0", i / 4, i * 37 % 256);
		peer = find(&w, text);
		cr_assert(i % 3 == 2 ? peer == 2 : peer == 2 || peer == -1, "%s: %d", text, peer);
	}
	allowedips_remove_owner(w.t, &w.owner[2]);
	cr_assert_eq(allowedips_memory(w.t), w.memory_empty);
	fail_one_in = 0;
	world_end(&w);
}

/* Destroying a table empties the lists of the owners that are left. */
Test(allowedips, destroy_empties_owners)
{
	struct world w;

	world_init(&w);
	cr_assert_eq(insert(&w, "10.0.0.0/8", 0), 0);
	cr_assert_eq(insert(&w, "10.0.0.0/16", 1), 0);
	cr_assert_eq(insert(&w, "fe80::/10", 1), 0);
	allowedips_destroy(w.t);
	for (int i = 0; i < 2; i++)
		cr_assert(cds_list_empty(&w.owner[i].prefixes) && w.owner[i].n == 0);
	rcu_barrier();
	rcu_unregister_thread();
}

static void network(uint8_t addr[16], unsigned int i)
{
	memset(addr, 0, 16);
	addr[0] = 10;
	addr[1] = i >> 12;
	addr[2] = i >> 4;
	addr[3] = i << 4;
}

/* Nodes of more than one chunk; what is removed is used again, and destroying takes what is still on its way back. */
Test(allowedips, memory_used_again)
{
	enum { N = 50000, ROUNDS = 6 };
	size_t held = 0, live = 0;
	struct world w;
	uint8_t addr[16];

	world_init(&w);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < N; i++) {
			network(addr, i);
			cr_assert_eq(allowedips_insert(w.t, AF_INET, addr, 28 + i % 2, &w.peer[i % 3],
						       &w.owner[i % 3]), 0);
			if (i % 64 == 0)
				rcu_quiescent_state();
		}
		for (unsigned int i = 0; i < N; i++) {
			network(addr, i);
			cr_assert_eq(allowedips_lookup4(w.t, addr), &w.peer[i % 3]);
		}
		rcu_barrier();
		if (round == 1) {
			held = allowedips_held(w.t);
			live = allowedips_memory(w.t);
			cr_assert_gt(held, 4 << 20);
			cr_assert_leq(live, held);
		} else if (round > 1) {
			cr_assert_leq(allowedips_held(w.t), held, "round %u", round);
			cr_assert_eq(allowedips_memory(w.t), live);
		}
		if (round + 1 == ROUNDS)
			break;
		for (int i = 0; i < 3; i++)
			allowedips_remove_owner(w.t, &w.owner[i]);
		rcu_barrier();
	}
	world_end(&w);
}
