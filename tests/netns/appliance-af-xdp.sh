#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports that DPDK owns by net_af_xdp: see _appliance_path.sh

kinds="xdp xdp"
. "$(dirname "$0")/_appliance_path.sh"
