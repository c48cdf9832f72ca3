/* SPDX-License-Identifier: BSD-3-Clause */
#include "allowedips_churn.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "allowedips.h"
#include "bench.h"
#include "rcu.h"

enum { MAX_READERS = 64 };

/* Addresses that have the same answer all the time. */
struct probes {
	const struct allowedips *t;
	bool is6;
	unsigned int n;			/* a multiple of BURST */
	const uint8_t **addr;
	uint32_t *expected;
	pthread_barrier_t start;
	bool stop;			/* atomic: writer to readers */
};

struct reader {
	struct probes *probes;
	unsigned int cpu;		/* for bench_pin() */
	uint64_t ns, lookups, wrong;
};

double churn_updates(const struct table *how, void *t, const struct prefixes *s, uint64_t ns)
{
	uint64_t begin = bench_ns(), now = begin, pairs = 0;

	for (uint32_t peer = s->stable; now - begin < ns; now = bench_ns()) {
		for (int i = 0; i < 8; i++, pairs++) {
			peer = peer < s->n ? peer + 1 : s->stable + 1;
			if (how->insert(t, s, peer) || how->remove(t, s, peer))
				return 0;
		}
	}
	return pairs * 1e9 / (now - begin);
}

static void burst(struct reader *r, unsigned int first)
{
	const struct probes *p = r->probes;
	struct allowedips_query q[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		q[i].addr = p->addr[first + i];
		q[i].is6 = p->is6;
	}
	allowedips_lookup_bulk(p->t, q, BURST);
	for (unsigned int i = 0; i < BURST; i++)
		r->wrong += (uintptr_t)q[i].peer != p->expected[first + i];
	r->lookups += BURST;
}

/* Of this thread: what others do with the CPU does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	uint64_t begin;

	bench_pin(r->cpu);
	rcu_register_thread();
	rcu_thread_offline();
	pthread_barrier_wait(&r->probes->start);
	rcu_thread_online();
	begin = cpu_ns();
	for (unsigned int i = 0; !__atomic_load_n(&r->probes->stop, __ATOMIC_RELAXED); i = (i + BURST) % r->probes->n) {
		burst(r, i);
		rcu_quiescent_state();
	}
	r->ns = cpu_ns() - begin;
	rcu_unregister_thread();
	return NULL;
}

static void probes_choose(struct probes *p, const struct prefixes *s, const struct lookups *l)
{
	p->addr = malloc(l->n * sizeof(*p->addr));
	p->expected = malloc(l->n * sizeof(*p->expected));
	if (!p->addr || !p->expected)
		bench_fail("no memory");
	for (unsigned int i = 0; i < l->n; i++) {
		const uint8_t *addr = l->addr + (size_t)i * (s->is6 ? 16 : 4);

		if (prefixes_match(s, addr, s->n) != l->expected[i])
			continue;
		p->addr[p->n] = addr;
		p->expected[p->n++] = l->expected[i];
	}
	p->n -= p->n % BURST;
	if (!p->n)
		bench_fail("no address has the same answer all the time");
}

struct churn churn_with_readers(const struct table *how, void *t, const struct prefixes *s,
				const struct lookups *l, uint64_t ns)
{
	struct churn c = { .readers = bench_cpus() > 1 ? bench_cpus() - 1 : 1 };
	struct probes p = { .t = tables_ours(t), .is6 = s->is6 };
	struct reader reader[MAX_READERS];
	pthread_t thread[MAX_READERS];

	if (c.readers > MAX_READERS)
		c.readers = MAX_READERS;
	probes_choose(&p, s, l);
	pthread_barrier_init(&p.start, NULL, c.readers + 1);
	for (unsigned int i = 0; i < c.readers; i++) {
		reader[i] = (struct reader){ .probes = &p, .cpu = i + 1 };
		if (pthread_create(&thread[i], NULL, reader_main, &reader[i]))
			bench_fail("cannot start a thread: %m");
	}
	rcu_thread_offline();
	pthread_barrier_wait(&p.start);
	rcu_thread_online();
	c.updates = churn_updates(how, t, s, ns);
	if (!c.updates)
		bench_fail("%s: an update failed", how->name);
	__atomic_store_n(&p.stop, true, __ATOMIC_RELAXED);
	rcu_thread_offline();
	for (unsigned int i = 0; i < c.readers; i++) {
		pthread_join(thread[i], NULL);
		if (reader[i].wrong)
			bench_fail("%s: %lu of %lu answers wrong while updated", how->name, reader[i].wrong,
				   reader[i].lookups);
		c.ns_lookup += (double)reader[i].ns / reader[i].lookups / c.readers;
	}
	rcu_thread_online();
	pthread_barrier_destroy(&p.start);
	free(p.addr);
	free(p.expected);
	return c;
}
