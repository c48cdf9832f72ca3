/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * While under load, each source may cause 20 handshakes a second, 5 at once (whitepaper section 5.3): a token bucket
 * for an IPv4 address, or for the /64 of an IPv6 one. Control thread.
 */
#ifndef WGDP_RATELIMITER_H
#define WGDP_RATELIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "endpoint.h"

enum { RATELIMITER_PER_SECOND = 20, RATELIMITER_BURST = 5, RATELIMITER_SOURCES = 32768 };

struct ratelimiter;

/* NULL: no memory. `name` is unique in the process. */
struct ratelimiter *ratelimiter_create(const char *name);
void ratelimiter_destroy(struct ratelimiter *r);

/*
 * May this source cause one more? With all RATELIMITER_SOURCES buckets in use, and none of them idle for so long that
 * it is full again, a new source may not. So sources without end are bounded, and as many as can be served in that
 * time are served.
 */
bool ratelimiter_allow(struct ratelimiter *r, const struct endpoint *from, uint64_t now_ns);

#endif
