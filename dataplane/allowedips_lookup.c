/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lookups in the allowed-IPs trie, by data cores.
 *
 * Down to the last node without a look at the keys on the way: an address that a key would have stopped goes
 * astray from there on, and can only come upon what is not for it. Hence one look, at the key of the node with the
 * longest match; where that is the wrong one, again and with all of them. That is rare: the address must agree
 * with a prefix of another in six bits for each node more.
 *
 * A bulk lookup takes up to LANES different addresses of a family down together, all of them a level a round: the
 * node that an address needs next is being fetched while the others have their turn.
 */
#include "allowedips.h"

#include "allowedips_node.h"
#include "rcu.h"

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 64 };

/* An address on its way down, or at the end of it. */
struct lane {
	addr_bits a;
	struct node *n;
	struct node *found;	/* the last one with a match */
	uint64_t match;		/* the prefixes there that match; 0: none so far, and `found` means nothing */
	void *const *peer;	/* in the end, with a match: of the longest */
};

/* Goes to the node's child, if there is one. False: this is the last node. */
INLINE bool descend(struct lane *l, bool wide)
{
	struct node *n = l->n;
	unsigned int c = chunk(l->a, n->depth, wide);
	uint64_t match = n->prefixes & node_covering[c / 2], children = n->children;

	l->found = match ? n : l->found;
	l->match = match ? match : l->match;
	if (!(children & bit(c)))
		return false;
	l->n = rcu_load(n->slot[rank(children, c)]);
	return true;
}

static __attribute__((noinline)) void *lookup_by_keys(struct node *top, addr_bits a)
{
	struct lane l = { .a = a, .n = top };

	while (leads_to(a, l.n, true) && descend(&l, true))
		;
	return l.match ? rcu_load(*peer_slot(l.found, 63 - __builtin_clzll(l.match))) : NULL;
}

INLINE void find_peer(struct lane *l)
{
	l->peer = peer_slot(l->found, 63 - __builtin_clzll(l->match));
}

INLINE void *lane_end(const struct lane *l, struct node *top, bool wide)
{
	if (!l->match)
		return NULL;
	return leads_to(l->a, l->found, wide) ? rcu_load(*l->peer) : lookup_by_keys(top, l->a);
}

/* `top` is the root's node, or NULL. */
INLINE void *lookup(struct node *top, addr_bits a, bool wide)
{
	struct lane l = { .a = a, .n = top };

	if (!top)
		return NULL;
	while (descend(&l, wide))
		;
	if (!l.match)
		return NULL;
	find_peer(&l);
	return lane_end(&l, top, wide);
}

void *allowedips_lookup4(const struct allowedips *t, const uint8_t addr[4])
{
	return lookup(rcu_load(t->root[0]), load4(addr), false);
}

void *allowedips_lookup6(const struct allowedips *t, const uint8_t addr[16])
{
	return lookup(rcu_load(t->root[1]), load6(addr), true);
}

/* The different addresses of one family, and what was found for each. */
struct lanes {
	unsigned int n;
	struct lane lane[LANES];
	void *peer[LANES];
};

/* Where the answer for this address will be; equal to the one before, it shares that lane. */
INLINE void **lanes_add(struct lanes *s, addr_bits a)
{
	if (!s->n || s->lane[s->n - 1].a != a) {
		s->lane[s->n].a = a;
		s->lane[s->n].match = 0;
		s->n++;
	}
	return &s->peer[s->n - 1];
}

INLINE void lanes_run(struct lanes *s, struct node *top, bool wide)
{
	struct lane *on[LANES];
	unsigned int left = 0;

	for (; top && left < s->n; left++) {
		on[left] = &s->lane[left];
		on[left]->n = top;
	}
	while (left) {
		unsigned int was = left;

		left = 0;
		for (unsigned int i = 0; i < was; i++) {
			struct lane *l = on[i];

			if (!descend(l, wide))
				continue;
			__builtin_prefetch(l->n);
			on[left++] = l;
		}
	}
	for (unsigned int i = 0; i < s->n; i++) {
		if (!s->lane[i].match)
			continue;
		find_peer(&s->lane[i]);
		__builtin_prefetch(s->lane[i].peer);
	}
	for (unsigned int i = 0; i < s->n; i++)
		s->peer[i] = lane_end(&s->lane[i], top, wide);
}

INLINE void lanes_lookup(struct lanes *s, struct node *top, bool wide)
{
	if (s->n == 1)
		s->peer[0] = lookup(top, s->lane[0].a, wide);
	else if (s->n)
		lanes_run(s, top, wide);
}

static void lookup_together(struct node *top4, struct node *top6, struct allowedips_query *q, unsigned int n)
{
	struct lanes v4, v6;
	void **peer[LANES];

	v4.n = v6.n = 0;
	for (unsigned int i = 0; i < n; i++)
		peer[i] = q[i].is6 ? lanes_add(&v6, load6(q[i].addr)) : lanes_add(&v4, load4(q[i].addr));
	lanes_lookup(&v4, top4, false);
	lanes_lookup(&v6, top6, true);
	for (unsigned int i = 0; i < n; i++)
		q[i].peer = *peer[i];
}

/* At most one node: nothing to fetch ahead. */
INLINE bool trivial(const struct node *top)
{
	return !top || !top->children;
}

void allowedips_lookup_bulk(const struct allowedips *t, struct allowedips_query *q, unsigned int n)
{
	struct node *top4 = rcu_load(t->root[0]), *top6 = rcu_load(t->root[1]);

	if (n == 1 || (trivial(top4) && trivial(top6))) {
		for (unsigned int i = 0; i < n; i++)
			q[i].peer = q[i].is6 ? lookup(top6, load6(q[i].addr), true) :
					       lookup(top4, load4(q[i].addr), false);
		return;
	}
	for (; n > LANES; q += LANES, n -= LANES)
		lookup_together(top4, top6, q, LANES);
	lookup_together(top4, top6, q, n);
}
