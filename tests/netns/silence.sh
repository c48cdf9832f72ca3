#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A peer that falls silent: 15 seconds after data that nothing answers comes a new initiation, then one every 5 seconds, each
# announced in the log, and after 90 seconds no more. (1.9, 0.6 and 11 here: wgdp's timers run 8 times faster.) The next packet
# starts over.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf --time-scale 8
ping_ok a 192.168.77.2
capture out a eth0 src 10.77.0.1
kill -STOP "${pid[go]}"
ip netns exec a ping -n -q -i 0.02 -c 150 192.168.77.2 >/dev/null &	# traffic that goes on does not put it off
wait_for '[ $(packets out "$initiation") -ge 1 ]'
wait_for 'logged dp "Handshake for peer $(short go) did not complete after 5 seconds, retrying"'

# As many as it says, and then no more for 2 seconds, which is time for three.
wait_for 'logged dp "attempts, giving up"'
n=$(sed -n 's/.*Handshake for peer .* did not complete after \([0-9]*\) attempts, giving up$/\1/p' dp.conf.log)
wait_for '[ $(packets out "$initiation") -ge $n ]'
sleep 2
[ "$(packets out "$initiation")" = "$n" ]
[ "$n" -ge 10 ] && [ "$n" -le 25 ] || fail "$n initiations"

kill -CONT "${pid[go]}"
wait_for 'can_ping a 192.168.77.2'
