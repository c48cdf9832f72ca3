#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Outer IP fragments are put together on an owned port: IPv4, cut by node i on the way between the routers; IPv6, cut by the kernel of a peer
# (wireguard-go on i, with a small MTU on its way to ra). ra has memif, rb af_xdp: for af_packet the kernel would do it. The bed is drawn in
# _appliance.sh.

tunnel_mtu=1420
. "$(dirname "$0")/_appliance.sh"
keys go
peer_a=("[Peer]" "PublicKey = ${pub[go]}" "AllowedIPs = 10.79.0.3/32, fd79::3/128")
bed memif xdp
routers_up
cat >go.conf <<-CONF
	[Interface]
	PrivateKey = ${key[go]}
	Address = 10.79.0.3/24, fd79::3/64
	ListenPort = 51821
	[Peer]
	PublicKey = ${pub[vpa]}
	AllowedIPs = 10.79.0.1/32, fd79::1/128, 10.77.1.0/24, fd77:1::/64
	Endpoint = [fd78:1::1]:51820
CONF
start_wggo i go.conf

# IPv4: both ways, what the tunnel carries at most, and large pings, which are fragments inside, too
on i sysctl -qw net.ipv4.ip_forward_use_pmtu=0
for f in "1 wa" "2 wb"; do ip -n i route change "10.78.${f% *}.0/24" dev "${f#* }" proto kernel scope link src "10.78.${f% *}.254" mtu 1000; done
capture wb i wb 'ip[6:2] & 0x3fff != 0'
capture wa i wa 'ip[6:2] & 0x3fff != 0 or ip6[6] = 44'
fast a 20 -M do -s 1392 10.77.2.2
fast b 20 -M do -s 1372 fd77:1::2
wait_for '[ $(packets wb "dst 10.78.2.1") -ge 80 ]'	# two fragments each, of requests and answers
wait_for '[ $(packets wa "dst 10.78.1.1") -ge 80 ]'
ping_ok a -M dont -s 6000 10.77.2.2
learn_mtu a fd77:2::2
learn_mtu b fd77:1::2
ping_ok b -M dont -s 6000 fd77:1::2
tcp a b 10.77.2.2 500K
tcp b a fd77:1::2 500K

# IPv6
ip -n i -6 route add fd78:1::1/128 dev wa mtu 1280
ping_ok i -M do -s 1392 -I 10.79.0.3 10.77.1.2
ping_ok i -M do -s 1372 -I fd79::3 fd77:1::2
wait_for '[ $(packets wa "ip6 and dst fd78:1::1") -ge 12 ]'
ping_ok a -M do -s 1392 10.79.0.3
tcp i a 10.77.1.2 500K
capture_end wa
capture_end wb
for i in vpa vpb; do
	[ "$(beside $i drop_fragments drop_outer_truncated drop_outer_malformed drop_auth_failed drop_no_mbuf)" = "0 0 0 0 0" ] || fail "$(dropped $i)"
done

# A fragment whose rest never comes is given up, and hurts nobody; those to other ports, and of other protocols, are the host's
ping_ok i -s 4000 10.78.1.1
ping_ok i -s 4000 fd78:1::1
numbers i ra 10.78.1.1 3 100 4000
on i /usr/bin/python3 - <<-'PY'
	import socket, struct
	s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	for i in range(10):
	    udp = struct.pack('!HHHH', 51821, 51820, 1408, 0) + bytes(792)
	    s.sendto(struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 100 + i, 0x2000, 64, 17, 0,
	        socket.inet_aton('10.78.1.254'), socket.inet_aton('10.78.1.1')) + udp, ('10.78.1.1', 0))
PY
fast a 5 -M do -s 1392 10.77.2.2
wait_for '[ "$(beside vpa drop_fragments)" -ge 1 ]' 40
