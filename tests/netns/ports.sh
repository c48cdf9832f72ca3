#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What is shown of devices that DPDK owns, outer and LAN: link, frames of the host, routes; in wgdp show, on the page of metrics, in telemetry and in
# the status. The devices are taps, whose other ends are the interfaces wtap and ltap.

. "$(dirname "$0")/_init.sh"
ns a
keys dp
printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n[Dataplane]\nMetrics = 127.0.0.1:9586\n' "${key[dp]}" >dp.conf
printf 'Outer = net_tap0,iface=wtap as wan0\nLan = net_tap1,iface=ltap as lan0\n' >>dp.conf
start_wgdp a dp.conf

# of SAMPLE: its value on the page
of() { py a metrics.py value http://127.0.0.1:9586/metrics "$1"; }
# json FILTER: of what wgdp show --json says of the data path; fails where it is false
json() { "$WGDP" show dp --json | jq -re ".interfaces[0].dataplane | $1"; }
# shows TEXT: a line of wgdp show is like that
shows() { "$WGDP" show dp | found "$1"; }

for port in wan0:outer:wtap lan0:lan:ltap; do
	IFS=: read -r name role tap <<<"$port"
	json ".ports[] | select(.name == \"$name\") | .role == \"$role\" and .mirror == \"$name\" and .driver == \"net_tap\" and .mtu == 1500 and
		.mac == \"$(ip -n a -j link show "$name" | jq -r '.[0].address')\" and (.device | endswith(\",iface=$tap\"))" >/dev/null ||
		fail "$("$WGDP" show dp --json)"
	wait_for "[ \$(of 'wgdp_port_up{interface=\"dp\",port=\"$name\",role=\"$role\"}') = 1 ]"
	shows "^  port $name: $role, net_tap.,iface=$tap (net_tap), link up.*, mtu 1500, . queue"

	# the link goes, and comes again
	ip -n a link set $tap down
	wait_for "shows '^  port $name: .*, link down'"
	wait_for "[ \$(of 'wgdp_port_up{interface=\"dp\",port=\"$name\"') = 0 ]"	# a page may be a second old
	status dp | found "^port $name: $role, link down,"
	ip -n a link set $tap up
	wait_for "shows '^  port $name: .*, link up'"

	# both ways between the host and the device
	from=$(json .packets.host_rx) to=$(json .packets.host_tx)
	sent=$(json ".ports[] | select(.name == \"$name\") | .tx_packets") received=$(json ".ports[] | select(.name == \"$name\") | .rx_packets")
	ip -n a addr add 10.77.9.1/24 dev "$name"
	on a ping -q -c 1 -W 1 10.77.9.2 >/dev/null || true	# who has it is asked on the link
	wait_for "[ \$(json '.ports[] | select(.name == \"$name\") | .tx_packets') -gt $sent ] && [ \$(json .packets.host_rx) -gt $from ]"
	ip -n a addr del 10.77.9.1/24 dev "$name"
	ip -n a addr add 10.77.8.1/24 dev $tap
	on a ping -q -c 1 -W 1 10.77.8.2 >/dev/null || true
	wait_for "[ \$(json '.ports[] | select(.name == \"$name\") | .rx_packets') -gt $received ] && [ \$(json .packets.host_tx) -gt $to ]"
	ip -n a addr del 10.77.8.1/24 dev $tap
done

# Routes come and are counted, on the page also; and a rule by source ends the fast path.
[ "$(json .routes.prefixes)" -lt 100 ]
for n in {1..200}; do echo "route add 203.0.113.$n/32 dev dp"; done | ip -n a -batch -
wait_for "[ \$(of 'wgdp_fib_prefixes{interface=\"dp\"}') -ge 200 ]"
[ "$(json .routes.prefixes)" -ge 200 ]
wait_for '[ "$(of "wgdp_fast_path_up{interface=\"dp\"}")" = 1 ]'
json '.routes.off == null' >/dev/null
ip -n a rule add from 198.51.100.0/24 table 7
wait_for '[ "$(of "wgdp_fast_path_up{interface=\"dp\"}")" = 0 ]'
json .routes.off >/dev/null
shows '^    no fast path: '
ip -n a rule del from 198.51.100.0/24 table 7
wait_for '[ "$(of "wgdp_fast_path_up{interface=\"dp\"}")" = 1 ]'

py a metrics.py get http://127.0.0.1:9586/metrics >text 2>/dev/null
promtool check metrics <text >said 2>&1 && [ ! -s said ] || fail "promtool: $(cat said)"
for family in port_receive_packets port_receive_bytes port_transmit_packets port_transmit_bytes fast_path_received_packets \
	fast_path_sent_packets mirror_received_frames mirror_sent_frames core_mirror_sent_frames fib_resyncs; do
	found "^wgdp_${family}_total{" text
done
on a timeout 100 dpdk-telemetry.py -f wgdp-dp <<</wgdp/ports,dp | tr -d ' \n' | found '"port":\["wan0","lan0"\],"role":\["outer","lan"\],"link_up":\[1,1\]'
COLUMNS=80 "$WGDP" top dp --once -d 0.1 | found '^ports/s wan0 up in .* out .*lan0 up in '
