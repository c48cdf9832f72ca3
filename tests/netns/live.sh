#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every change that wg(8) can make while datagrams are counted through peers that it leaves as they are: none is lost, and their sessions go on.
# Then what does concern them: another port, another private key, another preshared key.
#
#     b: go 192.168.77.2  ----  10.77.0.0/24  ----  a: dp 192.168.77.1  ----  10.78.0.0/24  ----  c: far 192.168.77.3, of wgdp too

. "$(dirname "$0")/_init.sh"
ns a b c
link a eth0 10.77.0.1/24 b eth0 10.77.0.2/24
link a eth1 10.78.0.1/24 c eth0 10.78.0.3/24
keys dp dp2 go far
others=()
for n in {1..40}; do keys o$n; others+=("${pub[o$n]}"); done
for k in dp dp2 go far; do echo "${key[$k]}" >$k.key; done
for n in 1 2; do wg genpsk >psk$n; done
declare -A ns_of=([go]=b [far]=c)

# bare NS IF N COMMAND...: an interface for wg(8), with address 192.168.77.N
bare() {
	ip netns exec "$1" "${@:4}" -f "$2" </dev/null >"$2.conf.log" 2>&1 &
	pid[$2]=$! log[$2]=$2.conf.log where[$2]=$1 kind[$2]=wgdp
	[ "$4" != wireguard-go ] || kind[$2]=wggo
	wait_for "[ -S /run/wireguard/$2.sock ]"
	wg set "$2" listen-port 51820 private-key "$2.key"
	ip -n "$1" addr add "192.168.77.$3/24" dev "$2"
	on "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	ip -n "$1" link set "$2" up
}
bare a dp 1 "$WGDP"
bare b go 2 wireguard-go
bare c far 3 "$WGDP"
wg set dp peer "${pub[go]}" allowed-ips 192.168.77.2/32 endpoint 10.77.0.2:51820 peer "${pub[far]}" allowed-ips 192.168.77.3/32 endpoint 10.78.0.3:51820
wg set go peer "${pub[dp]}" allowed-ips 192.168.77.1/32
wg set far peer "${pub[dp]}" allowed-ips 192.168.77.1/32
declare -A at=([go]=192.168.77.2 [far]=192.168.77.3)

# ---- the counted datagrams

for p in go far; do
	ip netns exec ${ns_of[$p]} /usr/bin/python3 "$here/stream.py" echo ${at[$p]} 9000 &
	wait_for "on ${ns_of[$p]} ss -Hanu 'sport = 9000' | grep -q ."
