/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum { STATUS_LEN = 160 };

void notify_init(struct notify *n)
{
	uint64_t usec = 0;

	*n = (struct notify){ 0 };
	if (getenv("NOTIFY_SOCKET") && sd_watchdog_enabled(0, &usec) > 0)
		n->interval_ns = usec * 1000 / 2;
}

static bool ready;	/* of the process, as the service manager is */

void notify_ready(void)
{
	ready = true;
	sd_notify(0, "READY=1");
}

/* systemd's Type=notify-reload wants to know when the reload began, to tell one from the next. */
void notify_reloading(void)
{
	struct timespec t;

	if (!ready)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", t.tv_sec * 1000000ULL + t.tv_nsec / 1000);
}

void notify_reloaded(void)
{
	if (ready)
		sd_notify(0, "READY=1");
}

void notify_status(const char *fmt, ...)
{
	char text[STATUS_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

void notify_stopping(struct notify *n)
{
	if (n->stopping)
		return;
	n->stopping = true;
	sd_notify(0, "STOPPING=1\nSTATUS=Taking the interfaces down");
	n->interval_ns = 0;
}

uint64_t notify_tick(struct notify *n, uint64_t now)
{
	if (!n->interval_ns)
		return UINT64_MAX;
	if (now >= n->next_ns) {
		sd_notify(0, "WATCHDOG=1");
		n->next_ns = now + n->interval_ns;
	}
	return n->next_ns;
}
