/* SPDX-License-Identifier: BSD-3-Clause */
/* What netif's own files share: its state, and their steps. See netif.h. Control thread. */
#ifndef WGDP_NETIF_INTERNAL_H
#define WGDP_NETIF_INTERNAL_H

#include <net/if.h>

#include "netif.h"
#include "netlink.h"

/* "xxxx:...:255.255.255.255/128" */
enum { NETIF_PREFIX_STRLEN = INET6_ADDRSTRLEN + 4 };

/* The two policy rules of a default route; what was not made is false. */
struct netif_rules {
	uint32_t suppress_pref, fwmark_pref;
	bool suppress, fwmark;
};

struct netif {
	struct netlink nl; /* requests; strict checking: the kernel filters dumps */
	struct netlink watch; /* RTNLGRP_LINK */
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	uint32_t fwmark;
	uint32_t mtu;
	bool up;
	bool gone; /* from this namespace: events about this ifindex are another interface's */

	/* What a default route brought with it, by family: [0] IPv4, [1] IPv6 */
	struct netif_rules rules[2];
	bool nft[2];
	bool sysctl_set; /* src_valid_mark was 0 and is 1 by us */
};

/* Writes the line to err (NULL: not) and returns false. */
bool netif_fail(char *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *netif_prefix(const struct conf_prefix *p, char out[NETIF_PREFIX_STRLEN]);

/* 4 or 16 */
size_t netif_addr_len(int family);

/* True when `outer` holds all of `inner`. */
bool netif_covers(const struct conf_prefix *outer, const struct conf_prefix *inner);

/* True when Table is auto and a peer has 0.0.0.0/0 (AF_INET) or ::/0 (AF_INET6). */
bool netif_wants_default(const struct conf *c, int family);

/* Opens for requests. 0 or -errno. */
int netif_open(struct netlink *nl);

/* netlink_talk for dumps: again when the kernel says that it changed meanwhile. */
int netif_dump(struct netlink *nl, const union netlink_request *req, mnl_cb_t cb, void *arg);

struct netif_route {
	struct conf_prefix dst;
	uint32_t table;
	uint32_t oif; /* 0: none. With several next hops the first one's */
	uint32_t mtu; /* of its metrics, 0: none */
	uint8_t type; /* RTN_* */
};

/* False: nlh is no route of IPv4 or IPv6. */
bool netif_route_parse(const struct nlmsghdr *nlh, struct netif_route *r);

/* Shows cb the routes of one table, in the kernel's order; if oif is not 0, on it. 0 or -errno. */
int netif_routes_dump(struct netlink *nl, int family, uint32_t table, uint32_t oif,
		      void (*cb)(const struct netif_route *r, void *arg), void *arg);

/* Adds one route to `table` that must not exist yet on another device. */
bool netif_route_add(struct netif *n, const struct conf_prefix *dst, uint32_t table, char *err);

/* All routes but those that are netif_default_up's. */
bool netif_routes_up(struct netif *n, const struct conf *c, char *err);

struct netif_link {
	char name[IFNAMSIZ];
	uint32_t mtu;
	bool up;
};

/* 0, or -errno (-ENODEV). */
int netif_link_get(struct netlink *nl, uint32_t ifindex, struct netif_link *link);

/* False: nlh does not describe a link. */
bool netif_link_parse(const struct nlmsghdr *nlh, struct netif_link *link);

/* The MTU that the conf gives, or that the way to the endpoints leaves room for. */
bool netif_mtu_choose(struct netlink *nl, const struct netif_conf *nc, uint32_t *mtu, char *err);

/* Default routes with all they need, for the families that want one; and back. */
bool netif_default_up(struct netif *n, const struct conf *c, char *err);
bool netif_default_down(struct netif *n, char *err);

/* The policy rules of one family. */
bool netif_rules_up(struct netif *n, int family, char *err);
bool netif_rules_down(struct netif *n, int family, char *err);
/* True when there is a rule like our second one, of whomever. */
bool netif_rules_in_use(struct netif *n, int family);

#endif
