/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allowed IPs: lookups of addresses at random that hit, one by one and in bursts of 64, and updates, in our table
 * and in DPDK's with the same prefixes. All tables of a size stand side by side and take turns, round by round, in
 * chunks whose median counts. Every answer is compared with that of a search that tries all lengths: a wrong one
 * ends the program.
 *
 * All of them have their memory on huge pages if the kernel gives some (madvise).
 */
#define ALLOW_EXPERIMENTAL_API	/* rte_vect_set_max_simd_bitwidth */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_byteorder.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_vect.h>

#include "allowedips_churn.h"
#include "allowedips_tables.h"
#include "bench.h"
#include "rcu.h"

enum {
	LOOKUPS = 1 << 17,	/* a round */
	CHUNK = 2048,		/* timed at once: one in which somebody else had the CPU is far from the median */
	CHUNKS = LOOKUPS / CHUNK,
	ROUNDS = 9,
	QUICK_ROUNDS = 3,
	MEMORY = 2560,		/* MiB, DPDK's; untouched it costs nothing */
};

struct subject {
	const struct table *how;
	void *t;		/* NULL: n/a */
	const char *why;
	double single[ROUNDS * CHUNKS], bulk[ROUNDS * CHUNKS];	/* nanoseconds a lookup, by chunk */
	double bytes, updates;
	bool broken;		/* an update failed */
	char note[200];
};

static void lookups_init(struct lookups *l, struct prefixes *s)
{
	*l = (struct lookups){ .n = LOOKUPS, .addr = prefixes_draw_hits(s, LOOKUPS) };
	l->host4 = calloc(l->n, sizeof(*l->host4));
	l->expected = calloc(l->n, sizeof(*l->expected));
	l->got = calloc(l->n, sizeof(*l->got));
	if (!l->host4 || !l->expected || !l->got)
		bench_fail("no memory");
	for (unsigned int i = 0; i < l->n; i++) {
		const uint8_t *addr = l->addr + (size_t)i * (s->is6 ? 16 : 4);

		memcpy(&l->host4[i], addr, sizeof(l->host4[i]));
		l->host4[i] = rte_be_to_cpu_32(l->host4[i]);
		l->expected[i] = prefixes_match(s, addr, s->stable);
	}
}

static void lookups_free(struct lookups *l)
{
	free(l->addr);
	free(l->host4);
	free(l->expected);
	free(l->got);
}

/* Bytes in use of DPDK's heaps. */
static size_t heap_used(void)
{
	struct rte_malloc_socket_stats st;

	return rte_malloc_get_socket_stats(0, &st) ? 0 : st.heap_allocsz_bytes;
}

static void subject_init(const struct bench *b, struct subject *j, const struct table *how, const struct prefixes *s)
{
	size_t before = heap_used();

	*j = (struct subject){ .how = how, .why = "left out by --quick" };
	if (b->quick && s->stable > how->quick)
		return;
	j->t = how->create(s, &j->why);
	if (!j->t)
		return;
	j->bytes = (double)(how->memory ? how->memory(j->t) : heap_used() - before) / s->stable;
	snprintf(j->note, sizeof(j->note), "%s", how->note);
}

/* A round: ns[CHUNKS] becomes the nanoseconds a lookup. */
static void timed(const struct subject *j, const struct prefixes *s, struct lookups *l, const char *what,
		  void (*look)(void *t, const struct prefixes *s, struct lookups *l), double *ns)
{
	struct lookups c = *l;

	memset(l->got, 0, l->n * sizeof(*l->got));
	c.n = CHUNK;
	for (unsigned int i = 0; i < CHUNKS; i++) {
		uint64_t begin = bench_ns();

		look(j->t, s, &c);
		ns[i] = (double)(bench_ns() - begin) / CHUNK;
		c.addr += CHUNK * (s->is6 ? 16 : 4);
		c.host4 += CHUNK;
		c.got += CHUNK;
	}
	for (unsigned int i = 0; i < l->n; i++)
		if (l->got[i] != l->expected[i])
			bench_fail("%s: %s lookup %u, IPv%d, %u prefixes: found %u, not %u", j->how->name, what, i,
				   s->is6 ? 6 : 4, s->stable, l->got[i], l->expected[i]);
	rcu_quiescent_state();
}

