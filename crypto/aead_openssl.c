/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AEAD through libcrypto's EVP, on every machine. One EVP_CIPHER_CTX per context, made once:
 * a packet costs no allocation.
 *
 * Wiping: before a call returns, the session's key in the EVP_CIPHER_CTX is overwritten by zeros.
 * Poly1305's one-time key of the call's last packet stays until the next call; it can
 * authenticate that one packet again and nothing else. destroy wipes all (libcrypto clears a
 * cipher context it frees).
 */
#include "aead.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "algorithms.h"

enum { NONCE_LEN = 12 };

struct aead_ctx {
	EVP_CIPHER_CTX *evp;
};

static bool openssl_usable(void)
{
	return true;
}

static void openssl_destroy(struct aead_ctx *ctx)
{
	if (!ctx)
		return;
	EVP_CIPHER_CTX_free(ctx->evp);
	free(ctx);
}

static struct aead_ctx *openssl_create(void)
{
	struct aead_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->evp = EVP_CIPHER_CTX_new();
	if (!ctx->evp || EVP_CipherInit_ex2(ctx->evp, algorithms_get()->chacha20_poly1305, NULL,
					    NULL, 1, NULL) <= 0) {
		openssl_destroy(ctx);
		return NULL;
	}
	return ctx;
}

/* `key`: NULL to go on with the one set before. */
static bool packet_begin(EVP_CIPHER_CTX *evp, const uint8_t *key, uint64_t counter, int enc)
{
	uint64_t wire_counter = htole64(counter);
	uint8_t nonce[NONCE_LEN] = { 0 };

	memcpy(nonce + 4, &wire_counter, sizeof(wire_counter));
	return EVP_CipherInit_ex2(evp, NULL, key, nonce, enc, NULL) > 0;
}

static bool packet_seal(EVP_CIPHER_CTX *evp, const uint8_t *key, struct aead_op *op)
{
	uint8_t none[1];
	int n;

	return packet_begin(evp, key, op->counter, 1) &&
	       (op->len == 0 ||
		EVP_EncryptUpdate(evp, op->data, &n, op->data, (int)op->len) > 0) &&
	       EVP_EncryptFinal_ex(evp, none, &n) > 0 &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, WG_TAG_LEN, op->data + op->len) > 0;
}

/* libcrypto compares the tag in constant time. */
static bool packet_open(EVP_CIPHER_CTX *evp, const uint8_t *key, struct aead_op *op)
{
	uint8_t *tag = op->data + op->len;
	uint8_t none[1];
	int n;

	return packet_begin(evp, key, op->counter, 0) &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, WG_TAG_LEN, tag) > 0 &&
	       (op->len == 0 ||
		EVP_DecryptUpdate(evp, op->data, &n, op->data, (int)op->len) > 0) &&
	       EVP_DecryptFinal_ex(evp, none, &n) > 0;
}

static void key_forget(EVP_CIPHER_CTX *evp, int enc)
{
	static const uint8_t zeros[WG_KEY_LEN];

	(void)packet_begin(evp, zeros, 0, enc);
}

static void openssl_seal(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	const uint8_t *key = NULL;

	for (unsigned int i = 0; i < n; i++) {
		struct aead_op *op = &ops[i];

		assert(op->len <= AEAD_MAX_LEN);
		op->ok = packet_seal(ctx->evp, op->key != key ? op->key : NULL, op);
		key = op->ok ? op->key : NULL;
		if (!op->ok)
			OPENSSL_cleanse(op->data, op->len + WG_TAG_LEN);
	}
	if (n > 0)
		key_forget(ctx->evp, 1);
}

static void openssl_open(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	const uint8_t *key = NULL;

	for (unsigned int i = 0; i < n; i++) {
		struct aead_op *op = &ops[i];

		assert(op->len <= AEAD_MAX_LEN);
		op->ok = packet_open(ctx->evp, op->key != key ? op->key : NULL, op);
		key = op->key;
	}
	if (n > 0)
		key_forget(ctx->evp, 0);
}

const struct aead_backend aead_openssl = {
	.name = "openssl",
	.usable = openssl_usable,
	.create = openssl_create,
	.destroy = openssl_destroy,
	.seal = openssl_seal,
	.open = openssl_open,
};
