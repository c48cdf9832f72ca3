/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data path of one WireGuard interface: its ports, its tables, its cores and the rings between them. The control thread makes it,
 * starts the cores, changes the tables while they run, stops them and takes it down.
 */
#ifndef WGDP_DATAPLANE_H
#define WGDP_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "aead.h"
#include "allowedips.h"
#include "counters.h"
#include "doorbell.h"
#include "event.h"
#include "fib.h"
#include "jobs.h"
#include "port.h"
#include "session.h"

enum { CORES_MAX = 64 };

enum core_role { CORE_RX = 1, CORE_WORKER = 2 };

struct core;

struct dataplane_core_conf {
	unsigned int cpu;	/* the core it is pinned to */
	unsigned int roles;	/* enum core_role */
};

struct dataplane_conf {
	const char *name;	/* of the interface; unique in the process */
	struct port *inner, *outer;	/* each with a queue for every core with CORE_RX; not owned */
	struct port *lan;		/* likewise; NULL: none */
	struct rte_mempool *pool;	/* for the control thread's messages; not owned */
	const struct aead_backend *aead;
	const struct dataplane_core_conf *cores;
	unsigned int n_cores;	/* at least one has CORE_RX, and one CORE_WORKER */
	uint16_t mtu;
	bool poll_always;	/* cores never sleep */
};

struct dataplane {
	/* control: rw before the start, everybody: ro */
	char name[16];
	struct port *inner, *outer, *lan;	/* lan: NULL for none */
	struct rte_mempool *pool;
	const struct aead_backend *aead;
	struct core *core[CORES_MAX];
	struct counters *rx_counters[CORES_MAX];	/* by the ports' queue */
	unsigned int n_cores, n_rx, n_workers;	/* cores with CORE_RX come first */
	bool poll_always;
	struct rte_ring *work;		/* of struct batch * */
	struct rte_ring *events;	/* of struct event, by value */
	struct rte_ring *handshakes;	/* of struct handshake_packet, by value */
	struct jobs jobs;		/* that the control thread lends to workers */
	struct rte_ring *staged;	/* of struct rte_mbuf * */
	struct rte_ring *questions;	/* of struct fib_question, by value; with a LAN port */
	struct allowedips *allowedips;
	struct sessions sessions;
	struct fib fib;			/* with a LAN port; off at first */

	/* control: rw, cores: ro (atomic) */
	uint32_t mtu;
	uint32_t forget;		/* another number: what cores keep of a private key is to go */
	bool stop;

	/* cores: rw (atomic): a bit for each worker that sleeps and may be woken for work */
	uint64_t sleepers __attribute__((aligned(CACHE_LINE)));

	/* rung by cores, waited on by control */
	struct doorbell control;
};

/* NULL: why stands in err. Control thread. */
struct dataplane *dataplane_create(const struct dataplane_conf *conf, char err[PORT_ERRLEN]);

/* Starts the threads. 0, or -errno with none running. Control thread. */
int dataplane_start(struct dataplane *dp);

/*
 * The outer port has other sockets now: cores that sleep wake by them from now on. Control thread, any time; cannot fail: a core that
 * cannot be woken by one of them looks at its ports from time to time.
 */
void dataplane_watch_again(struct dataplane *dp);

/* Ends the threads and waits for them; what was queued is freed. Nothing to do when not started. Control thread. */
void dataplane_stop(struct dataplane *dp);

/* After dataplane_stop, with sessions and peers out of its tables. NULL is allowed. */
void dataplane_destroy(struct dataplane *dp);

/*
 * Hands m to a data core: pkt.inject says as what. Takes ownership; a full ring frees it and returns false. Control thread.
 */
bool dataplane_inject(struct dataplane *dp, struct rte_mbuf *m);

/*
 * Our private key is another: each core forgets what it has kept of the old one for its next job (x25519_shared_static), soon, also those
 * that sleep. Once more where a job that still had the old key has ended since. Control thread.
 */
void dataplane_forget_keys(struct dataplane *dp);

/* A buffer to write a message or a keepalive in; NULL: none free. Control thread. */
struct rte_mbuf *dataplane_alloc(struct dataplane *dp);

/* What one core is and has done so far. */
struct dataplane_core_state {
	unsigned int cpu, roles;	/* enum core_role */
	unsigned int fifo_used, fifo_size;	/* batches under way; 0 and 0 where it does not receive */
	struct counters counters;
};

/* Of core k, under dp->n_cores. Any thread while dp is there; a snapshot, not a single point in time. */
void dataplane_core_state(const struct dataplane *dp, unsigned int k, struct dataplane_core_state *state);

/* The sum of all cores' counters. Any thread; a snapshot, not a single point in time. */
void dataplane_counters(const struct dataplane *dp, struct counters *sum);

/* Nanoseconds of a clock that never goes back, and goes on in suspend. Any thread. */
uint64_t dataplane_now(void);

#endif
