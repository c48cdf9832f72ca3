#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Corrupt and truncated datagrams of every type and length, from the peer's own address and port: counted, never delivered, never a
# reason to move the endpoint, and the tunnel works on. Both families outside.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
for outer in v4 v6; do
	side dp 1 go "$(addr $outer 2):51820"
	side go 2 dp
	start_wggo b go.conf
	start_wgdp a dp.conf
	ping_ok a 192.168.77.2
	capture data b eth0 -Q out "$data"
	ping_ok b 192.168.77.1
	wait_for '[ $(packets data) -ge 3 ]'
	capture_end data

	seen=$(delivered a dp) endpoint=$(peer_of dp go endpoint)
	py b garbage.py "$(addr $outer 1 | tr -d '[]')" "${pub[dp]}" data.pcap
	wait_for '[ $(drops_of dp outer_malformed) -gt 700 ]'
	wait_for '[ $(drops_of dp auth_failed) -gt 100 ]'
	wait_for '[ $(drops_of dp unknown_index) -gt 50 ]'
	[ "$(delivered a dp)" = "$seen" ]
	[ "$(peer_of dp go endpoint)" = "$endpoint" ]
	ping_ok a 192.168.77.2
	ping_ok b fd00:77::1
	tcp b a 192.168.77.1 1M
	stop dp
	stop go
done
