#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 100,000 routes come and go in router ra, as BGP brings them, while datagrams go by its fast path and another peer shakes hands: none is lost, the handshake
# is answered, and wgdp does not grow from flood to flood. The bed is drawn in _appliance.sh.

routes=100000
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1	# what is freed is to be used again
. "$(dirname "$0")/_appliance.sh"
keys go
peer_a=("[Peer]" "PublicKey = ${pub[go]}" "AllowedIPs = 10.79.0.3/32")
bed packet packet
routers_up
fast a 5 10.77.2.2
cat >go.conf <<-CONF
	[Interface]
	PrivateKey = ${key[go]}
	Address = 10.79.0.3/24
	ListenPort = 51821
	[Peer]
	PublicKey = ${pub[vpa]}
	AllowedIPs = 10.79.0.1/32
	Endpoint = 10.78.1.1:51820
CONF
for what in add del; do
	awk -v n=$routes -v what=$what 'BEGIN { for (i = 0; i < n; i++)
		printf "route %s 100.%d.%d.%d/29 via 10.78.1.254\n", what, 64 + int(i / 8192) , int(i / 32) % 256, i % 32 * 8 }' >$what.batch
done

rss() { awk '/^VmRSS/ { print $2 }' "/proc/${pid[vpa]}/status"; }
known() { printf 'stats=1\n\n' | timeout 100 nc -N -U /run/wireguard/vpa.sock | sed -n 's/^routes_prefixes=//p'; }

stream tunnel a b 10.77.2.2
few=$(known)
sizes=()
for flood in 1 2 3; do
	ip -n ra -batch add.batch &
	p=$!
	start_wggo i go.conf
	ping_ok i -I 10.79.0.3 10.79.0.1
	wait $p
	wait_for '[ "$(known)" -ge '$routes' ]'
	flows tunnel
	ip -n ra -batch del.batch &
	p=$!
	stop go
	start_wggo i go.conf
	ping_ok i -I 10.79.0.3 10.79.0.1
	wait $p
	wait_for '[ "$(known)" -lt '$((few + 100))' ]'
	flows tunnel
	stop go
	sizes+=("$(rss)")
done
stream_end tunnel 0
echo "resident after each flood: ${sizes[*]} KiB"
[ "${sizes[2]}" -le $((sizes[0] + routes * 130 / 1024)) ] || fail "grows: ${sizes[*]} KiB"	# by less than the routes of two floods take
[ -z "$(printf 'stats=1\n\n' | timeout 100 nc -N -U /run/wireguard/vpa.sock | sed -n 's/^routes_off=//p')" ]
fast a 5 10.77.2.2
