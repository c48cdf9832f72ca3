#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# FRR's zebra and bgpd beside wgdp, as on a router: sessions across the mirror wan0 (ra with i), on lan0 (ra with a), and through the tunnel (ra with
# rb), both families. Their routes carry traffic on the fast path, and the tunnel itself; what is withdrawn is gone. The bed is drawn in
# _appliance.sh; behind a is 10.101.0.0/24 and fd01::/64, behind b 10.102.0.0/24 and fd02::/64.

. "$(dirname "$0")/_appliance.sh"
router_up() {	# addresses alone: the routes are BGP's
	ip -n "$1" addr add "10.78.$2.1/24" dev wan0
	ip -n "$1" addr add "fd78:$2::1/64" dev wan0
	ip -n "$1" addr add "10.77.$2.1/24" dev lan0
	ip -n "$1" addr add "fd77:$2::1/64" dev lan0
}
interface="Table = off"
peer_a=("AllowedIPs = 0.0.0.0/0, ::/0") peer_b=("AllowedIPs = 0.0.0.0/0, ::/0")
bed packet packet
start_wgdp ra vpa.conf
start_wgdp rb vpb.conf
router_up ra 1
router_up rb 2
ip -n ra addr add fe80::1/64 dev vpa	# bgpd wants one for IPv6
ip -n rb addr add fe80::2/64 dev vpb
ip -n rb route add 10.78.1.0/24 via 10.78.2.254
ip -n rb route add 10.102.0.0/24 via 10.77.2.2
ip -n rb -6 route add fd02::/64 via fd77:2::2
ip -n a route del default
ip -n a -6 route del default
for f in "a 1" "b 2"; do
	ip -n "${f% *}" addr add "10.10${f#* }.0.1/24" dev lo
	ip -n "${f% *}" addr add "fd0${f#* }::1/64" dev lo
done

# frr NS AS ID NETWORKS NETWORKS6 [NEIGHBOUR AS]...: its zebra and bgpd
frr() {
	local ns=$1 as=$2 d net family conf=/run/frr/$1/frr.conf
	mkdir -p "/run/frr/$ns"
	{
		printf 'router bgp %s\n bgp router-id %s\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n' "$as" "$3"
		printf ' no bgp network import-check\n'
		for ((d = 6; d < $#; d += 2)); do
			printf ' neighbor %s remote-as %s\n neighbor %s timers 3 12\n neighbor %s timers connect 1\n' \
				"${!d}" "${@:d+1:1}" "${!d}" "${!d}"
			printf ' neighbor %s advertisement-interval 0\n' "${!d}"
		done
		for family in 4 6; do
			printf ' address-family ipv%s unicast\n' $family
			if [ $family = 4 ]; then net=$4; else net=$5; fi
			for net in ${net//,/ }; do [ "$net" = - ] || printf '  network %s\n' "$net"; done
			for ((d = 6; d < $#; d += 2)); do
				case ${!d} in *:*) [ $family = 6 ] ;; *) [ $family = 4 ] ;; esac && printf '  neighbor %s activate\n' "${!d}"
			done
			printf ' exit-address-family\n'
		done
	} >"$conf"
	chown -R frr:frr /run/frr	# they give up being root
	for d in zebra bgpd; do
		ip netns exec "$ns" /usr/lib/frr/$d -N "$ns" -P 0 -f "$conf" --log stdout --log-level warnings \
			>"$d-$ns.log" 2>&1 &
		pid[$d-$ns]=$! kind[$d-$ns]=frr where[$d-$ns]=$ns
		wait_for "[ -S /run/frr/$ns/$d.vty ]"
	done
}

# bgp NS COMMAND...: in bgpd's configuration
bgp() {
	local c args=(-c 'configure terminal')
	for c in "${@:2}"; do args+=(-c "$c"); done
	on "$1" vtysh -N "$1" -d bgpd "${args[@]}" 2>/dev/null
}

frr a 65010 10.77.1.2 10.101.0.0/24 fd01::/64 10.77.1.1 65001 fd77:1::1 65001
frr i 65020 10.78.1.254 10.78.2.0/24 - 10.78.1.1 65001
frr ra 65001 10.79.0.1 10.77.1.0/24 fd77:1::/64 10.77.1.2 65010 fd77:1::2 65010 10.78.1.254 65020 10.79.0.2 65002 fd79::2 65002
frr rb 65002 10.79.0.2 10.102.0.0/24,10.77.2.0/24 fd02::/64,fd77:2::/64 10.79.0.1 65001 fd79::1 65001

# the underlay's route comes over wan0, then the tunnel's peers find each other, then a hears of b
wait_for 'ip -n ra route show proto bgp | found -F "10.78.2.0/24"'
wait_for 'ip -n a route show proto bgp | found -F "10.102.0.0/24"'
wait_for 'ip -n a -6 route show proto bgp | found -F "fd02::/64"'
wait_for 'ip -n rb -6 route show proto bgp | found -F "fd01::/64"'
ip -n ra route show 10.102.0.0/24 | found 'dev vpa'
ip -n ra route show 10.101.0.0/24 | found 'dev lan0'
wait_for 'on a ping -n -q -c 1 -W 1 -I 10.101.0.1 10.102.0.1'
ping_ok a -I fd01::1 fd02::1

# on the fast path (BGP's own packets are the hosts', which send and receive them, but do not forward)
fast a 20 -I 10.101.0.1 10.102.0.1
fast b 20 -I fd02::1 fd01::1

# withdrawn: the routers' hosts have no route any more
bgp a 'router bgp 65010' 'address-family ipv4 unicast' 'no network 10.101.0.0/24'
wait_for '! ip -n rb route show 10.101.0.0/24 | found .'
will_say b 'From 10.77.2.1 icmp_seq=1 Destination Net Unreachable' ping -n -c 1 -W 5 10.101.0.1
fast b 20 -I fd02::1 fd01::1
bgp a 'router bgp 65010' 'address-family ipv4 unicast' 'network 10.101.0.0/24'
wait_for 'ip -n rb route show 10.101.0.0/24 | found .'
fast b 20 -I 10.102.0.1 10.101.0.1
bgp a 'router bgp 65010' 'address-family ipv6 unicast' 'no network fd01::/64'
wait_for '! ip -n rb -6 route show fd01::/64 | found .'
wait_for "{ on b ping -n -c 1 -W 5 fd01::1 || true; } | found -F 'From fd77:2::1 icmp_seq=1 Destination unreachable: No route'" 45	# (after a minute all routes are read)
fast b 20 -I 10.102.0.1 10.101.0.1
bgp a 'router bgp 65010' 'address-family ipv6 unicast' 'network fd01::/64'
wait_for 'ip -n rb -6 route show fd01::/64 | found .'
fast b 20 -I fd02::1 fd01::1

# a session that ends takes its routes along
kill "${pid[bgpd-a]}"
wait_for '! ip -n rb -6 route show fd01::/64 | found .'
will_say b 'From fd77:2::1 icmp_seq=1 Destination unreachable: No route' ping -n -c 1 -W 5 fd01::1
