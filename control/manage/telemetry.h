/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The counters on DPDK's telemetry socket, for dpdk-telemetry.py -f wgdp-NAME (NAME: the process's first interface):
 *
 *   /wgdp/interfaces          their names
 *   /wgdp/stats,NAME          what the interface is, its rings and buffers, packets, routes of the fast path, and what the control thread counts
 *   /wgdp/cores,NAME[,CPU]    each core's counters, as columns; with CPU: all of one core
 *   /wgdp/ports,NAME[,PORT]   the DPDK devices, outer and LAN, as columns; with PORT (wan0): all of one
 *   /wgdp/drops,NAME          packets dropped, by reason
 *   /wgdp/peers,NAME          how many, and how many connected
 *
 * NAME may be left out where there is only one interface. An unknown one is answered with null.
 *
 * DPDK answers each client in a thread of its own, where nothing of an interface may be touched. So that thread asks, waits, and shows a
 * snapshot (snapshot.h), which the control thread takes at most once a second, and only when asked. A client can make neither wait for it.
 * What DPDK keeps in the process (commands have no argument and are registered for good) makes this the second module with global state.
 */
#ifndef WGDP_TELEMETRY_H
#define WGDP_TELEMETRY_H

#include "loop.h"

struct iface;
struct telemetry;

/* Registers the commands. After eal_start; once at a time. NULL: no descriptor, or no memory (errno). Control thread. */
struct telemetry *telemetry_create(struct loop *l);

/* Who waits for an answer gets null. Before eal_stop. NULL is allowed. Control thread. */
void telemetry_destroy(struct telemetry *t);

/* Shows the interface, which is whole (its data path is there). 0, or -ENOMEM. Control thread. */
int telemetry_add(struct telemetry *t, const struct iface *i);

/* Before the interface goes. One that was not added is fine. Control thread. */
void telemetry_remove(struct telemetry *t, const struct iface *i);

#endif
