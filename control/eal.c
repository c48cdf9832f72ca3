/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "log.h"

#define MIB (1024 * 1024)

/* Free hugepages of the size that x86-64 and arm64 both have. */
static size_t free_hugepage_memory(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n * 2 * MIB;
}

static int first_cpu(const cpu_set_t *cpus)
{
	int cpu = 0;

	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, cpus))
		cpu++;
	return cpu;
}

bool eal_start(size_t memory)
{
	char lcores[32], size[32], prefix[32];
	char *argv[16] = { "wgdp", "--no-pci", "--no-telemetry", "--log-level=*:error", "--lcores", lcores, "-m", size,
			   "--file-prefix", prefix };
	int argc = 10;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
		log_line(LOG_ERR, NULL, "cannot tell which cores this process may run on: %m");
		return false;
	}
	snprintf(lcores, sizeof(lcores), "0@%d", first_cpu(&allowed));
	snprintf(size, sizeof(size), "%zu", (memory + MIB - 1) / MIB);
	snprintf(prefix, sizeof(prefix), "wgdp%d", getpid());	/* a folder of our own, see eal_stop */
	/* Either way there are no files. (DPDK does not take --in-memory with --no-huge.) */
	if (free_hugepage_memory() >= memory + 2 * MIB) {
		argv[argc++] = "--in-memory";
	} else {
		argv[argc++] = "--no-huge";
		argv[argc++] = "--no-shconf";
	}
	rte_log_set_global_level(RTE_LOG_ERR);	/* also for what is said before the arguments are read */
	if (rte_eal_init(argc, argv) < 0) {
		log_line(LOG_ERR, NULL, "DPDK did not start with %s MiB of memory: %s", size, rte_strerror(rte_errno));
		return false;
	}
	sched_setaffinity(0, sizeof(allowed), &allowed);
	return true;
}

void eal_stop(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	/* DPDK makes an empty folder in any case. The one above it goes too, unless another DPDK program is using it. */
	rmdir(folder);
	rmdir(dirname(folder));
}
