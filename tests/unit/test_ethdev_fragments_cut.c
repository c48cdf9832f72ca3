/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames cut for a smaller link: the pieces, read by hand, and put together again by fragments_take, are what was cut.
 */
#include <criterion/criterion.h>

#include "ethdev_fragments.h"
#include "fragments_bed.h"

enum { POOL = 64, OUT_MAX = FRAGMENTS_MAX + 1 };

static struct rte_mempool *pool;
static struct fragments *fragments;
static struct counters counters;
static uint8_t datagram[BED_DATAGRAM_MAX];

static void setup(void)
{
	pool = test_pool("cut", POOL);
	fragments = fragments_create(pool);
	cr_assert(fragments);
}

static void teardown(void)
{
	fragments_destroy(fragments);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

TestSuite(cut, .init = setup, .fini = teardown);

static struct rte_mbuf *whole(const struct bed_flow *flow, size_t len, size_t padding)
{
	uint8_t frame[BED_FRAME_MAX] = { 0 };
	size_t n;

	bed_datagram(datagram, len);
	n = bed_frame(frame, flow, datagram, len, NULL);
	return bed_mbuf(pool, frame, n + padding);
}

static uint16_t cut(const struct bed_flow *flow, size_t len, uint32_t mtu, struct rte_mbuf *out[OUT_MAX])
{
	memset(out, 0xff, OUT_MAX * sizeof(out[0]));
	return fragments_cut(fragments, whole(flow, len, 0), bed_l2_len(flow), mtu, out, &counters);
}

/* Each piece has to be just what the bed makes of it. Frees them all. */
static void check_pieces(struct rte_mbuf **out, uint16_t n, const struct bed_flow *first, const struct bed_flow *later,
			 uint32_t len, uint32_t mtu)
{
	uint32_t offset = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct bed_flow *flow = i ? later : first;
		const uint32_t headers = bed_l2_len(flow) + (flow->v6 ? 48 : 20 + flow->n_options);
		const uint32_t have = rte_pktmbuf_data_len(out[i]) - headers;
		const struct bed_piece b = { offset, have, i + 1 < n };
		uint8_t want[BED_FRAME_MAX];

		cr_assert_gt(rte_pktmbuf_data_len(out[i]), headers);
		cr_assert(out[i]->nb_segs == 1 && offset + have <= len);
		cr_expect_leq(rte_pktmbuf_data_len(out[i]), mtu + bed_l2_len(flow));
		cr_expect_eq(rte_pktmbuf_data_len(out[i]), bed_frame(want, flow, datagram, 0, &b));
		cr_expect_arr_eq(rte_pktmbuf_mtod(out[i], const uint8_t *), want, rte_pktmbuf_data_len(out[i]));
		offset += have;
		rte_pktmbuf_free(out[i]);
	}
	cr_expect_eq(offset, len);
}

