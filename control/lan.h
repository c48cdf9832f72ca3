/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LAN port as the control thread sees it: the port, the host's interfaces and neighbours on it, and the host's decisions that its packets are forwarded by. Control thread.
 */
#ifndef WGDP_LAN_H
#define WGDP_LAN_H

#include <stdbool.h>

#include "loop.h"
#include "port.h"
#include "routes.h"

struct dataplane;
struct lan;

struct lan_conf {
	const char *device, *mirror;	/* conf's Lan */
	uint16_t n_queues;
	struct rte_mempool *pool;
	const char *name;		/* of the interface, for the log */
	struct loop *loop;
};

/* Port and mirror. NULL: why stands in err. */
struct lan *lan_create(const struct lan_conf *conf, char err[PORT_ERRLEN]);

/* From now on dp's fib follows the host's routes, `tunnel_ifindex` being what leads into the tunnel. Before dp's cores start. 0, or -1 with a line in err. */
int lan_follow(struct lan *l, struct dataplane *dp, uint32_t tunnel_ifindex, char err[PORT_ERRLEN]);

/* After the cores have ended, before the data path goes. NULL is allowed, also below. */
void lan_unfollow(struct lan *l);
/* Port and mirror are gone, but for what lan_destroy does: port_lan_take_out. */
void lan_take_out(struct lan *l);
void lan_destroy(struct lan *l);

struct port *lan_port(const struct lan *l);

/* What cores have asked since the last time, a bounded part of it, and housekeeping; returns when to call again (monotonic ns; now: at once). */
uint64_t lan_tick(struct lan *l, uint64_t now);

/* What is to be shown of its routes. False: there are none. */
bool lan_routes_state(const struct lan *l, struct routes_state *state);

#endif
