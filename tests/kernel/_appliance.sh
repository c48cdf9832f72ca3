# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by the tests with wgdp as an appliance: in a guest (_guest.sh) with two NICs, and an IOMMU unless it is to be without.
#
#     namespace p                            QEMU: wgdp                               namespace h
#   go 192.168.77.2, fd00:77::2 - - - dp 192.168.77.1, fd00:77::1
#                            e1000 00:03.0            00:04.0 virtio, 2 queues
#   tap0 10.77.0.2, fd77::2 ------ wan0 10.77.0.1     lan0 10.88.0.1 ------- tap1 10.88.0.2, fd88::2
#                                       fd77::1       fd88::1
#
# wgdp runs in /run there; its log is wgdp.log.

kernel_tests=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$kernel_tests/_guest.sh"
guest_build "$kernel_tests/../../build/kernel-peer"	# once; before the namespaces, for it needs the internet
. "$kernel_tests/../netns/_init.sh"

# guest_put FILE...: to the guest's folder /run
guest_put() {
	local f
	for f; do guest "echo $(base64 -w 0 "$f") | base64 -d >/run/$f"; done
}

# guest_run_wgdp FILE.conf...: in the guest, all in one process; its log is /run/wgdp.log there. Does not wait.
guest_run_wgdp() {
	guest_put "$@"
	guest "cd /run; rm -f wgdp.status; { wgdp $(printf -- '--conf %s ' "$@"); echo \$? >wgdp.status; } >wgdp.log 2>&1 &"
}

# guest_start_wgdp FILE.conf...: until it is up
guest_start_wgdp() {
	local f
	guest_run_wgdp "$@"
	for f; do
		guest_wait "[ -e /run/wgdp.status ] || grep -q '^wgdp: ${f%.conf}: up\$' /run/wgdp.log" 60
		guest '[ ! -e /run/wgdp.status ]' || fail "wgdp did not start: $(guest 'cat /run/wgdp.log')"
	done
}

# guest_stop_wgdp: it has to exit with 0
guest_stop_wgdp() {
	guest 'kill $(pidof wgdp)'
	guest_wait '[ -e /run/wgdp.status ]'
	[ "$(guest 'cat /run/wgdp.status')" = 0 ] || fail "wgdp in the guest: $(guest 'cat /run/wgdp.status /run/wgdp.log')"
}

# shown QUERY: jq's answer to wgdp show --json in the guest, of the one interface
shown() { guest 'wgdp show --json' | jq -r ".interfaces[0].dataplane | $1"; }

# monitor COMMAND: QEMU's
monitor() { echo "$1" | nc -U -N -w 10 "$tmp/guest/monitor" >>"$tmp/guest/monitor.log"; }

appliance_setup() {
	cat <<'SETUP'
umask 077
ln -sf /usr/bin/bash /bin/sh
ln -s /usr/bin/kmod /sbin/modprobe
ln -s /run /var/run
mkdir /dev/hugepages
mount -t hugetlbfs hugetlbfs /dev/hugepages
modprobe -a virtio_pci virtio_net tun vhost_net
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link set lo up
SETUP
}

# python_for SCRIPT: Python, and of its library what SCRIPT uses to print its help
python_for() {
	echo /usr/bin/python3
	/usr/bin/python3 -B - "$1" <<-'PYTHON'
	import contextlib, os, runpy, sys
	sys.argv = [sys.argv[1], "--help"]
	with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, "w")):
	    runpy.run_path(sys.argv[0], run_name="__main__")
	print(*{m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None) and m.__name__ != "__main__"})
	PYTHON
}

