/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allowed-IPs trie, of nodes as allowedips_node.h has them. Every node has a prefix or at least
 * two children, so that the shape depends on the set of prefixes alone; a path of single children
 * is skipped, hence a lookup compares each node's key.
 *
 * Data cores read (allowedips_lookup.c). The control thread writes: what changes is a fresh copy of one node,
 * and one rcu_publish() of the pointer to it, after which a reader is in the old node or the new
 * one, both whole. The old one goes to call_rcu(). Only a prefix that moves to another peer changes
 * in place, by one pointer.
 */
#include "allowedips.h"

#include <errno.h>
#include <stdlib.h>

#include "allowedips_node.h"
#include "rcu.h"

/* Where a prefix belongs: in a node of this key and depth, as this bit of `prefixes`. */
struct place {
	addr_bits key;
	unsigned int depth;
	unsigned int index;
};

/* Nodes: made whole before readers see them. */

static void node_init(struct node *n, addr_bits key, unsigned int depth, uint64_t prefixes,
		      uint64_t children)
{
	n->key = key;
	n->depth = depth;
	n->prefixes = prefixes;
	n->children = children;
}

/* The slots are the caller's to fill. NULL: no memory. */
static struct node *node_new(struct allowedips *t, addr_bits key, unsigned int depth,
			     uint64_t prefixes, uint64_t children)
{
	size_t size = NODE_SIZE((size_t)__builtin_popcountll(children),
				(size_t)__builtin_popcountll(prefixes));
	struct node *n;

	size = (size + NODE_LINE - 1) & ~(size_t)(NODE_LINE - 1);
	n = pool_alloc(&t->pool, size);
	if (!n)
		return NULL;
	node_init(n, key, depth, prefixes, children);
	n->size = size;
	t->memory += size;
	return n;
}

/* Nobody has seen it, or nobody is left. */
static void node_free(struct allowedips *t, struct node *n)
{
	if (!n)
		return;
	t->memory -= n->size;
	pool_free(&t->pool, n, n->size);
}

/*
 * Readers could be in the node when it was replaced; each has had a quiescent state since. The
 * writer forgot it in node_retire(). Children and entries are not its own: its replacement has
 * them.
 */
static void node_free_rcu(struct rcu_head *head)
{
	struct node *n = caa_container_of(head, struct node, rcu);

	rcu_callback();
	pool_give_back(n, n->size);
	rcu_callback_end();
}

/* The node can no longer be reached. */
static void node_retire(struct allowedips *t, struct node *n)
{
	t->memory -= n->size;
	pool_expect(&t->pool);
	call_rcu(&n->rcu, node_free_rcu);
}

/* Copies the children, peers and entries that both have. */
static void node_take(struct node *n, struct node *from)
{
	uint64_t both;

	for (both = n->children & from->children; both; both &= both - 1) {
		unsigned int c = __builtin_ctzll(both);

		*child_slot(n, c) = *child_slot(from, c);
	}
	for (both = n->prefixes & from->prefixes; both; both &= both - 1) {
		unsigned int i = __builtin_ctzll(both);

		*peer_slot(n, i) = *peer_slot(from, i);
		*entry_slot(n, i) = *entry_slot(from, i);
	}
}

/* Places. */

/* False: not a prefix. Host bits are dropped. */
static bool place_of(struct place *at, int family, const void *addr, unsigned int cidr)
{
	unsigned int r = cidr % NODE_STRIDE;

	if (family == AF_INET && cidr <= 32)
		at->key = load4(addr);
	else if (family == AF_INET6 && cidr <= 128)
		at->key = load6(addr);
	else
		return false;
	at->key &= cidr ? ~(addr_bits)0 << (128 - cidr) : 0;
	at->depth = cidr - r;
	at->index = bit(r) | chunk(at->key, at->depth, true) >> (NODE_STRIDE - r);
	return true;
}

/*
 * Descends from a root towards the place and returns the slot where it ends: what is there is the
 * node of that place, or a node without the child to go on to, or one off the path, or (root) NULL.
 * `above` becomes the slot of that slot's node; NULL for a root.
 */
static void **descend(void **slot, const struct place *at, void ***above)
{
	struct node *n;

	*above = NULL;
	while ((n = *slot) && n->depth < at->depth && leads_to(at->key, n, true)) {
		unsigned int c = chunk(at->key, n->depth, true);

		if (!(n->children & bit(c)))
			break;
		*above = slot;
		slot = child_slot(n, c);
	}
	return slot;
}

static bool holds(const struct node *n, const struct place *at)
{
	return n && n->depth == at->depth && leads_to(at->key, n, true) &&
	       n->prefixes & bit(at->index);
}

/* Insertion. */

/* The deepest depth of a node to which both addresses lead. */
static unsigned int shared_depth(addr_bits a, addr_bits b)
{
	uint64_t hi = (a ^ b) >> 64, lo = a ^ b;
	unsigned int same = hi ? __builtin_clzll(hi) : lo ? 64 + __builtin_clzll(lo) : 128;

	return same - same % NODE_STRIDE;
}

