/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_tape.h"

#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "imix.h"

enum { OPS = 64, FRAME_MIN = 128 };	/* FRAME_MIN: less than a frame with its length takes */

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		bench_fail("no memory for a tape of %zu bytes: %m", bytes);
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static void nothing(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
}

void tape_init(struct tape *t, size_t bytes)
{
	*t = (struct tape){ .bytes = bytes, .n_max = bytes / FRAME_MIN, .shared = { .free_cb = nothing } };
	t->memory = reserve(bytes);
	t->when = reserve(t->n_max * sizeof(t->when[0]));
	rte_mbuf_ext_refcnt_set(&t->shared, 1);	/* ours: it is never freed */
}

void tape_fini(struct tape *t)
{
	munmap(t->memory, t->bytes);
	munmap(t->when, t->n_max * sizeof(t->when[0]));
}

static uint32_t padded(uint32_t size)
{
	return RTE_ALIGN_CEIL(size, (uint32_t)WG_PADDING);
}

/* Bytes that a frame with a packet of `size` bytes takes on the tape. */
static size_t room(const struct generator_far *f, uint32_t size)
{
	return RTE_ALIGN_CEIL(sizeof(uint32_t) + frame_outer_len(f->v6) + WG_DATA_MIN_LEN + padded(size), (size_t)TAPE_ALIGN);
}

/* Up to n <= OPS messages; how many. */
static unsigned int record_some(struct tape *t, struct generator_far *f, uint32_t size, uint16_t trial, unsigned int n, uint32_t *numbers)
{
	const size_t outer = frame_outer_len(f->v6);
	struct aead_op ops[OPS];
	uint8_t *frame[OPS];
	unsigned int i;

	for (i = 0; i < n; i++) {
		const uint32_t len = imix_size(size, t->n);
		const struct stamp stamp = { .when = t->n, .flow = t->n % f->n, .trial = trial, .number = numbers[t->n % f->n] };
		uint8_t *packet;

		if (room(f, len) > t->bytes - t->used || t->n == t->n_max)
			break;
		frame[i] = t->memory + t->used + sizeof(uint32_t);
		packet = frame[i] + outer + sizeof(struct wg_data);
		*(uint32_t *)(t->memory + t->used) = outer + WG_DATA_MIN_LEN + padded(len);
		frame_packet(packet, f->v6, FRAME_TO_LAN, len, &stamp);
		memset(packet + len, 0, padded(len) - len);
		generator_far_message(f, stamp.flow, packet, padded(len), &ops[i]);
		numbers[stamp.flow]++;
		t->used += room(f, len);
		t->n++;
	}
	aead_seal(f->aead, f->ctx, ops, i);
	for (unsigned int k = 0; k < i; k++)
		frame_outer(frame[k], f->v6, (t->n - i + k) % f->n, WG_DATA_MIN_LEN + ops[k].len);
	return i;
}

void tape_record(struct tape *t, struct generator_far *f, uint32_t size, uint16_t trial, uint64_t n, uint32_t *numbers)
{
	unsigned int k = OPS;

	t->used = t->at = t->n = t->next = 0;
	while (t->n < n && k == OPS)
		k = record_some(t, f, size, trial, RTE_MIN(n - t->n, (uint64_t)OPS), numbers);
}

uint16_t tape_play(struct tape *t, struct rte_mbuf **m, uint16_t n, uint64_t now)
{
	uint16_t i;

	for (i = 0; i < n && t->next < t->n; i++) {
		uint8_t *frame = t->memory + t->at + sizeof(uint32_t);
		const uint32_t len = *(const uint32_t *)(t->memory + t->at);

		rte_mbuf_ext_refcnt_update(&t->shared, 1);
		rte_pktmbuf_attach_extbuf(m[i], frame, RTE_BAD_IOVA, len, &t->shared);
		m[i]->data_len = m[i]->pkt_len = len;
		t->at += RTE_ALIGN_CEIL(sizeof(uint32_t) + len, (size_t)TAPE_ALIGN);
		t->when[t->next++] = now;
	}
	return i;
}
