/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every backend that this processor runs, against RFC 8439, against libcrypto's one-shot
 * interface used in the plainest way (the reference), and so against each other.
 *
 * RFC 8439's appendix A.5 has a nonce of WireGuard's form (its counter is 0x0807060504030201), but
 * additional data: its ciphertext holds here, the tag without additional data was computed with
 * noise_vectors.py's own Poly1305. The RFC's vectors with additional data: test_xaead.c.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "aead.h"
#include "hex.h"

enum { MAX_LEN = 9200, MAX_OPS = 200, GUARD = 16 };

/* Runs `body` with `b` and a context `ctx` of it for each backend. */
#define FOR_EACH_BACKEND(b, ctx) \
	for (unsigned int i_ = 0; aead_backends[i_]; i_++) \
		for (const struct aead_backend *b = backend_or_skip(i_); b; b = NULL) \
			for (struct aead_ctx *ctx = context_of(b); ctx; \
			     b->destroy(ctx), ctx = NULL)

static const struct aead_backend *backend_or_skip(unsigned int i)
{
	if (aead_backends[i]->usable())
		return aead_backends[i];
	cr_log_warn("backend %s: not on this processor, not tested", aead_backends[i]->name);
	return NULL;
}

static struct aead_ctx *context_of(const struct aead_backend *b)
{
	struct aead_ctx *ctx = b->create();

	cr_assert_not_null(ctx, "%s", b->name);
	return ctx;
}

/* The reference. `out` gets len + 16 bytes. */
static void reference_seal(uint8_t *out, const uint8_t *key, uint64_t counter, const uint8_t *in,
			   size_t len)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[12] = { 0 };
	int n;

	for (unsigned int i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> 8 * i);
	cr_assert(EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key, nonce));
	if (len > 0)
		cr_assert(EVP_EncryptUpdate(c, out, &n, in, (int)len));
	cr_assert(EVP_EncryptFinal_ex(c, out + len, &n));
	cr_assert(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + len));
	EVP_CIPHER_CTX_free(c);
}

/* Some packets with all there is to know of them. */
struct packets {
	unsigned int n;
	struct aead_op op[MAX_OPS];
	uint8_t key[MAX_OPS][WG_KEY_LEN];
	uint8_t plain[MAX_OPS][512];
	uint8_t sealed[MAX_OPS][512 + WG_TAG_LEN];
	uint8_t data[MAX_OPS][GUARD + 512 + WG_TAG_LEN + GUARD];
};

static uint8_t *packet_data(struct packets *p, unsigned int i)
{
	return p->data[i] + GUARD + i % 8;	/* at every alignment */
}

/* n packets of mixed keys (some in runs), counters and lengths up to 480 bytes. */
static struct packets *packets_make(unsigned int n, uint64_t *seed)
{
	struct packets *p = calloc(1, sizeof(*p));

	cr_assert_not_null(p);
	p->n = n;
	memset(p->data, 0xee, sizeof(p->data));
	for (unsigned int i = 0; i < n; i++) {
		uint32_t len = (uint32_t)(random_next(seed) % 481);
		bool same = i > 0 && random_next(seed) % 3 > 0;

		random_fill(seed, p->key[i], WG_KEY_LEN);
		random_fill(seed, p->plain[i], len);
		p->op[i] = (struct aead_op){
			.key = same ? p->op[i - 1].key : p->key[i],
			.counter = random_next(seed),
			.data = packet_data(p, i),
			.len = len,
		};
		memcpy(p->op[i].data, p->plain[i], len);
		reference_seal(p->sealed[i], p->op[i].key, p->op[i].counter, p->plain[i], len);
	}
	return p;
}

