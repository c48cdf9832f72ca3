#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The site-to-site network of "WireGuard on FreeBSD Quick Look", from conf/examples/site1.conf and site2.conf: host to host through
# wgdp on both routers, then with wireguard-go on one. What r1 sees of a ping is UDP of length 128, without its pattern.
#
#   vpnh1 --- 192.168.1.0/24 --- vpnr1 --- 172.31.1.0/24 --- r1 --- 172.31.2.0/24 --- vpnr2 --- 192.168.2.0/24 --- vpnh2
#     .11                      .1    .11                   .1  .1                   .11    .1                      .11
#                                site1 192.168.222.1 ~~~~~~~~~~~~~~~~~ site2 192.168.222.2

. "$(dirname "$0")/_init.sh"
ns vpnh1 vpnr1 r1 vpnr2 vpnh2
link vpnh1 vri1_vpnh1 192.168.1.11/24 vpnr1 vri1_vpnr1 192.168.1.1/24
link vpnr1 vi1_vpnr1 172.31.1.11/24 r1 vi1_r1 172.31.1.1/24
link r1 vi2_r1 172.31.2.1/24 vpnr2 vi2_vpnr2 172.31.2.11/24
link vpnr2 vri2_vpnr2 192.168.2.1/24 vpnh2 vri2_vpnh2 192.168.2.11/24
ip -n vpnh1 route add default via 192.168.1.1
ip -n vpnr1 route add default via 172.31.1.1
ip -n vpnr2 route add default via 172.31.2.1
ip -n vpnh2 route add default via 192.168.2.1
router vpnr1 r1 vpnr2
for i in site1 site2; do
	install -m 600 "$top/conf/examples/$i.conf" .
	key[$i]=$(values $i.conf PrivateKey) pub[$i]=$(wg pubkey <<<"${key[$i]}")
done

for second in wgdp wggo; do
	start_wgdp vpnr1 site1.conf
	start_$second vpnr2 site2.conf
	ping_ok vpnh1 192.168.2.11
	ping_ok vpnh2 192.168.1.11
	ping_ok vpnr1 192.168.222.2
	ping_ok vpnh2 192.168.222.1
	capture tunnel r1 vi1_r1
	on vpnh1 ping -n -q -c 1 -W 5 -p 504c41494e 192.168.2.11 >/dev/null
	wait_for '[ $(packets tunnel) -ge 2 ]'
	capture_end tunnel
	[ "$(packets tunnel "$data and udp[4:2] = 136")" = 2 ]
	[ "$(packets tunnel icmp)" = 0 ]
	not grep -qa PLAIN tunnel.pcap
	wait_for '[ "$(peer_of site1 site2 rx)" = "$(peer_of site2 site1 tx)" ]'	# (who sends counts afterwards)
	wait_for '[ "$(peer_of site1 site2 tx)" = "$(peer_of site2 site1 rx)" ]'
	tcp vpnh1 vpnh2 192.168.2.11 8M
	tcp vpnh2 vpnh1 192.168.1.11 8M
	stop site2
	stop site1
done
