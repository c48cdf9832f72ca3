/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: frames to fragments_take, and what comes out cut again and put together again. The input is records of a
 * byte (how), the length of what follows (16 bits), and
 *
 *   0   a frame; its IPv4 header checksum is made right
 *   1   the same, its bytes as they are
 *   2   changes to the last frame (16 bits: where, a byte: what to add), which comes again; the checksum is made right
 *   3   time goes by, in units of 10 ms
 *
 * Only what frame_parse calls a fragment comes that far. What is whole must not be a fragment any more, must be true to
 * its length, and survives being cut; all mbufs come back.
 */
#include "ethdev_fragments.h"
#include "ethdev_frame.h"
#include "fragments_bed.h"

enum { POOL = 1024, FRAME_MAX = 9000, PORT = 51820, MTU_MIN = 68 };

#define check(what) ((what) ? (void)0 : abort())

static struct rte_mempool *pool;

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)(p[0] << 8 | p[1]);
}

/* Bytes from the IP header on, by that header. */
static size_t ip_length(const struct rte_mbuf *m, uint8_t l2_len)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l2_len);

	check(rte_pktmbuf_data_len(m) > l2_len + 20u);
	return ip[0] >> 4 == 4 ? get16(ip + 2) : 40 + get16(ip + 4);
}

static void check_whole(const struct rte_mbuf *m, uint8_t l2_len)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *), *ip = data + l2_len;
	struct frame_l2 l2;
	struct frame f;

	rte_mbuf_sanity_check(m, 1);
	check(m->nb_segs == 1 && rte_pktmbuf_data_len(m) == l2_len + ip_length(m, l2_len));
	check(frame_l2_parse(data, rte_pktmbuf_data_len(m), &l2) && l2.len == l2_len);
	check(frame_parse(data, rte_pktmbuf_data_len(m), &l2, PORT, 1, &f) != FRAME_FRAGMENT);
	check(ip[0] >> 4 == 6 || bed_sum(ip, (ip[0] & 15) * 4u) == 0xffff);
}

/* Cuts m and puts it together: the same bytes, but for options of IPv4. */
static void check_cut(struct rte_mbuf *m, uint8_t l2_len, uint32_t mtu)
{
	static uint8_t before[BED_FRAME_MAX];
	const size_t len = rte_pktmbuf_data_len(m), total = ip_length(m, l2_len);
	struct rte_mbuf *out[FRAGMENTS_MAX + 1], *again = NULL;
	struct counters counters = { 0 };
	struct fragments *f = fragments_create(pool);
	uint16_t n;

	check(f && len <= sizeof(before));
	memcpy(before, rte_pktmbuf_mtod(m, const uint8_t *), len);
	n = fragments_cut(f, m, l2_len, mtu, out, &counters);
	check(counters.drop[DROP_FRAGMENTS] == !n);
	for (uint16_t i = 0; i < n; i++)
		check(ip_length(out[i], l2_len) <= mtu && rte_pktmbuf_data_len(out[i]) == l2_len + ip_length(out[i], l2_len));
	if (total <= mtu) {
		check(n == 1);
		again = out[0];
	} else {
		for (uint16_t i = n; i > 0; i--) {
			check(!again);
			again = fragments_take(f, out[i - 1], l2_len, 0, &counters);
		}
	}
	fragments_destroy(f);
	if (n == FRAGMENTS_MAX + 1) {
		check(!again);
	} else if (n) {
		check(again && rte_pktmbuf_data_len(again) == len);
		check(memcmp(rte_pktmbuf_mtod(again, const uint8_t *), before, len) == 0);
	}
	rte_pktmbuf_free(again);
}

static void fix(uint8_t *frame, size_t len)
{
	struct frame_l2 l2;

	if (frame_l2_parse(frame, len, &l2) && len >= l2.len + 20u && frame[l2.len] >> 4 == 4 &&
	    len >= l2.len + (frame[l2.len] & 15) * 4u && (frame[l2.len] & 15) >= 5)
		bed_fix4(frame + l2.len);
}

/* True: it has been taken, and may have been dropped. */
static bool give(struct fragments *f, const uint8_t *frame, size_t len, uint64_t now_ns, struct counters *counters)
{
	struct frame_l2 l2;
	struct frame parsed;
	struct rte_mbuf *m;

	if (!frame_l2_parse(frame, len, &l2) || frame_parse(frame, len, &l2, PORT, 1, &parsed) != FRAME_FRAGMENT)
		return false;
	m = fragments_take(f, bed_mbuf(pool, frame, len), l2.len, now_ns, counters);
	if (!m)
		return true;
	/* The first fragment's Ethernet header may be longer or shorter than the last one's. */
	frame_l2_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &l2);
	check_whole(m, l2.len);
	check_cut(m, l2.len, (uint32_t)(MTU_MIN + (now_ns + frame[len - 1]) % 2000));
	return true;
}

static void play(const uint8_t *data, size_t size, struct fragments *f)
{
	static uint8_t frame[FRAME_MAX];
	struct counters counters = { 0 };
	uint64_t now_ns = 0, given = 0;
	size_t len = 0;

	while (size >= 3) {
		const uint8_t how = data[0] & 3;
		const size_t n = RTE_MIN((size_t)get16(data + 1), size - 3);

		data += 3;
		size -= 3;
		if (how < 2) {
			len = RTE_MIN(n, (size_t)FRAME_MAX);
			memcpy(frame, data, len);
		}
		for (size_t i = 0; how == 2 && len && i + 3 <= n; i += 3)
			frame[get16(data + i) % len] += data[i + 2];
		if (how == 3) {
			now_ns += (n ? data[0] : 0) * 10000000ull;
			fragments_expire(f, now_ns, &counters);
		} else {
			if (how != 1)
				fix(frame, len);
			given += give(f, frame, len, now_ns, &counters);
		}
		data += n;
		size -= n;
	}
	check(counters.drop[DROP_FRAGMENTS] <= given && rte_mempool_in_use_count(pool) <= FRAGMENTS_MBUFS);
	fragments_expire(f, now_ns + 3000000000ull, &counters);
	check(rte_mempool_in_use_count(pool) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fragments *f;

	pool = test_pool("fragments", POOL);
	f = fragments_create(pool);
	check(f);
	play(data, size, f);
	fragments_destroy(f);
	return 0;
}
