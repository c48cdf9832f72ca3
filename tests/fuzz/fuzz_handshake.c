/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: what a stranger can send to the handshake. The first byte says as which
 * message the rest is taken, like a datagram's type; type 4 is instead the randomness of a whole
 * handshake between two honest ends. Keys are fixed, those of noise_vectors.h, so that a run can be
 * repeated and the seeds (tests/fuzz/corpus/handshake, made by noise_vectors.py) are real messages.
 *
 * Beyond not crashing: a refused message leaves its handshake as it was, an accepted one carries
 * the very bytes the honest end sealed, and honest ends arrive at the same keys.
 *
 *   clang -fsanitize=fuzzer,address,undefined -I crypto -I tests/unit ... fuzz_handshake.c
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cookie.h"
#include "noise.h"
#include "noise_vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW (1000 * UINT64_C(1000000000))

struct end {
	struct noise_identity id;
	struct noise_remote remote;
	struct noise_handshake hs;
	struct noise_keys keys;
	struct cookie_checker checker;
	struct cookie_sender sender;
};

/* Fixed, once set up. */
static struct end initiator, responder;

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void key_run(uint8_t key[WG_KEY_LEN], uint8_t first)
{
	for (unsigned int i = 0; i < WG_KEY_LEN; i++)
		key[i] = (uint8_t)(first + i);
}

static void ends_meet(struct end *i, struct end *r, const uint8_t *private_i,
		      const uint8_t *private_r)
{
	must(noise_identity_set(&i->id, private_i));
	must(noise_identity_set(&r->id, private_r));
	memcpy(i->remote.public_key, r->id.public_key, WG_KEY_LEN);
	memcpy(r->remote.public_key, i->id.public_key, WG_KEY_LEN);
	cookie_checker_init(&i->checker, i->id.public_key);
	cookie_checker_init(&r->checker, r->id.public_key);
	cookie_sender_init(&i->sender, r->id.public_key);
	cookie_sender_init(&r->sender, i->id.public_key);
}

/* The state of noise_vectors.h: an initiation sent, a cookie handed out. */
static void ends_init(void)
{
	uint8_t static_i[WG_KEY_LEN], static_r[WG_KEY_LEN], ephemeral[WG_KEY_LEN];
	uint8_t nonce[WG_KEY_LEN], secret[WG_KEY_LEN];
	struct wg_initiation first;
	struct wg_cookie_reply reply;

	if (initiator.id.valid)
		return;
	key_run(static_i, VECTOR_STATIC_I);
	key_run(static_r, VECTOR_STATIC_R);
	key_run(ephemeral, VECTOR_EPHEMERAL_I);
	key_run(nonce, VECTOR_NONCE);
	key_run(secret, VECTOR_SECRET);
	ends_meet(&initiator, &responder, static_i, static_r);
	must(noise_initiation_create(&initiator.hs, &first, &initiator.id, &initiator.remote,
				     ephemeral, vector_timestamp, VECTOR_INDEX_I));
	cookie_macs_add(&initiator.sender, &first, sizeof(first), NOW);
	must(memcmp(&first, vector_initiation_plain, sizeof(first)) == 0);
	must(noise_remote_prepare(&responder.remote, &responder.id));
	must(cookie_reply_create(&responder.checker, &reply, &first, sizeof(first),
				 VECTOR_INDEX_I, vector_source, sizeof(vector_source), nonce,
				 secret, NOW));
}

static void fuzz_initiation(const struct wg_initiation *msg)
{
	static const struct wg_response blank;
	uint8_t public_key[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN], ephemeral[WG_KEY_LEN];
	struct noise_remote remote = responder.remote;
	struct noise_handshake hs, before;
	struct wg_response answer = blank;
	struct noise_keys keys;

	memset(&hs, 0x5a, sizeof(hs));
	before = hs;
	if (!noise_initiation_open(&hs, msg, &responder.id, public_key)) {
		must(memcmp(&hs, &before, sizeof(hs)) == 0);
		return;
	}
	memcpy(remote.public_key, public_key, WG_KEY_LEN);
	remote.static_static_known = false;
	before = hs;
	if (!noise_initiation_finish(&hs, msg, &responder.id, &remote, timestamp)) {
		must(memcmp(&hs, &before, sizeof(hs)) == 0);
		return;
	}
	must(memcmp(public_key, vector_public_i, WG_KEY_LEN) == 0);
	must(memcmp(timestamp, vector_timestamp, sizeof(timestamp)) == 0);
	key_run(ephemeral, VECTOR_EPHEMERAL_R);
	must(noise_response_create(&hs, &answer, &remote, ephemeral, VECTOR_INDEX_R, &keys));
	must(memcmp(&keys.receive, vector_initiator_sends_plain, WG_KEY_LEN) == 0);
}

