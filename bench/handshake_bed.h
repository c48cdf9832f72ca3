/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface as control/ runs it, between ports in memory, and peers of it that are only messages: what
 * bench/handshake's parts share.
 *
 * Every function ends the program where memory or libcrypto fail. One thread, registered with RCU, but for where the
 * bed's cores run.
 */
#ifndef WGDP_HANDSHAKE_BED_H
#define WGDP_HANDSHAKE_BED_H

#include "iface.h"
#include "memory_port.h"

/* A WireGuard peer at 10.x.y.z:51820, as far as its handshakes go. */
struct far {
	uint32_t number;		/* its address; and its receiver index, less 1 */
	struct peer *peer;		/* what the bed knows of it */
	struct noise_identity id;
	struct noise_remote remote;	/* the bed's interface */
	struct noise_handshake hs;
	struct cookie_sender cookie;
	struct noise_keys keys;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	struct wg_initiation msg;	/* prepared */
};

struct bed {
	struct iface iface;
	struct memory_port inner, outer;
	struct far *far;
	unsigned int n_far;
};

/*
 * An interface without data cores running. `inner`, `outer`: from memory_port_init, the caller's. Its cores are those
 * of `cores`; `buffers` packets.
 */
void bed_make(struct bed *b, const char *name, const struct dataplane_core_conf *cores, unsigned int n_cores, unsigned int buffers);
/* When the data cores have ended. */
void bed_destroy(struct bed *b);

/* n peers, known to the interface, with all of their own keys. */
void bed_add_peers(struct bed *b, unsigned int n);

/* The endpoint that the far peer sends from. */
void far_endpoint(const struct far *f, struct endpoint *ep);
/* The far peer's next initiation, all but its MACs. */
void far_initiate(struct far *f);
/* The far peer's answer to an initiation of the bed. */
void far_respond(struct far *f, const struct wg_initiation *msg, struct wg_response *out);

/* A message on the handshake ring, as if a core had received it from f. */
void bed_feed(struct bed *b, const struct far *f, const void *msg, size_t len);

/* The control thread's rounds until all that is on its rings is done. */
void bed_run(struct bed *b);

/*
 * What the control thread has sent, without a core between: up to n, the caller's. Where the data cores run it is
 * theirs.
 */
unsigned int bed_take(struct bed *b, struct rte_mbuf **m, unsigned int n);

#endif
