/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by nexthop.c, which decides, nexthop_neigh.c, nexthop_links.c, and nexthop_kernel.c, which asks the kernel. */
#ifndef WGDP_NEXTHOP_INTERNAL_H
#define WGDP_NEXTHOP_INTERNAL_H

#include <linux/if.h>
#include <linux/neighbour.h>
#include <string.h>

#include "netlink.h"
#include "nexthop.h"
#include "nexthop_table.h"

enum {
	ASK_LEVELS = 5,
	VRFS_MAX = 8,			/* that a route is looked for in */

	NUD_CERTAIN = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_DELAY,
	NUD_HAS_MAC = NUD_CERTAIN | NUD_STALE,
};

#define MS 1000000ull

/* Work that is wanted now and then, but not more often than at intervals. Times are those of nexthops_tick. */
struct due {
	bool wanted;
	uint64_t at;			/* when wanted; 0: to be set by the next tick */
	uint64_t earliest;
};

/* True: to be done now, and not again before `gap` is over. */
static inline bool due_now(struct due *d, uint64_t now, uint64_t delay, uint64_t gap)
{
	if (!d->wanted)
		return false;
	if (!d->at)
		d->at = now + delay;
	if (now < d->at || now < d->earliest)
		return false;
	*d = (struct due){ .earliest = now + gap };
	return true;
}

static inline uint64_t due_at(const struct due *d)
{
	if (!d->wanted)
		return UINT64_MAX;
	return d->at > d->earliest ? d->at : d->earliest;
}

/* A neighbour that at least one next hop needs. */
struct neigh {
	struct table_node node;		/* by its address and, as scope, link */
	struct cds_list_head nexthops;
	struct cds_list_head known;	/* in nexthops.neighs_list */
	struct cds_list_head ask;	/* in nexthops.asks[], or alone */
	uint64_t ask_at;		/* 0: to be set by the next tick */
	struct port_link link;		/* zeros: it is none of ours any more */
	uint8_t failures;		/* in a row, up to ASK_LEVELS - 1 */
	bool seen;			/* while everything is asked for again */
	uint16_t state;			/* NUD_*; 0: the kernel has no entry */
	bool reachable;			/* it has had a MAC address, and has not failed since: an entry that is deleted under traffic, or resolved anew, loses nothing */
	uint8_t mac[6];			/* the last one */
};

/* What headers are made of. Compared bytewise. */
struct way {
	struct in6_addr local;
	uint32_t ifindex;
	uint16_t vid;
	uint8_t mac[6], own_mac[6];
	bool usable;
	uint8_t zero;
};

_Static_assert(sizeof(struct way) == 36, "way has no holes");

struct nexthop {
	struct table_node node;		/* by remote and explicit local address, or as neighbour */
	struct cds_list_head queue;	/* in nexthops.pending, .settled or .direct */
	struct cds_list_head report;	/* in nexthops.reports, or alone */
	struct cds_list_head by_neigh;	/* in neigh->nexthops, or alone */
	struct cds_list_head users;
	unsigned int refs;
	struct neigh *neigh;		/* NULL: no route by our links */
	struct in6_addr local;		/* that the route leaves from */
	struct way way;			/* as last reported */
};

struct link {
	struct port_link port;
	uint32_t vrf;			/* that it is a slave of, with a routing table of its own; 0: none */
};

/* As the kernel has told; nexthops_host follows at the next tick. */
struct links {
	uint32_t ifindex;		/* the netdev's */
	char name[IFNAMSIZ];
	bool present;
	struct link netdev;
	struct link *vlans;		/* on top of it, by vid */
	size_t n_vlans, room;
	bool changed;			/* not in nexthops_host yet */
	bool full_said;
	struct due load;		/* all of them */
};

struct nexthops {
	uint32_t fwmark;
	nexthops_changed changed;
	nexthops_host_changed host_changed;
	void *arg;

