/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A data path measured against the AEAD alone, by turns: the loop for a while, then the same operations on the
 * same buffers and keys without the loop, on the same thread, and so on. What else the machine does meanwhile so
 * slows both. Each half of a round is cut into chunks, whose median is its result: a chunk in which somebody else
 * had the CPU does not count.
 *
 * All of it happens inside the data core's calls of its ports: what is not measured (sealing ahead, the AEAD
 * alone, looking at whole packets) goes on while the source keeps the core waiting.
 */
#ifndef WGDP_ROUNDS_H
#define WGDP_ROUNDS_H

#include <semaphore.h>

#include "traffic.h"

enum { ROUNDS_MAX = 32, SAMPLES_MAX = 4096 };

struct rounds {
	/* Set before the data path starts. */
	struct dataplane *dp;
	struct traffic *traffic;
	const struct aead_backend *aead;
	unsigned int n;			/* rounds, at most ROUNDS_MAX */
	uint64_t ticks;			/* to spend on each half of a round, of the time stamp counter */
	uint64_t chunk;			/* packets to hand out in one go; for opening, as many as there are slots */

	/* The result, once `done` is posted. */
	sem_t done;
	double loop[ROUNDS_MAX], raw[ROUNDS_MAX];	/* ticks a packet */
	double stage[STAGE_N][ROUNDS_MAX];	/* the same, all cores together; RX without what was not measured */
	double fill[ROUNDS_MAX];	/* packets a batch */

	/* The data core's. */
	struct aead_ctx *ctx;
	struct aead_op *ops;
	int step;
	bool ended;
	uint64_t limit;			/* packets handed out at the end of this chunk */
	uint64_t begin;			/* of the chunk */
	uint64_t spent;			/* ticks in this half */
	struct counters before;		/* when the chunk began, */
	uint64_t unmeasured;		/* in a call to the source that went on for so long before */
	unsigned int n_samples;		/* of this half; one for each chunk: */
	double sample[SAMPLES_MAX];	/* ticks a packet */
	double stage_sample[STAGE_N][SAMPLES_MAX], fill_sample[SAMPLES_MAX];
};

/* Ends the program where memory is short. The rest of *r is set by the caller first. */
void rounds_init(struct rounds *r);
void rounds_fini(struct rounds *r);

/* The ports' two functions; arg: struct rounds. */
uint16_t rounds_source(void *arg, struct rte_mbuf **m, uint16_t n);
void rounds_sink(void *arg, struct rte_mbuf **m, uint16_t n);

#endif
