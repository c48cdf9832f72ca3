#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A server with two addresses of each family answers from the one that was hit. When that address goes away, it uses what is there.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64 (a: .1 and .101)  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
ip -n a addr add 10.77.0.101/24 dev eth0
ip -n a addr add fd77::101/64 dev eth0
on a sysctl -qw net.ipv4.conf.all.promote_secondaries=1
side dp 1 go
for to in 10.77.0.101 10.77.0.1 '[fd77::101]' '[fd77::1]'; do
	side go 2 dp "$to:51820"
	start_wgdp a dp.conf
	start_wggo b go.conf
	capture from a eth0 -Q out udp
	ping_ok b 192.168.77.1
	ping_ok a fd00:77::2
	wait_for '[ $(packets from) -ge 7 ]'
	capture_end from
	[ "$(packets from not src host "$(tr -d '[]' <<<"$to")")" = 0 ]
	[ "$(peer_of go dp endpoint)" = "$to:51820" ]
	[ "$to" = '[fd77::1]' ] || { stop dp; stop go; }
done

wg set go peer "${pub[dp]}" endpoint 10.77.0.101:51820
ping_ok b 192.168.77.1
ip -n a addr del 10.77.0.101/24 dev eth0
wait_for 'can_ping a 192.168.77.2'
[ "$(peer_of go dp endpoint)" = 10.77.0.1:51820 ]
