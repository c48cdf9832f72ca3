#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Under load: c floods one side with initiations whose first MAC is right. It is told to prove its address (cookie replies), and a peer
# that does so, wireguard-go to wgdp and then wgdp to wireguard-go, still gets its session.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2
#           \-- 10.78.0.0/24 --  c: the flood  --  10.79.0.0/24 --/

. "$(dirname "$0")/_init.sh"
pair
ns c
link a eth1 10.78.0.1/24 c eth0 10.78.0.3/24
link b eth1 10.79.0.2/24 c eth1 10.79.0.3/24

# flood ADDR IF ROOM: until unflood; so many places of IF's queue stay free (wgdp's: of 16,384, load is 12,288; wireguard-go's: of 1,024, load is 128)
flood() {
	mkfifo told
	ip netns exec c /usr/bin/python3 "$here/flood.py" "$1" "${pub[$2]}" "$3" >told &
	flood=$!
	read -r -t 30 word <told || fail "no cookie reply"
	[ "$word" = "under load" ]
	rm told
}
unflood() { { kill $flood; wait $flood || true; } 2>/dev/null; }

# by_cookie NS ADDR FROM IF START...: START brings IF up in NS until it was told by FROM to prove its address, and its session came about (when
# everything else on the machine has its turn, the flood's level may sink for a moment, and a handshake gets through as at any other time)
by_cookie() {
	local go
	for go in {1..10}; do
		capture got "$1" eth0 src "$3"
		"${@:5}"
		wait_for "can_ping $1 $2"
		capture_end got
		[ "$(packets got "$response")" -ge 1 ]
		[ "$(packets got "$cookie")" = 0 ] || return 0
		stop "$4"
	done
	fail "ten handshakes, none by way of a cookie"
}

side dp 1 go
side go 2 dp 10.77.0.1:51820 "PersistentKeepalive = 1"
start_wgdp a dp.conf
flood 10.78.0.1 dp 2000
by_cookie b 192.168.77.1 10.77.0.1 go start_wggo b go.conf
unflood
ping_ok b 192.168.77.1
[ -n "$(peer_of dp go age)" ]
stop dp
stop go

side dp 1 go 10.77.0.2:51820 "PersistentKeepalive = 1"
side go 2 dp
start_wggo b go.conf
flood 10.79.0.2 go 400
by_cookie a 192.168.77.2 10.77.0.2 dp start_wgdp a dp.conf --time-scale 20
unflood
ping_ok a 192.168.77.2
