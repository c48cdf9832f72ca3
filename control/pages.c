/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"

#include <sys/mman.h>

#include <openssl/crypto.h>

enum { ROOM_FIRST = 64 * 1024 };

void *pages_grow(void *pages, size_t *room)
{
	size_t more = pages ? *room * 2 : ROOM_FIRST;

	pages = pages ? mremap(pages, *room, more, MREMAP_MAYMOVE) :
			mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	*room = more;
	return pages;
}

void pages_free(void *pages, size_t used, size_t room)
{
	if (!pages)
		return;
	OPENSSL_cleanse(pages, used);
	munmap(pages, room);
}
