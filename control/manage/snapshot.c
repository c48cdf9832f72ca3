/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <stdlib.h>

struct snapshot *snapshot_take(const struct iface *const *ifaces, unsigned int n)
{
	struct snapshot *s = aligned_alloc(_Alignof(struct snapshot), sizeof(*s) + n * sizeof(s->stats[0]));

	if (!s)
		return NULL;
	s->refs = 1;
	s->n = n;
	s->taken_ns = dataplane_now();
	for (unsigned int k = 0; k < n; k++)
		stats_collect(ifaces[k], &s->stats[k]);
	return s;
}

void snapshot_put(struct snapshot *s)
{
	if (s && !--s->refs)
		free(s);
}
