/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "algorithms.h"

enum { BLAKE2S_BLOCK = 64 };

static EVP_MD_CTX *md_new(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (!md)
		algorithms_fail("EVP_MD_CTX_new");
	return md;
}

static void md_begin(EVP_MD_CTX *md)
{
	if (!EVP_DigestInit_ex2(md, algorithms_get()->blake2s, NULL))
		algorithms_fail("EVP_DigestInit_ex2");
}

static void md_add(EVP_MD_CTX *md, const void *data, size_t len)
{
	if (!EVP_DigestUpdate(md, data, len))
		algorithms_fail("EVP_DigestUpdate");
}

static void md_end(EVP_MD_CTX *md, uint8_t out[WG_HASH_LEN])
{
	if (!EVP_DigestFinal_ex(md, out, NULL))
		algorithms_fail("EVP_DigestFinal_ex");
}

void hash_blake2s(uint8_t out[WG_HASH_LEN], const struct hash_piece *pieces, unsigned int n)
{
	EVP_MD_CTX *md = md_new();

	md_begin(md);
	for (unsigned int i = 0; i < n; i++)
		md_add(md, pieces[i].data, pieces[i].len);
	md_end(md, out);
	EVP_MD_CTX_free(md);	/* wipes */
}

void hash_mac(uint8_t out[WG_MAC_LEN], const uint8_t *key, size_t key_len, const void *data,
	      size_t len)
{
	size_t size = WG_MAC_LEN;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(algorithms_get()->blake2s_mac);

	assert(key_len >= 1 && key_len <= WG_KEY_LEN);
	if (!mac)
		algorithms_fail("EVP_MAC_CTX_new");
	if (!EVP_MAC_init(mac, key, key_len, params) || !EVP_MAC_update(mac, data, len) ||
	    !EVP_MAC_final(mac, out, NULL, WG_MAC_LEN))
		algorithms_fail("BLAKE2SMAC");
	EVP_MAC_CTX_free(mac);	/* wipes */
}

/*
 * HMAC from two plain hashes: libcrypto's own EVP_MAC takes three times as long (1800 ns against
 * 600), most of it to look its digest up again, and a handshake needs twenty of them.
 */
static void hmac_with(EVP_MD_CTX *md, uint8_t out[WG_HASH_LEN], const uint8_t key[WG_HASH_LEN],
		      const struct hash_piece *pieces, unsigned int n)
{
	uint8_t inner_pad[BLAKE2S_BLOCK], outer_pad[BLAKE2S_BLOCK], inner[WG_HASH_LEN];

	memset(inner_pad, 0x36, sizeof(inner_pad));
	memset(outer_pad, 0x5c, sizeof(outer_pad));
	for (unsigned int i = 0; i < WG_HASH_LEN; i++) {
		inner_pad[i] ^= key[i];
		outer_pad[i] ^= key[i];
	}

	md_begin(md);
	md_add(md, inner_pad, sizeof(inner_pad));
	for (unsigned int i = 0; i < n; i++)
		md_add(md, pieces[i].data, pieces[i].len);
	md_end(md, inner);

	md_begin(md);
	md_add(md, outer_pad, sizeof(outer_pad));
	md_add(md, inner, sizeof(inner));
	md_end(md, out);

	OPENSSL_cleanse(inner_pad, sizeof(inner_pad));
	OPENSSL_cleanse(outer_pad, sizeof(outer_pad));
	OPENSSL_cleanse(inner, sizeof(inner));
}

void hash_hmac(uint8_t out[WG_HASH_LEN], const uint8_t key[WG_HASH_LEN],
	       const struct hash_piece *pieces, unsigned int n)
{
	EVP_MD_CTX *md = md_new();

	hmac_with(md, out, key, pieces, n);
	EVP_MD_CTX_free(md);
}

void hash_kdf(uint8_t t1[WG_HASH_LEN], uint8_t t2[WG_HASH_LEN], uint8_t t3[WG_HASH_LEN],
	      const uint8_t key[WG_HASH_LEN], const void *input, size_t len)
{
	uint8_t *const outputs[] = { t1, t2, t3 };
	uint8_t secret[WG_HASH_LEN], previous[WG_HASH_LEN], number;
	struct hash_piece pieces[] = { { input, len }, { &number, 1 } };
	EVP_MD_CTX *md = md_new();

	assert(t2 || !t3);
	hmac_with(md, secret, key, pieces, 1);	/* extract */
	pieces[0] = (struct hash_piece){ previous, 0 };	/* expand */
	for (number = 1; number <= 3 && outputs[number - 1]; number++) {
		hmac_with(md, previous, secret, pieces, 2);
		memcpy(outputs[number - 1], previous, WG_HASH_LEN);
		pieces[0].len = WG_HASH_LEN;
	}
	EVP_MD_CTX_free(md);
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(previous, sizeof(previous));
}