static void prefix_link(struct allowedips_prefix *p, struct allowedips_owner *owner)
{
	p->owner = owner;
	cds_list_add_tail(&p->of_owner, &owner->prefixes);
	owner->n++;
}

static void prefix_unlink(struct allowedips_prefix *p)
{
	cds_list_del(&p->of_owner);
	p->owner->n--;
}

static struct allowedips_prefix *prefix_new(int family, addr_bits key, uint8_t cidr)
{
	struct allowedips_prefix *p = calloc(1, sizeof(*p));
	uint64_t v[2] = { htobe64(key >> 64), htobe64(key) };

	if (!p)
		return NULL;
	p->family = family;
	p->cidr = cidr;
	memcpy(p->addr, v, sizeof(v));
	return p;
}

/*
 * Adds a prefix that is not there yet. Where the node at `slot` is on the path, a copy of it with
 * the prefix, or with a leaf that has the prefix, replaces it. Where it is not, a new node goes
 * above it, at the last depth that it shares with the prefix. -ENOMEM: nothing changed.
 */
static int graft(struct allowedips *t, void **slot, const struct place *at, void *peer,
		 struct allowedips_prefix *p)
{
	struct node *old = *slot, *n, *leaf = NULL;
	bool copy = old && old->depth <= at->depth && leads_to(at->key, old, true);
	unsigned int depth = at->depth;
	uint64_t prefixes = 0, children = 0;

	if (copy) {
		depth = old->depth;
		prefixes = old->prefixes;
		children = old->children;
	} else if (old) {
		unsigned int shared = shared_depth(old->key, at->key);

		depth = shared < depth ? shared : depth;
		children = bit(chunk(old->key, depth, true));
	}
	if (depth == at->depth) {
		prefixes |= bit(at->index);
	} else {
		leaf = node_new(t, at->key, at->depth, bit(at->index), 0);
		if (!leaf)
			return -ENOMEM;
		children |= bit(chunk(at->key, depth, true));
	}
	n = node_new(t, at->key, depth, prefixes, children);
	if (!n) {
		node_free(t, leaf);
		return -ENOMEM;
	}

	if (copy)
		node_take(n, old);
	else if (old)
		*child_slot(n, chunk(old->key, depth, true)) = old;
	if (leaf)
		*child_slot(n, chunk(at->key, depth, true)) = leaf;
	*peer_slot(leaf ? leaf : n, at->index) = peer;
	*entry_slot(leaf ? leaf : n, at->index) = p;
	rcu_publish(*slot, n);
	if (copy)
		node_retire(t, old);
	return 0;
}

int allowedips_insert(struct allowedips *t, int family, const void *addr, uint8_t cidr, void *peer,
		      struct allowedips_owner *owner)
{
	void **slot, **above;
	struct allowedips_prefix *p;
	struct place at;
	int rc;

	assert(peer);
	if (!place_of(&at, family, addr, cidr))
		return -EINVAL;
	slot = descend(&t->root[family == AF_INET6], &at, &above);

	if (holds(*slot, &at)) {
		p = *entry_slot(*slot, at.index);
		rcu_publish(*peer_slot(*slot, at.index), peer);
		prefix_unlink(p);
		prefix_link(p, owner);
		return 0;
	}

	p = prefix_new(family, at.key, cidr);
	if (!p)
		return -ENOMEM;
	rc = graft(t, slot, &at, peer, p);
	if (rc) {
		free(p);
		return rc;
	}
	prefix_link(p, owner);
	t->count++;
	t->memory += sizeof(*p);
	return 0;
}

/* Removal. */

/*
 * What shrink() does when there is no memory for a copy: the smaller node stands in the spare until
 * no reader is in the old one, is written over that, and takes its place back. Then the spare is
 * left alone until no reader is in it.
 */
static void shrink_in_place(struct allowedips *t, void **slot, uint64_t prefixes,
			    uint64_t children)
{
	struct node *n = *slot, *spare = (struct node *)t->spare;

	node_init(spare, n->key, n->depth, prefixes, children);
	node_take(spare, n);
	rcu_publish(*slot, spare);
	synchronize_rcu();

	node_init(n, spare->key, spare->depth, prefixes, children);
	node_take(n, spare);
	rcu_publish(*slot, n);
	synchronize_rcu();
}

/* Leaves the node at `slot` only these of its prefixes and children; without either, no node. */
static void shrink(struct allowedips *t, void **slot, uint64_t prefixes, uint64_t children)
{
	struct node *old = *slot, *n = NULL;

	if (!prefixes && !(children & (children - 1))) {
		/* A node for nothing: none, or its only child, takes its place. */
		if (children)
			n = *child_slot(old, __builtin_ctzll(children));
	} else {
		n = node_new(t, old->key, old->depth, prefixes, children);
		if (!n) {
			shrink_in_place(t, slot, prefixes, children);
			return;
		}
		node_take(n, old);
	}
	rcu_publish(*slot, n);
	node_retire(t, old);
}

