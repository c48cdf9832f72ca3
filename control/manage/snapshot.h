/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The counters of some interfaces as they were at one moment, for several readers to share. Nothing in it points to an interface, so it
 * outlives them. Control thread; who hands one to another thread guards the references, all else is then read only.
 */
#ifndef WGDP_SNAPSHOT_H
#define WGDP_SNAPSHOT_H

#include "stats.h"

struct snapshot {
	unsigned int refs, n;
	uint64_t taken_ns;		/* monotonic */
	struct stats stats[] __attribute__((aligned(64)));
};

/* Of these n interfaces, in that order, with one reference. Walks all peers. NULL: no memory. */
struct snapshot *snapshot_take(const struct iface *const *ifaces, unsigned int n);

/* One reader less: the last frees it. NULL is allowed. */
void snapshot_put(struct snapshot *s);

#endif
