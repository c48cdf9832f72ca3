#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# MTUs from 1280 to 9000: the largest packet passes unfragmented, one byte more does not, and no padding makes the outer packet larger
# than it must be: the link below carries exactly the tunnel's MTU and 80 bytes, which is what IPv6 outside takes.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair 9080

for mtu in 1280 1420 1423 4000 9000; do
	ip -n a link set eth0 mtu $((mtu + 80))
	ip -n b link set eth0 mtu $((mtu + 80))
	interface="MTU = $mtu"
	side dp 1 go '[fd77::2]:51820'
	side go 2 dp
	start_wggo b go.conf
	capture fragments b eth0 ip6[6] = 44 or 'ip[6:2] & 0x3fff != 0'
	start_wgdp a dp.conf
	ping_ok a -M do -s $((mtu - 28)) 192.168.77.2
	ping_ok a -M do -s $((mtu - 48)) fd00:77::2
	ping_ok b -M do -s $((mtu - 28)) 192.168.77.1
	ping_ok b -M do -s $((mtu - 48)) fd00:77::1
	ping_fail a -M do -s $((mtu - 27)) 192.168.77.2
	ping_ok a -s $((mtu + 1000)) 192.168.77.2
	tcp a b 192.168.77.2 2M
	tcp b a fd00:77::1 2M
	[ "$(drops_of dp tx_too_big)" = 0 ]
	capture_end fragments
	[ "$(packets fragments)" = 0 ]
	stop dp
	stop go
done

# Without MTU: what the route to the endpoint carries, less 80.
interface=
for link in 1500 1400 9080; do
	ip -n a link set eth0 mtu $link
	side dp 1 go 10.77.0.2:51820
	start_wgdp a dp.conf
	[ "$(on a cat /sys/class/net/dp/mtu)" = $((link - 80)) ]
	stop dp
done
