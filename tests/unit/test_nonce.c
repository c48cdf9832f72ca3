/* SPDX-License-Identifier: BSD-3-Clause */
/* Send counters: never twice, never at the limit, never round. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "nonce.h"
#include "threaded.h"

#define LIMIT WG_REJECT_AFTER_MESSAGES

Test(nonce, in_order)
{
	uint64_t next = 0, first;

	cr_assert(nonce_reserve(&next, 1, &first) && first == 0);
	cr_assert(nonce_reserve(&next, 64, &first) && first == 1);
	cr_assert(nonce_reserve(&next, 3, &first) && first == 65);
	cr_assert_eq(next, 68);
}

Test(nonce, limit)
{
	uint64_t next = LIMIT - 5, first;

	cr_assert_not(nonce_reserve(&next, 6, &first));
	cr_assert_eq(next, LIMIT - 5, "nothing taken");
	cr_assert(nonce_reserve(&next, 5, &first) && first == LIMIT - 5);
	for (unsigned int i = 0; i < 1000; i++) {
		cr_assert_not(nonce_reserve(&next, 1, &first));
		cr_assert_not(nonce_reserve(&next, NONCE_RESERVE_MAX, &first));
	}
	cr_assert_eq(next, LIMIT, "and stays there");
	next = UINT64_MAX;
	cr_assert_not(nonce_reserve(&next, NONCE_RESERVE_MAX, &first));
	cr_assert_eq(next, UINT64_MAX);
}

/* Threads reserve in a row, with nothing in between but to note it; looked at when all are done. */
enum { THREADS = 4, ROUNDS = 50000 };

struct shared {
	uint64_t next;			/* atomic */
	unsigned int waiting;		/* atomic: threads not started yet */
};

struct worker {
	struct shared *shared;
	unsigned int rounds;
	pthread_t thread;
	uint64_t first[ROUNDS];
	unsigned int n[ROUNDS];		/* 0: refused */
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	/* All at once, or one is done before the next begins. */
	__atomic_fetch_sub(&w->shared->waiting, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&w->shared->waiting, __ATOMIC_RELAXED) > 0)
		sched_yield();
	for (unsigned int i = 0; i < w->rounds; i++) {
		unsigned int n = 1 + i * 7 % NONCE_RESERVE_MAX;

		w->n[i] = nonce_reserve(&w->shared->next, n, &w->first[i]) ? n : 0;
	}
	return NULL;
}

/*
 * How often each counter from `start` on was given out, `size` of them; none may be further off.
 * The caller frees it. `next` is set to where the counter ended.
 */
static unsigned int *threads_run(struct worker workers[THREADS], uint64_t start, size_t size,
				 unsigned int rounds, uint64_t *next)
{
	struct shared shared = { .next = start, .waiting = THREADS };
	unsigned int *given = calloc(size, sizeof(*given));

	cr_assert_not_null(given);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].shared = &shared;
		workers[i].rounds = rounds;
		cr_assert_eq(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS * rounds; i++) {
		const struct worker *w = &workers[i / rounds];

		for (unsigned int k = 0; k < w->n[i % rounds]; k++) {
			uint64_t at = w->first[i % rounds] + k - start;

			cr_assert_lt(at, size, "counter %lu out of range", at + start);
			given[at]++;
		}
	}
	*next = shared.next;
	return given;
}

static struct worker *workers_make(void)
{
	struct worker *workers = malloc(THREADS * sizeof(*workers));

	cr_assert_not_null(workers);
	memset(workers, 0xff, THREADS * sizeof(*workers));	/* no page faults on the way */
	return workers;
}

Test(nonce, never_twice)
{
	const size_t size = (size_t)THREADS * ROUNDS * NONCE_RESERVE_MAX;
	struct worker *workers = workers_make();
	uint64_t next;
	unsigned int *given = threads_run(workers, 0, size, ROUNDS, &next);

	for (uint64_t c = 0; c < size; c++)
		cr_assert_eq(given[c], c < next, "counter %lu given %u times", c, given[c]);
	free(given);
	free(workers);
}

/* Many times over the end of the counters, which is where threads meet. */
Test(nonce, spent_for_ever)
{
	enum { LEFT = 5000 };
	struct worker *workers = workers_make();

	for (unsigned int round = 0; round < 200; round++) {
		unsigned int used = 0;
		uint64_t next;
		unsigned int *given = threads_run(workers, LIMIT - LEFT, LEFT, 1000, &next);

		for (uint64_t c = 0; c < LEFT; c++) {
			cr_assert_leq(given[c], 1, "given twice, %lu before the limit", LEFT - c);
			used += given[c];
		}
		cr_assert_geq(used, LEFT - THREADS * NONCE_RESERVE_MAX);
		cr_assert(next > LIMIT - LEFT && next < LIMIT + THREADS * NONCE_RESERVE_MAX);
		free(given);
	}
	free(workers);
}
