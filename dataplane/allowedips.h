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
 *   operation x operation | lookup (any reader)  | insert, remove, walk (control)
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
#include <urcu/list.h>

struct allowedips;

/* What a peer owns: the head of its prefixes, to remove and list them. Control thread only. */
struct allowedips_owner {
	struct cds_list_head prefixes;	/* of struct allowedips_prefix.of_owner, by insertion */
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
 * Control thread, when no reader is left. Owners' lists are emptied. NULL is allowed. Nodes
 * replaced shortly before are still liburcu's to free: rcu_barrier() waits for them.
 */
void allowedips_destroy(struct allowedips *t);

/*
 * Gives the prefix to `peer` (never NULL), taking it from whoever has it. `addr` may have host
 * bits; they are ignored. `owner` is the peer's list; a prefix that it has already keeps its place
 * in it. 0, or -ENOMEM with nothing changed, or -EINVAL for another family or a cidr over 32 or
 * 128.
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

/*
 * Number of prefixes, and bytes asked of the allocator for what is live, of both families. Control
 * thread.
 */
size_t allowedips_count(const struct allowedips *t);
size_t allowedips_memory(const struct allowedips *t);

#endif
