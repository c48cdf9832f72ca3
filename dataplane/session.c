/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

struct session *session_create(void)
{
	struct session *s = aligned_alloc(CACHE_LINE, sizeof(*s));

	if (s) {
		memset(s, 0, sizeof(*s));
		replay_init(&s->replay);
	}
	return s;
}

static void session_free(struct rcu_head *head)
{
	struct session *s = caa_container_of(head, struct session, rcu);

	rcu_callback();
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

void session_free_rcu(struct session *s)
{
	call_rcu(&s->rcu, session_free);
}

enum { SLOTS_MIN = 64 };

static struct session_slots *slots_create(uint32_t n)
{
	struct session_slots *slots = calloc(1, sizeof(*slots) + n * sizeof(slots->slot[0]));

	if (slots)
		slots->mask = n - 1;
	return slots;
}

static void slots_free(struct rcu_head *head)
{
	rcu_callback();
	free(caa_container_of(head, struct session_slots, rcu));
}

int sessions_init(struct sessions *t)
{
	memset(t, 0, sizeof(*t));
	t->slots = slots_create(SLOTS_MIN);
	return t->slots ? 0 : -ENOMEM;
}

void sessions_fini(struct sessions *t)
{
	free(t->slots);
	t->slots = NULL;
}

/*
 * A slot's index keeps its low bits in a larger table, and two that differ in a smaller one differ in a larger one: so everybody
 * moves without a collision. Cores that still read the old slots find what they found before; it is freed after a grace period.
 */
static bool slots_grow(struct sessions *t)
{
	struct session_slots *old = t->slots, *new = slots_create((old->mask + 1) * 2);

	if (!new)
		return false;
	for (uint32_t i = 0; i <= old->mask; i++)
		if (old->slot[i].owner)
			new->slot[old->slot[i].index & new->mask] = old->slot[i];
	rcu_publish(t->slots, new);
	call_rcu(&old->rcu, slots_free);
	return true;
}

uint32_t sessions_reserve(struct sessions *t, void *owner, uint32_t (*random)(void))
{
	/* At most half full, so that two draws do on average; and never so large that an index is guessed by its slot. */
	if (t->used > t->slots->mask / 2 && (t->slots->mask >= UINT32_MAX / 4 || !slots_grow(t)))
		return 0;
	for (;;) {
		uint32_t index = random();
		struct session_slot *slot = &t->slots->slot[index & t->slots->mask];

		if (!index || slot->owner)
			continue;
		slot->owner = owner;
		slot->index = index;
		t->used++;
		return index;
	}
}

static struct session_slot *slot_of(const struct sessions *t, uint32_t index)
{
	struct session_slot *slot = &t->slots->slot[index & t->slots->mask];

	return slot->owner && slot->index == index ? slot : NULL;
}

void *sessions_owner(const struct sessions *t, uint32_t index)
{
	struct session_slot *slot = slot_of(t, index);

	return slot ? slot->owner : NULL;
}

void sessions_publish(struct sessions *t, struct session *s, uint32_t index)
{
	s->id = (uint64_t)++t->generation << 32 | index;
	rcu_publish(slot_of(t, index)->session, s);
}

void sessions_release(struct sessions *t, uint32_t index)
{
	struct session_slot *slot = index ? slot_of(t, index) : NULL;

	if (!slot)
		return;
	rcu_publish(slot->session, NULL);
	slot->owner = NULL;
	slot->index = 0;
	t->used--;
}
