/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers of the allowed-IPs trie while a writer churns. Each peer object carries the prefixes that
 * it may ever have; whatever a reader gets must be alive and have the address in one of them. A
 * peer that was removed is poisoned after a grace period, so a reader that still gets it is caught.
 * Since a default route stays for good, no lookup may find nothing. In every fourth hundred of
 * rounds a third of the writer's allocations fails. Link as failing_alloc.h says.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "allowedips.h"
#include "failing_alloc.h"
#include "rcu.h"
#include "threaded.h"

enum {
	N_READERS = 3,
	N_PEERS = 24,
	N_OWN = 8,		/* prefixes of a peer */
	ROUNDS = 2000,		/* of the writer: each makes, changes or frees a peer */
	BURST = 32,		/* lookups between two quiescent states */
	ALIVE = 0x600df00d,
	DEAD = 0xdeadbeef,
};

struct prefix {
	int family;
	uint8_t addr[16];
	unsigned int cidr;
};

struct peer {
	uint32_t state;			/* plain on purpose: the grace period must order it */
	struct prefix own[N_OWN];
	struct allowedips_owner owner;	/* writer's */
	struct peer *next;		/* writer's: in the graveyard */
};

struct arena {
	struct allowedips *t;
	pthread_barrier_t start;
	bool done;			/* atomic: writer to readers */
};

struct reader {
	struct arena *arena;
	uint64_t rng;
	unsigned long lookups, wrong;
};

/* Few and close addresses: prefixes nest, and peers take them from each other. */
static int draw_addr(uint64_t *rng, uint8_t addr[16])
{
	memset(addr, 0, 16);
	addr[0] = 10;
	addr[1] = draw_from(rng, 2) << 7;
	addr[2] = draw_from(rng, 8) << 2;
	addr[3] = draw_from(rng, 4);
	addr[14] = draw_from(rng, 2);
	addr[15] = draw_from(rng, 4) << 6;
	return draw_from(rng, 2) ? AF_INET : AF_INET6;
}

