/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of a data core. A core has the role RX, WORKER, or both:
 *
 *   poll      RX      burst from each port's queue -> classify -> batch -> submit
 *   work      WORKER  take a batch from the work ring -> seal or open it -> mark it done
 *   complete  RX      batches done at the head of this core's FIFO -> transmit
 *   rest      all     RCU quiescent state; look on for a while, then sleep on the ports' descriptors and the doorbell
 */
#include "core.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include <rte_lcore.h>
#include <rte_pause.h>

#include "x25519.h"

enum {
	POLL_ROOM = 2 + OUTBOUND_ROOM,	/* batches that one poll of all ports may submit: the last one gets its turn, too */
	POLLS_PER_ROUND = BATCH_FIFO_DEPTH,
	WORK_PER_ROUND = 4,		/* batches worked on before the ports are looked at again, at most */
	NAP_SHORT_NS = 50 * 1000,	/* between looks at ports that cannot wake us, */
	NAP_LONG_NS = 1000 * 1000,	/* and after NAP_LONG_AFTER_NS without traffic */
	NAP_LONG_AFTER_NS = 10 * 1000 * 1000,
};

static void wake_worker(struct core *c)
{
	struct dataplane *dp = c->dp;
	uint64_t sleepers;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sleepers = __atomic_load_n(&dp->sleepers, __ATOMIC_RELAXED);
	for (; sleepers; sleepers &= sleepers - 1) {
		if (doorbell_ring(&dp->core[__builtin_ctzll(sleepers)]->bell)) {
			counters_add(&c->counters.wakes, 1);
			return;
		}
	}
}

void core_submit(struct core *c, struct batch *b)
{
	counters_add(&c->counters.batches, 1);
	counters_add(&c->counters.batched, b->n);
	batch_submit(&c->fifo, b, c->dp->work);
	if (b->kind == BATCH_SEND)
		return;
	/* A worker that has just submitted its only batch will get to it sooner than anybody it could wake. */
	if (!(c->roles & CORE_WORKER) || rte_ring_count(c->dp->work) > 1)
		wake_worker(c);
}

/* What workers look at of a batch may lie with another core, or nowhere near. */
static void prefetch_batch(const struct sessions *t, const struct batch *b)
{
	for (unsigned int r = 0; r < b->n_runs; r++)
		sessions_prefetch_slot(t, session_index(b->run[r].id));
	for (unsigned int i = 0; i < b->n; i++) {
		__builtin_prefetch(b->m[i], 1);
		__builtin_prefetch(pkt_of(b->m[i]), 1);
	}
	for (unsigned int r = 0; r < b->n_runs; r++)
		sessions_prefetch(t, session_index(b->run[r].id));
}

void core_find_sessions(struct core *c, struct batch *b)
{
	unsigned int n = 0, i = 0;

	prefetch_batch(&c->dp->sessions, b);
	for (unsigned int r = 0; r < b->n_runs; r++) {
		const struct batch_run *run = &b->run[r];
		struct session *s = sessions_get(&c->dp->sessions, run->id);

		if (s)
			__builtin_prefetch(&s->peer->rx_bytes, 1);
		for (unsigned int k = 0; k < run->n; k++, i++) {
			if (!s) {
				core_drop(c, b->m[i], DROP_STALE_SESSION);
				continue;
			}
			c->session[n] = s;
			c->ops[n].counter = run->counter + k;
			b->m[n++] = b->m[i];
		}
	}
	b->n = n;
}

/*
 * Looks at the ports. Where bursts come full, there are more: enough is taken that no other worker waits while this core works. One may
 * have finished what it works on before this core has its own batch done, hence two each.
 */
static unsigned int poll_ports(struct core *c)
{
	const unsigned int enough = 1 + 2 * (c->dp->n_workers - 1);
	unsigned int n = BATCH_MAX, sum = 0;

	/* A flood of what is dropped, or the host's, makes no batches that would end it. */
	for (unsigned int i = 0; i < POLLS_PER_ROUND && n >= BATCH_MAX / 2; i++) {
		if ((i && rte_ring_count(c->dp->work) >= enough) || batch_fifo_full(&c->fifo, POLL_ROOM))
			break;
		n = inbound_poll(c) + outbound_poll(c);
		sum += n;
	}
	return sum;
}

/* What the ports have passed between host and device by themselves: no packets of ours, but no idleness either. */
static uint64_t host_frames(const struct core *c)
{
	return c->counters.host_rx + c->counters.host_tx;
}

/* A core that receives does not take what the other workers will need before it has looked for more. */
static bool enough_for_others(const struct core *c)
{
	return !(c->roles & CORE_RX) || rte_ring_count(c->dp->work) >= c->dp->n_workers;
}

static unsigned int work(struct core *c)
{
	unsigned int n = 0;

	for (int i = 0; i < WORK_PER_ROUND && (i == 0 || enough_for_others(c)); i++) {
		struct batch *b = batch_take(c->dp->work);

		if (!b)
			break;
		n += b->n;
		if (b->kind == BATCH_SEAL)
			outbound_seal(c, b);
		else
			inbound_open(c, b);
		batch_finish(b);
	}
	return n;
}

/* Opened packets, each to the port that it is for. */
static void transmit_opened(struct core *c, struct batch *b)
{
	struct rte_mbuf *lan[BATCH_MAX];
	uint16_t n_lan = 0, n = 0;

	for (uint16_t i = 0; i < b->n; i++) {
		if (c->dp->lan && pkt_of(b->m[i])->lan)
			lan[n_lan++] = b->m[i];
		else
			b->m[n++] = b->m[i];
	}
	if (n_lan)
		counters_add(&c->counters.lan_tx, port_tx_burst(c->dp->lan, c->queue, lan, n_lan));
	if (n)
		counters_add(&c->counters.inner_tx, port_tx_burst(c->dp->inner, c->queue, b->m, n));
}

