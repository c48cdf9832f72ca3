/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of a running interface: what stays untouched, what begins anew, and that one which runs out of memory anywhere leaves all as it was.
 * (That good ones do what the protocol says is shown from outside: tests/netns/set-model.sh.)
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "core.h"
#include "eal.h"
#include "failing_alloc.h"
#include "handshake.h"
#include "handshake_job.h"
#include "iface.h"
#include "keypairs.h"
#include "memport.h"
#include "roam.h"

#define SECOND ((uint64_t)1000000000)

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

void *__wrap_realloc(void *p, size_t size)
{
	return alloc_fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return alloc_fails() ? NULL : __real_strdup(s);
}

static struct iface i;
static struct memport inner, outer;

static uint32_t next_index(void)
{
	static uint32_t last = 7;

	return last += 0x01010101;
}

static void no_destroy(struct port *p)
{
	(void)p;
}

static void begin(void)
{
	static const struct dataplane_core_conf core = { 0, CORE_RX | CORE_WORKER };
	static struct port_ops ops;
	char err[PORT_ERRLEN];
	struct dataplane_conf conf = { .name = "ch", .inner = &inner.port, .outer = &outer.port, .aead = aead_find("auto"),
		.cores = &core, .n_cores = 1, .mtu = 1420 };

	conf.pool = i.pool = test_pool("change", 1023);
	rcu_register_thread();
	memport_init(&inner, NULL, NULL);
	memport_init(&outer, NULL, NULL);
	ops = *outer.port.ops;
	ops.destroy = no_destroy;
	outer.port.ops = &ops;
	i.name = "ch";
	i.up = true;
	i.resolve_at_ns = UINT64_MAX;
	CDS_INIT_LIST_HEAD(&i.staged_peers);
	wg_times_init(&i.times, 1);
	i.ratelimiter = ratelimiter_create("ch");
	i.jobs = handshake_jobs_create();
	i.outer = outer_on_port(&outer.port, err);
	cr_assert(i.ratelimiter && i.jobs && i.outer && peers_init(&i.peers) == 0);
	i.dp = dataplane_create(&conf, err);
	cr_assert_not_null(i.dp, "%s", err);
}

static void end(void)
{
	struct peer *p;
	void *m;

	fail_one_in = 0;
	while (rte_ring_dequeue(i.dp->core[0]->inject, &m) == 0)
		rte_pktmbuf_free(m);	/* keepalives, which no core runs to send */
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

TestSuite(change, .init = begin, .fini = end, .timeout = 120);

/* Building changes. */

static const uint8_t *key(unsigned int n)
{
	static uint8_t keys[256][WG_KEY_LEN];

	memset(keys[n], 0x40 + n, WG_KEY_LEN);
	keys[n][0] = (uint8_t)n;
	return keys[n];
}

static struct change_peer *edit(struct change *c, unsigned int n, unsigned int flags)
{
	struct change_peer *e = change_add_peer(c, key(n));

	cr_assert_not_null(e);
	e->flags = flags;
	return e;
}

static void edit_endpoint(struct change_peer *e, uint8_t last)
{
	e->flags |= CHANGE_ENDPOINT;
	e->endpoint.remote.v4.sin_family = AF_INET;
	e->endpoint.remote.v4.sin_port = htons(51820);
	e->endpoint.remote.v4.sin_addr.s_addr = htonl(0x0a000000 | last);
}

static void edit_ip(struct change *c, uint8_t second, uint8_t cidr, bool remove)
{
	const uint8_t addr[4] = { 10, second, 0, 0 };

	cr_assert(change_add_ip(c, AF_INET, addr, cidr, remove));
}

static int apply(struct change *c)
{
	int rc = change_apply(&i, c);

	change_fini(c);
	return rc;
}

static void set_private(unsigned int n)
{
	struct change c;

	change_init(&c);
	c.has_private_key = true;
	memcpy(c.private_key, key(n), WG_KEY_LEN);
	cr_assert_eq(apply(&c), 0);
}

/* Peer n with an endpoint, 10.n.0.0/16, and a session of which it is the initiator. */
static struct peer *add_peer(unsigned int n, bool session)
{
	struct noise_keys keys = { .send = { 1 }, .receive = { 2 } };
	struct change c;
	struct peer *p;
	uint32_t index;

	change_init(&c);
	edit_endpoint(edit(&c, n, CHANGE_REPLACE_ALLOWED_IPS), (uint8_t)n);
	edit_ip(&c, (uint8_t)n, 16, false);
	cr_assert_eq(apply(&c), 0);
	p = peers_find(&i.peers, key(n));
	cr_assert_not_null(p);
	if (!session)
		return p;
	index = sessions_reserve(&i.dp->sessions, p, next_index);
	cr_assert(index && keypairs_add(p, &keys, index, 99, true));
	cr_assert(keypairs_usable(p));
	return p;
}

/* State as text. */

static void print_peer(FILE *out, struct peer *p)
{
	char text[ENDPOINT_STRLEN];
	struct allowedips_prefix *a;
	uint64_t sum = 0;

	fprintf(out, "%02x psk %02x every %" PRIu64 " at %s label %s session %p", p->remote.public_key[0], p->remote.preshared_key[0],
		p->timers.persistent_interval / SECOND, endpoint_format(&p->endpoint, text), p->label ? p->label : "-", (void *)p->current);
	/* In any order: what is given back stands last. */
	cds_list_for_each_entry(a, &p->allowedips.prefixes, of_owner) {
		cr_assert(allowedips_owner_of(i.dp->allowedips, a->family, a->addr, a->cidr) == &p->allowedips);
		sum += (uint64_t)(a->addr[1] * 64 + a->cidr + 1) * (a->addr[1] * 64 + a->cidr + 7919);
	}
	fprintf(out, " ips %zu %" PRIu64 "\n", p->allowedips.n, sum);
}

static char *state(void)
{
	char *text = NULL;
	size_t len = 0, ips = 0;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "key %02x mark %u peers %u\n", i.identity.valid ? i.identity.private_key[1] : 0, i.fwmark, i.peers.n);
	for (struct peer *p = NULL; (p = peers_next(&i.peers, p));) {
		print_peer(out, p);
		ips += p->allowedips.n;
		cr_assert(peers_find(&i.peers, p->remote.public_key) == p);
		cr_assert(peers_get(&i.peers, p->dp.id) == p);
	}
	fclose(out);
	cr_assert_eq(allowedips_count(i.dp->allowedips), ips);
	return text;
}

