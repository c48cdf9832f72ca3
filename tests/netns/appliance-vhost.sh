#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Ports that DPDK owns by net_virtio_user, the other end of which is DPDK's vhost-user in dpdk-testpmd: see _appliance_path.sh

kinds="vhost packet"
. "$(dirname "$0")/_appliance_path.sh"
