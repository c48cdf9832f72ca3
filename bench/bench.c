/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

void bench_begin(struct bench *b, int argc, char **argv, const char *help)
{
	const char *slash = strrchr(argv[0], '/');

	*b = (struct bench){ .name = slash ? slash + 1 : argv[0] };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			b->quick = true;
		} else if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			exit(0);
		} else {
			fprintf(stderr, "%s: unknown option '%s'\n%s", b->name, argv[i], help);
			exit(2);
		}
	}
}

void bench_point(struct bench *b, const char *fmt, ...)
{
	const bool terminal = isatty(STDERR_FILENO);
	va_list ap;

	fflush(stdout);
	b->point++;
	fprintf(stderr, "%s%s: %u of %u: ", terminal ? "\r\033[K" : "", b->name, b->point, b->points);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (!terminal)
		fputc('\n', stderr);
}

int bench_end(struct bench *b)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "%s: cannot write the results: %m\n", b->name);
	return 1;
}

void bench_fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputc('\n', stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

uint64_t bench_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

void bench_eal(unsigned int mib)
{
	char size[16], prefix[32];
	char *argv[] = { "bench", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "--iova-mode=va", "--log-level=4",
			 "--file-prefix", prefix, "-m", size };
	cpu_set_t cpus;

	snprintf(size, sizeof(size), "%u", mib);
	snprintf(prefix, sizeof(prefix), "wgdp-bench%d", getpid());
	sched_getaffinity(0, sizeof(cpus), &cpus);
	rte_log_set_global_level(RTE_LOG_ERR);
	if (rte_eal_init(RTE_DIM(argv), argv) < 0)
		bench_fail("DPDK did not start with %u MiB: %s", mib, rte_strerror(rte_errno));
	rmdir(rte_eal_get_runtime_dir());	/* made in any case, used by nothing */
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static cpu_set_t allowed;

unsigned int bench_cpus(void)
{
	if (CPU_COUNT(&allowed) == 0)
		sched_getaffinity(0, sizeof(allowed), &allowed);
	return CPU_COUNT(&allowed);
}

unsigned int bench_pin(unsigned int n)
{
	unsigned int cpu = 0;
	cpu_set_t one;

	n %= bench_cpus();
	while (!CPU_ISSET(cpu, &allowed) || n--)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	return cpu;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *v, size_t n)
{
	qsort(v, n, sizeof(v[0]), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}
