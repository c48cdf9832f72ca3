/* SPDX-License-Identifier: BSD-3-Clause */
#include "xaead.h"

#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "algorithms.h"
#include "chapoly.h"

enum { CHACHA_BLOCK = 64, CHACHA_WORDS = 16 };

/* One block of keystream; `nonce` fills the state's last four words (counter and nonce). */
static bool chacha20_block(uint8_t block[CHACHA_BLOCK], const uint8_t *key, const uint8_t *nonce)
{
	static const uint8_t zeros[CHACHA_BLOCK];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = ctx &&
		  EVP_EncryptInit_ex2(ctx, algorithms_get()->chacha20, key, nonce, NULL) > 0 &&
		  EVP_EncryptUpdate(ctx, block, &n, zeros, CHACHA_BLOCK) > 0 && n == CHACHA_BLOCK;

	EVP_CIPHER_CTX_free(ctx);	/* wipes */
	return ok;
}

/*
 * HChaCha20 is ChaCha20's block function without its last step, the addition of the initial state;
 * of the result the first and the last four words count. So those words of the initial state
 * (the constants and the nonce) are subtracted again from a block of keystream.
 */
bool xaead_hchacha20(uint8_t out[WG_KEY_LEN], const uint8_t key[WG_KEY_LEN],
		     const uint8_t nonce[XAEAD_HCHACHA_NONCE_LEN])
{
	uint32_t block[CHACHA_WORDS], initial[8];
	bool ok = chacha20_block((uint8_t *)block, key, nonce);

	if (!ok) {
		OPENSSL_cleanse(out, WG_KEY_LEN);
		OPENSSL_cleanse(block, sizeof(block));
		return false;
	}
	memcpy(initial, "expand 32-byte k", 16);
	memcpy(initial + 4, nonce, 16);
	memmove(block + 4, block + 12, 16);
	for (unsigned int i = 0; i < 8; i++)
		block[i] = htole32(le32toh(block[i]) - le32toh(initial[i]));
	memcpy(out, block, WG_KEY_LEN);
	OPENSSL_cleanse(block, sizeof(block));
	return true;
}

/* The key and the nonce of the inner ChaCha20-Poly1305 (section 2.3). */
static bool subkey(uint8_t key_out[WG_KEY_LEN], uint8_t nonce_out[CHAPOLY_NONCE_LEN],
		   const uint8_t *key, const uint8_t *nonce)
{
	memset(nonce_out, 0, 4);
	memcpy(nonce_out + 4, nonce + XAEAD_HCHACHA_NONCE_LEN, 8);
	return xaead_hchacha20(key_out, key, nonce);
}

bool xaead_seal(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		const uint8_t nonce[WG_COOKIE_NONCE_LEN], const void *ad, size_t ad_len,
		const void *plain, size_t len)
{
	uint8_t inner_key[WG_KEY_LEN], inner_nonce[CHAPOLY_NONCE_LEN];
	bool ok = subkey(inner_key, inner_nonce, key, nonce);

	if (ok)
		ok = chapoly_seal(out, inner_key, inner_nonce, ad, ad_len, plain, len);
	else
		OPENSSL_cleanse(out, len + WG_TAG_LEN);
	OPENSSL_cleanse(inner_key, sizeof(inner_key));
	return ok;
}

bool xaead_open(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		const uint8_t nonce[WG_COOKIE_NONCE_LEN], const void *ad, size_t ad_len,
		const void *sealed, size_t len)
{
	uint8_t inner_key[WG_KEY_LEN], inner_nonce[CHAPOLY_NONCE_LEN];
	bool ok;

	if (len < WG_TAG_LEN)
		return false;
	ok = subkey(inner_key, inner_nonce, key, nonce);
	if (ok)
		ok = chapoly_open(out, inner_key, inner_nonce, ad, ad_len, sealed, len);
	else
		OPENSSL_cleanse(out, len - WG_TAG_LEN);
	OPENSSL_cleanse(inner_key, sizeof(inner_key));
	return ok;
}
