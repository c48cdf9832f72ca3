/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void conf_mem_free(void *p, size_t size)
{
	if (!p)
		return;
	explicit_bzero(p, size);
	free(p);
}

char *conf_mem_string(const char *s, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

/* The array is full when the number of its elements is a power of two, or none. */
static void *array_grow(void *old, size_t n, size_t size)
{
	size_t room = n > 0 ? 2 * n : 1;
	size_t bytes;
	void *new;

	if (n > SIZE_MAX / 2 || __builtin_mul_overflow(room, size, &bytes))
		return NULL;
	new = malloc(bytes);
	if (!new)
		return NULL;
	if (n > 0)
		memcpy(new, old, n * size);
	conf_mem_free(old, n * size);
	return new;
}

void *conf_mem_append(void *array, size_t *n, size_t size)
{
	char *base;

	memcpy(&base, array, sizeof(base));
	if ((*n & (*n - 1)) == 0) {
		base = array_grow(base, *n, size);
		if (!base)
			return NULL;
		memcpy(array, &base, sizeof(base));
	}
	return memset(base + size * (*n)++, 0, size);
}
