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

struct dataplane;
struct peer;
struct outer;

struct outer_conf {
	const char *device;		/* conf's Outer */
	const char *mirror;		/* DPDK owns the device, and this is the host's interface on it; NULL: the host keeps the netdev, or it is the kernel port */
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

/* Host order; 0: a port in memory, which has none. Any thread. */
uint16_t outer_listen_port(const struct outer *o);

/*
 * Another listen port (host order, 0: a free one other than ours) while the cores run. 0: it is ours, but nothing has changed yet;
 * outer_listen_commit or outer_listen_abort must follow. -errno with a line in err and nothing prepared: -EADDRINUSE (somebody else has
 * it), -EOPNOTSUPP (a port in memory). The port that we have already: 0, and nothing is to change. A second one takes the first one back.
 */
int outer_listen_prepare(struct outer *o, uint16_t port, char err[PORT_ERRLEN]);
/* What has been prepared is used from now on; the cores of `dp` (NULL: there are none yet) wake by it. Cannot fail. */
void outer_listen_commit(struct outer *o, struct dataplane *dp);
/* It is given up. Nothing prepared: nothing happens. */
void outer_listen_abort(struct outer *o);

/*
 * The firewall mark of what we send from now on, 0: none. Kernel port: of all sockets, also those that are prepared; 0, or -errno with all
 * as they were. Ethdev: next hops are looked up anew with it in the next rounds, the old ways serve meanwhile; 0. In memory: 0.
 * Addresses that peers are to be answered from stay; routing may want others now (roam_forget_source).
 */
int outer_set_fwmark(struct outer *o, uint32_t fwmark);

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