static bool in_prefix(const struct prefix *p, int family, const uint8_t addr[16])
{
	if (p->family != family)
		return false;
	for (unsigned int i = 0; i < p->cidr; i++)
		if ((p->addr[i / 8] ^ addr[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static bool peer_fits(const struct peer *peer, int family, const uint8_t addr[16])
{
	if (!peer || peer->state != ALIVE)
		return false;
	for (int i = 0; i < N_OWN; i++)
		if (in_prefix(&peer->own[i], family, addr))
			return true;
	return false;
}

static void read_one_by_one(struct reader *r)
{
	for (int i = 0; i < BURST; i++) {
		uint8_t addr[16];
		int family = draw_addr(&r->rng, addr);
		const struct peer *peer = family == AF_INET ?
			allowedips_lookup4(r->arena->t, addr) :
			allowedips_lookup6(r->arena->t, addr);

		r->lookups++;
		r->wrong += !peer_fits(peer, family, addr);
	}
}

static void read_together(struct reader *r)
{
	struct allowedips_query q[BURST];
	uint8_t addr[BURST][16];

	for (int i = 0; i < BURST; i++)
		q[i] = (struct allowedips_query){ .addr = addr[i], .is6 = draw_addr(&r->rng, addr[i]) == AF_INET6 };
	allowedips_lookup_bulk(r->arena->t, q, BURST);
	for (int i = 0; i < BURST; i++) {
		r->lookups++;
		r->wrong += !peer_fits(q[i].peer, q[i].is6 ? AF_INET6 : AF_INET, addr[i]);
	}
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;

	rcu_register_thread();
	rcu_thread_offline();
	pthread_barrier_wait(&r->arena->start);
	rcu_thread_online();
	do {
		if (draw_from(&r->rng, 2))
			read_one_by_one(r);
		else
			read_together(r);
		rcu_quiescent_state();
	} while (!__atomic_load_n(&r->arena->done, __ATOMIC_ACQUIRE));
	rcu_unregister_thread();
	return NULL;
}

static struct peer *peer_new(uint64_t *rng)
{
	static const uint8_t lengths4[] = { 6, 8, 9, 12, 19, 21, 23, 24, 30, 31, 32 };
	static const uint8_t lengths6[] = { 8, 9, 23, 32, 64, 96, 119, 120, 121, 122, 128 };
	struct peer *p = __real_calloc(1, sizeof(*p));

	cr_assert_not_null(p);
	p->state = ALIVE;
	allowedips_owner_init(&p->owner);
	for (int i = 0; i < N_OWN; i++) {
		struct prefix *own = &p->own[i];

		own->family = draw_addr(rng, own->addr);
		own->cidr = own->family == AF_INET ? lengths4[draw_from(rng, sizeof(lengths4))] :
			    lengths6[draw_from(rng, sizeof(lengths6))];
	}
	return p;
}

/* Until there is memory: the run is the same whatever fails. */
static void peer_insert(struct arena *a, struct peer *p, const struct prefix *own)
{
	int rc;

	do {
		rc = allowedips_insert(a->t, own->family, own->addr, own->cidr, p, &p->owner);
		cr_assert(rc == 0 || rc == -ENOMEM);
	} while (rc);
}

static void writer_round(struct arena *a, struct peer **peer, struct peer **dead, uint64_t *rng)
{
	struct peer *p = *peer;

	if (!p) {
		*peer = p = peer_new(rng);
		for (int i = 0; i < N_OWN; i++)
			peer_insert(a, p, &p->own[i]);
	} else if (draw_from(rng, 3)) {
		const struct prefix *own = &p->own[draw_from(rng, N_OWN)];

		if (draw_from(rng, 2))
			peer_insert(a, p, own);
		else
			allowedips_remove(a->t, own->family, own->addr, own->cidr, &p->owner);
	} else {
		allowedips_remove_owner(a->t, &p->owner);
		synchronize_rcu();
		p->state = DEAD;	/* every reader has had a quiescent state since */
		p->next = *dead;
		*dead = p;
		*peer = NULL;
	}
}

static void writer_run(struct arena *a)
{
	struct peer *peers[N_PEERS] = { NULL }, *dead = NULL;
	uint64_t rng = 2024112903;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		fail_one_in = round / 100 % 4 == 3 ? 3 : 0;
		writer_round(a, &peers[draw_from(&rng, N_PEERS)], &dead, &rng);
		fail_one_in = 0;
		rcu_quiescent_state();
	}
	for (int i = 0; i < N_PEERS; i++) {
		if (!peers[i])
			continue;
		allowedips_remove_owner(a->t, &peers[i]->owner);
		peers[i]->next = dead;
		dead = peers[i];
	}
	synchronize_rcu();
	while (dead) {
		struct peer *next = dead->next;

		free(dead);
		dead = next;
	}
}

Test(allowedips_rcu, readers_while_writer_churns)
{
	struct arena a = { .done = false };
	struct peer everyone = {
		.state = ALIVE,
		.own = { { .family = AF_INET }, { .family = AF_INET6 } },
	};
	struct reader reader[N_READERS];
	pthread_t thread[N_READERS];
	size_t memory;

	rcu_register_thread();
	a.t = allowedips_create();
	cr_assert_not_null(a.t);
	allowedips_owner_init(&everyone.owner);
	peer_insert(&a, &everyone, &everyone.own[0]);
	peer_insert(&a, &everyone, &everyone.own[1]);
	memory = allowedips_memory(a.t);
	pthread_barrier_init(&a.start, NULL, N_READERS + 1);
	for (int i = 0; i < N_READERS; i++) {
		reader[i] = (struct reader){ .arena = &a, .rng = 1000 + i };
		cr_assert_eq(pthread_create(&thread[i], NULL, reader_main, &reader[i]), 0);
	}

	rcu_thread_offline();
	pthread_barrier_wait(&a.start);
	rcu_thread_online();
	writer_run(&a);
	__atomic_store_n(&a.done, true, __ATOMIC_RELEASE);
	rcu_thread_offline();
	for (int i = 0; i < N_READERS; i++)
		pthread_join(thread[i], NULL);
	rcu_thread_online();

	for (int i = 0; i < N_READERS; i++) {
		cr_assert_eq(reader[i].wrong, 0, "reader %d: %lu of %lu lookups wrong", i,
			     reader[i].wrong, reader[i].lookups);
		cr_assert_geq(reader[i].lookups, BURST);
	}
	cr_assert_eq(allowedips_count(a.t), 2);
	cr_assert_eq(allowedips_memory(a.t), memory);
	allowedips_destroy(a.t);
	pthread_barrier_destroy(&a.start);
	rcu_barrier();
	rcu_unregister_thread();
}
