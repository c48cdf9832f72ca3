/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A page is a walk: over families, in each over interfaces, in each over items (one, or drop reasons, or cores, or slots of peers), and each
 * item is a line or none. Where the walk stands is three numbers, so it may pause anywhere. What the families are is metrics_families.c's, HTTP
 * is metrics_server.c's, the format's details are metrics_text.c's.
 */
#include "metrics_page.h"

#include <stdlib.h>
#include <string.h>

#include "iface.h"
#include "metrics_families.h"

enum { ITEMS_PER_READ = 2048 };	/* looked at, lines or not */

struct metrics_page {
	struct snapshot *snapshot;
	bool openmetrics;
	/* the walk */
	unsigned int family, iface, item;
	bool headed;			/* the family's header is written */
	bool ended;
	struct metrics_line line;
	size_t line_at;			/* what of it has been read */
	unsigned int n;
	struct page_iface ifaces[];
};

struct metrics_page *metrics_page_begin(const struct metrics_iface *ifaces, unsigned int n, struct snapshot *snapshot, bool openmetrics)
{
	struct metrics_page *p = calloc(1, sizeof(*p) + n * sizeof(p->ifaces[0]));

	if (!p)
		return NULL;
	p->snapshot = snapshot;
	snapshot->refs++;
	p->openmetrics = openmetrics;
	p->n = n;
	for (unsigned int k = 0; k < n; k++) {
		p->ifaces[k].is = ifaces[k];
		p->ifaces[k].generation = ifaces[k].iface ? ifaces[k].iface->peers.generation : 0;
	}
	return p;
}

void metrics_page_forget(struct metrics_page *p, const struct iface *i)
{
	for (unsigned int k = 0; k < p->n; k++)
		if (p->ifaces[k].is.iface == i)
			p->ifaces[k].is.iface = NULL;
}

void metrics_page_end(struct metrics_page *p)
{
	if (!p)
		return;
	snapshot_put(p->snapshot);
	free(p);
}

/* The walk's next step within the families; its line may be empty. */
static void step(struct metrics_page *p)
{
	const struct family *f = &metrics_families[p->family];
	const struct page_iface *i = &p->ifaces[p->iface];

	if (!p->headed) {
		metrics_header(&p->line, &f->name, p->openmetrics);
		p->headed = true;
	} else if (p->iface == p->n || (p->iface && f->items == metrics_of_process)) {
		p->family++;
		p->iface = p->item = 0;
		p->headed = false;
	} else if (p->item >= f->items(&p->snapshot->stats[p->iface], i)) {
		p->iface++;
		p->item = 0;
	} else {
		f->write(&(struct row){ &p->line, &f->name, &p->snapshot->stats[p->iface], i, p->item, f->value });
		p->item++;
	}
}

/* The next line, or an empty one. False: there is no more. */
static bool next_line(struct metrics_page *p)
{
	p->line.len = p->line_at = 0;
	if (p->family < metrics_n_families) {
		step(p);
		return true;
	}
	if (p->ended)
		return false;
	p->ended = true;
	if (p->openmetrics)
		metrics_str(&p->line, "# EOF\n");
	return true;
}

ssize_t metrics_page_read(struct metrics_page *p, char *buf, size_t max)
{
	size_t len = 0;

	for (int k = 0; k < ITEMS_PER_READ; k++) {
		size_t n = p->line.len - p->line_at;

		n = n < max - len ? n : max - len;
		memcpy(buf + len, p->line.text + p->line_at, n);
		len += n;
		p->line_at += n;
		if (len == max)
			break;
		if (!next_line(p))
			return len ? (ssize_t)len : -1;
	}
	return len;
}