/* Nothing but the packet and its tag was written. */
static void guards_expect(const struct packets *p, unsigned int i)
{
	const struct aead_op *op = &p->op[i];
	const uint8_t *end = op->data + op->len + WG_TAG_LEN;

	for (const uint8_t *q = p->data[i]; q < op->data; q++)
		cr_assert_eq(*q, 0xee, "written before the packet");
	for (const uint8_t *q = end; q < p->data[i] + sizeof(p->data[i]); q++)
		cr_assert_eq(*q, 0xee, "written behind the packet");
}

Test(aead, find)
{
	cr_expect_eq(aead_find("openssl"), &aead_openssl);
	cr_expect_null(aead_find("rot13"));
	cr_expect_null(aead_find(""));
	cr_assert_not_null(aead_find("auto"));
	cr_expect(aead_find("auto")->usable());
#ifdef HAVE_IPSEC_MB
	if (aead_ipsec_mb.usable()) {
		cr_expect_eq(aead_find("ipsec-mb"), &aead_ipsec_mb);
		cr_expect_eq(aead_find("auto"), &aead_ipsec_mb);
	} else {
		cr_expect_null(aead_find("ipsec-mb"));
		cr_expect_eq(aead_find("auto"), &aead_openssl);
	}
#else
	cr_expect_null(aead_find("ipsec-mb"));
#endif
	for (unsigned int i = 0; aead_backends[i]; i++)
		aead_backends[i]->destroy(NULL);
}

