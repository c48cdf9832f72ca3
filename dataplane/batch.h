/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Batches keep order without a reorder buffer. A core that receives packets puts each batch on two queues: the work ring, from
 * which any worker takes it, and its own FIFO, from whose head alone it transmits. So packets leave in the order in which they
 * came, whichever workers did the work, and one flow of one peer spreads over all workers.
 *
 * A batch lives in its core's FIFO. Between batch_submit and `done` it is the worker's that dequeued it; otherwise the core's.
 *
 *   operation x operation  | begin, submit, head, pop (owner) | take (any worker) | finish (who took it)
 *   begin, submit, ...     | owner only                       | nobody            | nobody
 *   take                   |                                  | nobody            | nobody
 */
#ifndef WGDP_BATCH_H
#define WGDP_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

enum { BATCH_MAX = 64, BATCH_FIFO_DEPTH = 32, BATCH_FIFO_PACKETS = BATCH_MAX * BATCH_FIFO_DEPTH };

enum batch_kind {
	BATCH_SEAL,	/* plaintext to the outer port */
	BATCH_OPEN,	/* ciphertext to the inner port, or the LAN's */
	BATCH_SEND,	/* finished messages to the outer port: no work, only their place in the order */
};

/* Packets in a row of one session. What concerns all of them is here, not in each mbuf: one line for a worker to fetch. */
struct batch_run {
	uint64_t id;			/* the session's (session.h) */
	uint64_t counter;		/* BATCH_SEAL: nonce of the first packet, and the others' follow */
	uint16_t n;
};

struct batch {
	uint32_t done;			/* atomic: the worker has finished */
	uint16_t kind;
	uint16_t n;			/* packets; a worker that drops some closes the gaps */
	uint16_t n_runs;		/* that the packets are, when submitted; none in a BATCH_SEND */
	struct rte_mbuf *m[BATCH_MAX];
	struct batch_run run[BATCH_MAX];
} __attribute__((aligned(64)));

struct batch_fifo {
	uint32_t head, tail;		/* tail - head batches are under way */
	struct batch batch[BATCH_FIFO_DEPTH];
} __attribute__((aligned(64)));

static inline bool batch_fifo_full(const struct batch_fifo *f, uint32_t room)
{
	return f->tail - f->head > BATCH_FIFO_DEPTH - room;
}

/* Batches under way. Any thread; no point in time for those that are not the owner. */
static inline uint32_t batch_fifo_used(const struct batch_fifo *f)
{
	const uint32_t head = __atomic_load_n(&f->head, __ATOMIC_RELAXED);
	const uint32_t used = __atomic_load_n(&f->tail, __ATOMIC_RELAXED) - head;

	return used < BATCH_FIFO_DEPTH ? used : BATCH_FIFO_DEPTH;
}

static inline bool batch_fifo_empty(const struct batch_fifo *f)
{
	return f->tail == f->head;
}

/* The next batch to fill, empty. The FIFO must have room for it. Nothing has happened until it is submitted. */
static inline struct batch *batch_begin(struct batch_fifo *f, enum batch_kind kind)
{
	struct batch *b = &f->batch[f->tail % BATCH_FIFO_DEPTH];

	b->kind = kind;
	b->n = 0;
	b->n_runs = 0;
	return b;
}

/* The next n packets are a run. */
static inline void batch_add_run(struct batch *b, uint64_t id, uint64_t counter, unsigned int n)
{
	b->run[b->n_runs++] = (struct batch_run){ .id = id, .counter = counter, .n = n };
}

/*
 * Puts a begun batch on the FIFO and, unless it is a BATCH_SEND, on the work ring, which must have room for every batch of every
 * FIFO.
 */
void batch_submit(struct batch_fifo *f, struct batch *b, struct rte_ring *work);

/* A batch to work on, or NULL. Any worker. */
static inline struct batch *batch_take(struct rte_ring *work)
{
	void *b;

	return rte_ring_dequeue(work, &b) == 0 ? b : NULL;
}

/* Hands a taken batch back to its core. */
static inline void batch_finish(struct batch *b)
{
	__atomic_store_n(&b->done, 1, __ATOMIC_RELEASE);
}

/* The batch at the head if it is finished, else NULL. */
static inline struct batch *batch_head(struct batch_fifo *f)
{
	struct batch *b = &f->batch[f->head % BATCH_FIFO_DEPTH];

	if (batch_fifo_empty(f) || !__atomic_load_n(&b->done, __ATOMIC_ACQUIRE))
		return NULL;
	return b;
}

static inline void batch_pop(struct batch_fifo *f)
{
	__atomic_store_n(&f->head, f->head + 1, __ATOMIC_RELAXED);	/* batch_fifo_used */
}

#endif
