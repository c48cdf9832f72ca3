/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer's three sessions: current sends, previous and next only receive. next is a responder's that has not been confirmed: nothing
 * is sent with it before something was received with it. And the packets that wait for a session. Control thread.
 */
#ifndef WGDP_KEYPAIRS_H
#define WGDP_KEYPAIRS_H

#include "iface.h"

/*
 * Makes the session of a finished handshake: published under `index` (reserved, from now on the session's). The initiator's becomes
 * current, the responder's next. False: no memory; the index is released.
 */
bool keypairs_add(struct peer *p, const struct noise_keys *keys, uint32_t index, uint32_t remote_index, bool initiator);

/* Something was received with the session of that id: if it is the peer's next, it becomes current. */
void keypairs_confirm(struct iface *i, uint64_t session_id);

/* Takes all three out of use and wipes them. */
void keypairs_clear(struct peer *p);

/* They only receive from now on: what is to be sent waits for a new one. */
void keypairs_stop_sending(struct peer *p);

/* Can the peer's current session still send? */
bool keypairs_usable(const struct peer *p);

/* Packets that wait for a session, of all peers of an interface: buffers are not without end. */
enum { STAGED_ALL_MAX = 2048 };

/*
 * m waits for a session; takes ownership. Where the peer has PEER_STAGED_MAX already its oldest is dropped; where
 * all peers have STAGED_ALL_MAX, the oldest of the peer that has waited longest, and so most likely in vain.
 */
void staged_add(struct peer *p, struct rte_mbuf *m);
/* Sends them with the peer's current session, which must be usable. */
void staged_send(struct peer *p);
/* Drops them. */
void staged_purge(struct peer *p);

/* An empty packet to the peer with its current session. Without one: a handshake. */
void keepalive_send(struct peer *p);

#endif
