/* SPDX-License-Identifier: BSD-3-Clause */
#include "aead.h"

#include <string.h>

const struct aead_backend *const aead_backends[] = {
#ifdef HAVE_IPSEC_MB
	&aead_ipsec_mb,
#endif
	&aead_openssl,
	NULL,
};

const struct aead_backend *aead_find(const char *name)
{
	bool any = strcmp(name, "auto") == 0;

	for (unsigned int i = 0; aead_backends[i]; i++) {
		const struct aead_backend *b = aead_backends[i];

		if ((any || strcmp(name, b->name) == 0) && b->usable())
			return b;
	}
	return NULL;
}
