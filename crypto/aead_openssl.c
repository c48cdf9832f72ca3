/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AEAD through libcrypto's EVP, on every machine. One EVP_CIPHER_CTX per context, made once: a packet costs no
 * allocation.
 *
 * Most of what a small packet costs is not the cipher but EVP's ways of passing a nonce and a tag.
 * EVP_CipherInit_ex2 asks the provider for the nonce's length each time, and EVP_CIPHER_CTX_ctrl builds parameters
 * on the stack and copies them at once, with loads wider than the stores that have just been made. So parameters
 * are prepared in the context, and only pointers and the counter change; the nonce goes in as "tlsivfixed", which
 * for this cipher is all of it; where create finds that it is not, the nonce goes by EVP_CipherInit_ex2.
 * (OpenSSL 3.0, 64 bytes: 680 ns before, 320 after.)
 *
 * Wiping: before a call returns, a byte is sealed or opened under a key of zeros, which overwrites the session's key,
 * the last packet's one-time key and what was left of its keystream. destroy wipes all (libcrypto clears a cipher
 * context it frees).
 */
#include "aead.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "algorithms.h"
#include "chapoly.h"

struct aead_ctx {
	EVP_CIPHER_CTX *evp;
	bool nonce_by_param;
	uint8_t nonce[CHAPOLY_NONCE_LEN];	/* of the packet; the first four bytes are always zero */
	/* What they point to: `nonce`, and the packet's tag. */
	OSSL_PARAM nonce_param[2];
	OSSL_PARAM tag_param[2];
	OSSL_PARAM both_params[3];
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

/* The packet's nonce, and `key` unless the one set before goes on: NULL. */
static bool packet_begin(struct aead_ctx *ctx, const uint8_t *key, uint64_t counter, int enc)
{
	const uint64_t wire_counter = htole64(counter);

	memcpy(ctx->nonce + sizeof(ctx->nonce) - sizeof(wire_counter), &wire_counter, sizeof(wire_counter));
	if (!ctx->nonce_by_param)
		return EVP_CipherInit_ex2(ctx->evp, NULL, key, ctx->nonce, enc, NULL) > 0;
	return !key || EVP_CipherInit_ex2(ctx->evp, NULL, key, NULL, enc, NULL) > 0;
}

static bool packet_seal(struct aead_ctx *ctx, const uint8_t *key, struct aead_op *op)
{
	uint8_t none[1];
	int n;

	ctx->tag_param[0].data = op->data + op->len;
	return packet_begin(ctx, key, op->counter, 1) &&
	       (!ctx->nonce_by_param || EVP_CIPHER_CTX_set_params(ctx->evp, ctx->nonce_param) > 0) &&
	       (op->len == 0 || EVP_EncryptUpdate(ctx->evp, op->data, &n, op->data, (int)op->len) > 0) &&
	       EVP_EncryptFinal_ex(ctx->evp, none, &n) > 0 &&
	       EVP_CIPHER_CTX_get_params(ctx->evp, ctx->tag_param) > 0;
}

/* libcrypto compares the tag in constant time. */
static bool packet_open(struct aead_ctx *ctx, const uint8_t *key, struct aead_op *op)
{
	const OSSL_PARAM *params = ctx->nonce_by_param ? ctx->both_params : ctx->tag_param;
	uint8_t none[1];
	int n;

	ctx->tag_param[0].data = ctx->both_params[1].data = op->data + op->len;
	return packet_begin(ctx, key, op->counter, 0) &&
	       EVP_CIPHER_CTX_set_params(ctx->evp, params) > 0 &&
	       (op->len == 0 || EVP_DecryptUpdate(ctx->evp, op->data, &n, op->data, (int)op->len) > 0) &&
	       EVP_DecryptFinal_ex(ctx->evp, none, &n) > 0;
}

/* Whether packets of one key and several counters come out as they do in the plainest use of libcrypto, and go in again. */
static bool nonces_right(struct aead_ctx *ctx)
{
	enum { PACKETS = 4, LEN = 80 };
	static const uint64_t counter[PACKETS] = { 0x0807060504030201, 0, 0x1112131415161718, 1 };
	static const uint8_t key[WG_KEY_LEN] = { 1 }, plain[LEN];
	uint8_t sealed[PACKETS][LEN + WG_TAG_LEN], expected[LEN + WG_TAG_LEN], nonce[CHAPOLY_NONCE_LEN] = { 0 };
	bool right = true;

	for (unsigned int i = 0; i < 2 * PACKETS; i++) {
		struct aead_op op = { .key = key, .counter = counter[i % PACKETS], .data = sealed[i % PACKETS], .len = LEN - i % PACKETS };
		const uint8_t *new_key = i % PACKETS ? NULL : key;
		const uint64_t wire_counter = htole64(op.counter);

		if (i >= PACKETS) {
			right = right && packet_open(ctx, new_key, &op) && memcmp(op.data, plain, op.len) == 0;
			continue;
		}
		memcpy(nonce + 4, &wire_counter, sizeof(wire_counter));
		memcpy(op.data, plain, op.len);
		right = right && chapoly_seal(expected, key, nonce, NULL, 0, plain, op.len) && packet_seal(ctx, new_key, &op) &&
			memcmp(op.data, expected, op.len + WG_TAG_LEN) == 0;
	}
	return right;
}

static struct aead_ctx *openssl_create(void)
{
	struct aead_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->nonce_param[0] = ctx->both_params[0] =
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, ctx->nonce, sizeof(ctx->nonce));
	ctx->tag_param[0] = ctx->both_params[1] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, WG_TAG_LEN);
	ctx->nonce_param[1] = ctx->tag_param[1] = ctx->both_params[2] = OSSL_PARAM_construct_end();
	ctx->evp = EVP_CIPHER_CTX_new();
	if (!ctx->evp || EVP_CipherInit_ex2(ctx->evp, algorithms_get()->chacha20_poly1305, NULL, NULL, 1, NULL) <= 0) {
		openssl_destroy(ctx);
		return NULL;
	}
	ctx->nonce_by_param = true;
	ctx->nonce_by_param = nonces_right(ctx);
	return ctx;
}

