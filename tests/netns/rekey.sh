#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# New sessions in the middle of traffic, without loss. wgdp's timers run 40 times faster (20, on both sides), so it rekeys every 3 (6) seconds;
# wireguard-go's cannot be hurried, so it is made to forget its sessions instead.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go (or dq, a second wgdp) 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
keys dq

# traffic FROM_NS TO_NS TO_ADDR SECONDS [COMMAND]: pings, a paced TCP stream beside them, and COMMAND; nothing is lost. Where a ping was lost and another
# took over 200 ms, a process was kept from running, and wireguard-go's queues, if it is there, lose then, too: once more.
traffic() {
	local try
	for try in 1 2 3 4 5; do
		all_at_once "$@"
		! no_gap ping.out || return 0
		[ -n "${pid[go]:-}" ] || break
		found -E 'time=([2-9][0-9]{2}|[0-9]{4,})(\.[0-9]+)? ms' <ping.out || break
	done
	fail "lost, try $try: $(cat ping.out)"
}

all_at_once() {
	local i command=
	ip netns exec "$1" ping -n -i 0.01 -w "$4" "$3" >ping.out &
	local ping=$!
	[ -z "${5:-}" ] || { "$5" & command=$!; }
	head -c 4M /dev/urandom >sent
	ip netns exec "$2" nc -d -l "$3" 7000 >got &
	local nc=$!
	wait_for "on $2 ss -Htln 'sport = 7000' | grep -q ."
	for ((i = 0; i < $4 * 4; i++)); do
		dd if=sent bs=64K skip=$i count=1 status=none
		sleep 0.2
	done | on "$1" nc -N "$3" 7000
	wait $nc
	cmp got <(head -c $(($4 * 4 * 65536)) sent)
	wait $ping || fail "ping: $(tail -n 3 ping.out)"
	[ -z "$command" ] || wait $command
}

# wgdp initiates, wireguard-go answers
side dp 1 go 10.77.0.2:51820
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf --time-scale 40
capture dp a eth0
ping_ok a 192.168.77.2
traffic b a 192.168.77.1 10
capture_end dp
[ "$(packets dp "$initiation and src 10.77.0.1")" -ge 3 ]
[ "$(packets dp "$initiation and src 10.77.0.2")" = 0 ]
interop wireguard-go wgdp v4 v4 "rekey without loss"
stop dp

# wireguard-go initiates, wgdp answers
side dp 1 go
side go 2 dp '[fd77::1]:51820'
stop go
start_wggo b go.conf
start_wgdp a dp.conf
capture go a eth0
ping_ok b fd00:77::1
forget() {
	local i
	for i in 1 2 3 4 5; do
		sleep 1
		wg set go private-key <(wg genkey)
		wg set go private-key <(echo "${key[go]}")
		ping_ok b fd00:77::1	# a handshake later
	done
}
traffic b a fd00:77::1 7 forget
capture_end go
[ "$(packets go "$response and src fd77::1")" -ge 6 ]
[ "$(packets go "$initiation and src fd77::1")" = 0 ]
interop wireguard-go peer v6 v6 "rekey without loss"
stop go
stop dp

# wgdp on both sides
side dp 1 dq
side dq 2 dp 10.77.0.1:51820
start_wgdp a dp.conf --time-scale 20
start_wgdp b dq.conf --time-scale 20
capture both a eth0
ping_ok b 192.168.77.1
traffic a b 192.168.77.2 14
capture_end both
[ "$(packets both "$response")" -ge 3 ]
interop wgdp wgdp v4 v4 "rekey without loss"
