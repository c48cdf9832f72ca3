/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole data path between ports in memory, against the AEAD alone. One packet's way through the loop:
 * classification, allowed IPs, counters, batch, rings, seal or open, replay window, headers, completion. Its cores
 * are threads of their own, the main thread sets up and waits.
 */
#include <errno.h>
#include <fnmatch.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "bench.h"
#include "memory_port.h"
#include "rounds.h"

static const char help[] =
	"dataplane [--quick] [--only PATTERN]: the data path between ports in memory, as CSV\n"
	"  PATTERN      of a shell, for the first five columns: 'ipsec-mb,seal,one,64,*'\n"
	"  direction    seal: inner port to outer; open: outer to inner\n"
	"  layout       one: a core alone; rx+worker: one receives, one works; two: one receives and works, one works\n"
	"  size         bytes of an inner packet, or imix\n"
	"  peers        each with a session and an address of its own; packets go to them in shuffled order\n"
	"  raw_ns       the AEAD alone, same thread, operations, buffers and keys, batches of 64\n"
	"  ratio        raw_ns / ns_per_packet, median of the rounds\n"
	"  fill         packets a batch\n"
	"  rx .. rest   cycles a packet by stage, all cores together; rx and tx hold the bench's own source and sink;\n"
	"               with several cores, rest also holds what one waits for the next chunk\n";

/*
 * The set of buffers fits the L2 cache. One core has all of a chunk's packets back before it asks for more, so the
 * set is a chunk. Several cores begin and end a chunk with one of them idle: theirs are longer where they can be.
 */
enum { MTU = 1420, SLOTS = 512, SLOTS_SEVERAL = 4096, L2 = 2 << 20, OVERHEAD = 320, CHUNK_SEVERAL = 4096, WAIT_S = 30 };

enum layout { LAYOUT_ONE, LAYOUT_RX_WORKER, LAYOUT_TWO };

static const char *const layout_name[] = { "one", "rx+worker", "two" };
static const char *const direction_name[] = { "seal", "open" };

struct point {
	const struct aead_backend *aead;
	enum traffic_direction direction;
	enum layout layout;
	uint32_t size;
	unsigned int peers;
};

enum { POINT_STRLEN = 64 };

static struct bench bench;
static const char *only = "*";
static struct rte_mbuf *mbufs[SLOTS_SEVERAL];
static unsigned int cpu[2];	/* to run cores on */

/* As in the first five columns. */
static const char *point_name(const struct point *p, char out[POINT_STRLEN])
{
	char size[SIZE_STRLEN];

	snprintf(out, POINT_STRLEN, "%s,%s,%s,%s,%u", p->aead->name, direction_name[p->direction], layout_name[p->layout],
		 imix_name(p->size, size), p->peers);
	return out;
}

/* Until the data path is through with the rounds. */
static void await(struct rounds *r)
{
	struct timespec end;
	struct counters sum;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_S;
	while (sem_timedwait(&r->done, &end) != 0 && errno == EINTR)
		;
	if (r->traffic->error)
		bench_fail("failed: %s", r->traffic->error);
	dataplane_counters(r->dp, &sum);
	for (unsigned int i = 0; i < DROP_N; i++)
		if (sum.drop[i])
			bench_fail("failed: %lu packets dropped: %s", sum.drop[i], drop_name[i]);
	if (!r->ended)
		bench_fail("failed: %lu packets went in, %lu came out", r->traffic->in, r->traffic->out);
}

static void print(const struct point *p, struct rounds *r)
{
	const double ns_a_tick = 1e9 / rte_get_tsc_hz();
	double ratio[ROUNDS_MAX], ns, raw_ns;
	char name[POINT_STRLEN];

	for (unsigned int i = 0; i < r->n; i++)
		ratio[i] = r->raw[i] / r->loop[i];
	ns = bench_median(r->loop, r->n) * ns_a_tick;
	raw_ns = bench_median(r->raw, r->n) * ns_a_tick;
	printf("%s,%.3f,%.3f,%.1f,%.1f,%.3f,%.1f", point_name(p, name), 1e3 / ns, imix_mean(p->size) * 8 / ns, ns, raw_ns,
	       bench_median(ratio, r->n), bench_median(r->fill, r->n));
	for (unsigned int i = 0; i < STAGE_N; i++)
		printf(",%.1f", bench_median(r->stage[i], r->n));
	putchar('\n');
}

static void header(void)
{
	printf("backend,direction,layout,size,peers,mpps,gbit_per_s,ns_per_packet,raw_ns,ratio,fill");
	for (unsigned int i = 0; i < STAGE_N; i++)
		printf(",%s", stage_name[i]);
	putchar('\n');
}

static struct dataplane *make(const struct point *p, struct memory_port port[2], struct rounds *r)
{
	const struct dataplane_core_conf cores[][2] = {
		[LAYOUT_ONE] = { { cpu[0], CORE_RX | CORE_WORKER } },
		[LAYOUT_RX_WORKER] = { { cpu[0], CORE_RX }, { cpu[1], CORE_WORKER } },
		[LAYOUT_TWO] = { { cpu[0], CORE_RX | CORE_WORKER }, { cpu[1], CORE_WORKER } },
	};
	const struct dataplane_conf conf = {
		.name = "bench",
		.inner = &port[0].port,
		.outer = &port[1].port,
		.pool = mbufs[0]->pool,
		.aead = p->aead,
		.cores = cores[p->layout],
		.n_cores = p->layout == LAYOUT_ONE ? 1 : 2,
		.mtu = MTU,
		.poll_always = p->layout != LAYOUT_ONE,	/* a worker is not to sleep between chunks */
	};
	const bool seal = p->direction == TRAFFIC_SEAL;
	char err[PORT_ERRLEN];
	struct dataplane *dp;

