/* SPDX-License-Identifier: BSD-3-Clause */
/* MACs and cookies: against noise_vectors.py, tampered, at another source, too old. */
#include <criterion/criterion.h>
#include <endian.h>

#include "cookie.h"
#include "hex.h"
#include "noise_vectors.h"

#define SEC UINT64_C(1000000000)

enum { LEN = sizeof(struct wg_initiation), MAC1_AT = LEN - 32, MAC2_AT = LEN - 16 };

static const uint64_t start = 1000 * SEC;

static const uint8_t source6[18] = {
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xca, 0x6c,
};

struct world {
	struct cookie_checker checker;	/* the responder's */
	struct cookie_sender sender;	/* the initiator's, towards the responder */
	uint8_t msg[LEN];
	struct wg_cookie_reply reply;
	uint8_t nonce[WG_COOKIE_NONCE_LEN];
	uint8_t secret[WG_KEY_LEN];
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	cookie_checker_init(&w->checker, vector_public_r);
	cookie_sender_init(&w->sender, vector_public_r);
	memcpy(w->msg, vector_initiation_plain, LEN);
	memset(w->msg + MAC1_AT, 0xee, 32);
	bytes_run(w->nonce, sizeof(w->nonce), VECTOR_NONCE);
	bytes_run(w->secret, sizeof(w->secret), VECTOR_SECRET);
}

static bool reply_to(struct world *w, const uint8_t *source, size_t source_len, uint64_t now)
{
	return cookie_reply_create(&w->checker, &w->reply, w->msg, LEN, VECTOR_INDEX_I, source,
				   source_len, w->nonce, w->secret, now);
}

static bool mac2_valid(const struct world *w, const uint8_t *source, size_t len, uint64_t now)
{
	return cookie_mac2_valid(&w->checker, w->msg, LEN, source, len, now);
}

/* Sends, is asked for a cookie, takes it and sends again. */
static void cookie_exchange(struct world *w, const uint8_t *source, size_t source_len)
{
	cookie_macs_add(&w->sender, w->msg, LEN, start);
	cr_assert(reply_to(w, source, source_len, start));
	cr_assert(cookie_reply_consume(&w->sender, &w->reply, start));
	cookie_macs_add(&w->sender, w->msg, LEN, start);
}

Test(cookie, vectors)
{
	struct world w;

	world_init(&w);
	cookie_macs_add(&w.sender, w.msg, LEN, start);
	cr_expect_arr_eq(w.msg, vector_initiation_plain, LEN, "mac1, and zeros for mac2");
	cr_expect(cookie_mac1_valid(&w.checker, w.msg, LEN));
	cr_expect_not(mac2_valid(&w, vector_source, sizeof(vector_source), start));
	cr_assert(reply_to(&w, vector_source, sizeof(vector_source), start));
	cr_expect_arr_eq(&w.reply, vector_cookie_reply, sizeof(vector_cookie_reply));
	cr_assert(cookie_reply_consume(&w.sender, &w.reply, start));
	cookie_macs_add(&w.sender, w.msg, LEN, start);
	cr_expect_arr_eq(w.msg, vector_initiation_mac2, LEN, "with mac2");
	cr_expect(cookie_mac1_valid(&w.checker, w.msg, LEN));
	cr_expect(mac2_valid(&w, vector_source, sizeof(vector_source), start));
}

/* The response's mac1 is keyed by the initiator's public key. */
Test(cookie, response_vector)
{
	struct cookie_checker checker;

	cookie_checker_init(&checker, vector_public_i);
	cr_expect(cookie_mac1_valid(&checker, vector_response_psk, sizeof(vector_response_psk)));
	cookie_checker_init(&checker, vector_public_r);
	cr_expect_not(cookie_mac1_valid(&checker, vector_response_psk,
					sizeof(vector_response_psk)));
}

