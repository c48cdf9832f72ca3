/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_search.h"

#include <math.h>
#include <stdio.h>

#include <rte_cycles.h>

#include "bench.h"
#include "imix.h"

enum { SETTLE_TRIES = 40, TRIALS_MAX = 40 };

#define SETTLE_S 0.05
#define FIRST 0.9		/* of full speed: where the search begins */
#define LEAST 0.001		/* of full speed: given up below it */
#define ABOVE 1.05		/* full speed may be found a little too low */

static const struct {
	const char *name;
	double share;
} quantiles[] = { { "p50", 0.5 }, { "p99", 0.99 } };

static void print_latency(const struct trial *t)
{
	static struct latency all;
	const double ns = 1e9 / rte_get_tsc_hz();

	latency_clear(&all);
	for (unsigned int k = 0; k < t->n_streams; k++)
		latency_merge(&all, &t->stream[k]->in.latency);
	if (!all.n) {
		printf("null");
		return;
	}
	printf("{\"n\":%lu,\"min\":%.0f", all.n, all.min * ns);
	for (unsigned int k = 0; k < RTE_DIM(quantiles); k++)
		printf(",\"%s\":%.0f", quantiles[k].name, latency_quantile(&all, quantiles[k].share) * ns);
	printf(",\"max\":%.0f}", all.max * ns);
}

static void print_trial(const struct trial *t, const struct trial_sum *sum, const char *name, const char *phase)
{
	char size[SIZE_STRLEN];
	uint64_t foreign = 0, checked = 0;

	for (unsigned int k = 0; k < t->n_streams; k++) {
		foreign += t->stream[k]->in.foreign;
		checked += t->stream[k]->in.checked;
	}
	printf("{\"kind\":\"trial\",\"case\":\"%s\",\"size\":\"%s\",\"flows\":%u,\"phase\":\"%s\",\"ways\":%u,\"pps\":%.0f,\"seconds\":%.3f,"
	       "\"offered\":%lu,\"refused\":%lu,\"late\":%lu,\"sent\":%lu,\"received\":%lu,\"lost\":%lu,\"reordered\":%lu,\"checked\":%lu,"
	       "\"foreign\":%lu,\"flows_seen\":%u,\"offered_pps\":%.0f,\"received_pps\":%.0f,\"latency_ns\":",
	       name, imix_name(t->size, size), t->n_flows, phase, t->n_streams, t->pps * t->n_streams, sum->seconds, sum->offered, sum->refused,
	       sum->late, sum->sent, sum->received, sum->lost, sum->reordered, checked, foreign, sum->flows, sum->offered_pps,
	       sum->received_pps);
	print_latency(t);
	printf("}\n");
	fflush(stdout);
}

/* pps: of all streams together; 0: full speed. */
static struct trial_sum run(struct trial *t, const char *name, const char *phase, double pps, double seconds)
{
	struct trial_sum sum;

	t->pps = pps / t->n_streams;
	t->seconds = seconds;
	trial_run(t);
	trial_sum(t, &sum);
	print_trial(t, &sum, name, phase);
	return sum;
}

static bool lossless(const struct search *s, const struct trial_sum *sum)
{
	return sum->lost + sum->refused <= s->loss * sum->offered;
}

struct bisection {
	unsigned int trials, again;	/* again: more than one at a rate */
	struct trial_sum best;
};

/* Until a few packets of each flow get through: next hops are asked for, caches filled. */
static void settle(struct trial *t, const char *name)
{
	double pps = 40.0 * t->n_flows * t->n_streams;
	struct trial_sum sum = { 0 };

	if (pps < 2000)
		pps = 2000;
	t->patient = true;
	for (unsigned int k = 0; k < SETTLE_TRIES && (!k || sum.lost || sum.flows < t->n_flows); k++)
		sum = run(t, name, "settle", pps, SETTLE_S);
	t->patient = false;
	if (!sum.lost && sum.flows == t->n_flows)
		return;
	bench_fail("%s: of %lu packets sent at %.0f a second %lu came out, of %u of %u flows: it does not forward", name, sum.sent, pps,
		   sum.received, sum.flows, t->n_flows);
}

/*
 * The highest rate that loses nothing, between 0 and `full` or a little above; `best` is its trial, with what was really offered. 0: none was
 * found.
 */
static double bisect(const struct search *s, struct trial *t, const char *name, double full, struct bisection *b)
{
	double low = 0, high = full * ABOVE, pps = full * FIRST;

	for (; b->trials < TRIALS_MAX && high - low > s->resolution * high && high > full * LEAST; pps = (low + high) / 2) {
		unsigned int left = s->retries;
		struct trial_sum sum;

		while (sum = run(t, name, "search", pps, s->seconds), b->trials++, !lossless(s, &sum) && left) {
			b->again++;
			left--;
		}
		if (lossless(s, &sum)) {
			low = pps;
			b->best = sum;
		} else {
			high = pps;
		}
	}
	return low;
}

static void print_latencies(const struct search *s, struct trial *t, const char *name, double pps)
{
	static const int percents[] = { 90, 50, 10 };
	char phase[16];

	for (unsigned int k = 0; k < RTE_DIM(percents) && pps > 0; k++) {
		snprintf(phase, sizeof(phase), "latency%d", percents[k]);
		run(t, name, phase, pps * percents[k] / 100, s->seconds);
	}
}

static void print_point(const struct trial *t, const char *name, const struct trial_sum *full, const struct bisection *b)
{
	const struct generator_far *far = t->stream[0]->opens ? t->stream[0]->opens : t->stream[0]->seals;
	const uint64_t due = b->best.offered + b->best.late;
	char size[SIZE_STRLEN];

	printf("{\"kind\":\"point\",\"case\":\"%s\",\"size\":\"%s\",\"flows\":%u,\"mean_size\":%.2f,\"full_pps\":%.0f,\"full_lost\":%.6f,"
	       "\"lossless_pps\":%.0f,\"late\":%.6f,\"trials\":%u,\"again\":%u,\"handshakes_s\":%.3f}\n",
	       name, imix_name(t->size, size), t->n_flows, imix_mean(t->size), full->received_pps,
	       full->sent ? (double)full->lost / full->sent : 0.0, b->best.offered_pps, due ? (double)b->best.late / due : 0.0, b->trials, b->again,
	       far ? far->took : 0.0);
	fflush(stdout);
}

void search_point(const struct search *s, struct trial *t, const char *name, uint32_t size)
{
	struct bisection b = { 0 };
	struct trial_sum full;

	t->size = size;
	settle(t, name);
	full = run(t, name, "full", 0, s->seconds);
	if (full.flows < t->n_flows)
		bench_fail("%s: only %u of %u flows got through at full speed", name, full.flows, t->n_flows);
	if (!s->full_only)
		print_latencies(s, t, name, bisect(s, t, name, full.received_pps, &b));
	print_point(t, name, &full, &b);
}
