/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshakes whose steps are jobs: results that come late (the peer is gone, a key is another, something newer was
 * accepted), in another order, twice, or bad. No core runs: the test takes jobs from the rings where a worker would,
 * and messages where a core would send them.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "core.h"
#include "eal.h"
#include "handshake.h"
#include "handshake_job.h"
#include "hex.h"
#include "iface.h"
#include "keypairs.h"
#include "memport.h"
#include "protocol.h"

#define SECOND WG_NS_PER_SEC

/* The other end: only keys and messages. */
struct far {
	struct noise_identity id;
	struct noise_remote remote;
	struct noise_handshake hs;
	struct cookie_sender cookie;
	struct noise_keys keys;
	uint8_t second;		/* of the last time stamp */
};

static struct iface i;
static struct memport inner, outer;
static struct far far;
static struct peer *peer;
static struct wg_response response;	/* the last that was sent */
static struct wg_initiation initiation;
static struct wg_cookie_reply cookie;	/* or a keepalive, if that was the last one */

static void no_destroy(struct port *p)
{
	(void)p;
}

static void identity(struct noise_identity *id, uint8_t first)
{
	uint8_t key[WG_KEY_LEN];

	bytes_run(key, sizeof(key), first);
	cr_assert(noise_identity_set(id, key));
}

static void set_identity(uint8_t first)
{
	struct noise_identity id;

	identity(&id, first);
	handshake_adopt_identity(&i, &id);
}

static struct peer *add_peer(void)
{
	struct peer *p = peers_add(&i.peers, &i, far.id.public_key);
	struct endpoint ep = { .remote.v4 = { .sin_family = AF_INET, .sin_port = 1, .sin_addr.s_addr = htonl(0x0a000001) } };

	cr_assert_not_null(p);
	outer_set_endpoint(i.outer, p, &ep, NULL);
	return p;
}

static void begin(void)
{
	static const struct dataplane_core_conf core = { 0, CORE_RX | CORE_WORKER };
	static struct port_ops ops;
	char err[PORT_ERRLEN];
	struct dataplane_conf conf = { .name = "hs", .inner = &inner.port, .outer = &outer.port, .aead = aead_find("auto"),
		.cores = &core, .n_cores = 1, .mtu = 1420 };

	conf.pool = i.pool = test_pool("handshake", 1023);
	rcu_register_thread();
	memport_init(&inner, NULL, NULL);
	memport_init(&outer, NULL, NULL);
	ops = *outer.port.ops;
	ops.destroy = no_destroy;
	outer.port.ops = &ops;
	i.name = "hs";
	i.up = true;
	i.now = 1000 * SECOND;
	CDS_INIT_LIST_HEAD(&i.staged_peers);
	wg_times_init(&i.times, 1);
	i.ratelimiter = ratelimiter_create("hs");
	i.jobs = handshake_jobs_create();
	i.outer = outer_on_port(&outer.port, err);
	cr_assert(i.ratelimiter && i.jobs && i.outer && peers_init(&i.peers) == 0);
	i.dp = dataplane_create(&conf, err);
	cr_assert_not_null(i.dp, "%s", err);
	set_identity(0x11);
	identity(&far.id, 0x77);
	memcpy(far.remote.public_key, i.identity.public_key, WG_KEY_LEN);
	cookie_sender_init(&far.cookie, far.remote.public_key);
	peer = add_peer();
}

static void end(void)
{
	struct peer *p;

	while ((p = peers_next(&i.peers, NULL)))
		peers_remove(&i.peers, p);
	outer_destroy(i.outer);
	dataplane_destroy(i.dp);
	rcu_barrier();
	peers_fini(&i.peers);
	heap_fini(&i.deadlines);
	ratelimiter_destroy(i.ratelimiter);
	handshake_jobs_destroy(i.jobs);
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(i.pool), 0, "every packet buffer is back");
}

