/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_view.h"

enum { PEERS_FEW = 3 };

/* Takes n lines off *left if they are there. */
static bool take(int *left, int n)
{
	if (*left < n)
		return false;
	*left -= n;
	return true;
}

/* Up to `want` lines more, but not more than a third of what is left. */
static int take_third(int *left, int want)
{
	const int third = *left / 3, n = want < third ? want : third;

	if (n <= 0)
		return 0;
	*left -= n;
	return n;
}

/* Lines that there are no peers for. */
static int take_spare(struct top_layout *l, size_t n_peers, int want)
{
	const int spare = n_peers < (size_t)l->peers ? l->peers - (int)n_peers : 0, n = want < spare ? want : spare;

	if (n <= 0)
		return 0;
	l->peers -= n;
	return n;
}

struct top_layout top_layout_of(int rows, const struct top_data *d, bool foot)
{
	const int n_cores = (int)d->now.stats.n_cores, n_drops = (int)d->n_drops;
	struct top_layout l = { .title = false };
	int left = rows;

	l.title = take(&left, 1);
	if (take(&left, 1 + PEERS_FEW)) {
		l.head = true;
		l.peers = PEERS_FEW;
	}
	l.foot = foot && take(&left, 1);
	l.totals = take(&left, 1);
	if (d->now.has_stats) {
		l.cores = n_cores && take(&left, 2) ? 2 : 0;
		l.drops = take(&left, 1) ? 1 : 0;
		l.rings = take(&left, 1);
		l.ports = d->now.stats.n_ports && take(&left, 1);
		l.control = take(&left, 1);
		if (l.cores)
			l.cores += take_third(&left, n_cores - 1);
		if (l.drops)
			l.drops += take_third(&left, n_drops);
	}
	if (l.head)
		l.peers += left;
	if (l.cores)
		l.cores += take_spare(&l, d->now.n_peers, n_cores + 1 - l.cores);
	if (l.drops)
		l.drops += take_spare(&l, d->now.n_peers, n_drops + 1 - l.drops);
	return l;
}

int top_layout_rows(const struct top_data *d)
{
	return 16 + (d->now.stats.n_ports > 0) + (int)d->now.stats.n_cores + (int)d->n_drops + (int)d->now.n_peers;
}
