#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# TCP through the tunnel, compared by its hash: both directions x family outside x family inside, then both directions at once.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair

for outer in v4 v6; do
	side dp 1 go "$(addr $outer 2):51820"
	side go 2 dp
	start_wggo b go.conf
	start_wgdp a dp.conf
	for inner in v4 v6; do
		tcp a b "$(inside $inner 2)" 8M
		tcp b a "$(inside $inner 1)" 8M
		interop wireguard-go wgdp $outer $inner "TCP by hash"
	done
	tcp a b "$(inside v4 2)" 16M &
	other=$!
	tcp b a "$(inside v6 1)" 16M
	wait $other
	[ "$(drops_of dp replayed)" = 0 ]
	[ "$(drops_of dp auth_failed)" = 0 ]
	stop dp
	stop go
done
