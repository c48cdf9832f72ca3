/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One data core: a pinned thread in the loop poll, work, complete, rest. Private to dataplane/.
 */
#ifndef WGDP_CORE_H
#define WGDP_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "batch.h"
#include "dataplane.h"

/* Idle time before a core sleeps. */
enum { CORE_SPIN_NS = 100 * 1000 };

struct core {
	struct dataplane *dp;
	unsigned int id;		/* place in dp->core */
	unsigned int cpu, roles;
	uint16_t queue;			/* of all ports; cores with CORE_RX */
	struct aead_ctx *aead;
	struct rte_ring *inject;	/* from the control thread */
	struct doorbell bell;
	int epoll;			/* the ports' descriptors and the bell's */
	bool can_block;			/* everything that it has to look at can wake it; control: rw, this core: ro (atomic) */
	pthread_t thread;
	bool running;
	uint32_t forgotten;		/* dp->forget when it last forgot */
	uint64_t now;			/* read once a round */
	uint64_t stage_began;		/* ticks */
	uint64_t idle_since;		/* 0: not idle */
	struct counters counters;	/* this core: rw, others: ro (atomic) */
	struct batch_fifo fifo;
	/* scratch of one burst or batch */
	struct aead_op ops[BATCH_MAX];
	struct session *session[BATCH_MAX];
	struct allowedips_query query[BATCH_MAX];
};

static inline void core_drop(struct core *c, struct rte_mbuf *m, enum drop_reason why)
{
	counters_add(&c->counters.drop[why], 1);
	rte_pktmbuf_free(m);
}

/* Here a stage ends, and the next begins. */
static inline void core_stage(struct core *c, enum stage ended)
{
	const uint64_t ticks = rte_rdtsc();

	counters_add(&c->counters.stage[ended], ticks - c->stage_began);
	c->stage_began = ticks;
}

/* How far ahead the memory of a packet is fetched, in packets. */
enum { PREFETCH_AHEAD = 4 };

/*
 * The session of each of b's packets into c->session, and of a run to seal the nonces into c->ops. Packets whose session is gone are
 * dropped. Their memory is fetched for all of them first, so that a batch of many peers waits for it once, not packet by packet.
 */
void core_find_sessions(struct core *c, struct batch *b);

/*
 * Batches in the FIFO that outbound_poll needs: three for a burst and what is injected before it, and for the packets of one peer that the
 * control thread injects meanwhile, at most 128 (control/peer.h), two for each burst of them.
 */
enum { OUTBOUND_ROOM = 3 + 2 * 128 / PORT_BURST };

/* outbound.c: inner port and injected packets to batches; returns how many packets it moved. */
unsigned int outbound_poll(struct core *c);
/* Worker: seals the batch and writes the outer headers. */
void outbound_seal(struct core *c, struct batch *b);

/* inbound.c: the same for the outer port. */
unsigned int inbound_poll(struct core *c);
void inbound_open(struct core *c, struct batch *b);

/* core.c: submits b and sees to it that somebody works on it. */
void core_submit(struct core *c, struct batch *b);

/*
 * notify.c: calls on the control thread about a peer, at most once until it has cleared the latch. False: it could not be told, the
 * event ring is full.
 */
bool notify_peer(struct core *c, struct dp_peer *p, enum peer_call call);
/* m, just authenticated and still as it was received, came by another way than that to p: from now on, this is the way. */
void notify_roamed(struct core *c, struct dp_peer *p, const struct rte_mbuf *m);
void notify_confirmed(struct core *c, struct session *s);
/* Hands a handshake message to the control thread, plaintext for the peer of that id; both take ownership of m. */
void notify_handshake(struct core *c, struct rte_mbuf *m);
void notify_staged(struct core *c, struct rte_mbuf *m, uint64_t peer);

/* notify.c: time stamps and byte counts of one run of packets; `data`: any of them was no keepalive. */
void note_sent(struct core *c, struct dp_peer *p, uint64_t bytes, bool data);
void note_received(struct core *c, struct dp_peer *p, uint64_t bytes, bool data);

int core_start(struct core *c);
void core_join(struct core *c);

#endif
