#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The link of an owned port goes down and comes back: the mirror's carrier follows, and so does `wgdp show`; the administrator takes a mirror down
# and up; another MTU and another MAC address of the mirror are the device's; a mirror is deleted. ra is memif's server, rb has af_xdp. The bed is drawn in
# _appliance.sh.

. "$(dirname "$0")/_appliance.sh"
bed memif-server xdp
routers_up
fast a 5 10.77.2.2

# carrier NS IF: up or down, as the host sees it
carrier() { if on "$1" cat "/sys/class/net/$2/carrier" 2>/dev/null | found -x 1; then echo up; else echo down; fi; }

# port_is IF PORT: what wgdp says of it
port_is() { printf 'stats=1\n\n' | timeout 100 nc -N -U "/run/wireguard/$1.sock" | awk -F= -v port="$2" '$1 == "port" { mine = $2 == port } mine && $1 == "port_link" { print $2 }'; }

# follows NS IF PORT STATE
follows() {
	wait_for "[ \$(carrier $1 $3) = $4 ] && [ \$(port_is $2 $3) = $4 ]"
	if [ "$4" = down ]; then ip -n "$1" link show "$3" | found NO-CARRIER; else ip -n "$1" link show "$3" | found LOWER_UP; fi
}

# memif: the other end goes away, and comes again (as a client: DPDK's client itself does not try again)
for port in wan0 lan0; do
	follows ra vpa $port up
	kill "${pid[memif-ra-$port]}"
	follows ra vpa $port down
	ping_fail a 10.77.2.2
	memif_py "ra-$port" client "$tmp/ra-$port.sock" 1
	follows ra vpa $port up
	wait_for 'can_ping a 10.77.2.2'
	fast a 5 10.77.2.2
done

# a NIC's cable: the veth's other end goes down
for f in "wan0 i wb" "lan0 b eth0"; do
	read -r port ns dev <<<"$f"
	follows rb vpb "$port" up
	ip -n "$ns" link set "$dev" down
	follows rb vpb "$port" down
	ip -n "$ns" link set "$dev" up
	[ "$ns" = i ] || ip -n b route replace default via 10.77.2.1	# the kernel took them along
	follows rb vpb "$port" up
	wait_for 'can_ping a 10.77.2.2'
	fast a 5 10.77.2.2
done

# the administrator takes a mirror down: nothing goes that way any more, in either direction, and comes again
for f in "ra wan0" "rb lan0"; do
	read -r ns port <<<"$f"
	routes=$(ip -n "$ns" route show dev "$port" | grep via || true)
	ip -n "$ns" link set "$port" down
	wait_for "! can_ping a 10.77.2.2"
	ping_fail a 10.77.2.2
	ip -n "$ns" link set "$port" up
	[ -z "$routes" ] || ip -n "$ns" route replace $routes dev "$port"
	wait_for 'can_ping a 10.77.2.2'
	fast a 5 10.77.2.2
done

# MAC addresses and MTU of the mirrors
before=$(on rb cat /sys/class/net/wan0p/address)
ip -n rb link set lan0 address 02:77:00:00:bb:01
ping_ok rb 10.77.2.2	# it asks, so the neighbour learns
wait_for "ip -n b neigh show 10.77.2.1 | found 02:77:00:00:bb:01"
wait_for 'can_ping a 10.77.2.2'
fast a 5 10.77.2.2
[ "$(on rb cat /sys/class/net/wan0p/address)" = "$before" ]
capture own i wa 'inbound and udp port 51820 and ether src 02:77:00:00:bb:02'
ip -n ra link set wan0 address 02:77:00:00:bb:02
ping_ok ra 10.78.1.254
wait_for 'can_ping a 10.77.2.2 && [ $(packets own) -gt 0 ]'
capture_end own
fast a 5 10.77.2.2
ip -n rb link set lan0 mtu 1300
fast a 5 -M do -s 1272 10.77.2.2
will_say a 'From 10.79.0.2 icmp_seq=1 Frag needed and DF set (mtu = 1300)' ping -n -c 1 -W 5 -M do -s 1273 10.77.2.2

# somebody deletes a mirror: said plainly, and nothing stays
for f in "lan0 LAN" "wan0 outer"; do
	ip -n rb link del "${f% *}"
	wait_for "ended ${pid[vpb]}"
	found "the ${f#* } device is gone" <vpb.conf.log || fail "$(cat vpb.conf.log)"
	for i in lan0 wan0 vpb; do not ip -n rb link show $i 2>/dev/null; done
	start_wgdp rb vpb.conf
done