Test(aead, rfc8439_a_5)
{
	static const char plain[] =
		"Internet-Drafts are draft documents valid for a maximum of six months and may be "
		"updated, replaced, or obsoleted by other documents at any time. It is "
		"inappropriate to use Internet-Drafts as reference material or to cite them other "
		"than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
	static const char sealed_hex[] =
		"64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
		"4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
		"332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
		"9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
		"b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
		"af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
		"0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
		"49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
		"a6ad5cb4022b02709b"
		"6e3570b1acaaf1f24f2a644f01acd12b";
	enum { LEN = sizeof(plain) - 1 };
	uint8_t key[WG_KEY_LEN], data[LEN + WG_TAG_LEN];

	hex_bytes(key, sizeof(key),
		  "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
	FOR_EACH_BACKEND(b, ctx) {
		struct aead_op op = {
			.key = key, .counter = 0x0807060504030201, .data = data, .len = LEN,
		};
		struct aead_op keepalive = op;

		memcpy(data, plain, LEN);
		aead_seal(b, ctx, &op, 1);
		cr_expect(op.ok, "%s", b->name);
		hex_expect(data, sizeof(data), sealed_hex, b->name);
		op.ok = false;
		aead_open(b, ctx, &op, 1);
		cr_expect(op.ok, "%s", b->name);
		cr_expect_arr_eq(data, plain, LEN, "%s", b->name);

		keepalive.len = 0;
		aead_seal(b, ctx, &keepalive, 1);
		hex_expect(data, WG_TAG_LEN, "11f42c5c33f24b70d45e8126aec859be", b->name);
		aead_open(b, ctx, &keepalive, 1);
		cr_expect(keepalive.ok, "%s", b->name);
	}
}

static void length_expect(const struct aead_backend *b, struct aead_ctx *ctx, uint32_t len,
			  uint64_t counter, uint64_t *seed)
{
	static uint8_t plain[MAX_LEN], want[MAX_LEN + WG_TAG_LEN], data[MAX_LEN + WG_TAG_LEN + 1];
	uint8_t key[WG_KEY_LEN];
	struct aead_op op = { .key = key, .counter = counter, .data = data, .len = len };

	random_fill(seed, key, sizeof(key));
	random_fill(seed, plain, len);
	reference_seal(want, key, counter, plain, len);
	memcpy(data, plain, len);
	data[len + WG_TAG_LEN] = 0xee;
	aead_seal(b, ctx, &op, 1);
	cr_assert(op.ok && memcmp(data, want, len + WG_TAG_LEN) == 0, "%s seals %u bytes", b->name,
		  len);
	op.ok = false;
	aead_open(b, ctx, &op, 1);
	cr_assert(op.ok && memcmp(data, plain, len) == 0, "%s opens %u bytes", b->name, len);
	cr_assert_eq(data[len + WG_TAG_LEN], 0xee);
	data[len] ^= 1;
	memcpy(data, want, len);
	aead_open(b, ctx, &op, 1);
	cr_assert_not(op.ok, "%s: wrong tag on %u bytes", b->name, len);
}

Test(aead, lengths)
{
	uint64_t seed = 1;

	FOR_EACH_BACKEND(b, ctx) {
		for (uint32_t len = 0; len <= 300; len++)
			length_expect(b, ctx, len, random_next(&seed), &seed);
		for (uint32_t len = 301; len <= MAX_LEN; len += 89)
			length_expect(b, ctx, len, random_next(&seed), &seed);
		length_expect(b, ctx, MAX_LEN, random_next(&seed), &seed);
	}
}

Test(aead, counters)
{
	static const uint64_t counters[] = {
		0, 1, 0xff, 0x100, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_C(1) << 63,
		UINT64_MAX - 8193, UINT64_MAX,
	};
	uint64_t seed = 2;

	FOR_EACH_BACKEND(b, ctx) {
		for (unsigned int i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
			length_expect(b, ctx, 64, counters[i], &seed);
	}
}

Test(aead, batches)
{
	uint64_t seed = 3;

	FOR_EACH_BACKEND(b, ctx) {
		for (unsigned int n = 0; n <= MAX_OPS; n = n < 70 ? n + 1 : n + 65) {
			struct packets *p = packets_make(n, &seed);

			aead_seal(b, ctx, p->op, n);
			for (unsigned int i = 0; i < n; i++) {
				cr_assert(p->op[i].ok);
				cr_assert_arr_eq(p->op[i].data, p->sealed[i],
						 p->op[i].len + WG_TAG_LEN, "%s: %u of %u", b->name,
						 i, n);
				guards_expect(p, i);
				p->op[i].ok = false;
			}
			aead_open(b, ctx, p->op, n);
			for (unsigned int i = 0; i < n; i++) {
				cr_assert(p->op[i].ok, "%s: %u of %u", b->name, i, n);
				cr_assert_arr_eq(p->op[i].data, p->plain[i], p->op[i].len);
				guards_expect(p, i);
			}
			free(p);
		}
	}
}

/* Each byte of a packet and its tag in turn, in each place of a batch: that one fails, no other. */
Test(aead, tampered)
{
	enum { N = 9, LEN = 67 };
	uint64_t seed = 4;

	FOR_EACH_BACKEND(b, ctx) {
		for (unsigned int at = 0; at < LEN + WG_TAG_LEN; at++) {
			struct packets *p = packets_make(N, &seed);
			unsigned int victim = at % N;
			struct aead_op *op = &p->op[victim];

			op->len = LEN;
			random_fill(&seed, p->plain[victim], LEN);
			reference_seal(p->sealed[victim], op->key, op->counter, p->plain[victim],
				       LEN);
			for (unsigned int i = 0; i < N; i++)
				memcpy(p->op[i].data, p->sealed[i], p->op[i].len + WG_TAG_LEN);
			op->data[at] ^= (uint8_t)(1u << at % 8);
			op->ok = true;
			aead_open(b, ctx, p->op, N);
			for (unsigned int i = 0; i < N; i++)
				cr_assert_eq(p->op[i].ok, i != victim, "%s: byte %u of %u, op %u",
					     b->name, at, victim, i);
			free(p);
		}
	}
}

Test(aead, wrong_key_or_counter)
{
	uint64_t seed = 5;

	FOR_EACH_BACKEND(b, ctx) {
		struct packets *p = packets_make(6, &seed);
		uint8_t other[WG_KEY_LEN];

		for (unsigned int i = 0; i < 6; i++)
			memcpy(p->op[i].data, p->sealed[i], p->op[i].len + WG_TAG_LEN);
		memcpy(other, p->op[1].key, sizeof(other));
		other[31] ^= 0x80;
		p->op[1].key = other;
		p->op[3].counter ^= UINT64_C(1) << 63;
		p->op[4].len++;	/* the tag is looked for one byte further */
		aead_open(b, ctx, p->op, 6);
		for (unsigned int i = 0; i < 6; i++)
			cr_expect_eq(p->op[i].ok, i != 1 && i != 3 && i != 4, "%s: op %u", b->name,
				     i);
		free(p);
	}
}

/* libcrypto's memory, seen through its own hooks: how often asked for, and what lies in it. */
enum { MAX_BLOCKS = 65536 };

static struct {
	void *at;
	size_t size;
} blocks[MAX_BLOCKS];
static unsigned int n_allocations;

static void block_note(void *at, size_t size)
{
	for (unsigned int i = 0; at && i < MAX_BLOCKS; i++) {
		if (blocks[i].at)
			continue;
		blocks[i].at = at;
		blocks[i].size = size;
		return;
	}
}

static void block_forget(const void *at)
{
	for (unsigned int i = 0; at && i < MAX_BLOCKS; i++) {
		if (blocks[i].at != at)
			continue;
		blocks[i].at = NULL;
		return;
	}
}

static void *hook_malloc(size_t size, const char *file, int line)
{
	void *p = malloc(size);

	(void)file;
	(void)line;
	n_allocations++;
	block_note(p, size);
	return p;
}

static void hook_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	block_forget(p);
	free(p);
}

static void *hook_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	n_allocations++;
	block_forget(p);
	p = realloc(p, size);
	block_note(p, size);
	return p;
}

