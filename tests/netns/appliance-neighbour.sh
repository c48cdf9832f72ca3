#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Neighbours get other MAC addresses under traffic. Announced, and with both accepted for a while, nothing is lost; unannounced, traffic finds its
# way by itself. Host b for the LAN port, node i for the outer port. The bed is drawn in _appliance.sh.

. "$(dirname "$0")/_appliance.sh"
bed packet packet
routers_up
for f in "b eth0" "i wb"; do
	read -r ns dev <<<"$f"
	ip -n "$ns" link add link "$dev" name second address 02:77:00:00:aa:02 type macvlan mode private
	ip -n "$ns" link set second up
done
ping_ok a 10.77.2.2
ping_ok a fd77:2::2
stream v4 a b 10.77.2.2
stream v6 a b fd77:2::2

# sees NS: what router rb sends arrives at the second address
sees() {
	local had
	had=$(on "$1" cat /sys/class/net/second/statistics/rx_packets)
	flows v4
	[ "$(on "$1" cat /sys/class/net/second/statistics/rx_packets)" -ge $((had + 50)) ]
}

# of b, both families; of i, by which the outer packets go
for f in "b 10.77.2.2 fd77:2::2 lan0" "i 10.78.2.254 fd78:2::fe wan0"; do
	read -r ns v4 v6 dev <<<"$f"
	wait_for "ip -n rb neigh show $v4 | grep -q lladdr"
	wait_for "py $ns announce.py second $v4 $v6; ip -n rb neigh show $v4 | grep -q 02:77:00:00:aa:02" # (an entry stays for a second at least)
	wait_for "sees $ns"
	[ $ns = i ] || wait_for "py $ns announce.py second $v4 $v6; ip -n rb neigh show $v6 | grep -q 02:77:00:00:aa:02"
	flows v6
done
stream_end v4 0
stream_end v6 0
fast a 5 10.77.2.2
fast b 5 fd77:1::2

# unannounced: the host finds out
for f in "b eth0" "i wb"; do
	read -r ns dev <<<"$f"
	ip -n "$ns" link del second
	ip -n "$ns" link set "$dev" address 02:77:00:00:aa:03
	ip -n "$ns" neigh flush dev "$dev"
	wait_for 'can_ping a 10.77.2.2'
	wait_for 'can_ping a fd77:2::2'
	fast a 5 10.77.2.2
	fast b 5 fd77:1::2
done
