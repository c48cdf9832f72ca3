/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake_job.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "x25519.h"

struct handshake_jobs {
	struct handshake_job job[JOBS_MAX];
	struct handshake_job *unused[JOBS_MAX];
	unsigned int n_unused;
};

struct handshake_jobs *handshake_jobs_create(void)
{
	struct handshake_jobs *js = aligned_alloc(64, sizeof(*js));

	if (!js)
		return NULL;
	OPENSSL_cleanse(js, sizeof(*js));
	for (; js->n_unused < JOBS_MAX; js->n_unused++)
		js->unused[js->n_unused] = &js->job[js->n_unused];
	return js;
}

void handshake_jobs_destroy(struct handshake_jobs *js)
{
	if (!js)
		return;
	x25519_forget();
	OPENSSL_cleanse(js, sizeof(*js));
	free(js);
}

struct handshake_job *handshake_job_get(struct handshake_jobs *js, unsigned int keep)
{
	return js->n_unused > keep ? js->unused[--js->n_unused] : NULL;
}

void handshake_job_put(struct handshake_jobs *js, struct handshake_job *j)
{
	assert(js->n_unused < JOBS_MAX);
	OPENSSL_cleanse(j, sizeof(*j));
	js->unused[js->n_unused++] = j;
}

bool handshake_jobs_left(const struct handshake_jobs *js)
{
	return js->n_unused;
}

/* Indices are not part of what a handshake proves: they are filled in when it is known that the result is wanted. */
void handshake_job_run(struct job *job)
{
	struct handshake_job *j = (struct handshake_job *)job;

	switch (j->step) {
	case STEP_OPEN:
		j->ok = noise_initiation_open(&j->hs, &j->packet.msg.initiation, &j->identity, j->static_public);
		break;
	case STEP_PREPARE:
		j->ok = noise_remote_prepare(&j->remote, &j->identity);
		break;
	case STEP_RESPOND:
		j->ok = noise_response_create(&j->hs, &j->msg.response, &j->remote, j->ephemeral, 0, &j->keys);
		break;
	case STEP_CREATE:
		j->ok = noise_initiation_create(&j->hs, &j->msg.initiation, &j->identity, &j->remote, j->ephemeral,
						j->timestamp, 0);
		break;
	case STEP_CONSUME:
		j->ok = noise_response_consume(&j->hs, &j->packet.msg.response, &j->identity, &j->remote, &j->keys);
		break;
	}
}
