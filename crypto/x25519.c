/* SPDX-License-Identifier: BSD-3-Clause */
#include "x25519.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

bool x25519_public(uint8_t public_key[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN])
{
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private_key,
							 WG_KEY_LEN);
	uint8_t out[WG_KEY_LEN];
	size_t len = sizeof(out);
	bool ok = pair && EVP_PKEY_get_raw_public_key(pair, out, &len) > 0 && len == sizeof(out);

	if (ok)
		memcpy(public_key, out, sizeof(out));
	EVP_PKEY_free(pair);
	return ok;
}

/* NULL: the library failed. */
static EVP_PKEY *pair_import(const uint8_t private_key[WG_KEY_LEN],
			     const uint8_t public_key[WG_KEY_LEN])
{
	/* The casts: OSSL_PARAM has no const, fromdata only reads. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)private_key,
						  WG_KEY_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)public_key,
						  WG_KEY_LEN),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	EVP_PKEY *pair = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &pair, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	return pair;
}

bool x25519_shared(uint8_t shared[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN],
		   const uint8_t public_key[WG_KEY_LEN], const uint8_t peer[WG_KEY_LEN])
{
	static const uint8_t zeros[WG_KEY_LEN];
	EVP_PKEY *theirs = NULL;
	EVP_PKEY *ours = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	size_t len = WG_KEY_LEN;
	bool ok;

	ERR_set_mark();	/* a stranger's key must not leave errors behind in the thread's queue */
	ours = pair_import(private_key, public_key);
	theirs = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, WG_KEY_LEN);
	if (ours && theirs)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
	ok = ctx && EVP_PKEY_derive_init(ctx) > 0 &&
	     EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) > 0 &&
	     EVP_PKEY_derive(ctx, shared, &len) > 0 && len == WG_KEY_LEN;
	/* libcrypto refuses zeros itself; the law is ours, so it is checked here too. */
	if (ok && CRYPTO_memcmp(shared, zeros, sizeof(zeros)) == 0)
		ok = false;
	if (!ok)
		OPENSSL_cleanse(shared, WG_KEY_LEN);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	ERR_pop_to_mark();
	return ok;
}
