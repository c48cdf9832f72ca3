/* SPDX-License-Identifier: BSD-3-Clause */
/* bench/handshake's parts. */
#ifndef WGDP_BENCH_HANDSHAKE_H
#define WGDP_BENCH_HANDSHAKE_H

#include "bench.h"

/* The columns; `ceiling`, `ratio` 0: there is none, `p99_us` and `lost` negative likewise. */
struct row {
	const char *what;
	double per_second, ns_each, ceiling, ratio;
	double seconds;
	unsigned int peers;
	long lost;
	double p99_us;
	const char *note;
};

void row_print(const struct row *r);

/* handshake_steps.c: one core, one kind of message after the other. */
enum { STEPS_POINTS = 9 };
void steps_run(struct bench *b);

/* handshake_reconnect.c: `peers` peers after a restart, with `n_cores` data cores. */
void reconnect_run(struct bench *b, unsigned int peers, unsigned int n_cores);

#endif