static struct handshake_packet packet(const void *msg, size_t len)
{
	struct handshake_packet h = { .back.ep = peer->endpoint, .came_ns = i.now, .len = len };

	memcpy(&h.msg, msg, len);
	return h;
}

/* The far end's initiation number `second`, which has waited so long; so many wait behind it. */
static void receive_waiting(uint8_t second, uint64_t waited_ns, unsigned int queued)
{
	uint8_t timestamp[WG_TIMESTAMP_LEN] = { [7] = second }, ephemeral[WG_KEY_LEN];
	struct wg_initiation msg;
	struct handshake_packet h;

	bytes_run(ephemeral, sizeof(ephemeral), 0x90 + second);
	cr_assert(noise_initiation_create(&far.hs, &msg, &far.id, &far.remote, ephemeral, timestamp, 1000 + second));
	cookie_macs_add(&far.cookie, &msg, sizeof(msg), i.now);
	h = packet(&msg, sizeof(msg));
	h.came_ns -= waited_ns;
	handshake_receive(&i, &h, queued);
}

static void receive_initiation(uint8_t second)
{
	receive_waiting(second, 0, 0);
}

/* What was sent since the last call: how many responses, initiations, anything else. */
struct sent {
	unsigned int responses, initiations, others;
};

static struct sent take_sent(void)
{
	struct sent s = { 0, 0, 0 };
	struct rte_mbuf *m;

	while (rte_ring_dequeue(i.dp->core[0]->inject, (void **)&m) == 0) {
		if (rte_pktmbuf_data_len(m) == sizeof(response)) {
			memcpy(&response, rte_pktmbuf_mtod(m, void *), sizeof(response));
			s.responses++;
		} else if (rte_pktmbuf_data_len(m) == sizeof(initiation)) {
			memcpy(&initiation, rte_pktmbuf_mtod(m, void *), sizeof(initiation));
			s.initiations++;
		} else {
			if (rte_pktmbuf_data_len(m) == sizeof(cookie))
				memcpy(&cookie, rte_pktmbuf_mtod(m, void *), sizeof(cookie));
			s.others++;
		}
		rte_pktmbuf_free(m);
	}
	return s;
}

static void work(unsigned int jobs)
{
	handshake_work(&i, jobs);
}

/* A job that a worker has taken, and what it does at the end. */
static struct job *worker_takes(void)
{
	struct job *job = jobs_take(&i.dp->jobs);

	cr_assert_not_null(job);
	return job;
}

static void worker_ends(struct job *job)
{
	job->run(job);
	cr_assert_eq(rte_ring_enqueue(i.dp->jobs.done, job), 0);
	handshake_work(&i, 0);
}

/* The far end takes the last response, and the keys agree with those of session s. */
static void far_agrees(const struct session *s)
{
	cr_assert_not_null(s);
	cr_assert(noise_response_consume(&far.hs, &response, &far.id, &far.remote, &far.keys));
	cr_assert_arr_eq(far.keys.send, s->receive_key, WG_KEY_LEN);
	cr_assert_eq(le32toh(response.sender), session_index(s->id));
}

/* Nothing was answered, nothing is left behind: every index is free, every job back. */
static void expect_nothing(void)
{
	struct sent s = take_sent();
	struct handshake_job *j[JOBS_MAX];

	cr_assert_eq(s.responses + s.initiations + s.others, 0);
	cr_assert_eq(i.dp->sessions.used, 0);
	for (unsigned int k = 0; k < JOBS_MAX; k++) {
		j[k] = handshake_job_get(i.jobs, 0);
		cr_assert_not_null(j[k], "every job is back");
		for (size_t b = 0; b < sizeof(*j[k]); b++)
			cr_assert_eq(((const uint8_t *)j[k])[b], 0, "and wiped");
	}
	for (unsigned int k = 0; k < JOBS_MAX; k++)
		handshake_job_put(i.jobs, j[k]);
}

