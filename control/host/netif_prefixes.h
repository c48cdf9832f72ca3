/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of prefixes and addresses, as sets: what netif_routes.c and netif_update.c reckon with. Any thread. */
#ifndef WGDP_NETIF_PREFIXES_H
#define WGDP_NETIF_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"

/* Zeroed: empty. Once no_memory is set, prefixes are missing. */
struct netif_prefixes {
	struct conf_prefix *p;
	size_t n, room;
	bool no_memory;
};

void netif_prefixes_add(struct netif_prefixes *list, const struct conf_prefix *p);
void netif_prefixes_free(struct netif_prefixes *list);

/* Longest first, then by family and address; host bits count. */
int netif_prefix_cmp(const void *a, const void *b);

/* In the order of netif_prefix_cmp; equal ones stay. */
void netif_prefixes_sort(struct netif_prefixes *list);

/* Each once. Sorted. */
void netif_prefixes_unique(struct netif_prefixes *list);

/* These two want sorted lists. The second adds to `out` what is in a and not in b. */
bool netif_prefixes_has(const struct netif_prefixes *list, const struct conf_prefix *p);
void netif_prefixes_minus(struct netif_prefixes *out, const struct netif_prefixes *a, const struct netif_prefixes *b);

/* Takes a family out. */
void netif_prefixes_drop_family(struct netif_prefixes *list, int family);

bool netif_prefixes_equal(const struct netif_prefixes *a, const struct netif_prefixes *b);

/* The network that an address is in. */
struct conf_prefix netif_network(const struct conf_prefix *address);

#endif
