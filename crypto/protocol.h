/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constants of the protocol (whitepaper section 6.1); those of this implementation stand where
 * they are used. Times in nanoseconds.
 */
#ifndef WGDP_PROTOCOL_H
#define WGDP_PROTOCOL_H

#include <stdint.h>

#define WG_NS_PER_SEC 1000000000ull

#define WG_REKEY_AFTER_MESSAGES (1ull << 60)
#define WG_REJECT_AFTER_MESSAGES (UINT64_MAX - (1ull << 13))	/* 2^64 - 2^13 - 1 */
#define WG_REKEY_AFTER_TIME (120 * WG_NS_PER_SEC)
#define WG_REJECT_AFTER_TIME (180 * WG_NS_PER_SEC)
#define WG_REKEY_ATTEMPT_TIME (90 * WG_NS_PER_SEC)
#define WG_REKEY_TIMEOUT (5 * WG_NS_PER_SEC)
#define WG_REKEY_TIMEOUT_JITTER (WG_NS_PER_SEC / 3)	/* uniformly random, added to a retry */
#define WG_KEEPALIVE_TIMEOUT (10 * WG_NS_PER_SEC)
/* An initiation from one peer is answered at most this often: the other implementations' guard. */
#define WG_INITIATIONS_PER_SECOND 50

#endif
