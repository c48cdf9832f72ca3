#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Public keys of low order as peers: nobody can hold them, so wgdp never starts a handshake with them, and works on for the others.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
n=0
for hex in 0000000000000000000000000000000000000000000000000000000000000000 \
	0100000000000000000000000000000000000000000000000000000000000000 \
	e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800 \
	5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157 \
	ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f \
	edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f \
	eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f; do
	n=$((n + 1))
	cat >>dp.conf <<-CONF
	[Peer]
	PublicKey = $(printf "$(sed 's/../\\x&/g' <<<$hex)" | base64)
	AllowedIPs = 192.168.77.10$n/32
	Endpoint = 10.77.0.2:5000$n
	PersistentKeepalive = 1
	CONF
done
side go 2 dp
start_wggo b go.conf
capture out b eth0 udp portrange 50001-50009
start_wgdp a dp.conf --time-scale 20
for i in $(seq $n); do ping_fail a 192.168.77.10$i & done
wait_for 'can_ping a 192.168.77.2'
for i in $(jobs -p); do case " ${pid[*]} " in *" $i "*) ;; *) wait "$i" ;; esac; done
[ "$(packets out)" = 0 ]
ping_ok b 192.168.77.1
