/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the service manager is told, by sd_notify(3): that the interfaces are up, that files are read again, the end, a line of text, and
 * that the control thread's loop turns. Without NOTIFY_SOCKET in the environment nothing of this does anything. Control thread.
 */
#ifndef WGDP_NOTIFY_H
#define WGDP_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
	uint64_t interval_ns;	/* between two pings of the watchdog: half of what it waits; 0: there is none */
	uint64_t next_ns;	/* monotonic, of the next ping */
	bool stopping;
};

/* Reads WATCHDOG_USEC and WATCHDOG_PID. In the process that will run the interfaces: after background_start. */
void notify_init(struct notify *n);

/* All interfaces are up, PostUp included. */
void notify_ready(void);

/*
 * A file is being read again, and has been, whatever came of it. Before notify_ready they say nothing: the start is not over, because one
 * of several interfaces is not up yet.
 */
void notify_reloading(void);
void notify_reloaded(void);

/* The line that systemctl status shows. */
__attribute__((format(printf, 1, 2))) void notify_status(const char *fmt, ...);

/* The end has begun. PreDown and PostDown commands may take their time: the watchdog waits for no more pings. */
void notify_stopping(struct notify *n);

/*
 * To be called in each round of the loop, and by nothing else: pings the watchdog if half of its time is over. Returns when to call
 * again (monotonic ns), UINT64_MAX: need not be.
 */
uint64_t notify_tick(struct notify *n, uint64_t now);

#endif
