# SPDX-License-Identifier: BSD-3-Clause
#
# The tests of a DPDK device on an interface that the host keeps ($device, before this is sourced), which is behind a router, so that
# the gateway's MAC address is what matters.
#
#    a: dp 192.168.77.1 fd00:77::1                                                            b: go 192.168.77.2 fd00:77::2
#       eth0 ---- 10.77.1.0/24, fd77:1::/64 ---- r (.254, ::fe) ---- 10.77.2.0/24, fd77:2::/64 ---- eth0 (.2, ::2)
#        .1, ::1            |
#                           +---- s (.253): another router, which knows the way by r

. "$(dirname "${BASH_SOURCE[0]}")/_init.sh"

ns a r s b
ip -n r link add lan type bridge
link a eth0 10.77.1.1/24,fd77:1::1/64 r ra -
link s eth0 10.77.1.253/24 r rs -
for i in ra rs; do ip -n r link set $i master lan; done
for i in 10.77.1.254/24 fd77:1::fe/64; do ip -n r addr add $i dev lan; done
ip -n r link set lan address 02:77:00:00:00:00 up
link b eth0 10.77.2.2/24,fd77:2::2/64 r rb 10.77.2.254/24,fd77:2::fe/64
for f in "a 1" "b 2"; do
	ip -n "${f% *}" route add default via "10.77.${f#* }.254"
	ip -n "${f% *}" -6 route add default via "fd77:${f#* }::fe"
done
on s sysctl -qw net.ipv4.conf.{all,default,eth0}.send_redirects=0
ip -n s route add default via 10.77.1.254
router r s
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
	on "$1" ping -n -q -c 1 -W 10 10.77.1.1 >/dev/null
	on "$1" ping -n -q -c 1 -W 10 fd77:1::1 >/dev/null
}

capture icmp r lan 'icmp[0] = 3 or (ip6[6] = 58 and ip6[40] = 1)'
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
		wait_for '[ "$(peer_of dp go rx)" = "$(peer_of go dp tx)" ]'
		tcp a b "$(inside v4 2)" 2M
		tcp b a "$(inside v6 1)" 2M

		# the host keeps the interface
		ping_ok b 10.77.1.1
		ping_ok b fd77:1::1
		ping_ok a 10.77.2.2
		tcp b a 10.77.1.1 1M
		stop dp
		stop go
	done
done

# the gateway's MAC address changes
both v4 wgdp
ping_ok a 192.168.77.2
new_mac r lan 02:77:00:00:00:01
wait_for 'can_ping a 192.168.77.2'
ping_ok a 192.168.77.2
new_mac r lan 02:77:00:00:00:02
wait_for 'can_ping a 192.168.77.2'
ping_ok b fd00:77::1

# the route changes to another gateway, and back
capture s s eth0 src 10.77.1.1 and udp
ip -n a route replace 10.77.2.0/24 via 10.77.1.253
wait_for 'can_ping a 192.168.77.2 && [ $(packets s) -gt 0 ]'
ping_ok a fd00:77::2
ip -n a route del 10.77.2.0/24
wait_for 'n=$(packets s) && can_ping a 192.168.77.2 && [ $(packets s) = $n ]'
ping_ok a fd00:77::2
capture_end s

# the peer changes its family, and back
for to in v6 v4; do
	wg set go peer "${pub[dp]}" endpoint "${at[${to}a]}:51820"
	ping_ok b 192.168.77.1
	wait_for '[ "$(peer_of dp go endpoint)" = "${at[${to}b]}:51820" ]'
	[ "$(peer_of go dp endpoint)" = "${at[${to}a]}:51820" ]
	ping_ok a fd00:77::2
done

capture_end icmp
[ "$(packets icmp)" = 0 ]
stop dp
on a ss -Hunl "sport = 51820" | not grep -q .
ping_ok b 10.77.1.1
