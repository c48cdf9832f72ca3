/* SPDX-License-Identifier: BSD-3-Clause */
#include "hash.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "algorithms.h"

enum { BLAKE2S_BLOCK = 64 };

static EVP_MD_CTX *md_kept(void)
{
	const struct scratch *kept = scratch_get();

	if (!kept)
		algorithms_fail("EVP_MD_CTX_new");
	return kept->md;
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
	EVP_MD_CTX *md = md_kept();

	md_begin(md);
	for (unsigned int i = 0; i < n; i++)
		md_add(md, pieces[i].data, pieces[i].len);
	md_end(md, out);
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
	uint8_t inner[BLAKE2S_BLOCK], outer[BLAKE2S_BLOCK + WG_HASH_LEN];

	memset(inner, 0x36, BLAKE2S_BLOCK);
	memset(outer, 0x5c, BLAKE2S_BLOCK);
	for (unsigned int i = 0; i < WG_HASH_LEN; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}

	md_begin(md);
	md_add(md, inner, sizeof(inner));
	for (unsigned int i = 0; i < n; i++)
		md_add(md, pieces[i].data, pieces[i].len);
	md_end(md, outer + BLAKE2S_BLOCK);

	md_begin(md);
	md_add(md, outer, sizeof(outer));
	md_end(md, out);

	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
}

void hash_hmac(uint8_t out[WG_HASH_LEN], const uint8_t key[WG_HASH_LEN],
	       const struct hash_piece *pieces, unsigned int n)
{
	EVP_MD_CTX *md = md_kept();

	hmac_with(md, out, key, pieces, n);
}

void hash_kdf(uint8_t t1[WG_HASH_LEN], uint8_t t2[WG_HASH_LEN], uint8_t t3[WG_HASH_LEN],
	      const uint8_t key[WG_HASH_LEN], const void *input, size_t len)
{
	uint8_t *const outputs[] = { t1, t2, t3 };
	uint8_t secret[WG_HASH_LEN], previous[WG_HASH_LEN], number;
	struct hash_piece pieces[] = { { input, len }, { &number, 1 } };
	EVP_MD_CTX *md = md_kept();

	assert(t2 || !t3);
	hmac_with(md, secret, key, pieces, 1);	/* extract */
	pieces[0] = (struct hash_piece){ previous, 0 };	/* expand */
	for (number = 1; number <= 3 && outputs[number - 1]; number++) {
		hmac_with(md, previous, secret, pieces, 2);
		memcpy(outputs[number - 1], previous, WG_HASH_LEN);
		pieces[0].len = WG_HASH_LEN;
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(previous, sizeof(previous));
}