static unsigned int complete(struct core *c)
{
	struct batch *b;
	unsigned int n = 0;

	while ((b = batch_head(&c->fifo))) {
		n++;
		for (unsigned int i = 0; i < b->n; i++)
			rte_prefetch0(b->m[i]);	/* a worker elsewhere has written to it */
		if (b->n && b->kind == BATCH_OPEN)
			transmit_opened(c, b);
		else if (b->n)
			counters_add(&c->counters.outer_tx, port_tx_burst(c->dp->outer, c->queue, b->m, b->n));
		batch_pop(&c->fifo);
		core_stage(c, STAGE_TX);
	}
	return n;
}

static bool has_to_forget(const struct core *c)
{
	return __atomic_load_n(&c->dp->forget, __ATOMIC_ACQUIRE) != c->forgotten;
}

static void forget_key(struct core *c)
{
	c->forgotten = __atomic_load_n(&c->dp->forget, __ATOMIC_ACQUIRE);
	x25519_forget();
}

static bool has_work(const struct core *c)
{
	return __atomic_load_n(&c->dp->stop, __ATOMIC_ACQUIRE) || has_to_forget(c) ||
	       ((c->roles & CORE_WORKER) && (!rte_ring_empty(c->dp->work) || jobs_for_worker(&c->dp->jobs))) ||
	       ((c->roles & CORE_RX) && !rte_ring_empty(c->inject));
}

static void block(struct core *c)
{
	const bool can_block = __atomic_load_n(&c->can_block, __ATOMIC_RELAXED);
	struct timespec nap = { 0 };
	struct epoll_event ready;

	if (!can_block)
		nap.tv_nsec = c->now - c->idle_since < NAP_LONG_AFTER_NS ? NAP_SHORT_NS : NAP_LONG_NS;
	counters_add(&c->counters.sleeps, 1);
	rcu_thread_offline();
	/* What is ready is found by looking at every port; EINTR is as good a reason to look as any. */
	epoll_pwait2(c->epoll, &ready, 1, can_block ? NULL : &nap, NULL);
	rcu_thread_online();
}

static void rest(struct core *c)
{
	const uint64_t bit = 1ull << c->id;

	/* A port that is gone has no packets, and keeps its descriptor readable: the control thread takes us down. */
	if (__atomic_load_n(&c->dp->inner->error, __ATOMIC_RELAXED) || __atomic_load_n(&c->dp->outer->error, __ATOMIC_RELAXED) ||
	    (c->dp->lan && __atomic_load_n(&c->dp->lan->error, __ATOMIC_RELAXED)))
		doorbell_ring(&c->dp->control);
	if (!c->idle_since)
		c->idle_since = c->now;
	if (c->dp->poll_always) {
		rte_pause();
		return;
	}
	/*
	 * Looking on keeps this CPU from sleeping, out of which it would take long to come; but whoever was woken on it goes first: what we have
	 * just sent may be what it waits for. It may also be working on our batches.
	 */
	if (c->now - c->idle_since < CORE_SPIN_NS || !batch_fifo_empty(&c->fifo)) {
		sched_yield();
		return;
	}
	if (c->roles & CORE_WORKER)
		__atomic_fetch_or(&c->dp->sleepers, bit, __ATOMIC_RELAXED);
	doorbell_arm(&c->bell);
	if (!has_work(c))
		block(c);
	doorbell_disarm(&c->bell);
	if (c->roles & CORE_WORKER)
		__atomic_fetch_and(&c->dp->sleepers, ~bit, __ATOMIC_RELAXED);
}

static void loop(struct core *c)
{
	c->stage_began = rte_rdtsc();
	while (!__atomic_load_n(&c->dp->stop, __ATOMIC_ACQUIRE)) {
		const uint64_t host = host_frames(c);
		unsigned int moved = 0;

		c->now = dataplane_now();
		if (has_to_forget(c))
			forget_key(c);
		if (c->roles & CORE_RX)
			moved += poll_ports(c);
		if (c->roles & CORE_WORKER)
			moved += work(c);
		if (c->roles & CORE_RX)
			moved += complete(c);
		if (!moved && c->roles & CORE_WORKER)
			moved = jobs_work(&c->dp->jobs, &c->dp->control);	/* one: packets do not wait behind two */
		rcu_quiescent_state();
		if (moved || host_frames(c) != host)
			c->idle_since = 0;
		else
			rest(c);
		core_stage(c, STAGE_REST);
	}
}

static void *core_main(void *arg)
{
	struct core *c = arg;
	char name[16];

	snprintf(name, sizeof(name), "wgdp/%s%u", c->roles & CORE_RX ? "rx" : "work", c->id);
	pthread_setname_np(pthread_self(), name);
	/* Without an lcore id the mempools work without this thread's cache: slower, not wrong. */
	rte_thread_register();
	rcu_register_thread();
	loop(c);
	rcu_unregister_thread();
	rte_thread_unregister();
	return NULL;
}

int core_start(struct core *c)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int rc;

	CPU_ZERO(&cpus);
	CPU_SET(c->cpu, &cpus);
	pthread_attr_init(&attr);
	rc = pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	if (!rc)
		rc = pthread_create(&c->thread, &attr, core_main, c);
	pthread_attr_destroy(&attr);
	c->running = !rc;
	return -rc;
}

void core_join(struct core *c)
{
	if (!c->running)
		return;
	doorbell_write(&c->bell);
	pthread_join(c->thread, NULL);
	c->running = false;
}
