/* SPDX-License-Identifier: BSD-3-Clause */
/* Between telemetry.c, which has the snapshots, and telemetry_commands.c, which shows them. */
#ifndef WGDP_TELEMETRY_INTERNAL_H
#define WGDP_TELEMETRY_INTERNAL_H

#include "snapshot.h"

/* A snapshot under a second old; NULL: the process is about to end, or too busy. May wait for it. DPDK's threads. */
struct snapshot *telemetry_ask(void);
void telemetry_put(struct snapshot *s);

/* Registers the commands with DPDK. Once. */
void telemetry_register(void);

#endif
