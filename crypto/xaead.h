/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), which seals cookies. Any thread; no state.
 */
#ifndef WGDP_XAEAD_H
#define WGDP_XAEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

enum { XAEAD_HCHACHA_NONCE_LEN = 16 };

/* HChaCha20 (section 2.2). False: the library failed, `out` is zeros. */
bool xaead_hchacha20(uint8_t out[WG_KEY_LEN], const uint8_t key[WG_KEY_LEN],
		     const uint8_t nonce[XAEAD_HCHACHA_NONCE_LEN]);

/* Writes len + 16 bytes to `out`. False: the library failed, `out` is zeros. */
bool xaead_seal(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		const uint8_t nonce[WG_COOKIE_NONCE_LEN], const void *ad, size_t ad_len,
		const void *plain, size_t len);

/*
 * `len`: of the sealed message, its tag included; len - 16 bytes are written to `out`. False: the
 * tag is wrong, len < 16 or the library failed; `out` is zeros then.
 */
bool xaead_open(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		const uint8_t nonce[WG_COOKIE_NONCE_LEN], const void *ad, size_t ad_len,
		const void *sealed, size_t len);

#endif
