/* SPDX-License-Identifier: BSD-3-Clause */
/* What is on the page of metrics: a table of families, each with who writes its lines. metrics_page.c walks over it. Control thread. */
#ifndef WGDP_METRICS_FAMILIES_H
#define WGDP_METRICS_FAMILIES_H

#include "metrics_page.h"
#include "metrics_text.h"

/* An interface on a page that is under way. */
struct page_iface {
	struct metrics_iface is;
	uint32_t generation;		/* of the last peer that is on this page */
};

/* What a line is about. */
struct row {
	struct metrics_line *line;
	const struct metrics_name *name;
	const struct stats *s;
	const struct page_iface *iface;
	unsigned int item;
	size_t value;			/* which of the values that the function knows */
};

struct family {
	struct metrics_name name;
	/* How many items an interface has, which may change between two calls. */
	unsigned int (*items)(const struct stats *s, const struct page_iface *i);
	void (*write)(const struct row *r);	/* of one item; nothing, where there is no such line */
	size_t value;
};

/* `items` of what is the process's, and not each interface's: it is written for the first of them only. */
unsigned int metrics_of_process(const struct stats *s, const struct page_iface *i);

extern const struct family metrics_families[];
extern const unsigned int metrics_n_families;

#endif
