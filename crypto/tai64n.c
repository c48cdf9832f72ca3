/* SPDX-License-Identifier: BSD-3-Clause */
#include "tai64n.h"

#include <endian.h>
#include <string.h>

#include "protocol.h"

/* TAI's second at the Unix epoch; leap seconds since are left out, as every WireGuard does. */
#define TAI64_UNIX_EPOCH ((UINT64_C(1) << 62) + 10)
#define STEP_NS (UINT32_C(1) << 24)

static void label_write(uint8_t out[WG_TIMESTAMP_LEN], uint64_t seconds, uint32_t nanoseconds)
{
	seconds = htobe64(seconds);
	nanoseconds = htobe32(nanoseconds);
	memcpy(out, &seconds, sizeof(seconds));
	memcpy(out + sizeof(seconds), &nanoseconds, sizeof(nanoseconds));
}

void tai64n_encode(uint8_t out[WG_TIMESTAMP_LEN], const struct timespec *realtime)
{
	label_write(out, TAI64_UNIX_EPOCH + (uint64_t)realtime->tv_sec,
		    (uint32_t)realtime->tv_nsec & ~(STEP_NS - 1));
}

/* One step after `label`. */
static void label_advance(uint8_t label[WG_TIMESTAMP_LEN])
{
	uint64_t seconds;
	uint32_t nanoseconds;

	memcpy(&seconds, label, sizeof(seconds));
	memcpy(&nanoseconds, label + sizeof(seconds), sizeof(nanoseconds));
	seconds = be64toh(seconds);
	nanoseconds = (be32toh(nanoseconds) & ~(STEP_NS - 1)) + STEP_NS;
	if (nanoseconds >= WG_NS_PER_SEC) {
		nanoseconds = 0;
		seconds++;
	}
	label_write(label, seconds, nanoseconds);
}

void tai64n_next(uint8_t last[WG_TIMESTAMP_LEN], const struct timespec *realtime)
{
	uint8_t label[WG_TIMESTAMP_LEN];

	tai64n_encode(label, realtime);
	if (memcmp(label, last, sizeof(label)) > 0)
		memcpy(last, label, sizeof(label));
	else
		label_advance(last);
}
