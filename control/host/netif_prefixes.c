/* SPDX-License-Identifier: BSD-3-Clause */
#include "netif_prefixes.h"

#include <stdlib.h>
#include <string.h>

#include "netif_internal.h"

void netif_prefixes_add(struct netif_prefixes *list, const struct conf_prefix *p)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		void *bigger = reallocarray(list->p, room, sizeof(*p));

		if (!bigger) {
			list->no_memory = true;
			return;
		}
		list->p = bigger;
		list->room = room;
	}
	list->p[list->n++] = *p;
}

void netif_prefixes_free(struct netif_prefixes *list)
{
	free(list->p);
	*list = (struct netif_prefixes){ 0 };
}

int netif_prefix_cmp(const void *a, const void *b)
{
	const struct conf_prefix *x = a, *y = b;

	if (x->cidr != y->cidr)
		return x->cidr > y->cidr ? -1 : 1;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return memcmp(x->addr.bytes, y->addr.bytes, netif_addr_len(x->family));
}

void netif_prefixes_sort(struct netif_prefixes *list)
{
	if (list->n)
		qsort(list->p, list->n, sizeof(*list->p), netif_prefix_cmp);
}

void netif_prefixes_unique(struct netif_prefixes *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (!kept || netif_prefix_cmp(&list->p[kept - 1], &list->p[i]))
			list->p[kept++] = list->p[i];
	list->n = kept;
}

bool netif_prefixes_has(const struct netif_prefixes *list, const struct conf_prefix *p)
{
	return list->n && bsearch(p, list->p, list->n, sizeof(*p), netif_prefix_cmp);
}

void netif_prefixes_minus(struct netif_prefixes *out, const struct netif_prefixes *a, const struct netif_prefixes *b)
{
	for (size_t i = 0, j = 0; i < a->n; i++) {
		while (j < b->n && netif_prefix_cmp(&b->p[j], &a->p[i]) < 0)
			j++;
		if (j == b->n || netif_prefix_cmp(&b->p[j], &a->p[i]))
			netif_prefixes_add(out, &a->p[i]);
	}
}

void netif_prefixes_drop_family(struct netif_prefixes *list, int family)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->p[i].family != family)
			list->p[kept++] = list->p[i];
	list->n = kept;
}

bool netif_prefixes_equal(const struct netif_prefixes *a, const struct netif_prefixes *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (netif_prefix_cmp(&a->p[i], &b->p[i]))
			return false;
	return true;
}

struct conf_prefix netif_network(const struct conf_prefix *address)
{
	struct conf_prefix network = *address;

	for (size_t i = address->cidr / 8U; i < netif_addr_len(address->family); i++)
		network.addr.bytes[i] &= i == address->cidr / 8U ? (uint8_t)(0xff00 >> address->cidr % 8U) : 0;
	return network;
}