# boot [no-iommu]: the guest with wgdp and what DPDK has for its NICs
boot() {
	local t pmds tree=$tmp/guest/tree iommu=(-device intel-iommu,intremap=on,aw-bits=48) virtio=,disable-legacy=on,iommu_platform=on
	[ "${1:-}" != no-iommu ] || iommu=() virtio=
	ns q
	for t in tap0 tap1; do ip -n q tuntap add $t mode tap $([ $t = tap0 ] || echo multi_queue); done
	mkdir -p "$tree/var"
	appliance_setup >"$tree/setup"
	pmds=$(echo /usr/lib/*-linux-gnu/dpdk/pmds-*)
	guest_add "$tree" "$WGDP" /bin/bash /usr/bin/{kmod,wg,lspci,dpdk-devbind.py} /usr/sbin/{ip,ethtool,driverctl} \
		$(python_for /usr/bin/dpdk-devbind.py) ${extra:-} \
		"$pmds"/librte_{bus_{pci,vdev},mempool_ring,net_{e1000,virtio,tap}}.so.*
	ln -s "$WGDP" "$tree/usr/bin/wgdp"
	guest_start "$top/build/kernel-peer" "$tmp/guest" q 90 intel_iommu=on \
		-accel tcg,thread=multi -smp 2 -m 1024 -cpu "${cpu:-qemu64,+rdrand,+ssse3,+sse4.1,+sse4.2,+popcnt,+bmi2,+adx}" \
		-chardev "socket,id=monitor,path=$tmp/guest/monitor,server=on,wait=off" -mon chardev=monitor \
		"${iommu[@]}" \
		-netdev tap,id=n0,ifname=tap0,script=no,downscript=no \
		-device e1000,id=wan,netdev=n0,addr=3,mac=52:54:00:77:67:01,romfile= \
		-netdev tap,id=n1,ifname=tap1,script=no,downscript=no,queues=2 \
		-device virtio-net-pci,id=lan,netdev=n1,addr=4,mac=52:54:00:77:67:02,romfile=,mq=on,vectors=6,rss=on$virtio
}

# switch TAP VID=INTERFACE...: what is plugged into namespace switch becomes the VLAN port TAP of one, from now on (the host may have no VLANs)
declare -A trunk=()
switch() {
	[ -z "${trunk[$1]:-}" ] || kill "${trunk[$1]}"
	ip netns exec switch "$kernel_tests/trunk.py" "$@" >"trunk-$1.log" 2>&1 &
	trunk[$1]=$!
	wait_for "grep -q ready trunk-$1.log"
}

# plug TAP NS [ADDR...]: the other end of a NIC's cable; QEMU, which holds it open, stays where it is
plug() {
	local a
	ip -n q link set "$1" netns "$2"
	for a in "${@:3}"; do ip -n "$2" addr add "$a" dev "$1"; done
	ip -n "$2" link set "$1" up
}

# neighbours: what is drawn above, with dp.conf for it
neighbours() {
	ns p h
	plug tap0 p 10.77.0.2/24 fd77::2/64
	plug tap1 h 10.88.0.2/24 fd88::2/64
	ip -n h route add default via 10.88.0.1
	ip -n h route add default via fd88::1
	keys dp go
	side go 2 dp '' 'AllowedIPs = 10.88.0.0/24, fd88::/64'
	start_wggo p go.conf
	interface='PostUp = ip addr add 10.77.0.1/24 dev wan0; ip addr add fd77::1/64 dev wan0; '
	interface+='ip addr add 10.88.0.1/24 dev lan0; ip addr add fd88::1/64 dev lan0'
	side dp 1 go 10.77.0.2:51820 '[Dataplane]' 'Outer = 0000:00:03.0 as wan0' 'Lan = 0000:00:04.0 as lan0'
}

# the paragraph that `wgdp devices` has for the NIC $1
about() { guest 'wgdp devices' | awk -v RS= -v nic="$1" 'index($0, nic " has ") == 1 || index($0, "To give " nic) == 1'; }

# does what `wgdp devices` says to make the NIC $1 usable
obey() {
	local line
	about "$1" | sed '/^and back again/,$d' | sed -n 's/^    //p' >commands
	[ -s commands ] || fail "no commands for $1: $(guest 'wgdp devices')"
	while read -r line; do guest "$line"; done <commands
	about "$1" | found "^To give $1 back"
}

# wgdp does not start; what it says has $1
refused() {
	guest_run_wgdp dp.conf
	guest_wait '[ -e /run/wgdp.status ]'
	[ "$(guest 'cat /run/wgdp.status')" = 1 ]
	guest 'cat /run/wgdp.log' >refused
	found -F -- "$1" <refused || fail "not said: $1: $(cat refused)"
}

# everything, with the mirrors that there are now
traffic() {
	local a lan
	for a in 10.77.0.1 fd77::1; do ping_ok p $a; done	# ARP, ND, ICMP of the host, by its mirrors
	for a in 10.88.0.1 fd88::1; do ping_ok h $a; done
	for a in 192.168.77.2 fd00:77::2 10.88.0.2; do guest_ping_ok $a; done
	lan=$(shown .packets.lan_rx+.packets.lan_tx)
	for a in 192.168.77.2 fd00:77::2; do ping_ok h $a; done
	for a in 10.88.0.2 fd88::2; do ping_ok p $a; done
	tcp h p 192.168.77.2 300K
	tcp p h fd88::2 300K
	[ "$(shown .packets.lan_rx+.packets.lan_tx)" -ge $((lan + 400)) ]	# not by way of the host
}

gone() { guest_wait '! ip link show wan0 && ! ip link show lan0 && ! ip link show dp'; }
