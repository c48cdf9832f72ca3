/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A point of a measurement: what is carried at full speed, the highest rate at which nothing is lost (RFC 2544 section 26.1: by bisection),
 * and the latency at 90, 50 and 10 % of that. Prints a line of JSON for each trial, and one for the point. Main thread.
 */
#ifndef WGDP_GENERATOR_SEARCH_H
#define WGDP_GENERATOR_SEARCH_H

#include "generator_trial.h"

struct search {
	double seconds;		/* of a trial */
	double resolution;	/* 0.01: the rate is found to 1 % */
	double loss;		/* share that may be lost, 0: nothing */
	unsigned int retries;	/* a rate is refuted when it has lost this many times more */
	bool full_only;	/* full speed alone */
};

/* Packets of `size` through t's streams; `name` is the case's. Ends the program where not every flow gets through even slowly. */
void search_point(const struct search *s, struct trial *t, const char *name, uint32_t size);

#endif
