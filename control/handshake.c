/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flows: the cores' handshake ring -> handshake_receive -> mac1, load, cookie -> one function for each message type -> a
 * session (keypairs.c) and an answer; and handshake_initiate, which timers, data without a session and old sessions call for. Our
 * own initiation lives in peer->handshake until its response comes; what a peer initiates is answered at once and needs no state
 * between, so crossing initiations do not disturb each other. All in the control thread.
 */
#include "handshake.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "cookie.h"
#include "keypairs.h"
#include "protocol.h"
#include "tai64n.h"

enum {
	DS_HANDSHAKE = 0x88,				/* DSCP AF41, as Linux marks them */
	LOADED_AT = HANDSHAKE_RING / 8,			/* waiting handshakes that mean load */
};

#define LOADED_HYSTERESIS WG_NS_PER_SEC

static void random_bytes(void *out, size_t len)
{
	/* libcrypto's generator fails only when the system has none: nothing secure can go on then. */
	if (RAND_bytes(out, (int)len) != 1)
		abort();
}

static uint32_t random_u32(void)
{
	uint32_t r;

	random_bytes(&r, sizeof(r));
	return r;
}

/* False: there is no way to it, or no buffer. */
static bool send_message(struct iface *i, const struct rewrite *rw, const void *msg, size_t len, uint8_t core)
{
	struct rte_mbuf *m = dataplane_alloc(i->dp);
	struct port *port = outer_port(i->outer);

	if (!m)
		return false;
	memcpy(rte_pktmbuf_append(m, len), msg, len);
	pkt_of(m)->inject = PKT_SEND;
	pkt_of(m)->core = core;
	if (!rw || !port->ops->encap(port, m, rw, DS_HANDSHAKE)) {
		rte_pktmbuf_free(m);
		return false;
	}
	return dataplane_inject(i->dp, m);
}

static void sent(struct peer *p, size_t len)
{
	__atomic_fetch_add(&p->dp.tx_bytes, len, __ATOMIC_RELAXED);
	__atomic_store_n(&p->dp.tx_any_ns, p->iface->now, __ATOMIC_RELAXED);
}

static void received(struct peer *p, const struct handshake_packet *h)
{
	__atomic_fetch_add(&p->dp.rx_bytes, h->len, __ATOMIC_RELAXED);
	__atomic_store_n(&p->dp.rx_any_ns, p->iface->now, __ATOMIC_RELAXED);
	outer_set_endpoint(p->iface->outer, p, &h->back.ep, &h->back);
}

void handshake_abandon(struct peer *p)
{
	if (p->handshake.state == NOISE_INITIATION_CREATED)
		sessions_release(&p->iface->dp->sessions, p->handshake.local_index);
	noise_handshake_clear(&p->handshake);
	p->timers.attempt_ns = 0;
	p->attempts = 0;
}

enum outcome { SENT, UNSENT, IMPOSSIBLE, NO_MEMORY };

/* Makes and sends one initiation. The one before, if any, is forgotten. */
static enum outcome send_initiation(struct peer *p)
{
	struct iface *i = p->iface;
	struct wg_initiation msg;
	uint8_t ephemeral[WG_KEY_LEN];
	struct timespec realtime;
	uint32_t index;
	bool ok;

	if (p->handshake.state == NOISE_INITIATION_CREATED)
		sessions_release(&i->dp->sessions, p->handshake.local_index);
	noise_handshake_clear(&p->handshake);
	if (!outer_has_way(i->outer, p))
		return UNSENT;
	index = sessions_reserve(&i->dp->sessions, p, random_u32);
	if (!index)
		return NO_MEMORY;
	random_bytes(ephemeral, sizeof(ephemeral));
	clock_gettime(CLOCK_REALTIME, &realtime);
	tai64n_next(p->sent_timestamp, &realtime);
	ok = noise_initiation_create(&p->handshake, &msg, &i->identity, &p->remote, ephemeral, p->sent_timestamp, index);
	OPENSSL_cleanse(ephemeral, sizeof(ephemeral));
	if (!ok) {
		sessions_release(&i->dp->sessions, index);
		return IMPOSSIBLE;
	}
	cookie_macs_add(&p->cookie, &msg, sizeof(msg), i->now);
	if (!send_message(i, p->dp.rewrite, &msg, sizeof(msg), 0))
		return UNSENT;
	sent(p, sizeof(msg));
	return SENT;
}

