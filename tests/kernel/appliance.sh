#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wgdp as an appliance (_appliance.sh): from NICs that the kernel has to a tunnel, by nothing but what `wgdp devices` and its messages say; then
# everything that goes by way of the NICs, with mirrors of both kinds: virtio-user over vhost-net, and the tap driver.

. "$(dirname "$0")/_appliance.sh"

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

boot
neighbours

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
