/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AEAD through Intel's multi-buffer library (libipsec-mb 1.3 or later), where the processor has AVX2.
 *
 * ops become jobs, BURST at a time, that are submitted together; when a call returns, no job is left in the
 * library. ChaCha20 has no key schedule, a job points to the 32 bytes of the key itself. The library only computes
 * tags; opening compares them here. All jobs of a burst are filled in before the first is run: the library's wide
 * loads of a nonce would else wait for the narrow stores that have just made it.
 *
 * Wiping: jobs point to keys, they hold none; registers and stack are cleared by the library (its SAFE_DATA build,
 * which Debian's is: create insists). The tags computed on opening are what would forge a packet, so they are
 * wiped before the call returns.
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
	IMB_JOB seal, open;	/* what all jobs of a direction have in common */
	/* Of the jobs under way, by their place in the burst. The first four bytes of a nonce are always zero. */
	uint8_t nonce[BURST][NONCE_LEN];
	uint8_t tag[BURST][WG_TAG_LEN];
};

_Static_assert(BURST <= IMB_MAX_BURST_SIZE && BURST <= IMB_MAX_JOBS, "a burst fits the job ring");

static void ipsec_mb_destroy(struct aead_ctx *ctx)
{
	if (!ctx)
		return;
	if (ctx->mgr)
		free_mb_mgr(ctx->mgr);
	OPENSSL_cleanse(ctx, sizeof(*ctx));
	free(ctx);
}

static void template_init(IMB_MGR *mgr, IMB_JOB *job, IMB_CIPHER_DIRECTION direction, IMB_CHAIN_ORDER order)
{
	job->cipher_direction = direction;
	job->chain_order = order;
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->key_len_in_bytes = WG_KEY_LEN;
	job->iv_len_in_bytes = NONCE_LEN;
	job->auth_tag_output_len_in_bytes = WG_TAG_LEN;
#if IMB_VERSION_NUM >= IMB_VERSION(1, 4, 0)
	imb_set_session(mgr, job);	/* from then on the burst interface wants it */
#else
	(void)mgr;
#endif
}

static struct aead_ctx *ipsec_mb_create(void)
{
	struct aead_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->mgr = alloc_mb_mgr(0);
	if (ctx->mgr)
		init_mb_mgr_auto(ctx->mgr, NULL);
	if (!ctx->mgr || imb_get_errno(ctx->mgr) != 0 || !(ctx->mgr->features & IMB_FEATURE_SAFE_DATA)) {
		ipsec_mb_destroy(ctx);
		return NULL;
	}
	template_init(ctx->mgr, &ctx->seal, IMB_DIR_ENCRYPT, IMB_ORDER_CIPHER_HASH);
	template_init(ctx->mgr, &ctx->open, IMB_DIR_DECRYPT, IMB_ORDER_HASH_CIPHER);
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

static void job_fill(struct aead_ctx *ctx, struct aead_op *op, unsigned int place, IMB_JOB *job)
{
	uint64_t counter = htole64(op->counter);

	assert(op->len <= AEAD_MAX_LEN);
	memcpy(ctx->nonce[place] + NONCE_LEN - sizeof(counter), &counter, sizeof(counter));
	job->enc_keys = op->key;
	job->dec_keys = op->key;
	job->iv = ctx->nonce[place];
	job->src = op->data;
	job->dst = op->data;
	job->msg_len_to_cipher_in_bytes = op->len;
	job->msg_len_to_hash_in_bytes = op->len;
	job->user_data = op;
	op->ok = false;
}

/* `ok` of the operations of completed jobs. For opening, their tags are still to be compared. */
static void jobs_done(IMB_JOB *const *job, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct aead_op *op = job[i]->user_data;

		op->ok = job[i]->status == IMB_STATUS_COMPLETED;
	}
}

/* The unchecked call is faster by 8 ns a packet. All that the checked one looks at is in the template, or ours. */
static void jobs_run(struct aead_ctx *ctx, IMB_JOB **job, unsigned int n)
{
	unsigned int done = IMB_SUBMIT_BURST_NOCHECK(ctx->mgr, n, job);

	jobs_done(job, done);
	while ((done = IMB_FLUSH_BURST(ctx->mgr, n, job)) > 0)
		jobs_done(job, done);
}

static void jobs_get(struct aead_ctx *ctx, IMB_JOB **job, unsigned int n)
{
	unsigned int got = IMB_GET_NEXT_BURST(ctx->mgr, n, job);

	assert(got == n);	/* the ring is empty */
	(void)got;
}

static void seal_burst(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	IMB_JOB *job[BURST];

	jobs_get(ctx, job, n);
	for (unsigned int i = 0; i < n; i++) {
		*job[i] = ctx->seal;
		job_fill(ctx, &ops[i], i, job[i]);
		job[i]->auth_tag_output = ops[i].data + ops[i].len;
	}
	jobs_run(ctx, job, n);
	for (unsigned int i = 0; i < n; i++) {
		if (!ops[i].ok)
			OPENSSL_cleanse(ops[i].data, ops[i].len + WG_TAG_LEN);
	}
}

static void open_burst(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	IMB_JOB *job[BURST];

	jobs_get(ctx, job, n);
	for (unsigned int i = 0; i < n; i++) {
		*job[i] = ctx->open;
		job_fill(ctx, &ops[i], i, job[i]);
		job[i]->auth_tag_output = ctx->tag[i];
	}
	jobs_run(ctx, job, n);
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
	if (n > 0)
		seal_burst(ctx, ops, n);
}

static void ipsec_mb_open(struct aead_ctx *ctx, struct aead_op *ops, unsigned int n)
{
	for (; n > BURST; ops += BURST, n -= BURST)
		open_burst(ctx, ops, BURST);
	if (n > 0)
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
