/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carries a change out. Everything that can fail comes first, and can be taken back: the plan's memory, the new key, sockets for another
 * port, new peers, prefixes given to their owners. From `commit` on nothing fails: keys, endpoints, intervals; what goes, goes last, so
 * that no address is without its peer in between.
 */
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "change_plan.h"
#include "handshake.h"
#include "iface.h"
#include "keypairs.h"
#include "protocol.h"
#include "roam.h"

enum { QUIESCENT_EVERY = 256 };		/* updates of tables and ways: what they replace can be freed only then */

/* A change on its way: what has been prepared, to be committed or taken back. */
struct transaction {
	struct iface *iface;
	const struct change *change;
	struct noise_identity identity;		/* as it will be */
	bool new_identity, new_port, new_fwmark;
	uint32_t old_fwmark;
	struct plan plan;
	unsigned int updates;
};

static int no_memory(const struct transaction *tx)
{
	log_line(LOG_ERR, tx->iface->name, "no memory for a change of %zu peers and %zu allowed IPs: nothing was changed",
		 tx->change->n_peers, tx->change->n_ips);
	return -ENOMEM;
}

static void table_updated(struct transaction *tx)
{
	if (++tx->updates % QUIESCENT_EVERY == 0)
		rcu_quiescent_state();
}

static int prepare_identity(struct transaction *tx)
{
	static const uint8_t none[WG_KEY_LEN];
	const struct change *c = tx->change;
	struct noise_identity *id = &tx->identity;

	*id = tx->iface->identity;
	if (!c->has_private_key)
		return 0;
	OPENSSL_cleanse(id, sizeof(*id));
	id->valid = false;
	if (CRYPTO_memcmp(c->private_key, none, WG_KEY_LEN) != 0 && !noise_identity_set(id, c->private_key)) {
		log_line(LOG_ERR, tx->iface->name, "libcrypto cannot make the public key");
		return -EINVAL;
	}
	tx->new_identity = id->valid != tx->iface->identity.valid ||
			   CRYPTO_memcmp(id->private_key, tx->iface->identity.private_key, WG_KEY_LEN) != 0;
	return 0;
}

static int prepare_sockets(struct transaction *tx)
{
	const struct change *c = tx->change;
	struct iface *i = tx->iface;
	char err[PORT_ERRLEN];
	int rc;

	if (c->has_listen_port) {
		rc = outer_listen_prepare(i->outer, c->listen_port, err);
		if (rc) {
			log_line(LOG_ERR, i->name, "%s", err);
			return rc;
		}
		tx->new_port = true;
	}
	if (c->has_fwmark && c->fwmark != i->fwmark) {
		rc = outer_set_fwmark(i->outer, c->fwmark);
		if (rc) {
			log_line(LOG_ERR, i->name, "cannot set the firewall mark 0x%x: %s", c->fwmark, strerror(-rc));
			return rc;
		}
		tx->new_fwmark = true;
		tx->old_fwmark = i->fwmark;
	}
	return 0;
}

/* Does a peer that replace_peers lists again go on with its session? It would be the same with a new one, but for the gap. */
static bool goes_on(const struct target *t)
{
	static const uint8_t none[WG_KEY_LEN];

	if (!t->reborn)
		return true;
	return keypairs_usable(t->old) &&
	       CRYPTO_memcmp(t->psk ? t->psk->preshared_key : none, t->old->remote.preshared_key, WG_KEY_LEN) == 0;
}

static int add_peers(struct transaction *tx)
{
	for (size_t k = 0; k < tx->plan.n_targets; k++) {
		struct target *t = &tx->plan.targets[k];

		if (!t->present)
			continue;
		if (t->old && !t->removed && goes_on(t))
			t->peer = t->old;
		else
			t->peer = peers_add(&tx->iface->peers, tx->iface, t->public_key);
		if (!t->peer)
			return no_memory(tx);
	}
	return 0;
}

static struct peer *owner_of(struct iface *i, const struct change_ip *ip)
{
	struct allowedips_owner *o = allowedips_owner_of(i->dp->allowedips, ip->family, ip->addr, ip->cidr);

	return o ? caa_container_of(o, struct peer, allowedips) : NULL;
}

static int give(struct iface *i, const struct change_ip *ip, struct peer *to)
{
	return allowedips_insert(i->dp->allowedips, ip->family, ip->addr, ip->cidr, to, &to->allowedips);
}

static int give_ips(struct transaction *tx)
{
	for (size_t k = 0; k < tx->plan.n_records; k++) {
		struct record *r = &tx->plan.records[k];
		const struct target *t = plan_owner(&tx->plan, r);

		if (!t)
			continue;
		r->before = owner_of(tx->iface, r->ip);
		if (give(tx->iface, r->ip, t->peer))
			return no_memory(tx);
		r->inserted = true;
		table_updated(tx);
	}
	return 0;
}

static int prepare(struct transaction *tx)
{
	int rc = prepare_identity(tx);

	if (!rc && !plan_make(&tx->plan, tx->iface, tx->change, tx->identity.valid ? tx->identity.public_key : NULL))
		rc = no_memory(tx);
	if (!rc)
		rc = prepare_sockets(tx);
	if (!rc)
		rc = add_peers(tx);
	if (!rc)
		rc = give_ips(tx);
	return rc;
}

