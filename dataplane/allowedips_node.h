/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The node of the allowed-IPs trie: its layout, and what lookup and update do with its bits.
 * Private to allowedips*.c; any thread.
 *
 * A node at depth d (a multiple of 6) holds the prefixes of d to d + 5 bits that begin with its
 * key, and has a child for each value of the six bits from d on below which there is something.
 *
 * The prefix whose last r bits (r = 0..5) past d have the value v is bit 2^r + v of `prefixes`, as
 * in a heap: a longer prefix has the higher bit, and those that cover an address are one mask, so
 * that the longest match is the highest bit of an AND.
 *
 * What readers touch comes first: the header's line, then one slot.
 */
#ifndef WGDP_ALLOWEDIPS_NODE_H
#define WGDP_ALLOWEDIPS_NODE_H

#include <assert.h>
#include <endian.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "allowedips_pool.h"
#include "rcu.h"

enum {
	NODE_STRIDE = 6,
	NODE_LINE = POOL_LINE,	/* alignment and unit of size */
};

/* An address, its first bit highest; IPv4 in the upper 32 bits. */
typedef unsigned __int128 addr_bits;

struct node {
	addr_bits key;		/* the first `depth` bits lead here; the others mean nothing */
	uint64_t prefixes;	/* bits 1 to 63 */
	uint64_t children;	/* by the six bits from `depth` on */
	uint8_t depth;
	uint16_t size;		/* of the allocation; writer's */
	union {
		void *entry[2];		/* writer's: struct allowedips_prefix of the first two */
		struct rcu_head rcu;	/* once replaced */
	};
	/*
	 * Readers': the children (struct node), then the prefixes' peers, each in the order of its
	 * bitmap. After them, writer's: struct allowedips_prefix of the third prefix and so on.
	 */
	void *slot[];
};

#define NODE_SIZE(n_children, n_prefixes) \
	(offsetof(struct node, slot) + sizeof(void *) * ((n_children) + (n_prefixes) + \
	 ((n_prefixes) > 2 ? (n_prefixes) - 2 : 0)))

static_assert(NODE_SIZE(0, 1) == NODE_LINE, "a leaf of one prefix fills one cache line");
static_assert(NODE_SIZE(64, 63) <= POOL_MAX_LINES * POOL_LINE, "the largest node is a block");

struct allowedips {
	/* IPv4, IPv6: struct node or NULL. Data cores: ro, control: rw */
	alignas(NODE_LINE) void *root[2];
	/* Control: rw */
	alignas(NODE_LINE) size_t count;
	size_t memory;
	struct pool pool;
	/* The largest node, for a moment: shrink_in_place(). Data cores: ro, control: rw */
	alignas(NODE_LINE) uint8_t spare[NODE_SIZE(64, 63)];
};

/* [v]: the bits of `prefixes` that cover an address whose five bits from `depth` on are v. */
#define NODE_COVER(v) (1ull << (32 + (v)) | 1ull << (16 + (v) / 2) | 1ull << (8 + (v) / 4) | \
		       1ull << (4 + (v) / 8) | 1ull << (2 + (v) / 16) | 1ull << 1)
#define NODE_COVER4(v) NODE_COVER(v), NODE_COVER((v) + 1), NODE_COVER((v) + 2), NODE_COVER((v) + 3)
static alignas(NODE_LINE) const uint64_t node_covering[32] = {
	NODE_COVER4(0), NODE_COVER4(4), NODE_COVER4(8), NODE_COVER4(12),
	NODE_COVER4(16), NODE_COVER4(20), NODE_COVER4(24), NODE_COVER4(28),
};

/* Bits. `wide` is a constant; false: IPv4, all of whose bits are in the upper half. */

static inline uint64_t bit(unsigned int i)
{
	return 1ull << i;
}

/* How many bits of the bitmap come before this one. */
static inline unsigned int rank(uint64_t bitmap, unsigned int i)
{
	return __builtin_popcountll(bitmap & (bit(i) - 1));
}

static inline unsigned int chunk(addr_bits a, unsigned int depth, bool wide)
{
	if (wide)
		return a << depth >> (128 - NODE_STRIDE);
	return (uint64_t)(a >> 64) << depth >> (64 - NODE_STRIDE);
}

/* Does the address begin with the node's key? */
static inline bool leads_to(addr_bits a, const struct node *n, bool wide)
{
	if (wide)
		return (a ^ n->key) >> 1 >> (127 - n->depth) == 0;
	return (uint64_t)((a ^ n->key) >> 64) >> 1 >> (63 - n->depth) == 0;
}

static inline addr_bits load4(const uint8_t addr[4])
{
	uint32_t v;

	memcpy(&v, addr, sizeof(v));
	return (addr_bits)be32toh(v) << 96;
}

static inline addr_bits load6(const uint8_t addr[16])
{
	uint64_t v[2];

	memcpy(v, addr, sizeof(v));
	return (addr_bits)be64toh(v[0]) << 64 | be64toh(v[1]);
}

/* Slots. */

static inline void **child_slot(struct node *n, unsigned int c)
{
	return &n->slot[rank(n->children, c)];
}

static inline void **peer_slot(struct node *n, unsigned int index)
{
	return &n->slot[__builtin_popcountll(n->children) + rank(n->prefixes, index)];
}

static inline void **entry_slot(struct node *n, unsigned int index)
{
	unsigned int i = rank(n->prefixes, index);

	if (i < 2)
		return &n->entry[i];
	i += __builtin_popcountll(n->children) + __builtin_popcountll(n->prefixes) - 2;
	return &n->slot[i];
}

#endif
