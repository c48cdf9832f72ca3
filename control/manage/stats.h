/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface's counters as one snapshot: what the metrics page, DPDK's telemetry and `wgdp show` and `wgdp top` (by UAPI's stats=1) have in
 * common. Control thread, but for what says otherwise.
 *
 * As text (stats_print), KEY=VALUE lines in this order; numbers are decimal and count from the start unless said otherwise:
 *
 *   name=wg0                    up=1 (or 0: administratively down)
 *   pid=1234                    version=0.1.0
 *   uptime_ns=N                 public_key=HEX (no such line without a private key)
 *   listen_port=N               fwmark=N
 *   mtu=N                       outer=kernel (conf's Outer)
 *   aead=ipsec-mb               tsc_hz=N (ticks a second of stage_*)
 *   peers=N (now)               connected=N (now; handshake under 180 s old)
 *   staged=N (packets, now)     allowed_ips=N (now)
 *   RING_used=N RING_size=N     for each ring: work, events, handshakes, staged_ring (two lines each, now)
 *   mbufs_used=N, mbufs_size=N  packet buffers, now
 *   control_NAME=N              each of CONTROL_COUNTERS
 *   drop_NAME=N                 each of DROP_REASONS, all cores and the control thread together
 *   core=CPU                    then of that core, until the next core= or the end:
 *   roles=rx,worker             or one of them
 *   outer_rx= outer_tx= inner_rx= inner_tx= batches= batched= sleeps= wakes=   a line each
 *   fifo_used=N fifo_size=N     batches, now; receiving cores only
 *   stage_NAME=N                each of STAGES
 *   core_drop_NAME=N            each of DROP_REASONS that is not 0
 */
#ifndef WGDP_STATS_H
#define WGDP_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "control_counters.h"
#include "counters.h"
#include "dataplane.h"
#include "messages.h"

struct iface;

struct stats_ring {
	unsigned int used, size;
};

struct stats_core {
	unsigned int cpu, roles;	/* enum core_role */
	struct stats_ring fifo;		/* receiving cores */
	struct counters counters;
};

struct stats {
	char name[16];
	bool up, has_key;
	uint8_t public_key[WG_KEY_LEN];
	uint64_t uptime_ns;
	uint16_t listen_port;
	uint32_t fwmark, mtu;
	char outer[128];		/* cut to that */
	const char *aead;		/* a constant */
	unsigned int peers, connected, staged;
	uint64_t allowed_ips;
	struct stats_ring work, events, handshakes, staged_ring, mbufs;
	uint64_t control[CONTROL_N];
	struct counters sum;		/* drops of the control thread included */
	unsigned int n_cores;
	struct stats_core core[CORES_MAX];
};

/* What is true now. Walks all peers (for `connected`). */
void stats_collect(const struct iface *i, struct stats *s);

/* The text above, without errno. Any thread. */
void stats_print(FILE *out, const struct stats *s);

/* Nanoseconds since the peer's last handshake that is good both ways, UINT64_MAX: none. */
struct peer;
uint64_t stats_handshake_age_ns(const struct peer *p);

#endif
