#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both sides initiate at the same moment, again and again: whichever handshakes win, every ping of both sides is answered.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go, then dq (wgdp) 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
keys dq

for other in go dq; do
	side dp 1 $other 10.77.0.2:51820
	side $other 2 dp 10.77.0.1:51820
	for i in 1 2 3 4 5; do
		start_wgdp a dp.conf
		if [ $other = go ]; then start_wggo b go.conf; else start_wgdp b dq.conf; fi
		capture both a eth0
		ping_ok a 192.168.77.2 &
		ping=$!
		ping_ok b 192.168.77.1
		wait $ping
		ping_ok a fd00:77::2
		wait_for '[ $(packets both "$initiation") -ge 1 ]'
		capture_end both
		stop $other
		stop dp
	done
done
