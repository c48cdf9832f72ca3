/* SPDX-License-Identifier: BSD-3-Clause */
#include "x25519.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "algorithms.h"

static const uint8_t base_point[WG_KEY_LEN] = { 9 };

/*
 * NULL: the library failed. The public half is a constant: derivation does not look at it, but without one libcrypto
 * would compute it, and dearly: its own way to a public key takes 57 us where X25519 of the base point takes 31.
 */
static EVP_PKEY *pair_import(EVP_PKEY_CTX *import, const uint8_t private_key[WG_KEY_LEN])
{
	/* The casts: OSSL_PARAM has no const, fromdata only reads. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)private_key, WG_KEY_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)base_point, WG_KEY_LEN),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pair = NULL;

	return EVP_PKEY_fromdata(import, &pair, EVP_PKEY_KEYPAIR, params) > 0 ? pair : NULL;
}

/* `theirs` is any X25519 key: it becomes `peer`. */
static bool derive(EVP_PKEY_CTX *ctx, EVP_PKEY *theirs, const uint8_t *peer, uint8_t out[WG_KEY_LEN])
{
	static const uint8_t zeros[WG_KEY_LEN];
	size_t len = WG_KEY_LEN;

	/* libcrypto refuses zeros itself; the law is ours, so it is checked here too. */
	return EVP_PKEY_set1_encoded_public_key(theirs, peer, WG_KEY_LEN) > 0 &&
	       EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) > 0 && EVP_PKEY_derive(ctx, out, &len) > 0 && len == WG_KEY_LEN &&
	       CRYPTO_memcmp(out, zeros, sizeof(zeros)) != 0;
}

/* A context in which that private key derives. NULL: the library failed. */
static EVP_PKEY_CTX *ours(const struct scratch *kept, const uint8_t private_key[WG_KEY_LEN])
{
	EVP_PKEY *pair = kept ? pair_import(kept->x25519_import, private_key) : NULL;
	EVP_PKEY_CTX *ctx = pair ? EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL) : NULL;

	EVP_PKEY_free(pair);	/* ctx has a reference of its own */
	if (!ctx || EVP_PKEY_derive_init(ctx) > 0)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

bool x25519_derive(uint8_t public_key[WG_KEY_LEN], uint8_t shared[][WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN],
		   const uint8_t *const peer[], unsigned int n)
{
	const struct scratch *kept = scratch_get();
	EVP_PKEY_CTX *ctx;
	bool ok;

	assert(n <= X25519_MAX);
	ERR_set_mark();	/* a stranger's key must not leave errors behind in the thread's queue */
	ctx = ours(kept, private_key);
	ok = ctx && (!public_key || derive(ctx, kept->x25519_peer, base_point, public_key));
	for (unsigned int k = 0; ok && k < n; k++)
		ok = derive(ctx, kept->x25519_peer, peer[k], shared[k]);
	if (!ok && public_key)
		OPENSSL_cleanse(public_key, WG_KEY_LEN);
	if (!ok && n)
		OPENSSL_cleanse(shared, n * WG_KEY_LEN);
	EVP_PKEY_CTX_free(ctx);
	ERR_pop_to_mark();
	return ok;
}

static void forget(struct scratch *kept)
{
	EVP_PKEY_CTX_free(kept->x25519_own);
	kept->x25519_own = NULL;
	OPENSSL_cleanse(kept->x25519_own_key, WG_KEY_LEN);
}

void x25519_forget(void)
{
	struct scratch *kept = scratch_get();

	if (kept)
		forget(kept);
}

bool x25519_shared_static(uint8_t shared[WG_KEY_LEN], const uint8_t private_key[WG_KEY_LEN], const uint8_t peer[WG_KEY_LEN])
{
	struct scratch *kept = scratch_get();
	bool ok;

	ERR_set_mark();
	if (kept && (!kept->x25519_own || CRYPTO_memcmp(kept->x25519_own_key, private_key, WG_KEY_LEN) != 0)) {
		forget(kept);
		kept->x25519_own = ours(kept, private_key);
		if (kept->x25519_own)
			memcpy(kept->x25519_own_key, private_key, WG_KEY_LEN);
	}
	ok = kept && kept->x25519_own && derive(kept->x25519_own, kept->x25519_peer, peer, shared);
	if (!ok)
		OPENSSL_cleanse(shared, WG_KEY_LEN);
	ERR_pop_to_mark();
	return ok;
}
