/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aligned_alloc(), calloc() and the trie's pool_alloc() that fail on purpose, for the whole test program. Link with
 * -Wl,--wrap=aligned_alloc,--wrap=calloc,--wrap=pool_alloc. Per thread, so that only the thread under test is hit;
 * the draws repeat from run to run.
 */
#ifndef WGDP_FAILING_ALLOC_H
#define WGDP_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allowedips_pool.h"

/* Of so many allocations, on average one fails: 1 fails them all, 0 none. */
static __thread unsigned int fail_one_in;

/* How many have failed. */
static __thread unsigned int n_failed;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_pool_alloc(struct pool *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_pool_alloc(struct pool *p, size_t size);

/* xorshift64*: a number below `below`, for tests that must repeat. *s is never 0. */
static inline unsigned int draw_from(uint64_t *s, unsigned int below)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return (*s * 0x2545f4914f6cdd1du >> 32) % below;
}

static inline bool alloc_fails(void)
{
	static __thread uint64_t rng = 88172645463325252u;
	bool fails = fail_one_in && draw_from(&rng, fail_one_in) == 0;

	n_failed += fails;
	return fails;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return alloc_fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return alloc_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_pool_alloc(struct pool *p, size_t size)
{
	return alloc_fails() ? NULL : __real_pool_alloc(p, size);
}

#endif
