#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports that DPDK owns by net_memif, the other end of which is not DPDK's: as client in ra, as server in rb: see _appliance_path.sh

kinds="memif memif-server"
. "$(dirname "$0")/_appliance_path.sh"
