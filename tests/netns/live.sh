#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every change that wg(8) can make while datagrams are counted through peers that it leaves as they are: none is lost, and their sessions go on.
# Then what does concern them: another port, another private key, another preshared key.
#
#     b: go 192.168.77.2  ----  10.77.0.0/24  ----  a: dp 192.168.77.1  ----  10.78.0.0/24  ----  c: far 192.168.77.3, of wgdp too

. "$(dirname "$0")/_init.sh"
. "$here/_stream.sh"
keys dp2
echo "${key[dp2]}" >dp2.key
others=()
for n in {1..40}; do keys o$n; others+=("${pub[o$n]}"); done
for n in 1 2; do wg genpsk >psk$n; done
far_sides
bare a dp 1 "$WGDP"
wg set dp peer "${pub[go]}" allowed-ips 192.168.77.2/32 endpoint 10.77.0.2:51820 peer "${pub[far]}" allowed-ips 192.168.77.3/32 endpoint 10.78.0.3:51820

# live COMMAND...: goes on while they flow
live() {
	"$@" || fail "$*"
	flowing "$@"
}
count
first=$(handshakes)
[ "$(wc -l <<<"$first")" = 2 ]

# ---- others

all_others=()
for n in {1..40}; do all_others+=(peer "${others[n - 1]}" allowed-ips "10.1.$n.0/24,fd01:$n::/64" endpoint "10.77.0.2:$((6000 + n))"); done
live wg set dp "${all_others[@]}"
o=${others[0]} p=${others[1]}
live wg set dp peer "$o" allowed-ips 10.2.0.0/16,10.3.0.0/16
live wg set dp peer "$p" allowed-ips 10.2.0.0/16		# moves
live wg set dp peer "$o" allowed-ips 192.168.77.0/24,0.0.0.0/0,::/0	# around what is in use, ...
live wg set dp peer "$p" allowed-ips 192.168.77.0/30,192.168.77.4/30
live wg set dp peer "$o" allowed-ips ""				# ... and gone again
live wg set dp peer "$p" allowed-ips 192.168.77.128/25
live wg set dp peer "$o" preshared-key psk1 persistent-keepalive 1 endpoint 10.77.0.2:7777
live wg set dp peer "$o" preshared-key /dev/null persistent-keepalive off
live wg set dp peer "$o" endpoint 10.78.0.3:7777
live wg set dp fwmark 0x77
live wg set dp fwmark off
for n in {1..5}; do
	live wg set dp peer "$o" remove peer "$p" remove
	live wg set dp peer "$o" allowed-ips 10.2.0.0/16 peer "$p" allowed-ips 10.3.0.0/16
done
live wg set dp "${all_others[@]}"
live eval 'wg showconf dp >now.conf'
live wg setconf dp now.conf					# replaces all peers, with the same
live wg syncconf dp now.conf
live wg addconf dp now.conf
head -n 12 now.conf >few.conf					# in the order in which they came: the two that are in use
grep -cF -e "${pub[go]}" -e "${pub[far]}" few.conf | found -x 2
live wg syncconf dp few.conf
live wg addconf dp now.conf
live wg setconf dp few.conf
live wg setconf dp now.conf
/usr/bin/python3 -c '
import base64, os
for n in range(5000):
    print("[Peer]\nPublicKey =", base64.b64encode(os.urandom(32)).decode())
    print(f"AllowedIPs = 10.{n >> 8}.{n & 255}.0/24, fd02:{n:x}::/32\nEndpoint = 10.77.0.2:{n + 1}")' >many.conf
live wg addconf dp many.conf
[ "$(wg show dp peers | wc -l)" = 5042 ]
live wg syncconf dp now.conf
[ "$(wg show dp peers | wc -l)" = 42 ]
live wg set dp private-key dp.key				# the one it has
live wg set dp listen-port 51820
live wg set dp peer "${pub[go]}" endpoint 10.77.0.2:51820 allowed-ips 192.168.77.2/32
live wg set dp peer "${pub[go]}" allowed-ips 192.168.77.2/32,10.9.0.0/16
for bad in "listen-port 51820 private-key dp.key peer $o endpoint 1.2.3.4" "fwmark z"; do ! wg set dp $bad 2>/dev/null || fail "accepted: $bad"; done
ip netns exec a nc -d -u -l 4000 &
taken=$!
wait_for "on a ss -Hanu 'sport = 4000' | found ."
live eval '! wg set dp listen-port 4000 2>/dev/null'
kill $taken
for n in "${others[@]}"; do wg set dp peer "$n" remove; done
flowing "the removal of all others"
counted 0
same_sessions "$first"

# ---- another port. The far sides learn it from the next datagram that they get: what they have sent before that, to the old port, is lost,
# and no more than a window of it is under way.

ports=(0 51820)
count
for port in "${ports[@]}"; do live wg set dp listen-port "$port"; done
counted $((window * ${#ports[@]}))
same_sessions "$first"
wg show go endpoints | found -F 10.77.0.1:51820
wg show far endpoints | found -F 10.78.0.1:51820

# ---- another private key: a new handshake at once, and not after the old one's retry time, nor at the next rekey

new=${pub[dp2]}
for p in go far; do wg set $p peer "${pub[dp]}" remove peer "$new" allowed-ips 192.168.77.1/32; done
wg set dp private-key dp2.key
for p in go far; do soon $p "another private key"; done
second=$(handshakes)
[ "$(wc -l <<<"$second")" = 2 ]
new_sessions "$first"

# ---- another preshared key: the session goes on, the next handshake has it

# shake: sessions are forgotten here, so that the next datagram needs a handshake. (Who asks wgdp after it, waits until it has heard of it.)
flap() { ip -n a link set dp down; ip -n a link set dp up; }
shake() { flap; wg show dp >/dev/null; }

# shake_at_once: wgdp hears of both in one go
shake_at_once() {
	kill -STOP "${pid[dp]}"
	flap
	kill -CONT "${pid[dp]}"
	wg show dp >/dev/null
}
for p in go far; do wg set dp peer "${pub[$p]}" preshared-key psk1; done
for p in go far; do wg set $p peer "$new" preshared-key psk1; done
for p in go far; do soon $p "another preshared key"; done
same_sessions "$second"
shake
for p in go far; do soon $p "a handshake with the new preshared key"; done
new_sessions "$second"

# On one side only: the session goes on, the next handshake fails; then the other side has it, too.
for p in go far; do
	soon $p "a session"
	wg set dp peer "${pub[$p]}" preshared-key psk2
	soon $p "a preshared key on one side"
	shake_at_once
	not can_ping a ${at[$p]}
	wg set $p peer "$new" preshared-key psk2
	wait_for "can_ping a ${at[$p]}"
done
for p in dp far; do [ "$(drops_of $p auth_failed)" = 0 ]; done
