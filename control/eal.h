/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment: the only process-wide state there is. */
#ifndef WGDP_EAL_H
#define WGDP_EAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Starts the EAL with at least `memory` bytes for packets: on hugepages where enough of them are free, on ordinary
 * pages otherwise. NICs, by their PCI addresses among the `n` devices (strings as in struct conf), become DPDK ports
 * here and need the former; other devices are only looked at, since some want the memory to be of a kind (eal_plan.h).
 * Restores the caller's CPU affinity, which the EAL narrows. False: the reasons have been logged, each with what mends
 * it. Main thread, once.
 *
 * From then on DPDK's telemetry socket is /var/run/dpdk/wgdp-NAME/dpdk_telemetry.v2 (with :1 and so on behind it where
 * another process has that), for root only; with systemd's RuntimeDirectory=, in that. It is answered by threads of
 * DPDK's.
 */
bool eal_start(size_t memory, const char *name, const char *const *devices, size_t n);

/*
 * Also ends the threads that answer telemetry, and removes what DPDK leaves in the file system but /var/run/dpdk itself. After eal_start,
 * whatever it said.
 */
void eal_stop(void);

#endif
