# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by a test for each kind of device ($kinds): traffic between the LANs goes by the fast path, and whatever needs a router's judgement gets the host's answer.

. "$(dirname "${BASH_SOURCE[0]}")/_appliance.sh"

bed $kinds
routers_up

# mirrors: the device's MAC address and MTU
[ "$(mac_of ra wan0)" != "$(mac_of ra lan0)" ]
[ "$(on ra cat /sys/class/net/lan0/mtu)" = "$lan_mtu" ]

# The four neighbours hear of the routers' ports by the mirrors' addresses alone.
for f in "a eth0" "i wa" "i wb" "b eth0"; do capture "${f#* }-${f% *}" $f -s 64 inbound; done
for f in "a 10.77.2.2" "a fd77:2::2" "b 10.77.1.2" "b fd77:1::2"; do
	ping_ok $f
	fast "${f% *}" 20 "${f#* }"
done
for f in "eth0-a ra lan0" "wa-i ra wan0" "wb-i rb wan0" "eth0-b rb lan0"; do
	read -r name ns port <<<"$f"
	wait_for "[ \$(packets $name ether src $(mac_of "$ns" "$port")) -ge 80 ]"
	capture_end "$name"
	[ "$(packets "$name" not ether src "$(mac_of "$ns" "$port")")" = 0 ] || fail "$port of $ns: $(tcpdump -n -e -r "$name.pcap" not ether src "$(mac_of "$ns" "$port")" 2>/dev/null | head)"
done
for f in "a b 10.77.2.2" "b a fd77:1::2"; do
	tcp $f 100K	# too large packets, and the hosts' answer
	before=$(paths)
	tcp $f 1M
	[ "$(awk '{ print $5, $6 }' <<<"$before")" = "$(paths | awk '{ print $5, $6 }')" ] || fail "TCP by the hosts: $before, $(paths)"
done
interop "${kinds// *}" wgdp v4 both "LAN to LAN, owned ports"

# fragments (of IPv4 not with af_packet: the driver's fan-out has the kernel put them together, and then they are larger than a frame of its ring)
[[ $kinds = *packet* ]] || ping_ok a -M dont -s 4000 10.77.2.2
learn_mtu a fd77:2::2
learn_mtu b fd77:1::2
ping_ok b -M dont -s 4000 fd77:1::2

# hops
[ "$(on a ping -n -c 1 10.77.2.2 | sed -n 's/.* ttl=\([0-9]*\) .*/\1/p')" = 62 ]
[ "$(on b ping -n -c 1 fd77:1::2 | sed -n 's/.* ttl=\([0-9]*\) .*/\1/p')" = 62 ]
[ "$(hops a 10.77.2.2)" = "10.77.1.1 10.79.0.2 10.77.2.2" ]
[ "$(hops b 10.77.1.2)" = "10.77.2.1 10.79.0.1 10.77.1.2" ]
[ "$(hops a -6 fd77:2::2)" = "fd77:1::1 fd79::2 fd77:2::2" ]
[ "$(hops b -6 -I fd77:1::2)" = "fd77:2::1 fd79::1 fd77:1::2" ]

# for the host to judge: no route, the last hop, options, all of the link
by_host ra 1 says a 'From 10.77.1.1 icmp_seq=1 Destination Net Unreachable' ping -n -c 1 -W 5 10.99.0.1
by_host ra 1 says a 'From fd77:1::1 icmp_seq=1 Destination unreachable: No route' ping -n -c 1 -W 5 fd99::1
by_host ra 1 says a 'From 10.77.1.1 icmp_seq=1 Time to live exceeded' ping -n -c 1 -W 5 -t 1 10.77.2.2
by_host ra 1 says a 'From fd77:1::1 icmp_seq=1 Time exceeded: Hop limit' ping -n -c 1 -W 5 -t 1 fd77:2::2
by_host ra 1 says a 10.79.0.1 ping -n -c 1 -W 5 -R 10.77.2.2
by_host ra 3 numbers a b fd77:2::2 3 100 100 hop-by-hop
on ra sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
by_host ra 1 says a '64 bytes from 10.77.1.1' ping -n -b -c 1 -W 5 10.77.1.255
by_host ra 1 says a "$(ip -n ra -6 -br addr show lan0 scope link | grep -o 'fe80[^/]*')" ping -n -c 1 -W 5 ff02::2%eth0
by_host ra 1 says a '1 received' ping -n -c 1 -W 5 10.77.1.1
by_host ra 1 says i '1 received' ping -n -c 1 -W 5 fd78:1::1

# nothing of it has hurt
fast a 20 10.77.2.2
for i in vpa vpb; do
	[ "$(peer_of $i $([ $i = vpa ] && echo vpb || echo vpa) rx)" -gt 0 ]
done
for r in "ra vpa" "rb vpb"; do
	stop "${r#* }"
	not ip -n "${r% *}" link show wan0 2>/dev/null
	not ip -n "${r% *}" link show lan0 2>/dev/null
done
