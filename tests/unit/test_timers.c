/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers as tables: a state and a time in, what is due and when to look again out. Seconds in the tables. */
#include <criterion/criterion.h>

#include "protocol.h"
#include "timers.h"

#define S WG_NS_PER_SEC
#define NEVER UINT64_MAX

struct row {
	const char *what;
	struct timers t;
	uint64_t now;
	unsigned int due;
	uint64_t next;		/* seconds; NEVER */
};

static const struct row table[] = {
	{ "nothing ever happened", { 0 }, 1000, 0, NEVER },

	{ "waiting for a response", { .attempt_ns = 100, .retry_ns = 105 }, 104, 0, 105 },
	{ "no response for 5 s", { .attempt_ns = 100, .retry_ns = 105 }, 105, TIMER_RETRY, NEVER },
	{ "the last retry before 90 s", { .attempt_ns = 100, .retry_ns = 189 }, 189, TIMER_RETRY, NEVER },
	{ "90 s, but the last try is still under way", { .attempt_ns = 100, .retry_ns = 192 }, 191, 0, 192 },
	{ "given up after 90 s", { .attempt_ns = 100, .retry_ns = 192 }, 192, TIMER_GIVE_UP, NEVER },

	{ "data sent", { .tx_data_ns = 50, .tx_any_ns = 50 }, 50, 0, 65 },
	{ "14 s without an answer", { .tx_data_ns = 50, .tx_any_ns = 60 }, 64, 0, 65 },
	{ "15 s without an answer", { .tx_data_ns = 50, .tx_any_ns = 60 }, 65, TIMER_NEW_HANDSHAKE, NEVER },
	{ "answered", { .tx_data_ns = 50, .rx_any_ns = 51 }, 90, 0, NEVER },
	{ "answered in the same instant", { .tx_data_ns = 50, .rx_any_ns = 50 }, 90, 0, NEVER },
	{ "silence during a handshake is the handshake's", { .tx_data_ns = 50, .attempt_ns = 60, .retry_ns = 70 }, 66, 0, 70 },

	{ "data received", { .rx_data_ns = 50, .rx_any_ns = 50 }, 50, 0, 60 },
	{ "owed for 10 s", { .rx_data_ns = 50, .rx_any_ns = 59 }, 60, TIMER_KEEPALIVE, NEVER },
	{ "something was sent since", { .rx_data_ns = 50, .tx_any_ns = 51 }, 100, 0, NEVER },
	{ "the earlier of two", { .rx_data_ns = 50, .tx_data_ns = 52, .rx_any_ns = 50 }, 55, 0, 60 },
	{ "one due, one pending", { .rx_data_ns = 50, .tx_data_ns = 52, .rx_any_ns = 50 }, 60, TIMER_KEEPALIVE, 67 },

	{ "persistent, counted from the last packet sent", { .persistent_interval = 25, .tx_any_ns = 100 }, 124, 0, 125 },
	{ "or received", { .persistent_interval = 25, .tx_any_ns = 100, .rx_any_ns = 110 }, 125, 0, 135 },
	{ "or asked for", { .persistent_interval = 25, .persistent_ns = 120, .tx_any_ns = 100 }, 125, 0, 145 },
	{ "persistent due", { .persistent_interval = 25, .tx_any_ns = 100 }, 125, TIMER_PERSISTENT, NEVER },

	{ "asked for at once", { .persistent_interval = 25, .persistent_now = 1, .tx_any_ns = 120 }, 125, TIMER_PERSISTENT, NEVER },
	{ "silence, with jitter", { .tx_data_ns = 50, .jitter_ns = 1 }, 65, 0, 66 },
	{ "cores have noted something", { .look_ns = 60 }, 59, 0, 60 },
	{ "to be looked at", { .look_ns = 60, .tx_data_ns = 50 }, 60, TIMER_LOOK, 65 },

	{ "keys live 540 s", { .session_ns = 100 }, 639, 0, 640 },
	{ "and no longer", { .session_ns = 100 }, 640, TIMER_ZERO_KEYS, NEVER },
	{ "everything at once",
	  { .attempt_ns = 100, .retry_ns = 1000, .rx_data_ns = 50, .session_ns = 10, .persistent_interval = 10, .tx_data_ns = 60 },
	  1000, TIMER_GIVE_UP | TIMER_KEEPALIVE | TIMER_PERSISTENT | TIMER_ZERO_KEYS, NEVER },
};

static void scale(struct timers *t)
{
	uint64_t *v = (uint64_t *)t;

	for (size_t k = 0; k < sizeof(*t) / sizeof(*v); k++)
		v[k] *= S;
}

Test(timers, table)
{
	struct wg_times times;

	wg_times_init(&times, 1);
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		struct row r = table[k];
		uint64_t next;
		unsigned int due;

		scale(&r.t);
		due = timers_due(&r.t, &times, r.now * S, &next);
		cr_expect_eq(due, r.due, "%s: due %#x, not %#x", r.what, due, r.due);
		cr_expect_eq(next, r.next == NEVER ? NEVER : r.next * S, "%s: next %f", r.what, next / 1e9);
	}
}

/* What timers_due promises of *next: nothing comes due before it, and something does then. */
Test(timers, next_is_exact)
{
	struct wg_times times;

	wg_times_init(&times, 1);
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		struct row r = table[k];
		uint64_t next, later;
		unsigned int due;

		scale(&r.t);
		due = timers_due(&r.t, &times, r.now * S, &next);
		if (next == NEVER)
			continue;
		cr_expect_gt(next, r.now * S, "%s", r.what);
		cr_expect_eq(timers_due(&r.t, &times, next - 1, &later), due, "%s: early", r.what);
		cr_expect_neq(timers_due(&r.t, &times, next, &later), due, "%s: late", r.what);
	}
}

Test(timers, scaled)
{
	struct wg_times one, fast;

	wg_times_init(&one, 1);
	wg_times_init(&fast, 20);
	cr_assert_eq(one.rekey_after, 120 * S);
	cr_assert_eq(one.reject_after, 180 * S);
	cr_assert_eq(one.attempt, 90 * S);
	cr_assert_eq(one.rekey_timeout, 5 * S);
	cr_assert_eq(one.keepalive, 10 * S);
	cr_assert_eq(one.jitter, S / 3);
	cr_assert_eq(fast.rekey_after, 6 * S);
	cr_assert_eq(fast.keepalive, S / 2);
}
