/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of an interface's configuration: what UAPI's set asks for, and what a reloaded file says anew. It is collected first,
 * without touching the interface, and then applied as one: whole, or not at all.
 *
 * Edits mean what the same lines mean to Linux and wireguard-go, one after the other; a peer, a prefix may come more than once.
 * Control thread.
 */
#ifndef WGDP_CHANGE_H
#define WGDP_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "endpoint.h"
#include "messages.h"

struct iface;

enum change_peer_flags {
	CHANGE_REMOVE = 1,		/* the peer goes; what else is said of it is ignored */
	CHANGE_UPDATE_ONLY = 2,		/* a peer that is not there is not made */
	CHANGE_REPLACE_ALLOWED_IPS = 4,	/* those it has go, but for what follows in this edit */
	CHANGE_PRESHARED_KEY = 8,	/* preshared_key counts; zeros: none */
	CHANGE_ENDPOINT = 16,		/* endpoint or host counts */
	CHANGE_KEEPALIVE = 32,		/* keepalive counts */
	CHANGE_LABEL = 64,		/* label counts */
};

struct change_peer {
	uint8_t public_key[WG_KEY_LEN];
	uint8_t preshared_key[WG_KEY_LEN];
	unsigned int flags;
	uint16_t keepalive;		/* seconds, 0: off */
	struct endpoint endpoint;	/* its remote; AF_UNSPEC with CHANGE_ENDPOINT and no host: the peer has none any more */
	const char *host;		/* a name to look up instead, or NULL; not owned, outlives the change */
	uint16_t port;			/* of host */
	const char *label;		/* its name in the file, NULL: none; not owned, likewise */
	size_t first_ip, n_ips;		/* its slice of change.ips */
};

struct change_ip {
	uint8_t addr[16];		/* network order, IPv4 in the first four; host bits are zero */
	uint8_t family;			/* AF_INET or AF_INET6 */
	uint8_t cidr;
	bool remove;			/* taken from the peer if it has it, instead of given to it */
};

struct change {
	bool has_private_key, has_listen_port, has_fwmark;
	bool replace_peers;		/* peers of which there is no edit go */
	uint8_t private_key[WG_KEY_LEN];	/* zeros: the interface has none any more */
	uint16_t listen_port;		/* host order; 0: a free one */
	uint32_t fwmark;		/* 0: none */
	struct change_peer *peers;
	size_t n_peers, room_peers;	/* room: bytes, change.c's own */
	struct change_ip *ips;
	size_t n_ips, room_ips;
};

void change_init(struct change *c);
/* Wipes and frees what it holds; it is as after change_init. */
void change_fini(struct change *c);

/* One more edit, of that peer, to be filled in; good until the next is added. NULL: no memory. */
struct change_peer *change_add_peer(struct change *c, const uint8_t public_key[WG_KEY_LEN]);

/* A prefix for the last edit; host bits are cleared. False: no memory. `cidr` must fit the family. */
bool change_add_ip(struct change *c, int family, const void *addr, uint8_t cidr, bool remove);

/*
 * Makes the interface so. 0, or with nothing changed: -EADDRINUSE (the listen port belongs to somebody), -ENOMEM, -EINVAL (libcrypto takes
 * no such private key), or another -errno of a socket; the reason is logged. Sessions of peers that stay are not touched:
 *  - another private key: every session stops sending, and new handshakes begin; our own public key is no peer any more;
 *  - another preshared key: from the next handshake on;
 *  - replace_peers: a peer of which there is an edit, with the same preshared key as before and a session in use, keeps both and its
 *    endpoint, unless another is given; everything else of it, and any other peer, is made anew.
 * Forwarding never has a gap: prefixes that stay, stay; others are given to their new owner before they leave the old one.
 */
int change_apply(struct iface *i, const struct change *c);

#endif