Test(handshake, answered)
{
	begin();
	for (uint8_t n = 1; n <= 3; n++) {
		receive_initiation(n);
		cr_assert_eq(take_sent().responses, 0, "not before it is worked on");
		work(16);
		cr_assert_eq(take_sent().responses, 1);
		far_agrees(peer->next);
		i.now += SECOND;
	}
	cr_assert(peer->remote.static_static_known);
	end();
}

/* Who comes under load is told to prove his address, by a full ring or a long wait, and for a second after; who waited for too long, nothing. */
Test(handshake, load)
{
	static const struct {
		unsigned int queued;
		uint64_t waited_ns, after_ns;
		unsigned int responses, cookies;
	} arrives[] = {
		{ 12287, 0, 0, 1, 0 },
		{ 12288, 0, 5 * SECOND, 0, 1 },
		{ 0, 0, SECOND - 1, 0, 1 },
		{ 0, 0, 1, 1, 0 },
		{ 0, 4 * SECOND - 1, 5 * SECOND, 1, 0 },
		{ 0, 4 * SECOND, 5 * SECOND, 0, 0 },
		{ 0, 0, SECOND - 1, 0, 1 },
	};

	begin();
	for (unsigned int n = 0; n < sizeof(arrives) / sizeof(arrives[0]); n++) {
		struct sent s;

		i.now += arrives[n].after_ns;
		receive_waiting(1 + n, arrives[n].waited_ns, arrives[n].queued);
		work(16);
		s = take_sent();
		cr_assert_eq(s.responses, arrives[n].responses, "%u", n);
		cr_assert_eq(s.others, arrives[n].cookies, "%u", n);
	}
	cr_assert_eq(i.counted[CONTROL_HANDSHAKES_LATE], 1);
	cr_assert(cookie_reply_consume(&far.cookie, &cookie, i.now));
	receive_waiting(0x20, 0, 12288);
	work(16);
	cr_assert_eq(take_sent().responses, 1, "the address is proved");
	far_agrees(peer->next);
	end();
}

/* A peer's first: open, static-static, respond. After each of them but the last it goes. */
Test(handshake, peer_removed_meanwhile)
{
	begin();
	for (unsigned int steps = 0; steps < 3; steps++) {
		receive_initiation(1);
		work(steps);
		peers_remove(&i.peers, peer);
		work(16);
		expect_nothing();
		peer = add_peer();
	}
	/* And one of the same key has come in its place, when it was already known whose it is. */
	for (unsigned int steps = 1; steps < 3; steps++) {
		receive_initiation(1);
		work(steps);
		peers_remove(&i.peers, peer);
		peer = add_peer();
		work(16);
		expect_nothing();
	}
	end();
}

Test(handshake, our_key_changed_meanwhile)
{
	begin();
	for (uint8_t steps = 0; steps < 3; steps++) {
		receive_initiation(1 + steps);
		work(steps);
		set_identity(0x12);
		work(16);
		expect_nothing();
		cr_assert_not(peer->remote.static_static_known, "nor is what was shared with the old key kept");
		set_identity(0x11);
	}
	end();
}

Test(handshake, psk_changed_meanwhile)
{
	uint8_t psk[WG_KEY_LEN];

	begin();
	for (uint8_t steps = 1; steps < 3; steps++) {
		bytes_run(psk, sizeof(psk), steps);
		receive_initiation(1 + steps);
		work(steps);
		handshake_set_psk(peer, psk);
		work(16);
		expect_nothing();
	}
	end();
}

/* The same message twice, both under way: answered once. */
Test(handshake, replayed_meanwhile)
{
	struct job *a, *b;

	begin();
	receive_initiation(1);
	receive_initiation(1);
	a = worker_takes();
	b = worker_takes();
	worker_ends(b);
	worker_ends(a);
	i.now += SECOND;
	work(16);
	cr_assert_eq(take_sent().responses, 1);
	receive_initiation(1);
	work(16);
	cr_assert_eq(take_sent().responses, 0);
	end();
}

