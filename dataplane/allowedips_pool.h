/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for the allowed-IPs trie's nodes: blocks of whole cache lines out of chunks of 2 MiB, the size of a huge
 * page, since a lookup in a large table with its nodes on small pages mostly waits for the TLB. Blocks freed are
 * used again; chunks go back when the pool ends. Private to allowedips*.c.
 *
 *   alloc, free, end: the control thread. give_back: one other thread at the same time, liburcu's.
 */
#ifndef WGDP_ALLOWEDIPS_POOL_H
#define WGDP_ALLOWEDIPS_POOL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define POOL_ASAN
#endif

enum {
	POOL_LINE = 64,			/* alignment and unit of size */
	POOL_MAX_LINES = 25,		/* the largest block */
#ifdef POOL_ASAN
	POOL_CHUNK = 64 << 10,		/* which has to mark all of it */
#else
	POOL_CHUNK = 2 << 20,
#endif
};

struct pool_block;
struct pool_chunk;

/* All zero: a pool without memory. */
struct pool {
	struct pool_block *free[POOL_MAX_LINES + 1];	/* by lines */
	struct pool_chunk *chunks;	/* the newest first */
	uint8_t *rest, *end;		/* what has not been used of the newest */
	size_t held;			/* bytes of chunks */
	size_t away;			/* blocks announced by pool_expect() that have not come back */
	struct pool_block *returned;	/* liburcu's thread adds, control takes them all */
};

/* Aligned to POOL_LINE, not cleared; `size` is a multiple of it. NULL: no memory. */
void *pool_alloc(struct pool *p, size_t size);

/* Nobody else has the block. */
void pool_free(struct pool *p, void *block, size_t size);

/* A block will come back by pool_give_back(), called once from any thread. */
void pool_expect(struct pool *p);
void pool_give_back(void *block, size_t size);

/* Frees everything. Waits (rcu_barrier) for blocks that are to come back. */
void pool_end(struct pool *p);

#endif
