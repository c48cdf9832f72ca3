/* SPDX-License-Identifier: BSD-3-Clause */
#include "fib.h"

#include <errno.h>

int fib_init(struct fib *f)
{
	*f = (struct fib){ 0 };
	allowedips_owner_init(&f->owner);
	f->prefixes = allowedips_create();
	return f->prefixes ? 0 : -ENOMEM;
}

void fib_fini(struct fib *f)
{
	allowedips_destroy(f->prefixes);
	f->prefixes = NULL;
}

int fib_insert(struct fib *f, int family, const void *addr, uint8_t len, struct fib_entry *e)
{
	return allowedips_insert(f->prefixes, family, addr, len, e, &f->owner);
}

void fib_remove(struct fib *f, int family, const void *addr, uint8_t len)
{
	allowedips_remove(f->prefixes, family, addr, len, &f->owner);
}

struct fib_entry *fib_at(const struct fib *f, int family, const void *addr, uint8_t len)
{
	return allowedips_at(f->prefixes, family, addr, len);
}

struct fib_entry *fib_above(const struct fib *f, int family, const void *addr, uint8_t len)
{
	return allowedips_above(f->prefixes, family, addr, len);
}

struct fib_entry *fib_lookup(const struct fib *f, int family, const void *addr)
{
	return family == AF_INET6 ? allowedips_lookup6(f->prefixes, addr) : allowedips_lookup4(f->prefixes, addr);
}
