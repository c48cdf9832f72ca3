/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What data cores tell the control thread. Three bounded rings, so that a flood on one starves none of the others:
 *
 *   events      few and small: struct event by value
 *   handshakes  messages of types 1 to 3 by value, exact length checked
 *   staged      mbufs with plaintext for a peer without a usable session: pkt.id is the peer's id
 *
 * Any core puts, the control thread takes.
 */
#ifndef WGDP_EVENT_H
#define WGDP_EVENT_H

#include <stdint.h>

#include "endpoint.h"
#include "messages.h"
#include "port.h"

enum event_kind {
	EVENT_PEER,		/* id: peer; calls: which (enum peer_call) */
	EVENT_CONFIRMED,	/* id: session, on which something was received for the first time */
};

struct event {
	uint32_t kind;
	uint32_t calls;
	uint64_t id;
};

struct handshake_packet {
	struct rewrite back;	/* the way it came, for an answer; back.ep is the sender */
	uint64_t came_ns;	/* when, by dataplane_now */
	uint16_t len;
	uint8_t core;		/* that received it */
	union {
		uint32_t type;	/* little-endian, first in each of them */
		struct wg_initiation initiation;
		struct wg_response response;
		struct wg_cookie_reply cookie_reply;
	} msg;
};

_Static_assert(sizeof(struct handshake_packet) % 4 == 0, "element of an rte_ring");

enum { EVENT_RING = 8192, HANDSHAKE_RING = 16384, STAGE_RING = 1024, INJECT_RING = 1024 };

#endif
