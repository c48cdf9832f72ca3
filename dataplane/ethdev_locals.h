/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The set of the host's own addresses: written whole by the control thread, looked into by data
 * cores for each datagram to our port. IPv4 addresses are mapped (::ffff:a.b.c.d). Private to
 * dataplane/.
 *
 *   operation x operation | contains (data cores)        | replace (control)
 *   contains              | nobody synchronises          | RCU: sees the old set or the new
 *   replace               |                              | control thread only
 */
#ifndef WGDP_ETHDEV_LOCALS_H
#define WGDP_ETHDEV_LOCALS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"

struct local_set;

/*
 * `*set` is replaced (the old one freed after a grace period); NULL holds nothing. 0, or -ENOMEM.
 */
int locals_replace(struct local_set **set, const struct in6_addr *addrs, size_t n);

/* Frees at once: no reader may be left. */
void locals_destroy(struct local_set **set);

/* Data cores; `set` as got by rcu_load. */
bool locals_contains(const struct local_set *set, const struct in6_addr *addr);

/* Where ep was received, as a mapped address. */
static inline struct in6_addr locals_key(const struct endpoint *ep)
{
	struct in6_addr a = { 0 };

	if (ep->remote.sa.sa_family == AF_INET6)
		return ep->local.v6;
	a.s6_addr[10] = a.s6_addr[11] = 0xff;
	__builtin_memcpy(a.s6_addr + 12, &ep->local.v4, sizeof(ep->local.v4));
	return a;
}

#endif
