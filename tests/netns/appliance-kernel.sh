#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The LAN alone is DPDK's, the outer side the host's sockets: what these received together is handed out in views of one buffer, which the LAN device may still be sending
# when everything ends.

. "$(dirname "$0")/_appliance.sh"

bed packet/vhost packet
for r in ra rb; do
	on $r nft delete table netdev deaf-wan0p
	ip -n $r link set wan0p down
	ip -n $r link set wan0p name wan0
	on $r sysctl -qw net.ipv6.conf.wan0.disable_ipv6=0
	ip -n $r link set wan0 up
done
for f in "ra wan0" "i wa" "i wb" "rb wan0"; do	# messages stay together on their way
	on ${f% *} ethtool -K ${f#* } tx on tx-udp-segmentation on >/dev/null
done
sed -i 's/^Outer = .*/Outer = kernel/' vpa.conf vpb.conf
routers_up

fast a 5 10.77.2.2
fast b 5 fd77:1::2
tcp b a 10.77.1.2 1M
tcp b a fd77:1::2 1M
before=$(beside vpa lan_tx)
tcp b a 10.77.1.2 20M
[ "$(($(beside vpa lan_tx) - before))" -gt 1000 ] || fail "not by the fast path: $before, $(beside vpa lan_tx)"
stop vpa
stop vpb
