/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prometheus reads metrics here: GET /metrics by HTTP on the address that conf's `Metrics` names. Interfaces that name the same address share
 * one server and one page. Driven from the control thread's loop, no threads: a round of it costs a fraction of a millisecond, whatever
 * clients do; the connections, their memory and their time are bounded. Control thread.
 */
#ifndef WGDP_METRICS_H
#define WGDP_METRICS_H

#include <stdint.h>

#include "loop.h"

enum { METRICS_ERRLEN = 256 };

struct conf;
struct iface;
struct metrics;

/* NULL: no memory. */
struct metrics *metrics_create(struct loop *l);

/* Closes all servers. NULL is allowed. */
void metrics_destroy(struct metrics *m);

/*
 * Shows the interface where i->conf->metrics says; nothing to do without it. 0; or -1 with one line for the user in err (without
 * "Metrics:" in front), and nothing changed. The interface is whole (its data path is there).
 */
int metrics_add(struct metrics *m, struct iface *i, char err[METRICS_ERRLEN]);

/*
 * From now on it is shown as `conf` says, or not any more. Where that is the same address, pages under way go on. Returns as metrics_add
 * does: what cannot be is an error, and the interface stays where it was.
 */
int metrics_move(struct metrics *m, struct iface *i, const struct conf *conf, char err[METRICS_ERRLEN]);

/* Before the interface goes. A server that is left without any is closed. One that was not added is fine. */
void metrics_remove(struct metrics *m, struct iface *i);

/* A round: goes on with what is under way, cuts off who is too slow. Returns when to call again (monotonic ns; now: at once). */
uint64_t metrics_tick(struct metrics *m, uint64_t now);

#endif
