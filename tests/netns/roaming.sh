#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Either side changes its address, its port and its family: the other one follows the first authenticated packet.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
side go 2 dp 10.77.0.1:51820
start_wggo b go.conf
start_wgdp a dp.conf
ping_ok a 192.168.77.2

# moved IF PEER ENDPOINT NS ADDR: a packet from NS to ADDR makes IF see PEER at ENDPOINT; then the tunnel works both ways
moved() {
	wait_for "can_ping $4 $5 && [ \"\$(peer_of $1 $2 endpoint)\" = '$3' ]" 12	# (after 15 s it would be by a handshake)
	ping_ok a 192.168.77.2
	ping_ok b fd00:77::1
}

# at ADDR: where wireguard-go sends to. It also makes it forget the source address that it keeps; only after 15 seconds it would itself.
at() { wg set go peer "${pub[dp]}" endpoint "$1:51820"; }

# the peer's address
ip -n b addr add 10.77.0.22/24 dev eth0
ip -n b addr del 10.77.0.2/24 dev eth0
ip -n b addr show dev eth0 | grep -q 10.77.0.22 || ip -n b addr add 10.77.0.22/24 dev eth0
at 10.77.0.1
moved dp go 10.77.0.22:51820 b 192.168.77.1

# its port
wg set go listen-port 51900
moved dp go 10.77.0.22:51900 b 192.168.77.1

# IPv4 to IPv6, another address there, and back
at '[fd77::1]'
moved dp go '[fd77::2]:51900' b 192.168.77.1
ip -n b addr add fd77::22/64 dev eth0
ip -n b addr del fd77::2/64 dev eth0
at '[fd77::1]'
moved dp go '[fd77::22]:51900' b 192.168.77.1
at 10.77.0.1
moved dp go 10.77.0.22:51900 b 192.168.77.1

# wgdp's own address goes away
ip -n a addr add 10.77.0.11/24 dev eth0
ip -n a addr del 10.77.0.1/24 dev eth0
ip -n a addr show dev eth0 | grep -q 10.77.0.11 || ip -n a addr add 10.77.0.11/24 dev eth0
moved go dp 10.77.0.11:51820 a 192.168.77.2