/* Ours with readers, the others, which need a lock for that, without. Afterwards the answers must be what they were. */
static void update(const struct bench *b, struct subject *j, const struct prefixes *s, struct lookups *l)
{
	uint64_t ns = b->quick ? 100000000 : 1000000000;
	double unused[CHUNKS];

	if (j->how->memory) {
		struct churn c = churn_with_readers(j->how, j->t, s, l, ns);

		j->updates = c.updates;
		snprintf(j->note, sizeof(j->note), "while %u reader%s: %.1f ns a lookup", c.readers,
			 c.readers == 1 ? " runs" : "s run", c.ns_lookup);
	} else {
		j->updates = churn_updates(j->how, j->t, s, ns / 4);
		j->broken = !j->updates;
		if (j->broken)
			return;
	}
	timed(j, s, l, "after updates, bulk", j->how->bulk, unused);
}

static void print(struct subject *j, const struct prefixes *s, unsigned int rounds)
{
	printf("%s,%s,%u,", j->how->name, s->is6 ? "ipv6" : "ipv4", s->stable);
	if (!j->t) {
		printf("n/a,n/a,n/a,n/a,%s\n", j->why);
		return;
	}
	printf("%.1f,%.1f,%.1f,", bench_median(j->single, rounds * CHUNKS), bench_median(j->bulk, rounds * CHUNKS),
	       j->bytes);
	if (j->broken)
		printf("n/a,%s: an insertion or removal failed\n", j->note);
	else
		printf("%.0f,%s\n", j->updates, j->note);
}

static void measure(struct bench *b, bool is6, unsigned int n)
{
	const unsigned int rounds = b->quick ? QUICK_ROUNDS : ROUNDS;
	struct subject subject[N_TABLES];
	struct prefixes s;
	struct lookups l;

	bench_point(b, "IPv%d, %u prefixes", is6 ? 6 : 4, n);
	prefixes_init(&s, is6, n, n < 1000 ? 100 : n < 100000 ? n / 10 : 10000);
	lookups_init(&l, &s);
	for (int i = 0; i < N_TABLES; i++)
		subject_init(b, &subject[i], &tables[is6][i], &s);
	for (unsigned int r = 0; r < rounds; r++) {
		for (int i = 0; i < N_TABLES; i++) {
			struct subject *j = &subject[i];

			if (!j->t)
				continue;
			timed(j, &s, &l, "single", j->how->single, j->single + r * CHUNKS);
			timed(j, &s, &l, "bulk", j->how->bulk, j->bulk + r * CHUNKS);
		}
	}
	for (int i = 0; i < N_TABLES; i++) {
		if (subject[i].t)
			update(b, &subject[i], &s, &l);
		print(&subject[i], &s, rounds);
		if (subject[i].t)
			subject[i].how->destroy(subject[i].t);
	}
	lookups_free(&l);
	prefixes_free(&s);
}

static int huge_pages(const struct rte_memseg_list *msl, __attribute__((unused)) void *arg)
{
	madvise(msl->base_va, msl->len, MADV_HUGEPAGE);
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = { 1, 1000, 100000, 1000000 }, quick_sizes[] = { 1, 1000, 100000 };
	struct bench b;

	bench_begin(&b, argc, argv, "usage: allowedips [--quick]\n"
		    "Allowed IPs against rte_lpm, rte_lpm6, rte_fib and rte_fib6: lookups, updates. CSV on stdout.\n");
	b.points = 2 * (b.quick ? RTE_DIM(quick_sizes) : RTE_DIM(sizes));
	bench_cpus();
	rte_vect_set_max_simd_bitwidth(RTE_VECT_SIMD_512);
	bench_eal(MEMORY);
	rte_memseg_list_walk(huge_pages, NULL);
	rcu_register_thread();
	get_default_call_rcu_data();	/* before this thread is pinned: that one is not */
	bench_pin(0);
	puts("table,family,prefixes,ns_single,ns_bulk,bytes_per_prefix,updates_per_s,note");
	for (int is6 = 0; is6 < 2; is6++)
		for (unsigned int i = 0; i < b.points / 2; i++)
			measure(&b, is6, b.quick ? quick_sizes[i] : sizes[i]);
	rcu_unregister_thread();
	return bench_end(&b);
}
