/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the outside sees of the process's interfaces, and by what it changes them: for each its management socket, for all of them the metrics
 * pages and DPDK's telemetry. Control thread.
 */
#ifndef WGDP_MANAGE_H
#define WGDP_MANAGE_H

#include "iface.h"
#include "metrics.h"
#include "uapi.h"

struct manage;

/* For iface_up, with a struct manage as manager_arg. */
extern const struct iface_manager manage_ifaces;

/* An interface's own: what reload and tests look at. */
struct managed {
	struct uapi *uapi;		/* NULL: none */
	struct metrics *metrics;	/* the process's */
};

/* After DPDK's start. NULL: no memory, or no descriptors. */
struct manage *manage_create(struct loop *l);

/* When no interface is left. NULL is allowed. */
void manage_destroy(struct manage *m);

/* A round, after those of the interfaces; returns when to call again (monotonic ns). */
uint64_t manage_tick(struct manage *m, uint64_t now);

#endif
