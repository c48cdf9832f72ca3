/* SPDX-License-Identifier: BSD-3-Clause */
#include "algorithms.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

/* Written once under pthread_once, only read afterwards. */
static struct algorithms algorithms;
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;	/* frees a thread's scratch when it ends */
static __thread struct scratch *scratch;

_Noreturn void algorithms_fail(const char *what)
{
	fprintf(stderr, "crypto: libcrypto failed: %s (out of memory, or not in this libcrypto)\n",
		what);
	abort();
}

static EVP_CIPHER *fetch_cipher(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);

	if (!cipher)
		algorithms_fail(name);
	return cipher;
}

static void scratch_free(void *arg)
{
	struct scratch *s = arg;

	EVP_PKEY_CTX_free(s->x25519_own);
	EVP_PKEY_free(s->x25519_peer);
	EVP_PKEY_CTX_free(s->x25519_import);
	EVP_MD_CTX_free(s->md);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

static void algorithms_fetch(void)
{
	if (pthread_key_create(&scratch_key, scratch_free) != 0)
		algorithms_fail("pthread_key_create");
	algorithms.blake2s = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
	if (!algorithms.blake2s)
		algorithms_fail("BLAKE2S-256");
	algorithms.blake2s_mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	if (!algorithms.blake2s_mac)
		algorithms_fail("BLAKE2SMAC");
	algorithms.chacha20 = fetch_cipher("ChaCha20");
	algorithms.chacha20_poly1305 = fetch_cipher("ChaCha20-Poly1305");
}

const struct algorithms *algorithms_get(void)
{
	pthread_once(&algorithms_once, algorithms_fetch);
	return &algorithms;
}

static struct scratch *scratch_make(void)
{
	static const uint8_t base_point[WG_KEY_LEN] = { 9 };
	struct scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	algorithms_get();
	s->md = EVP_MD_CTX_new();
	s->x25519_import = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	s->x25519_peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, base_point, WG_KEY_LEN);
	if (s->md && s->x25519_import && s->x25519_peer && EVP_PKEY_fromdata_init(s->x25519_import) > 0 &&
	    pthread_setspecific(scratch_key, s) == 0)
		return s;
	scratch_free(s);
	return NULL;
}

struct scratch *scratch_get(void)
{
	if (!scratch)
		scratch = scratch_make();
	return scratch;
}
