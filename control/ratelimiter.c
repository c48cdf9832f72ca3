/* SPDX-License-Identifier: BSD-3-Clause */
#include "ratelimiter.h"

#include <stdlib.h>
#include <string.h>

#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_lcore.h>
#include <sys/random.h>

#include "protocol.h"

#define TOKEN_NS (WG_NS_PER_SEC / RATELIMITER_PER_SECOND)
#define BUCKET_NS (TOKEN_NS * RATELIMITER_BURST)

/* Words, as rte_jhash reads them. */
struct source {
	uint32_t family;
	uint8_t prefix[8];	/* IPv4 address, or the first half of an IPv6 one */
};

struct bucket {
	uint64_t last_ns, fill_ns;	/* fill: tokens in units of the time that earns them */
};

struct ratelimiter {
	struct rte_hash *sources;
	uint64_t swept_ns;
	struct bucket bucket[RATELIMITER_SOURCES];
};

struct ratelimiter *ratelimiter_create(const char *name)
{
	struct ratelimiter *r = calloc(1, sizeof(*r));
	struct rte_hash_parameters p = {
		.name = name,
		.entries = RATELIMITER_SOURCES,
		.key_len = sizeof(struct source),
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
	};

	/* A seed that nobody outside knows, so that sources cannot be chosen to collide. */
	if (!r || getrandom(&p.hash_func_init_val, sizeof(p.hash_func_init_val), 0) < 0)
		goto fail;
	r->sources = rte_hash_create(&p);
	if (r->sources)
		return r;
fail:
	free(r);
	return NULL;
}

void ratelimiter_destroy(struct ratelimiter *r)
{
	if (!r)
		return;
	rte_hash_free(r->sources);
	free(r);
}

/* Forgets whose bucket is full again: what is left of it is what a new one would be. */
static void sweep(struct ratelimiter *r, uint64_t now_ns)
{
	const void *key;
	void *data;
	uint32_t next = 0;
	int32_t i;

	if (now_ns - r->swept_ns < BUCKET_NS)
		return;
	r->swept_ns = now_ns;
	while ((i = rte_hash_iterate(r->sources, &key, &data, &next)) >= 0)
		if (now_ns - r->bucket[i].last_ns >= BUCKET_NS)
			rte_hash_del_key(r->sources, key);
}

static void source_of(struct source *s, const struct endpoint *from)
{
	memset(s, 0, sizeof(*s));
	s->family = from->remote.sa.sa_family;
	if (s->family == AF_INET)
		memcpy(s->prefix, &from->remote.v4.sin_addr, sizeof(from->remote.v4.sin_addr));
	else
		memcpy(s->prefix, &from->remote.v6.sin6_addr, sizeof(s->prefix));
}

bool ratelimiter_allow(struct ratelimiter *r, const struct endpoint *from, uint64_t now_ns)
{
	struct source s;
	struct bucket *b;
	int32_t i;

	sweep(r, now_ns);
	source_of(&s, from);
	i = rte_hash_lookup(r->sources, &s);
	if (i < 0) {
		i = rte_hash_add_key(r->sources, &s);
		if (i < 0 || i >= RATELIMITER_SOURCES)
			return false;
		r->bucket[i] = (struct bucket){ .last_ns = now_ns, .fill_ns = BUCKET_NS };
	}
	b = &r->bucket[i];
	b->fill_ns += now_ns - b->last_ns;
	if (b->fill_ns > BUCKET_NS)
		b->fill_ns = BUCKET_NS;
	b->last_ns = now_ns;
	if (b->fill_ns < TOKEN_NS)
		return false;
	b->fill_ns -= TOKEN_NS;
	return true;
}
