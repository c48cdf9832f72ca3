/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The script that a data core runs through while it asks for packets:
 *
 *   LOOK      a chunk whose packets are looked at as a whole
 *   WARM      a chunk at speed
 *   0 .. n-1  a round each: chunks through the loop until its time is spent, then the AEAD alone
 *   n         LOOK again, then the end
 *
 * A chunk is measured from the first packet's request to the last one's return: with all of its packets none is in
 * the data path before, or after.
 */
#include "rounds.h"

#include <assert.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "bench.h"

enum { BEGIN = -3, LOOK, WARM, OPS = 64 };

void rounds_init(struct rounds *r)
{
	assert(r->n <= ROUNDS_MAX && r->chunk % r->traffic->n_slots == 0);
	r->ctx = r->aead->create();
	r->ops = calloc(r->traffic->n_slots, sizeof(r->ops[0]));
	if (!r->ctx || !r->ops)
		bench_fail("no memory for %s", r->aead->name);
	r->step = BEGIN;
	r->ended = false;
	r->limit = 0;
	sem_init(&r->done, 0, 0);
}

void rounds_fini(struct rounds *r)
{
	r->aead->destroy(r->ctx);
	free(r->ops);
	sem_destroy(&r->done);
}

static void sample_add(struct rounds *r, uint64_t ticks, uint64_t packets)
{
	r->spent += ticks;
	if (r->n_samples < SAMPLES_MAX)
		r->sample[r->n_samples++] = (double)ticks / packets;
}

static void raw_ops(struct rounds *r)
{
	const unsigned int n = r->traffic->n_slots;
	const uint64_t begin = rte_rdtsc();

	for (unsigned int i = 0; i < n; i += OPS) {
		if (r->traffic->direction == TRAFFIC_SEAL)
			aead_seal(r->aead, r->ctx, r->ops + i, OPS);
		else
			aead_open(r->aead, r->ctx, r->ops + i, OPS);
	}
	sample_add(r, rte_rdtsc() - begin, n);
	for (unsigned int i = 0; i < n; i++)
		if (!r->ops[i].ok)
			r->traffic->error = "the AEAD alone has failed";
}

/* Ticks a packet. */
static double raw(struct rounds *r)
{
	traffic_ops(r->traffic, r->ops);
	raw_ops(r);	/* caches */
	r->spent = r->n_samples = 0;
	while (r->spent < r->ticks) {
		if (r->traffic->direction == TRAFFIC_OPEN)
			traffic_ops(r->traffic, r->ops);
		raw_ops(r);
	}
	return bench_median(r->sample, r->n_samples);
}

/* What the data path's own counters say of the chunk that has just ended. */
static void counters_sample(struct rounds *r)
{
	const unsigned int at = r->n_samples - 1;
	struct counters after;

	dataplane_counters(r->dp, &after);
	for (unsigned int i = 0; i < STAGE_N; i++)
		r->stage_sample[i][at] = (double)(after.stage[i] - r->before.stage[i]) / r->chunk;
	r->stage_sample[STAGE_RX][at] -= (double)r->unmeasured / r->chunk;
	r->fill_sample[at] = (double)(after.batched - r->before.batched) / (after.batches - r->before.batches);
}

static void half_end(struct rounds *r)
{
	for (unsigned int i = 0; i < STAGE_N; i++)
		r->stage[i][r->step] = bench_median(r->stage_sample[i], r->n_samples);
	r->fill[r->step] = bench_median(r->fill_sample, r->n_samples);
	r->loop[r->step] = bench_median(r->sample, r->n_samples);
}

static bool measuring(const struct rounds *r)
{
	return r->step >= 0 && r->step < (int)r->n;
}

/* False: that was the last. */
static bool next_step(struct rounds *r)
{
	if (measuring(r)) {
		half_end(r);
		r->raw[r->step] = raw(r);
	}
	if (r->step == (int)r->n || r->traffic->error)
		return false;
	r->step++;
	r->traffic->whole = r->step == LOOK || r->step == (int)r->n;
	r->spent = r->n_samples = 0;
	return true;
}

static uint64_t chunk_size(const struct rounds *r)
{
	const struct traffic *t = r->traffic;

	return t->whole ? t->n_slots : r->chunk;
}

/* All packets are back. False: no more are wanted. */
static bool next_chunk(struct rounds *r)
{
	if (!(measuring(r) && r->spent < r->ticks && !r->traffic->error) && !next_step(r))
		return false;
	r->limit = r->traffic->in + chunk_size(r);
	if (r->traffic->direction == TRAFFIC_OPEN)
		traffic_seal_ahead(r->traffic);
	return true;
}

/* Between chunks. False: nothing is to be handed out any more. */
static bool between(struct rounds *r)
{
	const uint64_t begin = rte_rdtsc();

	if (measuring(r))
		counters_sample(r);
	if (!next_chunk(r)) {
		r->ended = true;
		sem_post(&r->done);
		return false;
	}
	dataplane_counters(r->dp, &r->before);
	r->begin = rte_rdtsc();
	r->unmeasured = r->begin - begin;
	return true;
}

uint16_t rounds_source(void *arg, struct rte_mbuf **m, uint16_t n)
{
	struct rounds *r = arg;
	struct traffic *t = r->traffic;

	if (r->ended || (t->in == r->limit && (t->out != t->in || !between(r))))
		return 0;
	if (n > r->limit - t->in)
		n = r->limit - t->in;
	return traffic_source(t, m, n);
}

void rounds_sink(void *arg, struct rte_mbuf **m, uint16_t n)
{
	struct rounds *r = arg;

	traffic_sink(r->traffic, m, n);
	if (r->traffic->out == r->limit)
		sample_add(r, rte_rdtsc() - r->begin, chunk_size(r));
}