	memory_port_init(&port[0]);
	memory_port_init(&port[1]);
	port[seal ? 0 : 1].source = rounds_source;
	port[seal ? 1 : 0].sink = rounds_sink;
	port[0].arg = port[1].arg = r;
	dp = dataplane_create(&conf, err);
	if (!dp)
		bench_fail("%s", err);
	return dp;
}

static unsigned int slots_of(const struct point *p)
{
	unsigned int n = SLOTS_SEVERAL;

	if (p->layout == LAYOUT_ONE || p->direction == TRAFFIC_SEAL)
		return SLOTS;
	while (n > SLOTS && n * (imix_mean(p->size) + OVERHEAD) > L2)
		n /= 2;
	return n;
}

static void measure(const struct point *p)
{
	static struct traffic traffic;
	static struct rounds r;
	const unsigned int slots = slots_of(p);
	struct memory_port port[2];
	struct far_side far;
	char name[POINT_STRLEN];
	struct dataplane *dp = make(p, port, &r);

	bench_point(&bench, "%s", point_name(p, name));
	far_side_init(&far, dp, p->peers);
	traffic_init(&traffic, p->direction, p->size, MTU, &far, mbufs, slots);
	r = (struct rounds){
		.dp = dp,
		.traffic = &traffic,
		.aead = p->aead,
		.n = bench.quick ? 5 : 15,
		.ticks = rte_get_tsc_hz() / (bench.quick ? 100 : 40),
		.chunk = p->layout == LAYOUT_ONE || p->direction == TRAFFIC_OPEN ? slots : CHUNK_SEVERAL,
	};
	rounds_init(&r);
	if (dataplane_start(dp))
		bench_fail("the data path's threads do not start");
	await(&r);
	dataplane_stop(dp);
	print(p, &r);
	rounds_fini(&r);
	traffic_fini(&traffic);
	far_side_fini(&far);
	dataplane_destroy(dp);
}

static void each(const struct aead_backend *aead, enum layout layout, const uint32_t *size, unsigned int n_sizes,
		 const unsigned int *peers, unsigned int n_peers, bool count)
{
	for (unsigned int k = 0; k < n_sizes * n_peers * 2; k++) {
		const struct point p = { aead, k % 2, layout, size[k / 2 / n_peers], peers[k / 2 % n_peers] };
		char name[POINT_STRLEN];

		if (fnmatch(only, point_name(&p, name), 0) != 0)
			continue;
		if (count)
			bench.points++;
		else
			measure(&p);
	}
}

#define EACH(aead, layout, sizes, peers, count) \
	each(aead, layout, sizes, RTE_DIM(sizes), peers, RTE_DIM(peers), count)

/* Counts the points, or measures them. */
static void all(unsigned int cpus, bool count)
{
	static const uint32_t ends[] = { 64, 1420 }, between[] = { 128, 256, 512, 1024, IMIX }, some[] = { 64, 1420, IMIX };
	static const unsigned int one[] = { 1 }, one_and_many[] = { 1, 1000 }, every[] = { 1, 2, 4, 8, 100, 1000, 10000 };
	const struct aead_backend *best = aead_find("auto");

	if (bench.quick) {
		EACH(best, LAYOUT_ONE, ends, one_and_many, count);
	} else {
		EACH(best, LAYOUT_ONE, ends, every, count);
		EACH(best, LAYOUT_ONE, between, one_and_many, count);
	}
	if (best != &aead_openssl)
		EACH(&aead_openssl, LAYOUT_ONE, ends, one, count);
	for (enum layout l = LAYOUT_RX_WORKER; l <= LAYOUT_TWO && cpus > 1 && !bench.quick; l++)
		EACH(best, l, some, one, count);
}

int main(int argc, char **argv)
{
	struct rte_mempool *pool;
	unsigned int cpus;

	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--only") != 0)
			continue;
		only = argv[i + 1];
		memmove(&argv[i], &argv[i + 2], (argc - i - 1) * sizeof(argv[0]));	/* the NULL behind the last, too */
		argc -= 2;
		break;
	}
	bench_begin(&bench, argc, argv, help);
	cpus = bench_cpus();
	bench_eal(64 + (pkt_pool_memory(SLOTS_SEVERAL, 0) >> 20));
	cpu[0] = bench_pin(0);
	cpu[1] = bench_pin(1);
	rcu_register_thread();
	pool = pkt_pool_create("bench", SLOTS_SEVERAL, 0);
	if (!pool || rte_pktmbuf_alloc_bulk(pool, mbufs, SLOTS_SEVERAL))
		bench_fail("no memory for %d packet buffers", SLOTS_SEVERAL);
	if (cpus < 2)
		fprintf(stderr, "%s: one CPU: nothing with several cores\n", bench.name);
	all(cpus, true);
	if (!bench.points)
		bench_fail("no point matches '%s'", only);
	header();
	all(cpus, false);
	rcu_barrier();
	rcu_unregister_thread();
	return bench_end(&bench);
}
