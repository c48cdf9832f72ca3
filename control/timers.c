/* SPDX-License-Identifier: BSD-3-Clause */
#include "timers.h"

#include "protocol.h"

void wg_times_init(struct wg_times *t, unsigned int scale)
{
	*t = (struct wg_times){
		.rekey_after = WG_REKEY_AFTER_TIME / scale,
		.reject_after = WG_REJECT_AFTER_TIME / scale,
		.attempt = WG_REKEY_ATTEMPT_TIME / scale,
		.rekey_timeout = WG_REKEY_TIMEOUT / scale,
		.jitter = WG_REKEY_TIMEOUT_JITTER / scale,
		.keepalive = WG_KEEPALIVE_TIMEOUT / scale,
	};
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* `bit` where `at` has come; else notes `at` in *next. */
static unsigned int due(unsigned int bit, uint64_t at, uint64_t now, uint64_t *next)
{
	if (now >= at)
		return bit;
	if (at < *next)
		*next = at;
	return 0;
}

unsigned int timers_due(const struct timers *t, const struct wg_times *times, uint64_t now, uint64_t *next)
{
	unsigned int mask = 0;

	*next = UINT64_MAX;
	if (t->attempt_ns) {
		/* Giving up takes the place of a retry: it is looked at only when one is due. */
		if (now >= t->attempt_ns + times->attempt)
			mask |= due(TIMER_GIVE_UP, t->retry_ns, now, next);
		else
			mask |= due(TIMER_RETRY, t->retry_ns, now, next);
	} else if (t->tx_data_ns > t->rx_any_ns) {
		mask |= due(TIMER_NEW_HANDSHAKE, t->tx_data_ns + times->keepalive + times->rekey_timeout + t->jitter_ns,
			    now, next);
	}
	if (t->rx_data_ns > t->tx_any_ns)
		mask |= due(TIMER_KEEPALIVE, t->rx_data_ns + times->keepalive, now, next);
	if (t->persistent_interval && t->persistent_now)
		mask |= TIMER_PERSISTENT;
	else if (t->persistent_interval)
		mask |= due(TIMER_PERSISTENT,
			    max(t->persistent_ns, max(t->rx_any_ns, t->tx_any_ns)) + t->persistent_interval, now, next);
	if (t->session_ns)
		mask |= due(TIMER_ZERO_KEYS, t->session_ns + 3 * times->reject_after, now, next);
	if (t->look_ns)
		mask |= due(TIMER_LOOK, t->look_ns, now, next);
	return mask;
}
