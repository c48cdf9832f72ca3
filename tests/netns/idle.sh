#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One question, one answer, and then nothing: who was answered last owes a keepalive after 10 seconds, so that nobody has to shake hands again
# after 15. (At their own pace: 5 seconds between the two are enough for any machine.)
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: dq (a second wgdp) 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
keys dq

# keepalives: how many came after the answer. (They have 32 bytes of WireGuard, nothing inside, the ping and its answer 128; an empty one before them
# confirms the session or was not needed.)
keepalives() {
	tcpdump -n -r both.pcap "$data" 2>/dev/null | awk '/length 128$/ { n++ } /length 32$/ && n >= 2 { k++ } END { print k + 0 }'
}

side dp 1 dq 10.77.0.2:51820
side dq 2 dp
start_wgdp b dq.conf
start_wgdp a dp.conf
capture both a eth0
on a ping -n -q -c 1 -W 10 192.168.77.2 >/dev/null
wait_for '[ $(keepalives) -ge 1 ]'
sleep 7
capture_end both
[ "$(packets both "$initiation")" = 1 ]
[ "$(packets both "udp[4:2] = 136")/$(keepalives)" = 2/1 ]
