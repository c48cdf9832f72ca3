#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Either side is killed and started again, without a word to the other: the tunnel comes back. Then wgdp, ended properly.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
side go 2 dp 10.77.0.1:51820
start_wggo b go.conf
start_wgdp a dp.conf --time-scale 5
ping_ok a 192.168.77.2

# the peer: wgdp notices its silence, and shakes hands again
kill_hard go
start_wggo b go.conf
wait_for 'can_ping a 192.168.77.2' 25	# long before the old session ends, at 36
ping_ok b 192.168.77.1

# the peer initiates while wgdp still has the old session
kill_hard go
start_wggo b go.conf
ping_ok b 192.168.77.1

# wgdp: the interface goes with the process
kill_hard dp
wait_for "not ip -n a link show dp"
start_wgdp a dp.conf --time-scale 5
ping_ok a fd00:77::2
ping_ok b fd00:77::1

stop dp INT
start_wgdp a dp.conf
ping_ok a 192.168.77.2
