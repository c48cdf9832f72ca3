#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Metrics: two interfaces of one process on one page, which promtool finds no fault with in either format; its numbers are those of
# wireguard-go and of the status; a DPDK device's are what it received; a real Prometheus scrapes it while there is traffic, and each query of
# the Grafana dashboard has data.
#
#     a: dp 192.168.77.1, dq (on a DPDK device); Prometheus  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2

. "$(dirname "$0")/_init.sh"
pair
keys dq
page=http://127.0.0.1:9586/metrics
side dp 1 go 10.77.0.2:51820
side go 2 dp
sed -i 's/^\[Peer\]$/[Peer] # the other "end"/' dp.conf
printf '[Interface]\nPrivateKey = %s\nListenPort = 51821\n[Dataplane]\nOuter = net_af_packet0,iface=eth0\nMetrics = 127.0.0.1:9586\n' \
	"${key[dq]}" >dq.conf
printf '[Dataplane]\nMetrics = 127.0.0.1:9586\n' >>dp.conf

# of SAMPLE: its value
of() { py a metrics.py value $page "$1"; }

start_wggo b go.conf
start_wgdp a dp.conf dq.conf
[ "$(of 'wgdp_peers_connected{interface="dp"}')" = 0 ]
[ "$(of wgdp_peer_last_handshake_timestamp_seconds)" = 0.000000000 ]
ping_ok a 192.168.77.2
ping_ok b fd00:77::1

# The two formats.
py a metrics.py get $page >text 2>type
grep -q '^text/plain; version=0.0.4' type
promtool check metrics <text >said 2>&1 || fail "promtool: $(cat said)"
[ ! -s said ] || fail "promtool: $(cat said)"
py a metrics.py get $page "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" >openmetrics 2>type
grep -q '^application/openmetrics-text; version=1.0.0' type
/usr/bin/python3 -c 'import sys; from prometheus_client.openmetrics.parser import text_fd_to_metric_families as parse
print(len(list(parse(sys.stdin))))' <openmetrics
[ "$(tail -n 1 openmetrics)" = "# EOF" ]

# What it says is true.
[ "$(grep -c '^wgdp_interface_up{' text)" = 2 ]
grep -qF "wgdp_interface_info{interface=\"dq\",public_key=\"${pub[dq]}\",listen_port=\"51821\"," text
peer="{interface=\"dp\",public_key=\"${pub[go]}\",name=\"the other \\\"end\\\"\"}"
wait_for '[ "$(of "wgdp_peer_received_bytes_total$peer")" = "$(peer_of go dp tx)" ]'	# (who sends counts afterwards)
wait_for '[ "$(of "wgdp_peer_sent_bytes_total$peer")" = "$(peer_of go dp rx)" ]'
[ "$(of "wgdp_peer_connected$peer")" = 1 ]
handshake=$(of "wgdp_peer_last_handshake_timestamp_seconds$peer")
[ $((EPOCHSECONDS - ${handshake%.*})) -le 60 ]
[ "$(of 'wgdp_peers_connected{interface="dp"}')" = 1 ]
[ "$(of 'wgdp_peers{interface="dq"}')" = 0 ]
[ "$(of 'wgdp_initiations_sent_total{interface="dp"}')" = 1 ]
[ "$(of 'wgdp_responses_received_total{interface="dp"}')" = 1 ]
[ "$(of 'wgdp_handshakes_completed_total{interface="dp"}')" = 1 ]
on b bash -c 'echo no message of ours >/dev/udp/10.77.0.1/51820'
wait_for "[ \$(of 'wgdp_dropped_packets_total{interface=\"dp\",reason=\"outer_malformed\"}') = 1 ]"
[ "$(drops_of dp outer_malformed)" = 1 ]

