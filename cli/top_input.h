/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user has set, and how keys change it. No terminal. One thread. */
#ifndef WGDP_TOP_INPUT_H
#define WGDP_TOP_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "top_data.h"

enum { TOP_FILTER_LEN = 64 };	/* bytes; a whole key, a whole name */

/* Keys that are no character. */
enum top_key {
	TOP_KEY_UP = 1000, TOP_KEY_DOWN, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME, TOP_KEY_END, TOP_KEY_BACKSPACE, TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
};

struct top_ui {
	enum top_sort sort;
	bool reverse, paused, help, quit;
	bool typing;				/* the filter */
	char filter[TOP_FILTER_LEN + 1];
	double delay;				/* seconds between updates */
	size_t first;				/* peer in the first line; the view keeps it in range */
	size_t page;				/* the view's: lines there are for peers */
};

/* False: the key means nothing here. */
bool top_input_key(struct top_ui *ui, int key);

/* The sort order of that name. */
bool top_input_sort(const char *name, enum top_sort *sort);

#endif
