/* SPDX-License-Identifier: BSD-3-Clause */
#include "cores.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "outer.h"

static int add(struct cores_plan *plan, unsigned int cpu, unsigned int role, char err[PORT_ERRLEN])
{
	unsigned int k = 0;

	while (k < plan->n && plan->core[k].cpu != cpu)
		k++;
	if (k == CORES_MAX) {
		snprintf(err, PORT_ERRLEN, "RxCores and WorkerCores: at most %d cores an interface", CORES_MAX);
		return -1;
	}
	if (k == plan->n)
		plan->core[plan->n++] = (struct dataplane_core_conf){ .cpu = cpu };
	plan->core[k].roles |= role;
	return 0;
}

/* The first `max` of the process's cores. */
static int add_allowed(struct cores_plan *plan, const cpu_set_t *allowed, unsigned int max, unsigned int role)
{
	char none[PORT_ERRLEN];

	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && max; cpu++)
		if (CPU_ISSET(cpu, allowed) && add(plan, cpu, role, none) == 0)
			max--;
	return 0;
}

static int add_listed(struct cores_plan *plan, const cpu_set_t *allowed, const struct conf_cores *list, const char *key,
		      unsigned int role, char err[PORT_ERRLEN])
{
	for (size_t k = 0; k < list->n; k++) {
		if (list->core[k] >= CPU_SETSIZE || !CPU_ISSET(list->core[k], allowed)) {
			snprintf(err, PORT_ERRLEN, "%s: this process may not run on core %u (see taskset -p, or nproc)", key,
				 list->core[k]);
			return -1;
		}
		if (add(plan, list->core[k], role, err))
			return -1;
	}
	return 0;
}

int cores_plan(struct cores_plan *plan, const struct conf *c, char err[PORT_ERRLEN])
{
	cpu_set_t allowed;
	int rc;

	memset(plan, 0, sizeof(*plan));
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
		snprintf(err, PORT_ERRLEN, "cannot tell which cores this process may run on: %m");
		return -1;
	}
	if (c->rx_cores.n)
		rc = add_listed(plan, &allowed, &c->rx_cores, "RxCores", CORE_RX, err);
	else
		rc = add_allowed(plan, &allowed, outer_is_kernel(c->outer) || *c->outer_mirror ? CORES_MAX : 1, CORE_RX);
	plan->n_rx = plan->n;
	if (!rc && c->worker_cores.n)
		rc = add_listed(plan, &allowed, &c->worker_cores, "WorkerCores", CORE_WORKER, err);
	else if (!rc)
		rc = add_allowed(plan, &allowed, CORES_MAX, CORE_WORKER);
	return rc;
}

void cores_limit(struct cores_plan *plan, unsigned int max_rx)
{
	unsigned int n = 0, n_rx = 0;

	for (unsigned int k = 0; k < plan->n; k++) {
		struct dataplane_core_conf core = plan->core[k];

		if (core.roles & CORE_RX && n_rx++ >= max_rx)
			core.roles &= ~(unsigned int)CORE_RX;
		if (core.roles)
			plan->core[n++] = core;
	}
	plan->n = n;
	plan->n_rx = n_rx < max_rx ? n_rx : max_rx;
}
