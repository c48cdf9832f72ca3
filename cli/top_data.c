/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From two snapshots to rates. Counters of the process are compared by its own uptime, bytes of peers by when their answers came. A process that
 * was started anew (another id, or a shorter uptime) is not compared with what it was before. Peers of both snapshots stand at the same place
 * mostly; those that do not are found by a hash of their keys, made when first needed.
 */
#include "top_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const top_sort_name[TOP_SORT_N] = { "rate", "tx", "rx", "handshake", "peer", "endpoint" };

enum { CONNECTED_SECONDS = 180 };

struct index {
	uint32_t *slot;		/* place of a peer + 1, 0: free */
	size_t mask;
};

void top_data_init(struct top_data *d)
{
	memset(d, 0, sizeof(*d));
	d->seconds = NAN;
}

void top_data_fini(struct top_data *d)
{
	if (d->n_snapshots > 0)
		remote_fini(&d->now);
	if (d->n_snapshots > 1)
		remote_fini(&d->before);
	free(d->peers);
	free(d->pick);
	free(d->cores);
	top_data_init(d);
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	if (!(seconds > 0))
		return NAN;
	return now > before ? (double)(now - before) / seconds : 0;
}

double top_data_rate(const struct top_data *d, uint64_t now, uint64_t before)
{
	return rate(now, before, d->seconds);
}

double top_data_control(const struct top_data *d, const char *name)
{
	return top_data_rate(d, remote_counter(&d->now.stats.control, name, 0), remote_counter(&d->before.stats.control, name, 0));
}

static size_t key_hash(const uint8_t key[CONF_KEY_LEN])
{
	size_t h;

	memcpy(&h, key, sizeof(h));
	return h * 0x9e3779b97f4a7c15 >> 20;
}

static bool index_make(struct index *x, const struct remote_iface *i)
{
	size_t size = 64;

	while (size < 2 * i->n_peers)
		size *= 2;
	x->slot = calloc(size, sizeof(*x->slot));
	if (!x->slot)
		return false;
	x->mask = size - 1;
	for (size_t k = 0; k < i->n_peers; k++) {
		size_t at = key_hash(i->peers[k].public_key) & x->mask;

		while (x->slot[at])
			at = (at + 1) & x->mask;
		x->slot[at] = (uint32_t)k + 1;
	}
	return true;
}

static bool same_key(const struct remote_peer *p, const struct remote_peer *q)
{
	return memcmp(p->public_key, q->public_key, CONF_KEY_LEN) == 0;
}

/* The same peer in the snapshot before, which stood at place k, or else is in the index. NULL: it is new. */
static const struct remote_peer *peer_before(const struct remote_iface *before, struct index *x, const struct remote_peer *p, size_t k)
{
	if (k < before->n_peers && same_key(&before->peers[k], p))
		return &before->peers[k];
	if (!x->slot && !index_make(x, before))
		return NULL;
	for (size_t at = key_hash(p->public_key) & x->mask; x->slot[at]; at = (at + 1) & x->mask)
		if (same_key(&before->peers[x->slot[at] - 1], p))
			return &before->peers[x->slot[at] - 1];
	return NULL;
}

