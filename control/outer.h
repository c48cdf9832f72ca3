/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port as the control thread sees it: which kind it is, and how an endpoint becomes a way (struct rewrite) to it. For the
 * kernel port that is the endpoint itself; for an ethdev port the host's routes and neighbours decide, and are followed.
 */
#ifndef WGDP_OUTER_H
#define WGDP_OUTER_H

#include "conf.h"
#include "loop.h"
#include "port.h"

struct peer;
struct outer;

struct outer_conf {
	const char *device;		/* conf's Outer */
	uint16_t n_queues;
	uint16_t listen_port;
	uint32_t fwmark;
	struct rte_mempool *pool;
	const char *name;		/* of the interface, for the log */
	struct loop *loop;
};

/* NULL: why stands in err. */
struct outer *outer_create(const struct outer_conf *conf, char err[PORT_ERRLEN]);
/*
 * On a port of the caller's making (a port in memory), to which an endpoint is all it needs to know, as it is for the kernel port. From
 * then on it is the outer's.
 */
struct outer *outer_on_port(struct port *port, char err[PORT_ERRLEN]);
/* After every peer has left it (outer_forget). NULL is allowed. */
void outer_destroy(struct outer *o);

struct port *outer_port(const struct outer *o);
/* Does this Outer sleep without traffic, and take any number of queues? */
bool outer_is_kernel(const char *device);
uint16_t outer_listen_port(const struct outer *o);

/*
 * The peer is at `ep` now: publishes the way there as p->dp.rewrite, unless nothing has changed. `back`: the way
 * that its last message came by (NULL: none came), used until the next hop is known.
 */
void outer_set_endpoint(struct outer *o, struct peer *p, const struct endpoint *ep, const struct rewrite *back);

/* Is there anything published by which p can be reached? */
bool outer_has_way(const struct outer *o, const struct peer *p);

/* The peer has no endpoint any more, or goes away: no rewrite. */
void outer_forget(struct outer *o, struct peer *p);

/* Housekeeping of next hops; returns when to call again (monotonic ns). */
uint64_t outer_tick(struct outer *o, uint64_t now);

#endif
