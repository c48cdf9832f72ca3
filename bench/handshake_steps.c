/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one core does a second of each kind of handshake message, through the control thread's own code: messages
 * prepared ahead go on the handshake ring, iface_run does its rounds, the answers are taken where the data core would.
 * Beside each, in turn with it, X25519 operations alone, as many as that kind needs: the ceiling.
 */
#include <endian.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "handshake.h"
#include "handshake_bed.h"
#include "handshake_rows.h"
#include "x25519.h"

enum {
	CHUNK = 64,		/* handshakes between two looks at the clock */
	CHUNKS_MAX = 128,
	PEERS = CHUNK * 64,
	PEERS_QUICK = CHUNK * 4,
};

/* One operation with everything that could be kept between two kept: what the curve alone costs. */
struct curve {
	EVP_PKEY *ours, *theirs;
	EVP_PKEY_CTX *ctx;
};

struct steps {
	struct bench *bench;
	struct bed bed;
	struct curve curve;
	unsigned int n;		/* peers */
};

/* Everything of one chunk that is timed, with f[0..CHUNK) its peers; and what comes before and after it. */
struct step {
	const char *what, *note;
	unsigned int operations;	/* X25519 operations of one */
	void (*prepare)(struct steps *s, struct far *f);
	void (*run)(struct steps *s, struct far *f);
	void (*check)(struct steps *s, struct far *f);
};

static struct rte_mbuf *taken[4 * CHUNK];
static unsigned int n_taken;

/* Of this thread's CPU: what other programs take is not counted. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void curve_init(struct curve *c)
{
	uint8_t ours[WG_KEY_LEN], theirs[WG_KEY_LEN];

	if (RAND_bytes(ours, sizeof(ours)) != 1 || RAND_bytes(theirs, sizeof(theirs)) != 1)
		bench_fail("libcrypto has no random bytes");
	c->ours = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, ours, sizeof(ours));
	c->theirs = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, theirs, sizeof(theirs));
	c->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, c->ours, NULL);
	if (!c->ctx || EVP_PKEY_derive_init(c->ctx) <= 0 || EVP_PKEY_derive_set_peer_ex(c->ctx, c->theirs, 0) <= 0)
		bench_fail("libcrypto has no X25519");
}

static void curve_fini(struct curve *c)
{
	EVP_PKEY_CTX_free(c->ctx);
	EVP_PKEY_free(c->theirs);
	EVP_PKEY_free(c->ours);
}

static double curve_ns(const struct curve *c, unsigned int n)
{
	uint64_t start = cpu_ns();
	uint8_t out[WG_KEY_LEN];
	size_t len = sizeof(out);

	for (unsigned int k = 0; k < n; k++)
		if (EVP_PKEY_derive(c->ctx, out, &len) <= 0)
			bench_fail("X25519 failed");
	return (double)(cpu_ns() - start) / n;
}

static void take(struct steps *s)
{
	unsigned int n;

	while ((n = bed_take(&s->bed, taken + n_taken, RTE_DIM(taken) - n_taken)))
		n_taken += n;
}

static void drop(void)
{
	rte_pktmbuf_free_bulk(taken, n_taken);
	n_taken = 0;
}

static void feed_initiations(struct steps *s, struct far *f)
{
	for (unsigned int k = 0; k < CHUNK; k++)
		bed_feed(&s->bed, &f[k], &f[k].msg, sizeof(f[k].msg));
	bed_run(&s->bed);
	take(s);
}

static void prepare_initiations(struct steps *s, struct far *f)
{
	for (unsigned int k = 0; k < CHUNK; k++) {
		far_initiate(&f[k]);
		cookie_macs_add(&f[k].cookie, &f[k].msg, sizeof(f[k].msg), s->bed.iface.now);
	}
}

/* Each has got its response, and the first one's is good. */
static void check_responses(struct steps *s, struct far *f)
{
	const struct wg_response *first = NULL;

	(void)s;
	if (n_taken != CHUNK)
		bench_fail("%u of %u initiations were answered", n_taken, CHUNK);
	for (unsigned int k = 0; k < n_taken; k++) {
		const struct wg_response *msg = rte_pktmbuf_mtod(taken[k], const struct wg_response *);

		if (rte_pktmbuf_data_len(taken[k]) != sizeof(*msg) || msg->type != htole32(WG_RESPONSE))
			bench_fail("an initiation was answered with something else");
		if (le32toh(msg->receiver) == f->number + 1)
			first = msg;
	}
	if (!first || !noise_response_consume(&f->hs, first, &f->id, &f->remote, &f->keys))
		bench_fail("a response is not valid");
	drop();
}

