#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# NetBSD's wg(4): a stationary server with a LAN behind it and a roaming client, a preshared key, both families, the server at port 1234.
# A is wgdp and B is wireguard-go, then the other way around.
#
#   lan ---- 10.1.0.0/24, fd00:1::/64 ---- A ---- 192.0.2.0/24 ---- net ---- 198.51.100.0/24 ---- B
#                                          wg0 10.2.0.1 fd00:2::1             wg0 10.2.0.42 fd00:2::42

. "$(dirname "$0")/_init.sh"
ns lan A net B
link lan eth0 10.1.0.2/24,fd00:1::2/64 A wm1 10.1.0.1/24,fd00:1::1/64
link A wm0 192.0.2.123/24 net left 192.0.2.1/24
link net right 198.51.100.1/24 B bge0 198.51.100.45/24
ip -n lan route add default via 10.1.0.1
ip -n lan route add default via fd00:1::1
ip -n A route add default via 192.0.2.1
ip -n B route add default via 198.51.100.1
router A net
psk=$(wg genpsk)
keys wgA wgB

cat >wgA.conf <<CONF
[Interface]
PrivateKey = ${key[wgA]}
ListenPort = 1234
Address = 10.2.0.1/24, fd00:2::1/64
[Peer]
PublicKey = ${pub[wgB]}
PresharedKey = $psk
AllowedIPs = 10.2.0.42/32, fd00:2::42/128
CONF
cat >wgB.conf <<CONF
[Interface]
PrivateKey = ${key[wgB]}
Address = 10.2.0.42/24, fd00:2::42/64
[Peer]
PublicKey = ${pub[wgA]}
PresharedKey = $psk
AllowedIPs = 10.2.0.1/32, fd00:2::1/128, 10.1.0.0/24, fd00:1::/64
Endpoint = 192.0.2.123:1234
CONF

for server in wgdp wggo; do
	if [ $server = wgdp ]; then start_wgdp A wgA.conf; start_wggo B wgB.conf; else start_wggo A wgA.conf; start_wgdp B wgB.conf; fi
	for addr in 10.2.0.1 fd00:2::1 10.1.0.1 fd00:1::1 10.1.0.2 fd00:1::2; do ping_ok B $addr; done
	ping_ok lan 10.2.0.42
	ping_ok lan fd00:2::42
	tcp B lan 10.1.0.2 2M
	tcp lan B fd00:2::42 2M

	# B roams
	ip -n B addr add 198.51.100.77/24 dev bge0
	ip -n B addr del 198.51.100.45/24 dev bge0
	ip -n B addr replace 198.51.100.77/24 dev bge0
	ip -n B route replace default via 198.51.100.1
	# wireguard-go keeps its source address for 15 seconds; being told the endpoint again, it forgets it
	[ ${kind[wgB]} = wgdp ] || wg set wgB peer "${pub[wgA]}" endpoint 192.0.2.123:1234
	wait_for 'can_ping B 10.2.0.1'
	ping_ok lan 10.2.0.42
	wait_for 'peer_of wgA wgB endpoint | found ^198.51.100.77:'
	stop wgB
	stop wgA
	ip -n B addr add 198.51.100.45/24 dev bge0
	ip -n B addr del 198.51.100.77/24 dev bge0
	ip -n B addr replace 198.51.100.45/24 dev bge0
	ip -n B route replace default via 198.51.100.1
done
