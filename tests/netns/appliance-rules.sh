#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Policy rules on a router whose ports DPDK owns: the tunnel's own packets find their way by their FwMark alone; what goes between LAN and tunnel goes as rules for
# packets from the LAN have it. Nor does a host that does not forward let the fast path do so. The bed is drawn in _appliance.sh.

. "$(dirname "$0")/_appliance.sh"
interface="FwMark = 0x77"
bed packet packet
start_wgdp ra vpa.conf
start_wgdp rb vpb.conf
router_up ra 1
router_up rb 2

# the other router only by table 77
for f in "ra 1" "rb 2"; do
	read -r ns n <<<"$f"
	ip -n $ns route del 10.78.0.0/16
	ip -n $ns route add 10.78.0.0/16 via 10.78.$n.254 table 77
	ip -n $ns rule add fwmark 0x77 table 77
done
not ip -n ra route get 10.78.2.1 2>/dev/null
wait_for 'can_ping a 10.77.2.2'
fast a 5 10.77.2.2

# another mark, and another rule for it: by another neighbour, and back
ip -n i link add link wa name second address 02:77:00:00:aa:02 type macvlan mode private
ip -n i link set second up
ip -n ra neigh replace 10.78.1.253 lladdr 02:77:00:00:aa:02 dev wan0 nud permanent
ip -n ra route add 10.78.0.0/16 via 10.78.1.253 table 78
ip -n ra rule add fwmark 0x78 table 78

# by_second LEAST MOST: of five pings so many packets go by it
by_second() {
	local had n
	had=$(on i cat /sys/class/net/second/statistics/rx_packets)
	pings a 5 10.77.2.2
	n=$(($(on i cat /sys/class/net/second/statistics/rx_packets) - had))
	[ $n -ge "$1" ] && [ $n -le "$2" ]
}
wait_for 'by_second 0 0'	# (a broadcast, now and then, is for it, too)
wg set vpa fwmark 0x78
wait_for 'by_second 5 100'
ip -n ra rule add fwmark 0x78 table 77 pref 1
wait_for 'by_second 0 0'
ip -n ra rule del fwmark 0x78 table 77 pref 1
wait_for 'by_second 5 100'
fast a 5 10.77.2.2

# of the LAN's packets: to another table, to none
ip -n ra rule add iif lan0 to 10.77.2.0/24 prohibit
will_say a 'From 10.77.1.1 icmp_seq=1 Packet filtered' ping -n -c 1 -W 5 10.77.2.2
fast a 5 fd77:2::2
ip -n ra rule del iif lan0 to 10.77.2.0/24 prohibit
wait_for 'can_ping a 10.77.2.2'
fast a 5 10.77.2.2
ip -n rb -6 rule add iif vpb to fd77:2::/64 prohibit
will_say a 'From fd79::2 icmp_seq=1 Destination unreachable: Administratively prohibited' ping -n -c 1 -W 5 fd77:2::2
ip -n rb -6 rule del iif vpb to fd77:2::/64 prohibit
wait_for 'can_ping a fd77:2::2'
fast a 5 fd77:2::2

# of some of the LAN's: the fast path, which knows destinations alone, leaves all of it to the host
ip -n a addr add 10.77.1.99/24 dev eth0
fast a 5 -I 10.77.1.99 10.77.2.2
ip -n ra rule add from 10.77.1.99 to 10.77.2.0/24 prohibit
wait_for "printf 'stats=1\n\n' | timeout 100 nc -N -U /run/wireguard/vpa.sock | found '^routes_off=.'"
by_host ra 5 pings a 5 10.77.2.2
says a 'From 10.77.1.1 icmp_seq=1 Packet filtered' ping -n -c 1 -W 5 -I 10.77.1.99 10.77.2.2
ip -n ra rule del from 10.77.1.99 to 10.77.2.0/24 prohibit
fast a 5 10.77.2.2
fast a 5 -I 10.77.1.99 10.77.2.2

# a host that does not forward
for f in "net.ipv4.ip_forward 10.77.2.2" "net.ipv6.conf.all.forwarding fd77:2::2"; do
	on ra sysctl -qw "${f% *}=0"
	wait_for "! on a ping -n -q -c 5 -i 0.3 -W 1 ${f#* }"	# not one of them: those about which wgdp asks go by the host in any case
	on ra sysctl -qw "${f% *}=1"
	wait_for "can_ping a ${f#* }"
	fast a 5 "${f#* }"
done
