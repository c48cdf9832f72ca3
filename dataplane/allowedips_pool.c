/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of free blocks for each size, in lines. What is asked for comes from its list, or else from what other
 * threads gave back, or from the unused rest of the newest chunk, or from a larger block, whose remainder becomes
 * a block; last of all from a new chunk.
 *
 * The first chunk stays on small pages, of which only those in use cost memory, until there is a second one: few
 * interfaces have more than some thousand prefixes. AddressSanitizer is told which blocks are free.
 */
#include "allowedips_pool.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rcu.h"

#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define poison(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define unpoison(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define poison(at, size) ((void)(at), (void)(size))
#define unpoison(at, size) ((void)(at), (void)(size))
#endif

/* A free one. */
struct pool_block {
	struct pool_block *next;
	size_t size;
};

/* At the start of the chunk, which is aligned to its size: how a block finds its pool. */
struct pool_chunk {
	alignas(POOL_LINE) struct pool *pool;
	struct pool_chunk *next;
};

static void list_push(struct pool_block **list, void *at, size_t size)
{
	struct pool_block *b = at;

	unpoison(b, sizeof(*b));
	b->next = *list;
	b->size = size;
	*list = b;
	poison(b + 1, size - sizeof(*b));
}

static void *list_pop(struct pool_block **list)
{
	struct pool_block *b = *list;

	if (b) {
		unpoison(b, b->size);
		*list = b->next;
	}
	return b;
}

void pool_free(struct pool *p, void *block, size_t size)
{
	list_push(&p->free[size / POOL_LINE], block, size);
}

static void take_returned(struct pool *p)
{
	struct pool_block *b = __atomic_exchange_n(&p->returned, NULL, __ATOMIC_ACQUIRE), *next;

	for (; b; b = next) {
		next = b->next;
		list_push(&p->free[b->size / POOL_LINE], b, b->size);
		p->away--;
	}
}

/* What is left of the chunk before goes to the lists. False: no memory. */
static bool chunk_add(struct pool *p)
{
	struct pool_chunk *c = aligned_alloc(POOL_CHUNK, POOL_CHUNK);

	if (!c)
		return false;
	/* Both are advice: without huge pages it works the same, slower. */
	if (p->chunks) {
		madvise(p->chunks, POOL_CHUNK, MADV_HUGEPAGE);
		madvise(c, POOL_CHUNK, MADV_HUGEPAGE);
	}
	if (p->rest != p->end)
		pool_free(p, p->rest, p->end - p->rest);
	c->pool = p;
	c->next = p->chunks;
	p->chunks = c;
	p->rest = (uint8_t *)(c + 1);
	p->end = (uint8_t *)c + POOL_CHUNK;
	p->held += POOL_CHUNK;
	poison(p->rest, p->end - p->rest);
	return true;
}

static void *rest_take(struct pool *p, size_t size)
{
	void *block = p->rest;

	if ((size_t)(p->end - p->rest) < size)
		return NULL;
	p->rest += size;
	unpoison(block, size);
	return block;
}

static void *larger_split(struct pool *p, size_t size)
{
	for (size_t lines = size / POOL_LINE + 1; lines <= POOL_MAX_LINES; lines++) {
		uint8_t *block = list_pop(&p->free[lines]);

		if (!block)
			continue;
		pool_free(p, block + size, lines * POOL_LINE - size);
		return block;
	}
	return NULL;
}

void *pool_alloc(struct pool *p, size_t size)
{
	void *block;

	assert(size && size % POOL_LINE == 0 && size / POOL_LINE <= POOL_MAX_LINES);
	block = list_pop(&p->free[size / POOL_LINE]);
	if (block)
		return block;
	take_returned(p);
	block = list_pop(&p->free[size / POOL_LINE]);
	if (!block)
		block = rest_take(p, size);
	if (!block)
		block = larger_split(p, size);
	if (!block && chunk_add(p))
		block = rest_take(p, size);
	return block;
}

void pool_expect(struct pool *p)
{
	p->away++;
}

void pool_give_back(void *block, size_t size)
{
	struct pool *p = ((struct pool_chunk *)((uintptr_t)block & ~(uintptr_t)(POOL_CHUNK - 1)))->pool;
	struct pool_block *b = block;

	b->size = size;
	b->next = __atomic_load_n(&p->returned, __ATOMIC_RELAXED);
	poison(b + 1, size - sizeof(*b));
	while (!__atomic_compare_exchange_n(&p->returned, &b->next, b, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

void pool_end(struct pool *p)
{
	take_returned(p);
	if (p->away)
		rcu_barrier();
	while (p->chunks) {
		struct pool_chunk *c = p->chunks;

		p->chunks = c->next;
		unpoison(c, POOL_CHUNK);
		free(c);
	}
}