Test(change, nothing_is_nothing)
{
	struct change c;
	char *before, *after;

	set_private(200);
	add_peer(1, true);
	before = state();
	change_init(&c);
	cr_assert_eq(apply(&c), 0);
	set_private(200);
	after = state();
	cr_assert_str_eq(before, after);
	free(before);
	free(after);
}

Test(change, other_private_key)
{
	struct peer *p, *idle;
	uint64_t id;

	set_private(200);
	p = add_peer(1, true);
	idle = add_peer(2, false);
	id = p->current->id;
	set_private(201);
	cr_assert(!keypairs_usable(p));
	cr_assert_null(p->dp.current, "cores send nothing with it any more");
	cr_assert_not_null(sessions_get(&i.dp->sessions, id), "what comes by it is still good");
	cr_assert_neq(p->timers.attempt_ns, 0, "a new handshake is under way");
	cr_assert_eq(idle->timers.attempt_ns, 0, "nobody wanted anything from this one");
	set_private(201);
	cr_assert_not_null(sessions_get(&i.dp->sessions, id));
}

Test(change, no_private_key)
{
	static const uint8_t none[WG_KEY_LEN];
	struct change c;
	struct peer *p;

	set_private(200);
	p = add_peer(1, true);
	change_init(&c);
	c.has_private_key = true;
	cr_assert_eq(apply(&c), 0);
	cr_assert(!i.identity.valid);
	cr_assert_arr_eq(i.identity.private_key, none, WG_KEY_LEN);
	cr_assert(!keypairs_usable(p));
	handshake_initiate(p, false);
	cr_assert_eq(p->timers.attempt_ns, 0, "without a key there are no handshakes");
}

/* A try that cannot be made ends the series: else it would be due again and again, at once. */
Test(change, nothing_left_to_try)
{
	const struct endpoint nowhere = { .local_ifindex = 0 };
	struct change c;
	struct peer *p;

	set_private(200);
	p = add_peer(1, false);
	handshake_initiate(p, false);
	cr_assert_neq(p->timers.attempt_ns, 0);
	roam_set_address(p, &nowhere);
	handshake_initiate(p, true);
	cr_assert_eq(p->timers.attempt_ns, 0, "it has no endpoint any more");

	p = add_peer(2, false);
	handshake_initiate(p, false);
	change_init(&c);
	c.has_private_key = true;
	cr_assert_eq(apply(&c), 0);
	handshake_initiate(p, true);
	cr_assert_eq(p->timers.attempt_ns, 0, "we have no key any more");
}

