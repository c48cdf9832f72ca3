/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which peers are on the screen: of all that match, only the places that are seen are sorted. Two selections (a partition around a pivot, again
 * and again, on the side where the place is) put what belongs before and behind them there; that is linear, where sorting 100,000 is not.
 */
#include <stdlib.h>
#include <string.h>

#include "top_data.h"

struct order {
	enum top_sort sort;
	bool reverse;
};

/* NAN is nothing. */
static double number(double rate)
{
	return rate > 0 ? rate : 0;
}

/* Higher rates first. */
static int by_rate(double x, double y)
{
	x = number(x);
	y = number(y);
	return x > y ? -1 : x < y;
}

static int by_handshake(const struct remote_peer *p, const struct remote_peer *q)
{
	if (p->handshake_sec != q->handshake_sec)
		return p->handshake_sec > q->handshake_sec ? -1 : 1;
	return p->handshake_nsec > q->handshake_nsec ? -1 : p->handshake_nsec < q->handshake_nsec;
}

/* Numbers in addresses by their value; who has no endpoint comes last. */
static int by_endpoint(const struct remote_peer *p, const struct remote_peer *q)
{
	if (!*p->endpoint || !*q->endpoint)
		return !*p->endpoint - !*q->endpoint;
	return strverscmp(p->endpoint, q->endpoint);
}

/* As they are shown: names first. */
static int by_name(const struct remote_peer *p, const struct remote_peer *q)
{
	if (!*p->name || !*q->name)
		return !*p->name - !*q->name;
	return strverscmp(p->name, q->name);
}

/* Never 0 for two peers: so the order is the same each time, and equals cannot make the selection slow. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct top_peer *x = *(struct top_peer *const *)a, *y = *(struct top_peer *const *)b;
	const struct order *o = arg;
	int c = 0;

	switch (o->sort) {
	case TOP_SORT_RATE:
		c = by_rate(number(x->rx) + number(x->tx), number(y->rx) + number(y->tx));
		break;
	case TOP_SORT_TX:
		c = by_rate(x->tx, y->tx);
		break;
	case TOP_SORT_RX:
		c = by_rate(x->rx, y->rx);
		break;
	case TOP_SORT_ENDPOINT:
		c = by_endpoint(x->peer, y->peer);
		break;
	case TOP_SORT_PEER:
		c = by_name(x->peer, y->peer);
		break;
	case TOP_SORT_HANDSHAKE:
	default:
		break;
	}
	if (!c && o->sort != TOP_SORT_PEER && o->sort != TOP_SORT_ENDPOINT)
		c = by_handshake(x->peer, y->peer);
	if (!c)
		c = memcmp(x->peer->public_key, y->peer->public_key, CONF_KEY_LEN);
	if (!c)
		c = x < y ? -1 : x > y;
	return o->reverse ? -c : c;
}

static void swap(struct top_peer **a, struct top_peer **b)
{
	struct top_peer *t = *a;

	*a = *b;
	*b = t;
}

/* The median of first, middle and last goes to the front of n >= 3. */
static void choose_pivot(struct top_peer **p, size_t n, struct order *o)
{
	struct top_peer **a = &p[0], **b = &p[n / 2], **c = &p[n - 1];

	if (compare(b, a, o) < 0)
		swap(a, b);
	if (compare(c, b, o) < 0)
		swap(b, c);
	if (compare(b, a, o) < 0)
		swap(a, b);
	swap(&p[0], b);
}

/* Puts what belongs to the places before `at` there, and the rest behind. */
static void split(struct top_peer **p, size_t n, size_t at, struct order *o)
{
	while (n > 3 && at > 0 && at < n) {
		size_t less = 0;

		choose_pivot(p, n, o);
		for (size_t k = 1; k < n; k++)
			if (compare(&p[k], &p[0], o) < 0)
				swap(&p[k], &p[++less]);
		swap(&p[0], &p[less]);
		if (at <= less) {
			n = less;
		} else {
			p += less + 1;
			n -= less + 1;
			at -= less + 1;
		}
	}
	if (n <= 3)
		qsort_r(p, n, sizeof(*p), compare, o);
}

static bool matches(const struct remote_iface *i, const struct remote_peer *p, const char *filter)
{
	char key[CONF_KEY_B64_LEN + 1], prefix[REMOTE_TEXT];

	if (strstr(p->name, filter) || strstr(p->endpoint, filter))
		return true;
	conf_key_encode(key, p->public_key);
	if (strstr(key, filter))
		return true;
	for (uint32_t k = 0; k < p->n_prefixes; k++)
		if (strstr(remote_prefix_text(prefix, &i->prefixes[p->first_prefix + k]), filter))
			return true;
	return false;
}

size_t top_pick(struct top_data *d, enum top_sort sort, bool reverse, const char *filter, size_t first, size_t n)
{
	struct order o = { sort, reverse };
	size_t found = 0;

	for (size_t k = 0; k < d->now.n_peers; k++)
		if (!*filter || matches(&d->now, d->peers[k].peer, filter))
			d->pick[found++] = &d->peers[k];
	if (first >= found || !n)
		return found;
	if (n > found - first)
		n = found - first;
	split(d->pick, found, first, &o);
	split(d->pick + first, found - first, n, &o);
	qsort_r(d->pick + first, n, sizeof(*d->pick), compare, &o);
	return found;
}
