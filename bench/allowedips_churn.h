/* SPDX-License-Identifier: BSD-3-Clause */
/* Updates of our table while other threads look up addresses in it. */
#ifndef WGDP_BENCH_ALLOWEDIPS_CHURN_H
#define WGDP_BENCH_ALLOWEDIPS_CHURN_H

#include "allowedips_tables.h"

/*
 * Insertions, each with its removal, a second: of the prefixes that are not stable, for so many nanoseconds. 0: one
 * failed. The calling thread.
 */
double churn_updates(const struct table *how, void *t, const struct prefixes *s, uint64_t ns);

struct churn {
	double updates;		/* as above */
	double ns_lookup;	/* of the readers, in bursts; with the look at each answer */
	unsigned int readers;
};

/*
 * The same with readers on the other CPUs, at least one. They look up addresses whose longest match is a stable
 * prefix whatever else is in the table; a wrong answer ends the program. The calling thread is a registered
 * reader; liburcu's thread is running.
 */
struct churn churn_with_readers(const struct table *how, void *t, const struct prefixes *s,
				const struct lookups *l, uint64_t ns);

#endif