/* `slot` and `above` are descend()'s, and the prefix is there. */
static void prune(struct allowedips *t, void **slot, void **above, const struct place *at)
{
	struct node *n = *slot, *parent;
	uint64_t prefixes = n->prefixes & ~bit(at->index);

	if (prefixes || n->children || !above) {
		shrink(t, slot, prefixes, n->children);
		return;
	}
	parent = *above;
	shrink(t, above, parent->prefixes,
	       parent->children & ~bit(chunk(at->key, parent->depth, true)));
	node_retire(t, n);
}

int allowedips_remove(struct allowedips *t, int family, const void *addr, uint8_t cidr,
		      struct allowedips_owner *owner)
{
	void **slot, **above;
	struct allowedips_prefix *p;
	struct place at;

	if (!place_of(&at, family, addr, cidr))
		return -ENOENT;
	slot = descend(&t->root[family == AF_INET6], &at, &above);
	if (!holds(*slot, &at))
		return -ENOENT;
	p = *entry_slot(*slot, at.index);
	if (p->owner != owner)
		return -ENOENT;
	prune(t, slot, above, &at);
	prefix_unlink(p);
	free(p);
	t->count--;
	t->memory -= sizeof(*p);
	return 0;
}

struct allowedips_owner *allowedips_owner_of(struct allowedips *t, int family, const void *addr, uint8_t cidr)
{
	void **slot, **above;
	struct place at;

	if (!place_of(&at, family, addr, cidr))
		return NULL;
	slot = descend(&t->root[family == AF_INET6], &at, &above);
	return holds(*slot, &at) ? ((struct allowedips_prefix *)*entry_slot(*slot, at.index))->owner : NULL;
}

void *allowedips_at(const struct allowedips *t, int family, const void *addr, uint8_t cidr)
{
	struct node *n = t->root[family == AF_INET6];
	struct place at;

	if (!place_of(&at, family, addr, cidr))
		return NULL;
	while (n && n->depth < at.depth && leads_to(at.key, n, true)) {
		unsigned int c = chunk(at.key, n->depth, true);

		n = n->children & bit(c) ? *child_slot(n, c) : NULL;
	}
	return holds(n, &at) ? *peer_slot(n, at.index) : NULL;
}

void *allowedips_above(const struct allowedips *t, int family, const void *addr, uint8_t cidr)
{
	struct node *n = t->root[family == AF_INET6];
	void *found = NULL;
	struct place at;

	if (!place_of(&at, family, addr, cidr))
		return NULL;
	while (n && n->depth < cidr && leads_to(at.key, n, true)) {
		unsigned int c = chunk(at.key, n->depth, true), longer = cidr - n->depth;
		uint64_t match = n->prefixes & node_covering[c / 2];

		if (longer < NODE_STRIDE)
			match &= bit(1u << longer) - 1;
		if (match)
			found = *peer_slot(n, 63 - __builtin_clzll(match));
		n = n->children & bit(c) ? *child_slot(n, c) : NULL;
	}
	return found;
}

void allowedips_remove_owner(struct allowedips *t, struct allowedips_owner *owner)
{
	struct allowedips_prefix *p, *next;

	cds_list_for_each_entry_safe(p, next, &owner->prefixes, of_owner) {
		int rc = allowedips_remove(t, p->family, p->addr, p->cidr, owner);

		assert(rc == 0);
		(void)rc;
	}
}

/* The whole table. */

void allowedips_owner_init(struct allowedips_owner *o)
{
	CDS_INIT_LIST_HEAD(&o->prefixes);
	o->n = 0;
}

struct allowedips *allowedips_create(void)
{
	struct allowedips *t = aligned_alloc(NODE_LINE, sizeof(*t));

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->memory = sizeof(*t);
	/* The first call_rcu() would allocate this, and end the process if it could not. */
	get_default_call_rcu_data();
	return t;
}

/* Its prefixes and those below; the nodes go with the pool. At most 22 nodes deep, by the length of an address. */
static void destroy(struct node *n)
{
	uint64_t left;

	if (!n)
		return;
	for (left = n->children; left; left &= left - 1)
		destroy(*child_slot(n, __builtin_ctzll(left)));
	for (left = n->prefixes; left; left &= left - 1) {
		struct allowedips_prefix *p = *entry_slot(n, __builtin_ctzll(left));

		prefix_unlink(p);
		free(p);
	}
}

void allowedips_destroy(struct allowedips *t)
{
	if (!t)
		return;
	destroy(t->root[0]);
	destroy(t->root[1]);
	pool_end(&t->pool);
	free(t);
}

size_t allowedips_count(const struct allowedips *t)
{
	return t->count;
}

size_t allowedips_memory(const struct allowedips *t)
{
	return t->memory;
}

size_t allowedips_held(const struct allowedips *t)
{
	return sizeof(*t) + t->pool.held + t->count * sizeof(struct allowedips_prefix);
}
