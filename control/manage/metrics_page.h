/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The page of metrics, in pieces: what concerns interfaces and cores as it was when the page was begun; peers as they are when their line is
 * written, so that a page of 100,000 of them neither holds the control thread nor needs memory. Peers may be added and removed between
 * pieces: those that go are left out from then on, those that come are not on this page. Control thread.
 */
#ifndef WGDP_METRICS_PAGE_H
#define WGDP_METRICS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "snapshot.h"

/* An interface on a page. */
struct metrics_iface {
	const struct iface *iface;	/* NULL: it is gone */
	bool peers;			/* each peer is shown */
};

struct metrics_page;

/*
 * Of n interfaces, at least one, whose counters `snapshot` has in the same order: a reference to it is taken. NULL: no memory.
 */
struct metrics_page *metrics_page_begin(const struct metrics_iface *ifaces, unsigned int n, struct snapshot *snapshot, bool openmetrics);

/*
 * The next bytes, at most max (over 0). Returns how many; 0: none yet, but the page goes on; -1: that was all. Bounded work: a few
 * hundred microseconds for 64 KiB.
 */
ssize_t metrics_page_read(struct metrics_page *p, char *buf, size_t max);

/* That interface goes away: none of its peers are on the rest of the page. */
void metrics_page_forget(struct metrics_page *p, const struct iface *i);

/* NULL is allowed. */
void metrics_page_end(struct metrics_page *p);

#endif
