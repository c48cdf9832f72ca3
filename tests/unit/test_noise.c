/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole handshakes with fixed randomness against noise_vectors.py, an implementation of its own;
 * then everything that must not lead to a session. Failures must leave their objects as they were:
 * each test compares whole structs with copies.
 */
#include <criterion/criterion.h>
#include <endian.h>

#include "hex.h"
#include "noise.h"
#include "noise_vectors.h"

enum {
	INITIATION_LEN = offsetof(struct wg_initiation, macs),
	RESPONSE_LEN = offsetof(struct wg_response, macs),
};

/* One end: itself, and what it knows of the other. */
struct end {
	struct noise_identity id;
	struct noise_remote remote;
	struct noise_handshake hs;
	struct noise_keys keys;
	uint8_t ephemeral[WG_KEY_LEN];
	uint32_t index;
};

struct world {
	struct end i, r;
};

static void end_init(struct end *e, uint8_t first, uint8_t ephemeral_first, uint32_t index)
{
	uint8_t key[WG_KEY_LEN];

	bytes_run(key, sizeof(key), first);
	cr_assert(noise_identity_set(&e->id, key));
	bytes_run(e->ephemeral, sizeof(e->ephemeral), ephemeral_first);
	e->index = index;
}

static void world_init(struct world *w, bool psk)
{
	memset(w, 0, sizeof(*w));
	end_init(&w->i, VECTOR_STATIC_I, VECTOR_EPHEMERAL_I, VECTOR_INDEX_I);
	end_init(&w->r, VECTOR_STATIC_R, VECTOR_EPHEMERAL_R, VECTOR_INDEX_R);
	memcpy(w->i.remote.public_key, w->r.id.public_key, WG_KEY_LEN);
	memcpy(w->r.remote.public_key, w->i.id.public_key, WG_KEY_LEN);
	if (psk) {
		bytes_run(w->i.remote.preshared_key, WG_KEY_LEN, VECTOR_PSK);
		bytes_run(w->r.remote.preshared_key, WG_KEY_LEN, VECTOR_PSK);
	}
}

static bool initiate(struct world *w, struct wg_initiation *msg)
{
	memset(msg, 0, sizeof(*msg));
	return noise_initiation_create(&w->i.hs, msg, &w->i.id, &w->i.remote, w->i.ephemeral,
				       vector_timestamp, w->i.index);
}

/* Both steps, into the responder's handshake, as the control thread does it. */
static bool receive(struct world *w, const struct wg_initiation *msg)
{
	struct noise_handshake scratch;
	uint8_t public_key[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];

	memset(&scratch, 0, sizeof(scratch));
	if (!noise_initiation_open(&scratch, msg, &w->r.id, public_key) ||
	    memcmp(public_key, w->r.remote.public_key, WG_KEY_LEN) != 0 ||
	    !noise_initiation_finish(&scratch, msg, &w->r.id, &w->r.remote, timestamp))
		return false;
	cr_assert_arr_eq(timestamp, vector_timestamp, sizeof(timestamp));
	w->r.hs = scratch;
	return true;
}

static bool respond(struct world *w, struct wg_response *msg)
{
	memset(msg, 0, sizeof(*msg));
	return noise_response_create(&w->r.hs, msg, &w->r.remote, w->r.ephemeral, w->r.index,
				     &w->r.keys);
}

static bool finish(struct world *w, const struct wg_response *msg)
{
	return noise_response_consume(&w->i.hs, msg, &w->i.id, &w->i.remote, &w->i.keys);
}

static void sessions_expect(const struct world *w)
{
	cr_expect_arr_eq(w->i.keys.send, w->r.keys.receive, WG_KEY_LEN);
	cr_expect_arr_eq(w->i.keys.receive, w->r.keys.send, WG_KEY_LEN);
	cr_expect_arr_neq(w->i.keys.send, w->i.keys.receive, WG_KEY_LEN);
}

/* Nothing left in it but the indices. */
static void wiped_expect(const struct noise_handshake *hs, uint32_t local, uint32_t remote)
{
	struct noise_handshake want;

	memset(&want, 0, sizeof(want));
	want.local_index = local;
	want.remote_index = remote;
	cr_expect_eq(hs->state, NOISE_ZEROED);
	cr_expect_arr_eq(hs, &want, sizeof(want), "wiped, indices kept");
}