static void handshake_impossible(struct peer *p, const char *why)
{
	log_limited(&p->iface->limit.impossible, p->iface->now, LOG_WARN, p->iface->name,
		    "No handshake with peer %s is possible: %s", p->short_key, why);
	handshake_abandon(p);
	staged_purge(p);
}

void handshake_initiate(struct peer *p, bool retry)
{
	struct iface *i = p->iface;
	enum outcome outcome;

	if (p->endpoint.remote.sa.sa_family == AF_UNSPEC) {
		if (!p->name.host)
			staged_purge(p);	/* nobody is going to tell us where it is but itself */
		return;
	}
	if (!retry)
		p->timers.attempt_ns = i->now;	/* somebody wants something from this peer now: 90 s from now */
	if (p->initiation_ns && i->now - p->initiation_ns < i->times.rekey_timeout) {
		if (p->timers.retry_ns <= i->now)
			p->timers.retry_ns = p->initiation_ns + i->times.rekey_timeout;
		return;
	}
	outcome = send_initiation(p);
	p->initiation_ns = i->now;
	p->unsent = outcome != SENT;
	p->attempts += outcome == SENT;
	p->timers.jitter_ns = random_u32() % (i->times.jitter + 1);
	p->timers.retry_ns = i->now + i->times.rekey_timeout + random_u32() % (i->times.jitter + 1);
	if (outcome == IMPOSSIBLE)
		handshake_impossible(p, "its public key is of low order");
	else if (outcome == NO_MEMORY)
		handshake_impossible(p, "no memory");
}

void handshake_way_found(struct peer *p)
{
	if (!p->timers.attempt_ns || !p->unsent)
		return;
	p->iface->now = dataplane_now();
	p->initiation_ns = 0;
	handshake_initiate(p, true);
	iface_look_at(p);
}

/* Sends the response to an initiation that was found good, and adds the session. */
static void respond(struct peer *p, struct noise_handshake *hs, const struct handshake_packet *h)
{
	struct iface *i = p->iface;
	uint32_t index = sessions_reserve(&i->dp->sessions, p, random_u32), remote = hs->remote_index;
	uint8_t ephemeral[WG_KEY_LEN];
	struct noise_keys keys;
	struct wg_response msg;

	if (!index)
		return;
	random_bytes(ephemeral, sizeof(ephemeral));
	if (!noise_response_create(hs, &msg, &p->remote, ephemeral, index, &keys)) {
		sessions_release(&i->dp->sessions, index);
	} else if (keypairs_add(p, &keys, index, remote, false)) {
		const struct rewrite *rw = p->dp.rewrite;

		cookie_macs_add(&p->cookie, &msg, sizeof(msg), i->now);
		if (send_message(i, rw && endpoint_equal(&rw->ep, &h->back.ep) ? rw : &h->back, &msg, sizeof(msg), h->core))
			sent(p, sizeof(msg));
	}
	OPENSSL_cleanse(ephemeral, sizeof(ephemeral));
	OPENSSL_cleanse(&keys, sizeof(keys));
}

/* The peer that made this initiation, which is authentic; NULL: it is not. */
static struct peer *consume_initiation(struct iface *i, struct noise_handshake *hs, const struct wg_initiation *msg,
				       uint8_t timestamp[WG_TIMESTAMP_LEN])
{
	uint8_t static_public[WG_KEY_LEN];
	struct peer *p;

	if (!noise_initiation_open(hs, msg, &i->identity, static_public))
		return NULL;
	p = peers_find(&i->peers, static_public);
	return p && noise_initiation_finish(hs, msg, &i->identity, &p->remote, timestamp) ? p : NULL;
}

static struct peer *receive_initiation(struct iface *i, const struct handshake_packet *h)
{
	struct noise_handshake hs = { .state = NOISE_ZEROED };
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	char from[ENDPOINT_STRLEN];
	struct peer *p = consume_initiation(i, &hs, &h->msg.initiation, timestamp);