Test(cookie, tampered_message)
{
	struct world w;

	world_init(&w);
	cookie_exchange(&w, source6, sizeof(source6));
	for (unsigned int bit = 0; bit < 8 * LEN; bit++) {
		w.msg[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_eq(cookie_mac1_valid(&w.checker, w.msg, LEN), bit / 8 >= MAC2_AT,
			     "mac1: byte %u, bit %u", bit / 8, bit % 8);
		cr_expect_not(mac2_valid(&w, source6, sizeof(source6), start),
			      "mac2: byte %u, bit %u", bit / 8, bit % 8);
		w.msg[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_expect(mac2_valid(&w, source6, sizeof(source6), start));
	for (size_t len = 0; len < LEN; len++) {
		cr_expect_not(cookie_mac1_valid(&w.checker, w.msg, len), "%zu bytes", len);
		cr_expect_not(cookie_mac2_valid(&w.checker, w.msg, len, source6, sizeof(source6),
						start), "%zu bytes", len);
	}
}

static void bound_expect(const uint8_t *source, size_t len)
{
	uint8_t other[18];
	struct world w;

	world_init(&w);
	cookie_exchange(&w, source, len);
	cr_expect(mac2_valid(&w, source, len, start));
	memcpy(other, source, len);
	for (size_t i = 0; i < len; i++) {
		other[i] ^= 1;
		cr_expect_not(mac2_valid(&w, other, len, start), "byte %zu of the source", i);
		other[i] ^= 1;
	}
}

Test(cookie, bound_to_address_and_port)
{
	struct world w;

	bound_expect(vector_source, sizeof(vector_source));
	bound_expect(source6, sizeof(source6));
	world_init(&w);
	cookie_exchange(&w, source6, sizeof(source6));
	cr_expect_not(mac2_valid(&w, source6, 6, start), "the start of it, as IPv4");
}

Test(cookie, secret_ages)
{
	struct world w;

	world_init(&w);
	cookie_exchange(&w, source6, sizeof(source6));
	cr_expect(mac2_valid(&w, source6, sizeof(source6), start + 120 * SEC));
	cr_expect_not(mac2_valid(&w, source6, sizeof(source6), start + 120 * SEC + 1));
	cr_expect_not(mac2_valid(&w, source6, sizeof(source6), start - 1), "clock set back");

	/* Replies keep the secret for as long, then take the fresh one. */
	bytes_run(w.secret, sizeof(w.secret), 0x99);
	cr_assert(reply_to(&w, source6, sizeof(source6), start + 120 * SEC));
	cr_expect_eq(w.checker.secret[0], VECTOR_SECRET);
	cr_expect(mac2_valid(&w, source6, sizeof(source6), start + 120 * SEC));
	cr_assert(reply_to(&w, source6, sizeof(source6), start + 120 * SEC + 1));
	cr_expect_eq(w.checker.secret[0], 0x99);
	cr_expect_eq(w.checker.secret_born_ns, start + 120 * SEC + 1);
	cr_expect_not(mac2_valid(&w, source6, sizeof(source6), start + 120 * SEC + 1));
}

Test(cookie, cookie_ages)
{
	static const uint8_t zeros[WG_MAC_LEN];
	struct world w;

	world_init(&w);
	cookie_exchange(&w, source6, sizeof(source6));
	cookie_macs_add(&w.sender, w.msg, LEN, start + 115 * SEC);
	cr_expect(mac2_valid(&w, source6, sizeof(source6), start + 115 * SEC));
	cookie_macs_add(&w.sender, w.msg, LEN, start + 115 * SEC + 1);
	cr_expect_arr_eq(w.msg + MAC2_AT, zeros, WG_MAC_LEN, "too old to be used");
	cr_expect(cookie_mac1_valid(&w.checker, w.msg, LEN));
	cr_expect_not(w.sender.cookie_known);
	cr_expect_arr_eq(w.sender.cookie, zeros, WG_MAC_LEN, "and wiped");
}

Test(cookie, tampered_reply)
{
	struct world w, before;

	world_init(&w);
	cookie_macs_add(&w.sender, w.msg, LEN, start);
	cr_assert(reply_to(&w, source6, sizeof(source6), start));
	before = w;
	for (unsigned int bit = 0; bit < 8 * sizeof(w.reply); bit++) {
		unsigned int byte = bit / 8;

		/* By the receiver index the caller finds the peer; it is not sealed. */
		if (byte >= offsetof(struct wg_cookie_reply, receiver) &&
		    byte < offsetof(struct wg_cookie_reply, nonce))
			continue;
		((uint8_t *)&w.reply)[byte] ^= (uint8_t)(1u << bit % 8);
		cr_expect_not(cookie_reply_consume(&w.sender, &w.reply, start), "byte %u", byte);
		((uint8_t *)&w.reply)[byte] ^= (uint8_t)(1u << bit % 8);
	}
	cr_expect_arr_eq(&w, &before, sizeof(w));
	cr_expect(cookie_reply_consume(&w.sender, &w.reply, start));
}

Test(cookie, reply_to_another_message)
{
	struct cookie_sender nobody, other_peer;
	struct world w;

	world_init(&w);
	cookie_macs_add(&w.sender, w.msg, LEN, start);
	cr_assert(reply_to(&w, source6, sizeof(source6), start));

	cookie_sender_init(&nobody, vector_public_r);
	cr_expect_not(cookie_reply_consume(&nobody, &w.reply, start), "nothing was sent");
	other_peer = w.sender;
	cookie_sender_init(&other_peer, vector_public_i);
	memcpy(other_peer.last_mac1, w.sender.last_mac1, WG_MAC_LEN);
	other_peer.last_mac1_known = true;
	cr_expect_not(cookie_reply_consume(&other_peer, &w.reply, start), "another peer's");

	w.msg[10] ^= 1;
	cookie_macs_add(&w.sender, w.msg, LEN, start);
	cr_expect_not(cookie_reply_consume(&w.sender, &w.reply, start), "to an older message");
	cr_assert(reply_to(&w, source6, sizeof(source6), start));
	cr_expect(cookie_reply_consume(&w.sender, &w.reply, start));
	cr_expect_not(cookie_reply_consume(&w.sender, &w.reply, start), "a second time");
}

Test(cookie, init_forgets)
{
	struct world w;

	world_init(&w);
	cookie_exchange(&w, source6, sizeof(source6));
	cookie_checker_init(&w.checker, vector_public_r);
	cr_expect_not(w.checker.secret_known);
	cr_expect_not(mac2_valid(&w, source6, sizeof(source6), start));
	cookie_sender_init(&w.sender, vector_public_r);
	cr_expect_not(w.sender.cookie_known || w.sender.last_mac1_known);
}
