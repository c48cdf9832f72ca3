#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An endpoint given by name is looked up at the start, and again when handshakes keep failing: the peer moves, and the name with it.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
echo "10.77.0.2 server.example" >hosts
mount --bind hosts /etc/hosts
side dp 1 go server.example:51820
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf --time-scale 40
ping_ok a 192.168.77.2
[ "$(peer_of dp go endpoint)" = 10.77.0.2:51820 ]

kill_hard go
ip -n b addr add 10.77.0.33/24 dev eth0
ip -n b addr del 10.77.0.2/24 dev eth0
ip -n b addr show dev eth0 | grep -q 10.77.0.33 || ip -n b addr add 10.77.0.33/24 dev eth0
start_wggo b go.conf
echo "10.77.0.33 server.example" >hosts
wait_for 'can_ping a 192.168.77.2'
[ "$(peer_of dp go endpoint)" = 10.77.0.33:51820 ]

# to IPv6
kill_hard go
ip -n b -4 addr flush dev eth0
start_wggo b go.conf
echo "fd77::2 server.example" >hosts
wait_for 'can_ping a 192.168.77.2'
[ "$(peer_of dp go endpoint)" = '[fd77::2]:51820' ]
