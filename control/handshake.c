/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flows: the cores' handshake ring -> handshake_receive -> mac1, load, cookie -> the steps of a handshake, each a
 * job with its curve operations (handshake_job.h), which a worker or this thread runs -> handshake_work -> the next
 * step, at the end a session (keypairs.c) and an answer. (What comes before the steps is handshake_admit.c.) And handshake_initiate, which timers, data without a session
 * and old sessions call for. Our own initiation lives in peer->handshake until its response comes; what a peer
 * initiates leaves no state but a job under way, so crossing initiations do not disturb each other.
 *
 * While a job is out its peer may go, its keys change, a newer initiation of it be answered: each step's end looks
 * whether the peer's numbers are those that it began with, and drops what is not wanted any more. All in the control
 * thread but handshake_job_run.
 */
#include "handshake.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <openssl/crypto.h>
#include <sys/random.h>

#include "cookie.h"
#include "handshake_internal.h"
#include "handshake_job.h"
#include "keypairs.h"
#include "protocol.h"
#include "tai64n.h"

/* Indices: the system's own are as good, and at a third of the price of libcrypto's. */
static uint32_t random_u32(void)
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		handshake_random(&r, sizeof(r));
	return r;
}

static void sent(struct peer *p, size_t len)
{
	__atomic_fetch_add(&p->dp.tx_bytes, len, __ATOMIC_RELAXED);
	__atomic_store_n(&p->dp.tx_any_ns, p->iface->now, __ATOMIC_RELAXED);
}

static void received(struct peer *p, const struct handshake_packet *h)
{
	__atomic_fetch_add(&p->dp.rx_bytes, h->len, __ATOMIC_RELAXED);
	__atomic_store_n(&p->dp.rx_any_ns, p->iface->now, __ATOMIC_RELAXED);
	outer_set_endpoint(p->iface->outer, p, &h->back.ep, &h->back);
}

void handshake_abandon(struct peer *p)
{
	handshake_forget_initiation(p);
	p->timers.attempt_ns = 0;
	p->attempts = 0;
}

/* A job for p (NULL: nobody knows yet), with our keys and what is known of p's. */
static void job_fill(struct handshake_job *j, struct iface *i, const struct peer *p, enum handshake_step step)
{
	j->job.run = handshake_job_run;
	j->step = step;
	j->identity = i->identity;
	j->identity_generation = i->identity_generation;
	if (!p)
		return;
	j->peer = p->dp.id;
	j->keys_generation = p->keys_generation;
	j->epoch = p->epoch;
	j->remote = p->remote;
}

/* Whose job this is, if it is still about the same keys, and there are sessions at all; else NULL. */
static struct peer *owner(struct iface *i, const struct handshake_job *j)
{
	struct peer *p = peers_get(&i->peers, j->peer);

	if (!p || !i->up || j->identity_generation != i->identity_generation || j->keys_generation != p->keys_generation)
		return NULL;
	return p;
}

static void adopt_static_static(struct peer *p, const struct noise_remote *remote)
{
	if (!remote->static_static_known || p->remote.static_static_known)
		return;
	memcpy(p->remote.static_static, remote->static_static, WG_KEY_LEN);
	p->remote.static_static_known = true;
}

static void handshake_impossible(struct peer *p, const char *why)
{
	log_limited(&p->iface->limit.impossible, p->iface->now, LOG_WARN, p->iface->name,
		    "No handshake with peer %s is possible: %s", p->short_key, why);
	handshake_abandon(p);
	staged_purge(p);
	__atomic_fetch_and(&p->dp.calls, ~(uint32_t)PEER_CALL_REKEY, __ATOMIC_RELAXED);
	iface_look_at(p);
}

