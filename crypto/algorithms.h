/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcrypto's algorithms, fetched once in the life of the process. Internal to crypto/.
 *
 * How this folder meets a failing libcrypto: what fails for its input (a tag, a key of low order)
 * or can tell its caller (AEADs, X25519) returns false. Hashes and MACs have no input to fail at;
 * only a missing algorithm or no memory for some hundred bytes remains, and then no handshake can
 * go on: they end the process through algorithms_fail, the one place that does so.
 */
#ifndef WGDP_ALGORITHMS_H
#define WGDP_ALGORITHMS_H

#include <openssl/evp.h>

#include "messages.h"

struct algorithms {
	EVP_MD *blake2s;
	EVP_MAC *blake2s_mac;
	EVP_CIPHER *chacha20;
	EVP_CIPHER *chacha20_poly1305;
};

/* Any thread; the first call fetches. Never NULL, and neither are the members. */
const struct algorithms *algorithms_get(void);

/*
 * libcrypto's objects that a thread keeps, because to make them takes as long as to use them. Between two uses no
 * secret is in them, but for x25519_own.
 */
struct scratch {
	EVP_MD_CTX *md;			/* a digest that has ended has wiped its state */
	EVP_PKEY_CTX *x25519_import;	/* makes keys out of bytes */
	EVP_PKEY *x25519_peer;		/* a public key, any */
	EVP_PKEY_CTX *x25519_own;	/* NULL, or for the private key used last by x25519_shared_static, which is: */
	uint8_t x25519_own_key[WG_KEY_LEN];
};

/* The calling thread's; freed with it. NULL: no memory. */
struct scratch *scratch_get(void);

/* One line to stderr naming `what` failed, and abort(). */
_Noreturn void algorithms_fail(const char *what);

#endif