static void fuzz_response(const struct wg_response *msg)
{
	struct noise_handshake hs = initiator.hs;
	struct noise_keys keys;

	if (noise_response_consume(&hs, msg, &initiator.id, &initiator.remote, &keys))
		must(memcmp(keys.receive, vector_responder_sends_plain, WG_KEY_LEN) == 0);
	else
		must(memcmp(&hs, &initiator.hs, sizeof(hs)) == 0);
}

static void fuzz_cookie_reply(const struct wg_cookie_reply *msg)
{
	const struct wg_cookie_reply *honest = (const void *)vector_cookie_reply;
	struct cookie_sender sender = initiator.sender;

	if (cookie_reply_consume(&sender, msg, NOW))
		must(memcmp(msg->nonce, honest->nonce, sizeof(*msg) -
			    offsetof(struct wg_cookie_reply, nonce)) == 0);
	else
		must(memcmp(&sender, &initiator.sender, sizeof(sender)) == 0);
}

/* Any length. Who has a valid mac2 here sends one of the two messages there is one for. */
static void fuzz_macs(const uint8_t *data, size_t size)
{
	(void)cookie_mac1_valid(&responder.checker, data, size);
	if (cookie_mac2_valid(&responder.checker, data, size, vector_source, sizeof(vector_source),
			      NOW))
		must(size == sizeof(vector_initiation_mac2) &&
		     memcmp(data, vector_initiation_mac2, size) == 0);
}

struct randomness {
	uint8_t static_i[WG_KEY_LEN], static_r[WG_KEY_LEN];
	uint8_t ephemeral_i[WG_KEY_LEN], ephemeral_r[WG_KEY_LEN];
	uint8_t psk[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];
	uint32_t index_i, index_r;
};

/* Any bytes are keys; but should both have the same, it must work too. */
static void fuzz_whole(const struct randomness *x)
{
	uint8_t public_key[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];
	struct end i = { .id = { .valid = false } }, r = { .id = { .valid = false } };
	struct wg_initiation first;
	struct wg_response second;

	ends_meet(&i, &r, x->static_i, x->static_r);
	memcpy(i.remote.preshared_key, x->psk, WG_KEY_LEN);
	memcpy(r.remote.preshared_key, x->psk, WG_KEY_LEN);
	must(noise_initiation_create(&i.hs, &first, &i.id, &i.remote, x->ephemeral_i, x->timestamp,
				     x->index_i));
	cookie_macs_add(&i.sender, &first, sizeof(first), NOW);
	must(cookie_mac1_valid(&r.checker, &first, sizeof(first)));
	must(noise_initiation_open(&r.hs, &first, &r.id, public_key));
	must(memcmp(public_key, i.id.public_key, WG_KEY_LEN) == 0);
	must(noise_initiation_finish(&r.hs, &first, &r.id, &r.remote, timestamp));
	must(memcmp(timestamp, x->timestamp, sizeof(timestamp)) == 0);
	must(noise_response_create(&r.hs, &second, &r.remote, x->ephemeral_r, x->index_r,
				   &r.keys));
	cookie_macs_add(&r.sender, &second, sizeof(second), NOW);
	must(cookie_mac1_valid(&i.checker, &second, sizeof(second)));
	must(noise_response_consume(&i.hs, &second, &i.id, &i.remote, &i.keys));
	must(i.hs.remote_index == x->index_r && r.hs.remote_index == x->index_i);
	must(memcmp(i.keys.send, r.keys.receive, WG_KEY_LEN) == 0);
	must(memcmp(i.keys.receive, r.keys.send, WG_KEY_LEN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union {
		struct wg_initiation initiation;
		struct wg_response response;
		struct wg_cookie_reply cookie_reply;
		struct randomness randomness;
	} in;

	ends_init();
	fuzz_macs(data, size);
	if (size < 4)
		return 0;
	memset(&in, 0, sizeof(in));	/* the daemon checks lengths; short ones are filled up */
	if (data[0] == 4) {
		size -= 4;
		memcpy(&in, data + 4, size < sizeof(in) ? size : sizeof(in));
		fuzz_whole(&in.randomness);
		return 0;
	}
	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	if (data[0] == WG_INITIATION)
		fuzz_initiation(&in.initiation);
	else if (data[0] == WG_RESPONSE)
		fuzz_response(&in.response);
	else if (data[0] == WG_COOKIE_REPLY)
		fuzz_cookie_reply(&in.cookie_reply);
	return 0;
}
