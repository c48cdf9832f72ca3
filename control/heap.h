/* SPDX-License-Identifier: BSD-3-Clause */
/* A binary heap of deadlines: which peer's timers are to be looked at next. Control thread. */
#ifndef WGDP_HEAP_H
#define WGDP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry {
	uint64_t at;	/* deadline; set by heap_set */
	size_t pos;	/* place in the heap plus one; 0: not in it */
};

struct heap {
	struct heap_entry **e;
	size_t n, size;
};

/* Room for n entries in all; 0 or -ENOMEM with the heap as it was. Afterwards heap_set cannot fail for them. */
int heap_reserve(struct heap *h, size_t n);
void heap_fini(struct heap *h);

/* Puts e in, or moves it, to deadline `at`; UINT64_MAX takes it out. */
void heap_set(struct heap *h, struct heap_entry *e, uint64_t at);

/* The entry with the earliest deadline, or NULL. */
static inline struct heap_entry *heap_first(const struct heap *h)
{
	return h->n ? h->e[0] : NULL;
}

#endif
