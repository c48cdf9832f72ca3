/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is due when:
 *
 *   notifications -> prefixes in the fib; a change is noted: verdicts are asked for again 50 ms later; of rules, links, forwarding: a survey (routes_survey.c)
 *   dump          -> all routes, at first, after lost notifications, and now and then when routes went: prefixes that it has not shown go
 *   ticks         -> a part of whatever is to be done; hosts that nobody uses go
 *
 * The first dump that is whole turns the fib on.
 */
#include "routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "routes_internal.h"

enum {
	DIRTY_DELAY_MS = 50,		/* a change seldom comes alone */
	DIRTY_GAP_MS = 1000,
	DIRTY_GAP_VERDICT_NS = 100000,
	SURVEY_GAP_MS = 100,
	DUMP_GAP_S = 1,			/* doubled for each dump in a row that was not whole, so many times: */
	DUMP_GAP_DOUBLED = 6,
	DUMP_QUIET_MS = 100,		/* without a change, */
	DUMP_QUIET_MAX_MS = 2000,	/* but not to wait longer for that */
	STALE_S = 60,			/* prefixes that may have no route any more are looked for after this, */
	STALE_SOON_S = 5,		/* or this if there are many of them: */
	STALE_MANY = 1000,		/* and a quarter of all */
};

const struct port_link *routes_link(const struct routes *r, uint32_t ifindex)
{
	const struct nexthops_host *host = nexthops_host(r->conf.lan);

	for (size_t i = 0; ifindex && i < host->n_links; i++)
		if (host->links[i].ifindex == ifindex)
			return &host->links[i];
	return NULL;
}

const struct port_link *routes_link_by_vid(const struct routes *r, uint16_t vid)
{
	const struct nexthops_host *host = nexthops_host(r->conf.lan);

	for (size_t i = 0; i < host->n_links; i++)
		if (host->links[i].vid == vid)
			return &host->links[i];
	return NULL;
}

