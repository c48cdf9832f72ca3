# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced after _init.sh by tests that change wgdp's interface dp, in namespace a, while datagrams are counted (stream.py) through it to two far
# sides that the changes leave alone:
#
#     b: go 192.168.77.2, of wireguard-go  ----  10.77.0.0/24  ----  a: dp 192.168.77.1  ----  10.78.0.0/24  ----  c: far 192.168.77.3, of wgdp

window=32		# stream.py's: so many are under way through either
declare -A at=([go]=192.168.77.2 [far]=192.168.77.3) in_ns=([go]=b [far]=c)

ns a b c
link a eth0 10.77.0.1/24 b eth0 10.77.0.2/24
link a eth1 10.78.0.1/24 c eth0 10.78.0.3/24
keys dp go far
for k in dp go far; do echo "${key[$k]}" >$k.key; done

# bare NS IF N COMMAND...: an interface for wg(8), with address 192.168.77.N
bare() {
	ip netns exec "$1" "${@:4}" -f "$2" </dev/null >"$2.conf.log" 2>&1 &
	pid[$2]=$! log[$2]=$2.conf.log where[$2]=$1 kind[$2]=wgdp
	[ "$4" != wireguard-go ] || kind[$2]=wggo
	if [ "$4" = wireguard-go ]; then wait_for "listens $1 $2"; else wait_for "[ -S /run/wireguard/$2.sock ]"; fi
	wg set "$2" listen-port 51820 private-key "$2.key"
	ip -n "$1" addr add "192.168.77.$3/24" dev "$2"
	on "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	ip -n "$1" link set "$2" up
}

# far_sides: both are up, and echo
far_sides() {
	local p
	bare b go 2 wireguard-go
	bare c far 3 "$WGDP"
	for p in go far; do
		wg set $p peer "${pub[dp]}" allowed-ips 192.168.77.1/32
		ip netns exec ${in_ns[$p]} /usr/bin/python3 "$here/stream.py" echo ${at[$p]} 9000 &
		wait_for "on ${in_ns[$p]} ss -Hanu 'sport = 9000' | found ."
	done
}

# count: begins to count, through both
count() {
	local p
	for p in go far; do
		: >$p.count
		ip netns exec a /usr/bin/python3 "$here/stream.py" count ${at[$p]} 9000 $p.count &
		pid[count-$p]=$! kind[count-$p]=stream
	done
	flowing "the start"
}

# flowing AFTER: a hundred more have come back from either
flowing() {
	local p had
	for p in go far; do
		had=$(head -n 1 $p.count)
		wait_for "[ \$(head -n 1 $p.count) -ge $((${had:-0} + 100)) ]" || fail "$p: nothing flows after $*"
	done
}

# counted MOST: ends it; at most MOST are lost through either, and none comes twice
counted() {
	local p lost
	kill "${pid[count-go]}" "${pid[count-far]}"
	for p in go far; do
		wait ${pid[count-$p]}
		unset "pid[count-$p]"
		echo "$p: $(cat $p.count)"
		lost=$(awk '{ print $4 + $6 }' $p.count)
		[ "$lost" -le "$1" ] || fail "$p: $(cat $p.count)"
	done
}

# handshakes: of the peers that had one, and when, to the nanosecond
handshakes() {
	printf 'get=1\n\n' | timeout 100 nc -N -U /run/wireguard/dp.sock |
		sed -n 's/^public_key=//p; s/^last_handshake_time_n*sec=//p' | paste - - - | grep -v "$(printf '\t0\t0')$" | sort
}

# same_sessions HANDSHAKES: these are the last ones still, or have had the time to become too old (120 s)
same_sessions() {
	paste <(echo "$1") <(handshakes) | awk -F '\t' '
		$1 != $4 || ($2 FS $3 != $5 FS $6 && $5 - $2 + ($6 - $3) / 1e9 < 119) { bad = 1 }
		END { exit bad }' || fail "handshakes were $1, are $(handshakes)"
}

# new_sessions HANDSHAKES: none of these is the last one still
new_sessions() { [ "$(sort <<<"$1"$'\n'"$(handshakes)" | uniq -d)" = "" ] || fail "handshakes were $1, are $(handshakes)"; }

# soon PEER AFTER: an answer comes in less time than a handshake is tried again in (5 s)
soon() { on a ping -n -q -c 1 -W 4 "${at[$1]}" >/dev/null || fail "$1: no answer after $2"; }
