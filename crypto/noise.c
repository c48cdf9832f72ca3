/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pattern, whose tokens the steps below name, for initiator i and responder r:
 *
 *	<- s				(i knows r's static key beforehand)
 *	-> e, es, s, ss, {timestamp}	initiation
 *	<- e, ee, se, psk, {}		response
 *
 * Each message is worked through in a struct symmetric on the stack: chaining key, hash, and the
 * key of the next {}. The *_write and *_read functions return at the first thing that is wrong;
 * their only callers are the public functions, which commit on success and wipe always. It runs in
 * whichever thread owns the objects: control, or a worker that it has lent a step to.
 */
#include "noise.h"

#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chapoly.h"
#include "hash.h"
#include "x25519.h"

#define CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
#define IDENTIFIER "WireGuard v1 zx2c4 Jason@zx2c4.com"

struct symmetric {
	uint8_t chaining_key[WG_HASH_LEN];
	uint8_t hash[WG_HASH_LEN];
	uint8_t key[WG_KEY_LEN];	/* for one {}: each has a key of its own, and nonce 0 */
};

/*
 * An ephemeral key of ours and what it shares with the peer's keys: all operations with one private key are done
 * together (x25519.h), before the message is worked through.
 */
struct ephemeral {
	uint8_t private_key[WG_KEY_LEN];
	uint8_t public_key[WG_KEY_LEN];
	uint8_t shared[2][WG_KEY_LEN];
};

static void mix_hash(struct symmetric *st, const void *data, size_t len)
{
	const struct hash_piece pieces[] = { { st->hash, WG_HASH_LEN }, { data, len } };

	hash_blake2s(st->hash, pieces, 2);
}

/* The start of every handshake with that responder: "<- s". */
static void symmetric_init(struct symmetric *st, const uint8_t responder_public[WG_KEY_LEN])
{
	const struct hash_piece construction = { CONSTRUCTION, sizeof(CONSTRUCTION) - 1 };

	hash_blake2s(st->chaining_key, &construction, 1);
	memcpy(st->hash, st->chaining_key, WG_HASH_LEN);
	mix_hash(st, IDENTIFIER, sizeof(IDENTIFIER) - 1);
	mix_hash(st, responder_public, WG_KEY_LEN);
}

static void symmetric_load(struct symmetric *st, const struct noise_handshake *hs)
{
	memcpy(st->chaining_key, hs->chaining_key, WG_HASH_LEN);
	memcpy(st->hash, hs->hash, WG_HASH_LEN);
	memset(st->key, 0, WG_KEY_LEN);
}

static void symmetric_save(const struct symmetric *st, struct noise_handshake *hs)
{
	memcpy(hs->chaining_key, st->chaining_key, WG_HASH_LEN);
	memcpy(hs->hash, st->hash, WG_HASH_LEN);
}

/* Token e, of either side: into the hash and, as psk demands, into the chaining key. */
static void mix_ephemeral(struct symmetric *st, const uint8_t public_key[WG_KEY_LEN])
{
	hash_kdf(st->chaining_key, NULL, NULL, st->chaining_key, public_key, WG_KEY_LEN);
	mix_hash(st, public_key, WG_KEY_LEN);
}

/* A DH result into the chaining key, and the key of the {} that follows it. */
static void mix_key(struct symmetric *st, const uint8_t input[WG_KEY_LEN])
{
	hash_kdf(st->chaining_key, st->key, NULL, st->chaining_key, input, WG_KEY_LEN);
}

/* The same without a key: no {} follows. */
static void mix_chain(struct symmetric *st, const uint8_t input[WG_KEY_LEN])
{
	hash_kdf(st->chaining_key, NULL, NULL, st->chaining_key, input, WG_KEY_LEN);
}

static void mix_psk(struct symmetric *st, const uint8_t preshared_key[WG_KEY_LEN])
{
	uint8_t tau[WG_HASH_LEN];

	hash_kdf(st->chaining_key, tau, st->key, st->chaining_key, preshared_key, WG_KEY_LEN);
	mix_hash(st, tau, sizeof(tau));
	OPENSSL_cleanse(tau, sizeof(tau));
}

static const uint8_t nonce_zero[CHAPOLY_NONCE_LEN];

/* {}: `out` is len + WG_TAG_LEN bytes. */
static bool seal_and_hash(struct symmetric *st, uint8_t *out, const void *plain, size_t len)
{
	if (!chapoly_seal(out, st->key, nonce_zero, st->hash, WG_HASH_LEN, plain, len))
		return false;
	mix_hash(st, out, len + WG_TAG_LEN);
	return true;
}

/* {}: `len` counts the tag. */
static bool open_and_hash(struct symmetric *st, uint8_t *out, const uint8_t *sealed, size_t len)
{
	if (!chapoly_open(out, st->key, nonce_zero, st->hash, WG_HASH_LEN, sealed, len))
		return false;
	mix_hash(st, sealed, len);
	return true;
}

static bool ephemeral_make(struct ephemeral *e, const uint8_t random[WG_KEY_LEN], const uint8_t *const peer[], unsigned int n)
{
	memcpy(e->private_key, random, WG_KEY_LEN);
	x25519_clamp(e->private_key);
	return x25519_derive(e->public_key, e->shared, e->private_key, peer, n);
}

bool noise_identity_set(struct noise_identity *id, const uint8_t private_key[WG_KEY_LEN])
{
	uint8_t public_key[WG_KEY_LEN];

	if (!x25519_public(public_key, private_key))
		return false;
	memcpy(id->private_key, private_key, WG_KEY_LEN);
	x25519_clamp(id->private_key);
	memcpy(id->public_key, public_key, WG_KEY_LEN);
	id->valid = true;
	return true;
}

bool noise_remote_prepare(struct noise_remote *remote, const struct noise_identity *id)
{
	uint8_t shared[WG_KEY_LEN];
	bool ok;

	if (!id->valid)
		return false;
	if (remote->static_static_known)
		return true;
	ok = x25519_shared_static(shared, id->private_key, remote->public_key);
	if (ok) {
		memcpy(remote->static_static, shared, WG_KEY_LEN);
		remote->static_static_known = true;
	}
	OPENSSL_cleanse(shared, sizeof(shared));
	return ok;
}

static bool initiation_write(struct symmetric *st, struct wg_initiation *msg,
			     const struct noise_identity *id, const struct noise_remote *remote,
			     const struct ephemeral *ephemeral, const uint8_t *timestamp)
{
	symmetric_init(st, remote->public_key);

	/* e */
	memcpy(msg->ephemeral, ephemeral->public_key, WG_KEY_LEN);
	mix_ephemeral(st, ephemeral->public_key);

	/* es */
	mix_key(st, ephemeral->shared[0]);

	/* s */
	if (!seal_and_hash(st, msg->static_, id->public_key, WG_KEY_LEN))
		return false;

	/* ss */
	mix_key(st, remote->static_static);

	/* {t} */
	return seal_and_hash(st, msg->timestamp, timestamp, WG_TIMESTAMP_LEN);
}

bool noise_initiation_create(struct noise_handshake *hs, struct wg_initiation *msg,
			     const struct noise_identity *id, struct noise_remote *remote,
			     const uint8_t ephemeral_private[WG_KEY_LEN],
			     const uint8_t timestamp[WG_TIMESTAMP_LEN], uint32_t local_index)
{
	struct wg_initiation out = {
		.type = htole32(WG_INITIATION),
		.sender = htole32(local_index),
	};
	const uint8_t *const peer[] = { remote->public_key };
	struct ephemeral ephemeral;
	struct symmetric st;
	bool ok;

	if (!noise_remote_prepare(remote, id))
		return false;
	ok = ephemeral_make(&ephemeral, ephemeral_private, peer, 1) &&
	     initiation_write(&st, &out, id, remote, &ephemeral, timestamp);
	if (ok) {
		memcpy(msg, &out, offsetof(struct wg_initiation, macs));
		noise_handshake_clear(hs);
		hs->state = NOISE_INITIATION_CREATED;
		hs->local_index = local_index;
		memcpy(hs->ephemeral_private, ephemeral.private_key, WG_KEY_LEN);
		symmetric_save(&st, hs);
	}
	OPENSSL_cleanse(&ephemeral, sizeof(ephemeral));
	OPENSSL_cleanse(&st, sizeof(st));
	return ok;
}

static bool initiation_read_static(struct symmetric *st, const struct wg_initiation *msg,
				   const struct noise_identity *id, uint8_t *static_public)
{
	uint8_t shared[WG_KEY_LEN];

	if (!x25519_shared_static(shared, id->private_key, msg->ephemeral))
		return false;
	symmetric_init(st, id->public_key);

	/* e */
	mix_ephemeral(st, msg->ephemeral);

	/* es */
	mix_key(st, shared);
	OPENSSL_cleanse(shared, sizeof(shared));

	/* s */
	return open_and_hash(st, static_public, msg->static_, sizeof(msg->static_));
}

bool noise_initiation_open(struct noise_handshake *hs, const struct wg_initiation *msg,
			   const struct noise_identity *id, uint8_t static_public[WG_KEY_LEN])
{
	uint8_t initiator[WG_KEY_LEN];
	struct symmetric st;
	bool ok;

	if (!id->valid || msg->type != htole32(WG_INITIATION))
		return false;
	ok = initiation_read_static(&st, msg, id, initiator);
	if (ok) {
		noise_handshake_clear(hs);
		hs->remote_index = le32toh(msg->sender);
		memcpy(hs->remote_ephemeral, msg->ephemeral, WG_KEY_LEN);
		symmetric_save(&st, hs);
		memcpy(static_public, initiator, WG_KEY_LEN);
	}
	OPENSSL_cleanse(initiator, sizeof(initiator));	/* who talks to us is a secret too */
	OPENSSL_cleanse(&st, sizeof(st));
	return ok;
}

bool noise_initiation_finish(struct noise_handshake *hs, const struct wg_initiation *msg,
			     const struct noise_identity *id, struct noise_remote *remote,
			     uint8_t timestamp[WG_TIMESTAMP_LEN])
{
	uint8_t opened[WG_TIMESTAMP_LEN];
	struct symmetric st;
	bool ok;

	if (!noise_remote_prepare(remote, id))
		return false;
	symmetric_load(&st, hs);

	/* ss */
	mix_key(&st, remote->static_static);

	/* {t} */
	ok = open_and_hash(&st, opened, msg->timestamp, sizeof(msg->timestamp));
	if (ok) {
		symmetric_save(&st, hs);
		hs->state = NOISE_INITIATION_CONSUMED;
		memcpy(timestamp, opened, sizeof(opened));
	}
	OPENSSL_cleanse(opened, sizeof(opened));
	OPENSSL_cleanse(&st, sizeof(st));
	return ok;
}

static bool response_write(struct symmetric *st, struct wg_response *msg,
			   const struct noise_handshake *hs, const struct noise_remote *remote,
			   const struct ephemeral *ephemeral)
{
	symmetric_load(st, hs);

	/* e */
	memcpy(msg->ephemeral, ephemeral->public_key, WG_KEY_LEN);
	mix_ephemeral(st, ephemeral->public_key);

	/* ee */
	mix_chain(st, ephemeral->shared[0]);

	/* se */
	mix_chain(st, ephemeral->shared[1]);

	/* psk */
	mix_psk(st, remote->preshared_key);

	/* {} */
	return seal_and_hash(st, msg->empty, NULL, 0);
}

static bool response_read(struct symmetric *st, const struct wg_response *msg,
			  const struct noise_handshake *hs, const struct noise_remote *remote,
			  uint8_t shared[2][WG_KEY_LEN])
{
	uint8_t nothing[1];

	symmetric_load(st, hs);

	/* e */
	mix_ephemeral(st, msg->ephemeral);

	/* ee */
	mix_chain(st, shared[0]);

	/* se */
	mix_chain(st, shared[1]);

	/* psk */
	mix_psk(st, remote->preshared_key);

	/* {} */
	return open_and_hash(st, nothing, msg->empty, sizeof(msg->empty));
}

/* The session's keys (section 5.4.5); the handshake is over. */
static void handshake_split(struct noise_handshake *hs, const struct symmetric *st,
			    uint32_t local_index, uint32_t remote_index,
			    uint8_t initiator_sends[WG_KEY_LEN],
			    uint8_t responder_sends[WG_KEY_LEN])
{
	hash_kdf(initiator_sends, responder_sends, NULL, st->chaining_key, NULL, 0);
	noise_handshake_clear(hs);
	hs->local_index = local_index;
	hs->remote_index = remote_index;
}

bool noise_response_create(struct noise_handshake *hs, struct wg_response *msg,
			   const struct noise_remote *remote,
			   const uint8_t ephemeral_private[WG_KEY_LEN], uint32_t local_index,
			   struct noise_keys *keys)
{
	struct wg_response out = {
		.type = htole32(WG_RESPONSE),
		.sender = htole32(local_index),
		.receiver = htole32(hs->remote_index),
	};
	const uint8_t *const peer[] = { hs->remote_ephemeral, remote->public_key };
	struct ephemeral ephemeral;
	struct symmetric st;
	bool ok;

	if (hs->state != NOISE_INITIATION_CONSUMED)
		return false;
	ok = ephemeral_make(&ephemeral, ephemeral_private, peer, 2) &&
	     response_write(&st, &out, hs, remote, &ephemeral);
	if (ok) {
		memcpy(msg, &out, offsetof(struct wg_response, macs));
		handshake_split(hs, &st, local_index, hs->remote_index, keys->receive, keys->send);
	}
	OPENSSL_cleanse(&ephemeral, sizeof(ephemeral));
	OPENSSL_cleanse(&st, sizeof(st));
	return ok;
}

bool noise_response_consume(struct noise_handshake *hs, const struct wg_response *msg,
			    const struct noise_identity *id, const struct noise_remote *remote,
			    struct noise_keys *keys)
{
	uint8_t shared[2][WG_KEY_LEN];
	struct symmetric st;
	bool ok;

	if (hs->state != NOISE_INITIATION_CREATED || !id->valid ||
	    msg->type != htole32(WG_RESPONSE) || le32toh(msg->receiver) != hs->local_index)
		return false;
	ok = x25519_shared(shared[0], hs->ephemeral_private, msg->ephemeral) &&
	     x25519_shared_static(shared[1], id->private_key, msg->ephemeral) && response_read(&st, msg, hs, remote, shared);
	if (ok)
		handshake_split(hs, &st, hs->local_index, le32toh(msg->sender), keys->send,
				keys->receive);
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(&st, sizeof(st));
	return ok;
}

void noise_handshake_clear(struct noise_handshake *hs)
{
	OPENSSL_cleanse(hs, sizeof(*hs));
}
