/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for secrets that grow: whole pages, which move without being copied, so that nothing stays behind. Any thread. */
#ifndef WGDP_PAGES_H
#define WGDP_PAGES_H

#include <stddef.h>

/*
 * Twice as many bytes as *room says, 64 KiB for the first (pages NULL); new ones are zero. Returns where they are now. NULL: no memory, and
 * what was there is as before.
 */
void *pages_grow(void *pages, size_t *room);

/* Wipes the first `used` bytes, and gives all back. NULL is allowed. */
void pages_free(void *pages, size_t used, size_t room);

#endif
