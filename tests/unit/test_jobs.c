/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Jobs between a control thread and workers: each is run once, by whoever, and comes back; a full complement of them
 * fits; a sleeping worker is woken by the second and not by a lone one; and who stops in the middle leaves nobody with
 * a job. Needs no EAL: the rings lie in our own memory.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "threaded.h"

#include "core.h"

/*
 * One worker under ThreadSanitizer: where several put on one ring, DPDK's last store of its tail stands for them all,
 * by an order of stores that C11 does not know. And rings of the plain kind: what one that stops nobody (RTS) reads in between is no atomic to it.
 */
#ifdef THREADED_ALONE
enum { WORKERS = 1, RING_KIND = 0 };
#else
enum { WORKERS = 3, RING_KIND = RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ };
#endif
enum { JOBS = 20000, RING = 2 * JOBS_MAX };

struct number {
	struct job job;
	uint64_t in, out;	/* out: in, squared */
	unsigned int runs;
};

struct worker {
	pthread_t thread;
	struct jobs *jobs;
	struct doorbell *control;
	uint32_t *stop;
	uint64_t ran;
};

static void square(struct job *job)
{
	struct number *n = (struct number *)job;

	n->out = n->in * n->in;
	n->runs++;
}

static struct rte_ring *ring_create(void)
{
	struct rte_ring *r = aligned_alloc(64, (rte_ring_get_memsize(RING) + 63) & ~63l);

	cr_assert(r && rte_ring_init(r, "jobs", RING, RING_KIND) == 0);
	return r;
}

static struct dataplane *make(void)
{
	struct dataplane *dp = aligned_alloc(64, sizeof(*dp));

	memset(dp, 0, sizeof(*dp));
	dp->jobs.todo = ring_create();
	dp->jobs.done = ring_create();
	dp->jobs.lend = true;
	cr_assert_eq(doorbell_init(&dp->control), 0);
	return dp;
}

static void unmake(struct dataplane *dp)
{
	free(dp->jobs.todo);
	free(dp->jobs.done);
	doorbell_fini(&dp->control);
	free(dp);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(w->stop, __ATOMIC_ACQUIRE)) {
		unsigned int n = jobs_work(w->jobs, w->control);

		w->ran += n;
		if (!n)
			sched_yield();
	}
	return NULL;
}

static void start(struct worker *w, struct dataplane *dp, uint32_t *stop)
{
	for (unsigned int i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .jobs = &dp->jobs, .control = &dp->control, .stop = stop };
		cr_assert_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
}

static uint64_t stop_all(struct worker *w, uint32_t *stop)
{
	uint64_t ran = 0;

	__atomic_store_n(stop, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < WORKERS; i++) {
		pthread_join(w[i].thread, NULL);
		ran += w[i].ran;
	}
	return ran;
}

/* First in, first out, for one runner; and JOBS_MAX of them fit. */
Test(jobs, order_and_bounds)
{
	static struct number n[JOBS_MAX];
	struct dataplane *dp = make();

	cr_assert_not(jobs_for_worker(&dp->jobs));
	cr_assert_not(jobs_for_control(&dp->jobs));
	for (unsigned int i = 0; i < JOBS_MAX; i++) {
		n[i] = (struct number){ .job.run = square, .in = i };
		jobs_put(dp, &n[i].job);
	}
	cr_assert(jobs_for_worker(&dp->jobs));
	for (unsigned int i = 0; i < JOBS_MAX / 2; i++)
		cr_assert_eq(jobs_work(&dp->jobs, &dp->control), 1);
	for (unsigned int i = JOBS_MAX / 2; i < JOBS_MAX; i++)
		cr_assert_eq(jobs_take(&dp->jobs), &n[i].job, "what no worker has begun, in order");
	cr_assert_null(jobs_take(&dp->jobs));
	cr_assert_eq(jobs_work(&dp->jobs, &dp->control), 0);
	cr_assert(jobs_for_control(&dp->jobs), "what they have done waits to be taken back");
	for (unsigned int i = 0; i < JOBS_MAX / 2; i++) {
		cr_assert_eq(jobs_done(&dp->jobs), &n[i].job);
		cr_assert_eq(n[i].out, (uint64_t)i * i);
	}
	cr_assert_null(jobs_done(&dp->jobs));
	cr_assert_not(jobs_for_control(&dp->jobs));
	unmake(dp);
}