/* Curve operations for thousands of peers would take seconds. */
Test(change, calls_with_another_key_wait_for_their_turn)
{
	set_private(200);
	for (unsigned int n = 1; n <= JOBS_MAX; n++)
		add_peer(n, true);
	set_private(201);
	cr_assert_eq(i.counted[CONTROL_INITIATIONS_SENT], 0);
	cr_assert(handshake_ready(&i), "and there is room for what comes");
	for (struct peer *p = NULL; (p = peers_next(&i.peers, p));)
		cr_assert_leq(p->deadline.at, i.now, "all are due");
}

/* As wg syncconf says of all peers, whatever has changed. */
Test(change, same_endpoint_again)
{
	struct change c;
	struct peer *p;

	set_private(200);
	p = add_peer(1, true);
	p->timers.persistent_interval = 25 * SECOND;
	change_init(&c);
	edit_endpoint(edit(&c, 1, 0), 1);
	cr_assert_eq(apply(&c), 0);
	cr_assert_eq(p->timers.attempt_ns, 0, "it has a session, and goes on with it");
	cr_assert_eq(p->initiation_ns, 0);
}

Test(change, own_key_is_no_peer)
{
	struct noise_identity self;
	struct change c;

	set_private(200);
	cr_assert(noise_identity_set(&self, key(201)));
	change_init(&c);
	cr_assert_not_null(change_add_peer(&c, self.public_key));
	edit_ip(&c, 9, 16, false);
	cr_assert_eq(apply(&c), 0);
	cr_assert_eq(i.peers.n, 1);
	set_private(201);
	cr_assert_eq(i.peers.n, 0);
	change_init(&c);
	cr_assert_not_null(change_add_peer(&c, self.public_key));
	edit_ip(&c, 9, 16, false);
	cr_assert_eq(apply(&c), 0);
	cr_assert_eq(i.peers.n, 0);
	cr_assert_eq(allowedips_count(i.dp->allowedips), 0);
}

Test(change, preshared_key)
{
	struct change c;
	struct peer *p;
	struct session *s;
	uint32_t generation;

	set_private(200);
	p = add_peer(1, true);
	s = p->current;
	generation = p->keys_generation;
	change_init(&c);
	edit(&c, 1, CHANGE_PRESHARED_KEY)->preshared_key[0] = 5;
	cr_assert_eq(apply(&c), 0);
	cr_assert(p->current == s && keypairs_usable(p), "it is for the next handshake");
	cr_assert_neq(p->keys_generation, generation);
	cr_assert_eq(p->remote.preshared_key[0], 5);
	generation = p->keys_generation;
	change_init(&c);
	edit(&c, 1, CHANGE_PRESHARED_KEY)->preshared_key[0] = 5;
	cr_assert_eq(apply(&c), 0);
	cr_assert_eq(p->keys_generation, generation, "the same one disturbs no handshake");
}

/* wg setconf: replace_peers and everybody again. */
Test(change, listed_again)
{
	struct peer *kept, *other_psk, *idle, *gone;
	struct session *s;
	uint64_t ids[2];
	struct change c;

	set_private(200);
	kept = add_peer(1, true);
	other_psk = add_peer(2, true);
	idle = add_peer(3, false);
	gone = add_peer(4, true);
	s = kept->current;
	ids[0] = other_psk->dp.id;
	ids[1] = gone->dp.id;
	counters_add(&kept->dp.rx_bytes, 1000);

	change_init(&c);
	c.replace_peers = true;
	edit(&c, 3, 0);
	edit(&c, 2, CHANGE_PRESHARED_KEY)->preshared_key[0] = 5;
	edit(&c, 1, CHANGE_REPLACE_ALLOWED_IPS);
	edit_ip(&c, 77, 16, false);
	edit(&c, 5, CHANGE_UPDATE_ONLY);
	cr_assert_eq(apply(&c), 0);

	cr_assert_eq(i.peers.n, 3);
	cr_assert(peers_find(&i.peers, key(1)) == kept && kept->current == s && keypairs_usable(kept));
	cr_assert_eq(kept->endpoint.remote.sa.sa_family, AF_INET, "where it is, is known");
	cr_assert_eq(kept->dp.rx_bytes, 1000);
	cr_assert_eq(kept->allowedips.n, 1);
	cr_assert_null(peers_get(&i.peers, ids[0]), "another preshared key: a new peer");
	cr_assert_null(peers_get(&i.peers, ids[1]));
	cr_assert_null(peers_find(&i.peers, key(2))->current);
	idle = peers_find(&i.peers, key(3));
	cr_assert_eq(idle->endpoint.remote.sa.sa_family, AF_UNSPEC);
	cr_assert_eq(idle->allowedips.n, 0);
	/* in the order of the edits */
	cr_assert(peers_next(&i.peers, NULL) == idle && peers_next(&i.peers, peers_find(&i.peers, key(2))) == kept);
}

