/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TAI64N timestamps (whitepaper section 5.1; cr.yp.to/libtai/tai64.html): 8 bytes of seconds, 4
 * of nanoseconds, big-endian, so that memcmp orders them. Any thread.
 */
#ifndef WGDP_TAI64N_H
#define WGDP_TAI64N_H

#include <stdint.h>
#include <time.h>

#include "messages.h"

/*
 * `realtime`: CLOCK_REALTIME. Nanoseconds are rounded down to a multiple of 2^24 (16.8 ms), so
 * that a timestamp does not leak the sender's fine clock.
 */
void tai64n_encode(uint8_t out[WG_TIMESTAMP_LEN], const struct timespec *realtime);

/*
 * The next timestamp to send: that of `realtime`, or `last` + one step of 2^24 ns (or up to the
 * next full second) where the clock has not moved past `last`. `last` is updated; zeros: none
 * has been sent.
 */
void tai64n_next(uint8_t last[WG_TIMESTAMP_LEN], const struct timespec *realtime);

#endif
