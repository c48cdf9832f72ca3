/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replay window: a table of numbered cases, a sweep, an oracle that remembers everything, and
 * threads that all try the same counters.
 */
#include <pthread.h>
#include <stdlib.h>

#include "threaded.h"

#include "hex.h"
#include "protocol.h"
#include "replay.h"

#define LIMIT WG_REJECT_AFTER_MESSAGES
#define W ((uint64_t)REPLAY_WINDOW)
#define BITS ((uint64_t)REPLAY_BITS)
#define V (BITS - REPLAY_BLOCK)		/* the first counter of the last block that has a slot */

/* Has the block of c lost its slot to one that came since? */
static bool too_old(uint64_t c, uint64_t newest)
{
	return c < newest && newest / REPLAY_BLOCK - c / REPLAY_BLOCK >= REPLAY_SLOTS;
}

Test(replay, table)
{
	/* A case starts anew where `fresh` is set. */
	static const struct {
		bool fresh;
		uint64_t counter;
		bool accepted;
	} cases[] = {
		/*  0 */ { true, 0, true },
		/*  1 */ { false, 0, false },
		/*  2 */ { false, 1, true },
		/*  3 */ { false, 1, false },
		/*  4 */ { false, 9, true },
		/*  5 */ { false, 8, true },
		/*  6 */ { false, 7, true },
		/*  7 */ { false, 7, false },
		/*  8 */ { false, 31, true },
		/*  9 */ { false, 32, true },	/* the next block */
		/* 10 */ { false, 31, false },
		/* 11 */ { false, 32, false },
		/* 12 */ { false, V, true },
		/* 13 */ { false, V - 1, true },
		/* 14 */ { false, V - 1, false },
		/* 15 */ { false, 6, true },
		/* 16 */ { false, 2, true },
		/* 17 */ { false, 2, false },
		/* 18 */ { false, BITS - 1, true },
		/* 19 */ { false, 3, true },	/* its block still has its slot */
		/* 20 */ { false, BITS, true },	/* takes it over */
		/* 21 */ { false, 4, false },	/* too old */
		/* 22 */ { false, 33, true },
		/* 23 */ { true, BITS - 1, true },
		/* 24 */ { false, 31, true },
		/* 25 */ { false, 31, false },
		/* 26 */ { false, BITS, true },
		/* 27 */ { false, 1, false },
		/* 28 */ { false, 33, true },
		/* 29 */ { false, BITS + 31, true },
		/* 30 */ { false, 63, true },
		/* 31 */ { false, 32, true },
		/* 32 */ { false, BITS + 32, true },	/* takes the second slot over */
		/* 33 */ { false, 62, false },
		/* 34 */ { false, BITS, false },
		/* 35 */ { false, BITS + 1, true },
		/* 36 */ { true, 5, true },
		/* 37 */ { false, 5 + BITS, true },	/* the same slot and bit */
		/* 38 */ { false, 5, false },
		/* 39 */ { false, 5 + BITS, false },
		/* 40 */ { false, 5 + 3 * BITS, true },
		/* 41 */ { false, 5 + 2 * BITS, false },
		/* 42 */ { false, 5 + 2 * BITS + 40, true },	/* a slot long unused */
		/* 43 */ { true, UINT64_C(1) << 37, true },	/* 2^32 blocks on */
		/* 44 */ { false, 0, false },
		/* 45 */ { false, (UINT64_C(1) << 37) - V - 1, false },
		/* 46 */ { false, (UINT64_C(1) << 37) - V, true },
		/* 47 */ { false, UINT64_C(1) << 37, false },
		/* 48 */ { false, UINT64_C(1) << 38, true },
		/* 49 */ { true, LIMIT - 1, true },
		/* 50 */ { false, LIMIT - 1, false },
		/* 51 */ { false, LIMIT, false },
		/* 52 */ { false, LIMIT + 1, false },
		/* 53 */ { false, UINT64_MAX, false },
		/* 54 */ { false, LIMIT - 31 - V - 1, false },	/* LIMIT - 31 begins the newest block */
		/* 55 */ { false, LIMIT - 31 - V, true },
		/* 56 */ { false, 0, false },
		/* 57 */ { false, UINT64_C(1) << 63, false },
		/* 58 */ { true, UINT64_MAX, false },	/* leaves no trace */
		/* 59 */ { false, LIMIT, false },
		/* 60 */ { false, 0, true },
		/* 61 */ { true, LIMIT - 40, true },
		/* 62 */ { false, LIMIT - 41, true },
		/* 63 */ { false, LIMIT - 2, true },
		/* 64 */ { false, LIMIT - 40, false },
	};
	struct replay r;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].fresh)
			replay_init(&r);
		cr_assert_eq(replay_accept(&r, cases[i].counter), cases[i].accepted, "case %u", i);
	}
}

