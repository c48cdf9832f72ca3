/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment: the only process-wide state there is. */
#ifndef WGDP_EAL_H
#define WGDP_EAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Starts the EAL with at least `memory` bytes for packets: on hugepages where enough of them are free, on ordinary pages otherwise.
 * Never needs a NIC. Restores the caller's CPU affinity, which the EAL narrows. False: the reason has been logged. Main thread,
 * once.
 */
bool eal_start(size_t memory);
void eal_stop(void);

#endif