# The device that dq is on: on the page, in wgdp show, and in the status. dp has none.
port='{interface="dq",port="net_af_packet0",role="outer"}'
wait_for "[ \$(of 'wgdp_received_packets_total{interface=\"dq\",side=\"outer\"}') = 0 ]"
for n in 1 2 3; do on b bash -c 'echo no message of ours >/dev/udp/10.77.0.1/51821'; done
wait_for "[ \$(of 'wgdp_dropped_packets_total{interface=\"dq\",reason=\"outer_malformed\"}') = 3 ]"
received=$((3 + $(drops_of dq not_ours)))	# (what comes before the socket has its filter)
[ "$(of "wgdp_port_receive_packets_total$port")" = $received ]
[ "$(of "wgdp_port_receive_bytes_total$port")" -gt 100 ]
[ "$(of "wgdp_port_transmit_packets_total$port")" = 0 ]
[ "$(of "wgdp_port_up$port")" = 1 ]
[ "$(of "wgdp_port_mtu_bytes$port")" = 1500 ]
py a metrics.py get $page >text 2>type
grep -qF 'wgdp_port_info{interface="dq",port="net_af_packet0",role="outer",device="net_af_packet0,iface=eth0",driver="net_af_packet",mirror="",' text
grep -qF "mac=\"$(ip -n a link show eth0 | awk '$1 == "link/ether" { print $2 }')\"" text
not grep -q '^wgdp_port.*interface="dp"\|^wgdp_fib\|^wgdp_fast_path.*interface="dp"' text
promtool check metrics <text >said 2>&1 && [ ! -s said ] || fail "promtool: $(cat said)"
"$WGDP" show dp dq --json | jq -e --argjson received $received '.interfaces[0].dataplane.ports == [] and .interfaces[0].dataplane.routes == null and
	(.interfaces[1].dataplane.ports | length == 1 and (.[0] | .name == "net_af_packet0" and .role == "outer" and .link == "up" and
	.rx_packets == $received and .mirror == null and .mtu == 1500))' >/dev/null || fail "$("$WGDP" show dp dq --json)"
"$WGDP" show dq | found '^  port net_af_packet0: outer, net_af_packet0,iface=eth0 (net_af_packet), link up' || fail "$("$WGDP" show dq)"
"$WGDP" show dq | found "^    mac .*; received $received packets, .* B; sent 0, 0 B\$" || fail "$("$WGDP" show dq)"
status dq | found "^port net_af_packet0: outer, link up, received $received, sent 0, missed 0\$" || fail "$(status dq)"

# Peers can be left out, and the page goes to another address, without a restart.
sed -i 's/^Metrics = .*/Metrics = 127.0.0.1:9587\nMetricsPeers = off/' dp.conf
kill -HUP "${pid[dp]}"
wait_for "py a metrics.py value http://127.0.0.1:9587/metrics 'wgdp_peers_connected{interface=\"dp\"} 1'"
py a metrics.py get http://127.0.0.1:9587/metrics >text 2>type
not grep -q '^wgdp_peer_\|"dq"' text
py a metrics.py get $page >text 2>type
not grep -q '"dp"' text
sed -i 's/^Metrics = .*/Metrics = 127.0.0.1:9586/; /^MetricsPeers/d' dp.conf
kill -HUP "${pid[dp]}"
wait_for "of 'wgdp_peers_connected{interface=\"dp\"} 1'"

# An address that cannot be is said, and nothing is left.
printf '[Interface]\nPrivateKey = %s\n[Dataplane]\nMetrics = 192.0.2.7:9586\n' "${key[dq]}" >dr.conf
status=0
on a "$WGDP" --conf dr.conf >said 2>&1 || status=$?
[ $status = 1 ] || fail "status $status"
grep -q '^wgdp: dr: Metrics: cannot listen on 192.0.2.7, TCP port 9586: Cannot assign requested address$' said || fail "$(cat said)"
not ip -n a link show dr 2>/dev/null

# Prometheus.
cat >prometheus.yml <<YML
global: { scrape_interval: 1s }
scrape_configs: [{ job_name: wgdp, static_configs: [{ targets: ["127.0.0.1:9586"] }] }]
YML
promtool check config prometheus.yml >said || fail "$(cat said)"
ip netns exec a prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address=127.0.0.1:9090 \
	--log.level=warn </dev/null >prometheus.log 2>&1 &
pid[prometheus]=$! kind[prometheus]=prometheus where[prometheus]=a
on a ping -n -q -i 0.05 -w 60 192.168.77.2 >/dev/null &
ping=$!
wait_for 'py a metrics.py get http://127.0.0.1:9090/-/ready'	# it listens before, and answers 503
py a metrics.py dashboard http://127.0.0.1:9090 "$top/grafana/wgdp.json" || fail "$(cat prometheus.log)"
kill $ping "${pid[prometheus]}"
wait $ping "${pid[prometheus]}" || true
unset "pid[prometheus]"
