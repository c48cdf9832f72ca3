#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# OpenBSD's wg(4): two interfaces on one machine, "of no practical use": wg1 with port 7111 and wg2 with port 7222 reach each other over
# 127.0.0.1 in the namespace they were started in, and live in two others (its rdomains 1 and 2). In one process, then in two. The keys
# are any 32 random bytes.
#
#     rdomain1: wg1 192.168.5.1/24          rdomain2: wg2 192.168.5.2/24
#                   \  default: 127.0.0.1:7111 -- 127.0.0.1:7222  /

. "$(dirname "$0")/_init.sh"
ns default rdomain1 rdomain2
for i in wg1 wg2; do key[$i]=$(head -c 32 /dev/urandom | base64) pub[$i]=$(wg pubkey <<<"${key[$i]}"); done

# interface IF PORT PEER PEERPORT PEERADDR
interface() {
	cat >"$1.conf" <<-CONF
	[Interface]
	PrivateKey = ${key[$1]}
	ListenPort = $2
	Table = off
	[Peer]
	PublicKey = ${pub[$3]}
	Endpoint = 127.0.0.1:$4
	AllowedIPs = $5/32
	CONF
}
interface wg1 7111 wg2 7222 192.168.5.2
interface wg2 7222 wg1 7111 192.168.5.1

for processes in one two; do
	if [ $processes = one ]; then
		start_wgdp default wg1.conf wg2.conf
	else
		start_wgdp default wg1.conf
		start_wgdp default wg2.conf
	fi
	for i in 1 2; do
		ip -n default link set wg$i netns rdomain$i
		where[wg$i]=rdomain$i
		ip -n rdomain$i addr add 192.168.5.$i/24 dev wg$i
		ip -n rdomain$i link set wg$i up
	done
	ping_ok rdomain1 192.168.5.2
	ping_ok rdomain2 192.168.5.1
	[ "$(peer_of wg1 wg2 rx)" = "$(peer_of wg2 wg1 tx)" ]
	tcp rdomain1 rdomain2 192.168.5.2 4M
	tcp rdomain2 rdomain1 192.168.5.1 4M
	for port in 7111 7222; do
		on default ss -Huln "sport = $port" | grep -qF "0.0.0.0:$port"
		on default ss -Huln "sport = $port" | grep -qF "[::]:$port"
	done
	[ "$(peer_of wg1 wg2 endpoint)" = 127.0.0.1:7222 ]
	[ "$(peer_of wg2 wg1 endpoint)" = 127.0.0.1:7111 ]
	interop wgdp wgdp v4 v4 "two interfaces, $processes process$([ $processes = one ] || echo es)"
	stop wg1
	[ $processes = one ] || stop wg2
done