/* From every place of the newest within its block: all of the window once, nothing else. */
Test(replay, sweep)
{
	for (uint64_t newest = 3 * BITS; newest < 3 * BITS + 40; newest++) {
		struct replay r;

		replay_init(&r);
		for (uint64_t c = newest - 2 * BITS; c < newest; c += 3)
			cr_assert(replay_accept(&r, c), "in order: %lu", c);
		cr_assert(replay_accept(&r, newest));
		for (uint64_t behind = 1; behind <= 2 * BITS; behind++) {
			bool seen = (newest - behind - (newest - 2 * BITS)) % 3 == 0;
			bool want = !too_old(newest - behind, newest) && !seen;

			cr_assert(behind >= W || !too_old(newest - behind, newest));

			cr_assert_eq(replay_accept(&r, newest - behind), want, "%lu behind",
				     behind);
			cr_assert_not(replay_accept(&r, newest - behind));
		}
	}
}

Test(replay, backward)
{
	struct replay r;

	replay_init(&r);
	for (uint64_t c = W; c-- > 0;)
		cr_assert(replay_accept(&r, c), "%lu", c);
	for (uint64_t c = 0; c < W; c++)
		cr_assert_not(replay_accept(&r, c), "%lu", c);
	cr_assert(replay_accept(&r, W));
}

/* Against a naive memory of all counters, with steps of every size in both directions. */
Test(replay, oracle)
{
	enum { SPACE = 1 << 20, ROUNDS = 400000 };
	bool *seen = calloc(SPACE, sizeof(*seen));
	uint64_t newest = 0, seed = 8, accepted = 0;
	struct replay r;

	cr_assert_not_null(seen);
	replay_init(&r);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t x = random_next(&seed);
		uint64_t reach = UINT64_C(1) << x % 15;
		uint64_t step = (x >> 8) % reach;
		uint64_t c = x >> 40 & 3 ? newest - (step < newest ? step : newest)
					 : newest + step % 700;
		bool want;

		if (c >= SPACE)
			break;
		want = !seen[c] && !too_old(c, newest);
		cr_assert_eq(replay_accept(&r, c), want, "round %u, counter %lu, newest %lu", i, c,
			     newest);
		seen[c] |= want;
		accepted += want;
		if (c > newest)
			newest = c;
	}
	cr_assert_gt(accepted, 10000);
	cr_assert_gt(newest, 100000);
	free(seen);
}

/* A burst is told what one call after the other is: runs, repetitions, leaps both ways, the limit. */
Test(replay, burst)
{
	enum { ROUNDS = 20000, MAX = 64 };
	uint64_t at = 0, seed = 3, refused = 0;
	struct replay one, all;

	replay_init(&one);
	replay_init(&all);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		const unsigned int n = random_next(&seed) % (MAX + 1);
		uint64_t counter[MAX], accepted;

		if (round == ROUNDS / 2)
			at = LIMIT - 100000;
		for (unsigned int i = 0; i < n; i++) {
			const uint64_t x = random_next(&seed), leap = (x >> 8) % (2 * BITS);

			counter[i] = at;
			at += x % 16 < 13;
			if (x % 64 == 63)
				at += (x >> 32) & 1 ? leap : -(leap < at ? leap : at);
			if (at > LIMIT + 50)
				at = LIMIT - BITS;
		}
		accepted = replay_accept_burst(&all, counter, n);
		for (unsigned int i = 0; i < n; i++) {
			const bool want = replay_accept(&one, counter[i]);

			cr_assert_eq(accepted >> i & 1, want, "round %u, %u of %u: counter %lu", round, i, n, counter[i]);
			refused += !want;
		}
		cr_assert_eq(n < MAX ? accepted >> n : 0, 0);
		cr_assert_eq(one.newest, all.newest);
	}
	cr_assert_gt(refused, 1000);
	cr_assert_gt(all.newest, (LIMIT - BITS) / REPLAY_BLOCK);
}