static void vectors_expect(bool psk, const uint8_t *initiation, const uint8_t *response,
			   const uint8_t *initiator_sends, const uint8_t *responder_sends)
{
	struct wg_initiation first;
	struct wg_response second;
	struct world w;

	world_init(&w, psk);
	cr_expect_arr_eq(w.i.id.public_key, vector_public_i, WG_KEY_LEN);
	cr_expect_arr_eq(w.r.id.public_key, vector_public_r, WG_KEY_LEN);
	cr_assert(initiate(&w, &first));
	cr_expect_eq(w.i.hs.state, NOISE_INITIATION_CREATED);
	cr_expect_arr_eq(&first, initiation, INITIATION_LEN, "initiation");
	cr_assert(receive(&w, &first));
	cr_expect_eq(w.r.hs.state, NOISE_INITIATION_CONSUMED);
	cr_assert(respond(&w, &second));
	cr_expect_arr_eq(&second, response, RESPONSE_LEN, "response");
	cr_assert(finish(&w, &second));
	cr_expect_arr_eq(w.i.keys.send, initiator_sends, WG_KEY_LEN);
	cr_expect_arr_eq(w.i.keys.receive, responder_sends, WG_KEY_LEN);
	sessions_expect(&w);
	wiped_expect(&w.i.hs, VECTOR_INDEX_I, VECTOR_INDEX_R);
	wiped_expect(&w.r.hs, VECTOR_INDEX_R, VECTOR_INDEX_I);

	/* The MACs are not noise's to write. */
	for (unsigned int i = 0; i < 2 * WG_MAC_LEN; i++) {
		cr_expect_eq(((const uint8_t *)&first.macs)[i], 0);
		cr_expect_eq(((const uint8_t *)&second.macs)[i], 0);
	}
}

Test(noise, vectors_without_psk)
{
	vectors_expect(false, vector_initiation_plain, vector_response_plain,
		       vector_initiator_sends_plain, vector_responder_sends_plain);
}

Test(noise, vectors_with_psk)
{
	vectors_expect(true, vector_initiation_psk, vector_response_psk,
		       vector_initiator_sends_psk, vector_responder_sends_psk);
}

Test(noise, random_round_trips)
{
	uint64_t seed = 7;

	for (unsigned int n = 0; n < 20; n++) {
		struct wg_initiation first;
		struct wg_response second;
		struct world w;
		uint8_t key[WG_KEY_LEN];

		world_init(&w, false);
		random_fill(&seed, key, sizeof(key));
		cr_assert(noise_identity_set(&w.i.id, key));
		random_fill(&seed, key, sizeof(key));
		cr_assert(noise_identity_set(&w.r.id, key));
		memcpy(w.i.remote.public_key, w.r.id.public_key, WG_KEY_LEN);
		memcpy(w.r.remote.public_key, w.i.id.public_key, WG_KEY_LEN);
		random_fill(&seed, w.i.ephemeral, WG_KEY_LEN);
		random_fill(&seed, w.r.ephemeral, WG_KEY_LEN);
		random_fill(&seed, w.i.remote.preshared_key, WG_KEY_LEN);
		memcpy(w.r.remote.preshared_key, w.i.remote.preshared_key, WG_KEY_LEN);
		cr_assert(initiate(&w, &first) && receive(&w, &first));
		cr_assert(respond(&w, &second) && finish(&w, &second));
		sessions_expect(&w);
	}
}

Test(noise, identity)
{
	struct noise_identity id = { .valid = false };
	uint8_t key[WG_KEY_LEN];

	memset(key, 0xff, sizeof(key));
	cr_expect(noise_identity_set(&id, key));
	cr_expect(id.valid);
	cr_expect_eq(id.private_key[0], 0xf8, "clamped");
	cr_expect_eq(id.private_key[31], 0x7f, "clamped");
}

/* The sender index is bound by nothing but the MACs: test_cookie.c. */
static bool is_sender_index(unsigned int byte)
{
	return byte >= offsetof(struct wg_initiation, sender) &&
	       byte < offsetof(struct wg_initiation, sender) + sizeof(uint32_t);
}

