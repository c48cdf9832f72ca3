/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread counts itself, for each interface. One list feeds the enum, and the names wherever they are shown. */
#ifndef WGDP_CONTROL_COUNTERS_H
#define WGDP_CONTROL_COUNTERS_H

/* X(symbol, "name", "what it means") */
#define CONTROL_COUNTERS(X) \
	X(INITIATIONS_SENT, "initiations_sent", "handshake initiations sent") \
	X(INITIATIONS_RECEIVED, "initiations_received", "handshake initiations received that were valid") \
	X(RESPONSES_SENT, "responses_sent", "handshake responses sent") \
	X(RESPONSES_RECEIVED, "responses_received", "handshake responses received that were valid") \
	X(COOKIES_SENT, "cookies_sent", "cookie replies sent, under load") \
	X(COOKIES_RECEIVED, "cookies_received", "cookie replies received that were valid") \
	X(HANDSHAKES_COMPLETED, "handshakes_completed", "sessions that came to be used in both directions") \
	X(HANDSHAKES_INVALID, "handshakes_invalid", "handshake messages that were not valid") \
	X(HANDSHAKES_LIMITED, "handshakes_limited", "handshake messages refused by the rate limiter") \
	X(HANDSHAKES_LATE, "handshakes_late", "handshake messages that waited so long that nobody expects an answer any more") \
	X(CHANGES, "changes", "changes of the configuration that were applied")

enum control_counter {
#define X(symbol, name, text) CONTROL_##symbol,
	CONTROL_COUNTERS(X)
#undef X
	CONTROL_N
};

extern const char *const control_counter_name[CONTROL_N];
extern const char *const control_counter_text[CONTROL_N];

#endif
