/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work that the control thread lends to worker cores: a curve operation or two, which takes as long as a hundred
 * packets. A job is the memory it works on, and whoever has taken it from a ring owns it: run() looks at nothing else,
 * so no pointer that RCU guards crosses either ring. The control thread makes all jobs, at most as many as the rings
 * hold, so that neither is ever full.
 *
 *                  todo                                done
 *   control  ----> (n jobs) ----> a worker: run()  ----> (n jobs) ----> control
 *      \------------- takes some itself: run() -------------/
 *
 *   operation x operation  | put, take, done (control) | work (any worker)
 *   put, take, done        | one thread                | nobody synchronises
 *   work                   | nobody synchronises       | nobody synchronises
 */
#ifndef WGDP_JOBS_H
#define WGDP_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "doorbell.h"

enum { JOBS_MAX = 128 };

struct dataplane;

struct job {
	void (*run)(struct job *j);	/* any thread; touches only what is the job's */
};

struct jobs {
	/* control: rw before the start, everybody: ro */
	struct rte_ring *todo, *done;	/* of struct job *, with room for all JOBS_MAX */
	bool lend;			/* there is more than one CPU to run on */
};

/* `name`: of the interface. 0, or -ENOMEM. Control thread, on all the CPUs that it will run on. */
int jobs_init(struct jobs *j, const char *name);
/* When no core runs. What is still on a ring is its maker's. */
void jobs_fini(struct jobs *j);

/*
 * Somebody shall run it: the control thread itself (jobs_take) or a worker that has nothing better to do; those that
 * sleep are woken where more than this one wait. Control thread, which has at most JOBS_MAX jobs in all.
 */
void jobs_put(struct dataplane *dp, struct job *job);
/* One that nobody has begun, to be run by the caller; NULL: there is none. Control thread. */
struct job *jobs_take(struct jobs *j);
/* One that a worker has run; NULL: there is none. Control thread. */
struct job *jobs_done(struct jobs *j);

/* What rte_ring_count says, by loads that ThreadSanitizer sees are atomic. */
static inline uint32_t jobs_count(const struct rte_ring *r)
{
	const uint32_t in = __atomic_load_n(&r->prod.tail, __ATOMIC_RELAXED);

	return (in - __atomic_load_n(&r->cons.tail, __ATOMIC_RELAXED)) & r->mask;
}

/* Is there one for a worker to begin? Any thread. */
static inline bool jobs_for_worker(const struct jobs *j)
{
	return j->lend && jobs_count(j->todo);
}

/* Is there one for the control thread: to begin, or to be taken back? */
static inline bool jobs_for_control(const struct jobs *j)
{
	return jobs_count(j->todo) || jobs_count(j->done);
}

/* Runs one job, if there is one, and rings `control`. Returns how many it ran. Worker. */
unsigned int jobs_work(struct jobs *j, struct doorbell *control);

#endif
