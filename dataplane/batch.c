/* SPDX-License-Identifier: BSD-3-Clause */
#include "batch.h"

#include <assert.h>

void batch_submit(struct batch_fifo *f, struct batch *b, struct rte_ring *work)
{
	assert(b == &f->batch[f->tail % BATCH_FIFO_DEPTH] && f->tail - f->head < BATCH_FIFO_DEPTH);
	__atomic_store_n(&b->done, b->kind == BATCH_SEND, __ATOMIC_RELAXED);
	__atomic_store_n(&f->tail, f->tail + 1, __ATOMIC_RELAXED);	/* batch_fifo_used */
	if (b->kind == BATCH_SEND)
		return;
	if (rte_ring_enqueue(work, b) != 0)
		assert(!"the work ring holds every batch there is");
}
