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

struct algorithms {
	EVP_MD *blake2s;
	EVP_MAC *blake2s_mac;
	EVP_CIPHER *chacha20;
	EVP_CIPHER *chacha20_poly1305;
};

/* Any thread; the first call fetches. Never NULL, and neither are the members. */
const struct algorithms *algorithms_get(void);

/* One line to stderr naming `what` failed, and abort(). */
_Noreturn void algorithms_fail(const char *what);

#endif
