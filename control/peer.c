/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "handshake.h"
#include "iface.h"
#include "keypairs.h"
#include "roam.h"

enum { KEYS_MIN = 64 };

int peers_init(struct peers *ps)
{
	memset(ps, 0, sizeof(*ps));
	CDS_INIT_LIST_HEAD(&ps->list);
	ps->by_key = calloc(KEYS_MIN, sizeof(ps->by_key[0]));
	if (!ps->by_key)
		return -ENOMEM;
	ps->n_by_key = KEYS_MIN;
	return 0;
}

void peers_fini(struct peers *ps)
{
	free(ps->by_key);
	free(ps->slot);
	free(ps->unused);
	memset(ps, 0, sizeof(*ps));
}

/* (liburcu's list macros would make a misaligned pointer to a peer out of the list's head.) */
struct peer *peers_next(const struct peers *ps, const struct peer *p)
{
	struct cds_list_head *next = p ? p->of_iface.next : ps->list.next;

	return next == &ps->list ? NULL : caa_container_of(next, struct peer, of_iface);
}

/* The chain of a key. Public keys are as good as random, but those that a script makes up may not be: all of their bits are mixed. */
static struct peer **key_chain(const struct peers *ps, const uint8_t key[WG_KEY_LEN])
{
	uint64_t w[WG_KEY_LEN / sizeof(uint64_t)], h = 0;

	memcpy(w, key, sizeof(w));
	for (size_t k = 0; k < sizeof(w) / sizeof(w[0]); k++) {
		h = (h ^ w[k]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return &ps->by_key[h & (ps->n_by_key - 1)];
}

static bool keys_grow(struct peers *ps)
{
	struct peer **by_key = calloc(2 * (size_t)ps->n_by_key, sizeof(by_key[0]));

	if (!by_key)
		return false;
	free(ps->by_key);
	ps->by_key = by_key;
	ps->n_by_key *= 2;
	for (struct peer *p = NULL; (p = peers_next(ps, p));) {
		struct peer **chain = key_chain(ps, p->remote.public_key);

		p->next_by_key = *chain;
		*chain = p;
	}
	return true;
}

struct peer *peers_find(const struct peers *ps, const uint8_t public_key[WG_KEY_LEN])
{
	struct peer *p = *key_chain(ps, public_key);

	while (p && memcmp(p->remote.public_key, public_key, WG_KEY_LEN) != 0)
		p = p->next_by_key;
	return p;
}

struct peer *peers_get(const struct peers *ps, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct peer *p = slot < ps->n_slots ? ps->slot[slot] : NULL;

	return p && p->dp.id == id ? p : NULL;
}

static bool slots_grow(struct peers *ps)
{
	uint32_t n = ps->n_slots ? ps->n_slots * 2 : 16;
	struct peer **slot = realloc(ps->slot, n * sizeof(slot[0]));
	uint32_t *unused;

	if (slot)
		ps->slot = slot;
	unused = realloc(ps->unused, n * sizeof(unused[0]));
	if (unused)
		ps->unused = unused;
	if (!slot || !unused)
		return false;
	while (ps->n_slots < n) {
		ps->slot[ps->n_slots] = NULL;
		ps->unused[ps->n_unused++] = ps->n_slots++;
	}
	return true;
}

struct peer *peers_add(struct peers *ps, struct iface *iface, const uint8_t public_key[WG_KEY_LEN])
{
	struct peer *p, **chain;
	uint32_t slot;

	if ((!ps->n_unused && !slots_grow(ps)) || (ps->n >= ps->n_by_key && !keys_grow(ps)) ||
	    heap_reserve(&iface->deadlines, ps->n + 1))
		return NULL;
	p = aligned_alloc(CACHE_LINE, (sizeof(*p) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1));
	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	slot = ps->unused[--ps->n_unused];
	ps->slot[slot] = p;
	ps->n++;
	p->dp.id = (uint64_t)++ps->generation << 32 | slot;
	p->iface = iface;
	memcpy(p->remote.public_key, public_key, WG_KEY_LEN);
	cookie_sender_init(&p->cookie, public_key);
	log_key(p->short_key, public_key);
	allowedips_owner_init(&p->allowedips);
	CDS_INIT_LIST_HEAD(&p->of_nexthop);
	chain = key_chain(ps, public_key);
	p->next_by_key = *chain;
	*chain = p;
	cds_list_add_tail(&p->of_iface, &ps->list);
	return p;
}

void peers_move_last(struct peers *ps, struct peer *p)
{
	cds_list_del(&p->of_iface);
	cds_list_add_tail(&p->of_iface, &ps->list);
}

void peers_unlink(struct peers *ps, struct peer *p)
{
	struct peer **at = key_chain(ps, p->remote.public_key);
	uint32_t slot = (uint32_t)p->dp.id;

	while (*at != p)
		at = &(*at)->next_by_key;
	*at = p->next_by_key;
	cds_list_del(&p->of_iface);
	ps->slot[slot] = NULL;
	ps->unused[ps->n_unused++] = slot;
	ps->n--;
}

/*
 * Data cores may have found this peer through allowed IPs or a session before those were unpublished: they have passed a quiescent
 * state since. What is queued holds its id, which nobody finds any more.
 */
static void peer_free(struct rcu_head *head)
{
	struct peer *p = caa_container_of(head, struct peer, rcu);

	rcu_callback();
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

void peers_remove(struct peers *ps, struct peer *p)
{
	struct iface *i = p->iface;

	allowedips_remove_owner(i->dp->allowedips, &p->allowedips);
	keypairs_clear(p);
	handshake_abandon(p);
	outer_forget(i->outer, p);

	staged_purge(p);
	roam_forget_name(p);
	free(p->label);
	p->label = NULL;
	heap_set(&i->deadlines, &p->deadline, UINT64_MAX);
	peers_unlink(ps, p);
	call_rcu(&p->rcu, peer_free);
}
