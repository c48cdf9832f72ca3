#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A bad file starts nothing: every fault in it is named with its line, the exit status is 1. --check says the same without starting.
#
#     a

. "$(dirname "$0")/_init.sh"
ns a
keys dp go
cat >bad.conf <<CONF
[Interface]
PrivateKey = short
ListenPort = 70000
Address = 10.0.0.256/24
[Peer]
PublicKey = ${pub[go]}
AllowedIPs = 10.0.0.0/33
Endpoint = nowhere
Colour = blue
CONF
cat >good.conf <<CONF
[Interface]
PrivateKey = ${key[dp]}
Address = 10.0.0.1/24
[Peer]
PublicKey = ${pub[go]}
AllowedIPs = 10.0.0.2/32
CONF
for args in "--conf bad.conf" "--check --conf bad.conf" "--conf good.conf --conf bad.conf"; do
	status=0
	on a "$WGDP" $args 2>said || status=$?
	[ $status = 1 ] || fail "$args: status $status: $(cat said)"
	for line in 2 3 4 7 8 9; do grep -q "^bad.conf:$line: " said || fail "$args: line $line: $(cat said)"; done
	grep -qF "bad.conf:7: AllowedIPs: '10.0.0.0/33' is not a prefix" said
	[ "$(grep -c ^bad.conf: said)" = 6 ]
	[ "$(ip -n a -br link | wc -l)" = 1 ]
done
on a "$WGDP" --check --conf good.conf
[ "$(ip -n a -br link | wc -l)" = 1 ]
not on a "$WGDP" --conf missing.conf 2>said
grep -q missing.conf said
chmod 644 good.conf
on a "$WGDP" --check --conf good.conf 2>said
grep -q "^good.conf:.*warning: " said
