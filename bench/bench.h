/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmark programs share: options, progress, clock, DPDK's environment. Each prints CSV on stdout, a header line first, and
 * says on stderr where it is. One thread.
 */
#ifndef WGDP_BENCH_H
#define WGDP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench {
	const char *name;
	bool quick;		/* --quick: the few points that scripts/check looks at, a second or two in all */
	unsigned int points, point;	/* how many there are, how many were begun */
};

/*
 * Reads the options: --quick, --help (prints `help` and exits). Anything else is an error that ends the program with status 2. What the
 * program has of its own it takes out of argv first.
 */
void bench_begin(struct bench *b, int argc, char **argv, const char *help);

/* The next point of b->points begins: a line on stderr, on a terminal over the one before. */
__attribute__((format(printf, 2, 3))) void bench_point(struct bench *b, const char *fmt, ...);

/* Ends the line of progress, flushes stdout; the status to exit with: 0, or 1 (said on stderr) where the CSV could not be written. */
int bench_end(struct bench *b);

/* A run that is not worth a figure: says why on stderr and exits with status 1. */
__attribute__((format(printf, 1, 2), noreturn)) void bench_fail(const char *fmt, ...);

/* Nanoseconds of a clock that never goes back. */
uint64_t bench_ns(void);

/* DPDK without hugepages, devices and files, with `mib` MiB of memory; ends the program if that fails. The affinity stays. */
void bench_eal(unsigned int mib);

/* The calling thread runs on the n-th of the CPUs that the process may use, modulo their number; returns that CPU's number. */
unsigned int bench_pin(unsigned int n);
/* How many CPUs the process may use. Before any bench_pin. */
unsigned int bench_cpus(void);

/* The median of v[0..n), n > 0; v is sorted. */
double bench_median(double *v, size_t n);

#endif
