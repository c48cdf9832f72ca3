/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ChaCha20-Poly1305 (RFC 8439) over a vector of packets: the seam between the data path and a
 * crypto library.
 *
 * A backend is a const descriptor; a context is one thread's instance of it (the library's
 * scratch state; no session key stays in it when a call has returned). WireGuard's nonce is four
 * zero bytes and the 64-bit counter, little-endian (whitepaper section 5.4.6).
 */
#ifndef WGDP_AEAD_H
#define WGDP_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

/*
 * One packet to seal or open, in place. Sealing: `len` bytes of plaintext at `data` become
 * ciphertext, and the 16 bytes at data + len the tag. Opening: `len` bytes of ciphertext at
 * `data`, the tag behind them at data + len; `ok` says whether the tag was right, and unless it
 * is true the bytes at `data` must not be used. No additional data. `len` 0 is a keepalive.
 *
 * Sealing needs no memory and no luck, so `ok` comes back true; should a library fail at it all
 * the same, `ok` is false and the len + 16 bytes are zeros, so that no plaintext can leave.
 */
struct aead_op {
	const uint8_t *key;	/* WG_KEY_LEN bytes, only read; must not change during a call */
	uint64_t counter;
	uint8_t *data;
	uint32_t len;		/* at most AEAD_MAX_LEN */
	bool ok;		/* out */
};

enum { AEAD_MAX_LEN = 1 << 20 };

struct aead_ctx;

struct aead_backend {
	const char *name;			/* as the conf spells it: "openssl", "ipsec-mb" */
	bool (*usable)(void);			/* can this processor run it? any thread */
	struct aead_ctx *(*create)(void);	/* NULL: the library has no memory; any thread */
	void (*destroy)(struct aead_ctx *);	/* wipes and frees; NULL is allowed */
	void (*seal)(struct aead_ctx *, struct aead_op *ops, unsigned int n);
	void (*open)(struct aead_ctx *, struct aead_op *ops, unsigned int n);
};

extern const struct aead_backend aead_openssl;
#ifdef HAVE_IPSEC_MB
extern const struct aead_backend aead_ipsec_mb;
#endif

/* Every backend built in, best first, ended by NULL. */
extern const struct aead_backend *const aead_backends[];

/*
 * The backend of that name, or for "auto" the best that this processor can run. NULL: no backend
 * of that name is built in, or this processor cannot run it. Any thread.
 */
const struct aead_backend *aead_find(const char *name);

/*
 * A context belongs to the thread that uses it. Calls with n == 0 do nothing. Operations of one
 * call may mix keys and lengths; runs of one key are cheaper.
 */
static inline void aead_seal(const struct aead_backend *b, struct aead_ctx *ctx,
			     struct aead_op *ops, unsigned int n)
{
	b->seal(ctx, ops, n);
}

static inline void aead_open(const struct aead_backend *b, struct aead_ctx *ctx,
			     struct aead_op *ops, unsigned int n)
{
	b->open(ctx, ops, n);
}

#endif
