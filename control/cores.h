/* SPDX-License-Identifier: BSD-3-Clause */
/* Which data cores an interface gets, from its RxCores and WorkerCores and from what the process may run on. */
#ifndef WGDP_CORES_H
#define WGDP_CORES_H

#include "conf.h"
#include "dataplane.h"

struct cores_plan {
	struct dataplane_core_conf core[CORES_MAX];
	unsigned int n, n_rx;
};

/*
 * Neither list given: every core this process may run on does both; but on a DPDK device that the host shares the first receives,
 * for such a device has as many queues as its user gave it, and all work. One list given: the other's default stays. -1: one line
 * in err names the line of the conf that cannot be.
 */
int cores_plan(struct cores_plan *plan, const struct conf *c, char err[PORT_ERRLEN]);

/* At most max_rx (at least 1) cores receive: the devices have no queues for more. Those beyond only work, or, having nothing to do, are left out. */
void cores_limit(struct cores_plan *plan, unsigned int max_rx);

#endif