/* Under load from here on. */
static void prepare_loaded(struct steps *s, struct far *f)
{
	s->bed.iface.loaded_until_ns = UINT64_MAX;
	prepare_initiations(s, f);
}

static void check_cookies(struct steps *s, struct far *f)
{
	if (n_taken != CHUNK)
		bench_fail("%u of %u initiations got a cookie", n_taken, CHUNK);
	for (unsigned int k = 0; k < n_taken; k++) {
		const struct wg_cookie_reply *msg = rte_pktmbuf_mtod(taken[k], const struct wg_cookie_reply *);
		unsigned int who = le32toh(msg->receiver) - 1 - f->number;

		if (rte_pktmbuf_data_len(taken[k]) != sizeof(*msg) || who >= CHUNK ||
		    !cookie_reply_consume(&f[who].cookie, msg, s->bed.iface.now))
			bench_fail("a cookie reply is not valid");
	}
	drop();
}

static void prepare_bad_macs(struct steps *s, struct far *f)
{
	(void)s;
	for (unsigned int k = 0; k < CHUNK; k++)
		f[k].msg.macs.mac1[0] ^= 1;
}

/* From the sender that is not a peer, but knows our public key: one operation each, then they are found out. */
static void prepare_strangers(struct steps *s, struct far *f)
{
	s->bed.iface.loaded_until_ns = 0;
	prepare_initiations(s, f);
	for (unsigned int k = 0; k < CHUNK; k++) {
		f[k].msg.static_[0] ^= 1;
		cookie_macs_add(&f[k].cookie, &f[k].msg, sizeof(f[k].msg), s->bed.iface.now);
	}
}

static void check_nothing(struct steps *s, struct far *f)
{
	(void)s;
	(void)f;
	if (n_taken)
		bench_fail("%u bad messages were answered", n_taken);
}

static void prepare_ends(struct steps *s, struct far *f)
{
	for (unsigned int k = 0; k < CHUNK; k++) {
		struct peer *p = f[k].peer;
		struct endpoint ep;

		far_endpoint(&f[k], &ep);
		outer_set_endpoint(s->bed.iface.outer, p, &ep, NULL);
		p->initiation_ns = 0;	/* as if the last had been long ago */
	}
	s->bed.iface.now = dataplane_now();
}

static uint64_t initiating_ns;	/* of the chunk under way */

/* Both ways: the responses in between are the peers' work, and not counted. */
static void run_initiator(struct steps *s, struct far *f)
{
	static struct wg_response response[CHUNK];
	uint64_t start = cpu_ns();

	for (unsigned int k = 0; k < CHUNK; k++)
		handshake_initiate(f[k].peer, false);
	bed_run(&s->bed);
	take(s);
	initiating_ns = cpu_ns() - start;
	if (n_taken != CHUNK)
		bench_fail("%u of %u initiations were sent", n_taken, CHUNK);
	for (unsigned int k = 0; k < CHUNK; k++)
		far_respond(&f[k], rte_pktmbuf_mtod(taken[k], const struct wg_initiation *), &response[k]);
	drop();
	start = cpu_ns();
	for (unsigned int k = 0; k < CHUNK; k++)
		bed_feed(&s->bed, &f[k], &response[k], sizeof(response[k]));
	bed_run(&s->bed);
	take(s);
	initiating_ns += cpu_ns() - start;
}

/* A keepalive for each session, to say that it is there; and the keys agree. */
static void check_sessions(struct steps *s, struct far *f)
{
	(void)s;
	if (n_taken != CHUNK)
		bench_fail("%u of %u sessions came to be", n_taken, CHUNK);
	for (unsigned int k = 0; k < CHUNK; k++)
		if (!f[k].peer->current || memcmp(f[k].peer->current->send_key, f[k].keys.receive, WG_KEY_LEN) != 0)
			bench_fail("a session's keys are not its peer's");
	drop();
}

