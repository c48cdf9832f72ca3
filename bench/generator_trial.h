/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A trial: packets at a steady rate for some seconds, and what became of each (RFC 2544 section 23, with steps c and d: what is sent, then what
 * still comes).
 *
 * One thread sends and receives by turns; or, with a second CPU, the main thread sends and another one receives. A port is a device with one
 * queue each way, so both may use it. Everything else is the main thread's.
 */
#ifndef WGDP_GENERATOR_TRIAL_H
#define WGDP_GENERATOR_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "generator_far.h"
#include "generator_latency.h"
#include "generator_port.h"
#include "generator_tape.h"

/* Packets one way, from a port to a port. */
struct stream {
	/* set before a trial */
	const char *name;
	struct generator_port *tx, *rx;
	struct generator_far *opens;	/* what arrives; NULL: it arrives as packets */
	struct generator_far *seals;	/* what is sent, on the tape; NULL: it is sent as packets, which are written as it goes */
	struct tape *tape;
	enum frame_way way;
	unsigned int hops;		/* routers on the way that take one off the TTL */

	/* sender: rw, read by others when it has ended */
	struct sender {
		double per_tick;	/* packets; 0: as many as are taken */
		uint64_t slack;		/* packets that may be sent late, in a burst */
		uint64_t scheduled;	/* packets whose time has come */
		uint64_t offered, sent;
		uint64_t refused;	/* the port had no room when it was time */
		uint64_t late;		/* never offered: this program did not run when it was time */
		uint32_t *number;	/* of each flow's next packet */
		unsigned int flow;	/* whose turn it is */
		bool ended;		/* the tape has */
		uint16_t n_waiting;
		struct rte_mbuf *waiting[GENERATOR_BURST];
	} out __attribute__((aligned(64)));

	/* receiver: rw; received is atomic */
	struct receiver {
		uint64_t received, reordered, checked, foreign;
		uint64_t last_tsc;	/* when the last one came */
		uint64_t *next;		/* of each flow: the number that follows the highest one seen, or the counter */
		uint32_t *seen;		/* of each flow: packets */
		const char *error;	/* a packet was wrong: what */
		struct latency latency;
	} in __attribute__((aligned(64)));
};

enum { STREAMS_MAX = 2, PORTS_MAX = 2 };

struct trial {
	/* what stays */
	bool v6;
	unsigned int n_flows;
	int receiver_cpu;		/* n-th CPU of the process's, of the second thread; -1: none */
	struct generator_port *port[PORTS_MAX];	/* all that there are */
	unsigned int n_ports;
	uint8_t scratch[FRAME_SIZE_MAX + FRAME_OVERHEAD_MAX];	/* the receiver's */

	/* of this trial */
	struct stream *stream[STREAMS_MAX];
	unsigned int n_streams;
	uint32_t size;			/* of the IP packets, or IMIX */
	double pps, seconds;		/* of each stream; pps 0: as many as are taken */
	bool patient;			/* all of them are sent, however late */
	uint16_t number;

	/* results */
	uint64_t begin_tsc, end_tsc;	/* of sending */
	uint32_t sending;		/* atomic */
	bool lossy;			/* something is missing: it might come in the next one */
};

/* Memory for the streams' flows. */
void stream_init(struct stream *s, unsigned int n_flows);
void stream_fini(struct stream *s);

/* Runs it, with sessions young enough. A packet that is not what it should be ends the program. */
void trial_run(struct trial *t);

/* Of all streams together. */
struct trial_sum {
	uint64_t offered, sent, refused, late, received, lost, reordered;
	unsigned int flows;		/* that something arrived of, of the stream that has the fewest */
	double seconds;			/* sending took */
	double offered_pps, received_pps;	/* received: until the last packet came */
};

void trial_sum(const struct trial *t, struct trial_sum *sum);

#endif
