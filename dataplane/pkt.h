/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What travels with an mbuf, in its private area. Every mempool of this project is made with room for struct pkt
 * (pkt_pool_create). Whoever owns the mbuf owns its pkt: no locking.
 */
#ifndef WGDP_PKT_H
#define WGDP_PKT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "endpoint.h"

enum {
	/* Room in front for Ethernet, VLAN, IPv6, UDP and WireGuard's own header. */
	PKT_HEADROOM = RTE_PKTMBUF_HEADROOM,
	/* The largest inner packet handled, whatever the interface's MTU: a peer's may be larger than ours. */
	PKT_MAX_INNER = 9216,
	/* Padding, tag, and WireGuard's header when it came from the wire. */
	PKT_TAIL = 64,
	PKT_ROOM = PKT_HEADROOM + PKT_MAX_INNER + PKT_TAIL,
};

enum pkt_inject {
	PKT_SEAL,	/* plaintext for session `id` (an empty one is a keepalive) */
	PKT_SEND,	/* a handshake message, ready for the outer port */
};

struct pkt {
	/* outer rx: set by the port to sender and our address. Outer tx: set by encap to where it goes. */
	struct endpoint ep;
	struct rte_mbuf *next;	/* staged packets of one peer (control thread) */
	uint64_t id;		/* staged: the peer; to be sealed by way of the control thread: the session (session.h) */
	uint8_t ds;		/* outer TOS or traffic class: as received, or as to be sent (DSCP and ECN) */
	uint8_t core;		/* data core that staged or received it, to which it returns */
	uint8_t inject;		/* enum pkt_inject, on its way from the control thread to a core */
	bool lan;		/* opened: a frame for the LAN port, else a packet for the inner one; only where there is a LAN port */
	uint16_t vid;		/* LAN rx: the VLAN it came by, 0: none */
};

static inline struct pkt *pkt_of(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

/*
 * `n` mbufs with PKT_ROOM bytes of room (`room` of them: 0 means PKT_ROOM), named `name` (unique in the process). NULL: no memory.
 */
struct rte_mempool *pkt_pool_create(const char *name, unsigned int n, uint16_t room);

/* The most memory that such a pool takes, in bytes. Any thread, also before the EAL has started. */
size_t pkt_pool_memory(unsigned int n, uint16_t room);

/*
 * Fills slot[0..empty) with fresh mbufs, the last slot first: what is filled is always the end of an
 * array that is used up from its front. Returns how many stay empty, 0 unless the pool has run out.
 * Any thread; the slots are the caller's.
 */
unsigned int pkt_refill(struct rte_mempool *pool, struct rte_mbuf **slot, unsigned int empty);

#endif
