/* SPDX-License-Identifier: BSD-3-Clause */
/* What netif's own files share: its state, and their steps. See netif.h. Control thread. */
#ifndef WGDP_NETIF_INTERNAL_H
#define WGDP_NETIF_INTERNAL_H

#include <net/if.h>

#include "netif.h"
#include "netif_prefixes.h"
#include "netlink.h"

/* "xxxx:...:255.255.255.255/128" */
enum { NETIF_PREFIX_STRLEN = INET6_ADDRSTRLEN + 4 };

/* The two policy rules of a default route; what was not made is false. */
struct netif_rules {
	uint32_t mark;
	uint32_t suppress_pref, fwmark_pref;
	bool suppress, fwmark;
};

struct netif {
	struct netlink nl; /* requests; strict checking: the kernel filters dumps */
	struct netlink watch; /* RTNLGRP_LINK */
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	uint32_t fwmark;
	struct netif_prefixes onlink; /* routes that came with the addresses, in the table of plain routes; sorted */
	uint32_t mtu;
	bool up;
	bool was_up; /* a notification has said so */
	bool was_down; /* another after it, that it is not */
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
	uint8_t protocol; /* RTPROT_* */
};

/* False: nlh is no route of IPv4 or IPv6. */
bool netif_route_parse(const struct nlmsghdr *nlh, struct netif_route *r);

/* Shows cb the routes of one table, in the kernel's order; if oif is not 0, on it. 0 or -errno. */
int netif_routes_dump(struct netlink *nl, int family, uint32_t table, uint32_t oif,
		      void (*cb)(const struct netif_route *r, void *arg), void *arg);

/* Adds one route to `table` that must not exist yet on another device. */
bool netif_route_add(struct netif *n, const struct conf_prefix *dst, uint32_t table, char *err);

/* Where the conf's plain routes belong, unless Table is off. */
uint32_t netif_table(const struct conf *c);

/*
 * The routes that came with addresses of the conf, sorted. Those of other addresses on the interface do not count.
 */
bool netif_routes_onlink(struct netif *n, const struct conf *c, struct netif_prefixes *list, char *err);

/* All routes that a conf wants but netif_default_up's: sorted, each once, without what `onlink` makes unnecessary. */
bool netif_routes_wanted(const struct conf *c, const struct netif_prefixes *onlink, struct netif_prefixes *list, char *err);

/*
 * Adds them; those that the interface has already are taken out of the list. False: one could not be added; the list is then what
 * was added all the same.
 */
bool netif_routes_add(struct netif *n, struct netif_prefixes *list, uint32_t table, char *err);

/* Adds one behind the interface's own of the same prefix. 0 or -errno (-EEXIST: there is such a one already). */
int netif_route_append(struct netif *n, const struct conf_prefix *dst, uint32_t table);

/* Removes such routes as netif_routes_add makes; what is not there is no fault. All are tried. */
bool netif_routes_delete(struct netif *n, const struct netif_prefixes *list, uint32_t table, char *err);

/* All routes but those that are netif_default_up's. */
bool netif_routes_up(struct netif *n, const struct conf *c, char *err);

/* 0, or -errno with a line in err; -EEXIST: the interface has it. */
int netif_address_add(struct netif *n, const struct conf_prefix *p, char *err);
/* What is not there counts as removed. */
bool netif_address_delete(struct netif *n, const struct conf_prefix *p, char *err);
/* All that the interface has now, sorted. */
bool netif_addresses(struct netif *n, struct netif_prefixes *list, char *err);
/*
 * The interface's sysctl: whether the second address of an IPv4 network stays when the first is removed. True: it was otherwise
 * before. Where it cannot be written, nothing happens.
 */
bool netif_promote_secondaries(struct netif *n, bool on);

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

/* No IPv6 address from the kernel, as long as the interface has IPv6. */
void netif_link_no_linklocal(struct netif *n);

/* Sets it; n knows it then. */
bool netif_mtu_set(struct netif *n, uint32_t mtu, char *err);

/* Default routes with all they need, for the families that want one; and back. */
bool netif_default_up(struct netif *n, const struct conf *c, char *err);
bool netif_default_down(struct netif *n, char *err);

/* The same for one family that had none, had one. Takes the route away as well, out of table `mark`. */
bool netif_default_add(struct netif *n, const struct conf *c, int family, char *err);
bool netif_default_remove(struct netif *n, int family, uint32_t mark, char *err);
/* Only the route. */
bool netif_default_route(struct netif *n, int family, char *err);

/* True when the two confs, which both want a default route with the same mark, want different nftables rules. */
bool netif_nft_differs(const struct conf *a, const struct conf *b, int family);
/* Makes those of c out of what is there, in one step. */
bool netif_nft_change(struct netif *n, const struct conf *c, int family, char *err);

/* The policy rules of one family. */
bool netif_rules_up(struct netif *n, int family, char *err);
bool netif_rules_down(struct netif *n, int family, char *err);
/* True when there is a rule like our second one, of whomever. */
bool netif_rules_in_use(struct netif *n, int family);

#endif