/* The answer to an older initiation is made last: it must not take the place of the newer one's session. */
Test(handshake, overtaken)
{
	struct job *old;
	struct session *newer;

	begin();
	receive_initiation(1);
	work(2);
	old = worker_takes();	/* respond */
	i.now += SECOND;
	receive_initiation(2);
	work(16);
	cr_assert_eq(take_sent().responses, 1);
	newer = peer->next;
	worker_ends(old);
	cr_assert_eq(take_sent().responses, 0);
	cr_assert_eq(peer->next, newer);
	far_agrees(newer);

	/* Nor is it answered where it is opened last. */
	receive_initiation(3);
	old = worker_takes();
	i.now += SECOND;
	receive_initiation(4);
	work(16);
	cr_assert_eq(take_sent().responses, 1);
	newer = peer->next;
	i.now += SECOND;
	worker_ends(old);
	work(16);
	cr_assert_eq(take_sent().responses, 0);
	cr_assert_eq(peer->next, newer);
	end();
}

static struct handshake_packet far_responds(void)
{
	struct noise_handshake hs;
	uint8_t from[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN], ephemeral[WG_KEY_LEN];
	struct wg_response msg;

	memset(&hs, 0, sizeof(hs));
	bytes_run(ephemeral, sizeof(ephemeral), 0x21);
	cr_assert(noise_initiation_open(&hs, &initiation, &far.id, from));
	cr_assert(noise_initiation_finish(&hs, &initiation, &far.id, &far.remote, timestamp));
	cr_assert(noise_response_create(&hs, &msg, &far.remote, ephemeral, 4711, &far.keys));
	cookie_macs_add(&far.cookie, &msg, sizeof(msg), i.now);
	return packet(&msg, sizeof(msg));
}

static struct handshake_packet forged(struct handshake_packet h)
{
	h.msg.response.empty[3] ^= 1;
	cookie_macs_add(&far.cookie, &h.msg, sizeof(h.msg.response), i.now);
	return h;
}

static void initiate(void)
{
	i.now += 10 * SECOND;
	handshake_initiate(peer, false);
}

/*
 * A forged response, the good one, and the good one again, all under way: the good one makes one session, whatever
 * the order.
 */
Test(handshake, responses)
{
	begin();
	for (unsigned int first = 0; first < 3; first++) {
		struct handshake_packet good, bad;
		struct job *job[3];
		struct session *s;

		initiate();
		work(16);
		cr_assert_eq(take_sent().initiations, 1);
		good = far_responds();
		bad = forged(good);
		handshake_receive(&i, &bad, 0);
		handshake_receive(&i, &good, 0);
		handshake_receive(&i, &good, 0);
		for (unsigned int k = 0; k < 3; k++)
			job[k] = worker_takes();
		s = peer->current;
		for (unsigned int k = 0; k < 3; k++)
			worker_ends(job[(first + k) % 3]);
		cr_assert_neq(peer->current, s);
		cr_assert_arr_eq(peer->current->send_key, far.keys.receive, WG_KEY_LEN);
		cr_assert_eq(take_sent().others, 1, "one keepalive for one session");
		cr_assert_eq(peer->previous, s);
		handshake_receive(&i, &good, 0);
		cr_assert_not(jobs_for_control(&i.dp->jobs), "there is a session: not even looked at");
	}
	end();
}

/*
 * While the response is worked on, the initiation that it answers is given up, or another takes its place, or the
 * peer goes.
 */
Test(handshake, response_too_late)
{
	for (unsigned int how = 0; how < 3; how++) {
		struct handshake_packet good;
		struct job *job;

		if (how == 0)
			begin();
		initiate();
		work(16);
		cr_assert_eq(take_sent().initiations, 1);
		good = far_responds();
		handshake_receive(&i, &good, 0);
		job = worker_takes();
		if (how == 0)
			handshake_abandon(peer);
		else if (how == 1)
			initiate();
		else
			peers_remove(&i.peers, peer);
		worker_ends(job);
		cr_assert_eq(take_sent().others, 0);
		if (how == 2)
			break;
		cr_assert_null(peer->current);
		work(16);
		cr_assert_eq(take_sent().initiations, how == 1, "the newer one goes on");
		handshake_abandon(peer);
	}
	expect_nothing();
	end();
}

