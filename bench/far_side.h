/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The peers of a data path that is measured: their sessions and allowed IPs in it, and their own ends of the
 * tunnels, where messages are sealed for the data path and its messages opened.
 *
 * Peer i has the inner address far_side_address(i) alone, and FAR_SIDE_INDEX + i for its receiver index. All
 * sessions are long established and never grow old. Created and destroyed by the control thread, registered with
 * RCU, while the data path stands still; everything else is one thread's.
 */
#ifndef WGDP_FAR_SIDE_H
#define WGDP_FAR_SIDE_H

#include "aead.h"
#include "dataplane.h"

enum { FAR_SIDE_INDEX = 0x01000000, FAR_SIDE_PEERS_MAX = 1 << 20 };

struct far_peer {
	struct dp_peer *near;	/* as the data path sees it */
	struct session *session;
	struct rewrite way;
	struct allowedips_owner owner;
};

struct far_side {
	struct dataplane *dp;
	const struct aead_backend *aead;
	struct aead_ctx *ctx;
	unsigned int n;
	struct far_peer *peer;
	uint64_t *counter;	/* of each: to seal with next */
};

/* Ends the program where memory is short. */
void far_side_init(struct far_side *f, struct dataplane *dp, unsigned int n);
/* When the data path has stopped. */
void far_side_fini(struct far_side *f);

/* Network order: scattered over 10.0.0.0/8, another for each peer. */
uint32_t far_side_address(unsigned int peer);

/*
 * A message to be sealed by peer `peer` in m: writes its header and fills op; the plaintext of `len` bytes is
 * already behind the header. `advance`: the peer's counter goes on, as it must between messages that the data path
 * gets.
 */
void far_side_message(struct far_side *f, struct rte_mbuf *m, unsigned int peer, uint32_t len, bool advance,
		      struct aead_op *op);
/* Seals what far_side_message has prepared. */
void far_side_seal(struct far_side *f, struct aead_op *ops, unsigned int n);

/* Opens a message to peer `peer` in place; m is then the plaintext, padding and all. False: it is not authentic. */
bool far_side_open(struct far_side *f, struct rte_mbuf *m, unsigned int peer);

#endif
