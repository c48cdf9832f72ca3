#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nothing but VLANs: wgdp in a guest (_appliance.sh), the peer on a VLAN of one NIC, local networks on two VLANs of the other. The host's part are VLAN
# devices on the mirrors, which the machines that run the other tests may lack.
#
#   namespace p            switch      guest                                switch      namespaces h, i
#   10.77.0.2 -- VLAN 10 -- tap0 -- wan0.10 10.77.0.1   lan0.20 10.88.0.1 -- tap1 -- VLAN 20 -- 10.88.0.2
#   fd77::2                                fd77::1              fd88::1                         fd88::2
#                                                       lan0.30 10.89.0.1         -- VLAN 30 -- 10.89.0.2

. "$(dirname "$0")/_appliance.sh"

boot
ns switch p h i
plug tap0 switch
plug tap1 switch
link p eth0 10.77.0.2/24,fd77::2/64 switch to_p -
link h eth0 10.88.0.2/24,fd88::2/64 switch to_h -
link i eth0 10.89.0.2/24 switch to_i -
ip -n h route add default via 10.88.0.1
ip -n h route add default via fd88::1
ip -n i route add default via 10.89.0.1
switch tap0 10=to_p
switch tap1 20=to_h 30=to_i
keys dp go
side go 2 dp '' 'AllowedIPs = 10.88.0.0/15, fd88::/64'
start_wggo p go.conf

guest 'echo 256 >/proc/sys/vm/nr_hugepages'
for nic in 0000:00:03.0 0000:00:04.0; do guest "driverctl --nosave set-override $nic vfio-pci"; done
cat >up <<'UP'
ip link add link wan0 name wan0.10 type vlan id 10
ip link add link lan0 name lan0.20 type vlan id 20
ip link add link lan0 name lan0.30 type vlan id 30
ip addr add 10.77.0.1/24 dev wan0.10
ip addr add fd77::1/64 dev wan0.10
ip addr add 10.88.0.1/24 dev lan0.20
ip addr add fd88::1/64 dev lan0.20
ip addr add 10.89.0.1/24 dev lan0.30
for i in wan0.10 lan0.20 lan0.30; do ip link set $i up; done
UP
guest_put up
interface='PostUp = . /run/up'
for endpoint in 10.77.0.2 '[fd77::2]'; do
	side dp 1 go "$endpoint:51820" '[Dataplane]' 'Outer = 0000:00:03.0 as wan0' 'Lan = 0000:00:04.0 as lan0'
	guest_start_wgdp dp.conf
	for a in 10.88.0.1 fd88::1 10.89.0.2; do ping_ok h $a; done	# the host's own, and the host routes
	for a in 192.168.77.2 fd00:77::2; do ping_ok h $a; done
	ping_ok i 192.168.77.2
	for a in 10.88.0.2 fd88::2 10.89.0.2; do ping_ok p $a; done
	lan=$(shown .packets.lan_rx+.packets.lan_tx)
	tcp h p 192.168.77.2 300K
	tcp p i 10.89.0.2 300K
	[ "$(shown .packets.lan_rx+.packets.lan_tx)" -ge $((lan + 400)) ]	# not by way of the host
	guest_stop_wgdp
done
