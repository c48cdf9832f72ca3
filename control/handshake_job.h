/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A step of a handshake that takes curve operations, as a job (jobs.h): what it needs is copied in, what it yields is
 * copied out, and whom it belongs to is said by numbers that never come twice. Between put and done it is the
 * runner's; otherwise the control thread's.
 *
 *   step      operations          what it is
 *   OPEN      1                   an initiation that came: who made it?
 *   PREPARE   1                   static-static with a peer, once in its life
 *   RESPOND   3 (a key and two)   the answer to an initiation that is good
 *   CREATE    2 (3 the first)     an initiation of ours
 *   CONSUME   2                   the response to it
 *
 * Cuts are where the control thread must look at its peers in between. The three of RESPOND stay together because they
 * are of one private key, which to hand over costs a fifth of an operation.
 */
#ifndef WGDP_HANDSHAKE_JOB_H
#define WGDP_HANDSHAKE_JOB_H

#include "event.h"
#include "jobs.h"
#include "noise.h"

enum handshake_step { STEP_OPEN, STEP_PREPARE, STEP_RESPOND, STEP_CREATE, STEP_CONSUME };

struct handshake_job {
	struct job job;			/* first */
	enum handshake_step step;
	bool ok;			/* out */

	/* control: what it belongs to */
	uint64_t peer;			/* dp.id; 0: not known yet */
	uint32_t identity_generation, keys_generation, epoch;

	struct noise_identity identity;
	struct noise_remote remote;	/* in, and out: static_static */
	struct noise_handshake hs;	/* in, and out */
	uint8_t ephemeral[WG_KEY_LEN];	/* RESPOND, CREATE: random */
	uint8_t timestamp[WG_TIMESTAMP_LEN];	/* of the initiation */
	struct handshake_packet packet;	/* OPEN to RESPOND, CONSUME: what came */

	uint8_t static_public[WG_KEY_LEN];	/* OPEN: out */
	struct noise_keys keys;		/* RESPOND, CONSUME: out */
	union {
		struct wg_initiation initiation;	/* CREATE: out, without index and MACs */
		struct wg_response response;		/* RESPOND: likewise */
	} msg;
} __attribute__((aligned(64)));

/* An interface's jobs: JOBS_MAX. Control thread. */
struct handshake_jobs;

/* NULL: no memory. */
struct handshake_jobs *handshake_jobs_create(void);
/* Wiped, wherever they are: when no core runs. NULL is allowed. */
void handshake_jobs_destroy(struct handshake_jobs *js);

/* A job that nobody uses, all zeros; NULL: no more than `keep` are left, which are kept for others. */
struct handshake_job *handshake_job_get(struct handshake_jobs *js, unsigned int keep);
/* Wiped and free again. */
void handshake_job_put(struct handshake_jobs *js, struct handshake_job *j);

/* Is there one to be got? */
bool handshake_jobs_left(const struct handshake_jobs *js);

/* The step itself. Any thread that owns j. */
void handshake_job_run(struct job *j);

#endif
