/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the far ends have sealed ahead, in the order in which it is to be sent: sealing takes as long as what is measured, so it is not done
 * meanwhile; and since a receiver takes each message once, every trial has a tape of its own.
 *
 * Recorded by the main thread, played by the sending thread, read (when) by the receiving thread.
 */
#ifndef WGDP_GENERATOR_TAPE_H
#define WGDP_GENERATOR_TAPE_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "generator_far.h"

struct tape {
	uint8_t *memory;	/* each frame behind its length (4 bytes); starts are multiples of TAPE_ALIGN */
	uint64_t *when;		/* by number of the frame: the time stamp counter when it was sent */
	size_t bytes, used, at;	/* at: of the next frame to be played */
	uint64_t n, n_max, next;	/* frames; next: to be played */
	struct rte_mbuf_ext_shared_info shared;
};

enum { TAPE_ALIGN = 16 };

/* Room for that many bytes, which are taken from the host as they are used. Ends the program where there is none. */
void tape_init(struct tape *t, size_t bytes);
void tape_fini(struct tape *t);

/*
 * Up to n messages with packets of `size` bytes (or IMIX), the flows in turn; fewer where the tape is full. numbers: of each flow's next
 * packet.
 */
void tape_record(struct tape *t, struct generator_far *f, uint32_t size, uint16_t trial, uint64_t n, uint32_t *numbers);

/*
 * The next up to n frames are put into mbufs without data, and marked as sent at `now`; how many. Whoever frees the mbufs frees nothing of
 * the tape.
 */
uint16_t tape_play(struct tape *t, struct rte_mbuf **m, uint16_t n, uint64_t now);

#endif
