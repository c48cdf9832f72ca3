/* SPDX-License-Identifier: BSD-3-Clause */
#include "far_side.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static uint32_t random_state;

/* xorshift32: the same indices in every run. */
static uint32_t random_index(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void key_fill(uint8_t key[WG_KEY_LEN], unsigned int peer, uint8_t direction)
{
	for (unsigned int i = 0; i < WG_KEY_LEN; i++)
		key[i] = (peer + 1) * 0x9e3779b1u >> (i % 4 * 8) ^ i * 7 ^ direction;
}

static void *zeroed(size_t align, size_t size)
{
	void *p = aligned_alloc(align, (size + align - 1) / align * align);

	if (!p)
		bench_fail("no memory for %zu bytes", size);
	memset(p, 0, size);
	return p;
}

uint32_t far_side_address(unsigned int peer)
{
	/* An odd factor permutes the 24 bits. */
	return htobe32(10u << 24 | ((peer + 1) * 0x9e3779b1u & 0xffffff));
}

static void peer_init(struct far_side *f, unsigned int i)
{
	struct far_peer *p = &f->peer[i];
	struct session *s = session_create();
	uint32_t address = far_side_address(i);

	if (!s)
		bench_fail("no memory for %u sessions", f->n);
	p->near = zeroed(CACHE_LINE, sizeof(*p->near));
	p->way.ep.remote.v4 = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htobe16(1024 + i % 60000),
		.sin_addr.s_addr = htobe32(0xc6120000u + i / 60000),
	};
	p->near->id = i + 1;
	p->near->rewrite = &p->way;
	p->near->current = s;
	p->near->calls = PEER_CALL_TIMERS;	/* the control thread knows */
	s->peer = p->near;
	s->rekey_tx_ns = s->rekey_rx_ns = s->reject_ns = UINT64_MAX;
	s->remote_index = htole32(FAR_SIDE_INDEX + i);
	s->confirmed = 1;
	key_fill(s->send_key, i, 1);
	key_fill(s->receive_key, i, 2);
	sessions_publish(&f->dp->sessions, s, sessions_reserve(&f->dp->sessions, p, random_index));
	p->session = s;
	allowedips_owner_init(&p->owner);
	if (allowedips_insert(f->dp->allowedips, AF_INET, &address, 32, p->near, &p->owner))
		bench_fail("no memory for the allowed IPs of %u peers", f->n);
	if (i % 256 == 255)
		rcu_quiescent_state();
}

void far_side_init(struct far_side *f, struct dataplane *dp, unsigned int n)
{
	*f = (struct far_side){ .dp = dp, .n = n, .aead = aead_find("auto") };
	random_state = 0x2545f491;
	f->ctx = f->aead->create();
	if (!f->ctx)
		bench_fail("no memory for %s", f->aead->name);
	f->peer = zeroed(CACHE_LINE, n * sizeof(f->peer[0]));
	f->counter = zeroed(CACHE_LINE, n * sizeof(f->counter[0]));
	for (unsigned int i = 0; i < n; i++)
		peer_init(f, i);
}

void far_side_fini(struct far_side *f)
{
	for (unsigned int i = 0; i < f->n; i++) {
		struct far_peer *p = &f->peer[i];

		sessions_release(&f->dp->sessions, session_index(p->session->id));
		session_free_rcu(p->session);
		allowedips_remove_owner(f->dp->allowedips, &p->owner);
		free(p->near);
		if (i % 256 == 255)
			rcu_quiescent_state();
	}
	f->aead->destroy(f->ctx);
	free(f->peer);
	free(f->counter);
}

void far_side_message(struct far_side *f, struct rte_mbuf *m, unsigned int peer, uint32_t len, bool advance,
		      struct aead_op *op)
{
	const struct session *s = f->peer[peer].session;
	struct wg_data *msg = rte_pktmbuf_mtod(m, struct wg_data *);

	*op = (struct aead_op){ .key = s->receive_key, .counter = f->counter[peer], .data = msg->payload, .len = len };
	msg->type = htole32(WG_DATA);
	msg->receiver = htole32(session_index(s->id));
	msg->counter = htole64(f->counter[peer]);
	f->counter[peer] += advance;
}

void far_side_seal(struct far_side *f, struct aead_op *ops, unsigned int n)
{
	aead_seal(f->aead, f->ctx, ops, n);
}

bool far_side_open(struct far_side *f, struct rte_mbuf *m, unsigned int peer)
{
	struct wg_data *msg = rte_pktmbuf_mtod(m, struct wg_data *);
	struct aead_op op = {
		.key = f->peer[peer].session->send_key,
		.counter = le64toh(msg->counter),
		.data = msg->payload,
		.len = rte_pktmbuf_data_len(m) - sizeof(*msg) - WG_TAG_LEN,
	};

	aead_open(f->aead, f->ctx, &op, 1);
	rte_pktmbuf_adj(m, sizeof(*msg));
	rte_pktmbuf_trim(m, WG_TAG_LEN);
	return op.ok;
}