Test(noise, tampered_initiation)
{
	struct wg_initiation first;
	struct wg_response second;
	struct world w, before;

	world_init(&w, true);
	cr_assert(noise_remote_prepare(&w.r.remote, &w.r.id));
	cr_assert(initiate(&w, &first));
	before = w;
	for (unsigned int bit = 0; bit < 8 * INITIATION_LEN; bit++) {
		struct wg_initiation bad = first;

		if (is_sender_index(bit / 8))
			continue;
		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_not(receive(&w, &bad), "byte %u, bit %u", bit / 8, bit % 8);
	}
	cr_expect_arr_eq(&w, &before, sizeof(w));
	cr_expect(receive(&w, &first) && respond(&w, &second) && finish(&w, &second));
	sessions_expect(&w);
}

/* What the two steps write when they fail: nothing. */
Test(noise, refused_initiation_writes_nothing)
{
	struct noise_handshake hs, before;
	uint8_t public_key[WG_KEY_LEN] = { 1 }, timestamp[WG_TIMESTAMP_LEN] = { 2 };
	struct wg_initiation first, bad;
	struct world w;

	world_init(&w, false);
	cr_assert(initiate(&w, &first));
	bad = first;
	bad.static_[5] ^= 1;
	memset(&hs, 0x5a, sizeof(hs));
	before = hs;
	cr_expect_not(noise_initiation_open(&hs, &bad, &w.r.id, public_key));
	cr_expect_arr_eq(&hs, &before, sizeof(hs));
	cr_expect_eq(public_key[0] + public_key[1] + public_key[31], 1);

	cr_assert(noise_initiation_open(&hs, &first, &w.r.id, public_key));
	cr_expect_eq(hs.state, NOISE_ZEROED, "not consumed yet");
	before = hs;
	bad = first;
	bad.timestamp[5] ^= 1;
	cr_expect_not(noise_initiation_finish(&hs, &bad, &w.r.id, &w.r.remote, timestamp));
	cr_expect_arr_eq(&hs, &before, sizeof(hs));
	cr_expect_eq(timestamp[0] + timestamp[1] + timestamp[11], 2);
	cr_expect(noise_initiation_finish(&hs, &first, &w.r.id, &w.r.remote, timestamp));
}

Test(noise, tampered_response)
{
	struct wg_initiation first;
	struct wg_response second;
	struct world w, before;

	world_init(&w, true);
	cr_assert(initiate(&w, &first) && receive(&w, &first) && respond(&w, &second));
	before = w;
	for (unsigned int bit = 0; bit < 8 * RESPONSE_LEN; bit++) {
		struct wg_response bad = second;

		if (is_sender_index(bit / 8))
			continue;
		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_not(finish(&w, &bad), "byte %u, bit %u", bit / 8, bit % 8);
	}
	cr_expect_arr_eq(&w, &before, sizeof(w), "the handshake lives on");
	cr_expect(finish(&w, &second));
	sessions_expect(&w);
	cr_expect_not(finish(&w, &second), "a second time");
}

Test(noise, wrong_psk)
{
	struct wg_initiation first;
	struct wg_response second;
	struct world w, before;

	world_init(&w, true);
	cr_assert(initiate(&w, &first) && receive(&w, &first) && respond(&w, &second));
	w.i.remote.preshared_key[31] ^= 1;
	before = w;
	cr_expect_not(finish(&w, &second));
	memset(w.i.remote.preshared_key, 0, WG_KEY_LEN);
	cr_expect_not(finish(&w, &second), "no PSK");
	w.i.remote.preshared_key[31] ^= 1;
	bytes_run(w.i.remote.preshared_key, WG_KEY_LEN, VECTOR_PSK);
	before.i.remote = w.i.remote;
	cr_expect_arr_eq(&w, &before, sizeof(w));
	cr_expect(finish(&w, &second));
	sessions_expect(&w);
}

