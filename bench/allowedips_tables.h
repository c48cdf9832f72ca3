/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables that bench/allowedips compares, all with the same prefixes: ours, and DPDK's. One thread.
 */
#ifndef WGDP_BENCH_ALLOWEDIPS_TABLES_H
#define WGDP_BENCH_ALLOWEDIPS_TABLES_H

#include <stddef.h>

#include "allowedips_prefixes.h"

enum {
	BURST = 64,		/* addresses of a bulk lookup, a burst of the data path */
	N_TABLES = 3,		/* that know a family */
};

/* What is looked up, in the form that each table wants; made before the time runs. */
struct lookups {
	unsigned int n;		/* a multiple of BURST */
	uint8_t *addr;		/* 4 or 16 bytes each */
	uint32_t *host4;	/* IPv4, host order */
	uint32_t *expected;	/* peers */
	uint32_t *got;		/* peers: filled by single and bulk */
};

struct table {
	const char *name;
	const char *note;	/* what to know about the figures */
	/* The table with the stable prefixes, or NULL: it cannot hold them, `*why` says why. */
	void *(*create)(const struct prefixes *s, const char **why);
	void (*destroy)(void *t);
	void (*single)(void *t, const struct prefixes *s, struct lookups *l);
	void (*bulk)(void *t, const struct prefixes *s, struct lookups *l);
	/* 0, or an error. */
	int (*insert)(void *t, const struct prefixes *s, uint32_t peer);
	int (*remove)(void *t, const struct prefixes *s, uint32_t peer);
	size_t (*memory)(void *t);	/* bytes; NULL: what it took of DPDK's heap */
	unsigned int quick;		/* prefixes; with more it takes too long for --quick */
};

/* The allowed-IPs table of what our create() returned. */
struct allowedips *tables_ours(void *t);

/* Ours first. [false]: IPv4's, [true]: IPv6's. */
extern const struct table tables[2][N_TABLES];

#endif
