/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets that a measured data path is fed with, and the check of what it makes of them.
 *
 * A fixed set of mbufs goes round and round: from the source through the data path to the sink, and from there,
 * last in the queue, back to the source. For sealing the source writes an IP header over what sealing has
 * destroyed, one cache line; the rest is any bytes. For opening all are sealed ahead while none is under way
 * (traffic_seal_ahead), by counters that go on rising.
 *
 * The sink sees every packet: that it is of the right peer and length, and that its number follows on that peer's
 * last one. For sealing that is the message's counter, for opening a number in the packet. `whole`: every byte of
 * every packet is looked at, too; that takes time.
 *
 * One thread at a time.
 */
#ifndef WGDP_TRAFFIC_H
#define WGDP_TRAFFIC_H

#include "far_side.h"
#include "imix.h"

enum traffic_direction { TRAFFIC_SEAL, TRAFFIC_OPEN };

enum { TRAFFIC_SLOTS_MAX = 4096 };

struct slot {
	struct rte_mbuf *m;
	uint8_t *data;		/* where m's begins when it is received */
	uint32_t peer;
	uint32_t len;		/* of the packet */
	uint64_t number;	/* that is in it */
};

struct traffic {
	enum traffic_direction direction;
	uint32_t size, mtu;	/* size: bytes, or IMIX */
	bool whole;
	struct far_side *far;
	const char *error;	/* what the sink has found wrong; NULL: nothing */
	uint32_t *order;	/* the peers of the packets, over and over */
	unsigned int n_order, next;	/* next: place in it */
	uint64_t in, out;	/* packets handed out, and come back */
	uint64_t sealed;	/* for opening: packets that may be handed out */
	uint64_t *expected;	/* per peer: the number that the sink sees next */
	uint64_t *last;		/* per peer: the number in the last packet opened, plus one (`whole`, sealing) */
	unsigned int n_slots;
	struct slot slot[TRAFFIC_SLOTS_MAX];
	uint16_t free[TRAFFIC_SLOTS_MAX];	/* a ring of those not under way, from `in` to `out` + n_slots */
};

/* With n_slots (a power of two) mbufs, for all of the far side's peers. Ends the program where memory is short. */
void traffic_init(struct traffic *t, enum traffic_direction direction, uint32_t size, uint32_t mtu, struct far_side *far,
		  struct rte_mbuf **m, unsigned int n_slots);
void traffic_fini(struct traffic *t);

/* Bytes of a packet as it is sealed: padded to 16, but not past the MTU. */
uint32_t traffic_padded(const struct traffic *t, uint32_t len);

/* Up to n packets. For opening, none when all have been handed out since traffic_seal_ahead. */
uint16_t traffic_source(struct traffic *t, struct rte_mbuf **m, uint16_t n);
void traffic_sink(struct traffic *t, struct rte_mbuf **m, uint16_t n);

/* Seals a message in each slot, for the source; none may be under way. */
void traffic_seal_ahead(struct traffic *t);

/*
 * The AEAD's part of the same: an operation for each slot, none of which may be under way. For opening, the
 * messages are sealed. The data path gets none of them.
 */
void traffic_ops(struct traffic *t, struct aead_op *ops);

#endif
