/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a change comes to: its edits, one after the other, worked out to what each peer and each prefix shall be in the end, without
 * touching the interface. Private to change_*.c. Control thread.
 *
 * A prefix that a change speaks of is a record; the last record of a prefix counts, unless its peer lost all of its prefixes later on
 * (`cleared`).
 */
#ifndef WGDP_CHANGE_PLAN_H
#define WGDP_CHANGE_PLAN_H

#include "change.h"
#include "peer.h"

/* A peer that the change speaks of. */
struct target {
	const uint8_t *public_key;
	struct peer *old;		/* as it was before, NULL: was not there */
	struct peer *peer;		/* as it will be: old, or a new one; NULL: goes, or never comes */
	bool present;
	bool reborn;			/* was removed on the way by replace_peers */
	bool removed;			/* was removed on the way by an edit: of what it was, nothing stays */
	bool clears;			/* what it had before is not its own any more, ... */
	size_t cleared;			/* ... and of the records neither are those before this one */
	const struct change_peer *psk, *endpoint, *keepalive, *label;	/* the edit with the last word, NULL: none */
	char *host_copy, *label_copy;	/* allocated ahead, for the peer to own; NULL: none */
};

struct record {
	const struct change_ip *ip;
	struct target *owner;		/* NULL: nobody shall have it */
	bool replaced;			/* a later record is about the same prefix */
	bool inserted;			/* while it is carried out: it has been given to its owner, ... */
	struct peer *before;		/* ... and was this one's; NULL: nobody's */
};

struct plan {
	struct iface *iface;
	const struct change *change;
	struct target *targets;		/* in the order in which the edits come to them */
	struct record *records;		/* in the order of the edits */
	size_t n_targets, n_records;
	uint32_t *target_slots, *record_slots;	/* hash tables: number + 1, or 0 */
	size_t target_mask, record_mask;
};

/*
 * Works c out for i; edits of `self`, our own public key (NULL: we have none), are as if they were not there. False: no memory. Either
 * way plan_fini.
 */
bool plan_make(struct plan *p, struct iface *i, const struct change *c, const uint8_t *self);
void plan_fini(struct plan *p);

/* The target of a peer, NULL: the change does not speak of it. */
struct target *plan_target(const struct plan *p, const uint8_t public_key[WG_KEY_LEN]);

/* The last record of a prefix, NULL: there is none. */
struct record *plan_record(const struct plan *p, int family, const void *addr, uint8_t cidr);

/* Is r the last word on its prefix, and whose shall that be? NULL: nobody's. */
struct target *plan_owner(const struct plan *p, const struct record *r);

#endif
