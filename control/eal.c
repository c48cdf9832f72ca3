/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "log.h"

#define MIB (1024 * 1024)

enum { TELEMETRY_END_MS = 1000 };

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

bool eal_start(size_t memory, const char *name)
{
	char lcores[32], size[32], prefix[32];
	char *argv[16] = { "wgdp", "--no-pci", "--log-level=*:error", "--lcores", lcores, "-m", size,
			   "--file-prefix", prefix };
	int argc = 9;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
		log_line(LOG_ERR, NULL, "cannot tell which cores this process may run on: %m");
		return false;
	}
	snprintf(lcores, sizeof(lcores), "0@%d", first_cpu(&allowed));
	snprintf(size, sizeof(size), "%zu", (memory + MIB - 1) / MIB);
	snprintf(prefix, sizeof(prefix), "wgdp-%s", name);	/* names the folder of the telemetry socket */
	/* Either way there are no other files. (DPDK does not take --in-memory with --no-huge.) */
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

/* Calls fn for each entry of a folder of numbers. */
static void each_number(const char *folder, void (*fn)(int n, void *arg), void *arg)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			fn(atoi(e->d_name), arg);
	closedir(d);
}

/* A telemetry socket, the one that listens or a client's, is shut down: who waits on it is told so. */
static void close_telemetry(int fd, void *folder)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr) - 1;
	const size_t n = strlen(folder);
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) || addr.sun_family != AF_UNIX || strncmp(addr.sun_path, folder, n) ||
	    strncmp(addr.sun_path + n, "/dpdk_telemetry", strlen("/dpdk_telemetry")))
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
		unlink(addr.sun_path);
	shutdown(fd, SHUT_RDWR);
}

static void count_telemetry(int tid, void *count)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	f = fopen(path, "re");
	if (!f)
		return;
	*(int *)count += fgets(name, sizeof(name), f) && strncmp(name, "telemetry", strlen("telemetry")) == 0;
	fclose(f);
}

/* DPDK would leave its threads to the process's end, and have them look at memory that rte_eal_cleanup has freed. */
static void stop_telemetry(char *folder)
{
	int threads = 1;

	rte_log_set_global_level(RTE_LOG_EMERG);	/* which the threads would complain about */
	each_number("/proc/self/fd", close_telemetry, folder);
	for (int ms = 0; ms < TELEMETRY_END_MS && threads; ms++) {
		threads = 0;
		each_number("/proc/self/task", count_telemetry, &threads);
		if (threads)
			usleep(1000);
	}
}

void eal_stop(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	stop_telemetry(folder);
	rte_eal_cleanup();
	/* The folder is there in any case. The one above it goes too, unless another DPDK program is using it. */
	rmdir(folder);
	rmdir(dirname(folder));
}
