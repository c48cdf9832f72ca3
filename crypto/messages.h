/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard's messages as they lie on the wire (whitepaper section 5.4). All integers
 * little-endian. `type` is a type and three reserved zero bytes, compared as one word.
 */
#ifndef WGDP_MESSAGES_H
#define WGDP_MESSAGES_H

#include <stdint.h>

enum {
	WG_KEY_LEN = 32,	/* Curve25519 keys, symmetric keys, preshared keys */
	WG_HASH_LEN = 32,	/* BLAKE2s-256 */
	WG_MAC_LEN = 16,	/* mac1, mac2, cookies: BLAKE2s with 16 bytes of output */
	WG_TAG_LEN = 16,	/* Poly1305 */
	WG_TIMESTAMP_LEN = 12,	/* TAI64N */
	WG_COOKIE_NONCE_LEN = 24,	/* XChaCha20-Poly1305 */
	WG_PADDING = 16,	/* a data packet's plaintext is padded to this multiple */
};

enum wg_message_type {
	WG_INITIATION = 1,
	WG_RESPONSE = 2,
	WG_COOKIE_REPLY = 3,
	WG_DATA = 4,
};

/* The last 32 bytes of an initiation and of a response (section 5.4.4). */
struct wg_macs {
	uint8_t mac1[WG_MAC_LEN];
	uint8_t mac2[WG_MAC_LEN];
} __attribute__((packed));

struct wg_initiation {
	uint32_t type;
	uint32_t sender;
	uint8_t ephemeral[WG_KEY_LEN];
	uint8_t static_[WG_KEY_LEN + WG_TAG_LEN];
	uint8_t timestamp[WG_TIMESTAMP_LEN + WG_TAG_LEN];
	struct wg_macs macs;
} __attribute__((packed));

struct wg_response {
	uint32_t type;
	uint32_t sender;
	uint32_t receiver;
	uint8_t ephemeral[WG_KEY_LEN];
	uint8_t empty[WG_TAG_LEN];
	struct wg_macs macs;
} __attribute__((packed));

struct wg_cookie_reply {
	uint32_t type;
	uint32_t receiver;
	uint8_t nonce[WG_COOKIE_NONCE_LEN];
	uint8_t cookie[WG_MAC_LEN + WG_TAG_LEN];
} __attribute__((packed));

struct wg_data {
	uint32_t type;
	uint32_t receiver;
	uint64_t counter;
	uint8_t payload[];	/* ciphertext, then the tag */
} __attribute__((packed));

_Static_assert(sizeof(struct wg_initiation) == 148, "initiation is 148 bytes");
_Static_assert(sizeof(struct wg_response) == 92, "response is 92 bytes");
_Static_assert(sizeof(struct wg_cookie_reply) == 64, "cookie reply is 64 bytes");
_Static_assert(sizeof(struct wg_data) == 16, "data header is 16 bytes");

enum { WG_DATA_MIN_LEN = sizeof(struct wg_data) + WG_TAG_LEN };	/* a keepalive */

#endif
