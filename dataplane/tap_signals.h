/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's tap driver has the kernel send the process a real-time signal for each frame, so that an empty look costs no system call: for whoever sleeps the wrong one, deadly
 * where the signal queue overflows, and no frame is seen before its signal has been delivered, to whichever thread. It goes without where all of those signals have handlers.
 * Private to dataplane/; control thread.
 */
#ifndef WGDP_TAP_SIGNALS_H
#define WGDP_TAP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

enum { TAP_SIGNALS = 65 };

struct tap_signals {
	struct sigaction old[TAP_SIGNALS];
	bool taken[TAP_SIGNALS];
};

/* Before a tap device is plugged in, until its queues have been set up: between the two the process ignores those signals. */
void tap_signals_take(struct tap_signals *s);
void tap_signals_give_back(const struct tap_signals *s);

#endif
