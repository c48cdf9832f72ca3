/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The far ends of the tunnels: N clients of the wgdp that is measured, each with a key, a UDP port and a session of its own. They shake hands
 * as any client does; what they seal for wgdp is sealed ahead, on a tape (generator_tape.h), and of what wgdp seals for them they open samples.
 *
 * Main thread, but for generator_far_flow and generator_far_open, which are the receiving thread's during a trial.
 */
#ifndef WGDP_GENERATOR_FAR_H
#define WGDP_GENERATOR_FAR_H

#include <stdbool.h>
#include <stdint.h>

#include "aead.h"
#include "cookie.h"
#include "generator_frames.h"
#include "generator_port.h"
#include "noise.h"

struct far_end {
	struct noise_identity self;
	struct noise_remote remote;
	struct cookie_sender cookie;
	struct noise_handshake handshake;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	uint64_t asked_ns;	/* last initiation; 0: none yet */
	bool connected;
	struct noise_keys keys;
	uint32_t remote_index;	/* host order */
	uint64_t counter;	/* to seal with next */
};

struct generator_far {
	unsigned int n;
	bool v6;		/* outside */
	struct generator_port *port;
	struct far_end *end;
	const struct aead_backend *aead;
	struct aead_ctx *ctx;
	uint32_t generation;	/* of sessions: a part of our receiver indices */
	uint64_t connected_ns;	/* when the last handshakes began; 0: never */
	uint64_t initiations;
	double took;		/* seconds that the last handshakes of all took */
};

/* The public key of far end k, the same each time: these keys are worth nothing. */
void generator_far_key(unsigned int k, uint8_t public_key[WG_KEY_LEN]);

/* `to`: wgdp's public key. Ends the program where memory is short. */
void generator_far_init(struct generator_far *f, unsigned int n, bool v6, const uint8_t to[WG_KEY_LEN], struct generator_port *port);
void generator_far_fini(struct generator_far *f);

/*
 * All of them shake hands, and confirm their sessions, unless those are young enough for another trial. Ends the program if one does not
 * succeed.
 */
void generator_far_connect(struct generator_far *f);

/* Each sends a keepalive: wgdp has then heard from all it has sent to. */
void generator_far_keepalives(struct generator_far *f);

/* A data message of far end k: writes the header in front of `len` bytes of plaintext at data, and fills in op, which seals it. */
void generator_far_message(struct generator_far *f, unsigned int k, uint8_t *data, uint32_t len, struct aead_op *op);

/* The far end that a message is for, and its counter; false: it is not data of a session that is in force, or a keepalive. */
bool generator_far_flow(const struct generator_far *f, const uint8_t *message, size_t len, unsigned int *flow, uint64_t *counter);

/* Opens a data message that generator_far_flow knows, in place; false: it is not authentic. The plaintext is at *data, with its padding. */
bool generator_far_open(struct generator_far *f, unsigned int flow, uint8_t *message, size_t *len, uint8_t **data);

#endif
