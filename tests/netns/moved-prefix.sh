#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A prefix that two peers claim belongs to the one that names it last; the first keeps its other prefixes.
#
#                            a: dp 10.9.1.1
#                10.77.0.0/24 /          \ 10.78.0.0/24
#               b: go 10.9.0.1            c: gp 10.9.0.1

. "$(dirname "$0")/_init.sh"
ns a b c
link a eth0 10.77.0.1/24 b eth0 10.77.0.2/24
link a eth1 10.78.0.1/24 c eth0 10.78.0.2/24
keys dp go gp
cat >dp.conf <<CONF
[Interface]
PrivateKey = ${key[dp]}
Address = 10.9.1.1/32
[Peer]
PublicKey = ${pub[go]}
AllowedIPs = 10.9.0.0/24, 10.9.2.0/24
Endpoint = 10.77.0.2:51820
[Peer]
PublicKey = ${pub[gp]}
AllowedIPs = 10.9.0.0/24
Endpoint = 10.78.0.2:51820
CONF
for i in go gp; do
	cat >$i.conf <<-CONF
	[Interface]
	PrivateKey = ${key[$i]}
	ListenPort = 51820
	Address = 10.9.0.1/32, 10.9.2.1/32
	[Peer]
	PublicKey = ${pub[dp]}
	AllowedIPs = 10.9.1.1/32
	CONF
done
start_wggo b go.conf
start_wggo c gp.conf
start_wgdp a dp.conf
[ "$(peer_of dp go allowed)" = 10.9.2.0/24 ]
[ "$(peer_of dp gp allowed)" = 10.9.0.0/24 ]
ping_ok a 10.9.0.1
[ "$(peer_of dp go tx)" = 0 ]
ping_ok a 10.9.2.1
[ "$(peer_of dp go tx)" -gt 0 ]
