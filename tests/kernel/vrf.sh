#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# VRFs, which the machines that run the other tests may lack: wgdp in a guest (_appliance.sh). Two customers on VLANs of one NIC have the same
# addresses inside and outside, and what leads to their peers are routes in the tables of their VRFs alone.
#
#   namespaces red, blue                          switch      guest
#   go 192.168.77.2, fd00:77::2                               dp 192.168.77.1, fd00:77::1   in VRF red, blue
#   eth0 10.77.0.2, fd77::2 ----- VLAN 10, 20 ---- tap1 ----- 10.77.0.1, fd77::1            in VRF red, blue
#     lo 10.99.0.2, fd99::2                                   10.99.0.0/24, fd99::/64 by way of 10.77.0.2, fd77::2
#
# Then a NIC that DPDK owns, wan0, is in VRF blue, and wan0.10, its VLAN, in VRF red, with peers of one tunnel in both.

. "$(dirname "$0")/_appliance.sh"

# customer NAME TABLE: namespace, VRF, and the far end of the tunnel
customer() {
	ns "$1"
	link "$1" eth0 10.77.0.2/24,fd77::2/64 switch "$1" -
	ip -n "$1" addr add 10.99.0.2/32 dev lo
	ip -n "$1" addr add fd99::2/128 dev lo
	guest "ip link add $1 type vrf table $2 && ip link set $1 up"
	keys "go$1"
	side "go$1" 2 dp
	start_wggo "$1" "go$1.conf"
}

# in_vrf VRF DEVICE: the commands that give the guest its addresses there
in_vrf() {
	echo "ip link set $2 vrf $1 up && ip addr add 10.77.0.1/24 dev $2 && ip addr add fd77::1/64 dev $2"
}

boot
ns switch
plug tap1 switch
keys dp
key[dpred]=${key[dp]} key[dpblue]=${key[dp]}
customer red 10
customer blue 20

# Outer = kernel,iface=VRF
switch tap1 10=red 20=blue
guest 'ip link set eth0 up && ethtool -K eth0 tx off gro off >/dev/null'
for c in red:10 blue:20; do
	vrf=${c%:*} vlan=eth0.${c#*:}
	guest "ip link add link eth0 name $vlan type vlan id ${c#*:} && $(in_vrf "$vrf" "$vlan")"
	guest "ip route add 10.99.0.0/24 via 10.77.0.2 vrf $vrf && ip route add fd99::/64 via fd77::2 vrf $vrf"
done
for endpoint in 10.99.0.2 '[fd99::2]'; do
	for vrf in red blue; do
		interface="PostUp = sysctl -q net.ipv6.conf.%i.keep_addr_on_down=1; ip link set %i vrf $vrf"
		side dp$vrf 1 go$vrf "$endpoint:51820" '[Dataplane]' "Outer = kernel,iface=$vrf"
	done
	guest_start_wgdp dpred.conf dpblue.conf
	for vrf in red blue; do
		guest_ping_ok -I $vrf 192.168.77.2
		ping_ok $vrf 192.168.77.1
		ping_ok $vrf fd00:77::1
	done
	guest_stop_wgdp
done
guest 'ip link del eth0.10 && ip link del eth0.20'

# Outer = NIC as wan0
switch tap1 10=red 0=blue
ip -n blue addr add 10.98.0.2/32 dev lo
ip -n blue addr add fd98::2/128 dev lo
ip -n blue addr add 192.168.77.3/24 dev goblue
guest 'driverctl --nosave set-override 0000:00:04.0 vfio-pci && echo 256 >/proc/sys/vm/nr_hugepages'
cat >up <<UP
$(in_vrf blue wan0)
ip link add link wan0 name wan0.10 type vlan id 10
$(in_vrf red wan0.10)
ip route add 10.98.0.0/24 via 10.77.0.2 vrf blue
ip route add fd99::/64 via fd77::2 vrf red
UP
guest_put up
interface="PostUp = . /run/up" side dp 1 gored '[fd99::2]:51820' '[Peer]' "PublicKey = ${pub[goblue]}" \
	'AllowedIPs = 192.168.77.3/32' 'Endpoint = 10.98.0.2:51820' '[Dataplane]' 'Outer = 0000:00:04.0 as wan0'
guest_start_wgdp dp.conf
for a in 192.168.77.2 192.168.77.3; do guest_ping_ok $a; done
ping_ok red 192.168.77.1
ping_ok blue -I 192.168.77.3 192.168.77.1
guest_ping_ok -I red 10.77.0.2
guest_ping_ok -I blue 10.77.0.2

# the NIC has two queues, each is a core's, and RSS spreads flows over them
shown '.ports[0]' >port
[ "$(jq '.queues == 2 and (.offloads | index("rss") != null)' port)" = true ] || fail "$(cat port)"
on blue nc -z -w 1 10.77.0.1 1-24 || true
[ "$(shown '[.cores[].host_tx > 4] | all')" = true ]
guest_stop_wgdp