void routes_touch(struct routes *r)
{
	r->dirty = true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* On or off. */

static const char *why_off(const struct routes *r)
{
	if (!r->ready || !r->surveyed)
		return "the host's routes are being read";
	if (r->incomplete)
		return r->incomplete;
	if (r->survey[0])
		return r->survey;
	return r->n_odd ? r->odd : "";
}

static void switch_fib(struct routes *r)
{
	const char *why = why_off(r);

	if (strcmp(why, r->off) == 0)
		return;
	snprintf(r->off, sizeof(r->off), "%s", why);
	__atomic_store_n(&r->conf.fib->off, r->off[0] != '\0', __ATOMIC_RELEASE);
	if (r->off[0] && r->ready && r->surveyed) {
		log_line(LOG_WARN, r->conf.name, "the host routes what comes from the LAN or goes there, the fast path is off: %s", r->off);
		r->told = true;
	} else if (r->told) {
		log_line(LOG_NOTICE, r->conf.name, "the LAN's fast path is on again");
		r->told = false;
	}
}

/* The dump. */

void routes_want_dump(struct routes *r, uint64_t at)
{
	at = at ? at : 1;
	if (!r->dump_due || at < r->dump_due)
		r->dump_due = at;
}

static void dump_failed(struct routes *r)
{
	const uint64_t gap = DUMP_GAP_S * ROUTES_S << (r->dump_failures < DUMP_GAP_DOUBLED ? r->dump_failures : DUMP_GAP_DOUBLED);

	r->dump_failures++;
	r->dump_earliest = r->now + gap;
	routes_want_dump(r, r->dump_earliest);
}

static void dump_begin(struct routes *r)
{
	struct dump *d = &r->dump;

	r->dump_due = 0;
	if (routes_kernel_dump(r, AF_INET) < 0) {
		dump_failed(r);
		return;
	}
	r->stale = 0;
	r->stale_due = 0;
	d->state = DUMP_IPV4;
	d->whole[0] = d->whole[1] = true;
	d->failed = NULL;
	memset(d->paused, 0, sizeof(d->paused));
	memset(d->gone, 0, sizeof(d->gone));
	prefixes_begin_dump(r);
}

static void dump_ended(struct routes *r)
{
	struct dump *d = &r->dump;

	d->state = DUMP_NONE;
	r->dump_earliest = r->now + DUMP_GAP_S * ROUTES_S;
	r->incomplete = d->failed;
	if (d->whole[0] && d->whole[1]) {
		r->dump_failures = 0;
		r->resyncs += r->lost;
		r->lost = false;
		r->ready = true;
	} else if (!r->ready || r->lost) {
		dump_failed(r);
	} else {
		r->stale++;
	}
	if (r->incomplete)
		routes_want_dump(r, r->now + STALE_S * ROUTES_S);
	routes_touch(r);
}

/* Routes of the next family, or of none: then what was told meanwhile, before anything is taken for gone. */
static void dump_read(struct routes *r)
{
	struct dump *d = &r->dump;
	int rc = routes_kernel_dump_step(r);

	if (rc == 1 && d->state == DUMP_IPV6) {
		d->state = DUMP_DRAIN;
		return;
	}
	if (rc == 1) {
		d->state = DUMP_IPV6;
		rc = routes_kernel_dump(r, AF_INET6);
	}
	if (rc < 0) {
		d->state = DUMP_NONE;
		dump_failed(r);
	}
}

/* The kernel's walk through IPv6 starts over whenever a route has changed: better wait for a pause. */
static uint64_t dump_at(const struct routes *r)
{
	uint64_t quiet = sooner(r->changed_at + DUMP_QUIET_MS * ROUTES_MS, r->dump_due + DUMP_QUIET_MAX_MS * ROUTES_MS);

	return later(later(r->dump_due, r->dump_earliest), r->changed_at ? quiet : 0);
}

static void tick_dump(struct routes *r)
{
	struct dump *d = &r->dump;

	if (r->stale && !r->stale_due)
		r->stale_due = r->now + STALE_S * ROUTES_S;
	if (r->stale > STALE_MANY + r->n_prefixes / 4 && r->stale_due > r->now + STALE_SOON_S * ROUTES_S)
		r->stale_due = r->now + STALE_SOON_S * ROUTES_S;
	if (r->stale)
		routes_want_dump(r, r->stale_due);

	if (d->state == DUMP_NONE && !r->overrun && r->dump_due && r->now >= dump_at(r))
		dump_begin(r);
	else if (d->state == DUMP_IPV4 || d->state == DUMP_IPV6)
		dump_read(r);
	else if (d->state == DUMP_DRAIN && routes_kernel_read(r))
		d->state = DUMP_SWEEP;
	else if (d->state == DUMP_SWEEP && prefixes_sweep(r))
		dump_ended(r);
}

static void tick_survey(struct routes *r)
{
	if (!r->survey_wanted || r->now < r->survey_earliest)
		return;
	r->survey_earliest = r->now + SURVEY_GAP_MS * ROUTES_MS;
	if (!survey(r))
		return;				/* again, then */
	r->survey_wanted = false;
	r->surveyed = true;
}

/* Verdicts. */

static void tick_dirty(struct routes *r)
{
	const uint64_t gap = DIRTY_GAP_MS * ROUTES_MS + r->n_judged * DIRTY_GAP_VERDICT_NS;

	if (!r->dirty)
		return;
	if (!r->dirty_due)
		r->dirty_due = r->now + DIRTY_DELAY_MS * ROUTES_MS;
	if (r->now < r->dirty_due || r->now < r->dirty_earliest)
		return;
	r->dirty_due = 0;
	r->dirty_earliest = r->now + gap;
	r->dirty = false;
	cds_list_splice(&r->judged, r->again.prev);
	CDS_INIT_LIST_HEAD(&r->judged);
}

uint64_t routes_tick(struct routes *r, uint64_t now)
{
	uint64_t next;

	r->now = now;
	tick_dump(r);
	tick_survey(r);
	tick_dirty(r);
	verdicts_again(r);
	hops_tick(r);
	next = prefixes_age_hosts(r);
	switch_fib(r);

	if (r->dump.state != DUMP_NONE || !cds_list_empty(&r->again) || !cds_list_empty(&r->hops_stale) || !cds_list_empty(&r->hops_late))
		return now;
	if (r->survey_wanted)
		next = sooner(next, r->survey_earliest);
	if (r->dump_due)
		next = sooner(next, dump_at(r));
	if (r->stale && !r->stale_due)
		return now;
	if (r->dirty)
		next = sooner(next, r->dirty_due ? later(r->dirty_due, r->dirty_earliest) : now);
	return next;
}

int routes_fd(const struct routes *r)
{
	return netlink_fd(&r->notify);
}

void routes_process(struct routes *r)
{
	routes_kernel_read(r);
}

void routes_ask(struct routes *r, const struct fib_question *q)
{
	verdict_ask(r, q);
}

void routes_state(const struct routes *r, struct routes_state *state)
{
	*state = (struct routes_state){
		.prefixes = r->n_prefixes,
		.hosts = r->n_hosts,
		.judged = r->n_judged,
		.resyncs = r->resyncs,
		.off = r->off[0] ? r->off : NULL,
	};
}

struct routes *routes_create(const struct routes_conf *conf, char err[ROUTES_ERRLEN])
{
	struct routes *r = calloc(1, sizeof(*r));
	int rc = r ? 0 : -ENOMEM;

	if (r) {
		r->conf = *conf;
		CDS_INIT_LIST_HEAD(&r->seen);
		CDS_INIT_LIST_HEAD(&r->unseen);
		CDS_INIT_LIST_HEAD(&r->hosts);
		CDS_INIT_LIST_HEAD(&r->judged);
		CDS_INIT_LIST_HEAD(&r->again);
		CDS_INIT_LIST_HEAD(&r->hops);
		CDS_INIT_LIST_HEAD(&r->hops_stale);
		CDS_INIT_LIST_HEAD(&r->hops_late);
		rc = routes_kernel_open(r);
	}
	if (rc < 0) {
		snprintf(err, ROUTES_ERRLEN, "cannot follow the host's routes: %s", strerror(-rc));
		routes_destroy(r);
		return NULL;
	}
	r->dirty = r->survey_wanted = true;
	routes_want_dump(r, 0);
	switch_fib(r);
	return r;
}

void routes_destroy(struct routes *r)
{
	if (!r)
		return;
	prefixes_free(r);
	free(r->rules.v);
	routes_kernel_close(r);
	free(r);
}
