/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap_signals.h"

#include <string.h>

static void ignore(int signal)
{
	(void)signal;
}

void tap_signals_take(struct tap_signals *s)
{
	const struct sigaction take = { .sa_handler = ignore };

	memset(s, 0, sizeof(*s));
	for (int k = SIGRTMIN + 1; k < SIGRTMAX && k < TAP_SIGNALS; k++)
		if (sigaction(k, NULL, &s->old[k]) == 0 && s->old[k].sa_handler == SIG_DFL)
			s->taken[k] = sigaction(k, &take, NULL) == 0;
}

void tap_signals_give_back(const struct tap_signals *s)
{
	for (int k = SIGRTMIN + 1; k < SIGRTMAX && k < TAP_SIGNALS; k++)
		if (s->taken[k])
			sigaction(k, &s->old[k], NULL);
}
