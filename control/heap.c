/* SPDX-License-Identifier: BSD-3-Clause */
#include "heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int heap_reserve(struct heap *h, size_t n)
{
	size_t size = h->size ? h->size : 16;
	struct heap_entry **e;

	if (n <= h->size)
		return 0;
	while (size < n)
		size *= 2;
	e = realloc(h->e, size * sizeof(e[0]));
	if (!e)
		return -ENOMEM;
	h->e = e;
	h->size = size;
	return 0;
}

void heap_fini(struct heap *h)
{
	free(h->e);
	*h = (struct heap){ 0 };
}

static void put(struct heap *h, size_t i, struct heap_entry *e)
{
	h->e[i] = e;
	e->pos = i + 1;
}

static void sift_up(struct heap *h, size_t i, struct heap_entry *e)
{
	for (; i && h->e[(i - 1) / 2]->at > e->at; i = (i - 1) / 2)
		put(h, i, h->e[(i - 1) / 2]);
	put(h, i, e);
}

static void sift_down(struct heap *h, size_t i, struct heap_entry *e)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < h->n && h->e[child + 1]->at < h->e[child]->at)
			child++;
		if (child >= h->n || h->e[child]->at >= e->at)
			break;
		put(h, i, h->e[child]);
		i = child;
	}
	put(h, i, e);
}

static void settle(struct heap *h, size_t i, struct heap_entry *e)
{
	if (i && h->e[(i - 1) / 2]->at > e->at)
		sift_up(h, i, e);
	else
		sift_down(h, i, e);
}

static void take_out(struct heap *h, struct heap_entry *e)
{
	size_t i = e->pos - 1;
	struct heap_entry *last = h->e[--h->n];

	e->pos = 0;
	if (last != e)
		settle(h, i, last);
}

void heap_set(struct heap *h, struct heap_entry *e, uint64_t at)
{
	if (at == UINT64_MAX) {
		if (e->pos)
			take_out(h, e);
		e->at = at;
		return;
	}
	e->at = at;
	if (!e->pos) {
		assert(h->n < h->size);
		e->pos = ++h->n;
	}
	settle(h, e->pos - 1, e);
}
