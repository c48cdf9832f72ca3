/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 (RFC 7748), through libcrypto. Any thread; no state but a thread's own (algorithms.h). */
#ifndef WGDP_X25519_H
#define WGDP_X25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

/* Makes any 32 bytes a private key (RFC 7748 section 5). The functions below do not need it. */
static inline void x25519_clamp(uint8_t private_key[WG_KEY_LEN])
{
	private_key[0] &= 248;
	private_key[31] &= 127;
	private_key[31] |= 64;
}

enum { X25519_MAX = 4 };

/*
 * Our public key and the secrets that we share with n peers (at most X25519_MAX), all of one private key, which
 * is worth one call: to make libcrypto's objects of it takes a fifth of an operation. n + 1 operations;
 * `public_key` NULL: n.
 *
 * False: a result would be all zeros (RFC 7748 section 6.1: that peer's key is of low order), or the library
 * failed; everything is zeros then. Constant time in all keys.
 */
bool x25519_derive(uint8_t public_key[WG_KEY_LEN], uint8_t shared[][WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN],
		   const uint8_t *const peer[], unsigned int n);

/* The public key alone. False: the library failed, public_key is zeros. */
static inline bool x25519_public(uint8_t public_key[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN])
{
	return x25519_derive(public_key, NULL, private_key, NULL, 0);
}

/* One shared secret alone. */
static inline bool x25519_shared(uint8_t shared[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN],
				 const uint8_t peer[WG_KEY_LEN])
{
	return x25519_derive(NULL, (uint8_t(*)[WG_KEY_LEN])shared, private_key, &peer, 1);
}

/*
 * The same for a private key that lives long and is used again and again, ours: the calling thread keeps libcrypto's
 * object of the last such key, until another comes, the thread ends, or x25519_forget.
 */
bool x25519_shared_static(uint8_t shared[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN], const uint8_t peer[WG_KEY_LEN]);

/* The calling thread keeps no private key any more. */
void x25519_forget(void);

#endif
