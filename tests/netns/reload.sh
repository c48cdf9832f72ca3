#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A file that is read again, by SIGHUP and by `wgdp reload`: what is new in it is done, what is gone from it goes, and peers that it leaves as they
# were lose nothing. A file with a fault, or one that only a restart could follow, changes nothing and says why.
#
#     b: go 192.168.77.2  ----  10.77.0.0/24  ----  a: dp 192.168.77.1  ----  10.78.0.0/24  ----  c: far 192.168.77.3, of wgdp too

. "$(dirname "$0")/_init.sh"
. "$here/_stream.sh"
keys dp2 y z
psk=$(wg genpsk)
far_sides

# peer KEY ALLOWED [LINE...]: a section
peer() { printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$1" "$2"; printf '%s\n' "${@:3}"; }
in_use() { peer "${pub[go]}" 192.168.77.2/32 "Endpoint = 10.77.0.2:51820" && peer "${pub[far]}" 192.168.77.3/32 "Endpoint = 10.78.0.3:51820"; }
# conf LINES [SECTION...]: dp.conf, with more lines of [Interface], and more sections than the two that are in use
conf() {
	printf '[Interface]\nPrivateKey = %s\n%s\n' "${private:-${key[dp]}}" "$1" >dp.conf
	{ in_use; printf '%s\n' "${@:2}"; } >>dp.conf
}
usual=$'ListenPort = 51820\nAddress = 192.168.77.1/24\nPostUp = echo up >>hooks'

# by_signal: SIGHUP, until it is done; its lines to said. 1: refused.
by_signal() {
	local from=$(($(stat -c %s "${log[dp]}") + 1))
	kill -HUP "${pid[dp]}"
	wait_for "tail -c +$from ${log[dp]} | found 'was read again\|was not loaded'"
	tail -c +$from "${log[dp]}" >said
	grep -q "was read again" said
}
by_command() { on a timeout 200 "$WGDP" reload dp 2>said; }

# state: all that a reload could change
state() {
	wg show dp dump | cut -f -4,8- | sort
	ip -n a -o addr show dp | awk '{ print $4 }'
	ip -n a -o link show dp | awk '{ print $5 }'
	ip -n a route show table all
	ip -n a -6 route show dev dp
	ip -n a rule show
	on a nft list ruleset
}

# load HOW: is done, and the counting goes on
load() { "$1" || fail "$1: $(cat said)"; flowing "a reload: $1"; }
# refused TEXT...: in both ways, saying each TEXT; nothing changes
refused() {
	local how text
	state >before
	for how in by_signal by_command; do
		not "$how" || fail "$how: accepted: $(cat dp.conf)"
		for text; do grep -qF -- "$text" said || fail "$how: not said: $text, but $(cat said)"; done
		state >after
		diff before after || fail "$how: refused, but not without a mark"
	done
	flowing "a refusal: $*"
}
# has PEER: its allowed IPs, with commas; nothing if there is none
has() { wg show dp allowed-ips | awk -v p="${pub[$1]}" '$1 == p { $1 = ""; sub(/^ /, ""); gsub(/ /, ","); print }'; }
routed() { ip -n a route show "$1" dev dp | found .; }
has_address() { ip -n a -o addr show dp | found -F " $1 "; }
mtu() { ip -n a -o link show dp | awk '{ print $5 }'; }

conf "$usual" "$(peer "${pub[y]}" "10.1.0.0/16, fd01::/32")"
start_wgdp a dp.conf
count
first=$(handshakes)
[ "$(wc -l <<<"$first")" = 2 ]
on c timeout 200 iperf3 -s -1 -B 192.168.77.3 >server.log &
wait_for "on c ss -Htln 'sport = 5201' | found ."
ip netns exec a timeout 200 iperf3 -c 192.168.77.3 -b 40M -l 16K -n 20M --bidir >client.log 2>&1 &
iperf=$!

# ---- nothing new; peers come, change and go

load by_signal
load by_command
[ ! -s said ]
conf "$usual" "$(peer "${pub[y]}" "10.1.0.0/16, fd01::/32")" "$(peer "${pub[z]}" "10.2.0.0/16, 10.3.0.9/32" "PersistentKeepalive = 25")"
load by_signal
[ "$(has z)" = 10.2.0.0/16,10.3.0.9/32 ]
routed 10.2.0.0/16 && routed 10.3.0.9 && routed 10.1.0.0/16
wg show dp persistent-keepalive | found -F "${pub[z]}	25"
conf "$usual" "$(peer "${pub[y]}" "10.4.0.0/16" "PresharedKey = $psk" "Endpoint = 10.77.0.2:9")" "$(peer "${pub[z]}" "10.1.0.0/16, 10.2.0.0/16")"
load by_command
[ "$(has y) $(has z)" = "10.4.0.0/16 10.1.0.0/16,10.2.0.0/16" ]
routed 10.1.0.0/16 && routed 10.2.0.0/16 && routed 10.4.0.0/16 && not routed 10.3.0.9
[ -z "$(ip -n a -6 route show fd01::/32)" ]
wg show dp preshared-keys | found -F "$psk"
wg show dp endpoints | found -F "10.77.0.2:9"
conf "$usual" "$(peer "${pub[y]}" "10.4.0.0/16")"
load by_signal
[ "$(has y)" = 10.4.0.0/16 ] && [ -z "$(has z)" ]
not routed 10.1.0.0/16
[ "$(wg show dp preshared-keys | grep -c '(none)')" = 3 ]

# What wg(8) has changed meanwhile is put in order.
wg set dp peer "${pub[z]}" allowed-ips 10.9.0.0/16 peer "${pub[y]}" allowed-ips 10.8.0.0/16 persistent-keepalive 9
load by_command
[ "$(has y)" = 10.4.0.0/16 ] && [ -z "$(has z)" ]
[ "$(wg show dp persistent-keepalive | grep -c off)" = 3 ]
wg set dp peer "${pub[y]}" remove
load by_signal
[ "$(has y)" = 10.4.0.0/16 ]

# ---- the host's side

conf "$usual"$'\nAddress = 192.168.80.1/24, fd80::1/64\nMTU = 1380'
load by_command
has_address 192.168.80.1/24 && has_address fd80::1/64 && has_address 192.168.77.1/24
[ "$(mtu)" = 1380 ]
[ -z "$(has y)" ] && not routed 10.4.0.0/16
conf "$usual"$'\nAddress = fd81::1/64'
load by_signal
not has_address 192.168.80.1/24 && not has_address fd80::1/64 && has_address fd81::1/64 && has_address 192.168.77.1/24
[ "$(mtu)" = 1420 ]
conf "$usual"$'\nFwMark = 0x77'
load by_command
[ "$(wg show dp fwmark)" = 0x77 ]
conf "$usual" "$(peer "${pub[y]}" "0.0.0.0/0, ::/0")"
load by_command			# a default route into the tunnel
[ "$(wg show dp fwmark)" != off ] && ip -n a rule show | found fwmark
on a ip route get 198.51.100.1 | found "dev dp"
load by_signal
conf "$usual"
load by_signal			# and none any more
[ "$(wg show dp fwmark)" = off ] && [ "$(ip -n a rule show | grep -c fwmark)" = 0 ]
not on a ip route get 198.51.100.1 2>/dev/null

# ---- what is refused

usual+=$'\nAddress = 192.168.90.1/24\n'	# is not to be seen
conf "$usual"$'Nonsense = 1\nMTU = x' "$(peer "${pub[y]}" "10.5.0.0/33")" "$(peer short 10.6.0.0/16)"
refused dp.conf:7 dp.conf:8 10.5.0.0/33 dp.conf:21 "nothing was changed"
for setting in "Outer = kernel,iface=eth0" "Outer = net_null0 as wan0" "Lan = net_null0 as lan0" "RxCores = 0" "WorkerCores = 0" "Aead = openssl" "Poll = always"; do
	conf "$usual"
	printf '[Dataplane]\n%s\n' "$setting" >>dp.conf
	refused "${setting%% *} cannot change while the interface runs; restart wgdp"
done
conf "$usual"$'Table = 1234'
refused "Table cannot change"
conf "${usual/51820/4000}" "$(peer "${pub[y]}" 10.5.0.0/16)"
ip netns exec a nc -d -u -l 4000 &
wait_for "on a ss -Hanu 'sport = 4000' | found ."
refused "ListenPort = 4000 belongs to another process"
kill $!
mv dp.conf away.conf
refused "dp.conf: cannot be read"
mkdir dp.conf
refused "dp.conf: is a directory"
rmdir dp.conf
usual=$'ListenPort = 51820\nAddress = 192.168.77.1/24'
conf "$usual"$'\nPostDown = echo down >>hooks'
load by_command

# wrong: the command, the interface, one that has no file, one that is no wgdp
status=0; "$WGDP" reload 2>said || status=$?; [ $status = 2 ]
for if in nosuch far go; do
	status=0
	on a timeout 200 "$WGDP" reload $if 2>said || status=$?
	[ $status = 1 ] && grep -q "$if" said || fail "reload $if: status $status: $(cat said)"
done
not on a "$WGDP" reload far 2>said
grep -q "far: there is no file to read again" said

wait $iperf || fail "iperf3: $(cat client.log)"
counted 0
same_sessions "$first"
for p in go far; do	# the counters have gone on: all that was counted (128 bytes in UDP, IPv4, WireGuard) is in them
	wg show dp transfer | awk -v p="${pub[$p]}" -v n="$(awk '{ print $2 }' $p.count)" '$1 == p && $2 > 192 * n && $3 > 192 * n { ok = 1 } END { exit !ok }' ||
		fail "$p: $(cat $p.count), but $(wg show dp transfer)"
done

# ---- another port, another key

conf "${usual/51820/51821}"
count
load by_signal
[ "$(wg show dp listen-port)" = 51821 ]
counted $window
same_sessions "$first"
for p in go far; do wg set $p peer "${pub[dp]}" remove peer "${pub[dp2]}" allowed-ips 192.168.77.1/32; done
private=${key[dp2]} conf "$usual"$'\nPostDown = echo down >>hooks'
by_command
[ "$(wg show dp public-key)" = "${pub[dp2]}" ]
for p in go far; do soon $p "another private key"; done
new_sessions "$first"
stop dp
[ "$(cat hooks)" = "up
down" ] || fail "hooks: $(cat hooks)"
