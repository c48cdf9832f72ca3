#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# WireGuard's own idiom: the interface is moved to another namespace, its sockets stay in the one that wgdp was started in.
#
#    c: dp 192.168.77.1 ~~~ moved from ~~~ a  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
ns c
side dp 1 go 10.77.0.2:51820
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf
ping_ok a 192.168.77.2

ip -n a link set dp netns c
where[dp]=c
ip -n c addr add 192.168.77.1/24 dev dp
ip -n c addr add fd00:77::1/64 dev dp
ip -n c link set dp up
ping_ok c 192.168.77.2
ping_ok b fd00:77::1
tcp c b 192.168.77.2 1M
[ -z "$(on c ss -Huln)" ]
on a ss -Huln | grep -q :51820
[ -z "$(ip -n c -o addr | grep eth0)" ]
stop dp
