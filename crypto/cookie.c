/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message's mac1 covers all before the MACs and shows that its sender knows our public key.
 * mac2 covers mac1 too and is keyed by a cookie: the MAC of the sender's address and port under
 * a secret of ours. Under load the control thread answers a message that lacks a valid mac2 by a
 * cookie reply, sealed to that message's mac1; the peer puts the cookie to its next message.
 */
#include "cookie.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>

#include "hash.h"
#include "xaead.h"

enum { LABEL_LEN = 8, SOURCE_MAX = 16 + 2 };

static void key_derive(uint8_t key[WG_KEY_LEN], const char label[LABEL_LEN + 1],
		       const uint8_t public_key[WG_KEY_LEN])
{
	const struct hash_piece pieces[] = { { label, LABEL_LEN }, { public_key, WG_KEY_LEN } };

	hash_blake2s(key, pieces, 2);
}

void cookie_checker_init(struct cookie_checker *c, const uint8_t own_public[WG_KEY_LEN])
{
	OPENSSL_cleanse(c, sizeof(*c));
	key_derive(c->mac1_key, "mac1----", own_public);
	key_derive(c->cookie_key, "cookie--", own_public);
}

void cookie_sender_init(struct cookie_sender *s, const uint8_t peer_public[WG_KEY_LEN])
{
	OPENSSL_cleanse(s, sizeof(*s));
	key_derive(s->mac1_key, "mac1----", peer_public);
	key_derive(s->cookie_key, "cookie--", peer_public);
}

/* The MACs of a message; NULL: it is too short to have any. */
static const struct wg_macs *macs_of(const void *msg, size_t len)
{
	if (len < sizeof(struct wg_macs))
		return NULL;
	return (const struct wg_macs *)((const uint8_t *)msg + len - sizeof(struct wg_macs));
}

/* A clock that stepped back makes the difference huge: old, the safe answer. */
static bool is_older(uint64_t born_ns, uint64_t now_ns, uint64_t max_age_ns)
{
	return now_ns - born_ns > max_age_ns;
}

static void cookie_of(const struct cookie_checker *c, uint8_t cookie[WG_MAC_LEN],
		      const uint8_t *source, size_t source_len)
{
	assert(source_len > 0 && source_len <= SOURCE_MAX);
	hash_mac(cookie, c->secret, WG_KEY_LEN, source, source_len);
}

bool cookie_mac1_valid(const struct cookie_checker *c, const void *msg, size_t len)
{
	const struct wg_macs *macs = macs_of(msg, len);
	uint8_t mac1[WG_MAC_LEN];
	bool ok;

	if (!macs)
		return false;
	hash_mac(mac1, c->mac1_key, WG_KEY_LEN, msg, len - sizeof(*macs));
	ok = CRYPTO_memcmp(mac1, macs->mac1, WG_MAC_LEN) == 0;
	OPENSSL_cleanse(mac1, sizeof(mac1));
	return ok;
}

bool cookie_mac2_valid(const struct cookie_checker *c, const void *msg, size_t len,
		       const uint8_t *source, size_t source_len, uint64_t now_ns)
{
	const struct wg_macs *macs = macs_of(msg, len);
	uint8_t cookie[WG_MAC_LEN], mac2[WG_MAC_LEN];
	bool ok;

	if (!macs || !c->secret_known ||
	    is_older(c->secret_born_ns, now_ns, COOKIE_SECRET_MAX_AGE_NS))
		return false;
	cookie_of(c, cookie, source, source_len);
	hash_mac(mac2, cookie, WG_MAC_LEN, msg, len - WG_MAC_LEN);
	ok = CRYPTO_memcmp(mac2, macs->mac2, WG_MAC_LEN) == 0;
	OPENSSL_cleanse(cookie, sizeof(cookie));
	OPENSSL_cleanse(mac2, sizeof(mac2));
	return ok;
}

bool cookie_reply_create(struct cookie_checker *c, struct wg_cookie_reply *reply, const void *msg,
			 size_t len, uint32_t receiver, const uint8_t *source, size_t source_len,
			 const uint8_t nonce[WG_COOKIE_NONCE_LEN],
			 const uint8_t fresh_secret[WG_KEY_LEN], uint64_t now_ns)
{
	struct wg_cookie_reply out = {
		.type = htole32(WG_COOKIE_REPLY),
		.receiver = htole32(receiver),
	};
	const struct wg_macs *macs = macs_of(msg, len);
	uint8_t cookie[WG_MAC_LEN];
	bool ok;

	assert(macs);
	if (!c->secret_known || is_older(c->secret_born_ns, now_ns, COOKIE_SECRET_MAX_AGE_NS)) {
		memcpy(c->secret, fresh_secret, WG_KEY_LEN);
		c->secret_born_ns = now_ns;
		c->secret_known = true;
	}
	cookie_of(c, cookie, source, source_len);
	memcpy(out.nonce, nonce, WG_COOKIE_NONCE_LEN);
	ok = xaead_seal(out.cookie, c->cookie_key, nonce, macs->mac1, WG_MAC_LEN, cookie,
			WG_MAC_LEN);
	if (ok)
		memcpy(reply, &out, sizeof(out));
	OPENSSL_cleanse(cookie, sizeof(cookie));
	return ok;
}

bool cookie_reply_consume(struct cookie_sender *s, const struct wg_cookie_reply *reply,
			  uint64_t now_ns)
{
	uint8_t cookie[WG_MAC_LEN];
	bool ok;

	if (!s->last_mac1_known || reply->type != htole32(WG_COOKIE_REPLY))
		return false;
	ok = xaead_open(cookie, s->cookie_key, reply->nonce, s->last_mac1, WG_MAC_LEN,
			reply->cookie, sizeof(reply->cookie));
	if (ok) {
		memcpy(s->cookie, cookie, WG_MAC_LEN);
		s->cookie_born_ns = now_ns;
		s->cookie_known = true;
		s->last_mac1_known = false;
	}
	OPENSSL_cleanse(cookie, sizeof(cookie));
	return ok;
}

void cookie_macs_add(struct cookie_sender *s, void *msg, size_t len, uint64_t now_ns)
{
	struct wg_macs *macs = (struct wg_macs *)((uint8_t *)msg + len - sizeof(*macs));

	assert(len > sizeof(*macs));
	hash_mac(macs->mac1, s->mac1_key, WG_KEY_LEN, msg, len - sizeof(*macs));
	memcpy(s->last_mac1, macs->mac1, WG_MAC_LEN);
	s->last_mac1_known = true;

	if (s->cookie_known && is_older(s->cookie_born_ns, now_ns, COOKIE_USABLE_NS)) {
		OPENSSL_cleanse(s->cookie, sizeof(s->cookie));
		s->cookie_known = false;
	}
	if (s->cookie_known)
		hash_mac(macs->mac2, s->cookie, WG_MAC_LEN, msg, len - WG_MAC_LEN);
	else
		memset(macs->mac2, 0, WG_MAC_LEN);
}
