/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for what may hold keys: nothing is given back to the heap unwiped, so there is no realloc.
 * Internal to conf/.
 */
#ifndef WGDP_CONF_MEM_H
#define WGDP_CONF_MEM_H

#include <stddef.h>

/*
 * Room for one more element of `size` bytes at the end of an array: `array` is the address of the
 * pointer to it, *n the number of its elements, which grows by one. Returns the new element,
 * zeroed, or NULL with nothing changed. The room is always a power of two, so that it follows from
 * *n and an array that only ever grew this way needs no other field.
 */
void *conf_mem_append(void *array, size_t *n, size_t size);

/* A terminated copy of `len` bytes, or NULL. */
char *conf_mem_string(const char *s, size_t len);

/* Wipes `size` bytes and frees. NULL is allowed. */
void conf_mem_free(void *p, size_t size);

#endif
