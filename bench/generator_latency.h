/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long packets took: a histogram whose buckets are a 64th of their value wide, so that what it says is at most 1.6 % too much. One
 * thread.
 */
#ifndef WGDP_GENERATOR_LATENCY_H
#define WGDP_GENERATOR_LATENCY_H

#include <stdint.h>
#include <string.h>

enum { LATENCY_FINE = 6, LATENCY_BUCKETS = (64 - LATENCY_FINE + 1) << LATENCY_FINE };

struct latency {
	uint64_t n, min, max;	/* ticks */
	uint64_t bucket[LATENCY_BUCKETS];
};

static inline void latency_clear(struct latency *l)
{
	memset(l, 0, sizeof(*l));
	l->min = UINT64_MAX;
}

static inline unsigned int latency_bucket(uint64_t ticks)
{
	const int shift = 63 - LATENCY_FINE - __builtin_clzll(ticks | 1);

	return shift <= 0 ? ticks : ((unsigned int)shift << LATENCY_FINE) + (ticks >> shift);
}

static inline void latency_add(struct latency *l, uint64_t ticks)
{
	l->n++;
	l->bucket[latency_bucket(ticks)]++;
	if (ticks < l->min)
		l->min = ticks;
	if (ticks > l->max)
		l->max = ticks;
}

static inline void latency_merge(struct latency *l, const struct latency *other)
{
	l->n += other->n;
	l->min = l->min < other->min ? l->min : other->min;
	l->max = l->max > other->max ? l->max : other->max;
	for (unsigned int b = 0; b < LATENCY_BUCKETS; b++)
		l->bucket[b] += other->bucket[b];
}

/* The least that `share` of the packets did not exceed, in ticks; 0 without any. */
static inline uint64_t latency_quantile(const struct latency *l, double share)
{
	const uint64_t want = (uint64_t)(l->n * share);
	uint64_t seen = l->bucket[0], last;
	unsigned int b = 0;

	if (!l->n)
		return 0;
	while (seen <= want && seen < l->n)
		seen += l->bucket[++b];
	last = b;	/* the largest value in the bucket */
	if (b >= 2u << LATENCY_FINE) {
		b -= 1u << LATENCY_FINE;
		last = (((b & ((1u << LATENCY_FINE) - 1)) + (1u << LATENCY_FINE) + 1ull) << (b >> LATENCY_FINE)) - 1;
	}
	return last < l->max ? last : l->max;
}

#endif