static double time_chunk(struct steps *s, const struct step *step, struct far *f)
{
	uint64_t start;

	if (step->prepare)
		step->prepare(s, f);
	start = cpu_ns();
	initiating_ns = 0;
	step->run(s, f);
	return (double)(initiating_ns ? initiating_ns : cpu_ns() - start) / CHUNK;
}

static void run_step(struct steps *s, const struct step *step)
{
	double ns[CHUNKS_MAX], ceiling_ns[CHUNKS_MAX], ratio[CHUNKS_MAX];
	struct row row = { .what = step->what, .lost = -1, .p99_us = -1, .note = step->note };
	unsigned int n = s->n / CHUNK;

	bench_point(s->bench, "%s", step->what);
	for (unsigned int k = 0; k < n; k++) {
		struct far *f = &s->bed.far[k * CHUNK];

		ceiling_ns[k] = step->operations ? step->operations * curve_ns(&s->curve, CHUNK * step->operations) : 0;
		ns[k] = time_chunk(s, step, f);
		ratio[k] = ceiling_ns[k] / ns[k];
		step->check(s, f);
	}
	row.ns_each = bench_median(ns, n);
	row.per_second = 1e9 / row.ns_each;
	if (step->operations) {
		row.ceiling = 1e9 / bench_median(ceiling_ns, n);
		row.ratio = bench_median(ratio, n);
	}
	row_print(&row);
}

static const struct step steps[] = {
	{ "answer_first", "a peer's first: 5 operations", 5, prepare_initiations, feed_initiations, check_responses },
	{ "answer", "any other: 4 operations", 4, prepare_initiations, feed_initiations, check_responses },
	{ "cookie_reply", "under load, without a cookie", 0, prepare_loaded, feed_initiations, check_cookies },
	{ "answer_loaded", "under load, with a cookie: 4 operations", 4, prepare_loaded, feed_initiations, check_responses },
	{ "bad_mac1", "refused", 0, prepare_bad_macs, feed_initiations, check_nothing },
	{ "stranger", "mac1 right, not a peer: 1 operation, refused", 1, prepare_strangers, feed_initiations, check_nothing },
	{ "initiate", "initiation sent, response taken: 4 operations", 4, prepare_ends, run_initiator, check_sessions },
};

static void run_curve(struct steps *s)
{
	uint8_t key[WG_KEY_LEN] = { 1 }, peer[WG_KEY_LEN] = { 9 }, out[WG_KEY_LEN];
	const unsigned int n = s->n;
	uint64_t start;
	struct row row = { .what = "x25519", .lost = -1, .p99_us = -1, .note = "the curve alone" };

	bench_point(s->bench, "x25519");
	row.ns_each = curve_ns(&s->curve, n);
	row.per_second = row.ceiling = 1e9 / row.ns_each;
	row.ratio = 1;
	row_print(&row);

	bench_point(s->bench, "x25519_shared");
	start = cpu_ns();
	for (unsigned int k = 0; k < n; k++)
		if (!x25519_shared(out, key, peer))
			bench_fail("X25519 failed");
	row.what = "x25519_shared";
	row.note = "keys to bytes, as crypto/ does it";
	row.ns_each = (double)(cpu_ns() - start) / n;
	row.per_second = 1e9 / row.ns_each;
	row.ratio = row.per_second / row.ceiling;
	row_print(&row);
}

void steps_run(struct bench *b)
{
	static const struct dataplane_core_conf core = { 0, CORE_RX | CORE_WORKER };
	static struct steps s;

	s = (struct steps){ .bench = b, .n = b->quick ? PEERS_QUICK : PEERS };
	memory_port_init(&s.bed.inner);
	memory_port_init(&s.bed.outer);
	bed_make(&s.bed, "steps", &core, 1, 4 * CHUNK);
	bed_add_peers(&s.bed, s.n);
	curve_init(&s.curve);
	run_curve(&s);
	_Static_assert(RTE_DIM(steps) + 2 == STEPS_POINTS, "points");
	for (unsigned int k = 0; k < RTE_DIM(steps); k++)
		run_step(&s, &steps[k]);
	curve_fini(&s.curve);
	bed_destroy(&s.bed);
}
