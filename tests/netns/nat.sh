#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A client behind a masquerading router, whose outer address and port change in the middle; the server can always reach it. First the
# client is wgdp, then wireguard-go.
#
#     a: client 192.168.77.1  ----  10.66.0.0/24  ----  n: masquerade  ----  10.77.0.0/24  ----  b: server 192.168.77.2

. "$(dirname "$0")/_init.sh"
ns a n b
link a eth0 10.66.0.1/24 n in 10.66.0.254/24
link n out 10.77.0.254/24 b eth0 10.77.0.2/24
ip -n a route add default via 10.66.0.254
router n
keys dp go

# masquerade PORT: the client's packets leave from there
masquerade() {
	on n nft -f - <<-NFT
	table ip nat
	flush table ip nat
	table ip nat {
		chain post {
			type nat hook postrouting priority srcnat
			oifname out udp sport 51820 masquerade to :$1
		}
	}
	NFT
}

for client in dp go; do
	if [ $client = dp ]; then server=go; else server=dp; fi
	masquerade 40000
	side $client 1 $server 10.77.0.2:51820 "PersistentKeepalive = 1"
	side $server 2 $client
	if [ $client = dp ]; then start_wggo b go.conf; start_wgdp a dp.conf; else start_wgdp b dp.conf; start_wggo a go.conf; fi
	ping_ok a 192.168.77.2
	[ "$(peer_of $server $client endpoint)" = 10.77.0.254:40000 ]
	ping_ok b 192.168.77.1

	masquerade 41000
	ip -n n addr del 10.77.0.254/24 dev out	# the mappings of an address go with it
	ip -n n addr add 10.77.0.253/24 dev out
	wait_for "[ \"\$(peer_of $server $client endpoint)\" = 10.77.0.253:41000 ]" 60	# a keepalive a second; the next handshake is two minutes away
	ping_ok b 192.168.77.1
	ping_ok a 192.168.77.2

	stop $client
	stop $server
	ip -n n addr del 10.77.0.253/24 dev out
	ip -n n addr add 10.77.0.254/24 dev out
done
