/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments in every order, malformed, overlapping, twice, of flows that must not mix, too many and too late: what
 * comes out is the datagram that was cut, or nothing; each frame is given back or counted, and no mbuf is lost.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <rte_malloc.h>

#include "ethdev_fragments.h"
#include "fragments_bed.h"

enum { POOL = 2048, LEN = 100, MS = 1000 * 1000 };

static struct rte_mempool *pool;
static struct fragments *fragments;
static struct counters counters;
static uint8_t datagram[BED_DATAGRAM_MAX];

static void setup(void)
{
	pool = test_pool("fragments", POOL);
	fragments = fragments_create(pool);
	cr_assert(fragments);
	bed_datagram(datagram, LEN);
}

static void teardown(void)
{
	fragments_destroy(fragments);
	fragments_destroy(NULL);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

TestSuite(fragments, .init = setup, .fini = teardown);

static uint64_t dropped(void)
{
	return counters.drop[DROP_FRAGMENTS];
}

static struct rte_mbuf *take_at(const struct bed_flow *flow, const struct bed_piece *b, size_t padding, uint64_t now_ns)
{
	uint8_t frame[BED_FRAME_MAX];
	size_t len = bed_frame(frame, flow, datagram, 0, b);

	memset(frame + len, 0xee, padding);
	return fragments_take(fragments, bed_mbuf(pool, frame, len + padding), bed_l2_len(flow), now_ns, &counters);
}

static struct rte_mbuf *take(const struct bed_flow *flow, uint32_t offset, uint32_t len, bool more)
{
	const struct bed_piece b = { offset, len, more };

	return take_at(flow, &b, 0, 0);
}

/* Frees m, which has to be the datagram of `len` bytes. */
static void check_whole(struct rte_mbuf *m, const struct bed_flow *flow, size_t len)
{
	uint8_t want[BED_FRAME_MAX];
	const size_t n = bed_frame(want, flow, datagram, len, NULL);

	cr_assert(m);
	cr_expect_eq(m->nb_segs, 1);
	cr_expect_eq(rte_pktmbuf_pkt_len(m), n);
	cr_assert_eq(rte_pktmbuf_data_len(m), n);
	cr_expect_arr_eq(rte_pktmbuf_mtod(m, const uint8_t *), want, n);
	rte_pktmbuf_free(m);
}

static struct bed_flow flow_of(int v6, uint16_t vid)
{
	return (struct bed_flow){ .v6 = v6, .vid = vid, .id = 0x1234, .ds = 0xb8, .src = 9 };
}

/* The n-th order of four. */
static void order(unsigned int n, unsigned int at[4])
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = i;
	for (unsigned int left = 4; left > 1; n /= left--) {
		const unsigned int with = n % left, last = at[left - 1];

		at[left - 1] = at[with];
		at[with] = last;
	}
}

Test(fragments, any_order)
{
	static const struct bed_piece b[4] = { { 0, 8, true }, { 8, 40, true }, { 48, 48, true }, { 96, LEN - 96, false } };

	for (unsigned int i = 0; i < 24 * 8; i++) {
		struct bed_flow flow = flow_of(i & 1, i & 2 ? 100 : 0);
		unsigned int at[4];

		order(i / 8, at);
		flow.id = i;
		for (unsigned int k = 0; k < 3; k++)
			cr_assert_null(take_at(&flow, &b[at[k]], i & 4 ? 7 * k : 0, i));
		check_whole(take_at(&flow, &b[at[3]], i & 4 ? 18 : 0, i), &flow, LEN);
	}
	cr_expect_eq(dropped(), 0);
}

/* The largest that a path of IPv6's least MTU cuts into as many as DPDK takes; one fragment more is too many. */
Test(fragments, as_many_as_there_may_be)
{
	for (unsigned int n = FRAGMENTS_MAX; n <= FRAGMENTS_MAX + 1; n++) {
		const uint32_t each = 1024, len = (n - 1) * each + 500;
		const struct bed_flow flow = flow_of(n & 1, 0);
		struct rte_mbuf *m = NULL;

		bed_datagram(datagram, len);
		for (unsigned int i = 0; i < n; i++) {
			const unsigned int k = (i * 5 + 3) % n;

			cr_assert_null(m);
			m = take(&flow, k * each, k == n - 1 ? 500 : each, k < n - 1);
		}
		if (n == FRAGMENTS_MAX) {
			check_whole(m, &flow, len);
			cr_expect_eq(dropped(), 0);
		} else {
			cr_expect_null(m);
			fragments_expire(fragments, 2001 * MS, &counters);
			cr_expect_eq(dropped(), n);
		}
	}
}

