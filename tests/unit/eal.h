/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment for a test process. Criterion runs each test in a process of its own: every
 * test that touches an mbuf calls test_eal_init first.
 */
#ifndef WGDP_TEST_EAL_H
#define WGDP_TEST_EAL_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "pkt.h"

/*
 * No hugepages, no devices, no files (--in-memory would say so, but DPDK 22.11 refuses it together
 * with --no-huge). The affinity of the calling thread stays what it was.
 */
static inline void test_eal_init(void)
{
	static char arg[][16] = {
		"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "128",
		"--iova-mode=va", "--log-level=4",
	};
	static bool done;
	char *argv[RTE_DIM(arg)];
	cpu_set_t cpus;

	if (done)
		return;
	for (unsigned int i = 0; i < RTE_DIM(arg); i++)
		argv[i] = arg[i];
	sched_getaffinity(0, sizeof(cpus), &cpus);
	if (rte_eal_init(RTE_DIM(arg), argv) < 0) {
		fprintf(stderr, "rte_eal_init: %s\n", rte_strerror(rte_errno));
		abort();
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
	done = true;
}

/* A pool of n mbufs, made at first use of the name. */
static inline struct rte_mempool *test_pool(const char *name, unsigned int n)
{
	struct rte_mempool *pool;

	test_eal_init();
	pool = rte_mempool_lookup(name);
	if (!pool)
		pool = pkt_pool_create(name, n, 0);
	if (!pool) {
		fprintf(stderr, "pkt_pool_create: %s\n", rte_strerror(rte_errno));
		abort();
	}
	return pool;
}

#endif
