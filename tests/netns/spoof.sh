#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nested prefixes: 10.0.0.0/24 is peer b's, but 10.0.0.7 in it is peer c's. Packets go to the peer with the longest match, and are
# taken from that peer alone: b may not use 10.0.0.7, nor c anything else. The same in IPv6.
#
#                            a: dp 10.0.1.1 fd00:1::1
#                10.77.0.0/24 /                   \ 10.78.0.0/24
#      b: go 10.0.0.8 fd00:0::8                     c: gp 10.0.0.7 fd00:0::7

. "$(dirname "$0")/_init.sh"
ns a b c
link a eth0 10.77.0.1/24 b eth0 10.77.0.2/24
link a eth1 10.78.0.1/24 c eth0 10.78.0.2/24
keys dp go gp

cat >dp.conf <<CONF
[Interface]
PrivateKey = ${key[dp]}
ListenPort = 51820
Address = 10.0.1.1/32, fd00:1::1/128
[Peer]
PublicKey = ${pub[gp]}
AllowedIPs = 10.0.0.7/32, fd00::7/128
Endpoint = 10.78.0.2:51820
[Peer]
PublicKey = ${pub[go]}
AllowedIPs = 10.0.0.0/24, fd00::/64
Endpoint = 10.77.0.2:51820
CONF
# peer IF HOST ENDPOINT: each peer has its own address, and steals the other one's
peer() {
	cat >"$1.conf" <<-CONF
	[Interface]
	PrivateKey = ${key[$1]}
	ListenPort = 51820
	Address = 10.0.0.7/32, 10.0.0.8/32, fd00::7/128, fd00::8/128
	[Peer]
	PublicKey = ${pub[dp]}
	AllowedIPs = 10.0.1.0/24, fd00:1::/64
	Endpoint = $2:51820
	CONF
}
peer go 10.77.0.1
peer gp 10.78.0.1
start_wgdp a dp.conf
start_wggo b go.conf
start_wggo c gp.conf

ping_ok b -I 10.0.0.8 10.0.1.1
ping_ok b -I fd00::8 fd00:1::1
ping_ok c -I 10.0.0.7 10.0.1.1
ping_ok c -I fd00::7 fd00:1::1
[ "$(drops_of dp unallowed_src)" = 0 ]

seen=$(delivered a dp)
ping_fail b -I 10.0.0.7 10.0.1.1
ping_fail b -I fd00::7 fd00:1::1
wait_for 'logged dp "Packet has unallowed src IP from peer $(short go)"'
wait_for '[ $(drops_of dp unallowed_src) = 4 ]'
ping_fail c -I 10.0.0.8 10.0.1.1
ping_fail c -I fd00::8 fd00:1::1
wait_for '[ $(drops_of dp unallowed_src) = 8 ]'
[ "$(delivered a dp)" = "$seen" ]

# outbound: each address to its peer
before=$(peer_of dp gp tx)
ping_ok a 10.0.0.8
ping_ok a fd00::8
[ "$(peer_of dp gp tx)" = "$before" ]
before=$(peer_of dp go tx)
ping_ok a 10.0.0.7
ping_ok a fd00::7
[ "$(peer_of dp go tx)" = "$before" ]
