/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of handshakes share. Private to handshake*.c; control thread. */
#ifndef WGDP_HANDSHAKE_INTERNAL_H
#define WGDP_HANDSHAKE_INTERNAL_H

#include "handshake.h"

/* handshake_admit.c */

/*
 * Its age, mac1, and under load mac2 and the source's rate (whitepaper section 5.3). queued: how many wait behind it.
 * False: nothing more is to be done with it.
 */
bool handshake_admit(struct iface *i, const struct handshake_packet *h, unsigned int queued);

/* A cookie reply (type 3) has come. */
void handshake_cookie_reply(struct iface *i, const struct handshake_packet *h);

/* Random bytes for keys and nonces; ends the process where there are none. */
void handshake_random(void *out, size_t len);

/* Sends a message of ours that way, from that core. False: there is no way to it, or no buffer. */
bool handshake_send(struct iface *i, const struct rewrite *rw, const void *msg, size_t len, uint8_t core);

/* handshake_identity.c */

/* Forgets our initiation: the one that waits for its response, and the one that is being made. */
void handshake_forget_initiation(struct peer *p);

/* What threads keep of a private key for its next job. */
void handshake_forget_old_key(struct iface *i);

#endif
