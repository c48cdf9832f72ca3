#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Our own public key as a peer is ignored, as every WireGuard does; the other peers are not.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
cat >>dp.conf <<CONF
[Peer]
PublicKey = ${pub[dp]}
AllowedIPs = 192.168.99.0/24
Endpoint = 10.77.0.1:51820
PersistentKeepalive = 1
CONF
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf
ping_ok a 192.168.77.2
status dp >status
[ "$(grep -c '^peer: ' status)" = 1 ]
not grep -F "peer: ${pub[dp]}" status
[ -z "$(ip -n a route show 192.168.99.0/24)" ]
