/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon starts it before there is any interface, with all that the configuration files name, and stops it after
 * the last one. eal_plan.c has found out by then what is missing; here are DPDK's arguments, and the tidying that DPDK
 * leaves to others. Main thread.
 */
#include "eal.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include "eal_plan.h"
#include "log.h"
#include "sysfs.h"

enum { TELEMETRY_END_MS = 1000, ARGS_MAX = 16 + 2 * EAL_NICS_MAX };

static bool started;	/* DPDK has been asked to, and something of it may be there */

struct arguments {
	char lcores[32], size[32], prefix[32];
	char *v[ARGS_MAX + 1];
	int n;
};

/* The first that we may run on, at the NUMA node if there is one. */
static int choose_cpu(const cpu_set_t *cpus, int node)
{
	int first = -1;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, cpus))
			continue;
		if (node < 0 || sysfs_exists("", "/sys/devices/system/cpu/cpu%d/node%d", cpu, node))
			return cpu;
		if (first < 0)
			first = cpu;
	}
	return first < 0 ? 0 : first;
}

static void add(struct arguments *a, const char *arg)
{
	a->v[a->n++] = (char *)arg;	/* getopt(3) moves them about, and changes none */
}

static void make_arguments(struct arguments *a, const struct eal_plan *plan, size_t memory, const char *name, int cpu)
{
	snprintf(a->lcores, sizeof(a->lcores), "0@%d", cpu);
	snprintf(a->size, sizeof(a->size), "%zu", (memory + EAL_MIB - 1) / EAL_MIB);
	snprintf(a->prefix, sizeof(a->prefix), "wgdp-%s", name);	/* names the folder of the telemetry socket */
	a->n = 0;
	add(a, "wgdp");
	add(a, "--log-level=*:error");
	add(a, "--lcores");
	add(a, a->lcores);
	add(a, "-m");
	add(a, a->size);
	add(a, "--file-prefix");
	add(a, a->prefix);
	if (!plan->n_nics)
		add(a, "--no-pci");
	for (size_t k = 0; k < plan->n_nics; k++) {
		add(a, "-a");
		add(a, plan->nic[k]);
	}
	/* Either way there are no other files. (DPDK does not take --in-memory with --no-huge.) */
	add(a, plan->hugepages ? "--in-memory" : "--no-huge");
	if (!plan->hugepages)
		add(a, "--no-shconf");
	if (plan->single_file)
		add(a, "--single-file-segments");
}

/* What eal_plan says becomes lines of the log. */
static bool make_plan(struct eal_plan *plan, size_t memory, const char *const *devices, size_t n)
{
	const char *path = getenv("PATH"), warning[] = "warning: ";
	const struct eal_plan_conf conf = { .root = "", .pmds = RTE_EAL_PMD_PATH, .path = path ? path : "/usr/sbin:/usr/bin",
					    .memory = memory, .devices = devices, .n_devices = n };
	char *text = NULL, *rest, *line;
	size_t len = 0;
	FILE *diag = open_memstream(&text, &len);
	bool ok = diag && eal_plan(plan, &conf, diag);

	if (!diag || fclose(diag) != 0) {
		log_line(LOG_ERR, NULL, "no memory to look at the devices");
		ok = false;
	}
	for (rest = text; rest && (line = strsep(&rest, "\n"));) {
		const bool warns = strncmp(line, warning, strlen(warning)) == 0;

		if (*line)
			log_line(warns ? LOG_WARN : LOG_ERR, NULL, "%s", line + (warns ? strlen(warning) : 0));
	}
	free(text);
	return ok;
}

/* DPDK leaves out a NIC that it cannot start, and starts. */
static bool check_nics(const struct eal_plan *plan)
{
	char addr[PCI_ADDR_LEN + 1];
	bool ok = true;
	uint16_t port;

	for (size_t k = 0; k < plan->n_nics; k++) {
		if (!eal_plan_pci_addr(addr, plan->nic[k]) || rte_eth_dev_get_port_by_name(addr, &port) == 0)
			continue;
		log_line(LOG_ERR, NULL, "%s: DPDK's driver could not start it; the lines above and dmesg say why. If memory could "
			 "not be locked: ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit", addr);
		ok = false;
	}
	return ok;
}

bool eal_start(size_t memory, const char *name, const char *const *devices, size_t n)
{
	struct arguments args;
	struct eal_plan plan;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
		log_line(LOG_ERR, NULL, "cannot tell which cores this process may run on: %m");
		return false;
	}
	if (!make_plan(&plan, memory, devices, n))
		return false;
	make_arguments(&args, &plan, memory, name, choose_cpu(&allowed, plan.node));
	started = true;
	rte_log_set_global_level(RTE_LOG_ERR);	/* also for what is said before the arguments are read */
	if (rte_eal_init(args.n, args.v) < 0) {
		log_line(LOG_ERR, NULL, "DPDK did not start with %s MiB of memory on %s: %s", args.size,
			 plan.hugepages ? "hugepages" : "ordinary pages", rte_strerror(rte_errno));
		return false;
	}
	sched_setaffinity(0, sizeof(allowed), &allowed);
	return check_nics(&plan);
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

	if (!started)
		return;
	started = false;
	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	stop_telemetry(folder);
	rte_eal_cleanup();
	/* The folder is there in any case. The one above it stays: another program may be about to make its own in it. */
	rmdir(folder);
}