/* IPv4 options of the first fragment stay, those of the others go with their headers. */
Test(fragments, options)
{
	struct bed_flow first = flow_of(0, 0), later = first;

	first.n_options = 12;
	memcpy(first.options, "\x94\x04\x00\x00\x01\x44\x06\x05\x00\x00\x00\x00", 12);
	later.n_options = 4;
	memcpy(later.options, "\x94\x04\x00\x00", 4);
	cr_assert_null(take(&later, 64, LEN - 64, false));
	check_whole(take(&first, 0, 64, true), &first, LEN);
	cr_assert_null(take(&first, 0, 64, true));
	check_whole(take(&later, 64, LEN - 64, false), &first, LEN);
	cr_expect_eq(dropped(), 0);
}

/* RFC 6946: it has nothing to do with others of the same identification. */
Test(fragments, one_that_is_all_of_it)
{
	const struct bed_flow flow = flow_of(1, 5);
	const struct bed_piece b = { 0, LEN, false };

	cr_assert_null(take(&flow, 0, 64, true));
	check_whole(take_at(&flow, &b, 6, 0), &flow, LEN);
	check_whole(take(&flow, 64, LEN - 64, false), &flow, LEN);
	cr_expect_eq(dropped(), 0);
}

Test(fragments, df_is_kept)
{
	struct bed_flow flow = flow_of(0, 0);

	flow.flags = 0x4000;
	cr_assert_null(take(&flow, 0, 64, true));
	check_whole(take(&flow, 64, LEN - 64, false), &flow, LEN);
}

/* Each differs from the first by one thing that makes it another datagram; all are on their way at once. */
Test(fragments, flows_do_not_mix)
{
	struct bed_flow flow[8];

	for (unsigned int i = 0; i < RTE_DIM(flow); i++) {
		flow[i] = flow_of(i & 1, 0);
		flow[i].id += i & 2;
		flow[i].src += (i & 4) > 0;
	}
	for (unsigned int i = 0; i < RTE_DIM(flow); i++)
		cr_assert_null(take(&flow[i], 0, 64, true));
	for (unsigned int i = 0; i < RTE_DIM(flow); i++)
		check_whole(take(&flow[i], 64, LEN - 64, false), &flow[i], LEN);
	cr_expect_eq(dropped(), 0);
}

Test(fragments, links_do_not_mix)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const struct bed_flow a = flow_of(v6, 100), b = flow_of(v6, 101), none = flow_of(v6, 0);

		cr_assert_null(take(&a, 0, 64, true));
		cr_assert_null(take(&b, 64, LEN - 64, false));
		cr_assert_null(take(&none, 0, 64, true));
		cr_assert_null(take(&b, 64, LEN - 64, false));
		cr_expect_eq(dropped(), 4 * (v6 + 1));
	}
}

/* RFC 3168 section 5.3, of the first and the second; the result, or 4: dropped. */
Test(fragments, congestion_marks)
{
	static const uint8_t want[4][4] = {
		/*	    not ECT(1) ECT(0) CE */
		/* not */    { 0, 0, 0, 4 },
		/* ECT(1) */ { 1, 1, 1, 3 },
		/* ECT(0) */ { 2, 2, 2, 3 },
		/* CE */     { 4, 3, 3, 3 },
	};

	for (unsigned int i = 0; i < 32; i++) {
		struct bed_flow first = flow_of(i & 1, 0), second = first, whole = first;
		const uint8_t result = want[i >> 1 & 3][i >> 3];
		const uint64_t before = dropped();
		struct rte_mbuf *m;

		first.ds = (uint8_t)(0xb8 | (i >> 1 & 3));
		second.ds = (uint8_t)(0xb8 | i >> 3);
		whole.ds = 0xb8 | result;
		cr_assert_null(take(&first, 0, 64, true));
		m = take(&second, 64, LEN - 64, false);
		cr_expect_eq(dropped() - before, result == 4 ? 2 : 0);
		if (result < 4)
			check_whole(m, &whole, LEN);
		else
			cr_expect_null(m);
	}
}

/* A byte of a fragment (of 64 bytes at 8, more to follow) changed; 14 bytes of Ethernet are in front. */
struct change {
	int v6;
	size_t at;
	uint8_t to;
	int fix;	/* the header checksum, after it */
};