Test(change, removed_and_made_again)
{
	struct change c;
	struct peer *p;
	uint64_t id;

	set_private(200);
	p = add_peer(1, true);
	id = p->dp.id;
	change_init(&c);
	edit(&c, 1, CHANGE_REMOVE);
	edit(&c, 1, 0);
	cr_assert_eq(apply(&c), 0);
	cr_assert_null(peers_get(&i.peers, id));
	p = peers_find(&i.peers, key(1));
	cr_assert(p && !p->current && !p->allowedips.n && p->endpoint.remote.sa.sa_family == AF_UNSPEC);
}

/* Prefixes that stay keep their peer while the others go: lookups from another thread see no gap. */
static bool stop_looking;

static void *look(void *arg)
{
	static const uint8_t addr[4] = { 10, 1, 2, 3 };
	uint64_t *gaps = arg;

	rcu_register_thread();
	while (!__atomic_load_n(&stop_looking, __ATOMIC_RELAXED)) {
		*gaps += allowedips_lookup4(i.dp->allowedips, addr) == NULL;
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

Test(change, no_gap)
{
	uint64_t gaps = 0;
	pthread_t thread;
	struct change c;

	set_private(200);
	add_peer(1, false);
	stop_looking = false;
	pthread_create(&thread, NULL, look, &gaps);
	for (unsigned int n = 0; n < 2000; n++) {
		change_init(&c);
		edit(&c, n % 2 ? 1 : 2, CHANGE_REPLACE_ALLOWED_IPS);	/* from one peer to the other and back, and replaced by itself */
		edit_ip(&c, 1, 16, false);
		edit_ip(&c, (uint8_t)(2 + n % 7), 16, false);
		if (n % 3 == 0) {
			edit(&c, 3, CHANGE_REPLACE_ALLOWED_IPS);
			edit_ip(&c, 9, (uint8_t)(16 + n % 5), false);
		}
		if (n % 5 == 0)
			edit(&c, n % 2 ? 2 : 1, CHANGE_REMOVE);
		cr_assert_eq(apply(&c), 0);
		rcu_quiescent_state();
	}
	__atomic_store_n(&stop_looking, true, __ATOMIC_RELAXED);
	rcu_thread_offline();
	pthread_join(thread, NULL);
	rcu_thread_online();
	cr_assert_eq(gaps, 0);
}

/* Any change. */
static void fill_random(struct change *c, uint64_t *s)
{
	c->replace_peers = draw_from(s, 8) == 0;
	c->has_private_key = draw_from(s, 6) == 0;
	memcpy(c->private_key, key(200 + draw_from(s, 3)), WG_KEY_LEN);
	for (unsigned int n = draw_from(s, 6); n; n--) {
		struct change_peer *e = edit(c, draw_from(s, 12), 0);

		e->flags = draw_from(s, 128);
		if (draw_from(s, 3))
			e->flags &= ~(unsigned int)CHANGE_REMOVE;
		if (e->flags & CHANGE_ENDPOINT)
			edit_endpoint(e, (uint8_t)draw_from(s, 250));
		e->preshared_key[0] = (uint8_t)draw_from(s, 3);
		e->keepalive = (uint16_t)draw_from(s, 2);
		e->label = draw_from(s, 2) ? "somebody" : NULL;
		for (unsigned int k = draw_from(s, 12); k; k--)
			edit_ip(c, (uint8_t)draw_from(s, 20), (uint8_t)(8 + draw_from(s, 25)), draw_from(s, 4) == 0);
	}
}

Test(change, whole_or_not_at_all)
{
	uint64_t s = 4711;
	unsigned int failed = 0, done = 0;

	set_private(200);
	for (unsigned int n = 0; n < 20000; n++) {
		struct change c;
		char *before, *after;
		int rc;

		change_init(&c);
		fill_random(&c, &s);
		before = state();
		fail_one_in = draw_from(&s, 3) ? 0 : 1 + draw_from(&s, 40);
		rc = apply(&c);
		fail_one_in = 0;
		after = state();
		if (rc) {
			cr_assert_eq(rc, -ENOMEM);
			cr_assert_str_eq(before, after, "change %u failed and left something", n);
			failed++;
		} else {
			done++;
		}
		free(before);
		free(after);
		rcu_quiescent_state();
	}
	cr_assert(failed > 1000 && done > 1000, "%u failed, %u done", failed, done);
}
