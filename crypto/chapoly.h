/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ChaCha20-Poly1305 (RFC 8439) with additional data, one message at a time: for handshakes and
 * cookies. Packets go through aead.h. Any thread; no state.
 */
#ifndef WGDP_CHAPOLY_H
#define WGDP_CHAPOLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

enum { CHAPOLY_NONCE_LEN = 12 };

/* Writes len + 16 bytes to `out`. False: the library failed, `out` is zeros. */
bool chapoly_seal(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		  const uint8_t nonce[CHAPOLY_NONCE_LEN], const void *ad, size_t ad_len,
		  const void *plain, size_t len);

/*
 * `len`: of the sealed message, its tag included; len - 16 bytes are written to `out`. False: the
 * tag is wrong, len < 16 or the library failed; `out` is zeros then.
 */
bool chapoly_open(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		  const uint8_t nonce[CHAPOLY_NONCE_LEN], const void *ad, size_t ad_len,
		  const void *sealed, size_t len);

#endif
