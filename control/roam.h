/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How an endpoint is found and found again: names, and addresses of our own that went away. (A peer that moves by itself is
 * outer_set_endpoint's.) Control thread.
 */
#ifndef WGDP_ROAM_H
#define WGDP_ROAM_H

#include "iface.h"

/* The peer is said to be there (only `remote` counts); AF_UNSPEC: nobody knows where. A handshake under way goes there at once. */
void roam_set_address(struct peer *p, const struct endpoint *ep);

/* It is said to be at that name, which is looked up now; its endpoint is set when the answer is there. `host` is the peer's from now on. */
void roam_set_name(struct peer *p, char *host, uint16_t port);

/* No name is known any more, and none looked up. */
void roam_forget_name(struct peer *p);

/* Handshakes fail: the name may mean another address by now. Nothing to do without a name, or when it was looked up just now. */
void roam_resolve_again(struct peer *p);

/* Handshakes fail: let the host's routing choose our source address anew. */
void roam_forget_source(struct peer *p);

/* Looks up again what could not be resolved; returns when to call it next. */
uint64_t roam_tick(struct iface *i);

#endif