/* A byte under another key: after it nothing is left of the last packet's key, one-time key and keystream. */
static void key_forget(struct aead_ctx *ctx, int enc)
{
	static const uint8_t zeros[WG_KEY_LEN];
	uint8_t byte = 0, none[1];
	int n;

	if (packet_begin(ctx, zeros, 0, enc) && EVP_CipherUpdate(ctx->evp, &byte, &n, &byte, 1) > 0)
		(void)EVP_CipherFinal_ex(ctx->evp, none, &n);	/* opening: that this byte is not authentic is no matter */
}

static void openssl_seal(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	const uint8_t *key = NULL;

	for (unsigned int i = 0; i < n; i++) {
		struct aead_op *op = &ops[i];

		assert(op->len <= AEAD_MAX_LEN);
		op->ok = packet_seal(ctx, op->key != key ? op->key : NULL, op);
		key = op->ok ? op->key : NULL;
		if (!op->ok)
			OPENSSL_cleanse(op->data, op->len + WG_TAG_LEN);
	}
	if (n > 0)
		key_forget(ctx, 1);
}

static void openssl_open(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	const uint8_t *key = NULL;

	for (unsigned int i = 0; i < n; i++) {
		struct aead_op *op = &ops[i];

		assert(op->len <= AEAD_MAX_LEN);
		op->ok = packet_open(ctx, op->key != key ? op->key : NULL, op);
		key = op->key;
	}
	if (n > 0)
		key_forget(ctx, 0);
}

const struct aead_backend aead_openssl = {
	.name = "openssl",
	.usable = openssl_usable,
	.create = openssl_create,
	.destroy = openssl_destroy,
	.seal = openssl_seal,
	.open = openssl_open,
};
