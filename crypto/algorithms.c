/* SPDX-License-Identifier: BSD-3-Clause */
#include "algorithms.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Written once under pthread_once, only read afterwards. */
static struct algorithms algorithms;
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;

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

static void algorithms_fetch(void)
{
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
