/* SPDX-License-Identifier: BSD-3-Clause */
/* Which data cores an interface gets, and what becomes of them where the devices have fewer queues. */
#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>

#include "cores.h"

static struct cores_plan limited(const struct dataplane_core_conf *core, unsigned int n, unsigned int max_rx)
{
	struct cores_plan plan = { .n = n };

	memcpy(plan.core, core, n * sizeof(*core));
	for (unsigned int k = 0; k < n; k++)
		plan.n_rx += core[k].roles & CORE_RX ? 1 : 0;
	cores_limit(&plan, max_rx);
	return plan;
}

static void expect_core(const struct cores_plan *plan, unsigned int k, unsigned int cpu, unsigned int roles)
{
	cr_assert_lt(k, plan->n);
	cr_expect_eq(plan->core[k].cpu, cpu);
	cr_expect_eq(plan->core[k].roles, roles);
}

Test(cores, those_beyond_the_queues_work)
{
	static const struct dataplane_core_conf core[] = { { 4, CORE_RX | CORE_WORKER }, { 5, CORE_RX | CORE_WORKER }, { 6, CORE_RX | CORE_WORKER } };
	struct cores_plan plan = limited(core, 3, 1);

	cr_expect_eq(plan.n, 3);
	cr_expect_eq(plan.n_rx, 1);
	expect_core(&plan, 0, 4, CORE_RX | CORE_WORKER);
	expect_core(&plan, 1, 5, CORE_WORKER);
	expect_core(&plan, 2, 6, CORE_WORKER);
	plan = limited(core, 3, 2);
	cr_expect_eq(plan.n_rx, 2);
	expect_core(&plan, 1, 5, CORE_RX | CORE_WORKER);
	expect_core(&plan, 2, 6, CORE_WORKER);
}

Test(cores, those_that_have_nothing_to_do_are_left_out)
{
	static const struct dataplane_core_conf core[] = { { 0, CORE_RX }, { 1, CORE_RX }, { 2, CORE_WORKER }, { 3, CORE_RX }, { 5, CORE_RX | CORE_WORKER } };
	struct cores_plan plan = limited(core, 5, 1);

	cr_expect_eq(plan.n, 3);
	cr_expect_eq(plan.n_rx, 1);
	expect_core(&plan, 0, 0, CORE_RX);
	expect_core(&plan, 1, 2, CORE_WORKER);
	expect_core(&plan, 2, 5, CORE_WORKER);
}

Test(cores, enough_queues_change_nothing)
{
	static const struct dataplane_core_conf core[] = { { 0, CORE_RX }, { 1, CORE_RX | CORE_WORKER }, { 2, CORE_WORKER } };

	for (unsigned int max = 2; max <= UINT16_MAX; max += UINT16_MAX - 2) {
		struct cores_plan plan = limited(core, 3, max);

		cr_expect_eq(plan.n, 3);
		cr_expect_eq(plan.n_rx, 2);
		for (unsigned int k = 0; k < 3; k++)
			expect_core(&plan, k, core[k].cpu, core[k].roles);
	}
}

static void plan_for(struct cores_plan *plan, const char *outer, const char *mirror)
{
	char err[PORT_ERRLEN], device[64];
	struct conf c = { 0 };

	snprintf(device, sizeof(device), "%s", outer);
	c.outer = device;
	snprintf(c.outer_mirror, sizeof(c.outer_mirror), "%s", mirror);
	cr_assert_eq(cores_plan(plan, &c, err), 0, "%s", err);
}

/* A device that the host shares has the queues that its user gave it; any other is asked. */
Test(cores, by_default)
{
	struct cores_plan plan;
	cpu_set_t cpus;
	unsigned int n;

	cr_assert_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	n = (unsigned int)CPU_COUNT(&cpus) < CORES_MAX ? (unsigned int)CPU_COUNT(&cpus) : CORES_MAX;
	plan_for(&plan, "kernel", "");
	cr_expect_eq(plan.n_rx, n);
	plan_for(&plan, "net_af_packet0,iface=eth0", "");
	cr_expect_eq(plan.n_rx, 1);
	cr_expect_eq(plan.n, n);
	plan_for(&plan, "net_af_packet0,iface=eth0", "wan0");
	cr_expect_eq(plan.n_rx, n);
	cr_expect_eq(plan.core[0].roles, CORE_RX | CORE_WORKER);
}
