/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How an endpoint is found and found again: names, and addresses of our own that went away. (A peer that moves by itself is
 * outer_set_endpoint's.) Control thread.
 */
#ifndef WGDP_ROAM_H
#define WGDP_ROAM_H

#include "iface.h"

/* Numeric: set at once. A name: looked up, and the endpoint set when the answer is there. False: no memory, or no thread for it. */
bool roam_configure(struct peer *p, const struct conf_endpoint *ep);

/* Handshakes fail: the name may mean another address by now. Nothing to do without a name, or when it was looked up just now. */
void roam_resolve_again(struct peer *p);

/* Handshakes fail: let the host's routing choose our source address anew. */
void roam_forget_source(struct peer *p);

/* Looks up again what could not be resolved; returns when to call it next. */
uint64_t roam_tick(struct iface *i);

#endif
