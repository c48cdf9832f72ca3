/* SPDX-License-Identifier: BSD-3-Clause */
/* Timestamps: known labels, whitening, always forward. */
#include <criterion/criterion.h>

#include "hex.h"
#include "tai64n.h"

#define STEP (1l << 24)

static void label_expect(time_t sec, long nsec, const char *hex)
{
	const struct timespec at = { sec, nsec };
	uint8_t out[WG_TIMESTAMP_LEN];

	tai64n_encode(out, &at);
	hex_expect(out, sizeof(out), hex, hex);
}

Test(tai64n, encode)
{
	label_expect(0, 0, "400000000000000a 00000000");
	label_expect(1, 0, "400000000000000b 00000000");
	label_expect(0xffffffff, 999999999, "4000000100000009 3b000000");
	label_expect(1600000000, 123456789, "400000005f5e100a 07000000");
}

Test(tai64n, whitened)
{
	label_expect(0, STEP - 1, "400000000000000a 00000000");
	label_expect(0, STEP, "400000000000000a 01000000");
	label_expect(0, 2 * STEP - 1, "400000000000000a 01000000");
	label_expect(0, 2 * STEP, "400000000000000a 02000000");
}

static void next_expect(uint8_t last[WG_TIMESTAMP_LEN], time_t sec, long nsec)
{
	const struct timespec now = { sec, nsec };
	uint8_t before[WG_TIMESTAMP_LEN];

	memcpy(before, last, WG_TIMESTAMP_LEN);
	tai64n_next(last, &now);
	cr_assert_gt(memcmp(last, before, WG_TIMESTAMP_LEN), 0, "forward, at %lld.%09ld",
		     (long long)sec, nsec);
	cr_assert_leq(last[8], 59, "less than a second of nanoseconds");
	cr_assert(last[9] == 0 && last[10] == 0 && last[11] == 0, "whitened");
}

Test(tai64n, first)
{
	uint8_t last[WG_TIMESTAMP_LEN] = { 0 };

	next_expect(last, 1600000000, 123456789);
	hex_expect(last, sizeof(last), "400000005f5e100a 07000000", "the clock's own");
}

Test(tai64n, standing_clock)
{
	uint8_t last[WG_TIMESTAMP_LEN] = { 0 };

	for (unsigned int i = 0; i < 1000; i++)
		next_expect(last, 1600000000, 999999999);
	/* 999 steps on from the label of 0.98 s, 60 to a second. */
	hex_expect(last, sizeof(last), "400000005f5e101b 26000000", "after 999 steps");
	next_expect(last, 1600000017, 38 * STEP + 5);
	hex_expect(last, sizeof(last), "400000005f5e101b 27000000", "not past it yet");
	next_expect(last, 1600000017, 40 * STEP);
	hex_expect(last, sizeof(last), "400000005f5e101b 28000000", "past it again");
}

Test(tai64n, backward_clock)
{
	uint8_t last[WG_TIMESTAMP_LEN] = { 0 };

	for (time_t sec = 1600000000; sec > 1599999000; sec--)
		next_expect(last, sec, 0);
	next_expect(last, 0, 0);
	next_expect(last, 1700000000, 0);
	hex_expect(last, sizeof(last), "400000006553f10a 00000000", "and forward again");
}

Test(tai64n, carry)
{
	uint8_t last[WG_TIMESTAMP_LEN];

	hex_bytes(last, sizeof(last), "40000000ffffffff 3b000000");
	next_expect(last, 0, 0);
	hex_expect(last, sizeof(last), "4000000100000000 00000000", "into the seconds");
	hex_bytes(last, sizeof(last), "4000000100000000 00123456");
	next_expect(last, 0, 0);
	hex_expect(last, sizeof(last), "4000000100000000 01000000", "from a label not whitened");
}
