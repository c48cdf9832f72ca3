/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by nexthop.c, which decides, and nexthop_kernel.c, which asks the kernel. */
#ifndef WGDP_NEXTHOP_INTERNAL_H
#define WGDP_NEXTHOP_INTERNAL_H

#include "netlink.h"
#include "nexthop.h"
#include "nexthop_table.h"

enum { ASK_LEVELS = 5 };

/* A neighbour that at least one next hop needs. */
struct neigh {
	struct table_node node;		/* by its address */
	struct cds_list_head nexthops;
	struct cds_list_head known;	/* in nexthops.neighs_list */
	struct cds_list_head ask;	/* in nexthops.asks[], or alone */
	uint64_t ask_at;		/* 0: to be set by the next tick */
	uint8_t failures;		/* in a row, up to ASK_LEVELS - 1 */
	bool seen;			/* while everything is asked for again */
	uint16_t state;			/* NUD_*; 0: the kernel has no entry */
	uint8_t mac[6];
};

struct way {
	bool usable;
	uint8_t mac[6];
	struct in6_addr local;
};

struct nexthop {
	struct table_node node;		/* by remote and explicit local address */
	struct cds_list_head queue;	/* in nexthops.pending or nexthops.settled */
	struct cds_list_head report;	/* in nexthops.reports, or alone */
	struct cds_list_head by_neigh;	/* in neigh->nexthops, or alone */
	struct cds_list_head users;
	unsigned int refs;
	uint32_t ifindex;
	struct neigh *neigh;		/* NULL: no route by our netdev */
	struct in6_addr local;		/* that the route leaves from */
	struct way way;			/* as last reported */
};

struct nexthops {
	uint32_t ifindex, fwmark;
	uint32_t vrf;			/* the netdev's, with a routing table of its own; 0: none */
	nexthops_changed changed;
	nexthops_host_changed host_changed;
	void *arg;

	struct netlink talk, notify;
	struct nexthops_host host;
	struct in6_addr *addrs;		/* host.addrs */

	struct table nexthops, neighs;
	struct cds_list_head pending, settled;	/* nexthops: to be resolved, and the others */
	struct cds_list_head reports;		/* nexthops that may have changed */
	struct cds_list_head neighs_list;
	struct cds_list_head asks[ASK_LEVELS];	/* neighbours in order of time, by delay */

	bool lost;			/* notifications: everything is to be asked for again */
	bool host_dirty, routes_dirty;
	uint64_t routes_due;		/* when dirty; 0: to be set by the next tick */
	uint64_t routes_earliest;	/* not before, lest a storm of changes keeps us busy */
};

/* Where packets for an address go. */
struct route {
	struct in6_addr gateway;	/* or the address itself, when it is on the link */
	struct in6_addr local;
};

/* The sockets, and nhs->host for the first time. 0, or -errno with nothing to close. */
int kernel_open(struct nexthops *nhs);
void kernel_close(struct nexthops *nhs);

/* Asks for link and addresses. True: nhs->host is different now. */
bool kernel_get_host(struct nexthops *nhs);

/* False: not by our netdev, or not at all. */
bool kernel_get_route(struct nexthops *nhs, const struct addr_key *key, struct route *r);

/* Looks up n's state and MAC address; sees to neigh_update. */
void kernel_get_neigh(struct nexthops *nhs, struct neigh *n);
/* The same for all that the kernel has. False: it could not be asked. */
bool kernel_get_neighs(struct nexthops *nhs);

/* Has the kernel resolve or confirm the neighbour. */
void kernel_use_neigh(struct nexthops *nhs, const struct neigh *n);

/* Notifications: a bounded number. */
void kernel_read(struct nexthops *nhs);

/* nexthop.c: the kernel says that n is like this now (mac NULL: not known). */
void neigh_update(struct nexthops *nhs, struct neigh *n, uint16_t state, const uint8_t *mac);

static inline bool addr_is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

#endif