/* A message to somebody else, or answered by somebody else. */
Test(noise, wrong_identity)
{
	struct wg_initiation first;
	struct wg_response second;
	struct world w;
	uint8_t key[WG_KEY_LEN];

	world_init(&w, false);
	cr_assert(initiate(&w, &first));
	bytes_run(key, sizeof(key), 0x77);
	cr_assert(noise_identity_set(&w.r.id, key));
	cr_expect_not(receive(&w, &first), "to another responder");

	/* An initiator who claims a public key whose private half it has not. */
	world_init(&w, false);
	memcpy(w.i.id.public_key, vector_public_r, WG_KEY_LEN);
	memcpy(w.r.remote.public_key, vector_public_r, WG_KEY_LEN);
	cr_assert(initiate(&w, &first));
	cr_expect_not(receive(&w, &first), "another's static key");

	world_init(&w, false);
	cr_assert(initiate(&w, &first) && receive(&w, &first));
	w.r.remote.public_key[0] ^= 1;
	cr_assert(respond(&w, &second));
	cr_expect_not(finish(&w, &second), "answered to another");
}

Test(noise, wrong_state)
{
	struct wg_initiation first;
	struct wg_response second, untouched;
	struct world w, before;

	world_init(&w, false);
	before = w;
	memset(&untouched, 0, sizeof(untouched));
	cr_expect_not(respond(&w, &second), "nothing received");
	cr_expect_arr_eq(&second, &untouched, sizeof(second));
	cr_expect_arr_eq(&w, &before, sizeof(w));

	cr_assert(initiate(&w, &first) && receive(&w, &first) && respond(&w, &second));
	cr_expect_not(respond(&w, &untouched), "answered already");
	w.i.hs.local_index++;
	cr_expect_not(finish(&w, &second), "another handshake's index");
	w.i.hs.local_index--;
	w.i.hs.state = NOISE_INITIATION_CONSUMED;
	cr_expect_not(finish(&w, &second), "a responder");
	w.i.hs.state = NOISE_INITIATION_CREATED;
	w.i.id.valid = false;
	cr_expect_not(finish(&w, &second), "no identity any more");
	w.i.id.valid = true;
	cr_expect(finish(&w, &second));

	w.i.id.valid = false;
	w.r.id.valid = false;
	cr_expect_not(initiate(&w, &first), "no identity");
	cr_expect_not(receive(&w, (const struct wg_initiation *)vector_initiation_plain));
}

/* A new initiation takes the place of the old: its answer is no good any more. */
Test(noise, superseded)
{
	struct wg_initiation first, again;
	struct wg_response second;
	struct world w;

	world_init(&w, false);
	cr_assert(initiate(&w, &first) && receive(&w, &first) && respond(&w, &second));
	w.i.ephemeral[0] ^= 8;
	cr_assert(initiate(&w, &again));
	cr_expect_not(finish(&w, &second));
}

static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
};

Test(noise, low_order_remote)
{
	for (unsigned int i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++) {
		struct wg_initiation first, untouched;
		struct world w, before;

		world_init(&w, false);
		hex_bytes(w.i.remote.public_key, WG_KEY_LEN, low_order[i]);
		before = w;
		memset(&untouched, 0, sizeof(untouched));
		cr_expect_not(noise_remote_prepare(&w.i.remote, &w.i.id));
		cr_expect_not(initiate(&w, &first));
		cr_expect_arr_eq(&first, &untouched, sizeof(first));
		cr_expect_arr_eq(&w, &before, sizeof(w));
	}
}

/* Messages well-formed in all but this, that DH with their keys is zeros (noise_vectors.py). */
Test(noise, low_order_messages)
{
	struct wg_initiation first;
	struct wg_response second;
	struct noise_handshake hs = { .state = NOISE_ZEROED };
	uint8_t public_key[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];
	struct world w, before;

	world_init(&w, false);
	memcpy(&first, vector_initiation_low_ephemeral, sizeof(first));
	cr_expect_not(receive(&w, &first), "es is zeros");

	memcpy(&first, vector_initiation_low_static, sizeof(first));
	cr_assert(noise_initiation_open(&hs, &first, &w.r.id, public_key));
	memcpy(w.r.remote.public_key, public_key, WG_KEY_LEN);	/* a peer with such a key */
	cr_expect_not(noise_initiation_finish(&hs, &first, &w.r.id, &w.r.remote, timestamp),
		      "ss is zeros");
	cr_expect_not(w.r.remote.static_static_known);

	cr_assert(initiate(&w, &first));
	before = w;
	memcpy(&second, vector_response_low_ephemeral, sizeof(second));
	cr_expect_not(finish(&w, &second), "ee and se are zeros");
	cr_expect_arr_eq(&w, &before, sizeof(w));
}
