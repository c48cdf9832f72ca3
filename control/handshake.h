/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshakes and the sessions they yield (whitepaper sections 5 and 6). Control thread.
 */
#ifndef WGDP_HANDSHAKE_H
#define WGDP_HANDSHAKE_H

#include "event.h"
#include "iface.h"

/*
 * Sends an initiation, unless one was tried within the last 5 s (then it follows when they are over) or the peer has
 * no endpoint. `retry`: it belongs to the series under way; otherwise a new series of 90 s begins.
 */
void handshake_initiate(struct peer *p, bool retry);

/*
 * The same by the timers, which take a few peers each round: for who calls thousands at once. A series that is under way goes on with
 * its next initiation then, or when 5 s are over (initiation_ns 0: there was none).
 */
void handshake_initiate_soon(struct peer *p);

/*
 * A message of type 1, 2 or 3 has come. `queued`: how many wait behind it. Only while handshake_ready: its curve
 * operations are a job (handshake_work), and there are so many and no more.
 */
void handshake_receive(struct iface *i, const struct handshake_packet *h, unsigned int queued);
bool handshake_ready(const struct iface *i);

/*
 * Goes on with the handshakes whose curve operations workers have done, and does up to `max` such jobs itself. True:
 * there are more.
 */
bool handshake_work(struct iface *i, unsigned int max);

/*
 * Our own key, a peer's preshared key: handshakes under way with the old one come to nothing. With another key of our own, sessions
 * only receive from now on, and peers to which something was sent by one are called anew in the next rounds.
 */
void handshake_adopt_identity(struct iface *i, const struct noise_identity *id);
void handshake_set_psk(struct peer *p, const uint8_t preshared_key[WG_KEY_LEN]);

/* There is a way to the peer now: if the last initiation could not be sent, another goes out at once. */
void handshake_way_found(struct peer *p);

/* Ends the series under way, if any, and wipes its secrets. */
void handshake_abandon(struct peer *p);

#endif
