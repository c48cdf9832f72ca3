#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A default route into the tunnel comes and goes with a reload, while packets flow to a peer whose endpoint is behind the host's own default
# route: at no moment do the policy rules send them into the tunnel, too.
#
#     a: dp 192.168.77.1 -- 10.77.0.0/24 -- r -- 10.78.0.0/24 -- b: far 192.168.77.3

. "$(dirname "$0")/_init.sh"
ns a r b
link a eth0 10.77.0.1/24 r e0 10.77.0.254/24
link b eth0 10.78.0.2/24 r e1 10.78.0.254/24
router r
ip -n a route add default via 10.77.0.254
ip -n b route add default via 10.78.0.254
keys dp far y

# conf LINE...: dp.conf, with more lines behind its peer
conf() {
	printf '%s\n' "[Interface]" "PrivateKey = ${key[dp]}" "ListenPort = 51820" "Address = 192.168.77.1/24" \
		"[Peer]" "PublicKey = ${pub[far]}" "AllowedIPs = 192.168.77.3/32" "Endpoint = 10.78.0.2:51820" "$@" >dp.conf
}
printf '%s\n' "[Interface]" "PrivateKey = ${key[far]}" "ListenPort = 51820" "Address = 192.168.77.3/24" \
	"[Peer]" "PublicKey = ${pub[dp]}" "AllowedIPs = 192.168.77.1/32" >far.conf
conf
start_wgdp a dp.conf
start_wgdp b far.conf
ip netns exec b /usr/bin/python3 "$here/stream.py" echo 192.168.77.3 9000 &
wait_for "on b ss -Hanu 'sport = 9000' | found ."
ip netns exec a /usr/bin/python3 "$here/stream.py" count 192.168.77.3 9000 count &
counter=$!

# flows: a hundred more have come back
flows() {
	local had
	had=$(head -n 1 count)
	wait_for "[ \$(head -n 1 count) -ge $((${had:-0} + 100)) ]"
}
wait_for "[ -s count ]"

# Its other networks take the change its time.
networks=0.0.0.0/0$(for n in {0..2999}; do printf ', 10.%d.%d.0/24' $((100 + n / 256)) $((n % 256)); done)
for _ in 1 2 3; do
	conf "[Peer]" "PublicKey = ${pub[y]}" "AllowedIPs = $networks"
	on a timeout 200 "$WGDP" reload dp
	on a ip route get 198.51.100.1 | found "dev dp"
	flows
	conf
	on a timeout 200 "$WGDP" reload dp
	on a ip route get 198.51.100.1 | found "via 10.77.0.254"
	flows
done
kill $counter
wait $counter
cat count
[ "$(awk '{ print $4 + $6 }' count)" = 0 ] || fail "lost: $(cat count)"