ParameterizedTestParameters(fragments, malformed)
{
	static struct change table[] = {
		{ 0, 24, 0xff, 0 },	/* header checksum */
		{ 0, 14, 0x35, 1 },	/* version */
		{ 0, 14, 0x44, 1 },	/* header length: too small */
		{ 0, 17, 83, 1 },	/* no multiple of 8, and more follow */
		{ 0, 17, 20, 1 },	/* nothing behind the header */
		{ 0, 17, 19, 1 },
		{ 0, 17, 0, 1 },
		{ 0, 17, 92, 1 },	/* longer than the frame */
		{ 0, 16, 1, 1 },
		{ 0, 20, 0x3f, 1 },	/* ends beyond 65535 */
		{ 0, 20, 0x25, 1 },	/* ends beyond a buffer */
		{ 0, 23, 6, 1 },	/* TCP */
		{ 1, 14, 0x70, 0 },	/* version */
		{ 1, 19, 71, 0 },	/* no multiple of 8 */
		{ 1, 19, 8, 0 },	/* nothing behind the header */
		{ 1, 19, 7, 0 },
		{ 1, 19, 0, 0 },
		{ 1, 19, 80, 0 },	/* longer than the frame */
		{ 1, 18, 1, 0 },
		{ 1, 20, 17, 0 },	/* no fragment */
		{ 1, 54, 6, 0 },	/* TCP */
		{ 1, 54, 60, 0 },	/* destination options */
		{ 1, 56, 0xff, 0 },	/* ends beyond 65535 */
		{ 1, 56, 0x28, 0 },	/* ends beyond a buffer */
	};

	return cr_make_param_array(struct change, table, RTE_DIM(table));
}

/* Nothing of it stays, whatever else there is of the datagram. */
ParameterizedTest(struct change *c, fragments, malformed)
{
	const struct bed_flow flow = flow_of(c->v6, 0);
	const struct bed_piece middle = { 8, 64, true };
	uint8_t frame[BED_FRAME_MAX];
	const size_t len = bed_frame(frame, &flow, datagram, 0, &middle);

	cr_assert_null(take(&flow, 0, 8, true));
	frame[c->at] = c->to;
	if (c->fix)
		bed_fix4(frame + 14);
	cr_expect_null(fragments_take(fragments, bed_mbuf(pool, frame, len), 14, 0, &counters));
	cr_expect_eq(dropped(), 1, "IPv%d, byte %zu = %u", c->v6 ? 6 : 4, c->at, c->to);
	cr_assert_null(take(&flow, 8, 64, true));
	check_whole(take(&flow, 72, LEN - 72, false), &flow, LEN);
	cr_expect_eq(dropped(), 1);
}

Test(fragments, truncated_anywhere)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const struct bed_flow flow = flow_of(v6, 7);
		const struct bed_piece b = { 8, 64, true };
		uint8_t frame[BED_FRAME_MAX];
		const size_t whole = bed_frame(frame, &flow, datagram, 0, &b);
		const uint64_t before = dropped();

		for (size_t len = 1; len < whole; len++)
			cr_expect_null(fragments_take(fragments, bed_mbuf(pool, frame, len), 18, 0, &counters));
		cr_expect_eq(dropped() - before, whole - 1);
	}
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

/* Fragments of one datagram, in turn, that make no whole. len 0: no more. */
struct wrong {
	struct bed_piece b[4];
};

ParameterizedTestParameters(fragments, wrong_sets)
{
	static struct wrong table[] = {
		/* twice: the first, one in the middle, the last; late, early */
		{ { { 0, 48, true }, { 0, 48, true }, { 48, 52, false } } },
		{ { { 0, 32, true }, { 32, 32, true }, { 32, 32, true }, { 64, 36, false } } },
		{ { { 64, 36, false }, { 32, 32, true }, { 32, 32, true }, { 0, 32, true } } },
		{ { { 48, 52, false }, { 48, 52, false }, { 0, 48, true } } },
		/* within another; over an end; over the beginning; over all */
		{ { { 0, 64, true }, { 8, 16, true }, { 64, 36, false } } },
		{ { { 0, 64, true }, { 56, 44, false } } },
		{ { { 56, 44, false }, { 0, 64, true } } },
		{ { { 0, 32, true }, { 24, 40, true }, { 64, 36, false } } },
		{ { { 0, 32, true }, { 32, 32, true }, { 8, 92, false } } },
		{ { { 0, 96, true }, { 8, 92, false } } },
		/* lengths add up, but there is a hole and an overlap as long as it */
		{ { { 0, 40, true }, { 32, 24, true }, { 64, 36, false } } },
		{ { { 0, 32, true }, { 0, 32, true }, { 64, 36, false } } },
		{ { { 8, 16, true }, { 8, 16, true }, { 32, 32, true }, { 64, 36, false } } },
		{ { { 0, 16, true }, { 32, 16, true }, { 32, 16, true }, { 48, 52, false } } },
		/* two ends */
		{ { { 64, 36, false }, { 32, 32, false }, { 0, 32, true } } },
		/* behind the end */
		{ { { 96, 8, true }, { 40, 20, false }, { 0, 40, true } } },
		/* the beginning, an end, the middle never came */
		{ { { 32, 32, true }, { 64, 36, false } } },
		{ { { 0, 32, true }, { 32, 32, true } } },
		{ { { 0, 32, true }, { 64, 36, false } } },
	};

	return cr_make_param_array(struct wrong, table, RTE_DIM(table));
}

