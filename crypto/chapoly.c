/* SPDX-License-Identifier: BSD-3-Clause */
#include "chapoly.h"

#include <assert.h>
#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "algorithms.h"

/* The tag is read from `tag` when opening (enc 0), written to it when sealing (enc 1). */
static bool chapoly_run(int enc, uint8_t *out, uint8_t *tag, const uint8_t *key,
			const uint8_t *nonce, const void *ad, size_t ad_len, const void *in,
			size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t none[1];
	int n = 0;
	bool ok = ctx && EVP_CipherInit_ex2(ctx, algorithms_get()->chacha20_poly1305, key, nonce,
					    enc, NULL) > 0;

	assert(ad_len <= INT_MAX && len <= INT_MAX);
	if (ok && !enc)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, WG_TAG_LEN, tag) > 0;
	if (ok && ad_len > 0)
		ok = EVP_CipherUpdate(ctx, NULL, &n, ad, (int)ad_len) > 0;
	if (ok && len > 0)
		ok = EVP_CipherUpdate(ctx, out, &n, in, (int)len) > 0;
	if (ok)
		ok = EVP_CipherFinal_ex(ctx, none, &n) > 0;
	if (ok && enc)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, WG_TAG_LEN, tag) > 0;
	EVP_CIPHER_CTX_free(ctx);	/* wipes */
	return ok;
}

bool chapoly_seal(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		  const uint8_t nonce[CHAPOLY_NONCE_LEN], const void *ad, size_t ad_len,
		  const void *plain, size_t len)
{
	if (chapoly_run(1, out, out + len, key, nonce, ad, ad_len, plain, len))
		return true;
	OPENSSL_cleanse(out, len + WG_TAG_LEN);
	return false;
}

bool chapoly_open(uint8_t *out, const uint8_t key[WG_KEY_LEN],
		  const uint8_t nonce[CHAPOLY_NONCE_LEN], const void *ad, size_t ad_len,
		  const void *sealed, size_t len)
{
	if (len < WG_TAG_LEN)
		return false;
	len -= WG_TAG_LEN;
	/* The cast: the tag is only read when opening. libcrypto compares it in constant time. */
	if (chapoly_run(0, out, (uint8_t *)sealed + len, key, nonce, ad, ad_len, sealed, len))
		return true;
	OPENSSL_cleanse(out, len);
	return false;
}
