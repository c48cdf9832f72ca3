#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Persistent keepalives of either side keep a tunnel without traffic alive; who only receives sends a passive keepalive after
# 10 seconds (1.25 here: wgdp's timers run 8 times faster), one for each time it has received.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
empty="udp[4:2] = 40 and $data"		# 32 bytes of WireGuard: nothing inside

side dp 1 go 10.77.0.2:51820 "PersistentKeepalive = 1"
side go 2 dp
start_wggo b go.conf
capture dp b eth0 udp and src 10.77.0.1
start_wgdp a dp.conf
wait_for '[ $(packets dp "$empty") -ge 3 ]'
capture_end dp
[ "$(packets dp)" = $(($(packets dp "$empty") + $(packets dp "$initiation"))) ]
stop dp
stop go

side dp 1 go
side go 2 dp 10.77.0.1:51820 "PersistentKeepalive = 1"
start_wgdp a dp.conf
start_wggo b go.conf
wait_for '[ "$(peer_of dp go rx)" -ge $((148 + 3 * 32)) ]'
[ "$(peer_of dp go tx)" = 92 ]
stop dp
stop go

side dp 1 go 10.77.0.2:51820
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf --time-scale 8
ip netns exec a nc -d -u -l 192.168.77.1 9 >/dev/null &
wait_for 'on a ss -Hunl "sport = 9" | grep -q .'
capture passive b eth0 src 10.77.0.1
ping_ok a 192.168.77.2
wait_for 'tcpdump -n -r passive.pcap "$data" | tail -n 1 | found "length 32$"'	# for the last answer
sleep 2			# nothing is owed any more
before=$(packets passive "$empty")
for n in 1 2 3; do
	echo hello | on b nc -u -q 0 192.168.77.1 9
	wait_for '[ $(packets passive "$empty") = $((before + n)) ]'
done
