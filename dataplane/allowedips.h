/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allowed IPs: longest-prefix match from an address to its peer (whitepaper section 2, "cryptokey
 * routing").
 *
 * A path-compressed multibit trie, 6 bits a node, in the manner of a tree bitmap (Eatherton,
 * Dittia, Varghese, CCR 34:2, 2004): a node has one bitmap for the prefixes that end in it and one
 * for its children, and packed arrays indexed by population count. Nodes that readers can see
 * change in one pointer at a time: an update publishes a new copy of one node and frees the old one
 * after a grace period (rcu.h).
 *
 *   operation x operation | lookup, _bulk (readers) | insert, remove, walk (control)
 *   lookup                | nobody synchronises  | RCU: reader between two quiescent states
 *   insert, remove, walk  | RCU                  | caller excludes: one registered thread
 *
 * A walk is one of an owner's list, struct allowedips_owner. Addresses are in network order: 4 or
 * 16 bytes.
 */
#ifndef WGDP_ALLOWEDIPS_H
#define WGDP_ALLOWEDIPS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <urcu/list.h>

struct allowedips;

/* What a peer owns: the head of its prefixes, to remove and list them. Control thread only. */
struct allowedips_owner {
	struct cds_list_head prefixes;	/* of struct allowedips_prefix.of_owner, by the last insertion */
	size_t n;
};

struct allowedips_prefix {
	struct cds_list_head of_owner;
	struct allowedips_owner *owner;
	int family;		/* AF_INET or AF_INET6 */
	uint8_t addr[16];	/* host bits are zero; IPv4 in the first four bytes */
	uint8_t cidr;
};

void allowedips_owner_init(struct allowedips_owner *o);

/* NULL: no memory. Starts liburcu's call_rcu thread where nobody has yet. Control thread. */
struct allowedips *allowedips_create(void);

/*
 * Control thread, when no reader is left. Owners' lists are emptied. NULL is allowed. Where nodes
 * replaced shortly before are still liburcu's, waits for grace periods until they are not.
 */
void allowedips_destroy(struct allowedips *t);

/*
 * Gives the prefix to `peer` (never NULL), taking it from whoever has it. `addr` may have host
 * bits; they are ignored. `owner` is the peer's list, at whose end the prefix stands afterwards,
 * also when it was in it already. 0, or -ENOMEM with nothing changed, or -EINVAL for another family
 * or a cidr over 32 or 128. A prefix that is in the table already needs no memory.
 *
 * Each update leaves a node to free after a grace period: in a long run of them the control thread
 * must pass quiescent states, or that memory piles up.
 */
int allowedips_insert(struct allowedips *t, int family, const void *addr, uint8_t cidr, void *peer,
		      struct allowedips_owner *owner);

/*
 * 0, or -ENOENT where that prefix is not `owner`'s. Needs no memory: where there is none it waits
 * for two grace periods instead, so the caller, if online, passes a quiescent state.
 */
int allowedips_remove(struct allowedips *t, int family, const void *addr, uint8_t cidr,
		      struct allowedips_owner *owner);

/* Whose this very prefix is, NULL: nobody's. Control thread. */
struct allowedips_owner *allowedips_owner_of(struct allowedips *t, int family, const void *addr, uint8_t cidr);

/* The peer of this very prefix, and of the longest that covers it and is shorter. NULL: there is none. Control thread. */
void *allowedips_at(const struct allowedips *t, int family, const void *addr, uint8_t cidr);
void *allowedips_above(const struct allowedips *t, int family, const void *addr, uint8_t cidr);

/*
 * Removes all of the owner's prefixes. Cannot fail (see allowedips_remove). After a grace period no
 * reader gets this peer any more.
 */
void allowedips_remove_owner(struct allowedips *t, struct allowedips_owner *owner);

/*
 * The peer of the longest match, or NULL. Any registered reader; the pointer is good until its next
 * quiescent state.
 */
void *allowedips_lookup4(const struct allowedips *t, const uint8_t addr[4]);
void *allowedips_lookup6(const struct allowedips *t, const uint8_t addr[16]);

/* An address to look up, and what was found. */
struct allowedips_query {
	const uint8_t *addr;	/* 4 or 16 bytes, unaligned; read only during the call */
	void *peer;		/* out: of the longest match, or NULL */
	bool is6;
};

/*
 * Adds an address to the *n queries of q, unless it is the one added last, as most are that follow each other in a burst. Returns its place.
 */
static inline unsigned int allowedips_query_add(struct allowedips_query *q, unsigned int *n, const uint8_t *addr, bool is6)
{
	if (*n && q[*n - 1].is6 == is6 && memcmp(q[*n - 1].addr, addr, is6 ? 16 : 4) == 0)
		return *n - 1;
	q[*n].addr = addr;
	q[*n].is6 = is6;
	return (*n)++;
}

/*
 * Looks up n addresses, any n, both families in any order, each as the calls above do, faster: the
 * memory of one is fetched while others are worked on. Equal addresses that follow each other in
 * their family cost one. Each answer alone is one that was true during the call; a table being
 * changed may have changed between two of them.
 */
void allowedips_lookup_bulk(const struct allowedips *t, struct allowedips_query *q, unsigned int n);

/*
 * Number of prefixes; bytes of what is live, of both families; bytes asked of the allocator, which keeps what
 * nodes that were removed had for others (chunks of 2 MiB, the first of them used page by page). Control thread.
 */
size_t allowedips_count(const struct allowedips *t);
size_t allowedips_memory(const struct allowedips *t);
size_t allowedips_held(const struct allowedips *t);

#endif
