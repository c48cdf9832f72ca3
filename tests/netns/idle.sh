#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One question, one answer, and then nothing: who was answered last owes a keepalive after 10 seconds (0.5 here: timers run 20 times
# faster), so that nobody has to shake hands again after 15.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: dq (a second wgdp) 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
keys dq
empty="udp[4:2] = 40 and $data"		# 32 bytes of WireGuard: nothing inside
side dp 1 dq 10.77.0.2:51820
side dq 2 dp
start_wgdp b dq.conf --time-scale 20
start_wgdp a dp.conf --time-scale 20
capture both a eth0
on a ping -n -q -c 1 -W 10 192.168.77.2 >/dev/null
# The first empty one confirms the session or was not needed; a ping has 128 bytes.
wait_for '[ $(packets both "udp[4:2] = 136") = 2 ]'
before=$(packets both "$empty")
wait_for '[ $(packets both "$empty") -gt $before ]'
sleep 2		# forty seconds of theirs
capture_end both
[ "$(packets both "$initiation")" = 1 ]
[ "$(packets both "$empty")" = $((before + 1)) ]
