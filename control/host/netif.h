/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's side of a tunnel: makes out of a bare tun interface what wg-quick(8) would make
 * (addresses, MTU, up, routes for all AllowedIPs, and for default routes the policy rules, firewall
 * and sysctl that go with them), over netlink, and takes it back. Linux only; needs CAP_NET_ADMIN.
 * Control thread, in the network namespace that the interface is in; blocks for as long as the
 * kernel takes for the requests (a second or so for 100,000 routes): start-up, shut-down, reload.
 *
 * In order: netif_fwmark, sockets with that mark, the tun interface, netif_up. With several
 * interfaces, the whole row for one before the next begins: a routing table counts as taken once
 * there is a route in it.
 */
#ifndef WGDP_NETIF_H
#define WGDP_NETIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "conf.h"

enum {
	NETIF_ERRLEN = 256,
	NETIF_MTU_MIN = 1280, /* what IPv6 needs (RFC 8200 section 5) */
	NETIF_MTU_BARE = 1420,
	NETIF_OVERHEAD = 80, /* IPv6, UDP, WireGuard's header, tag, and padding to 16 */
};

struct netif;

struct netif_conf {
	const struct conf *conf; /* not kept after netif_up */
	/* Nothing but an MTU of 1420, and the events: the rest is done by hand, or by wg-quick. `conf` is not looked at. */
	bool bare;
	uint32_t ifindex; /* of an interface that is down and has no address yet */
	uint32_t fwmark; /* as netif_fwmark said */
	/* Resolved endpoints, for the MTU. AF_UNSPEC: not known. */
	const struct sockaddr_storage *endpoints;
	size_t n_endpoints;
	/* What the dataplane carries: limits the MTU found; conf's MTU may not pass it. */
	uint32_t max_mtu;
};

/* Is a default route to be added: `Table` is auto, and a peer has 0.0.0.0/0 or ::/0? */
bool netif_has_default(const struct conf *c);

/*
 * The mark that sockets must have: conf's; or, when a default route is to be added, `Table` is auto
 * and there is no FwMark, the first of 51820, 51821, ... whose routing table is empty. 0: none.
 * 0, or -1 with a line in `err`.
 */
int netif_fwmark(const struct conf *c, uint32_t *fwmark, char err[NETIF_ERRLEN]);

/*
 * Sets everything up. Peers in conf that are to be ignored must be taken out before: each
 * AllowedIPs prefix gets a route. NULL with a line for the user in `err`; all is undone then, but
 * for addresses and routes, which go with the interface.
 */
struct netif *netif_up(const struct netif_conf *nc, char err[NETIF_ERRLEN]);

/*
 * Removes rules, firewall and (unless another tunnel still needs it) the sysctl's value, wherever
 * the interface is now; the process must be in the namespace that it called netif_up in. What is
 * gone already is fine. The interface itself is not touched. Frees n (NULL is allowed). 0, or -1
 * with a line in `err`, which may be NULL; everything has been tried even so.
 */
int netif_down(struct netif *n, char err[NETIF_ERRLEN]);

/*
 * The interface follows another conf while it runs. Between begin and commit or abort it has what either conf wants, so that the
 * caller can change the rest of the tunnel; of netif's functions only those that look may be called then.
 *
 * Routes and addresses that both confs want are not touched. Addresses that stay keep their place before new ones. What somebody
 * else has added or removed meanwhile is no fault, and no route is removed but what old's AllowedIPs brought.
 */
struct netif_update;

/*
 * Adds what is new in nc->conf against `old`, which n was made of: addresses, routes, a default route with all that goes with it,
 * and the MTU, which is chosen anew when nc->conf has none (a new one below 1280, which ends IPv6, is set by commit). `Table` must
 * be the same. nc->fwmark becomes n's mark; while both confs have a default route it must be the one that n has (netif_fwmark
 * would find that one taken by n itself). Both confs must live until commit or abort. NULL: a line is in `err`, and all that was
 * added has been taken back; so it is when there is anything to change and the interface is down or has left this namespace.
 */
struct netif_update *netif_update_begin(struct netif *n, const struct conf *old, const struct netif_conf *nc,
					char err[NETIF_ERRLEN]);

/* Removes what the new conf does not want any more. Frees u. 0, or -1 with a line in `err`; everything has been tried even so. */
int netif_update_commit(struct netif_update *u, char err[NETIF_ERRLEN]);

/* Takes back what begin did. Frees u. */
void netif_update_abort(struct netif_update *u);

/* The mark of n: what netif_up or the last update was told. */
uint32_t netif_mark(const struct netif *n);

/* As last seen. */
uint32_t netif_mtu(const struct netif *n);
bool netif_is_up(const struct netif *n);

enum netif_event {
	NETIF_NONE, /* nothing of ours, or nothing left to read */
	NETIF_CHANGED, /* MTU, or administratively up or down; or it was down (netif_was_down) and is up again */
	NETIF_DELETED, /* the interface exists no more */
	/* It is in another namespace now and goes on working; no further events come from there. */
	NETIF_MOVED,
};

/* Readable when netif_event has something to say. Valid until netif_down. */
int netif_fd(const struct netif *n);

/* Reads what is there, at most a burst; never blocks. Call it when netif_fd is readable. */
enum netif_event netif_event(struct netif *n);

/* After an event: was it administratively down at some time since the last call, if only for a moment? (Not when the kernel lost the message.) */
bool netif_was_down(struct netif *n);

#endif