static void take_back(struct transaction *tx)
{
	struct iface *i = tx->iface;

	for (size_t k = tx->plan.n_records; k-- > 0;) {
		const struct record *r = &tx->plan.records[k];

		if (!r->inserted)
			continue;
		if (r->before)
			give(i, r->ip, r->before);	/* it is in the table: that cannot fail */
		else
			allowedips_remove(i->dp->allowedips, r->ip->family, r->ip->addr, r->ip->cidr, &r->owner->peer->allowedips);
		table_updated(tx);
	}
	for (size_t k = 0; k < tx->plan.n_targets; k++) {
		struct target *t = &tx->plan.targets[k];

		if (t->peer && t->peer != t->old)
			peers_remove(&i->peers, t->peer);
	}
	if (tx->new_fwmark)
		outer_set_fwmark(i->outer, tx->old_fwmark);
	if (tx->new_port)
		outer_listen_abort(i->outer);
}

/* With another mark the host may route otherwise, and so choose another address of ours. */
static void adopt_fwmark(struct transaction *tx)
{
	struct iface *i = tx->iface;

	i->fwmark = tx->change->fwmark;
	for (struct peer *p = NULL; (p = peers_next(&i->peers, p));) {
		roam_forget_source(p);
		table_updated(tx);
	}
}

static void commit_interface(struct transaction *tx)
{
	struct iface *i = tx->iface;

	if (tx->new_identity)
		handshake_adopt_identity(i, &tx->identity);
	if (tx->new_port)
		outer_listen_commit(i->outer, i->dp);
	if (tx->new_fwmark)
		adopt_fwmark(tx);
}

/* A peer with persistent keepalive says something at once, as in Linux. */
static void set_keepalive(struct peer *p, uint16_t seconds)
{
	const bool was_off = !p->timers.persistent_interval;

	p->timers.persistent_interval = seconds * WG_NS_PER_SEC;
	if (seconds && was_off && p->iface->up)
		p->timers.persistent_now = 1;
}

static void set_endpoint(struct target *t)
{
	if (t->host_copy)
		roam_set_name(t->peer, t->host_copy, t->endpoint->port);
	else
		roam_set_address(t->peer, &t->endpoint->endpoint);
	t->host_copy = NULL;
}

static void commit_peer(struct transaction *tx, struct target *t)
{
	struct peer *p = t->peer;

	if (t->psk && CRYPTO_memcmp(t->psk->preshared_key, p->remote.preshared_key, WG_KEY_LEN) != 0)
		handshake_set_psk(p, t->psk->preshared_key);
	if (t->label || t->reborn) {
		free(p->label);
		p->label = t->label_copy;
		t->label_copy = NULL;
	}
	if (t->endpoint)
		set_endpoint(t);
	if (t->keepalive || t->reborn)
		set_keepalive(p, t->keepalive ? t->keepalive->keepalive : 0);
	if (tx->change->replace_peers)
		peers_move_last(&tx->iface->peers, p);
	iface_look_at(p);
}

/* What t had before and is not given to it anew. */
static void take_ips(struct transaction *tx, struct target *t)
{
	struct allowedips_prefix *a, *next;

	cds_list_for_each_entry_safe(a, next, &t->peer->allowedips.prefixes, of_owner) {
		const struct record *r = plan_record(&tx->plan, a->family, a->addr, a->cidr);

		if (r && plan_owner(&tx->plan, r) == t)
			continue;
		allowedips_remove(tx->iface->dp->allowedips, a->family, a->addr, a->cidr, &t->peer->allowedips);
		table_updated(tx);
	}
}

/* What was taken from its peer, or given to one that lost it again. */
static void take_removed_ips(struct transaction *tx)
{
	for (size_t k = 0; k < tx->plan.n_records; k++) {
		const struct record *r = &tx->plan.records[k];
		struct peer *p = r->replaced || plan_owner(&tx->plan, r) ? NULL : owner_of(tx->iface, r->ip);

		if (!p)
			continue;
		allowedips_remove(tx->iface->dp->allowedips, r->ip->family, r->ip->addr, r->ip->cidr, &p->allowedips);
		table_updated(tx);
	}
}

static void remove_peer(struct transaction *tx, struct peer *p)
{
	peers_remove(&tx->iface->peers, p);
	table_updated(tx);
}

static void remove_peers(struct transaction *tx)
{
	struct iface *i = tx->iface;
	struct peer *self = tx->identity.valid ? peers_find(&i->peers, tx->identity.public_key) : NULL, *next;

	for (size_t k = 0; k < tx->plan.n_targets; k++) {
		struct target *t = &tx->plan.targets[k];

		if (t->old && t->old != t->peer)
			remove_peer(tx, t->old);
		else if (t->peer && t->clears)
			take_ips(tx, t);
	}
	if (self)
		remove_peer(tx, self);
	if (!tx->change->replace_peers)
		return;
	for (struct peer *p = peers_next(&i->peers, NULL); p; p = next) {
		next = peers_next(&i->peers, p);
		if (!plan_target(&tx->plan, p->remote.public_key))
			remove_peer(tx, p);
	}
}

static void commit(struct transaction *tx)
{
	commit_interface(tx);
	for (size_t k = 0; k < tx->plan.n_targets; k++)
		if (tx->plan.targets[k].peer)
			commit_peer(tx, &tx->plan.targets[k]);
	take_removed_ips(tx);
	remove_peers(tx);
}

int change_apply(struct iface *i, const struct change *c)
{
	struct transaction tx = { .iface = i, .change = c };
	int rc;

	if (i->manager)
		i->manager->changes(i);
	i->now = dataplane_now();
	rc = prepare(&tx);
	if (rc)
		take_back(&tx);
	else
		commit(&tx);
	i->counted[CONTROL_CHANGES] += !rc;
	plan_fini(&tx.plan);
	OPENSSL_cleanse(&tx.identity, sizeof(tx.identity));
	return rc;
}
