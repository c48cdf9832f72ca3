/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshakes and the sessions they yield (whitepaper sections 5 and 6). Control thread.
 */
#ifndef WGDP_HANDSHAKE_H
#define WGDP_HANDSHAKE_H

#include "event.h"
#include "iface.h"

/*
 * Sends an initiation, unless one was tried within the last 5 s (then it follows when they are over) or the peer has no endpoint. `retry`: it belongs to the series under
 * way; otherwise a new series of 90 s begins.
 */
void handshake_initiate(struct peer *p, bool retry);

/*
 * A message of type 1, 2 or 3 has come. `queued`: how many wait behind it. Returns the peer whose timers it has changed, or NULL.
 */
struct peer *handshake_receive(struct iface *i, const struct handshake_packet *h, unsigned int queued);

/* There is a way to the peer now: if the last initiation could not be sent, another goes out at once. */
void handshake_way_found(struct peer *p);

/* Ends the series under way, if any, and wipes its secrets. */
void handshake_abandon(struct peer *p);

#endif