/* An initiation is being made, and not wanted any more: it is not sent. */
Test(handshake, initiation_too_late)
{
	begin();
	initiate();
	handshake_abandon(peer);
	work(16);
	expect_nothing();
	initiate();
	set_identity(0x12);
	work(16);
	expect_nothing();
	initiate();
	initiate();
	work(16);
	cr_assert_eq(take_sent().initiations, 1, "the last of two");
	handshake_abandon(peer);
	initiate();
	peers_remove(&i.peers, peer);
	work(16);
	expect_nothing();
	end();
}

/* A peer whose key is of low order: the attempt ends when that has come out. */
Test(handshake, low_order_peer)
{
	uint8_t zeros[WG_KEY_LEN] = { 0 };
	struct rte_mbuf *m;

	begin();
	peers_remove(&i.peers, peer);
	memcpy(far.id.public_key, zeros, sizeof(zeros));
	peer = add_peer();
	m = dataplane_alloc(i.dp);
	cr_assert_not_null(m);
	staged_add(peer, m);
	initiate();
	cr_assert_neq(peer->timers.attempt_ns, 0);
	work(16);
	cr_assert_eq(peer->timers.attempt_ns, 0);
	cr_assert_eq(peer->n_staged, 0);
	expect_nothing();
	end();
}

/* With all jobs under way no message is taken, and an initiation of ours is made on the spot. */
Test(handshake, all_jobs_under_way)
{
	unsigned int n = 0;

	begin();
	for (; handshake_ready(&i); n++)
		receive_initiation(1 + n);
	cr_assert_eq(n, JOBS_MAX);
	initiate();
	cr_assert_eq(take_sent().initiations, 1);
	while (handshake_work(&i, 16))
		;
	cr_assert_eq(take_sent().responses, 1, "they came within 20 ms: one is answered");
	handshake_abandon(peer);
	keypairs_clear(peer);
	expect_nothing();
	end();
}

/* However many initiations of ours are to be made, there are jobs left for what comes. */
Test(handshake, ours_leave_jobs_for_theirs)
{
	begin();
	for (unsigned int n = 0; n < JOBS_MAX; n++) {
		handshake_abandon(peer);
		initiate();
	}
	cr_assert_eq(take_sent().initiations, JOBS_MAX / 2, "half of them were made on the spot");
	cr_assert(handshake_ready(&i));
	receive_initiation(1);
	while (handshake_work(&i, 16))
		;
	cr_assert_eq(take_sent().responses, 1);
	handshake_abandon(peer);
	keypairs_clear(peer);
	expect_nothing();
	end();
}

/* Initiations that cross: ours does not suffer from theirs being answered, in whatever order the jobs end. */
Test(handshake, crossing)
{
	begin();
	for (unsigned int ours_first = 0; ours_first < 2; ours_first++) {
		struct handshake_packet good;
		struct job *ours, *theirs;

		initiate();
		work(16);
		cr_assert_eq(take_sent().initiations, 1);
		receive_initiation(1 + ours_first);
		work(1);
		theirs = worker_takes();
		good = far_responds();
		handshake_receive(&i, &good, 0);
		ours = worker_takes();
		worker_ends(ours_first ? ours : theirs);
		worker_ends(ours_first ? theirs : ours);
		cr_assert_eq(take_sent().responses, 1);
		cr_assert_not_null(peer->current);
		cr_assert_arr_eq(peer->current->send_key, far.keys.receive, WG_KEY_LEN);
		cr_assert_not_null(ours_first ? peer->next : peer->previous, "theirs is there as well");
	}
	end();
}
