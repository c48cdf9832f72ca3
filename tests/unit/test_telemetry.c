/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads ask for snapshots as DPDK's telemetry threads do, while the control thread serves them, works, and interfaces come and go: nobody
 * sees what is gone, and nobody waits for ever.
 */
#include "threaded.h"

#include <pthread.h>
#include <unistd.h>

#include "iface_bed.h"
#include "telemetry.h"
#include "telemetry_internal.h"

enum { ASKERS = 3 };

static struct iface_bed bed[2];
static struct loop *loop;
static uint32_t stop, answers, refusals;

static void *asker(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		struct snapshot *s = telemetry_ask();

		if (!s) {
			__atomic_fetch_add(&refusals, 1, __ATOMIC_RELAXED);
			continue;
		}
		for (unsigned int k = 0; k < s->n; k++) {
			cr_assert(strncmp(s->stats[k].name, "wg", 2) == 0);
			cr_assert_eq(s->stats[k].n_cores, 2);
			cr_assert_eq(s->stats[k].sum.outer_rx, s->stats[k].core[0].counters.outer_rx);
		}
		telemetry_put(s);
		__atomic_fetch_add(&answers, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void begin(pthread_t thread[ASKERS])
{
	stop = answers = refusals = 0;
	for (int k = 0; k < ASKERS; k++)
		cr_assert_eq(pthread_create(&thread[k], NULL, asker, NULL), 0);
}

static void end(pthread_t thread[ASKERS])
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (int k = 0; k < ASKERS; k++)
		pthread_join(thread[k], NULL);
}

static uint32_t answered(void)
{
	return __atomic_load_n(&answers, __ATOMIC_RELAXED);
}

/* A round of the control thread, in which a core has counted something, too. */
static void work(void)
{
	counters_add(&bed[0].i.dp->core[0]->counters.outer_rx, 1);
	loop_wait(loop, dataplane_now() + 100000);
}

Test(telemetry, interfaces_come_and_go)
{
	pthread_t thread[ASKERS];
	struct telemetry *t;
	uint32_t before;

	iface_bed_up(&bed[0], "wg0");
	iface_bed_up(&bed[1], "wg1");
	loop = loop_create();
	t = telemetry_create(loop);
	cr_assert(loop && t);
	begin(thread);
	for (int round = 0; round < 50; round++) {
		cr_assert_eq(telemetry_add(t, &bed[round % 2].i), 0);
		for (before = answered(); answered() < before + 20;)
			work();
		telemetry_remove(t, &bed[round % 2].i);
		telemetry_remove(t, &bed[round % 2].i);
	}
	telemetry_destroy(t);
	end(thread);
	loop_destroy(loop);
	iface_bed_down(&bed[0]);
	iface_bed_down(&bed[1]);
}

/* A snapshot under a second old is for all: the walk over the peers is not had again for each who asks. */
Test(telemetry, one_snapshot_a_second)
{
	pthread_t thread[ASKERS];
	struct snapshot *first, *again;
	struct telemetry *t;

	iface_bed_up(&bed[0], "wg0");
	loop = loop_create();
	t = telemetry_create(loop);
	cr_assert_eq(telemetry_add(t, &bed[0].i), 0);
	begin(thread);
	while (!answered())
		work();
	end(thread);
	first = telemetry_ask();
	again = telemetry_ask();
	cr_assert(!first || !again || first == again || again->taken_ns - first->taken_ns >= WG_NS_PER_SEC);
	if (first)
		telemetry_put(first);
	if (again)
		telemetry_put(again);
	telemetry_destroy(t);
	loop_destroy(loop);
	iface_bed_down(&bed[0]);
}

/* Who waits when it ends is let go; who asks afterwards gets nothing, at once. */
Test(telemetry, end_while_somebody_waits)
{
	for (int round = 0; round < 20; round++) {
		pthread_t thread[ASKERS];
		struct telemetry *t;

		loop = loop_create();
		t = telemetry_create(loop);
		cr_assert(loop && t);
		begin(thread);
		usleep(round * 200);
		telemetry_destroy(t);
		while (!__atomic_load_n(&refusals, __ATOMIC_RELAXED))
			usleep(100);
		end(thread);
		loop_destroy(loop);
	}
}
