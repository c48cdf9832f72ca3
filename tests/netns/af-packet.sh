#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Outer = net_af_packet0,iface=eth0: see _ethdev.sh

device=net_af_packet0,iface=eth0
. "$(dirname "$0")/_ethdev.sh"