/*
 * Threads. Counters are shuffled within spans much smaller than the window, and a barrier keeps
 * the threads in one span: so none is ever too old, and each must be accepted by exactly one.
 */
enum { THREADS = 4, SPAN = 4096, SPANS = 40 };

struct shared {
	struct replay window;
	pthread_barrier_t barrier;
	unsigned int accepted[SPAN * SPANS];	/* atomic */
};

struct worker {
	struct shared *shared;
	uint64_t seed;
	unsigned int burst;	/* a power of two */
	pthread_t thread;
};

static void shuffle(uint64_t *a, unsigned int n, uint64_t *seed)
{
	for (unsigned int i = n - 1; i > 0; i--) {
		unsigned int j = (unsigned int)(random_next(seed) % (i + 1));
		uint64_t t = a[i];

		a[i] = a[j];
		a[j] = t;
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint64_t counters[SPAN];

	for (unsigned int span = 0; span < SPANS; span++) {
		for (unsigned int i = 0; i < SPAN; i++)
			counters[i] = (uint64_t)span * SPAN + i;
		if (span % 2)
			shuffle(counters, SPAN, &w->seed);
		pthread_barrier_wait(&s->barrier);
		for (unsigned int i = 0; i < SPAN; i += w->burst) {
			const uint64_t accepted = replay_accept_burst(&s->window, counters + i, w->burst);

			for (unsigned int k = 0; k < w->burst; k++)
				__atomic_fetch_add(&s->accepted[counters[i + k]], accepted >> k & 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static void threads_expect(bool same_order)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct worker workers[THREADS];

	cr_assert_not_null(s);
	replay_init(&s->window);
	cr_assert_eq(pthread_barrier_init(&s->barrier, NULL, THREADS), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .shared = s, .seed = same_order ? 1 : 100 + i, .burst = 1u << 2 * i };
		cr_assert_eq(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int c = 0; c < SPAN * SPANS; c++)
		cr_assert_eq(s->accepted[c], 1, "counter %u: accepted %u times", c,
			     s->accepted[c]);
	cr_assert_eq(s->window.newest, (SPAN * SPANS - 1) / REPLAY_BLOCK);
	pthread_barrier_destroy(&s->barrier);
	free(s);
}

Test(replay, threads_in_one_order)
{
	threads_expect(true);
}

Test(replay, threads_each_in_its_order)
{
	threads_expect(false);
}

/* Threads far apart take slots from each other: too old is allowed now, twice is not. */
static void *racer_run(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;

	pthread_barrier_wait(&s->barrier);
	for (uint64_t base = 0; base < SPAN * SPANS - 3 * BITS; base += 512) {
		for (unsigned int i = 0; i < 512; i++) {
			uint64_t c = base + random_next(&w->seed) % (3 * BITS);

			if (replay_accept(&s->window, c))
				__atomic_fetch_add(&s->accepted[c], 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

Test(replay, threads_far_apart)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct worker workers[THREADS];

	cr_assert_not_null(s);
	replay_init(&s->window);
	cr_assert_eq(pthread_barrier_init(&s->barrier, NULL, THREADS), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .shared = s, .seed = i };
		cr_assert_eq(pthread_create(&workers[i].thread, NULL, racer_run, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int c = 0; c < SPAN * SPANS; c++)
		cr_assert_leq(s->accepted[c], 1, "counter %u: accepted %u times", c,
			      s->accepted[c]);
	pthread_barrier_destroy(&s->barrier);
	free(s);
}
