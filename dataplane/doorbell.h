/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a thread that blocks is woken by one that has put something on a ring for it, without a system call while it is awake.
 *
 *   sleeper                                   | waker
 *   doorbell_arm: armed = 1, full fence       | put it on the ring
 *   look at every ring once more              | doorbell_ring: full fence, armed?
 *   block on fd (poll, epoll), or not         |   yes: armed = 0, write fd
 *   doorbell_disarm: armed = 0, empty fd      |
 *
 * Each side stores before it loads, with a full fence between, so at least one of them sees the other: no wake is lost.
 *
 *   operation x operation | ring (any thread)      | arm, disarm (owner)
 *   ring                  | nobody synchronises    | nobody synchronises
 *   arm, disarm           | nobody synchronises    | owner only
 */
#ifndef WGDP_DOORBELL_H
#define WGDP_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

struct doorbell {
	int fd;			/* eventfd, non-blocking; the owner polls it */
	uint32_t armed;		/* atomic */
} __attribute__((aligned(64)));

/* 0, or -errno. */
int doorbell_init(struct doorbell *d);
void doorbell_fini(struct doorbell *d);

/* Slow path: wakes the owner whether it sleeps or is about to. */
void doorbell_write(struct doorbell *d);

static inline void doorbell_arm(struct doorbell *d)
{
	__atomic_store_n(&d->armed, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void doorbell_disarm(struct doorbell *d);

/* True if it had to make a system call. */
static inline bool doorbell_ring(struct doorbell *d)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&d->armed, __ATOMIC_RELAXED) || !__atomic_exchange_n(&d->armed, 0, __ATOMIC_RELAXED))
		return false;
	doorbell_write(d);
	return true;
}

#endif
