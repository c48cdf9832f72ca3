/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper section 5.4). Pure: bytes in,
 * bytes out. Randomness and time come in as arguments, so that a run can be repeated. One thread
 * at a time for a given object; no globals that change.
 *
 * Every function that fails leaves its output objects as they were (but for static_static, which
 * is a cache), and wipes what it computed on the way. MACs (mac1, mac2) are not touched here:
 * cookie.h. A message's sender index is what MACs alone protect.
 */
#ifndef WGDP_NOISE_H
#define WGDP_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

/* Our own static identity. */
struct noise_identity {
	uint8_t private_key[WG_KEY_LEN];	/* clamped */
	uint8_t public_key[WG_KEY_LEN];
	bool valid;				/* false: no private key set, no handshakes */
};

/* What we know of a peer before any handshake. */
struct noise_remote {
	uint8_t public_key[WG_KEY_LEN];
	uint8_t preshared_key[WG_KEY_LEN];	/* zeros when there is none */
	uint8_t static_static[WG_KEY_LEN];	/* DH(our static, their static), once computed */
	bool static_static_known;		/* computed when first needed; to be cleared when
						   the identity changes (noise_remote_prepare) */
};

/* A handshake under way: the chaining value and hash between its two messages. */
enum noise_state { NOISE_ZEROED, NOISE_INITIATION_CREATED, NOISE_INITIATION_CONSUMED };

struct noise_handshake {
	enum noise_state state;
	uint32_t local_index, remote_index;	/* host order */
	uint8_t ephemeral_private[WG_KEY_LEN];	/* initiator's own */
	uint8_t remote_ephemeral[WG_KEY_LEN];	/* responder: the initiator's */
	uint8_t hash[WG_HASH_LEN];
	uint8_t chaining_key[WG_HASH_LEN];
};

/* What a finished handshake yields (whitepaper section 5.4.5). */
struct noise_keys {
	uint8_t send[WG_KEY_LEN];
	uint8_t receive[WG_KEY_LEN];
};

/*
 * Clamps `private_key` (any 32 bytes) and derives the public key. False: the library failed
 * (identity untouched).
 */
bool noise_identity_set(struct noise_identity *id, const uint8_t private_key[WG_KEY_LEN]);

/*
 * Computes static_static if it is not known. False for a public key of low order (the result
 * would be all zeros): such a peer never gets a session.
 */
bool noise_remote_prepare(struct noise_remote *remote, const struct noise_identity *id);

/*
 * First message, initiator. `ephemeral_private`: 32 random bytes (clamped here). `timestamp`:
 * TAI64N, see tai64n.h. `local_index`: host order. Fills msg up to the MACs and sets hs to
 * NOISE_INITIATION_CREATED. False: no valid identity, a remote key of low order, or the library
 * failed.
 */
bool noise_initiation_create(struct noise_handshake *hs, struct wg_initiation *msg,
			     const struct noise_identity *id, struct noise_remote *remote,
			     const uint8_t ephemeral_private[WG_KEY_LEN],
			     const uint8_t timestamp[WG_TIMESTAMP_LEN], uint32_t local_index);

/*
 * First message, responder, in two steps, for the peer is only known after the first.
 * open: decrypts the initiator's static public key into `static_public`; `hs` is a scratch
 * handshake of the caller's.
 * finish: on the hs that open filled. `remote` is the peer found by that key; yields the
 * timestamp, and sets hs to NOISE_INITIATION_CONSUMED. The caller compares the timestamp and only
 * then adopts hs. False: forged, or the library failed; the caller then clears hs.
 */
bool noise_initiation_open(struct noise_handshake *hs, const struct wg_initiation *msg,
			   const struct noise_identity *id, uint8_t static_public[WG_KEY_LEN]);
bool noise_initiation_finish(struct noise_handshake *hs, const struct wg_initiation *msg,
			     const struct noise_identity *id, struct noise_remote *remote,
			     uint8_t timestamp[WG_TIMESTAMP_LEN]);

/*
 * Second message, responder: false unless hs is NOISE_INITIATION_CONSUMED. On success hs is wiped
 * (NOISE_ZEROED, indices kept) and `keys` holds the session's keys. `ephemeral_private`: 32
 * random bytes. `local_index`: host order.
 */
bool noise_response_create(struct noise_handshake *hs, struct wg_response *msg,
			   const struct noise_remote *remote,
			   const uint8_t ephemeral_private[WG_KEY_LEN], uint32_t local_index,
			   struct noise_keys *keys);

/*
 * Second message, initiator: the caller has found hs by msg->receiver; false unless hs is
 * NOISE_INITIATION_CREATED and that is its local_index. On success hs is wiped (indices kept,
 * remote_index set), `keys` holds the session's keys. On failure hs lives on: a forged response
 * must not end a handshake.
 */
bool noise_response_consume(struct noise_handshake *hs, const struct wg_response *msg,
			    const struct noise_identity *id, const struct noise_remote *remote,
			    struct noise_keys *keys);

/* Wipes all of it. */
void noise_handshake_clear(struct noise_handshake *hs);

#endif
