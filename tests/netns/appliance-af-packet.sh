#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports that DPDK owns by net_af_packet: see _appliance_path.sh

kinds="packet packet"
. "$(dirname "$0")/_appliance_path.sh"
