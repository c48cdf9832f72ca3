#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two interfaces in one process: each with its own keys, port and peers. They come and go together.
#
#                        a: dp 192.168.77.1, dq 192.168.78.1
#                10.77.0.0/24 /                   \ 10.78.0.0/24
#          b: go 192.168.77.2                      c: gp 192.168.78.2

. "$(dirname "$0")/_init.sh"
pair
ns c
link a eth1 10.78.0.1/24 c eth0 10.78.0.2/24
keys dq gp
side dp 1 go 10.77.0.2:51820
side go 2 dp
side dq 1 gp 10.78.0.2:51820
side gp 2 dq
sed -i 's/192.168.77/192.168.78/; s/fd00:77:/fd00:78:/; s/^ListenPort.*/ListenPort = 51821/' dq.conf gp.conf
sed -i s/10.78.0.2:51820/10.78.0.2:51821/ dq.conf
start_wggo b go.conf
start_wggo c gp.conf
start_wgdp a dp.conf dq.conf
[ "${pid[dp]}" = "${pid[dq]}" ]
ping_ok a 192.168.77.2
ping_ok a 192.168.78.2
ping_ok c fd00:78::1
wait_for '[ "$(peer_of dp go rx)" = "$(peer_of go dp tx)" ]'	# (who sends counts afterwards)
wait_for '[ "$(peer_of dq gp rx)" = "$(peer_of gp dq tx)" ]'
tcp a b 192.168.77.2 4M &
first=$!
tcp a c 192.168.78.2 4M
wait $first
[ "$(port_of dp)/$(port_of dq)" = 51820/51821 ]
stop dp

# One that cannot start takes the others along.
sed -i s/51821/51820/ dq.conf
status=0
on a "$WGDP" --conf dp.conf --conf dq.conf 2>said || status=$?
[ $status = 1 ] || fail "status $status: $(cat said)"
not ip -n a link show dp 2>/dev/null
not ip -n a link show dq 2>/dev/null
