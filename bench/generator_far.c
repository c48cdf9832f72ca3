/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshakes of N clients over one port, WINDOW of them under way at a time, each asked again after a second.
 *
 *   initiation ->   <- response   (or <- cookie reply, which the next initiation answers)
 *   keepalive ->    with which wgdp may send
 *
 * Our receiver indices are the generation and the flow, so that a message's flow is known without a table, and what is of an older session
 * is told apart.
 */
#include "generator_far.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "bench.h"
#include "hash.h"
#include "tai64n.h"

enum { WINDOW = 64, FLOW_BITS = 16 };

#define SECOND_NS 1000000000ull
#define AGAIN_NS SECOND_NS
#define GIVE_UP_NS (30 * SECOND_NS)
#define YOUNG_NS (100 * SECOND_NS)	/* another trial of a minute fits in before the 180 s of a session are over */

_Static_assert(FRAME_FLOWS_MAX <= 1 << FLOW_BITS, "a flow is part of an index");

static void make_self(struct noise_identity *self, unsigned int k)
{
	char seed[32];
	const struct hash_piece piece = { seed, (size_t)snprintf(seed, sizeof(seed), "far end %u", k) };
	uint8_t key[WG_KEY_LEN];

	hash_blake2s(key, &piece, 1);
	if (!noise_identity_set(self, key))
		bench_fail("libcrypto makes no keys");
}

void generator_far_key(unsigned int k, uint8_t public_key[WG_KEY_LEN])
{
	struct noise_identity self;

	make_self(&self, k);
	memcpy(public_key, self.public_key, WG_KEY_LEN);
}

void generator_far_init(struct generator_far *f, unsigned int n, bool v6, const uint8_t to[WG_KEY_LEN], struct generator_port *port)
{
	*f = (struct generator_far){ .n = n, .v6 = v6, .port = port, .aead = aead_find("auto") };
	f->ctx = f->aead->create();
	f->end = calloc(n, sizeof(f->end[0]));
	if (!f->ctx || !f->end)
		bench_fail("no memory for %u far ends", n);
	/* Another process may have been here before, whose sessions wgdp still sends with. */
	if (RAND_bytes((uint8_t *)&f->generation, sizeof(f->generation)) != 1)
		bench_fail("libcrypto has no randomness");
	for (unsigned int k = 0; k < n; k++) {
		struct far_end *e = &f->end[k];

		make_self(&e->self, k);
		memcpy(e->remote.public_key, to, WG_KEY_LEN);
		cookie_sender_init(&e->cookie, to);
		if (!noise_remote_prepare(&e->remote, &e->self))
			bench_fail("this is no interface's public key");
	}
}

void generator_far_fini(struct generator_far *f)
{
	f->aead->destroy(f->ctx);
	OPENSSL_cleanse(f->end, f->n * sizeof(f->end[0]));
	free(f->end);
}

static uint32_t local_index(const struct generator_far *f, unsigned int k)
{
	return f->generation << FLOW_BITS | k;
}

/* An mbuf with `len` bytes of message, for which it returns where they go. */
static uint8_t *message_begin(struct generator_far *f, struct rte_mbuf **m, size_t len)
{
	generator_port_alloc(f->port, m, 1);
	(*m)->data_len = (*m)->pkt_len = frame_outer_len(f->v6) + len;
	return rte_pktmbuf_mtod_offset(*m, uint8_t *, frame_outer_len(f->v6));
}

static void message_send(struct generator_far *f, struct rte_mbuf *m, unsigned int k)
{
	frame_outer(rte_pktmbuf_mtod(m, uint8_t *), f->v6, k, m->pkt_len - frame_outer_len(f->v6));
	generator_port_send(f->port, &m, 1);
}

static void ask(struct generator_far *f, unsigned int k)
{
	struct far_end *e = &f->end[k];
	struct wg_initiation msg;
	uint8_t ephemeral[WG_KEY_LEN];
	struct timespec t;
	struct rte_mbuf *m;

	clock_gettime(CLOCK_REALTIME, &t);
	tai64n_next(e->timestamp, &t);
	if (RAND_bytes(ephemeral, sizeof(ephemeral)) != 1 ||
	    !noise_initiation_create(&e->handshake, &msg, &e->self, &e->remote, ephemeral, e->timestamp, local_index(f, k)))
		bench_fail("libcrypto makes no initiation");
	e->asked_ns = bench_ns();
	cookie_macs_add(&e->cookie, &msg, sizeof(msg), e->asked_ns);
	memcpy(message_begin(f, &m, sizeof(msg)), &msg, sizeof(msg));
	message_send(f, m, k);
	f->initiations++;
}

