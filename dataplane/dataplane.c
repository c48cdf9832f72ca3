/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes and unmakes the data path of an interface; all of it is the control thread's. The rings between threads are made here, with
 * their bounds in event.h and batch.h.
 */
#include "dataplane.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ring_elem.h>

#include "core.h"

uint64_t dataplane_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);	/* keys grow old in suspend, too */
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static bool fail(char err[PORT_ERRLEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, PORT_ERRLEN, fmt, ap);
	va_end(ap);
	return false;
}

static struct rte_ring *ring(const struct dataplane *dp, const char *what, unsigned int elem, unsigned int n,
			     unsigned int flags)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%.15s.%.11s", dp->name, what);
	return rte_ring_create_elem(name, elem, n, SOCKET_ID_ANY, flags | RING_F_EXACT_SZ);
}

/*
 * Threads may share a CPU with others, so one may be stopped in the middle of a ring: RTS lets the others go on meanwhile. What they
 * take behind it is free again only when it goes on, up to an eighth of the ring; hence twice the room for the batches there are.
 */
static bool make_rings(struct dataplane *dp, char err[PORT_ERRLEN])
{
	dp->work = ring(dp, "work", sizeof(void *), 2 * dp->n_rx * BATCH_FIFO_DEPTH, RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
	dp->events = ring(dp, "events", sizeof(struct event), EVENT_RING, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	dp->handshakes = ring(dp, "handshakes", sizeof(struct handshake_packet), HANDSHAKE_RING, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	dp->staged = ring(dp, "staged", sizeof(void *), STAGE_RING, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (dp->lan)
		dp->questions = ring(dp, "questions", sizeof(struct fib_question), FIB_QUESTION_RING, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (dp->work && dp->events && dp->handshakes && dp->staged && (dp->questions || !dp->lan) && jobs_init(&dp->jobs, dp->name) == 0)
		return true;
	return fail(err, "no rings: %s", rte_strerror(rte_errno));
}

/* A file that took the place of another counts as a new one, whatever its number; the old one has left by itself. */
static bool watch(struct core *c, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e) == 0 || errno == EEXIST;
}

/* What wakes the core: its doorbell, and its queues where the ports have descriptors for them. */
static bool watch_all(struct core *c)
{
	struct port *ports[] = { c->dp->inner, c->dp->outer, c->dp->lan };
	int fd[PORT_MAX_FDS];
	bool all = true, can_block = true;

	all = watch(c, c->bell.fd);
	for (unsigned int i = 0; i < RTE_DIM(ports) && ports[i] && c->roles & CORE_RX; i++) {
		unsigned int n = ports[i]->ops->fds(ports[i], c->queue, fd);

		can_block &= n > 0;
		while (n)
			all &= watch(c, fd[--n]);
	}
	__atomic_store_n(&c->can_block, can_block && all, __ATOMIC_RELAXED);
	return all;
}

void dataplane_watch_again(struct dataplane *dp)
{
	for (unsigned int i = 0; i < dp->n_rx; i++) {
		watch_all(dp->core[i]);
		doorbell_ring(&dp->core[i]->bell);	/* the sleep that it is in may be one without end */
	}
}

static bool make_core(struct dataplane *dp, const struct dataplane_core_conf *conf, char err[PORT_ERRLEN])
{
	struct core *c = aligned_alloc(CACHE_LINE, sizeof(*c));
	char name[16];

	if (!c)
		return fail(err, "no memory for a data core");
	memset(c, 0, sizeof(*c));
	c->dp = dp;
	c->id = dp->n_cores;
	c->cpu = conf->cpu;
	c->roles = conf->roles;
	c->epoll = c->bell.fd = -1;
	dp->core[dp->n_cores++] = c;
	dp->n_workers += !!(c->roles & CORE_WORKER);
	if (c->roles & CORE_RX) {
		c->queue = dp->n_rx++;
		dp->rx_counters[c->queue] = &c->counters;
		snprintf(name, sizeof(name), "inject%u", c->id);
		c->inject = ring(dp, name, sizeof(void *), INJECT_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!c->inject)
			return fail(err, "no ring: %s", rte_strerror(rte_errno));
	}
	c->aead = dp->aead->create();
	if (!c->aead)
		return fail(err, "no memory for %s", dp->aead->name);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0 || doorbell_init(&c->bell) || !watch_all(c))
		return fail(err, "cannot watch the ports: %s", strerror(errno));
	return true;
}

static bool make_cores(struct dataplane *dp, const struct dataplane_conf *conf, char err[PORT_ERRLEN])
{
	for (unsigned int rx = 1; rx <= 2; rx++)	/* those with CORE_RX first */
		for (unsigned int i = 0; i < conf->n_cores; i++)
			if (!!(conf->cores[i].roles & CORE_RX) == (rx == 1) && !make_core(dp, &conf->cores[i], err))
				return false;
	return true;
}

/* Off, until the control thread has filled it. */
static bool make_fib(struct dataplane *dp)
{
	if (!dp->lan)
		return true;
	if (fib_init(&dp->fib) < 0)
		return false;
	dp->fib.off = true;
	return true;
}

struct dataplane *dataplane_create(const struct dataplane_conf *conf, char err[PORT_ERRLEN])
{
	struct dataplane *dp = aligned_alloc(CACHE_LINE, sizeof(*dp));

	if (!dp) {
		fail(err, "no memory for the data path");
		return NULL;
	}
	memset(dp, 0, sizeof(*dp));
	snprintf(dp->name, sizeof(dp->name), "%s", conf->name);
	dp->inner = conf->inner;
	dp->outer = conf->outer;
	dp->lan = conf->lan;
	dp->inner->counters = dp->outer->counters = dp->rx_counters;
	if (dp->lan)
		dp->lan->counters = dp->rx_counters;
	dp->pool = conf->pool;
	dp->aead = conf->aead;
	dp->mtu = conf->mtu;
	dp->poll_always = conf->poll_always;
	if (doorbell_init(&dp->control) || sessions_init(&dp->sessions) || !(dp->allowedips = allowedips_create()) || !make_fib(dp))
		fail(err, "no memory for the tables");
	else if (make_cores(dp, conf, err) && make_rings(dp, err))
		return dp;
	dataplane_destroy(dp);
	return NULL;
}

int dataplane_start(struct dataplane *dp)
{
	for (unsigned int i = 0; i < dp->n_cores; i++) {
		int rc = core_start(dp->core[i]);

		if (rc) {
			dataplane_stop(dp);
			return rc;
		}
	}
	return 0;
}

static void drain(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

void dataplane_stop(struct dataplane *dp)
{
	__atomic_store_n(&dp->stop, true, __ATOMIC_RELEASE);
	rcu_thread_offline();	/* while we wait, no grace period should wait for us */
	for (unsigned int i = 0; i < dp->n_cores; i++)
		core_join(dp->core[i]);
	rcu_thread_online();
	for (unsigned int i = 0; i < dp->n_cores; i++) {
		struct core *c = dp->core[i];

		drain(c->inject);
		for (; !batch_fifo_empty(&c->fifo); batch_pop(&c->fifo)) {
			struct batch *b = &c->fifo.batch[c->fifo.head % BATCH_FIFO_DEPTH];

			rte_pktmbuf_free_bulk(b->m, b->n);
		}
	}
	drain(dp->staged);
}

static void free_core(struct core *c)
{
	if (c->aead)
		c->dp->aead->destroy(c->aead);
	if (c->epoll >= 0)
		close(c->epoll);
	if (c->bell.fd >= 0)
		doorbell_fini(&c->bell);
	rte_ring_free(c->inject);
	free(c);
}

void dataplane_destroy(struct dataplane *dp)
{
	if (!dp)
		return;
	for (unsigned int i = 0; i < dp->n_cores; i++)
		free_core(dp->core[i]);
	rte_ring_free(dp->work);
	rte_ring_free(dp->events);
	rte_ring_free(dp->handshakes);
	rte_ring_free(dp->staged);
	rte_ring_free(dp->questions);
	jobs_fini(&dp->jobs);
	fib_fini(&dp->fib);
	allowedips_destroy(dp->allowedips);
	sessions_fini(&dp->sessions);
	doorbell_fini(&dp->control);
	free(dp);
}

bool dataplane_inject(struct dataplane *dp, struct rte_mbuf *m)
{
	struct core *c = dp->core[pkt_of(m)->core < dp->n_rx ? pkt_of(m)->core : 0];

	if (rte_ring_enqueue(c->inject, m) != 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	doorbell_ring(&c->bell);
	return true;
}

void dataplane_forget_keys(struct dataplane *dp)
{
	__atomic_fetch_add(&dp->forget, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < dp->n_cores; i++)
		doorbell_ring(&dp->core[i]->bell);
}

struct rte_mbuf *dataplane_alloc(struct dataplane *dp)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp->pool);

	if (m)
		memset(pkt_of(m), 0, sizeof(struct pkt));
	return m;
}

/* (Counters are nothing but numbers of 64 bits, and padding.) */
static void counters_add_all(struct counters *sum, const struct counters *counters)
{
	const uint64_t *from = (const uint64_t *)counters;
	uint64_t *to = (uint64_t *)sum;

	for (size_t k = 0; k < sizeof(*sum) / sizeof(*to); k++)
		to[k] += counters_read(&from[k]);
}

void dataplane_counters(const struct dataplane *dp, struct counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned int i = 0; i < dp->n_cores; i++)
		counters_add_all(sum, &dp->core[i]->counters);
}

void dataplane_core_state(const struct dataplane *dp, unsigned int k, struct dataplane_core_state *state)
{
	const struct core *c = dp->core[k];

	memset(state, 0, sizeof(*state));
	state->cpu = c->cpu;
	state->roles = c->roles;
	if (c->roles & CORE_RX) {
		state->fifo_used = batch_fifo_used(&c->fifo);
		state->fifo_size = BATCH_FIFO_DEPTH;
	}
	counters_add_all(&state->counters, &c->counters);
}