/* It is made: sends it. */
static void created(struct iface *i, struct handshake_job *j)
{
	struct wg_initiation *msg = &j->msg.initiation;
	struct peer *p = owner(i, j);

	if (!p || p->epoch != j->epoch)
		return;
	if (!j->ok) {
		handshake_impossible(p, "its public key is of low order");
		return;
	}
	adopt_static_static(p, &j->remote);
	j->hs.local_index = sessions_reserve(&i->dp->sessions, p, random_u32);
	if (!j->hs.local_index) {
		handshake_impossible(p, "no memory");
		return;
	}
	p->handshake = j->hs;
	msg->sender = htole32(j->hs.local_index);
	cookie_macs_add(&p->cookie, msg, sizeof(*msg), i->now);
	p->unsent = !handshake_send(i, p->dp.rewrite, msg, sizeof(*msg), 0);
	if (!p->unsent) {
		i->counted[CONTROL_INITIATIONS_SENT]++;
		p->attempts++;
		sent(p, sizeof(*msg));
	}
	iface_look_at(p);
}

/*
 * One is to be made; the one before, if any, is forgotten. With half of the jobs under way it is made here and now: the other half is for
 * what comes, or many peers that are to be greeted would keep us from hearing their answers.
 */
static void begin_initiation(struct peer *p)
{
	struct iface *i = p->iface;
	struct handshake_job *j = handshake_job_get(i->jobs, JOBS_MAX / 2), own;
	struct timespec realtime;

	if (!j) {
		memset(&own, 0, sizeof(own));
		j = &own;
	}
	job_fill(j, i, p, STEP_CREATE);
	handshake_random(j->ephemeral, sizeof(j->ephemeral));
	clock_gettime(CLOCK_REALTIME, &realtime);
	tai64n_next(p->sent_timestamp, &realtime);
	memcpy(j->timestamp, p->sent_timestamp, sizeof(j->timestamp));
	if (j != &own) {
		jobs_put(i->dp, &j->job);
		return;
	}
	handshake_job_run(&own.job);
	created(i, &own);
	OPENSSL_cleanse(&own, sizeof(own));
}

/* Is there a key to do it with, and somewhere to send it? */
static bool can_initiate(const struct peer *p)
{
	return p->iface->up && p->iface->identity.valid && p->endpoint.remote.sa.sa_family != AF_UNSPEC;
}

void handshake_initiate(struct peer *p, bool retry)
{
	struct iface *i = p->iface;

	if (!can_initiate(p)) {
		handshake_abandon(p);	/* the series under way, too: its next try would be due for ever */
		if (!p->name.host || !i->up || !i->identity.valid)
			staged_purge(p);	/* else they wait for its address */
		return;
	}
	if (!retry)
		p->timers.attempt_ns = i->now;	/* somebody wants something from this peer now: 90 s from now */
	if (p->initiation_ns && i->now - p->initiation_ns < i->times.rekey_timeout) {
		if (p->timers.retry_ns <= i->now)
			p->timers.retry_ns = p->initiation_ns + i->times.rekey_timeout;
		return;
	}
	p->initiation_ns = i->now;
	p->timers.jitter_ns = random_u32() % (i->times.jitter + 1);
	p->timers.retry_ns = i->now + i->times.rekey_timeout + random_u32() % (i->times.jitter + 1);
	handshake_forget_initiation(p);
	p->unsent = !outer_has_way(i->outer, p);
	if (!p->unsent)
		begin_initiation(p);
}

void handshake_initiate_soon(struct peer *p)
{
	const uint64_t now = p->iface->now;

	if (!p->timers.attempt_ns)
		p->timers.attempt_ns = now;
	p->timers.retry_ns = now;
	p->attempts = 0;	/* none of those before was meant for where this one goes, or came from who we are now */
	p->unsent = false;
	iface_look_at(p);
}

void handshake_way_found(struct peer *p)
{
	if (!p->timers.attempt_ns || !p->unsent)
		return;
	p->iface->now = dataplane_now();
	p->initiation_ns = 0;
	handshake_initiate(p, true);
	iface_look_at(p);
}

