/* SPDX-License-Identifier: BSD-3-Clause */
/* How the data are laid out on a screen of any size. A function of its arguments: no clock, no terminal. One thread. */
#ifndef WGDP_TOP_VIEW_H
#define WGDP_TOP_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "top_data.h"
#include "top_input.h"
#include "top_screen.h"

/* How many lines each part has; those that are left over for nothing else are for peers. */
struct top_layout {
	bool title, totals, rings, ports, control, head, foot;
	int cores, drops;	/* with their heads; 0: not there */
	int peers;
};

/* `foot`: a last line for keys and faults is wanted. Parts go in the order of their worth when there is not enough room. */
struct top_layout top_layout_of(int rows, const struct top_data *d, bool foot);

/* Rows that show everything. */
int top_layout_rows(const struct top_data *d);

struct top_moment {
	uint64_t now;		/* seconds since 1970 */
	const char *clock;	/* the same for people, "12:34:56"; empty: not shown */
	const char *fault;	/* why the process does not answer, NULL: it does */
	bool keys;		/* there is somebody to press them */
};

/* Draws d (which has a snapshot) over all of the screen; sets ui->page, and ui->first so that no line is empty that need not be. */
void top_view_render(struct top_data *d, struct top_ui *ui, const struct top_moment *m, struct top_screen *s);

#endif
