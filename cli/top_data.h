/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `wgdp top` shows: the last two snapshots of an interface, and the rates between them. A rate is NAN while there is only one snapshot of
 * what it is of, and 0, never less, if a counter went back. No terminal, no socket. One thread.
 */
#ifndef WGDP_TOP_DATA_H
#define WGDP_TOP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "remote.h"

enum top_sort { TOP_SORT_RATE, TOP_SORT_TX, TOP_SORT_RX, TOP_SORT_HANDSHAKE, TOP_SORT_PEER, TOP_SORT_ENDPOINT, TOP_SORT_N };

extern const char *const top_sort_name[TOP_SORT_N];

/* Bytes a second. */
struct top_peer {
	const struct remote_peer *peer;
	double rx, tx;
};

struct top_core {
	const struct remote_core *core;
	const struct remote_core *before;	/* NULL: none to compare with, all of it is since the start */
	double load;		/* 0 to 1 */
	double packets;		/* received outside and inside, a second */
	double fill;		/* packets a batch; NAN: no batch */
	double sleeps, wakes;	/* a second */
	double ticks;		/* of all stages */
};

struct top_drop {
	const char *name;
	double rate;		/* packets a second */
	uint64_t total;
};

struct top_data {
	struct remote_iface now, before;
	unsigned int n_snapshots;	/* 0, 1 or 2 of the two above */
	double seconds;			/* between them as the process has it, NAN: only one, or no stats=1 */
	struct top_peer *peers;		/* as now.peers */
	struct top_peer **pick;		/* of top_pick */
	struct top_core *cores;		/* by load */
	struct top_drop drops[REMOTE_COUNTERS];	/* by rate, those that are not 0 */
	unsigned int n_drops;
	double rx, tx;			/* of all peers */
	double drop_rate;
	double outer_rx, outer_tx, inner_rx, inner_tx;	/* packets a second, all cores */
	unsigned int connected;		/* peers with a handshake under 180 s old; of an interface without stats by our clock */
};

void top_data_init(struct top_data *d);
void top_data_fini(struct top_data *d);

/* Another snapshot, which is the data's from now on. `now`: seconds since 1970. False: no memory, and *i is still the caller's. */
bool top_data_take(struct top_data *d, struct remote_iface *i, uint64_t now);

/* How much a counter grew a second. NAN without two snapshots. */
double top_data_rate(const struct top_data *d, uint64_t now, uint64_t before);

/* A control counter's rate. */
double top_data_control(const struct top_data *d, const char *name);

/* How much of a core's time went into its stage k (of now's list), from 0 to 1. */
double top_data_stage(const struct top_core *c, unsigned int k);

/*
 * The peers to show: those that match `filter` (part of name, key, endpoint or an allowed IP; empty: all) in the order of `sort`; places `first` to
 * `first + n` of these are then sorted in d->pick[first ...], the others are not. Returns how many match.
 */
size_t top_pick(struct top_data *d, enum top_sort sort, bool reverse, const char *filter, size_t first, size_t n);

#endif