done
# count: begins to count, through both peers
count() {
	local p
	for p in go far; do
		: >$p.count
		ip netns exec a /usr/bin/python3 "$here/stream.py" count ${at[$p]} 9000 $p.count &
		pid[count-$p]=$! kind[count-$p]=stream
	done
	flowing
}
# flowing: a hundred more have come back from either
flowing() {
	local p had
	for p in go far; do
		had=$(head -n 1 $p.count)
		wait_for "[ \$(head -n 1 $p.count) -ge $((${had:-0} + 100)) ]" || fail "$p: nothing flows after: $last"
	done
}
last=
# counted MOST: ends it; at most MOST are lost through either peer
counted() {
	local p lost
	for p in go far; do
		kill ${pid[count-$p]}
		wait ${pid[count-$p]}
		unset "pid[count-$p]"
		echo "$p: $(cat $p.count)"
		lost=$(awk '{ print $4 }' $p.count)
		[ "$lost" -le "$1" ] || fail "$p: $(cat $p.count)"
	done
}
# live COMMAND...: goes on while they flow
live() {
	last="$*"
	"$@" || fail "$*"
	flowing
}
# handshakes: of the two peers, to the nanosecond
handshakes() {
	printf 'get=1\n\n' | timeout 10 nc -N -U /run/wireguard/dp.sock |
		sed -n 's/^public_key=//p; s/^last_handshake_time_n*sec=//p' | paste - - - | grep -v "$(printf '\t0\t0')$" | sort
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
grep -cF -e "${pub[go]}" -e "${pub[far]}" few.conf | grep -qx 2
live wg syncconf dp few.conf
live wg addconf dp now.conf
live wg setconf dp few.conf
live wg setconf dp now.conf
live wg set dp private-key dp.key				# the one it has
live wg set dp listen-port 51820
live wg set dp peer "${pub[go]}" endpoint 10.77.0.2:51820 allowed-ips 192.168.77.2/32
live wg set dp peer "${pub[go]}" allowed-ips 192.168.77.2/32,10.9.0.0/16
for bad in "listen-port 51820 private-key dp.key peer $o endpoint 1.2.3.4" "fwmark z"; do ! wg set dp $bad 2>/dev/null || fail "accepted: $bad"; done
ip netns exec a nc -d -u -l 4000 &
taken=$!
wait_for "on a ss -Hanu 'sport = 4000' | grep -q ."
live eval '! wg set dp listen-port 4000 2>/dev/null'
kill $taken
for n in "${others[@]}"; do wg set dp peer "$n" remove; done
flowing
counted 0
[ "$(handshakes)" = "$first" ] || fail "handshakes: $first, then $(handshakes)"

# ---- another port. The far sides learn it from the next datagram that they get: what they have sent before that, to the old port, is lost,
# and no more than a window of it is under way.

ports=(51821 0 51820)
count
for port in "${ports[@]}"; do live wg set dp listen-port "$port"; done
counted $((32 * ${#ports[@]}))
[ "$(handshakes)" = "$first" ] || fail "handshakes: $first, then $(handshakes)"
wg show go endpoints | grep -qF 10.77.0.1:51820
wg show far endpoints | grep -qF 10.78.0.1:51820

# ---- another private key: a new handshake at once, and not after the old one's retry time, nor at the next rekey

# soon: a datagram comes through in less time than a handshake is tried again in (5 s)
soon() { on a ping -n -q -c 1 -W 4 "${at[$1]}" >/dev/null || fail "$1: no answer after: $2"; }
new=${pub[dp2]}
for p in go far; do wg set $p peer "${pub[dp]}" remove peer "$new" allowed-ips 192.168.77.1/32; done
wg set dp private-key dp2.key
for p in go far; do soon $p "another private key"; done
second=$(handshakes)
[ "$(wc -l <<<"$second")" = 2 ]
[ "$(sort <<<"$first"$'\n'"$second" | uniq -d)" = "" ] || fail "a session of the old key: $first, $second"

# ---- another preshared key: the session goes on, the next handshake has it

# shake: sessions are forgotten here, so that the next datagram needs a handshake
shake() { ip -n a link set dp down; ip -n a link set dp up; }
for p in go far; do wg set dp peer "${pub[$p]}" preshared-key psk1; done
for p in go far; do wg set $p peer "$new" preshared-key psk1; done
for p in go far; do soon $p "another preshared key"; done
[ "$(handshakes)" = "$second" ] || fail "a preshared key has ended a session: $second, then $(handshakes)"
shake
for p in go far; do soon $p "a handshake with the new preshared key"; done
[ "$(sort <<<"$second"$'\n'"$(handshakes)" | uniq -d)" = "" ] || fail "no new handshake: $second, $(handshakes)"

# On one side only: the session goes on, the next handshake fails; then the other side has it, too.
for p in go far; do
	soon $p "a session"
	wg set dp peer "${pub[$p]}" preshared-key psk2
	soon $p "a preshared key on one side"
	shake
	not can_ping a ${at[$p]}
	wg set $p peer "$new" preshared-key psk2
	wait_for "can_ping a ${at[$p]}"
done
for p in dp far; do [ "$(drops_of $p auth_failed)" = 0 ]; done
