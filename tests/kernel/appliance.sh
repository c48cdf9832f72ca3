#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wgdp as an appliance (_appliance.sh): from NICs that the kernel has to a tunnel, by nothing but what `wgdp devices` and its messages say; then
# everything that goes by way of the NICs, with mirrors of both kinds: virtio-user over vhost-net, and the tap driver.

. "$(dirname "$0")/_appliance.sh"

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

# the link of NIC $1 (QEMU's name) with the mirror $2 goes, and comes back
link_of() {
	monitor "set_link $1 off"
	guest_wait "[ \$(cat /sys/class/net/$2/carrier) = 0 ]"
	[ "$(shown ".ports[] | select(.name == \"$2\").link")" = down ]
	monitor "set_link $1 on"
	guest_wait "[ \$(cat /sys/class/net/$2/carrier) = 1 ]"
	[ "$(shown ".ports[] | select(.name == \"$2\").link")" = up ]
}

# frames to others' MAC addresses, from NS TAP to an address ADDR, do not come through the NIC with the mirror $4
not_promiscuous() {
	local received=".ports[] | select(.name == \"$4\").rx_packets" before
	ip -n "$1" neigh replace "$3" lladdr 52:54:00:77:67:77 dev "$2"
	before=$(shown "$received")
	ping_fail "$1" -c 100 -i 0.01 "$3"
	[ "$(shown "$received")" -lt $((before + 50)) ]
}

gone() { guest_wait '! ip link show wan0 && ! ip link show lan0 && ! ip link show dp'; }

boot
ns p h
plug tap0 p 10.77.0.2/24 fd77::2/64
plug tap1 h 10.88.0.2/24 fd88::2/64
ip -n h route add default via 10.88.0.1
ip -n h route add default via fd88::1
keys dp go
side go 2 dp '' 'AllowedIPs = 10.88.0.0/24, fd88::/64'
start_wggo p go.conf
interface='PostUp = ip addr add 10.77.0.1/24 dev wan0; ip addr add fd77::1/64 dev wan0
PostUp = ip addr add 10.88.0.1/24 dev lan0; ip addr add fd88::1/64 dev lan0'
side dp 1 go 10.77.0.2:51820 '[Dataplane]' 'Outer = 0000:00:03.0 as wan0' 'Lan = 0000:00:04.0 as lan0'

# set-up, as the messages tell
guest 'ip link set eth0 up'
refused '0000:00:04.0: has the kernel'
guest 'mv /usr/sbin/driverctl /run'
obey 0000:00:03.0		# by dpdk-devbind.py
guest 'mv /run/driverctl /usr/sbin'
obey 0000:00:04.0		# by driverctl
refused 'no hugepages'
guest "$(sed -n 's/.*no hugepages.* run: //p' refused)"

guest_start_wgdp dp.conf
guest 'ls -l /proc/$(pidof wgdp)/fd' | found /dev/vhost-net
guest 'wgdp devices' | found 'process [0-9]* (wgdp.*) has it'
traffic
link_of wan wan0
link_of lan lan0
not_promiscuous p tap0 10.77.0.77 wan0
not_promiscuous h tap1 10.88.0.77 lan0
ping_ok h 192.168.77.2
guest 'kill -KILL $(pidof wgdp)'
gone

guest 'rmmod vhost_net'
guest_start_wgdp dp.conf
traffic
link_of wan wan0
link_of lan lan0
guest_stop_wgdp
gone
about 0000:00:04.0 | sed -n 's/^    //p' >commands
guest "$(cat commands)"
guest_wait 'ip link show eth0'