static void peer_rates(struct top_data *d)
{
	const struct remote_iface *before = d->n_snapshots > 1 ? &d->before : NULL;
	const double seconds = before ? (double)(int64_t)(d->now.get_ns - before->get_ns) / 1e9 : NAN;
	struct index x = { .slot = NULL };

	d->rx = d->tx = before ? 0 : NAN;
	for (size_t k = 0; k < d->now.n_peers; k++) {
		const struct remote_peer *p = &d->now.peers[k];
		const struct remote_peer *old = before ? peer_before(before, &x, p, k) : NULL;

		d->peers[k].peer = p;
		d->peers[k].rx = old ? rate(p->rx_bytes, old->rx_bytes, seconds) : NAN;
		d->peers[k].tx = old ? rate(p->tx_bytes, old->tx_bytes, seconds) : NAN;
		if (old) {
			d->rx += d->peers[k].rx;
			d->tx += d->peers[k].tx;
		}
	}
	free(x.slot);
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static uint64_t stage_ticks(const struct top_core *c, unsigned int k)
{
	const struct remote_counter *s = &c->core->stages.c[k];

	return grown(s->value, c->before ? remote_counter(&c->before->stages, s->name, k) : 0);
}

double top_data_stage(const struct top_core *c, unsigned int k)
{
	return c->ticks > 0 ? (double)stage_ticks(c, k) / c->ticks : 0;
}

static void core_rates(struct top_data *d, struct top_core *t)
{
	static const struct remote_core none;
	const struct remote_core *c = t->core, *b = t->before ? t->before : &none;
	const double seconds = t->before ? d->seconds : NAN;
	const uint64_t batches = grown(c->batches, b->batches);

	t->ticks = 0;
	t->load = 0;
	for (unsigned int k = 0; k < c->stages.n; k++)
		t->ticks += (double)stage_ticks(t, k);
	for (unsigned int k = 0; k < c->stages.n; k++)
		if (strcmp(c->stages.c[k].name, "rest"))
			t->load += top_data_stage(t, k);
	t->fill = batches ? (double)grown(c->batched, b->batched) / (double)batches : NAN;
	t->packets = rate(c->packets.outer_rx, b->packets.outer_rx, seconds) + rate(c->packets.inner_rx, b->packets.inner_rx, seconds) +
		     rate(c->packets.lan_rx, b->packets.lan_rx, seconds);
	t->sleeps = rate(c->sleeps, b->sleeps, seconds);
	t->wakes = rate(c->wakes, b->wakes, seconds);
	d->outer_rx += rate(c->packets.outer_rx, b->packets.outer_rx, seconds);
	d->outer_tx += rate(c->packets.outer_tx, b->packets.outer_tx, seconds);
	d->inner_rx += rate(c->packets.inner_rx, b->packets.inner_rx, seconds);
	d->inner_tx += rate(c->packets.inner_tx, b->packets.inner_tx, seconds);
}

static int order_cores(const void *a, const void *b)
{
	const struct top_core *x = a, *y = b;

	if (x->load > y->load || x->load < y->load)
		return x->load > y->load ? -1 : 1;
	return x->core->cpu < y->core->cpu ? -1 : x->core->cpu > y->core->cpu;
}

static void cores(struct top_data *d)
{
	const struct remote_stats *now = &d->now.stats, *before = d->n_snapshots > 1 ? &d->before.stats : NULL;

	d->outer_rx = d->outer_tx = d->inner_rx = d->inner_tx = 0;
	for (unsigned int k = 0; k < now->n_cores; k++) {
		struct top_core *c = &d->cores[k];

		c->core = &now->core[k];
		c->before = before && k < before->n_cores && before->core[k].cpu == c->core->cpu ? &before->core[k] : NULL;
		core_rates(d, c);
	}
	qsort(d->cores, now->n_cores, sizeof(d->cores[0]), order_cores);
}

static int order_drops(const void *a, const void *b)
{
	const struct top_drop *x = a, *y = b;

	if (x->rate > y->rate || x->rate < y->rate)
		return x->rate > y->rate ? -1 : 1;
	return x->total > y->total ? -1 : x->total < y->total;
}

static void drops(struct top_data *d)
{
	const struct remote_counters *now = &d->now.stats.drops;

	d->n_drops = 0;
	d->drop_rate = d->n_snapshots > 1 ? 0 : NAN;
	for (unsigned int k = 0; k < now->n; k++) {
		const struct remote_counter *c = &now->c[k];
		const double r = top_data_rate(d, c->value, remote_counter(&d->before.stats.drops, c->name, k));

		if (!(r > 0))
			continue;
		d->drops[d->n_drops++] = (struct top_drop){ .name = c->name, .rate = r, .total = c->value };
		d->drop_rate += r;
	}
	qsort(d->drops, d->n_drops, sizeof(d->drops[0]), order_drops);
}

static unsigned int connected(const struct remote_iface *i, uint64_t now)
{
	unsigned int n = 0;

	if (i->has_stats)
		return (unsigned int)i->stats.connected;
	for (size_t k = 0; k < i->n_peers; k++)
		n += i->peers[k].handshake_sec && now < i->peers[k].handshake_sec + CONNECTED_SECONDS;
	return n;
}

/* Whether what a process counted before can be compared with what it counts now. */
static bool same_process(const struct remote_iface *now, const struct remote_iface *before)
{
	return now->has_stats == before->has_stats && now->stats.pid == before->stats.pid &&
	       now->stats.uptime_ns >= before->stats.uptime_ns;
}

bool top_data_take(struct top_data *d, struct remote_iface *i, uint64_t now)
{
	struct top_peer *peers = calloc(i->n_peers + 1, sizeof(*peers)), **pick = calloc(i->n_peers + 1, sizeof(*pick));
	struct top_core *of_cores = calloc(i->stats.n_cores + 1, sizeof(*of_cores));

	if (!peers || !pick || !of_cores) {
		free(peers);
		free(pick);
		free(of_cores);
		return false;
	}
	free(d->peers);
	free(d->pick);
	free(d->cores);
	d->peers = peers;
	d->pick = pick;
	d->cores = of_cores;
	if (d->n_snapshots > 1)
		remote_fini(&d->before);
	d->before = d->now;
	d->now = *i;
	d->n_snapshots = d->n_snapshots ? 2 : 1;
	if (d->n_snapshots == 2 && !same_process(&d->now, &d->before)) {
		remote_fini(&d->before);
		d->n_snapshots = 1;
	}
	d->seconds = d->n_snapshots < 2 || !d->now.has_stats ? NAN : (double)(d->now.stats.uptime_ns - d->before.stats.uptime_ns) / 1e9;
	d->connected = connected(i, now);
	peer_rates(d);
	cores(d);
	drops(d);
	return true;
}
