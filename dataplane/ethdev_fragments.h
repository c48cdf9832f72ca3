/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outer datagrams that arrive in IP fragments (rte_ip_frag): put together again for one queue of a port, within
 * bounds; and cut again where the host is to have one. Private to dataplane/; the data core of the queue, but for
 * create, destroy and memory.
 */
#ifndef WGDP_ETHDEV_FRAGMENTS_H
#define WGDP_ETHDEV_FRAGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "counters.h"

enum {
	FRAGMENTS_DATAGRAMS = 256,	/* incomplete at a time, a queue: those beyond are dropped */
	/* of one datagram: 9216 bytes in pieces of 1280; 64 KiB are none of WireGuard's (RTE_LIBRTE_IP_FRAG_MAX_FRAG) */
	FRAGMENTS_MAX = 8,
	FRAGMENTS_MBUFS = 512,		/* of the pool, held at a time, a queue: those beyond are dropped */
	FRAGMENTS_TIMEOUT_MS = 2000,
};

struct fragments;

/* NULL: no memory. `pool`: where whole datagrams and their pieces for the host are put. Control thread. */
struct fragments *fragments_create(struct rte_mempool *pool);
/* Frees what is incomplete. NULL is allowed. Control thread, without the core. */
void fragments_destroy(struct fragments *f);

/* Most memory that one takes, in bytes, without the mbufs. Any thread, also before the EAL has started. */
size_t fragments_memory(void);

/*
 * A frame for which frame_parse said FRAME_FRAGMENT, with its l2_len; takes ownership. The mbuf is of a pool of this
 * project, and what is in its private area is not kept. Returns the whole frame once all are there: in one segment,
 * with the Ethernet header of the first, no longer a fragment by its IP header (checksum right), without padding; NULL
 * until then. What is malformed, overlaps, comes twice, is of several links (VLANs), is larger than a buffer, is too
 * many or too old is dropped, each frame counted as DROP_FRAGMENTS in c. now_ns: monotonic.
 */
struct rte_mbuf *fragments_take(struct fragments *f, struct rte_mbuf *m, uint8_t l2_len, uint64_t now_ns,
				struct counters *c);

/*
 * Frees what has been incomplete for too long: every now and then, whether or not fragments come. Cheap where there is
 * nothing to be done.
 */
void fragments_expire(struct fragments *f, uint64_t now_ns, struct counters *c);

/*
 * Cuts a whole frame, one that fragments_take returned, for a link whose IP packets are at most `mtu` bytes: as a
 * router would a datagram without DF (here DF stays as it came); with IPv6, by a new fragment header. One that is small
 * enough comes out as it is. Takes ownership of m; returns how many frames are in out, 0: too many, or no mbufs,
 * counted as one DROP_FRAGMENTS.
 */
uint16_t fragments_cut(struct fragments *f, struct rte_mbuf *m, uint8_t l2_len, uint32_t mtu,
		       struct rte_mbuf *out[FRAGMENTS_MAX + 1], struct counters *c);

#endif
