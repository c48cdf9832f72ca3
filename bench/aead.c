/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the AEAD backends do on their own: the ceiling of whatever is built on them. Batches of 64, as the data
 * path has them.
 *
 * A set of packets that fits the L2 cache (a power of two up to 512 of them, 1 MiB) is sealed over and over. To be
 * opened it has to be sealed again each time, which is not measured; every packet must come out right. The
 * backends, directions and numbers of keys of one size take turns, a few milliseconds each: what else the machine
 * does meanwhile hits all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "aead.h"
#include "bench.h"
#include "imix.h"

static const char help[] =
	"aead [--quick]: sealing and opening, as CSV\n"
	"  size     bytes of a packet without its tag of 16, or imix\n"
	"  keys     1, or 64: each packet of a batch has another one\n"
	"  rounds   measurements, of which ns_per_packet is the median\n";

enum { BATCH = 64, PACKETS_MAX = 512, MEMORY = 1 << 20, KEYS_MAX = BATCH };
enum { ROUNDS = 15, ROUNDS_QUICK = 5, VARIANTS_MAX = 16, SAMPLES_MAX = 4096 };

enum { SEAL, OPEN };

static const char *const direction_name[] = { "seal", "open" };

struct variant {
	const struct aead_backend *aead;
	struct aead_ctx *ctx;
	int direction;
	unsigned int keys;
	double ns[ROUNDS];	/* a packet */
};

struct set {
	uint32_t size;
	unsigned int n;
	uint64_t bytes;
	uint8_t *data;
	uint8_t key[KEYS_MAX][WG_KEY_LEN];
	struct aead_op op[PACKETS_MAX];
};

static struct set set;

static void set_make(uint32_t size)
{
	uint8_t *at;

	set.size = size;
	set.n = PACKETS_MAX;
	while (set.n > BATCH && set.n * imix_mean(size) > MEMORY)
		set.n /= 2;
	set.bytes = 0;
	for (unsigned int i = 0; i < set.n; i++)
		set.bytes += imix_size(size, i);
	free(set.data);
	set.data = at = aligned_alloc(64, set.n * (uint64_t)128 + RTE_ALIGN(set.bytes, 64));
	if (!at)
		bench_fail("no memory for %u packets", set.n);
	for (unsigned int i = 0; i < set.n; i++) {
		set.op[i] = (struct aead_op){ .counter = i, .data = at, .len = imix_size(size, i) };
		memset(at, i, set.op[i].len);
		at += RTE_ALIGN(set.op[i].len + WG_TAG_LEN, 64);
	}
	for (unsigned int i = 0; i < KEYS_MAX; i++)
		memset(set.key[i], i + 1, WG_KEY_LEN);
}

static void set_keys(unsigned int keys)
{
	for (unsigned int i = 0; i < set.n; i++)
		set.op[i].key = set.key[i % keys];
}

static void set_run(const struct variant *v, int direction)
{
	for (unsigned int i = 0; i < set.n; i += BATCH) {
		if (direction == SEAL)
			aead_seal(v->aead, v->ctx, set.op + i, BATCH);
		else
			aead_open(v->aead, v->ctx, set.op + i, BATCH);
	}
}

static void set_verify(const struct variant *v)
{
	for (unsigned int i = 0; i < set.n; i++)
		if (!set.op[i].ok)
			bench_fail("%s does not %s a packet of %u bytes", v->aead->name,
				   direction_name[v->direction], set.op[i].len);
}

/* Nanoseconds a packet, in `ns` of them: the median of the sets. One in which somebody else had the CPU does not count. */
static double measure(const struct variant *v, uint64_t ns)
{
	static double sample[SAMPLES_MAX];
	uint64_t spent = 0;
	unsigned int n = 0;

	set_keys(v->keys);
	for (set_run(v, SEAL); spent < ns && n < SAMPLES_MAX; n++) {
		uint64_t begin, took;

		if (v->direction == OPEN)
			set_run(v, SEAL);
		begin = bench_ns();
		set_run(v, v->direction);
		took = bench_ns() - begin;
		set_verify(v);
		sample[n] = (double)took / set.n;
		spent += took;
	}
	return bench_median(sample, n);
}

static void print(struct variant *v, unsigned int rounds)
{
	const double ns = bench_median(v->ns, rounds);
	char size[SIZE_STRLEN];

	printf("%s,%s,%s,%u,%.1f,%.3f,%u\n", v->aead->name, direction_name[v->direction],
	       imix_name(set.size, size), v->keys, ns, set.bytes * 8.0 / set.n / ns, rounds);
}

static unsigned int variants_make(struct variant *v)
{
	unsigned int n = 0;

	for (unsigned int i = 0; aead_backends[i]; i++) {
		if (!aead_backends[i]->usable()) {
			fprintf(stderr, "aead: %s: not on this processor\n", aead_backends[i]->name);
			continue;
		}
		for (unsigned int k = 0; k < 4 && n < VARIANTS_MAX; k++, n++) {
			v[n] = (struct variant){ aead_backends[i], aead_backends[i]->create(), k / 2, k % 2 ? KEYS_MAX : 1, { 0 } };
			if (!v[n].ctx)
				bench_fail("no memory for %s", aead_backends[i]->name);
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 0, 64, 128, 256, 512, 1024, 1420, 1500, 4096, 9000, IMIX }, few[] = { 64, 1420 };
	static struct variant variant[VARIANTS_MAX];
	struct bench b;
	unsigned int n, rounds;

	bench_begin(&b, argc, argv, help);
	bench_pin(0);
	b.points = b.quick ? RTE_DIM(few) : RTE_DIM(sizes);
	rounds = b.quick ? ROUNDS_QUICK : ROUNDS;
	n = variants_make(variant);
	puts("backend,direction,size,keys,ns_per_packet,gbit_per_s,rounds");
	for (unsigned int i = 0; i < b.points; i++) {
		char name[SIZE_STRLEN];

		set_make(b.quick ? few[i] : sizes[i]);
		bench_point(&b, "%s bytes", imix_name(set.size, name));
		for (unsigned int r = 0; r < rounds; r++)
			for (unsigned int k = 0; k < n; k++)
				variant[k].ns[r] = measure(&variant[k], b.quick ? 5000000 : 15000000);
		for (unsigned int k = 0; k < n; k++)
			print(&variant[k], rounds);
	}
	for (unsigned int k = 0; k < n; k++)
		variant[k].aead->destroy(variant[k].ctx);
	free(set.data);
	return bench_end(&b);
}
