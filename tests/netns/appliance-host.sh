#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The host's stack on ports that DPDK owns, while datagrams through the tunnel are counted: ARP and neighbour discovery, ping, TCP over both ports and
# both ways, DHCP. The bed is drawn in _appliance.sh.

. "$(dirname "$0")/_appliance.sh"
bed packet packet
routers_up

# what arrives is the mirror's: beneath it the host's own stack answers nothing and forwards nothing, without the bed's rules, too
for f in "ra wan0p" "ra lan0p" "rb wan0p" "rb lan0p"; do on ${f% *} nft delete table netdev "deaf-${f#* }"; done
answered() { on ra awk '$1 == "Icmp:" && !at { for (n = 2; n <= NF; n++) if ($n == "OutEchoReps") at = n; next } $1 == "Icmp:" { print $at }' /proc/net/snmp; }
for f in "i 10.78.1.1" "a 10.77.1.1"; do
	before=$(answered)
	pings ${f% *} 5 ${f#* }
	[ "$(answered)" = $((before + 5)) ] || fail "$f: 5 pings, and the host has answered $before, then $(answered)"
done
fast a 5 10.77.2.2

# neighbours: theirs of us, and ours of them
for f in "i 10.78.1.1 ra wan0" "i fd78:1::1 ra wan0" "a 10.77.1.1 ra lan0" "a fd77:1::1 ra lan0" \
	"ra 10.78.1.254 i wa" "ra fd78:1::fe i wa" "ra 10.77.1.2 a eth0" "ra fd77:1::2 a eth0"; do
	read -r ns addr other dev <<<"$f"
	ip -n "$ns" neigh del "$addr" dev "$(ip -n "$ns" route get "$addr" | sed -n 's/.* dev \([^ ]*\) .*/\1/p')" 2>/dev/null || true
	ping_ok "$ns" "$addr"
	ip -n "$ns" neigh show "$addr" | found -F "$(mac_of "$other" "$dev")"
done

stream tunnel a b 10.77.2.2
# TCP to the router and from it, over both ports
for f in "a ra 10.77.1.1" "ra a 10.77.1.2" "i ra 10.78.1.1" "ra i 10.78.1.254" \
	"a ra fd77:1::1" "ra a fd77:1::2" "i ra fd78:1::1" "ra i fd78:1::fe"; do
	tcp $f 1M
done
# to the other router through the tunnel; and past the tunnel
tcp a rb 10.79.0.2 1M
tcp ra rb fd78:2::1 1M
stream_end tunnel 0

# DHCP on the mirror: the router gets another address, and the tunnel goes on from there
cat >udhcpd.conf <<-CONF
	interface wa
	start 10.78.1.50
	end 10.78.1.50
	lease_file $tmp/udhcpd.leases
	pidfile $tmp/udhcpd.pid
	option subnet 255.255.255.0
	option router 10.78.1.254
CONF
cat >udhcpc.script <<-'SCRIPT'
	#!/bin/sh
	[ "$1" = bound ] || exit 0
	ip addr add "$ip/$mask" dev "$interface"
	ip route add 10.78.0.0/16 via "$router" src "$ip"
SCRIPT
chmod +x udhcpc.script
ip netns exec i busybox udhcpd -f udhcpd.conf >udhcpd.log 2>&1 &
ip -n ra addr del 10.78.1.1/24 dev wan0
on ra timeout 200 busybox udhcpc -f -q -n -t 10 -T 1 -i wan0 -s "$tmp/udhcpc.script" >udhcpc.log 2>&1 || fail "DHCP: $(cat udhcpc.log)"
ip -n ra -br addr show wan0 | found -F 10.78.1.50/24
wait_for 'can_ping a 10.77.2.2'
fast a 5 10.77.2.2
wait_for '[ "$(peer_of vpb vpa endpoint)" = 10.78.1.50:51820 ]'
tcp i ra 10.78.1.50 1M
