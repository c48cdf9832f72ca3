/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps a fib (dataplane/fib.h) what the host's routing is, over netlink: all prefixes of all its tables and of its rules' destinations, followed as they change; verdicts,
 * asked of the kernel (RTM_GETROUTE with the incoming interface) when a core has asked; host prefixes for neighbours of the LAN, taken away again when nobody uses them.
 *
 * A change of routes, rules, addresses or of forwarding makes all verdicts that are in use be asked for again, a part of them at each tick, the old ones serving
 * meanwhile: 50 ms after the first change of a burst, and in a lasting storm not more often than once in 1 s + 0.1 ms for each. Prefixes come at once; those that
 * lost a route stay, which harms nobody, until all routes have been read again: 60 s later, or 5 s where they are many. Notifications that the kernel dropped make
 * everything be read again, too.
 *
 * Where the host decides by more than destination and direction, the fib is off, and the log says why, once: rules by source, TOS, protocol, ports, user; routes by source or
 * TOS; where there is more than one link on the LAN port, rules by one of them, links in different VRFs or with other IPv4 forwarding; a link in a bridge. Also with more prefixes than
 * ROUTES_MAX, and until all routes have been read for the first time.
 *
 * Control thread only; everything in the network namespace of routes_create. No call blocks for longer than the kernel takes for a few hundred requests; all of its routes are
 * read a part a tick.
 */
#ifndef WGDP_ROUTES_H
#define WGDP_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fib.h"
#include "nexthop.h"

struct port;
struct routes;

enum {
	ROUTES_MAX = 4000000,		/* prefixes: three times the Internet's */
	ROUTES_HOSTS_MAX = 65536,	/* host prefixes of neighbours */
	ROUTES_ERRLEN = 256,
};

struct routes_conf {
	const char *name;		/* of the interface, for the log */
	struct fib *fib;		/* which nobody else changes */
	struct nexthops *lan;		/* of the LAN port; its `changed` must call routes_neighbour_changed, its host_changed routes_links_changed */
	const struct port *lan_port;	/* for port_lan_headers */
	uint32_t tunnel_ifindex;
	size_t prefixes_max, hosts_max;	/* 0: ROUTES_MAX, ROUTES_HOSTS_MAX */
};

/* NULL: why stands in err. */
struct routes *routes_create(const struct routes_conf *conf, char err[ROUTES_ERRLEN]);
/* After the cores have ended, before nexthops_destroy; all that may be done with the fib then is fib_fini. NULL is allowed. */
void routes_destroy(struct routes *r);

/* Readable (epoll, level-triggered) when routes_process has something to do. */
int routes_fd(const struct routes *r);
/* Takes in a bounded number of notifications; routes_tick must follow. */
void routes_process(struct routes *r);
/* Does what is due at `now` (monotonic ns), a bounded part at a time; returns when to call again, that may be `now`. In every round of the loop. */
uint64_t routes_tick(struct routes *r, uint64_t now);

/* A core's question: its verdict stands when this returns, or the question is worth none. */
void routes_ask(struct routes *r, const struct fib_question *q);

/* nexthops_changed of conf.lan; routes_tick must follow. */
void routes_neighbour_changed(struct routes *r, struct nexthop *nh);
/* The LAN port's links are others (VLANs, MAC addresses, MTU); routes_tick must follow. */
void routes_links_changed(struct routes *r);

/* For what shows them. */
struct routes_state {
	size_t prefixes, hosts, judged;	/* judged: verdicts that are known */
	uint64_t resyncs;		/* after lost notifications */
	const char *off;		/* why the fast path is off; NULL: it is on */
};
void routes_state(const struct routes *r, struct routes_state *state);

#endif