/* Before main: the hooks are refused once libcrypto has allocated, and Criterion's libraries do. */
static int hooks_set;

__attribute__((constructor)) static void hooks_install(void)
{
	hooks_set = CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free);
}

static bool in_memory(const uint8_t *key)
{
	for (unsigned int i = 0; i < MAX_BLOCKS; i++) {
		if (blocks[i].at && memmem(blocks[i].at, blocks[i].size, key, WG_KEY_LEN / 2))
			return true;
	}
	return false;
}

Test(aead, openssl_memory)
{
	static uint8_t data[64][128 + WG_TAG_LEN];
	struct aead_op op[64];
	struct aead_ctx *ctx;
	uint8_t key[2][WG_KEY_LEN];
	uint64_t seed = 6;
	unsigned int before;

	cr_assert(hooks_set);
	random_fill(&seed, key[0], WG_KEY_LEN);
	random_fill(&seed, key[1], WG_KEY_LEN);
	ctx = context_of(&aead_openssl);
	cr_assert_gt(n_allocations, 0, "the hooks work");
	for (unsigned int i = 0; i < 64; i++)
		op[i] = (struct aead_op){ key[i / 8 % 2], i, data[i], 128, false };

	before = n_allocations;
	for (unsigned int round = 0; round < 10; round++) {
		aead_seal(&aead_openssl, ctx, op, 64);
		cr_expect_not(in_memory(key[0]) || in_memory(key[1]), "key left by sealing");
		aead_open(&aead_openssl, ctx, op, 64);
		cr_expect_not(in_memory(key[0]) || in_memory(key[1]), "key left by opening");
		for (unsigned int i = 0; i < 64; i++)
			cr_expect(op[i].ok);
		data[0][0] ^= 1;	/* and after a failure */
		aead_open(&aead_openssl, ctx, op, 64);
		cr_expect_not(op[0].ok);
		cr_expect_not(in_memory(key[0]) || in_memory(key[1]), "key left by a failure");
	}
	cr_expect_eq(n_allocations, before, "%u allocations", n_allocations - before);
	aead_openssl.destroy(ctx);
}
