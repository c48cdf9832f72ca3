#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A tunnel to wireguard-go: who initiates x the family outside x the family of the first packet inside. All the pings are
# answered, the first among them: it waits for the handshake and is not lost.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair

for outer in v4 v6; do
	for inner in v4 v6; do
		for initiator in wgdp peer; do
			side dp 1 go "$(addr $outer 2):51820"
			side go 2 dp "$(addr $outer 1):51820"
			start_wggo b go.conf
			start_wgdp a dp.conf
			if [ $initiator = wgdp ]; then
				ping_ok a "$(inside $inner 2)"
				ping_ok b "$(inside $inner 1)"
			else
				ping_ok b "$(inside $inner 1)"
				ping_ok a "$(inside $inner 2)"
			fi
			ping_ok a "$(inside v4 2)"
			ping_ok a "$(inside v6 2)"
			# what one side counts as sent (once it has sent it), the other counts as received
			wait_for '[ "$(peer_of dp go rx)" = "$(peer_of go dp tx)" ]'
			wait_for '[ "$(peer_of dp go tx)" = "$(peer_of go dp rx)" ]'
			[ "$(peer_of dp go age)" -le 60 ]
			[ "$(peer_of dp go endpoint)" = "$(addr $outer 2):51820" ]
			stop dp
			stop go
			interop wireguard-go $initiator $outer $inner ping
		done
	done
done
