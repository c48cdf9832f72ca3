#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Congestion marks by RFC 6040, both families outside: the outer packet carries the inner one's ECN field and nothing else of its TOS;
# a mark made on the way shows inside, and a packet that cannot carry it is dropped. Handshakes are DSCP AF41.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side go 2 dp
full="$data and greater 100"	# no keepalive

# tos FILE FILTER...: the values of TOS or traffic class in it, each once
tos() {
	tcpdump -nvr "$1.pcap" "${@:2}" 2>/dev/null | sed -nE 's/.*\((tos|class) 0x0?([0-9a-f]+).*/0x\2/p; s/.*IP6 \((flow|hlim).*/0x0/p' |
		sort -u | tr '\n' ' '
}

for outer in v4 v6; do
	side dp 1 go "$(addr $outer 2):51820"
	start_wggo b go.conf
	start_wgdp a dp.conf
	capture shake b eth0 "(src 10.77.0.1 or src fd77::1) and udp"
	ping_ok a 192.168.77.2
	wait_for '[ $(packets shake) -ge 4 ]'
	capture_end shake
	[ "$(tos shake "$initiation")" = "0x88 " ]
	[ "$(tos shake "$data")" = "0x0 " ]

	# inner TOS: outer TOS. DSCP (the six bits above) stays inside.
	for want in 0:0 1:1 2:2 3:3 184:0 186:2; do
		for inner in v4 v6; do
			capture out b eth0 "(src 10.77.0.1 or src fd77::1) and udp"
			ping_ok a -Q ${want%:*} "$(inside $inner 2)"
			wait_for '[ $(packets out "$full") -ge 3 ]'
			capture_end out
			[ "$(tos out "$full")" = "0x${want#*:} " ] || fail "inner $want: $(tos out "$full")"
		done
	done

	# every packet towards a gets the mark
	on b nft -f - <<-NFT
	table inet congestion {
		chain out {
			type filter hook output priority 0
			udp dport 51820 ip ecn set ce
			udp dport 51820 ip6 ecn set ce
		}
	}
	NFT
	for inner in v4 v6; do
		for tos in 1 2 3; do
			capture in a dp "src $(inside $inner 2) and (icmp or icmp6)"
			ping_ok b -Q $tos "$(inside $inner 1)"
			wait_for '[ $(packets in) -ge 3 ]'
			capture_end in
			[ "$(tos in)" = "0x3 " ] || fail "inner $tos: $(tos in)"
		done
		before=$(drops_of dp ecn_invalid) seen=$(delivered a dp)
		ping_fail b -Q 0 "$(inside $inner 1)"
		wait_for "[ \$(drops_of dp ecn_invalid) = $((before + 2)) ]"
		[ "$(delivered a dp)" = "$seen" ]
	done
	on b nft delete table inet congestion
	ping_ok b 192.168.77.1
	stop dp
	stop go
done
