/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops for a port without an IP stack: which neighbour, on which link, leads to a peer's address, and from which
 * address of ours, as the host's own routing and neighbour tables have it, followed over netlink as they change. The
 * host does the asking (ARP, ND); since it does not see our traffic, it is kept at it for each neighbour in use. Also
 * follows what an ethdev port must know of the host: its addresses, and its links on the port.
 *
 * Control thread only; everything in the network namespace of nexthops_create. No call blocks for longer than the
 * kernel takes for a few hundred requests or, at first and after a loss of notifications, for a list of its VLAN
 * devices, addresses and neighbours.
 */
#ifndef WGDP_NEXTHOP_H
#define WGDP_NEXTHOP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <urcu/list.h>

#include "port.h"

enum { NEXTHOP_ERRLEN = 256 };

struct nexthops;

/* One for each remote address and, where answers must leave from it, address of ours. */
struct nexthop;

/* What the host is to the port. */
struct nexthops_host {
	bool present;		/* the netdev exists; if not, the first link is as last seen */
	/*
	 * The netdev first, then the VLAN devices (802.1Q, VLAN 1 to 4094) of this namespace on top of it, by vid. What
	 * is beyond PORT_LINKS_MAX is left out, and logged once.
	 */
	const struct port_link *links;
	size_t n_links;
	/*
	 * All addresses of the host on any interface, IPv4 mapped, sorted bytewise, usable ones
	 * only.
	 */
	const struct in6_addr *addrs;
	size_t n_addrs;
};

/*
 * nexthop_way answers differently from now on, or its link's MAC address or VLAN has changed, so that headers must be
 * made anew. Called from nexthops_tick alone; may get and put next hops.
 */
typedef void (*nexthops_changed)(void *arg, struct nexthop *nh);

/*
 * nexthops_host is different from now on. Called from nexthops_tick, before any nexthops_changed.
 */
typedef void (*nexthops_host_changed)(void *arg);

/*
 * Next hops by way of the netdev `ifindex` and the VLAN devices on it, for packets with the mark `fwmark` (0: none).
 * nexthops_host is valid at once. NULL with a line in `err`.
 */
struct nexthops *nexthops_create(uint32_t ifindex, uint32_t fwmark, nexthops_changed changed,
				 void *arg, char err[NEXTHOP_ERRLEN]);

/* Sets who is told of the host, with the `arg` of nexthops_create; NULL (as at first): nobody. */
void nexthops_watch_host(struct nexthops *nhs, nexthops_host_changed changed);

/* With every nexthop put. NULL is allowed. */
void nexthops_destroy(struct nexthops *nhs);

/* Readable (for epoll, level-triggered) when nexthops_process has something to do. */
int nexthops_fd(const struct nexthops *nhs);

/* Takes in a bounded number of notifications; nexthops_tick must follow. */
void nexthops_process(struct nexthops *nhs);

/*
 * Does what is due at `now` (monotonic, nanoseconds), a bounded part of it at a time, and returns when it wants to be
 * called again at the latest; that may be `now`. To be called after nexthops_process, nexthops_set_fwmark and
 * nexthop_get: that is, in every round of the event loop.
 *
 * A change of routes, rules, addresses or of any of the host's links makes all next hops be asked for again, the old
 * ways serving meanwhile: 50 ms after the first one of a burst, and in a lasting storm not more often than once in 1 s
 * + 0.1 ms for each. Notifications that the kernel dropped make everything be asked for again, at most four times a
 * second.
 */
uint64_t nexthops_tick(struct nexthops *nhs, uint64_t now);

void nexthops_set_fwmark(struct nexthops *nhs, uint32_t fwmark);

/* Valid until the next nexthops_tick. */
const struct nexthops_host *nexthops_host(const struct nexthops *nhs);

/* Does the kernel have a MAC address for it now? Asks for none. */
bool nexthops_neighbour_known(struct nexthops *nhs, uint32_t ifindex, const struct in6_addr *gateway);

/*
 * The next hop to ep's remote address, from its local address if it has one; counted, to be given back by nexthop_put.
 * It is resolved by the next ticks, which call `changed` once there is a way. NULL: no memory, or ep is AF_UNSPEC.
 *
 * The kernel is asked as for a packet of this host. Of the VRFs that the links are slaves of (or of none), up to 8,
 * each is asked, in the order of the links, until one has a route by a link. Of several paths (ECMP) the kernel names
 * the one that its hash of both addresses chooses; where that goes by an interface which is no link, there is no way,
 * though another path might.
 */
struct nexthop *nexthop_get(struct nexthops *nhs, const struct endpoint *ep);

/*
 * The neighbour `gateway` (IPv4 mapped) itself, on the link `ifindex`, whatever the routes say; otherwise like
 * nexthop_get, and one of its own. nexthop_way says only its MAC address and the link, and leaves ep->local alone.
 * While `ifindex` is no link, there is no way.
 */
struct nexthop *nexthop_get_neighbour(struct nexthops *nhs, uint32_t ifindex, const struct in6_addr *gateway);
void nexthop_put(struct nexthops *nhs, struct nexthop *nh);

/*
 * The caller's list of whatever goes this way: empty at first, and to be so again before the last
 * put.
 */
struct cds_list_head *nexthop_users(struct nexthop *nh);

/*
 * The neighbour to send to, and in *ep (its remote part stays) the local address, that asked for in nexthop_get unless
 * the host has it no more, and the link to send from. False, with nothing written: there is no way at present: no route
 * by one of the links, that link is down, or no answer from the neighbour.
 */
bool nexthop_way(const struct nexthop *nh, uint8_t mac[6], struct endpoint *ep);

/* Since nexthops_create. */
struct nexthops_counts {
	uint64_t routes_asked;	/* the kernel, for routes */
	uint64_t resyncs;	/* after lost notifications */
};
void nexthops_count(const struct nexthops *nhs, struct nexthops_counts *counts);

#endif
