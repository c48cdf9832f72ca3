/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The MACs on handshake messages and the cookies behind them (whitepaper sections 5.3, 5.4.4,
 * 5.4.7). Control thread.
 *
 * A source is the sender's address and port as bytes: 4 (IPv4) or 16 (IPv6) bytes of address,
 * then 2 of port, network order. Times are nanoseconds on one monotonic clock. `msg`, `len` are
 * a whole initiation or response; its last 32 bytes are the MACs.
 */
#ifndef WGDP_COOKIE_H
#define WGDP_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define COOKIE_SECRET_MAX_AGE_NS (120ull * 1000000000ull)
/* A cookie older than this is not used by a sender: 120 s less 5 s for the way. */
#define COOKIE_USABLE_NS (115ull * 1000000000ull)

/* The receiving side: one for each private key of ours. */
struct cookie_checker {
	uint8_t mac1_key[WG_KEY_LEN];	/* HASH(LABEL_MAC1 || our public key) */
	uint8_t cookie_key[WG_KEY_LEN];	/* HASH(LABEL_COOKIE || our public key) */
	uint8_t secret[WG_KEY_LEN];	/* random, changed every 120 s */
	uint64_t secret_born_ns;
	bool secret_known;
};

/* The sending side: one for each peer. */
struct cookie_sender {
	uint8_t mac1_key[WG_KEY_LEN];	/* of the peer's public key */
	uint8_t cookie_key[WG_KEY_LEN];
	uint8_t last_mac1[WG_MAC_LEN];	/* of the last message sent: the reply's additional data */
	bool last_mac1_known;
	uint8_t cookie[WG_MAC_LEN];
	uint64_t cookie_born_ns;
	bool cookie_known;
};

/* Forget any secret and cookie. */
void cookie_checker_init(struct cookie_checker *c, const uint8_t own_public[WG_KEY_LEN]);
void cookie_sender_init(struct cookie_sender *s, const uint8_t peer_public[WG_KEY_LEN]);

/* mac1, in constant time. False also for a message too short to hold MACs. */
bool cookie_mac1_valid(const struct cookie_checker *c, const void *msg, size_t len);

/*
 * Does mac2 prove that the sender received our cookie at `source`? False when no secret is known,
 * or it is over 120 s old. Constant time.
 */
bool cookie_mac2_valid(const struct cookie_checker *c, const void *msg, size_t len,
		       const uint8_t *source, size_t source_len, uint64_t now_ns);

/*
 * Writes a cookie reply to a message whose mac1 is valid. `receiver`: the message's sender index,
 * host order. `nonce`: 24 random bytes. `fresh_secret`: 32 random bytes, taken when the current
 * secret is unknown or over 120 s old. False: the library failed, reply untouched.
 */
bool cookie_reply_create(struct cookie_checker *c, struct wg_cookie_reply *reply, const void *msg,
			 size_t len, uint32_t receiver, const uint8_t *source, size_t source_len,
			 const uint8_t nonce[WG_COOKIE_NONCE_LEN],
			 const uint8_t fresh_secret[WG_KEY_LEN], uint64_t now_ns);

/*
 * Decrypts a reply to our last message and keeps the cookie; each message takes one reply. False:
 * not an answer to it, or forged; nothing changes then.
 */
bool cookie_reply_consume(struct cookie_sender *s, const struct wg_cookie_reply *reply,
			  uint64_t now_ns);

/*
 * Writes mac1, and mac2 if a usable cookie is known (zeros otherwise), to the last 32 bytes of
 * msg; remembers mac1.
 */
void cookie_macs_add(struct cookie_sender *s, void *msg, size_t len, uint64_t now_ns);

#endif
