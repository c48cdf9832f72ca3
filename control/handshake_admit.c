/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake_internal.h"

#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "cookie.h"
#include "protocol.h"

enum {
	DS_HANDSHAKE = 0x88,				/* DSCP AF41, as Linux marks them */
	/*
	 * Waiting handshakes that mean load. Well above what comes at once when the peers of a large site all find us
	 * restarted: done in two seconds, while who has to prove its address first comes again only after five.
	 */
	LOADED_AT = HANDSHAKE_RING / 4 * 3,
};

/*
 * A slow machine is under load with fewer: when a message waits for so long that the initiator is about to try again. To answer it would be
 * of no use: the new initiation makes the answer invalid.
 */
#define LATE_WAIT (WG_REKEY_TIMEOUT / 5 * 4)
#define LOADED_HYSTERESIS WG_NS_PER_SEC

void handshake_random(void *out, size_t len)
{
	/* libcrypto's generator fails only when the system has none: nothing secure can go on then. */
	if (RAND_bytes(out, (int)len) != 1)
		abort();
}

bool handshake_send(struct iface *i, const struct rewrite *rw, const void *msg, size_t len, uint8_t core)
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

void handshake_cookie_reply(struct iface *i, const struct handshake_packet *h)
{
	struct peer *p = sessions_owner(&i->dp->sessions, le32toh(h->msg.cookie_reply.receiver));
	char from[ENDPOINT_STRLEN];

	if (!p)
		return;
	if (cookie_reply_consume(&p->cookie, &h->msg.cookie_reply, i->now)) {
		i->counted[CONTROL_COOKIES_RECEIVED]++;
		return;
	}
	i->counted[CONTROL_HANDSHAKES_INVALID]++;
	log_limited(&i->limit.cookie, i->now, LOG_NOTICE, i->name, "Invalid cookie reply from %s",
		    endpoint_format(&h->back.ep, from));
}

static void send_cookie_reply(struct iface *i, const struct handshake_packet *h, const uint8_t *source, size_t source_len)
{
	uint8_t nonce[WG_COOKIE_NONCE_LEN], secret[WG_KEY_LEN];
	struct wg_cookie_reply reply;
	/* Both messages carry their sender index behind the type. */
	uint32_t sender = le32toh(h->msg.initiation.sender);

	handshake_random(nonce, sizeof(nonce));
	handshake_random(secret, sizeof(secret));
	if (cookie_reply_create(&i->checker, &reply, &h->msg, h->len, sender, source, source_len, nonce, secret, i->now) &&
	    handshake_send(i, &h->back, &reply, sizeof(reply), h->core))
		i->counted[CONTROL_COOKIES_SENT]++;
	OPENSSL_cleanse(secret, sizeof(secret));
}

/* When h's turn comes: notes load. False: it comes too late. */
static bool in_time(struct iface *i, const struct handshake_packet *h, unsigned int queued)
{
	uint64_t waited = i->now > h->came_ns ? i->now - h->came_ns : 0;

	if (queued >= LOADED_AT || waited >= LATE_WAIT)
		i->loaded_until_ns = i->now + LOADED_HYSTERESIS;
	if (waited < LATE_WAIT)
		return true;
	i->counted[CONTROL_HANDSHAKES_LATE]++;
	return false;
}

bool handshake_admit(struct iface *i, const struct handshake_packet *h, unsigned int queued)
{
	uint8_t source[18];
	size_t source_len = endpoint_source(&h->back.ep, source);
	char from[ENDPOINT_STRLEN];

	if (!in_time(i, h, queued))
		return false;
	if (!cookie_mac1_valid(&i->checker, &h->msg, h->len)) {
		i->counted[CONTROL_HANDSHAKES_INVALID]++;
		log_limited(&i->limit.mac, i->now, LOG_NOTICE, i->name, "Invalid %s MAC from %s",
			    le32toh(h->msg.type) == WG_INITIATION ? "initiation" : "response", endpoint_format(&h->back.ep, from));
		return false;
	}
	if (i->now >= i->loaded_until_ns)
		return true;
	if (!cookie_mac2_valid(&i->checker, &h->msg, h->len, source, source_len, i->now)) {
		send_cookie_reply(i, h, source, source_len);
		return false;
	}
	if (ratelimiter_allow(i->ratelimiter, &h->back.ep, i->now))
		return true;
	i->counted[CONTROL_HANDSHAKES_LIMITED]++;
	return false;
}
