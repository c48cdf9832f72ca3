#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Captured packets are sent once more, from the same address: `replayed` is counted for each, nothing is delivered, and the endpoint
# stays. Then the packets of an older session: nobody knows them.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf
ping_ok a 192.168.77.2
capture data b eth0 src 10.77.0.2 and "$data"
ping_ok b 192.168.77.1
wait_for '[ $(packets data) -ge 3 ]'
capture_end data
n=$(packets data)

seen=$(delivered a dp) rx=$(peer_of dp go rx)
py b replay.py eth0 data.pcap
wait_for "[ \$(drops_of dp replayed) = $n ]"
py b replay.py eth0 data.pcap
wait_for "[ \$(drops_of dp replayed) = $((2 * n)) ]"
[ "$(delivered a dp)" = "$seen" ]
# (a keepalive, of 32 bytes, may be due; go has no more to say)
case $(($(peer_of dp go rx) - rx)) in 0 | 32) ;; *) fail "received $rx bytes, then $(peer_of dp go rx)" ;; esac

# from another address: counted too, and no reason to move there
py b replay.py eth0 data.pcap 10.77.0.99
wait_for "[ \$(drops_of dp replayed) = $((3 * n)) ]"
[ "$(peer_of dp go endpoint)" = 10.77.0.2:51820 ]

stop dp
start_wgdp a dp.conf
ping_ok a 192.168.77.2
seen=$(delivered a dp) before=$(drops_of dp unknown_index)	# of go's own, sent before it had the new session
py b replay.py eth0 data.pcap
wait_for "[ \$(drops_of dp unknown_index) = $((before + n)) ]"
[ "$(delivered a dp)" = "$seen" ]
