#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Linux kernel as the peer, over time and places: rekeying (wgdp's timers run 15 times faster) without loss, restart of wgdp, roaming of
# either side within and between families.

. "$(dirname "$0")/_init.sh"
boot

peer
side dp 1 wg0 10.77.0.2:51820
start_wgdp a dp.conf --time-scale 15
capture rekey a tap0 "$initiation"
ping_ok a 192.168.77.2
on a ping -n -i 0.02 -w 22 192.168.77.2 >ping.out
no_gap ping.out || fail "$(cat ping.out)"
capture_end rekey
[ "$(packets rekey "src 10.77.0.1")" -ge 3 ]
interop Linux wgdp v4 v4 "rekey without loss"

kill_hard dp
wait_for 'not ip -n a link show dp'
start_wgdp a dp.conf
ping_ok a fd00:77::2

# moved: the guest's next packet moves wgdp's endpoint to $1
moved() {
	wait_for "guest 'ping -q -c 1 -W 1 192.168.77.1' >/dev/null && [ \"\$(peer_of dp wg0 endpoint)\" = '$1' ]"
	ping_ok a 192.168.77.2
	guest_ping_ok fd00:77::1
}
guest 'ip addr add 10.77.0.22/24 dev eth0; ip addr del 10.77.0.2/24 dev eth0; ip addr add 10.77.0.22/24 dev eth0 2>/dev/null; true'
moved 10.77.0.22:51820
guest 'wg set wg0 listen-port 51900'
moved 10.77.0.22:51900
guest "wg set wg0 peer ${pub[dp]} endpoint [fd77::1]:51820"
moved '[fd77::2]:51900'
guest "wg set wg0 peer ${pub[dp]} endpoint 10.77.0.1:51820"
moved 10.77.0.22:51900

# wgdp's own address
ip -n a addr add 10.77.0.11/24 dev tap0
ip -n a addr del 10.77.0.1/24 dev tap0
ip -n a addr replace 10.77.0.11/24 dev tap0
wait_for 'can_ping a 192.168.77.2 && [ "$(peer_of wg0 dp endpoint)" = 10.77.0.11:51820 ]'
guest_ping_ok 192.168.77.1
