# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by the tests with the Linux kernel as the peer: that of ../netns, and a guest in QEMU instead of namespace b. The guest is
# booted once for a whole test; `guest` runs a command in it, `peer` gives it a new peer entry for wgdp, and so a fresh start.
#
#        namespace a                                             QEMU
#     dp 192.168.77.1, fd00:77::1                             wg0 192.168.77.2, fd00:77::2
#   tap0 10.77.0.1, fd77::1   -------------------------     eth0 10.77.0.2, fd77::2

kpeer=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/kernel-peer.sh
"$kpeer" build "$(dirname "$kpeer")/../../build/kernel-peer"	# once; before the namespaces, for it needs the internet
. "$(dirname "${BASH_SOURCE[0]}")/../netns/_init.sh"
. "$(dirname "${BASH_SOURCE[0]}")/_guest.sh"

wg_dump() { guest 'wg show wg0 dump'; }

# boot: namespace a, the guest, keys
boot() {
	local a
	ns a
	ip -n a tuntap add tap0 mode tap
	for a in 10.77.0.1/24 fd77::1/64; do ip -n a addr add $a dev tap0; done
	ip -n a link set tap0 up
	keys dp wg0
	kind[wg0]=guest where[wg0]=a
	"$kpeer" start "$top/build/kernel-peer" "$tmp/guest" netns=a tap=tap0 addr=10.77.0.2/24,fd77::2/64 \
		tunnel=192.168.77.2/24,fd00:77::2/64 key="${key[wg0]}" peer="${pub[dp]}" \
		allowed=192.168.77.1/32,fd00:77::1/128
}

# peer [ENDPOINT [PSK]]: wgdp as the guest's peer, without any memory
peer() {
	local set="wg set wg0 peer ${pub[dp]}" more="${1:+endpoint $1} ${2:+preshared-key /tmp/psk}"
	guest "echo '${2:-}' >/tmp/psk; $set remove; $set allowed-ips 192.168.77.1/32,fd00:77::1/128 $more"
}

# guest_tcp INNER SIZE: to the guest and back again, by hash
guest_tcp() {
	local p
	head -c "$2" /dev/urandom >there
	guest 'rm -f /tmp/got; (sleep 20 | nc -l -p 7000 >/tmp/got) >/dev/null 2>&1 & until netstat -ltn | grep -q :7000; do sleep 0.1; done'
	on a timeout 60 nc -N "$(inside "$1" 2)" 7000 <there
	wait_for "[ \"\$(guest 'sha256sum </tmp/got')\" = '$(sha256sum <there)' ]"
	guest 'killall sleep nc 2>/dev/null; true'
	ip netns exec a timeout 60 nc -d -l "$(inside "$1" 1)" 7001 >back &
	p=$!
	wait_for "on a ss -Htln 'sport = 7001' | grep -q ."
	guest "nc $(inside "$1" 1) 7001 </tmp/got"
	wait $p
	cmp there back
}