/* IPv6: the identification that was chosen. */
static uint32_t id_of(const struct rte_mbuf *m, const struct bed_flow *flow)
{
	const uint8_t *p = rte_pktmbuf_mtod_offset(m, const uint8_t *, bed_l2_len(flow) + 44);

	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static struct bed_flow flow_of(int v6, uint16_t vid)
{
	return (struct bed_flow){ .v6 = v6, .vid = vid, .id = 0x4321, .ds = 0xb9, .src = 7 };
}

Test(cut, lengths_and_mtus)
{
	static const uint32_t mtus[] = { 576, 1280, 1281, 1287, 1288, 1500, 9000 };

	for (unsigned int i = 0; i < 4 * RTE_DIM(mtus); i++) {
		struct bed_flow flow = flow_of(i & 1, i & 2 ? 300 : 0);
		const uint32_t mtu = mtus[i / 4], ip = flow.v6 ? 40 : 20;

		flow.flags = i & 4 ? 0x4000 : 0;
		for (uint32_t len = mtu - ip - 20; len < BED_DATAGRAM_MAX - 200 && len < 5 * mtu; len += 1 + len % 97) {
			const uint32_t each = (mtu - (flow.v6 ? 48 : 20)) & ~7u;
			struct rte_mbuf *out[OUT_MAX];
			const uint16_t n = cut(&flow, len, mtu, out);

			if (ip + len <= mtu) {
				cr_assert_eq(n, 1);
				cr_expect_eq(rte_pktmbuf_data_len(out[0]), bed_l2_len(&flow) + ip + len);
				rte_pktmbuf_free(out[0]);
				continue;
			}
			cr_assert_geq(n, 2);
			cr_expect_leq(n, (len + each - 1) / each);
			if (flow.v6)
				flow.id = id_of(out[0], &flow);
			check_pieces(out, n, &flow, &flow, len, mtu);
		}
	}
	cr_expect_eq(counters.drop[DROP_FRAGMENTS], 0);
}

/* What goes in is what comes out of the other end, if it goes backwards. */
Test(cut, and_put_together)
{
	for (int i = 0; i < 4; i++) {
		const struct bed_flow flow = flow_of(i & 1, i & 2 ? 300 : 0);
		uint8_t want[BED_FRAME_MAX];
		struct rte_mbuf *out[OUT_MAX], *m = NULL;
		uint16_t n = cut(&flow, 9000, 1280, out);
		const size_t len = bed_frame(want, &flow, datagram, 9000, NULL);

		cr_assert_eq(n, 8);
		while (n) {
			cr_assert_null(m);
			m = fragments_take(fragments, out[--n], bed_l2_len(&flow), 0, &counters);
		}
		cr_assert(m);
		cr_assert_eq(rte_pktmbuf_data_len(m), len);
		cr_expect_arr_eq(rte_pktmbuf_mtod(m, const uint8_t *), want, len);
		rte_pktmbuf_free(m);
	}
}

Test(cut, padding_is_not_cut)
{
	const struct bed_flow flow = flow_of(0, 0);
	struct rte_mbuf *out[OUT_MAX];

	cr_assert_eq(fragments_cut(fragments, whole(&flow, 1000, 50), 14, 600, out, &counters), 2);
	check_pieces(out, 2, &flow, &flow, 1000, 600);
}

/* Two datagrams that are on their way at once must not be mixed up. */
Test(cut, identification6_varies)
{
	const struct bed_flow flow = flow_of(1, 0);
	uint32_t id[8];

	for (unsigned int i = 0; i < RTE_DIM(id); i++) {
		struct rte_mbuf *out[OUT_MAX];

		cr_assert_eq(cut(&flow, 2000, 1500, out), 2);
		id[i] = id_of(out[0], &flow);
		for (unsigned int k = 0; k < i; k++)
			cr_expect_neq(id[i], id[k]);
		rte_pktmbuf_free_bulk(out, 2);
	}
}

/* RFC 791: those with the copied flag are in all fragments, the others in the first. */
Test(cut, options)
{
	struct bed_flow first = flow_of(0, 0), later = first;
	struct rte_mbuf *out[OUT_MAX];
	uint16_t n;

	first.n_options = 16;
	memcpy(first.options, "\x01\x44\x05\x05\x00\x00\x94\x04\x12\x34\x82\x03\x00\x01\x00\x77", 16);
	later.n_options = 8;
	memcpy(later.options, "\x94\x04\x12\x34\x82\x03\x00\x00", 8);
	n = cut(&first, 3000, 1001, out);
	cr_assert_eq(n, 4);
	check_pieces(out, n, &first, &later, 3000, 1001);

	memset(first.options, 1, 16);
	later.n_options = 0;
	n = cut(&first, 3000, 1001, out);
	cr_assert_eq(n, 4);
	check_pieces(out, n, &first, &later, 3000, 1001);
}

Test(cut, malformed_options)
{
	static const char *const bad[] = { "\x94\x01\x00\x00", "\x94\x05\x00\x00", "\x01\x01\x01\x94", "\x94\x00\x00\x00" };

	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		struct bed_flow flow = flow_of(0, 0);
		struct rte_mbuf *out[OUT_MAX];

		flow.n_options = 4;
		memcpy(flow.options, bad[i], 4);
		cr_expect_eq(cut(&flow, 3000, 1000, out), 0);
		cr_expect_eq(counters.drop[DROP_FRAGMENTS], i + 1);
		cr_expect_eq(cut(&flow, 900, 1000, out), 1);
		rte_pktmbuf_free(out[0]);
		cr_expect_eq(rte_mempool_in_use_count(pool), 0);
	}
}

Test(cut, what_cannot_be_cut)
{
	static const uint32_t mtus[] = { 0, 20, 27, 47, 55, 200 };	/* too small, or too many pieces */
	struct rte_mbuf *out[OUT_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < 2 * RTE_DIM(mtus); i++) {
		const struct bed_flow flow = flow_of(i & 1, 0);

		cr_expect_eq(cut(&flow, 3000, mtus[i / 2], out), 0);
		cr_expect_eq(counters.drop[DROP_FRAGMENTS], ++n);
		cr_expect_eq(rte_mempool_in_use_count(pool), 0);
	}
	for (int v6 = 0; v6 < 2; v6++) {	/* truncated */
		const struct bed_flow flow = flow_of(v6, 0);
		static const uint16_t lens[] = { 14, 15, 33, 34, 53, 54, 1000 };

		for (unsigned int i = 0; i < RTE_DIM(lens); i++) {
			struct rte_mbuf *m = whole(&flow, 3000, 0);

			rte_pktmbuf_trim(m, rte_pktmbuf_data_len(m) - lens[i]);
			cr_expect_eq(fragments_cut(fragments, m, 14, 1000, out, &counters), 0);
			cr_expect_eq(counters.drop[DROP_FRAGMENTS], ++n);
		}
	}
}

Test(cut, as_many_as_there_may_be)
{
	const struct bed_flow flow = flow_of(0, 0);
	struct rte_mbuf *out[OUT_MAX];

	cr_assert_eq(cut(&flow, OUT_MAX * 1000, 1020, out), OUT_MAX);
	check_pieces(out, OUT_MAX, &flow, &flow, OUT_MAX * 1000, 1020);
	cr_expect_eq(cut(&flow, OUT_MAX * 1000 + 1, 1020, out), 0);
}

Test(cut, no_mbufs)
{
	const struct bed_flow flow = flow_of(0, 0);
	struct rte_mbuf *taken[POOL], *out[OUT_MAX], *m = whole(&flow, 3000, 0);

	cr_assert_eq(rte_pktmbuf_alloc_bulk(pool, taken, POOL - 3), 0);
	cr_expect_eq(fragments_cut(fragments, m, 14, 1000, out, &counters), 0);
	cr_expect_eq(counters.drop[DROP_FRAGMENTS], 1);
	cr_expect_eq(rte_mempool_in_use_count(pool), POOL - 3);
	rte_pktmbuf_free_bulk(taken, POOL - 3);
}
