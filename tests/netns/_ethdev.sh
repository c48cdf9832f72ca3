# SPDX-License-Identifier: BSD-3-Clause
#
# The tests of a DPDK device on an interface that the host keeps ($device, before this is sourced), which is behind a router, so that
# the gateway's MAC address is what matters.
#
#    a: dp 192.168.77.1 fd00:77::1                                                            b: go 192.168.77.2 fd00:77::2
#       eth0 ---- 10.77.1.0/24, fd77:1::/64 ---- r (.254, ::fe) ---- 10.77.2.0/24, fd77:2::/64 ---- eth0 (.2, ::2)

. "$(dirname "${BASH_SOURCE[0]}")/_init.sh"

ns a r b
link a eth0 10.77.1.1/24,fd77:1::1/64 r ra 10.77.1.254/24,fd77:1::fe/64
link b eth0 10.77.2.2/24,fd77:2::2/64 r rb 10.77.2.254/24,fd77:2::fe/64
for f in "a 1" "b 2"; do
	ip -n "${f% *}" route add default via "10.77.${f#* }.254"
	ip -n "${f% *}" -6 route add default via "fd77:${f#* }::fe"
done
router r
keys dp go
declare -A at=([v4a]=10.77.1.1 [v4b]=10.77.2.2 [v6a]='[fd77:1::1]' [v6b]='[fd77:2::2]')

# both OUTER INITIATOR: starts both; the endpoint is known to the initiator alone
both() {
	if [ "$2" = wgdp ]; then side dp 1 go "${at[$1b]}:51820"; side go 2 dp; else side dp 1 go; side go 2 dp "${at[$1a]}:51820"; fi
	printf '[Dataplane]\nOuter = %s\n' "$device" >>dp.conf
	start_wggo b go.conf
	start_wgdp a dp.conf
}

# new_mac NS IF MAC: and tells the neighbours, by asking them for their own
new_mac() {
	ip -n "$1" link set "$2" address "$3"
	ip -n "$1" neigh flush dev "$2"
	on "$1" ping -n -q -c 1 -W 2 10.77.1.1 >/dev/null
	on "$1" ping -n -q -c 1 -W 2 fd77:1::1 >/dev/null
}

capture icmp r ra 'icmp[0] = 3 or (ip6[6] = 58 and ip6[40] = 1)'
for outer in v4 v6; do
	for initiator in wgdp peer; do
		ip -n a neigh flush dev eth0	# the gateway has to be asked for
		both $outer $initiator
		if [ $initiator = wgdp ]; then first=a second=b to=2 back=1; else first=b second=a to=1 back=2; fi
		for inner in v4 v6; do
			ping_ok $first "$(inside $inner $to)"
			ping_ok $second "$(inside $inner $back)"
			interop "wireguard-go" $initiator $outer $inner "ping, Outer = ${device%%,*}"
		done
		[ "$(peer_of dp go rx)" = "$(peer_of go dp tx)" ]
		tcp a b "$(inside v4 2)" 2M
		tcp b a "$(inside v6 1)" 2M

		# the host keeps the interface
		ping_ok b 10.77.1.1
		ping_ok b fd77:1::1
		ping_ok a 10.77.2.2
		tcp b a 10.77.1.1 1M
		[ $outer = v6 ] && [ $initiator = peer ] || { stop dp; stop go; }
	done
done

# the gateway's MAC address changes
new_mac r ra 02:77:00:00:00:01
wait_for 'can_ping a 192.168.77.2'
ping_ok a 192.168.77.2
wg set go peer "${pub[dp]}" endpoint 10.77.1.1:51820
ping_ok b 192.168.77.1
new_mac r ra 02:77:00:00:00:02
wait_for 'can_ping a 192.168.77.2'
ping_ok b fd00:77::1

# the route changes: none, then by another gateway
ip -n a route replace blackhole 10.77.2.0/24
ping_fail a 192.168.77.2
ip -n r addr add 10.77.1.253/24 dev ra
ip -n a route replace 10.77.2.0/24 via 10.77.1.253
wait_for 'can_ping a 192.168.77.2'
ping_ok a fd00:77::2

capture_end icmp
[ "$(packets icmp)" = 0 ]
stop dp
on a ss -Hunl "sport = 51820" | not grep -q .
ping_ok b 10.77.1.1
