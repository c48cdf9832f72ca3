/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AEAD through Intel's multi-buffer library (libipsec-mb 1.3), where the processor has AVX2.
 *
 * ops go in as jobs, up to BURST at a time, and each burst is flushed before the next: when a
 * call returns, no job is left in the library. ChaCha20 has no key schedule, a job points to the
 * 32 bytes of the key itself. The library only computes tags; opening compares them here.
 *
 * Wiping: the job ring keeps pointers to keys, never keys; registers and stack are cleared by the
 * library (its SAFE_DATA build, which Debian's is: create insists). The tags computed on opening
 * are what would forge a packet, so they are wiped before the call returns.
 */
#include "aead.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

enum { NONCE_LEN = 12, BURST = 64 };

struct aead_ctx {
	IMB_MGR *mgr;
	/* Of the jobs under way, by their place in the burst. */
	uint8_t nonce[BURST][NONCE_LEN];
	uint8_t tag[BURST][WG_TAG_LEN];
};

_Static_assert(BURST <= IMB_MAX_JOBS, "a burst fits the job ring");

static void ipsec_mb_destroy(struct aead_ctx *ctx)
{
	if (!ctx)
		return;
	if (ctx->mgr)
		free_mb_mgr(ctx->mgr);
	OPENSSL_cleanse(ctx, sizeof(*ctx));
	free(ctx);
}

static struct aead_ctx *ipsec_mb_create(void)
{
	struct aead_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->mgr = alloc_mb_mgr(0);
	if (ctx->mgr)
		init_mb_mgr_auto(ctx->mgr, NULL);
	if (!ctx->mgr || imb_get_errno(ctx->mgr) != 0 ||
	    !(ctx->mgr->features & IMB_FEATURE_SAFE_DATA)) {
		ipsec_mb_destroy(ctx);
		return NULL;
	}
	return ctx;
}

/* AVX2, and a library whose self-test passes and that clears what it leaves behind. */
static bool ipsec_mb_usable(void)
{
	struct aead_ctx *ctx;

	if (!__builtin_cpu_supports("avx2"))
		return false;
	ctx = ipsec_mb_create();
	ipsec_mb_destroy(ctx);
	return ctx != NULL;
}

/* What sealing and opening have in common. */
static IMB_JOB *job_fill(struct aead_ctx *ctx, struct aead_op *op, unsigned int place)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(ctx->mgr);
	uint64_t counter = htole64(op->counter);

	assert(op->len <= AEAD_MAX_LEN);
	memset(ctx->nonce[place], 0, 4);
	memcpy(ctx->nonce[place] + 4, &counter, sizeof(counter));
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->enc_keys = op->key;
	job->dec_keys = op->key;
	job->key_len_in_bytes = WG_KEY_LEN;
	job->iv = ctx->nonce[place];
	job->iv_len_in_bytes = NONCE_LEN;
	job->u.CHACHA20_POLY1305.aad = NULL;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
	job->src = op->data;
	job->dst = op->data;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = op->len;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = op->len;
	job->auth_tag_output_len_in_bytes = WG_TAG_LEN;
	job->user_data = op;
	return job;
}

/* `ok` of a completed job's operation. For opening, its tag is still to be compared. */
static void job_done(const IMB_JOB *job)
{
	struct aead_op *op = job->user_data;

	op->ok = job->status == IMB_STATUS_COMPLETED;
}

/* The library checks the fields; its unchecked call was not measurably faster. */
static void job_submit(struct aead_ctx *ctx)
{
	const IMB_JOB *job = IMB_SUBMIT_JOB(ctx->mgr);

	for (; job; job = IMB_GET_COMPLETED_JOB(ctx->mgr))
		job_done(job);
}

static void jobs_flush(struct aead_ctx *ctx)
{
	const IMB_JOB *job;

	while ((job = IMB_FLUSH_JOB(ctx->mgr)) != NULL)
		job_done(job);
}

static void seal_burst(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		IMB_JOB *job = job_fill(ctx, &ops[i], i);

		job->cipher_direction = IMB_DIR_ENCRYPT;
		job->chain_order = IMB_ORDER_CIPHER_HASH;
		job->auth_tag_output = ops[i].data + ops[i].len;
		ops[i].ok = false;
		job_submit(ctx);
	}
	jobs_flush(ctx);
	for (unsigned int i = 0; i < n; i++) {
		if (!ops[i].ok)
			OPENSSL_cleanse(ops[i].data, ops[i].len + WG_TAG_LEN);
	}
}

static void open_burst(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		IMB_JOB *job = job_fill(ctx, &ops[i], i);

		job->cipher_direction = IMB_DIR_DECRYPT;
		job->chain_order = IMB_ORDER_HASH_CIPHER;
		job->auth_tag_output = ctx->tag[i];
		ops[i].ok = false;
		job_submit(ctx);
	}
	jobs_flush(ctx);
	for (unsigned int i = 0; i < n; i++) {
		const struct aead_op *op = &ops[i];
		bool same = CRYPTO_memcmp(ctx->tag[i], op->data + op->len, WG_TAG_LEN) == 0;

		ops[i].ok = op->ok && same;
	}
	OPENSSL_cleanse(ctx->tag, n * sizeof(ctx->tag[0]));
}

static void ipsec_mb_seal(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	for (; n > BURST; ops += BURST, n -= BURST)
		seal_burst(ctx, ops, BURST);
	seal_burst(ctx, ops, n);
}

static void ipsec_mb_open(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	for (; n > BURST; ops += BURST, n -= BURST)
		open_burst(ctx, ops, BURST);
	open_burst(ctx, ops, n);
}

const struct aead_backend aead_ipsec_mb = {
	.name = "ipsec-mb",
	.usable = ipsec_mb_usable,
	.create = ipsec_mb_create,
	.destroy = ipsec_mb_destroy,
	.seal = ipsec_mb_seal,
	.open = ipsec_mb_open,
};
