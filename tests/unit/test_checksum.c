/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum: each way of adding against the plainest one, at each length, alignment and start. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "checksum.h"

enum { ROOM = 9300, GUARD = 0xee };

static uint16_t naive(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 2) {
		uint16_t word = 0;

		memcpy(&word, p + i, i + 1 < len ? 2 : 1);
		sum += word;
	}
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A copy of its own size, so that AddressSanitizer sees a step too far. */
static uint8_t *bytes(size_t len, unsigned int seed)
{
	uint8_t *p = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		p[i] = seed == 0 ? 0xff : rand_r(&seed) >> 8;
	return p;
}

static void expect_same(const struct checksum_way *w, size_t len, size_t offset, unsigned int seed)
{
	uint8_t *data = bytes(offset + len, seed), *to = malloc(offset + len + 1);
	const uint64_t start = seed * 0x12345ull;
	const uint16_t want = naive(start, data + offset, len);

	memset(to, GUARD, offset + len + 1);
	cr_assert_eq(checksum_fold(w->add(start, data + offset, len)), want, "%s %zu+%zu", w->name, offset, len);
	cr_assert_eq(checksum_fold(w->copy(start, to + offset, data + offset, len)), want, "%s %zu+%zu", w->name, offset, len);
	cr_assert(memcmp(to + offset, data + offset, len) == 0, "%s %zu+%zu", w->name, offset, len);
	cr_assert(to[offset + len] == GUARD && (!offset || to[offset - 1] == GUARD), "%s %zu+%zu", w->name, offset, len);
	free(data);
	free(to);
}

static const struct checksum_way either = { .name = "either", .add = checksum_add, .copy = checksum_copy };

static void expect_same_all(const struct checksum_way *w)
{
	for (size_t len = 0; len < 300; len++)
		for (size_t offset = 0; offset < 9; offset++)
			expect_same(w, len, offset, len + 1);
	for (size_t len = 1000; len < ROOM; len += 61)
		expect_same(w, len, len % 64, len);
	expect_same(w, 65535, 0, 0);
	expect_same(w, 65535, 1, 9);
}

Test(checksum, each_way)
{
	unsigned int n = 0;

	for (const struct checksum_way *w = checksum_ways; w->name; w++) {
		if (!w->usable())
			continue;
		n++;
		expect_same_all(w);
	}
	cr_assert(n > 0);
	expect_same_all(&either);
}

/* Sums may be made of pieces, each beginning at an even distance. */
Test(checksum, pieces)
{
	uint8_t *data = bytes(ROOM, 7);
	uint64_t sum = 0;

	for (size_t at = 0, n; at < ROOM; at += n) {
		n = 2 + at % 190 / 2 * 2;
		if (n > ROOM - at)
			n = ROOM - at;
		sum = checksum_add(sum, data + at, n);
	}
	cr_expect_eq(checksum_fold(sum), naive(0, data, ROOM));
	free(data);
}

/* The example of RFC 1071, section 3. */
Test(checksum, rfc_1071)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t field[2];

	cr_expect_eq(ntohs(checksum_fold(checksum_add(0, data, sizeof(data)))), 0xddf2);
	checksum_store(field, checksum_add(0, data, sizeof(data)));
	cr_expect(field[0] == 0x22 && field[1] == 0x0d);
	cr_expect_eq(checksum_fold(UINT64_MAX), 0xffff);
	cr_expect_eq(checksum_fold(0x1ffffffff), 1);
	cr_expect_eq(ntohs(checksum_fold(checksum_pseudo(17, 258))), 17 + 258);
}