/* With one CPU nobody else is called: the control thread does it all. */
Test(jobs, one_cpu)
{
	struct number n = { .job.run = square, .in = 3 };
	struct dataplane *dp = make();

	dp->jobs.lend = false;
	jobs_put(dp, &n.job);
	cr_assert_not(jobs_for_worker(&dp->jobs));
	cr_assert_eq(jobs_work(&dp->jobs, &dp->control), 0);
	cr_assert_eq(jobs_take(&dp->jobs), &n.job);
	unmake(dp);
}

/* A worker sleeps: a lone job leaves it alone, a second one wakes it; done, it rings the control thread that sleeps. */
Test(jobs, wakes)
{
	struct number n[2] = { { .job.run = square }, { .job.run = square } };
	struct core *c = aligned_alloc(64, (sizeof(*c) + 63) & ~63ul);
	struct dataplane *dp = make();

	memset(c, 0, sizeof(*c));
	cr_assert_eq(doorbell_init(&c->bell), 0);
	dp->core[0] = c;
	dp->sleepers = 1;
	doorbell_arm(&c->bell);
	jobs_put(dp, &n[0].job);
	cr_assert_eq(c->bell.armed, 1, "not for one");
	jobs_put(dp, &n[1].job);
	cr_assert_eq(c->bell.armed, 0, "for two");
	doorbell_arm(&dp->control);
	cr_assert_eq(jobs_work(&dp->jobs, &dp->control), 1);
	cr_assert_eq(dp->control.armed, 0);
	doorbell_fini(&c->bell);
	free(c);
	unmake(dp);
}

/* Workers and the control thread together: each job once, whoever runs it. */
Test(jobs, many_threads)
{
	static struct number n[JOBS_MAX];
	struct worker w[WORKERS];
	struct dataplane *dp = make();
	unsigned int put = 0, back = 0, out = 0;
	uint64_t own = 0, ran;
	uint32_t stop = 0;
	struct job *job;

	start(w, dp, &stop);
	while (back < JOBS) {
		/* The jobs are a ring of their own: the oldest must be back before it is used again. */
		while (out < JOBS_MAX && put < JOBS) {
			struct number *free_one = NULL;

			for (unsigned int i = 0; i < JOBS_MAX && !free_one; i++)
				if (!n[(put + i) % JOBS_MAX].job.run)
					free_one = &n[(put + i) % JOBS_MAX];
			cr_assert_not_null(free_one);
			*free_one = (struct number){ .job.run = square, .in = put++ };
			out++;
			jobs_put(dp, &free_one->job);
		}
		job = put % 5 ? jobs_done(&dp->jobs) : NULL;
		if (!job && (job = jobs_take(&dp->jobs))) {
			job->run(job);
			own++;
		}
		if (!job)
			job = jobs_done(&dp->jobs);
		if (!job) {
			sched_yield();
			continue;
		}
		cr_assert_eq(((struct number *)job)->runs, 1);
		cr_assert_eq(((struct number *)job)->out, ((struct number *)job)->in * ((struct number *)job)->in);
		job->run = NULL;
		back++;
		out--;
	}
	ran = stop_all(w, &stop);
	cr_assert_eq(ran + own, JOBS);
	unmake(dp);
}

/* Workers end while jobs are out: each job is back, or on the ring, or done; none is lost. */
Test(jobs, stop_with_jobs_outstanding)
{
	static struct number n[JOBS_MAX];

	for (unsigned int round = 0; round < 50; round++) {
		struct worker w[WORKERS];
		struct dataplane *dp = make();
		unsigned int left = 0, done = 0;
		uint32_t stop = 0;
		struct job *job;
		uint64_t ran;

		start(w, dp, &stop);
		for (unsigned int i = 0; i < JOBS_MAX; i++) {
			n[i] = (struct number){ .job.run = square, .in = i };
			jobs_put(dp, &n[i].job);
			if (i == JOBS_MAX / 2)
				sched_yield();
		}
		ran = stop_all(w, &stop);
		while ((job = jobs_done(&dp->jobs)))
			done++;
		while ((job = jobs_take(&dp->jobs)))
			left++;
		cr_assert_eq(done, ran);
		cr_assert_eq(done + left, JOBS_MAX);
		for (unsigned int i = 0, runs = 0; i < JOBS_MAX; i++) {
			cr_assert_leq(n[i].runs, 1);
			runs += n[i].runs;
			cr_assert(i + 1 < JOBS_MAX || runs == done);
		}
		unmake(dp);
	}
}