static void bad_initiation(struct iface *i, const struct handshake_packet *h, const char *why)
{
	char from[ENDPOINT_STRLEN];

	i->counted[CONTROL_HANDSHAKES_INVALID]++;
	log_limited(&i->limit.initiation, i->now, LOG_NOTICE, i->name, "Invalid handshake initiation from %s%s",
		    endpoint_format(&h->back.ep, from), why);
}

/*
 * The response is made: adds the session, and sends it. A newer initiation of the peer may have been accepted
 * meanwhile.
 */
static void responded(struct iface *i, struct handshake_job *j)
{
	struct wg_response *msg = &j->msg.response;
	const struct handshake_packet *h = &j->packet;
	struct peer *p = owner(i, j);
	uint32_t index;

	if (!p || !j->ok || memcmp(j->timestamp, p->newest_timestamp, sizeof(j->timestamp)) != 0)
		return;
	index = sessions_reserve(&i->dp->sessions, p, random_u32);
	if (index && keypairs_add(p, &j->keys, index, j->hs.remote_index, false)) {
		const struct rewrite *rw = p->dp.rewrite;

		msg->sender = htole32(index);
		cookie_macs_add(&p->cookie, msg, sizeof(*msg), i->now);
		if (handshake_send(i, rw && endpoint_equal(&rw->ep, &h->back.ep) ? rw : &h->back, msg, sizeof(*msg), h->core)) {
			i->counted[CONTROL_RESPONSES_SENT]++;
			sent(p, sizeof(*msg));
		}
	}
	iface_look_at(p);
}

/* Goes on with the same job. */
static void next_step(struct iface *i, struct handshake_job *j, enum handshake_step step)
{
	j->step = step;
	j->ok = false;
	jobs_put(i->dp, &j->job);
}

/* Who made the initiation is known, and what we share with it. True: the answer is being made. */
static bool finish_initiation(struct iface *i, struct handshake_job *j, struct peer *p)
{
	if (!noise_initiation_finish(&j->hs, &j->packet.msg.initiation, &i->identity, &p->remote, j->timestamp)) {
		bad_initiation(i, &j->packet, "");
		return false;
	}
	if (memcmp(j->timestamp, p->newest_timestamp, sizeof(j->timestamp)) <= 0) {
		bad_initiation(i, &j->packet, ": its time stamp has been seen");
		return false;
	}
	if (p->consumed_ns && i->now - p->consumed_ns < WG_NS_PER_SEC / WG_INITIATIONS_PER_SECOND) {
		i->counted[CONTROL_HANDSHAKES_LIMITED]++;
		return false;
	}
	i->counted[CONTROL_INITIATIONS_RECEIVED]++;
	memcpy(p->newest_timestamp, j->timestamp, sizeof(j->timestamp));
	p->consumed_ns = i->now;
	received(p, &j->packet);
	iface_look_at(p);
	j->remote = p->remote;
	handshake_random(j->ephemeral, sizeof(j->ephemeral));
	next_step(i, j, STEP_RESPOND);
	return true;
}

/* Whose initiation it is has come out. True: the job goes on. */
static bool opened(struct iface *i, struct handshake_job *j)
{
	struct peer *p = j->ok ? peers_find(&i->peers, j->static_public) : NULL;

	if (j->identity_generation != i->identity_generation)
		return false;
	if (!p) {
		bad_initiation(i, &j->packet, "");
		return false;
	}
	j->peer = p->dp.id;
	j->keys_generation = p->keys_generation;
	if (p->remote.static_static_known)
		return finish_initiation(i, j, p);
	j->remote = p->remote;
	next_step(i, j, STEP_PREPARE);
	return true;
}

static bool prepared(struct iface *i, struct handshake_job *j)
{
	struct peer *p = owner(i, j);

	if (!p)
		return false;
	if (!j->ok) {
		bad_initiation(i, &j->packet, "");
		return false;
	}
	adopt_static_static(p, &j->remote);
	return finish_initiation(i, j, p);
}

