#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The mirrors: what the host sends leaves in order, none of it lost, while datagrams go through the tunnel, and does not starve these; tcpdump sees there what the
# host sees, and no more; VLANs that the host has no interface for are the host's as they are. Then a device that gives back what it gets
# (net_ring). The bed is drawn in _appliance.sh.

. "$(dirname "$0")/_appliance.sh"
bed packet packet
routers_up
fast a 5 10.77.2.2
stream tunnel a b 10.77.2.2
capture wan ra wan0 -s 128
capture lan ra lan0 -s 128
numbers ra i 10.78.1.254 4000 4000
numbers ra a 10.77.1.2 4000 4000 1400
numbers i ra fd78:1::1 4000 4000
numbers a ra 10.77.1.1 4000 4000 1400
stream_end tunnel 0
wait_for "[ \$(packets wan 'udp dst port 7100') = 8000 ] && [ \$(packets lan 'udp dst port 7100') = 8000 ]"
capture_end wan
capture_end lan
[ "$(packets wan 'udp dst port 7100 and src 10.78.1.1')" = 4000 ]
[ "$(packets wan 'ip6 and udp dst port 7100 and dst fd78:1::1')" = 4000 ]
[ "$(packets lan 'udp dst port 7100 and src 10.77.1.1')" = 4000 ]
[ "$(packets wan 'port 51820')" = 0 ]
[ "$(packets lan 'host 10.77.2.2')" = 0 ]

# all that the host can send, and the tunnel goes on
ip netns exec i iperf3 -s -1 >/dev/null 2>&1 &
wait_for "on i ss -Htln 'sport = 5201' | found ."
stream tunnel a b 10.77.2.2
ip netns exec ra timeout 200 iperf3 -c 10.78.1.254 -t 3 --json >iperf.json &
p=$!
while not ended $p; do flows tunnel; done
wait $p
kill "${pid[count-tunnel]}"
wait "${pid[count-tunnel]}"
kill "${pid[echo-tunnel]}"
wait "${pid[echo-tunnel]}" 2>/dev/null || true
unset "pid[count-tunnel]" "pid[echo-tunnel]"
[ "$(jq '.end.sum_received.bytes' iperf.json)" -gt 1000000 ]

# tagged frames, as they came
capture tagged ra wan0
capture tagged-out i wa
on i /usr/bin/python3 "$here/frame.py" wa "$(mac_of ra wan0)" 8100004d88b5
on ra /usr/bin/python3 "$here/frame.py" wan0 "$(mac_of i wa)" 8100004e88b5
wait_for '[ $(packets tagged vlan 77) -gt 0 ] && [ $(packets tagged-out vlan 78) -gt 0 ]'
capture_end tagged
capture_end tagged-out

# net_ring: a mirror on a device that gives back what it gets; in order, each once
keys ring
cat >ring.conf <<-CONF
	[Interface]
	PrivateKey = ${key[ring]}
	[Dataplane]
	Outer = net_ring0 as loop0
	RxCores = 0
CONF
start_wgdp wire ring.conf
on wire sysctl -qw net.ipv6.conf.loop0.disable_ipv6=1
capture ring wire loop0 -s 128 'ether proto 0x88b5'
for ((n = 0; n < 50; n++)); do printf '%04x ' $n; done >numbers
on wire /usr/bin/python3 "$here/frame.py" loop0 02:77:00:00:cc:01 88b5 $(cat numbers)
wait_for '[ $(tcpdump -n -r ring.pcap 2>/dev/null | grep -c 0x88b5) = 100 ]'
capture_end ring
tcpdump -n -x -r ring.pcap 2>/dev/null | awk '/0x0000:/ { print $2 }' | awk '!(n[$1]++) { first = first $1 " " } n[$1] == 2 { second = second $1 " " } END { print first; print second }' |
	while read -r line; do [ "$line " = "$(cat numbers)" ] || fail "net_ring: not in order: $line"; done
