#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# FwMark: every packet that wgdp sends carries it. Only marked packets find the way to b.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
for f in -4 -6; do
	ip -n a $f rule add fwmark 0x77 table 77
	ip -n a $f rule add to "$([ $f = -4 ] && echo 10.77.0.2 || echo fd77::2)" prohibit pref 32765
done
ip -n a route add 10.77.0.0/24 dev eth0 table 77
ip -n a route add fd77::/64 dev eth0 table 77
on a ping -n -q -c 1 -W 1 10.77.0.2 >/dev/null 2>&1 && fail "the rule does not work"

for outer in v4 v6; do
	for mark in 0x77 119; do
		interface="FwMark = $mark"
		side dp 1 go "$(addr $outer 2):51820"
		interface=
		side go 2 dp
		start_wggo b go.conf
		start_wgdp a dp.conf
		ping_ok a 192.168.77.2
		ping_ok b fd00:77::1
		stop dp
		stop go
	done
	side dp 1 go "$(addr $outer 2):51820"
	start_wggo b go.conf
	start_wgdp a dp.conf
	ping_fail a 192.168.77.2
	stop dp
	stop go
done
