/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Edits to targets and records: plan_make goes through the edits of a change once, in their order, and notes for each peer and
 * each prefix what the last word on it is. change_apply.c carries it out.
 */
#include "change_plan.h"

#include <stdlib.h>
#include <string.h>

#include "iface.h"

/* A hash table for n numbers, half of it free. NULL: no memory. */
static uint32_t *slots_create(size_t n, size_t *mask)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	*mask = size - 1;
	return calloc(size, sizeof(uint32_t));
}

static uint64_t mix(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint64_t prefix_hash(int family, const void *addr, uint8_t cidr)
{
	uint64_t w[2] = { 0 };

	memcpy(w, addr, family == AF_INET ? 4 : 16);
	return mix(mix(mix(w[0]) ^ w[1]) ^ ((uint64_t)cidr << 8 | (uint64_t)family));
}

static bool same_prefix(const struct change_ip *ip, int family, const void *addr, uint8_t cidr)
{
	return ip->family == family && ip->cidr == cidr && memcmp(ip->addr, addr, family == AF_INET ? 4 : 16) == 0;
}

static uint32_t *record_slot(const struct plan *p, int family, const void *addr, uint8_t cidr)
{
	size_t at = prefix_hash(family, addr, cidr) & p->record_mask;

	while (p->record_slots[at] && !same_prefix(p->records[p->record_slots[at] - 1].ip, family, addr, cidr))
		at = (at + 1) & p->record_mask;
	return &p->record_slots[at];
}

/* Keys of peers that are being added may be chosen by somebody to collide; all of their bits are mixed. */
static uint32_t *target_slot(const struct plan *p, const uint8_t key[WG_KEY_LEN])
{
	uint64_t w[4], h = 0;
	size_t at;

	memcpy(w, key, sizeof(w));
	for (int k = 0; k < 4; k++)
		h = mix(h ^ w[k]);
	at = h & p->target_mask;
	while (p->target_slots[at] && memcmp(p->targets[p->target_slots[at] - 1].public_key, key, WG_KEY_LEN) != 0)
		at = (at + 1) & p->target_mask;
	return &p->target_slots[at];
}

struct target *plan_target(const struct plan *p, const uint8_t public_key[WG_KEY_LEN])
{
	uint32_t n = *target_slot(p, public_key);

	return n ? &p->targets[n - 1] : NULL;
}

struct record *plan_record(const struct plan *p, int family, const void *addr, uint8_t cidr)
{
	uint32_t n = *record_slot(p, family, addr, cidr);

	return n ? &p->records[n - 1] : NULL;
}

struct target *plan_owner(const struct plan *p, const struct record *r)
{
	struct target *t = r->owner;

	if (r->replaced || !t || (t->clears && (size_t)(r - p->records) < t->cleared))
		return NULL;
	return t;
}

static void clear_ips(struct plan *p, struct target *t)
{
	t->clears = true;
	t->cleared = p->n_records;
}

static void forget(struct plan *p, struct target *t)
{
	clear_ips(p, t);
	t->present = false;
	t->psk = t->endpoint = t->keepalive = t->label = NULL;
}

/* The target of an edit's peer, made when it is spoken of for the first time. */
static struct target *find(struct plan *p, const uint8_t key[WG_KEY_LEN])
{
	uint32_t *slot = target_slot(p, key);
	struct target *t;

	if (*slot)
		return &p->targets[*slot - 1];
	t = &p->targets[p->n_targets++];
	*slot = (uint32_t)p->n_targets;
	t->public_key = key;
	t->old = peers_find(&p->iface->peers, key);
	t->present = t->old;
	if (t->old && p->change->replace_peers) {
		forget(p, t);
		t->reborn = true;
	}
	return t;
}

static bool owns(const struct plan *p, const struct target *t, const struct change_ip *ip)
{
	const struct record *r = plan_record(p, ip->family, ip->addr, ip->cidr);

	if (r)
		return plan_owner(p, r) == t;
	return t->old && !t->clears &&
	       allowedips_owner_of(p->iface->dp->allowedips, ip->family, ip->addr, ip->cidr) == &t->old->allowedips;
}

static void edit_ip(struct plan *p, struct target *t, const struct change_ip *ip)
{
	uint32_t *slot = record_slot(p, ip->family, ip->addr, ip->cidr);

	if (ip->remove && !owns(p, t, ip))
		return;
	if (*slot)
		p->records[*slot - 1].replaced = true;
	p->records[p->n_records] = (struct record){ .ip = ip, .owner = ip->remove ? NULL : t };
	*slot = (uint32_t)++p->n_records;
}

static void edit_peer(struct plan *p, const struct change_peer *e)
{
	struct target *t = find(p, e->public_key);

	if (e->flags & CHANGE_REMOVE) {
		forget(p, t);
		t->removed = true;
		return;
	}
	if (!t->present && (e->flags & CHANGE_UPDATE_ONLY))
		return;
	t->present = true;
	if (e->flags & CHANGE_PRESHARED_KEY)
		t->psk = e;
	if (e->flags & CHANGE_ENDPOINT)
		t->endpoint = e;
	if (e->flags & CHANGE_KEEPALIVE)
		t->keepalive = e;
	if (e->flags & CHANGE_LABEL)
		t->label = e;
	if (e->flags & CHANGE_REPLACE_ALLOWED_IPS)
		clear_ips(p, t);
	for (size_t k = 0; k < e->n_ips; k++)
		edit_ip(p, t, &p->change->ips[e->first_ip + k]);
}

/* What the peers will own is allocated here, where it can still fail. */
static bool copy_strings(struct plan *p)
{
	for (size_t k = 0; k < p->n_targets; k++) {
		struct target *t = &p->targets[k];

		if (t->endpoint && t->endpoint->host && !(t->host_copy = strdup(t->endpoint->host)))
			return false;
		if (t->label && t->label->label && !(t->label_copy = strdup(t->label->label)))
			return false;
	}
	return true;
}

bool plan_make(struct plan *p, struct iface *i, const struct change *c, const uint8_t *self)
{
	memset(p, 0, sizeof(*p));
	p->iface = i;
	p->change = c;
	p->targets = calloc(c->n_peers + 1, sizeof(*p->targets));
	p->records = calloc(c->n_ips + 1, sizeof(*p->records));
	p->target_slots = slots_create(c->n_peers, &p->target_mask);
	p->record_slots = slots_create(c->n_ips, &p->record_mask);
	if (!p->targets || !p->records || !p->target_slots || !p->record_slots)
		return false;
	for (size_t k = 0; k < c->n_peers; k++)
		if (!self || memcmp(c->peers[k].public_key, self, WG_KEY_LEN) != 0)
			edit_peer(p, &c->peers[k]);
	return copy_strings(p);
}

void plan_fini(struct plan *p)
{
	for (size_t k = 0; k < p->n_targets; k++) {
		free(p->targets[k].host_copy);
		free(p->targets[k].label_copy);
	}
	free(p->targets);
	free(p->records);
	free(p->target_slots);
	free(p->record_slots);
	memset(p, 0, sizeof(*p));
}