static void receive_initiation(struct iface *i, const struct handshake_packet *h)
{
	struct handshake_job *j = handshake_job_get(i->jobs, 0);

	assert(j);
	job_fill(j, i, NULL, STEP_OPEN);
	j->packet = *h;
	jobs_put(i->dp, &j->job);
}

static void receive_response(struct iface *i, const struct handshake_packet *h)
{
	uint32_t index = le32toh(h->msg.response.receiver);
	struct peer *p = sessions_owner(&i->dp->sessions, index);
	struct handshake_job *j;

	/* An index of which there is a session is no longer a handshake's: an answer that came twice. */
	if (!p || p->handshake.state != NOISE_INITIATION_CREATED || p->handshake.local_index != index)
		return;
	j = handshake_job_get(i->jobs, 0);
	assert(j);
	job_fill(j, i, p, STEP_CONSUME);
	j->hs = p->handshake;
	j->packet = *h;
	jobs_put(i->dp, &j->job);
}

/* A response is worked through. A bad one leaves our initiation waiting: the good one may be under way. */
static void consumed(struct iface *i, struct handshake_job *j)
{
	const struct handshake_packet *h = &j->packet;
	struct peer *p = owner(i, j);
	char from[ENDPOINT_STRLEN];
	uint32_t index;

	if (!p || p->epoch != j->epoch)
		return;
	if (!j->ok) {
		i->counted[CONTROL_HANDSHAKES_INVALID]++;
		log_limited(&i->limit.response, i->now, LOG_NOTICE, i->name, "Invalid handshake response from %s",
			    endpoint_format(&h->back.ep, from));
		return;
	}
	i->counted[CONTROL_RESPONSES_RECEIVED]++;
	index = p->handshake.local_index;
	p->epoch++;		/* of any other response to it nothing is wanted */
	noise_handshake_clear(&p->handshake);	/* and its index is the session's */
	received(p, h);
	keypairs_add(p, &j->keys, index, j->hs.remote_index, true);
	iface_look_at(p);
}

/* A job has been run: true if it goes on with the next step. */
static bool step_ended(struct iface *i, struct handshake_job *j)
{
	switch (j->step) {
	case STEP_OPEN:
		return opened(i, j);
	case STEP_PREPARE:
		return prepared(i, j);
	case STEP_RESPOND:
		responded(i, j);
		return false;
	case STEP_CREATE:
		created(i, j);
		return false;
	case STEP_CONSUME:
		consumed(i, j);
		return false;
	}
	return false;
}

static void job_ended(struct iface *i, struct job *job)
{
	struct handshake_job *j = (struct handshake_job *)job;

	const bool old_key = j->identity_generation != i->identity_generation;

	if (!step_ended(i, j))
		handshake_job_put(i->jobs, j);
	if (old_key)	/* whoever ran it keeps that once more */
		handshake_forget_old_key(i);
}

bool handshake_work(struct iface *i, unsigned int max)
{
	struct jobs *jobs = &i->dp->jobs;
	struct job *job;

	for (unsigned int n = 0; n <= max; n++) {
		while ((job = jobs_done(jobs)))
			job_ended(i, job);
		job = n < max ? jobs_take(jobs) : NULL;
		if (!job)
			break;
		job->run(job);
		job_ended(i, job);
	}
	return jobs_for_control(jobs);
}

bool handshake_ready(const struct iface *i)
{
	return handshake_jobs_left(i->jobs);
}

void handshake_receive(struct iface *i, const struct handshake_packet *h, unsigned int queued)
{
	uint32_t type = le32toh(h->msg.type);

	if (!i->up || !i->identity.valid)
		return;
	if (type == WG_COOKIE_REPLY)
		handshake_cookie_reply(i, h);
	else if (!handshake_admit(i, h, queued))
		return;
	else if (type == WG_INITIATION)
		receive_initiation(i, h);
	else
		receive_response(i, h);
}
