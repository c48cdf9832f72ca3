#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports that DPDK owns by net_memif, the other end of which is DPDK's own in dpdk-testpmd: see _appliance_path.sh

kinds="testpmd memif"
. "$(dirname "$0")/_appliance_path.sh"
