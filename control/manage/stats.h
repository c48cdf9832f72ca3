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
 *   routes_prefixes=N           with a LAN port only (struct routes_state): prefixes known, now
 *   routes_hosts=N              of these, neighbours on the LAN     routes_judged=N  verdicts that are known
 *   routes_resyncs=N            times that all was read anew        routes_off=WHY   only where the fast path is off
 *   port=NAME                   each DPDK device, outer and LAN; then of that device, until the next port=, core= or the end:
 *   port_role=outer             (or lan)                    port_device=0000:03:00.0 (of the conf)
 *   port_driver=net_ixgbe       port_mirror=wan0 (only where DPDK owns the device)
 *   port_numa=N (only where it is known)                    port_queues=N
 *   port_mtu=N                  port_mac=02:00:00:00:00:01
 *   port_link=up (or down)      port_speed_mbps=N (0: not known)
 *   port_offloads=rss,udp_checksum   those in use (only where there are any)
 *   port_rx_packets= port_rx_bytes= port_rx_missed= port_rx_errors= port_rx_no_mbuf= port_tx_packets= port_tx_bytes= port_tx_errors=   a line each
 *   core=CPU                    then of that core, until the next core= or the end:
 *   roles=rx,worker             or one of them
 *   outer_rx= outer_tx= inner_rx= inner_tx= lan_rx= lan_tx= host_rx= host_tx= batches= batched= sleeps= wakes=   a line each
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
#include "port.h"

struct iface;

enum { STATS_PORTS = 2 };

struct stats_ring {
	unsigned int used, size;
};

struct stats_core {
	unsigned int cpu, roles;	/* enum core_role */
	struct stats_ring fifo;		/* receiving cores */
	struct counters counters;
};

/* A DPDK device. */
struct stats_port {
	const char *role;		/* a constant: "outer", "lan" */
	char name[64];			/* what it is called here: its mirror's name, or else the device's without its arguments */
	struct port_info info;		/* but for its texts, which are these, cut to that: */
	char device[128], driver[64], mirror[16];	/* mirror "": none */
	char offloads[32];		/* in use: "rss,udp_checksum" */
};

struct stats_routes {
	uint64_t prefixes, hosts, judged, resyncs;
	char off[128];			/* why the fast path is off, cut to that; "": it is on */
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
	bool has_routes;		/* there is a LAN port */
	struct stats_routes routes;
	unsigned int n_ports;
	struct stats_port port[STATS_PORTS];
	unsigned int n_cores;
	struct stats_core core[CORES_MAX];
};

/* What is true now. Walks all peers (for `connected`). */
void stats_collect(const struct iface *i, struct stats *s);

/* The text above, without errno. Any thread. */
void stats_print(FILE *out, const struct stats *s);

/* "02:00:00:00:00:01"; returns text. Any thread. */
enum { STATS_MACLEN = 18 };
const char *stats_mac(char text[STATS_MACLEN], const struct stats_port *p);

/* Nanoseconds since the peer's last handshake that is good both ways, UINT64_MAX: none. */
struct peer;
uint64_t stats_handshake_age_ns(const struct peer *p);

#endif
