/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "core.h"

/*
 * A thread that is stopped in the middle of taking one keeps the places of all that were taken after it, up to an
 * eighth of the ring (rte_ring_rts.h): so twice the room that the jobs need is always enough.
 */
static struct rte_ring *ring(const char *name, const char *what)
{
	char text[RTE_RING_NAMESIZE];

	snprintf(text, sizeof(text), "%.15s.%s", name, what);
	return rte_ring_create(text, 2 * JOBS_MAX, SOCKET_ID_ANY, RING_F_EXACT_SZ | RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
}

int jobs_init(struct jobs *j, const char *name)
{
	cpu_set_t cpus;

	j->todo = ring(name, "todo");
	j->done = ring(name, "done");
	j->lend = sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || CPU_COUNT(&cpus) > 1;
	return j->todo && j->done ? 0 : -ENOMEM;
}

void jobs_fini(struct jobs *j)
{
	rte_ring_free(j->todo);
	rte_ring_free(j->done);
	j->todo = j->done = NULL;
}

static void wake_worker(struct dataplane *dp)
{
	uint64_t sleepers;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sleepers = __atomic_load_n(&dp->sleepers, __ATOMIC_RELAXED);
	for (; sleepers; sleepers &= sleepers - 1)
		if (doorbell_ring(&dp->core[__builtin_ctzll(sleepers)]->bell))
			return;
}

void jobs_put(struct dataplane *dp, struct job *job)
{
	int rc = rte_ring_enqueue(dp->jobs.todo, job);

	assert(rc == 0);
	(void)rc;
	/* The control thread gets to a lone one sooner than anybody whom it could wake. */
	if (dp->jobs.lend && jobs_count(dp->jobs.todo) > 1)
		wake_worker(dp);
}

static struct job *take(struct rte_ring *r)
{
	void *job;

	return rte_ring_dequeue(r, &job) == 0 ? job : NULL;
}

struct job *jobs_take(struct jobs *j)
{
	return take(j->todo);
}

struct job *jobs_done(struct jobs *j)
{
	return take(j->done);
}

unsigned int jobs_work(struct jobs *j, struct doorbell *control)
{
	struct job *job = j->lend ? take(j->todo) : NULL;
	int rc;

	if (!job)
		return 0;
	job->run(job);
	rc = rte_ring_enqueue(j->done, job);
	assert(rc == 0);
	(void)rc;
	doorbell_ring(control);
	return 1;
}