	struct netlink talk, notify;
	struct links links;
	struct nexthops_host host;
	struct port_link host_links[PORT_LINKS_MAX];	/* host.links */
	struct in6_addr *addrs;		/* host.addrs */
	uint32_t vrfs[VRFS_MAX];	/* of host.links, each once, in their order; 0: none */
	size_t n_vrfs;

	struct table nexthops, neighs;
	struct cds_list_head pending;	/* nexthops: to be resolved, */
	struct cds_list_head settled, direct;	/* and the others: by routes, of nexthop_get_neighbour */
	struct cds_list_head reports;		/* nexthops that may have changed */
	struct cds_list_head neighs_list;
	struct cds_list_head asks[ASK_LEVELS];	/* neighbours in order of time, by delay */

	/*
	 * Notifications were dropped, and are until the socket has been read empty: the kernel says so for the first
	 * one alone. What it is asked before that may be out of date unnoticed.
	 */
	bool overrun;
	struct due resync, addrs_due, routes;
	struct nexthops_counts counts;
};

/* Where packets for an address go. */
struct route {
	struct in6_addr gateway;	/* or the address itself, when it is on the link */
	struct in6_addr local;
	uint32_t ifindex;
};

/* nexthop.c: nh may have to be reported. */
void nexthop_touch(struct nexthops *nhs, struct nexthop *nh);

/* nexthop_neigh.c. NULL: no memory. */
struct neigh *neigh_get(struct nexthops *nhs, uint32_t ifindex, const struct in6_addr *addr);
/* Nothing goes by it any more. */
void neigh_free(struct nexthops *nhs, struct neigh *n);
/* The kernel says that n is like this now (mac NULL: not known). */
void neigh_update(struct nexthops *nhs, struct neigh *n, uint16_t state, const uint8_t *mac);
/* host.links is different. */
void neighs_follow_links(struct nexthops *nhs);
/* Reads all of them again. False: could not. */
bool neighs_load(struct nexthops *nhs);
/* Has those asked for that are due; returns when the next ones are. */
uint64_t neighs_tick(struct nexthops *nhs, uint64_t now);

/* nexthop_links.c: all of them, from the kernel. */
void links_load(struct nexthops *nhs);
void links_fini(struct links *l);
/* A notification, RTM_NEWLINK or RTM_DELLINK. */
void links_take(struct links *l, const struct nlmsghdr *nlh);
/* Brings nhs->host up to date. True: it is different now. */
bool links_publish(struct nexthops *nhs);
/* Of nhs->host. NULL: none of ours. */
const struct port_link *links_find(const struct nexthops *nhs, uint32_t ifindex);

/* nexthop_kernel.c: the sockets, and nhs->host for the first time. 0, or -errno with nothing to close. */
int kernel_open(struct nexthops *nhs);
void kernel_close(struct nexthops *nhs);

/* True: nhs->host is different now. */
bool kernel_get_addrs(struct nexthops *nhs);

/* False: not by our links, or not at all. */
bool kernel_get_route(struct nexthops *nhs, const struct addr_key *key, struct route *r);

/* Looks up n's state and MAC address; sees to neigh_update. */
void kernel_get_neigh(struct nexthops *nhs, struct neigh *n);
/* The same for all that the kernel has. False: it could not be asked. */
bool kernel_get_neighs(struct nexthops *nhs);

/* Has the kernel resolve or confirm the neighbour. */
void kernel_use_neigh(struct nexthops *nhs, const struct neigh *n);

/* Notifications: a bounded number. */
void kernel_read(struct nexthops *nhs);

/*
 * Asks for everything of a kind: `prepare` writes the request. A dump that changed under way is begun anew, up to a few
 * times; `prepare` may forget what has come in so far.
 */
int kernel_dump(struct nexthops *nhs, void (*prepare)(union netlink_request *req, void *arg), mnl_cb_t cb, void *arg);

static inline bool attr_mac(const struct nlattr *attr, uint8_t mac[6])
{
	if (!attr || mnl_attr_get_payload_len(attr) != 6)
		return false;
	memcpy(mac, mnl_attr_get_payload(attr), 6);
	return true;
}

static inline bool addr_is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

#endif