	if (!p) {
		log_limited(&i->limit.initiation, i->now, LOG_NOTICE, i->name, "Invalid handshake initiation from %s",
			    endpoint_format(&h->back.ep, from));
	} else if (memcmp(timestamp, p->newest_timestamp, sizeof(timestamp)) <= 0) {
		log_limited(&i->limit.initiation, i->now, LOG_NOTICE, i->name,
			    "Invalid handshake initiation from %s: its time stamp has been seen", endpoint_format(&h->back.ep, from));
	} else if (!p->consumed_ns || i->now - p->consumed_ns >= WG_NS_PER_SEC / WG_INITIATIONS_PER_SECOND) {
		memcpy(p->newest_timestamp, timestamp, sizeof(timestamp));
		p->consumed_ns = i->now;
		received(p, h);
		respond(p, &hs, h);
	}
	noise_handshake_clear(&hs);
	return p;
}

static struct peer *receive_response(struct iface *i, const struct handshake_packet *h)
{
	const struct wg_response *msg = &h->msg.response;
	uint32_t index = le32toh(msg->receiver);
	struct peer *p = sessions_owner(&i->dp->sessions, index);
	struct noise_keys keys;
	char from[ENDPOINT_STRLEN];

	/* An index of which there is a session is no longer a handshake's: an answer that came twice. */
	if (!p || p->handshake.state != NOISE_INITIATION_CREATED || p->handshake.local_index != index)
		return NULL;
	if (!noise_response_consume(&p->handshake, msg, &i->identity, &p->remote, &keys)) {
		log_limited(&i->limit.response, i->now, LOG_NOTICE, i->name, "Invalid handshake response from %s",
			    endpoint_format(&h->back.ep, from));
		return NULL;
	}
	received(p, h);
	keypairs_add(p, &keys, index, p->handshake.remote_index, true);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return p;
}

static void receive_cookie_reply(struct iface *i, const struct handshake_packet *h)
{
	struct peer *p = sessions_owner(&i->dp->sessions, le32toh(h->msg.cookie_reply.receiver));
	char from[ENDPOINT_STRLEN];

	if (p && !cookie_reply_consume(&p->cookie, &h->msg.cookie_reply, i->now))
		log_limited(&i->limit.cookie, i->now, LOG_NOTICE, i->name, "Invalid cookie reply from %s",
			    endpoint_format(&h->back.ep, from));
}

static void send_cookie_reply(struct iface *i, const struct handshake_packet *h, const uint8_t *source, size_t source_len)
{
	uint8_t nonce[WG_COOKIE_NONCE_LEN], secret[WG_KEY_LEN];
	struct wg_cookie_reply reply;
	/* Both messages carry their sender index behind the type. */
	uint32_t sender = le32toh(h->msg.initiation.sender);

	random_bytes(nonce, sizeof(nonce));
	random_bytes(secret, sizeof(secret));
	if (cookie_reply_create(&i->checker, &reply, &h->msg, h->len, sender, source, source_len, nonce, secret, i->now))
		send_message(i, &h->back, &reply, sizeof(reply), h->core);
	OPENSSL_cleanse(secret, sizeof(secret));
}

/* mac1, and under load mac2 and the source's rate (whitepaper section 5.3). False: nothing more is to be done with it. */
static bool admit(struct iface *i, const struct handshake_packet *h, unsigned int queued)
{
	uint8_t source[18];
	size_t source_len = endpoint_source(&h->back.ep, source);
	char from[ENDPOINT_STRLEN];

	if (!cookie_mac1_valid(&i->checker, &h->msg, h->len)) {
		log_limited(&i->limit.mac, i->now, LOG_NOTICE, i->name, "Invalid %s MAC from %s",
			    le32toh(h->msg.type) == WG_INITIATION ? "initiation" : "response", endpoint_format(&h->back.ep, from));
		return false;
	}
	if (queued >= LOADED_AT)
		i->loaded_until_ns = i->now + LOADED_HYSTERESIS;
	if (i->now >= i->loaded_until_ns)
		return true;
	if (!cookie_mac2_valid(&i->checker, &h->msg, h->len, source, source_len, i->now)) {
		send_cookie_reply(i, h, source, source_len);
		return false;
	}
	return ratelimiter_allow(i->ratelimiter, &h->back.ep, i->now);
}

struct peer *handshake_receive(struct iface *i, const struct handshake_packet *h, unsigned int queued)
{
	uint32_t type = le32toh(h->msg.type);

	if (type == WG_COOKIE_REPLY) {
		receive_cookie_reply(i, h);
		return NULL;
	}
	if (!admit(i, h, queued))
		return NULL;
	return type == WG_INITIATION ? receive_initiation(i, h) : receive_response(i, h);
}
