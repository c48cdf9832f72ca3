#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Linux kernel as the peer: who initiates x the family outside x the family of the first packet inside; then preshared keys, and TCP
# by hash.

. "$(dirname "$0")/_init.sh"
boot

for outer in v4 v6; do
	for inner in v4 v6; do
		for initiator in wgdp peer; do
			if [ $initiator = wgdp ]; then
				peer
				side dp 1 wg0 "$(addr $outer 2):51820"
				start_wgdp a dp.conf
				ping_ok a "$(inside $inner 2)"
			else
				side dp 1 wg0
				start_wgdp a dp.conf
				peer "$(addr $outer 1):51820"
				guest_ping_ok "$(inside $inner 1)"
			fi
			ping_ok a "$(inside v4 2)"
			ping_ok a "$(inside v6 2)"
			[ "$(peer_of dp wg0 endpoint)" = "$(addr $outer 2):51820" ]
			# what one side counts as sent, the other counts as received
			[ "$(peer_of dp wg0 rx)" = "$(peer_of wg0 dp tx)" ]
			[ "$(peer_of dp wg0 tx)" = "$(peer_of wg0 dp rx)" ]
			stop dp
			interop Linux $initiator $outer $inner ping
		done
	done
done

psk=$(wg genpsk)
for initiator in wgdp peer; do
	for theirs in "$psk" "$(wg genpsk)"; do
		if [ $initiator = wgdp ]; then
			peer "" "$theirs"
			side dp 1 wg0 10.77.0.2:51820 "PresharedKey = $psk"
			start_wgdp a dp.conf
			[ "$theirs" = "$psk" ] && ping_ok a 192.168.77.2 || ping_fail a 192.168.77.2
		else
			side dp 1 wg0 "" "PresharedKey = $psk"
			start_wgdp a dp.conf
			peer 10.77.0.1:51820 "$theirs"
			if [ "$theirs" = "$psk" ]; then guest_ping_ok 192.168.77.1; else not guest 'ping -q -c 1 -W 1 192.168.77.1' >/dev/null; fi
		fi
		[ "$theirs" = "$psk" ] || [ "$(delivered a dp)" = 0 ]
		stop dp
	done
	interop Linux $initiator v4 v4 "preshared key"
done

for outer in v4 v6; do
	peer
	side dp 1 wg0 "$(addr $outer 2):51820"
	start_wgdp a dp.conf
	for inner in v4 v6; do
		guest_tcp $inner 2M
		interop Linux wgdp $outer $inner "TCP by hash"
	done
	stop dp
done
