#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The same files with wg-quick (and wireguard-go, where the kernel has no WireGuard) and with wgdp: the same addresses, MTU, routes and
# rules while they are up, and nothing afterwards.
#
#     q: wg-quick     w: wgdp     both with eth0 10.77.0.1, fd77::1

. "$(dirname "$0")/_init.sh"
ns q w u
link q eth0 10.77.0.1/24,fd77::1/64 u q 10.77.0.2/24,fd77::2/64
link w eth0 10.77.0.1/24,fd77::1/64 u w 10.77.0.2/24,fd77::2/64
for n in q w; do
	ip -n $n route add default via 10.77.0.2
	ip -n $n -6 route add default via fd77::2
done
keys x y z

# network NS: what there is, without what differs by chance or by who made it
network() {
	for f in -4 -6; do
		ip -n "$1" -o $f addr show | awk '{ print $2, $3, $4 }' | grep -v fe80
		ip -n "$1" $f route show table all | grep -v fe80 | grep -v multicast |
			sed -E 's/ (proto|expires|src|metric|error|hoplimit|pref) [^ ]+//g; s/ linkdown//; s/ +$//'
		ip -n "$1" $f rule show
	done | sort
	cat /dev/null
	ip -n "$1" -o link show | awk '{ print $2, $4, $5 }' | sed 's/@[^ ]*//' | sort
}

# compare MORE_INTERFACE ALLOWED1 ALLOWED2
compare() {
	cat >x.conf <<-CONF
	[Interface]
	PrivateKey = ${key[x]}
	ListenPort = 51820
	Address = 192.168.77.1/24, fd00:77::1/64, 192.168.78.1
	$1
	[Peer]
	PublicKey = ${pub[y]}
	AllowedIPs = $2
	Endpoint = 10.77.0.2:51820
	[Peer]
	PublicKey = ${pub[z]}
	AllowedIPs = $3
	CONF
	on q wg-quick up ./x.conf 2>quick.log || fail "$(cat quick.log)"
	start_wgdp w x.conf
	network q >want
	network w >got
	diff -u want got || fail "$1 / $2 / $3"
	on q wg-quick down ./x.conf 2>/dev/null
	stop x
	wait_for "[ ! -e /run/wireguard/x.sock ]"	# wireguard-go's
	network q >want
	network w >got
	diff -u want got || fail "after the end: $1 / $2 / $3"
}

compare "" "192.168.77.2/32, fd00:77::2/128" "10.0.0.0/8, 10.1.0.0/16, fd01::/32"
compare "MTU = 1300" "172.16.0.0/12" "fd01::/32, 192.168.77.128/25"
compare "Table = 1234" "172.16.0.0/12, 0.0.0.0/0" "fd01::/32"
compare "Table = off" "172.16.0.0/12" "fd01::/32"
compare "" "0.0.0.0/0, ::/0" "172.16.0.0/12"
compare "FwMark = 0x99" "0.0.0.0/0" "fd01::/32"
