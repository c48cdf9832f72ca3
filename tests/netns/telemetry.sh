#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's telemetry socket: Debian's dpdk-telemetry.py finds the process by the name of its first interface, and shows what the status
# shows. Another process whose interface has the same name, in another namespace, has a socket beside it. A client that asks and never
# reads holds up nothing, not even the end; which leaves no file.
#
#     a: dp 192.168.77.1, dq  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2, another dp

. "$(dirname "$0")/_init.sh"
pair
keys dq
side dp 1 go 10.77.0.2:51820
side go 2 dp
printf '[Interface]\nPrivateKey = %s\n[Dataplane]\nOuter = net_af_packet0,iface=eth0\n' "${key[dq]}" >dq.conf

# asked COMMAND [ARG...]: its answer, as JSON without spaces
asked() {
	on a timeout 100 dpdk-telemetry.py -f wgdp-dp "${@:2}" <<<"$1" | tr -d ' \n'
}

# answered COMMAND [ARG...]: the same, asked again where the control thread did not tell within 2 seconds (null)
answered() {
	wait_for "asked ${*@Q} >answer && not found ':null}\$' <answer"
	cat answer
}

# field COMMAND NAME: of an answer that is a dictionary
field() { answered "$1" | /usr/bin/python3 -c 'import json, sys; print(next(iter(json.load(sys.stdin).values()))[sys.argv[1]])' "$2"; }

start_wggo b go.conf
start_wgdp a dp.conf dq.conf
ping_ok a 192.168.77.2
[ "$(answered /wgdp/interfaces)" = '{"/wgdp/interfaces":["dp","dq"]}' ] || fail "$(asked /wgdp/interfaces)"
wait_for '[ "$(field /wgdp/peers,dp connected)" = 1 ]'
[ "$(field /wgdp/stats,dp public_key)" = "${pub[dp]}" ]
[ "$(field /wgdp/stats,dq peers)" = 0 ]
[ "$(field /wgdp/stats,dp listen_port)" = "$(port_of dp)" ]
[ "$(field /wgdp/stats,dp handshakes_completed)" = 1 ]
for n in 1 2 3; do on b bash -c 'echo no message of ours >/dev/udp/10.77.0.1/51820'; done
wait_for '[ "$(field /wgdp/drops,dp outer_malformed)" = 3 ]'
[ "$(drops_of dp outer_malformed)" = 3 ]
[ "$(field /wgdp/drops,dq outer_malformed)" = 0 ]
cpu=$(answered /wgdp/cores,dp | sed 's/.*"cpu":\[\([0-9]*\).*/\1/')
[ "$(field "/wgdp/cores,dp,$cpu" cpu)" = "$cpu" ]
field /wgdp/cores,dp stage_aead | grep -q '^\['
[ "$(field /wgdp/ports,dq port)" = "['net_af_packet0']" ]
[ "$(field /wgdp/ports,dq link_up)" = '[1]' ]
[ "$(field /wgdp/ports,dq,net_af_packet0 driver)" = net_af_packet ]
[ "$(field /wgdp/ports,dq,net_af_packet0 mtu)" = 1500 ]
[ "$(field /wgdp/ports,dp port)" = '[]' ]
for wrong in /wgdp/ports,dp,net_af_packet0 /wgdp/ports,dq, /wgdp/ports,nobody /wgdp/stats /wgdp/stats,nobody /wgdp/cores,dp,9999 /wgdp/cores,dp, /wgdp/cores,dp,x; do
	asked "$wrong" | grep -q ':null}$' || fail "$wrong: $(asked "$wrong")"
done
asked /help,/wgdp/drops | grep -q reason

# Another process, another namespace, the same name.
mkdir second
keys other
printf '[Interface]\nPrivateKey = %s\nListenPort = 51821\n' "${key[other]}" >second/dp.conf
ip netns exec b "$WGDP" --conf second/dp.conf </dev/null >second.log 2>&1 &
second=$!
wait_for "grep -q '^wgdp: dp: up' second.log"
[ "$(answered /wgdp/stats,dp -i 1 | sed 's/.*"public_key":"\([^"]*\)".*/\1/')" = "${pub[other]}" ]
[ "$(field /wgdp/stats,dp public_key)" = "${pub[dp]}" ]
kill $second
wait $second
[ "$(echo /run/dpdk/*/*)" = /run/dpdk/wgdp-dp/dpdk_telemetry.v2 ] || fail "$(echo /run/dpdk/*/*)"

# Clients that never read.
cat >stuck.py <<'PY'
import socket, time
clients = []
for n in range(5):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect("/run/dpdk/wgdp-dp/dpdk_telemetry.v2")
    s.setblocking(False)
    clients.append(s)
print("connected", flush=True)
end = time.monotonic() + 200
while time.monotonic() < end:
    for s in clients:
        try:
            s.send(b"/wgdp/stats,dp")
        except BlockingIOError:
            pass
        except OSError:
            raise SystemExit("closed")
    time.sleep(0.001)
PY
/usr/bin/python3 stuck.py >stuck.log 2>&1 &
stuck=$!
wait_for "grep -q connected stuck.log"
sleep 2
ping_ok a 192.168.77.2
[ "$(field /wgdp/stats,dp peers)" = 1 ]
stop dp
wait $stuck || true
grep -q closed stuck.log || fail "$(cat stuck.log)"
[ -z "$(ls -A /run/dpdk)" ] || fail "left: $(find /run/dpdk)"	# (the folder is for all programs)
not grep -q TELEMETRY dp.conf.log
