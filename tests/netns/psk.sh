#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A preshared key: the right one makes a tunnel, whoever initiates; a wrong one, or one on one side only, makes none.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
right=$(wg genpsk) wrong=$(wg genpsk)

# with DP_LINE GO_LINE: starts both
with() {
	side dp 1 go 10.77.0.2:51820 "$1"
	side go 2 dp 10.77.0.1:51820 "$2"
	start_wggo b go.conf
	start_wgdp a dp.conf
}

for initiator in wgdp peer; do
	if [ $initiator = wgdp ]; then from=a to=192.168.77.2; else from=b to=192.168.77.1; fi

	with "PresharedKey = $right" "PresharedKey = $right"
	ping_ok $from $to
	interop wireguard-go $initiator v4 v4 "preshared key"
	stop dp
	stop go

	for other in "PresharedKey = $wrong" "# none"; do
		with "PresharedKey = $right" "$other"
		ping_fail $from $to
		[ -z "$(peer_of dp go age)" ]
		[ "$(delivered a dp)" = 0 ]
		stop dp
		stop go
	done
done
