/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's decisions about destinations, for packets that need not pass through the host: from the LAN port into the tunnel, and out of the tunnel to the
 * LAN port.
 *
 * The table holds every prefix that any of the host's routing tables or rules has, and host prefixes for neighbours of the LAN. Two addresses whose longest match is the
 * same prefix are covered by the same routes, so the host decides alike for both: a prefix has one verdict for each direction. A verdict is what the kernel
 * answered when asked about an address of that very prefix, which a packet brought along; until it is known (FIB_ASK), and for everything that the host had better
 * do itself (FIB_HOST), packets go to the host, whose answer is always right. So the fast path is a cache of the host's decisions, with the granularity of
 * its routes, and never another opinion.
 *
 *   operation x operation | fib_lookup (cores)     | fib_insert, fib_remove, entries' fields (control)
 *   fib_lookup            | nobody synchronises    | RCU: reader between two quiescent states
 *   fib_insert, ...       | RCU                    | one registered thread
 */
#ifndef WGDP_FIB_H
#define WGDP_FIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allowedips.h"
#include "rcu.h"

enum fib_verdict {
	FIB_ASK,	/* not known: to the host, and the control thread is asked */
	FIB_HOST,	/* the host's own business: its addresses, other interfaces, no route, broadcast, multicast, ... */
	FIB_TUNNEL,	/* into the tunnel */
	FIB_LAN,	/* out of the LAN port, to entry->way */
};

enum fib_from { FIB_FROM_LAN, FIB_FROM_TUNNEL, FIB_FROM_N };

enum { FIB_WAY_HEADERS = 18 };

/* To a neighbour on the LAN: published by the control thread (RCU), copied by workers. */
struct fib_way {
	struct rcu_head rcu;
	uint32_t mtu;			/* of the link: larger IP packets are the host's */
	uint8_t len;			/* of hdr, 14 or 18 */
	uint8_t hdr[FIB_WAY_HEADERS];	/* Ethernet, VLAN tag; the type of IP is left to be written */
};

/* What a prefix leads to. Part of whatever the control thread keeps of it; freed a grace period after fib_remove. */
struct fib_entry {
	/* control: rw, cores: ro (atomic, relaxed) */
	uint32_t verdict[FIB_FROM_N];	/* enum fib_verdict */
	struct fib_way *way;		/* RCU; with FIB_LAN. NULL: the neighbour is not known, to the host */

	/* cores: set, control: clears (atomic) */
	uint32_t asked;			/* bit 1 << enum fib_from: a question is on its way */
	uint32_t used;			/* bit 1 << enum fib_from: a packet went by the verdict */
};

/* A core's question, by value on a bounded ring: where does a packet from src to dst go that comes in by `from`? */
struct fib_question {
	uint8_t from;			/* enum fib_from */
	uint8_t family;			/* AF_INET, AF_INET6 */
	uint16_t vid;			/* FIB_FROM_LAN: of the link it came by */
	uint8_t src[16], dst[16];	/* network order; IPv4 in the first four bytes */
};

_Static_assert(sizeof(struct fib_question) % 4 == 0, "element of an rte_ring");

enum { FIB_QUESTION_RING = 1024 };

struct fib {
	struct allowedips *prefixes;	/* to struct fib_entry */
	struct allowedips_owner owner;	/* of all: control */
	bool off;			/* control: rw, cores: ro (atomic): everything goes to the host */
};

/* 0, or -ENOMEM. Control thread, as all but fib_lookup. */
int fib_init(struct fib *f);
/* When no core is left. Entries are their owners'. Also after fib_init failed, or on zeros. */
void fib_fini(struct fib *f);

/* The prefix leads to e from now on. 0, -ENOMEM, or -EINVAL (family, length). Host bits of addr are ignored. */
int fib_insert(struct fib *f, int family, const void *addr, uint8_t len, struct fib_entry *e);
/* Which cores may still hold for a grace period. Nothing there: nothing happens. */
void fib_remove(struct fib *f, int family, const void *addr, uint8_t len);

/* The entry of this very prefix, and of the longest that covers it and is shorter. NULL: there is none. */
struct fib_entry *fib_at(const struct fib *f, int family, const void *addr, uint8_t len);
struct fib_entry *fib_above(const struct fib *f, int family, const void *addr, uint8_t len);

/* The entry of the longest match, NULL: none, to the host. Any registered reader, until its next quiescent state; many at once: allowedips_lookup_bulk. */
struct fib_entry *fib_lookup(const struct fib *f, int family, const void *addr);

#endif
