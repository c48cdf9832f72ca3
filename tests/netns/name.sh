#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# `wgdp NAME`, called as wireguard-go is: it returns once wg(8) gets answers, or says why it cannot; it ends with its interface, with its
# socket, or by a signal; a link that goes down and comes up, and one that moves.
#
#     a: wgn 192.168.77.1  ----  10.77.0.0/24  ----  b: go 192.168.77.2

. "$(dirname "$0")/_init.sh"
pair
ns c
side go 2 dp
start_wggo b go.conf

# /etc/wgdp, and /dev for a /dev/log, are the test's own
cp -a /etc etc && rm -rf etc/wgdp && mkdir etc/wgdp dev
mount --bind etc /etc
cp -a /dev/{null,zero,full,random,urandom,net} dev
mount --bind dev /dev
/usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
while True: print(s.recv(65536).decode(), flush=True)' >syslog &
wait_for "[ -S /dev/log ]"
echo "${key[dp]}" >dp.key

sock=/run/wireguard/wgn.sock
# daemon: the process id of the wgdp in the background
daemon() { pgrep -f "^$WGDP wgn\$"; }
gone() { not ip -n "${1:-a}" link show wgn 2>/dev/null && [ ! -e $sock ] && not daemon; }

# launch COMMAND...: `wgdp NAME` in a, which is ready when it returns
launch() {
	on a timeout 200 "$@" >launch.log 2>&1 || fail "status $?: $(cat launch.log)"
	on a wg show wgn >shown || fail "not ready when it returned"
	ip -n a link show wgn >/dev/null
	[ ! -s launch.log ] || not grep -v 'wgdp: wgn: ' launch.log	# what is said is wgdp's own
}

# refused TEXT COMMAND...: exit status 1 (or $usage), a message with TEXT in it, and nothing left of it
refused() {
	local status=0
	on a timeout 200 "${@:2}" >launch.log 2>&1 || status=$?
	[ $status = "${usage:-1}" ] || fail "${*:2}: status $status: $(cat launch.log)"
	grep -qF -- "$1" launch.log || fail "${*:2}: not said: $1, but $(cat launch.log)"
}

# peer [OPTION...]: the far side; and ours is up
peer() {
	wg set wgn listen-port 51820 private-key dp.key peer "${pub[go]}" allowed-ips 192.168.77.2/32 endpoint 10.77.0.2:51820 "$@"
	ip -n a addr add 192.168.77.1/24 dev wgn
	on a sysctl -qw net.ipv6.conf.wgn.disable_ipv6=1
	ip -n a link set wgn up
}

# ---- the beginning

launch "$WGDP" wgn
[ "$(stat -c %a $sock)" = 600 ]
[ "$(stat -c %a /run/wireguard)" = 700 ]
for fd in 0 1 2; do [ "$(readlink /proc/$(daemon)/fd/$fd)" = /dev/null ] || fail "descriptor $fd: $(readlink /proc/$(daemon)/fd/$fd)"; done
[ "$(ps -o sid= -p "$(daemon)" | tr -d ' ')" = "$(daemon)" ]
ip -n a -o link show wgn | found "POINTOPOINT.* mtu 1420 .*state DOWN"
[ -z "$(ip -n a -o addr show wgn)" ]
peer
ping_ok a 192.168.77.2

# ---- what it refuses, while that one goes on

