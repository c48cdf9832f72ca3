/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 (RFC 7748), through libcrypto. Any thread; no state. */
#ifndef WGDP_X25519_H
#define WGDP_X25519_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

/* Makes any 32 bytes a private key (RFC 7748 section 5). The functions below do not need it. */
static inline void x25519_clamp(uint8_t private_key[WG_KEY_LEN])
{
	private_key[0] &= 248;
	private_key[31] &= 127;
	private_key[31] |= 64;
}

/* False: the library failed, public_key untouched. */
bool x25519_public(uint8_t public_key[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN]);

/*
 * The shared secret of our pair and the peer's public key. `public_key` is that of `private_key`:
 * libcrypto would otherwise compute it at each call, as dear as the operation itself.
 *
 * False: the result would be all zeros (RFC 7748 section 6.1: the peer's key is of low order), or
 * the library failed; `shared` is zeros then. Constant time in all keys.
 */
bool x25519_shared(uint8_t shared[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN],
		   const uint8_t public_key[WG_KEY_LEN], const uint8_t peer[WG_KEY_LEN]);

#endif
