/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer as the control thread knows it, and the collection of an interface's peers. All control thread.
 */
#ifndef WGDP_PEER_H
#define WGDP_PEER_H

#include <time.h>

#include "rcu.h"

#include "allowedips.h"
#include "cookie.h"
#include "heap.h"
#include "log.h"
#include "noise.h"
#include "session.h"
#include "timers.h"

struct conf_peer;
struct iface;
struct nexthop;

enum { PEER_STAGED_MAX = 128 };	/* packets of one peer that wait for a session; the oldest is dropped first */

/* Where the configuration says the peer is, and the search for the address behind a name. */
struct peer_name {
	char *host;		/* NULL: no endpoint configured */
	uint16_t port;
	bool looking;		/* a lookup is under way */
	bool answered;		/* it has been found once */
	uint64_t looked_ns;	/* when the last began */
};

struct peer {
	struct dp_peer dp;	/* what data cores see: first, for its alignment */
	struct iface *iface;
	struct cds_list_head of_iface;		/* iface->peers.list, in the order of the conf */
	struct peer *next_by_key;		/* in its chain of iface->peers.by_key */

	struct noise_remote remote;
	uint32_t keys_generation;		/* another as soon as the preshared key is */
	struct noise_handshake handshake;	/* ours, from initiation to response */
	uint32_t epoch;				/* another with each initiation of ours, and with its end */
	struct cookie_sender cookie;
	uint8_t newest_timestamp[WG_TIMESTAMP_LEN];	/* of the peer's initiations */
	uint8_t sent_timestamp[WG_TIMESTAMP_LEN];	/* of ours */
	uint64_t consumed_ns;			/* when its last initiation was answered */

	struct session *previous, *current, *next;	/* current is dp.current too */
	struct timespec last_handshake;		/* realtime of the last session that works both ways; 0: none */
	uint64_t handshake_ns;			/* the same, monotonic */

	struct timers timers;
	struct heap_entry deadline;
	unsigned int attempts;			/* initiations sent in this series */
	uint64_t initiation_ns;			/* when the last was, or could not be, sent; 0: never */
	bool unsent;				/* the last could not be: no way there, or no buffer */

	struct rte_mbuf *staged_head, *staged_tail;	/* chained by pkt.next */
	unsigned int n_staged;
	struct cds_list_head of_staged;		/* iface->staged_peers, while n_staged */

	struct allowedips_owner allowedips;
	struct endpoint endpoint;		/* AF_UNSPEC: none */
	struct peer_name name;
	struct nexthop *nexthop;		/* ethdev: how to get there */
	struct cds_list_head of_nexthop;

	struct rcu_head roam_rcu;		/* clears the latch PEER_CALL_ROAMED */

	char *label;				/* its name in the file, NULL: none */
	const struct conf_peer *listed;		/* its [Peer] in iface->conf, NULL: it is not from there */
	const struct conf_peer *listing;	/* the same of a file that is being loaded */
	char short_key[LOG_KEY_LEN];
	struct rcu_head rcu;
};

struct peers {
	struct cds_list_head list;
	struct peer **by_key;		/* heads of chains, a power of two of them, at least as many as peers */
	uint32_t n_by_key;
	struct peer **slot;		/* by the low half of the id */
	uint32_t *unused;		/* slots, as a stack */
	uint32_t n, n_slots, n_unused;
	uint32_t generation;
};

/* The peer after p in the order of the conf; p == NULL: the first. NULL: there is none. */
struct peer *peers_next(const struct peers *ps, const struct peer *p);

/* 0 or -ENOMEM. */
int peers_init(struct peers *ps);
/* When all have been removed. */
void peers_fini(struct peers *ps);

/*
 * A new peer without endpoint, session, or allowed IPs. NULL: no memory. One of the same key is found no more, and is to be removed.
 */
struct peer *peers_add(struct peers *ps, struct iface *iface, const uint8_t public_key[WG_KEY_LEN]);

struct peer *peers_find(const struct peers *ps, const uint8_t public_key[WG_KEY_LEN]);
/* The peer with that id (dp.id), or NULL where it is gone. */
struct peer *peers_get(const struct peers *ps, uint64_t id);

/* Puts p last in the order of peers_next. */
void peers_move_last(struct peers *ps, struct peer *p);

/* Takes p out of the collection, and no more than that: peers_remove's. */
void peers_unlink(struct peers *ps, struct peer *p);

/*
 * Takes the peer out of everything: no core finds it afterwards, it is wiped and freed a grace period later. Made dead first
 * (allowed IPs, sessions, endpoint unpublished), so that who still holds it after a lookup can only finish its round.
 */
void peers_remove(struct peers *ps, struct peer *p);

#endif
