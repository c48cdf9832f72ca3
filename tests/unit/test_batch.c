/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Batch order: two receiving threads submit numbered batches, three workers finish them in whatever order, delayed at random; each
 * receiver must get its own back in its order, every one exactly once. Needs no EAL: the ring lies in our own memory.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "threaded.h"

#include "batch.h"

enum { RECEIVERS = 2, WORKERS = 3, BATCHES = 20000, RING = 128 };

struct receiver {
	struct batch_fifo fifo;
	struct rte_ring *work;
	unsigned int id;
	uint32_t sent, received;
	bool ordered;
};

static struct rte_ring *ring_create(void)
{
	struct rte_ring *r = aligned_alloc(64, (rte_ring_get_memsize(RING) + 63) & ~63l);

	cr_assert(r && rte_ring_init(r, "work", RING, 0) == 0);
	return r;
}

/* A batch's number travels in place of its first mbuf pointer; the worker turns it into its complement. */
static void submit_one(struct receiver *r)
{
	struct batch *b = batch_begin(&r->fifo, r->sent % 7 == 3 ? BATCH_SEND : BATCH_SEAL);
	uintptr_t number = (uintptr_t)r->sent++ << 1 | 1;

	b->m[0] = (struct rte_mbuf *)(b->kind == BATCH_SEND ? ~number : number);
	b->n = 1;
	batch_submit(&r->fifo, b, r->work);
}

static void complete(struct receiver *r)
{
	struct batch *b;

	while ((b = batch_head(&r->fifo))) {
		if ((uintptr_t)b->m[0] != ~((uintptr_t)r->received++ << 1 | 1))
			r->ordered = false;
		batch_pop(&r->fifo);
	}
}

static void *receive(void *arg)
{
	struct receiver *r = arg;
	unsigned int seed = r->id + 1;

	while (r->received < BATCHES) {
		for (int burst = rand_r(&seed) % 8; burst && r->sent < BATCHES && !batch_fifo_full(&r->fifo, 1); burst--)
			submit_one(r);
		complete(r);
		sched_yield();
	}
	return NULL;
}

struct worker {
	struct rte_ring *work;
	unsigned int id;
	bool stop;		/* atomic */
	uint32_t done;
};

static void finish(struct batch *b)
{
	b->m[0] = (struct rte_mbuf *)~(uintptr_t)b->m[0];
	batch_finish(b);
}

/* Takes up to four batches and finishes them last first, so that the order of finishing is never that of submitting. */
static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int seed = 100 + w->id;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		struct batch *held[4];
		unsigned int n = 0, want = 1 + rand_r(&seed) % 4;

		while (n < want && (held[n] = batch_take(w->work)))
			n++;
		if (rand_r(&seed) % 2)
			sched_yield();
		w->done += n;
		while (n)
			finish(held[--n]);
	}
	return NULL;
}

Test(batch, order_with_workers_finishing_in_random_order)
{
	static struct receiver r[RECEIVERS];
	struct rte_ring *ring = ring_create();
	struct worker w[WORKERS] = { { .work = NULL } };
	pthread_t rt[RECEIVERS], wt[WORKERS];
	uint32_t done = 0;

	for (unsigned int k = 0; k < WORKERS; k++) {
		w[k] = (struct worker){ .work = ring, .id = k };
		cr_assert_eq(pthread_create(&wt[k], NULL, work, &w[k]), 0);
	}
	for (unsigned int k = 0; k < RECEIVERS; k++) {
		r[k].work = ring;
		r[k].id = k;
		r[k].ordered = true;
		cr_assert_eq(pthread_create(&rt[k], NULL, receive, &r[k]), 0);
	}
	for (unsigned int k = 0; k < RECEIVERS; k++)
		pthread_join(rt[k], NULL);
	for (unsigned int k = 0; k < WORKERS; k++) {
		__atomic_store_n(&w[k].stop, true, __ATOMIC_RELAXED);
		pthread_join(wt[k], NULL);
		done += w[k].done;
	}
	for (unsigned int k = 0; k < RECEIVERS; k++) {
		cr_assert(r[k].ordered, "receiver %u", k);
		cr_assert_eq(r[k].received, BATCHES);
		done += (BATCHES + 3) / 7;	/* those that need no work */
	}
	cr_assert_eq(done, RECEIVERS * BATCHES, "each worked on exactly once");
	free(ring);
}

Test(batch, fifo_says_when_it_is_full)
{
	static struct batch_fifo f;

	for (int k = 0; k < BATCH_FIFO_DEPTH; k++) {
		cr_assert_not(batch_fifo_full(&f, 1), "%d", k);
		cr_assert_eq(batch_fifo_full(&f, 4), k > BATCH_FIFO_DEPTH - 4, "%d", k);
		batch_submit(&f, batch_begin(&f, BATCH_SEND), NULL);
	}
	cr_assert(batch_fifo_full(&f, 1));
	cr_assert_not_null(batch_head(&f));
	batch_pop(&f);
	cr_assert_not(batch_fifo_full(&f, 1));
}
