/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `wgdp show` prints.
 *
 * As JSON: {"interfaces": [INTERFACE ...]}, where bytes, packets and ticks count from the process's start, unless "now" is said.
 *
 *   INTERFACE  name, public_key (base64 or null), private_key (true: there is one), listen_port, fwmark (0: none), peers [PEER ...],
 *              dataplane (DATAPLANE, or null: the process is not wgdp)
 *   PEER       public_key, name (that the file of its process gives it, or null; escaped where it is not ASCII),
 *              preshared_key (true: there is one), endpoint ("192.0.2.1:51820" or null), allowed_ips ["10.0.0.0/8" ...],
 *              latest_handshake (seconds since 1970, or null), rx_bytes, tx_bytes, persistent_keepalive (seconds, 0: off);
 *              the most recent handshake first
 *   DATAPLANE  version, pid, up (true: not administratively down), uptime_ns, mtu, outer, aead, tsc_hz (ticks a second),
 *              peers, connected (handshake under 180 s old), allowed_ips, staged (packets that wait for a session): all now;
 *              packets {outer_rx, outer_tx, inner_rx, inner_tx, lan_rx, lan_tx, host_rx, host_tx}, drops {REASON: packets},
 *              control {COUNTER: times}, rings {NAME: {used, size}} now, ports [PORT ...] (DPDK's devices), routes (ROUTES, or null: there is no
 *              LAN port), cores [CORE ...]; lan_: by the fast path, into the tunnel and out of it; host_: frames from the host, and to it
 *   PORT       name, role ("outer", "lan"), device, driver, mirror (the host's interface, or null: the host keeps the netdev), numa (node, or
 *              null), queues, mtu, mac, link ("up", "down"), speed_mbps (or null: not known), offloads ["rss", "udp_checksum"] (those in use),
 *              rx_packets, rx_bytes, rx_missed (the queues were full), rx_errors, rx_no_mbuf, tx_packets, tx_bytes, tx_errors: since the device was
 *              started
 *   ROUTES     prefixes, hosts (neighbours among them), judged (of which the kernel's verdict is known): now; resyncs (all was read anew),
 *              off (why there is no fast path, or null: there is)
 *   CORE       cpu, roles ["rx", "worker"], load (0 to 1, since the start), outer_rx and so on as in packets, batches, batched, sleeps, wakes,
 *              fifo ({used, size} now, or null), stages {STAGE: ticks}, drops {REASON: packets} (those that are not 0)
 */
#ifndef WGDP_SHOW_H
#define WGDP_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "remote.h"

/* As wg(8) orders peers: the most recent handshake first, others as they came. */
void show_sort_peers(struct remote_iface *i);

/* As `wg show` has it, then what wgdp counts. `now`: seconds since 1970. */
void show_text(FILE *out, const struct remote_iface *i, uint64_t now, bool colours);

/* The object above, and a newline. False: `out` does not take it. Without memory the process ends. */
bool show_json(FILE *out, const struct remote_iface *ifaces, size_t n);

#endif