ParameterizedTest(struct wrong *w, fragments, wrong_sets)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const struct bed_flow flow = flow_of(v6, 0);
		const uint64_t before = dropped();
		unsigned int n = 0;

		for (; n < RTE_DIM(w->b) && w->b[n].len; n++) {
			struct rte_mbuf *m = take_at(&flow, &w->b[n], 0, 0);

			cr_expect_null(m, "fragment %u", n);
			rte_pktmbuf_free(m);
		}
		fragments_expire(fragments, 2001 * MS, &counters);
		cr_expect_eq(rte_mempool_in_use_count(pool), 0);
		cr_expect_eq(dropped() - before, n);
	}
}

/* Any fragments in any order: what comes out is what they say, byte by byte, each from one fragment that was there. */
Test(fragments, anything)
{
	uint64_t state = 5;
	unsigned int whole = 0;

	for (unsigned int round = 0; round < 20000; round++) {
		const struct bed_flow flow = flow_of(round & 1, 0);
		const uint32_t len = 8 + bed_random(&state) % 48;
		const uint64_t before = dropped();
		unsigned int n, out = 0;

		for (n = 0; n < 9 && !out; n++) {
			struct bed_piece b = { bed_random(&state) % len & ~7u, 8 + (bed_random(&state) % 24 & ~7u), true };
			struct rte_mbuf *m;

			if (b.offset + b.len >= len) {
				b.len = len - b.offset;
				b.more = false;
			}
			if (!b.offset && !b.more)
				b.more = b.len % 8 == 0;	/* alone it would be no fragment */
			if (!b.offset && !b.more)
				continue;
			m = take_at(&flow, &b, 0, round);
			if (m)
				check_whole(m, &flow, len);
			out += m != NULL;
		}
		whole += out;
		fragments_expire(fragments, round + 2001ull * MS, &counters);
		cr_assert_eq(rte_mempool_in_use_count(pool), 0);
		cr_assert_leq(dropped() - before, n);
	}
	cr_expect_gt(whole, 500);
}

Test(fragments, time)
{
	const struct bed_flow flow = flow_of(0, 0);
	const struct bed_piece first = { 0, 64, true }, last = { 64, LEN - 64, false };
	const uint64_t start = 12345, late = start + 2001ull * MS;

	cr_assert_null(take_at(&flow, &first, 0, start));
	fragments_expire(fragments, start + 1999ull * MS, &counters);
	check_whole(take_at(&flow, &last, 0, start + 1999ull * MS), &flow, LEN);

	cr_assert_null(take_at(&flow, &first, 0, start));
	fragments_expire(fragments, late, &counters);
	cr_expect_eq(dropped(), 1);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);

	/* Nobody looked meanwhile: the first is too old, and the last begins another. */
	cr_assert_null(take_at(&flow, &first, 0, start));
	cr_assert_null(take_at(&flow, &last, 0, late));
	cr_expect_eq(dropped(), 2);
	check_whole(take_at(&flow, &first, 0, late), &flow, LEN);
}

/* First fragments without end, all at once: they are bounded. Soon after, whole datagrams get through again. */
Test(fragments, flood)
{
	struct bed_flow flow = flow_of(0, 0);
	const struct bed_piece first = { 0, 64, true }, last = { 64, LEN - 64, false };
	uint64_t now = 1;

	for (flow.id = 0; flow.id < 5000; flow.id++)
		cr_assert_null(take_at(&flow, &first, 0, now));
	cr_expect_leq(rte_mempool_in_use_count(pool), FRAGMENTS_DATAGRAMS);
	cr_expect_geq(rte_mempool_in_use_count(pool), FRAGMENTS_DATAGRAMS * 3 / 4);
	cr_expect_eq(dropped() + rte_mempool_in_use_count(pool), 5000);

	now += 101 * MS;
	cr_assert_null(take_at(&flow, &first, 0, now));
	check_whole(take_at(&flow, &last, 0, now), &flow, LEN);
	cr_expect_eq(dropped(), 5000);
}

