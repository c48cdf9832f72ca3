/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BLAKE2s (RFC 7693) and what WireGuard builds on it: Hash, Mac, Hmac and Kdf of whitepaper
 * section 5.4. Any thread; no state between calls. None of these can fail but for want of memory:
 * algorithms.h. Outputs may overlap inputs.
 */
#ifndef WGDP_HASH_H
#define WGDP_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct hash_piece {
	const void *data;
	size_t len;
};

/* BLAKE2s-256 of the pieces, one after the other. */
void hash_blake2s(uint8_t out[WG_HASH_LEN], const struct hash_piece *pieces, unsigned int n);

/* Keyed BLAKE2s with 16 bytes of output. `key_len`: 1 to 32 bytes. */
void hash_mac(uint8_t out[WG_MAC_LEN], const uint8_t *key, size_t key_len, const void *data,
	      size_t len);

/* HMAC-BLAKE2s (RFC 2104) of the pieces. */
void hash_hmac(uint8_t out[WG_HASH_LEN], const uint8_t key[WG_HASH_LEN],
	       const struct hash_piece *pieces, unsigned int n);

/*
 * HKDF (RFC 5869, without info): Kdf1, Kdf2 or Kdf3, as t2 and t3 are given or NULL; t3 not
 * without t2. t1 may be `key` itself.
 */
void hash_kdf(uint8_t t1[WG_HASH_LEN], uint8_t t2[WG_HASH_LEN], uint8_t t3[WG_HASH_LEN],
	      const uint8_t key[WG_HASH_LEN], const void *input, size_t len);

#endif