refused wgn "$WGDP" wgn
refused wgn "$WGDP" -f wgn
for bad in averyverylongname a/b .. . "a b" ""; do refused "name" "$WGDP" "$bad"; done
ip -n a link add taken type veth
refused taken "$WGDP" taken
[ "$(ls /run/wireguard)" = "go.sock
wgn.sock" ]
usage=2 refused usage "$WGDP" wgn other
usage=2 refused usage "$WGDP" --nonsense wgn
ping_ok a 192.168.77.2

# ---- the end, in each way

# ends COMMAND...: that ends it, and all of it
ends() {
	"$@"
	wait_for gone || fail "after: $*: $(ls /run/wireguard; ip -n a -br link; daemon)"
}
said="wgdp[$(daemon)]: wgn: the interface was deleted"
ends ip -n a link delete wgn
wait_for 'grep -qF "$said" syslog' || fail "not in syslog: $(cat syslog)"
launch "$WGDP" wgn
ends rm $sock
for signal in TERM INT; do
	launch "$WGDP" wgn
	ends kill -$signal "$(daemon)"
done
# A pipeline ends when wgdp is ready: nothing of it stays open. And it works with nothing open at all.
on a timeout 200 "$WGDP" wgn 2>&1 | timeout 200 cat >launch.log
wg show wgn >/dev/null
ends ip -n a link delete wgn
launch bash -c 'exec "$@" <&- >&- 2>&-' - "$WGDP" wgn
peer
ping_ok a 192.168.77.2
for fd in 0 1 2; do [ "$(readlink /proc/$(daemon)/fd/$fd)" = /dev/null ]; done
kill -KILL "$(daemon)"
wait_for "not daemon && not ip -n a link show wgn"
launch "$WGDP" wgn		# in the place of one that was killed
ends kill "$(daemon)"

# ---- in the foreground

# stays ENV COMMAND...: it stays, says what it does, and ends with 0 when its interface is deleted
stays() {
	ip netns exec a env "$1" "${@:2}" wgn </dev/null >fore.conf.log 2>&1 &
	local p=$! status=0
	wait_for "[ -S $sock ]"
	wg show wgn >/dev/null
	wg set wgn fwmark 1
	echo "${key[dp]}" | timeout 100 nc -N -U $sock || true	# it is told nonsense, too
	/usr/bin/python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("'$sock'"); s.send(b"set=1\nfwmark=x\n\n"); s.recv(99)'
	not ended $p
	ip -n a link delete wgn
	wait $p || status=$?
	[ $status = 0 ] || fail "$*: status $status: $(cat fore.conf.log)"
	[ ! -e $sock ]
}
has() { grep -q "$1" fore.conf.log; }
stays WG_PROCESS_FOREGROUND=1 "$WGDP"
has "listening on port" && not has refused
stays LOG_LEVEL=verbose "$WGDP" -f
has "listening on port" && has "a change was refused: fwmark"
stays LOG_LEVEL=debug "$WGDP" --foreground
has "a change was refused: fwmark"
stays LOG_LEVEL=error "$WGDP" -f
not has "listening on port"
stays LOG_LEVEL=silent "$WGDP" -f
[ ! -s fore.conf.log ] || fail "LOG_LEVEL=silent: $(cat fore.conf.log)"
not grep -qF "${key[dp]}" syslog fore.conf.log

# ---- the name's file, and /etc/wgdp

launch env WG_TUN_NAME_FILE=$tmp/name "$WGDP" wgn
[ "$(cat name)" = wgn ]
ends rm $sock
refused "WG_TUN_NAME_FILE" env WG_TUN_NAME_FILE=$tmp/no/such/folder "$WGDP" wgn
gone

aead() { on a "$WGDP" show wgn --json | jq -r '.. | .aead? | strings'; }
workers() { ls /proc/"$(daemon)"/task | wc -l; }
printf '[Dataplane]\nAead = openssl\nRxCores = 0\nWorkerCores = 0\n' >/etc/wgdp/default.conf
launch "$WGDP" wgn
[ "$(aead)" = openssl ] || fail "default.conf is not read: $(aead)"
peer
ping_ok a 192.168.77.2
ends kill "$(daemon)"
printf '[Dataplane]\nAead = auto\n' >/etc/wgdp/wgn.conf	# this one, and not both
launch "$WGDP" wgn
auto=$(aead)
ends kill "$(daemon)"
rm /etc/wgdp/*
launch "$WGDP" wgn
[ "$(aead)" = "$auto" ] || fail "wgn.conf: $auto, but without: $(aead)"
ends kill "$(daemon)"
printf '[Dataplane]\nAead = openssl\n' >/etc/wgdp/wgn.conf
printf '[Dataplane]\nNonsense = 1\n' >/etc/wgdp/default.conf
launch "$WGDP" wgn
[ "$(aead)" = openssl ] || fail "wgn.conf is not read: $(aead)"
ends kill "$(daemon)"
for bad in 'Nonsense = 1' 'Aead = nonsense' 'WorkerCores = 9999'; do
	printf '[Dataplane]\n\n%s\n' "$bad" >/etc/wgdp/wgn.conf
	refused "${bad%% *}" "$WGDP" wgn
	gone
done
printf '[Dataplane]\n\nNonsense = 1\n' >/etc/wgdp/wgn.conf
refused "/etc/wgdp/wgn.conf:3" "$WGDP" wgn
refused "/etc/wgdp/wgn.conf:3" "$WGDP" -f wgn
rm /etc/wgdp/wgn.conf
refused "/etc/wgdp/default.conf:2" "$WGDP" wgn
rm /etc/wgdp/default.conf
gone

# ---- down and up

# handshake: when the last was, to the nanosecond
handshake() { printf 'get=1\n\n' | timeout 100 nc -N -U $sock | sed -n 's/^last_handshake_time_n*sec=//p' | paste -sd .; }
launch "$WGDP" wgn
peer
ping_ok a 192.168.77.2
first=$(handshake)
ping_ok a 192.168.77.2
[ "$(handshake)" = "$first" ]
ip -n a link set wgn down
not can_ping b 192.168.77.1
ip -n a link set wgn up
ping_ok a 192.168.77.2
[ "$(handshake)" != "$first" ] || fail "the session has outlived its interface"
first=$(handshake)
wg set wgn peer "${pub[go]}" persistent-keepalive 600
ip -n a link set wgn down
ip -n a link set wgn up		# it says hello by itself
wait_for '[ "$(handshake)" != "$first" ]'
ends ip -n a link delete wgn

# ---- moved before it is up: the sockets stay

launch "$WGDP" wgn
ip -n a link set wgn netns c
wg set wgn listen-port 51820 private-key dp.key peer "${pub[go]}" allowed-ips 0.0.0.0/0 endpoint 10.77.0.2:51820
ip -n c addr add 192.168.77.1/24 dev wgn
ip -n c link set wgn up
ping_ok c 192.168.77.2
ping_ok b 192.168.77.1
[ -z "$(on c ss -Huln)" ]
on a ss -Huln | found :51820
tcp c b 192.168.77.2 1M
ip -n c link delete wgn
wait_for "gone c" || fail "deleted in another namespace: $(daemon; ls /run/wireguard)"