/* Many fragments of each: it is the mbufs that are bounded. */
Test(fragments, flood_of_large_ones)
{
	struct bed_flow flow = flow_of(1, 0);

	for (flow.id = 0; flow.id < FRAGMENTS_DATAGRAMS; flow.id++) {
		for (uint32_t i = 1; i < FRAGMENTS_MAX - 1; i++)
			cr_assert_null(take(&flow, 8 * i, 8, true));
	}
	cr_expect_eq(rte_mempool_in_use_count(pool), FRAGMENTS_MBUFS);
	cr_expect_eq(dropped(), FRAGMENTS_DATAGRAMS * (FRAGMENTS_MAX - 2) - FRAGMENTS_MBUFS);
	fragments_expire(fragments, 2001 * MS, &counters);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
	cr_expect_eq(dropped(), FRAGMENTS_DATAGRAMS * (FRAGMENTS_MAX - 2));
}

/* A frame that the device has put into several buffers. */
Test(fragments, chained_buffers)
{
	const struct bed_flow flow = flow_of(1, 0);
	const struct bed_piece b = { 0, 64, true };
	uint8_t frame[BED_FRAME_MAX];
	const size_t len = bed_frame(frame, &flow, datagram, 0, &b);
	struct rte_mbuf *m = bed_mbuf(pool, frame, 30);

	rte_pktmbuf_chain(m, bed_mbuf(pool, frame + 30, 20));
	rte_pktmbuf_chain(m, bed_mbuf(pool, frame + 50, len - 50));
	cr_assert_null(fragments_take(fragments, m, 14, 0, &counters));
	cr_expect_eq(rte_mempool_in_use_count(pool), 1);
	check_whole(take(&flow, 64, LEN - 64, false), &flow, LEN);
}

/* The first fragment lies so far back in its buffer that the others do not fit behind it. */
Test(fragments, no_room_behind_the_first)
{
	const struct bed_flow flow = flow_of(0, 0);
	const struct bed_piece b = { 0, 64, true };
	uint8_t frame[BED_FRAME_MAX];
	const size_t len = bed_frame(frame, &flow, datagram, 0, &b);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	m->data_off = (uint16_t)(m->buf_len - len - 10);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	cr_assert_null(fragments_take(fragments, m, 14, 0, &counters));
	m = take(&flow, 64, LEN - 64, false);
	cr_assert(m);
	cr_expect_geq(rte_pktmbuf_headroom(m), RTE_PKTMBUF_HEADROOM);
	check_whole(m, &flow, LEN);
	cr_expect_eq(dropped(), 0);
}

/* Just what a buffer holds, and a fragment that would be too much; options in the first one alone make it so, too. */
Test(fragments, as_large_as_a_buffer)
{
	const uint32_t room = (uint32_t)rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	const uint32_t len = room - 14 - 20;
	struct bed_flow flow = flow_of(0, 0), longer = flow;

	cr_assert_leq(len + 1, BED_DATAGRAM_MAX);
	bed_datagram(datagram, len + 1);
	cr_assert_null(take(&flow, 0, 4000, true));
	check_whole(take(&flow, 4000, len - 4000, false), &flow, len);

	cr_assert_null(take(&flow, 0, 4000, true));
	cr_assert_null(take(&flow, 4000, len + 1 - 4000, false));
	cr_expect_eq(dropped(), 1);
	fragments_expire(fragments, 2001 * MS, &counters);
	cr_expect_eq(dropped(), 2);

	longer.n_options = 4;
	cr_assert_null(take(&longer, 0, 4000, true));
	cr_assert_null(take(&flow, 4000, len - 4000, false));
	cr_expect_eq(dropped(), 4);
}

Test(fragments, memory_is_as_said)
{
	struct rte_malloc_socket_stats before, after;
	struct fragments *more;

	rte_malloc_get_socket_stats(0, &before);
	more = fragments_create(pool);
	cr_assert(more);
	rte_malloc_get_socket_stats(0, &after);
	cr_expect_leq(after.heap_allocsz_bytes - before.heap_allocsz_bytes, fragments_memory());
	cr_expect_lt(fragments_memory(), 1 << 20);
	fragments_destroy(more);
}