void generator_far_message(struct generator_far *f, unsigned int k, uint8_t *data, uint32_t len, struct aead_op *op)
{
	struct far_end *e = &f->end[k];
	struct wg_data *msg = (struct wg_data *)(data - sizeof(*msg));

	msg->type = htole32(WG_DATA);
	msg->receiver = htole32(e->remote_index);
	msg->counter = htole64(e->counter);
	*op = (struct aead_op){ .key = e->keys.send, .counter = e->counter++, .data = data, .len = len };
}

static void keepalive(struct generator_far *f, unsigned int k)
{
	struct rte_mbuf *m;
	uint8_t *at = message_begin(f, &m, WG_DATA_MIN_LEN);
	struct aead_op op;

	generator_far_message(f, k, at + sizeof(struct wg_data), 0, &op);
	aead_seal(f->aead, f->ctx, &op, 1);
	message_send(f, m, k);
}

void generator_far_keepalives(struct generator_far *f)
{
	for (unsigned int k = 0; k < f->n; k++)
		keepalive(f, k);
}

/* True: another far end has its session. */
static bool take_response(struct generator_far *f, unsigned int k, const struct wg_response *msg)
{
	struct far_end *e = &f->end[k];

	if (e->connected || le32toh(msg->receiver) != local_index(f, k) ||
	    !noise_response_consume(&e->handshake, msg, &e->self, &e->remote, &e->keys))
		return false;
	e->connected = true;
	e->remote_index = e->handshake.remote_index;
	e->counter = 0;
	keepalive(f, k);
	return true;
}

static bool take_message(struct generator_far *f, const struct rte_mbuf *m)
{
	const uint8_t *at;
	unsigned int k;
	size_t len;

	at = frame_message(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &k, &len);
	if (!at || k >= f->n)
		return false;
	if (len == sizeof(struct wg_response) && at[0] == WG_RESPONSE)
		return take_response(f, k, (const struct wg_response *)at);
	if (len == sizeof(struct wg_cookie_reply) && at[0] == WG_COOKIE_REPLY &&
	    cookie_reply_consume(&f->end[k].cookie, (const struct wg_cookie_reply *)at, bench_ns()))
		f->end[k].asked_ns = 1;	/* again, with it */
	return false;
}

/* Asks for whom it is time, up to WINDOW of them at once. All before *first are connected. */
static void ask_due(struct generator_far *f, unsigned int *first)
{
	const uint64_t now = bench_ns();
	unsigned int open = 0;

	while (*first < f->n && f->end[*first].connected)
		++*first;
	for (unsigned int k = *first; k < f->n && open < WINDOW; k++) {
		const struct far_end *e = &f->end[k];

		if (e->connected)
			continue;
		open++;
		if (!e->asked_ns || now - e->asked_ns >= AGAIN_NS)
			ask(f, k);
	}
}

void generator_far_connect(struct generator_far *f)
{
	const uint64_t begin = bench_ns();
	struct rte_mbuf *m[GENERATOR_RX_BURST];
	unsigned int connected = 0, first = 0;

	if (f->connected_ns && begin - f->connected_ns < YOUNG_NS)
		return;
	f->generation = (f->generation + 1) & UINT16_MAX;
	for (unsigned int k = 0; k < f->n; k++) {
		f->end[k].connected = false;
		f->end[k].asked_ns = 0;
	}
	while (connected < f->n) {
		uint16_t n;

		ask_due(f, &first);
		n = generator_port_receive(f->port, m);
		for (uint16_t i = 0; i < n; i++)
			connected += take_message(f, m[i]);
		rte_pktmbuf_free_bulk(m, n);
		if (bench_ns() - begin > GIVE_UP_NS)
			bench_fail("%u of %u far ends got no session within 30 s", f->n - connected, f->n);
	}
	f->connected_ns = begin;
	f->took = (bench_ns() - begin) / 1e9;
}

bool generator_far_flow(const struct generator_far *f, const uint8_t *message, size_t len, unsigned int *flow, uint64_t *counter)
{
	const struct wg_data *msg = (const struct wg_data *)message;
	uint32_t index;

	if (len <= WG_DATA_MIN_LEN || le32toh(msg->type) != WG_DATA)
		return false;
	index = le32toh(msg->receiver);
	*flow = index & ((1u << FLOW_BITS) - 1);
	*counter = le64toh(msg->counter);
	return index >> FLOW_BITS == f->generation && *flow < f->n;
}

bool generator_far_open(struct generator_far *f, unsigned int flow, uint8_t *message, size_t *len, uint8_t **data)
{
	struct wg_data *msg = (struct wg_data *)message;
	struct aead_op op = {
		.key = f->end[flow].keys.receive,
		.counter = le64toh(msg->counter),
		.data = msg->payload,
		.len = *len - WG_DATA_MIN_LEN,
	};

	aead_open(f->aead, f->ctx, &op, 1);
	*data = msg->payload;
	*len = op.len;
	return op.ok;
}
