#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# PMTU discovery over the LAN fast path: who sends more than the tunnel carries, and does not want it cut, is told so by the router and
# goes on with packets that fit. Host a has an MTU of 9000, b of 1500, the tunnel 1420. The bed is drawn in _appliance.sh.

lan_mtu=9000 tunnel_mtu=1420
. "$(dirname "$0")/_appliance.sh"
bed packet packet
ip -n b link set eth0 mtu 1500
routers_up

# forget: nobody knows a path
forget() {
	local n
	for n in a b; do ip -n $n route flush cache; ip -n $n -6 route flush cache; done
}

# knows NS ADDR: the path's MTU, as the host has it
knows() { ip -n "$1" route get "$2" | sed -n 's/.* mtu \([0-9]*\).*/\1/p'; }

# ICMP says it, to either size of host, and a ping that fits passes whole
for f in "a 10.77.2.2 10.77.1.1 8000" "b 10.77.1.2 10.77.2.1 1472"; do
	read -r ns to router size <<<"$f"
	says $ns "From $router icmp_seq=1 Frag needed and DF set (mtu = 1420)" ping -n -c 1 -W 5 -M do -s "$size" "$to"
	[ "$(knows $ns "$to")" = 1420 ]
	fast $ns 3 -M do -s 1392 "$to"
done
for f in "a fd77:2::2 fd77:1::1 8000" "b fd77:1::2 fd77:2::1 1452"; do
	read -r ns to router size <<<"$f"
	says $ns "From $router icmp_seq=1 Packet too big: mtu=1420" ping -n -c 1 -W 5 -M do -s "$size" "$to"
	[ "$(knows $ns "$to")" = 1420 ]
	fast $ns 3 -M do -s 1372 "$to"
done

# one byte more than fits is not the fast path's; one that may be cut is cut by the host, and arrives
forget
before=$(beside vpa lan_rx)
says a 'mtu = 1420' ping -n -c 1 -W 5 -M do -s 1393 10.77.2.2
ping_ok a -M dont -s 4000 10.77.2.2
[ "$(beside vpa lan_rx)" = "$before" ]

# UDP
for f in "a 10.77.2.2" "a fd77:2::2" "b 10.77.1.2" "b fd77:1::2"; do
	forget
	says ${f% *} 'Resume: pmtu 1420 hops 3 back 3' tracepath -n ${f#* }
	[ "$(knows $f)" = 1420 ]
done
forget
not py a numbers.py send 10.77.2.2 7100 3000 100 - 1450 df 2>udp	# EMSGSIZE, once it is known
grep -q 'Message too long' udp
not py b numbers.py send fd77:1::2 7100 3000 100 - 1450 df 2>udp
grep -q 'Message too long' udp
numbers a b 10.77.2.2 20 100 1392 df
numbers b a fd77:1::2 20 100 1372 df

# TCP: whole segments, and nothing that is larger
capture segments b eth0 tcp
for f in "a b 10.77.2.2" "b a 10.77.1.2" "a b fd77:2::2" "b a fd77:1::2"; do
	forget
	tcp $f 500K
	[ "$(knows "${f%% *}" "${f##* }")" = 1420 ]
done
capture_end segments
[ "$(packets segments 'src 10.77.1.2 and ip[2:2] = 1420')" -gt 100 ]
[ "$(packets segments 'src fd77:1::2 and ip6[4:2] = 1380')" -gt 100 ]
[ "$(packets segments 'dst 10.77.2.2 and ip[2:2] > 1420')" = 0 ]
[ "$(packets segments 'dst fd77:2::2 and ip6[4:2] > 1380')" = 0 ]
