/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the crypto tests share: bytes from hexadecimal, runs of bytes, repeatable randomness.
 * After Criterion's header, or threaded.h where a test has threads.
 */
#ifndef WGDP_TEST_HEX_H
#define WGDP_TEST_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Spaces in `hex` are skipped. Returns the number of bytes. */
static inline size_t hex_bytes(uint8_t *out, size_t size, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex += 2) {
		unsigned int byte;

		while (*hex == ' ')
			hex++;
		cr_assert(n < size && sscanf(hex, "%2x", &byte) == 1, "bad test vector: %s", hex);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static inline void hex_expect(const uint8_t *got, size_t len, const char *hex, const char *what)
{
	uint8_t want[1024];

	(void)what;	/* threaded.h prints no messages */
	cr_assert_eq(hex_bytes(want, sizeof(want), hex), len, "%s: length", what);
	cr_assert_arr_eq(got, want, len, "%s", what);
}

/* first, first + 1, ... */
static inline void bytes_run(uint8_t *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline void random_fill(uint64_t *state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)random_next(state);
}

#endif
