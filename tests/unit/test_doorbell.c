/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No wake is lost: two threads put single items into a mailbox each, a third sleeps without a time limit whenever both are empty. A
 * lost wake would leave the three waiting for each other, and the test would not end.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "threaded.h"

#include "doorbell.h"

enum { ITEMS = 50000, WAKERS = 2 };

static struct doorbell bell;
static uint32_t mailbox[WAKERS];	/* atomic: 1 while it holds an item */

static void *put_items(void *arg)
{
	uint32_t *box = arg;

	for (int k = 0; k < ITEMS; k++) {
		__atomic_store_n(box, 1, __ATOMIC_RELEASE);
		doorbell_ring(&bell);
		while (__atomic_load_n(box, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	return NULL;
}

static unsigned int take(void)
{
	unsigned int n = 0;

	for (int k = 0; k < WAKERS; k++)
		n += __atomic_exchange_n(&mailbox[k], 0, __ATOMIC_ACQ_REL);
	return n;
}

static bool empty(void)
{
	for (int k = 0; k < WAKERS; k++)
		if (__atomic_load_n(&mailbox[k], __ATOMIC_ACQUIRE))
			return false;
	return true;
}

Test(doorbell, no_wake_is_lost, .timeout = 120)
{
	pthread_t t[WAKERS];
	unsigned int taken = 0;

	cr_assert_eq(doorbell_init(&bell), 0);
	for (int k = 0; k < WAKERS; k++)
		cr_assert_eq(pthread_create(&t[k], NULL, put_items, &mailbox[k]), 0);
	while (taken < WAKERS * ITEMS) {
		struct pollfd p = { .fd = bell.fd, .events = POLLIN };
		unsigned int n = take();

		taken += n;
		if (n)
			continue;
		doorbell_arm(&bell);
		if (empty())
			poll(&p, 1, -1);
		doorbell_disarm(&bell);
	}
	for (int k = 0; k < WAKERS; k++)
		pthread_join(t[k], NULL);
	cr_assert_eq(taken, WAKERS * ITEMS);
	doorbell_fini(&bell);
}

Test(doorbell, rings_only_who_is_armed)
{
	struct pollfd p = { .events = POLLIN };

	cr_assert_eq(doorbell_init(&bell), 0);
	p.fd = bell.fd;
	cr_assert_not(doorbell_ring(&bell), "nobody sleeps: no system call");
	cr_assert_eq(poll(&p, 1, 0), 0);
	doorbell_arm(&bell);
	cr_assert(doorbell_ring(&bell));
	cr_assert_not(doorbell_ring(&bell), "once is enough");
	cr_assert_eq(poll(&p, 1, 0), 1);
	doorbell_disarm(&bell);
	cr_assert_eq(poll(&p, 1, 0), 0, "and is emptied");
	doorbell_fini(&bell);
}
