# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by every test. The test starts over in mount, network and PID namespaces of its own, so that tests run side
# by side, may name things as they like, and leave nothing when they end, however they end. When a test fails, logs
# and addresses are dumped. When it succeeds, each wgdp still running is ended by SIGTERM and has to exit with 0.
#
#   WGDP=build-asan/control/wgdp tests/netns/tcp.sh        run it with another binary
#
# Most tests use the pair (see `pair` below), in which "dp" is wgdp and "go" is Debian's wireguard-go:
#
#        namespace a                                             namespace b
#     dp 192.168.77.1, fd00:77::1                             go 192.168.77.2, fd00:77::2
#   eth0 10.77.0.1, fd77::1   -------------------------     eth0 10.77.0.2, fd77::2

set -eEuo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
WGDP=$(realpath -m "${WGDP:-$top/build/control/wgdp}")

if [ -z "${WGDP_UNSHARED:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 1; }
	[ -x "$WGDP" ] || { echo "$0: no $WGDP: run ninja -C build first" >&2; exit 1; }
	export WGDP WGDP_UNSHARED=1
	exec unshare --mount --net --pid --fork --kill-child --mount-proc bash "$(realpath "$0")" "$@"
fi
unset WGDP_UNSHARED

export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 077
exec {told}>&2	# where a failure is told of, also from within wait_for
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/wireguard /run/test
tmp=/run/test
cd "$tmp"

declare -A pid=() log=() where=() kind=()	# by interface: process, its log, namespace, wgdp or wggo
declare -A key=() pub=()			# by interface: private and public key
namespaces=()

# not COMMAND...: it fails (`! COMMAND` would not end a test)
not() { ! "$@"; }

# found [OPTION...] PATTERN: what comes has it. Reads all of it, other than grep -q, so that in a pipe nobody ends with SIGPIPE.
found() { grep "$@" >/dev/null; }

# why TEXT: said at once, and again at the end of the log
why() { echo "$*" >&$told; echo "$*" >>"$tmp/why"; }

fail() { why "FAILED: $*"; exit 1; }

# on NS COMMAND...: runs it in namespace NS (in the background write `ip netns exec`, so that $! is the command itself)
on() { ip netns exec "$@"; }

# wait_for CONDITION [SECONDS]: until the shell code CONDITION holds, looked at 20 times a second. (Patiently: on a busy machine whoever changes devices or namespaces waits for
# the kernel's rtnl lock, and its holder for RCU, together for half a minute at times. One look may then take all of the time: without SECONDS at least 20 are taken. Starts and ends of processes have 200 s.)
wait_for() {
	local end=$((SECONDS + ${2:-60})) looks=0
	until eval "$1" >/dev/null 2>&1; do
		looks=$((looks + 1))
		[ $SECONDS -lt $end ] || { [ $# = 1 ] && [ $looks -lt 20 ]; } || { why "waited ${2:-60} s in vain for: $1"; return 1; }
		sleep 0.05
	done
}

# ---- topology

# ns NAME...: namespaces with loopback, both families, no duplicate address detection
ns() {
	local n
	for n; do
		ip netns add "$n"
		on "$n" sysctl -qw net.ipv6.conf.{all,default}.{disable_ipv6,accept_dad}=0 \
			net.ipv4.conf.{all,default}.rp_filter=0 net.ipv4.ping_group_range="0 2147483647"
		ip -n "$n" link set lo up
		namespaces+=("$n")
	done
}

# link NS IF ADDRS NS IF ADDRS [MTU]: a cable; ADDRS with commas, or -. Checksums are finished before packet sockets see them.
link() {
	local a
	ip -n "$1" link add "$2" mtu "${7:-1500}" type veth peer name "$5" mtu "${7:-1500}" netns "$4"
	on "$1" ethtool -K "$2" tx off >/dev/null
	on "$4" ethtool -K "$5" tx off >/dev/null
	for a in ${3//,/ }; do [ "$a" = - ] || ip -n "$1" addr add "$a" dev "$2"; done
	for a in ${6//,/ }; do [ "$a" = - ] || ip -n "$4" addr add "$a" dev "$5"; done
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
	wait_for "ip -n $1 -br link show $2 | grep -q LOWER_UP && ip -n $4 -br link show $5 | grep -q LOWER_UP"
}

# router NS...: forwards both families
router() {
	local n
	for n; do on "$n" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
}

# pair [MTU]: the two namespaces drawn above
pair() {
	ns a b
	link a eth0 10.77.0.1/24,fd77::1/64 b eth0 10.77.0.2/24,fd77::2/64 "${1:-1500}"
	keys dp go
}

# addr OUTER N: the pair's underlay address of side N (1 or 2) in family v4 or v6, as an Endpoint writes it
addr() { if [ "$1" = v4 ]; then echo "10.77.0.$2"; else echo "[fd77::$2]"; fi; }

# inside INNER N: the pair's tunnel address
inside() { if [ "$1" = v4 ]; then echo "192.168.77.$2"; else echo "fd00:77::$2"; fi; }

# ---- configuration

# keys NAME...: a pair of keys for each
keys() {
	local n
	for n; do key[$n]=$(wg genkey) pub[$n]=$(wg pubkey <<<"${key[$n]}"); done
}

# short NAME: the public key as wgdp's log shows it
short() { echo "${pub[$1]:0:4}…${pub[$1]:39:4}"; }

# side IF N PEER [ENDPOINT [PEERLINE...]]: IF.conf of side N of the pair; more lines for [Interface] in $interface
side() {
	local me=$2 peer=$((3 - $2)) endpoint=${4:-}
	cat >"$1.conf" <<-CONF
	[Interface]
	PrivateKey = ${key[$1]}
	ListenPort = 51820
	Address = 192.168.77.$me/24, fd00:77::$me/64
	${interface:-}

	[Peer]
	PublicKey = ${pub[$3]}
	AllowedIPs = 192.168.77.$peer/32, fd00:77::$peer/128
	${endpoint:+Endpoint = $endpoint}
	CONF
	[ $# -le 4 ] || printf '%s\n' "${@:5}" >>"$1.conf"
}

# values CONF KEY: the words of each `KEY = word, word` line
values() { sed -n "s/^ *$2 *= *//Ip" "$1" | tr ', ' '\n\n' | sed '/^$/d'; }

# ---- daemons

# start_wgdp NS FILE.conf... [OPTION...]: returns when all interfaces are up
start_wgdp() {
	run_wgdp "$@"
	local a
	for a in "${@:2}"; do
		case $a in *.conf)
			wait_for "grep -q '^wgdp: ${a%.conf}: up$' $2.log || ! kill -0 ${pid[${a%.conf}]}" 200
			grep -q "^wgdp: ${a%.conf}: up$" "$2.log" || fail "wgdp did not start: $(cat "$2.log")" ;;
		esac
	done
}

# run_wgdp NS FILE.conf... [OPTION...]: starts it, and does not wait
run_wgdp() {
	local ns=$1 a args=() ifs=()
	shift
	for a; do
		case $a in
		*.conf) args+=(--conf "$a") ifs+=("${a%.conf}") ;;
		*) args+=("$a") ;;
		esac
	done
	: >"$1.log"
	ip netns exec "$ns" ${wrap:-} "$WGDP" "${args[@]}" </dev/null >"$1.log" 2>&1 &
	for a in "${ifs[@]}"; do pid[$a]=$! log[$a]=$1.log where[$a]=$ns kind[$a]=wgdp; done
}

# listens NS NAME: a process in NS answers on the socket NAME.sock. (Its file is there before it listens; wgdp's is not, and has another name here.)
listens() { on "$1" ss -Hxl src "*/$2.sock" | found .; }

# start_wggo NS FILE.conf: wireguard-go with the addresses, MTU and routes that wg-quick would give it
start_wggo() {
	local if=${2%.conf} a
	LOG_LEVEL=${LOG_LEVEL:-verbose} ip netns exec "$1" wireguard-go -f "$if" </dev/null >"$2.log" 2>&1 &
	pid[$if]=$! log[$if]=$2.log where[$if]=$1 kind[$if]=wggo
	wait_for "listens $1 $if"
	wg-quick strip "./$2" >"$if.strip"
	wg setconf "$if" "$if.strip"
	for a in $(values "$2" Address); do ip -n "$1" addr add "$a" dev "$if"; done
	ip -n "$1" link set "$if" up mtu "$(values "$2" MTU | grep . || echo 1420)"
	for a in $(values "$2" AllowedIPs); do
		case $a in *:*) ip -n "$1" -6 route replace "$a" dev "$if" ;; *) ip -n "$1" route replace "$a" dev "$if" ;; esac
	done
	for a in $(values "$2" ListenPort); do wait_for "on $1 ss -Hunl 'sport = $a' | found ."; done	# once it has heard of the link
}

# ended PID: it has exited
ended() { ! kill -0 "$1" 2>/dev/null; }

# stop IF [SIGNAL]: ends the process of IF, which has to exit with 0 (wgdp) and take its interface along
stop() {
	local p=${pid[$1]} status=0 i
	kill -"${2:-TERM}" "$p"
	wait_for "ended $p" 200 || { kill -KILL "$p"; return 1; }
	wait "$p" || status=$?
	for i in "${!pid[@]}"; do
		[ "${pid[$i]}" = "$p" ] || continue
		! ip -n "${where[$i]}" link show "$i" >/dev/null 2>&1 || { why "interface $i is left"; return 1; }
		unset "pid[$i]"
	done
	[ "${kind[$1]}" != wgdp ] || [ $status = 0 ] || { why "wgdp of $1 ended with status $status"; return 1; }
}

# kill_hard IF: as a power cut would
kill_hard() {
	{ kill -KILL "${pid[$1]}"; wait "${pid[$1]}" || true; } 2>/dev/null
	unset "pid[$1]"
	rm -f "/run/wireguard/$1.sock"
}

# ---- what they say

# status IF: wgdp's answer to SIGUSR1 for this interface
status() {
	local from
	from=$(($(stat -c %s "${log[$1]}") + 1))
	kill -USR1 "${pid[$1]}"
	wait_for "ended ${pid[$1]} || tail -c +$from ${log[$1]} | grep -q '^--- end $1\$'" 200
	tail -c +"$from" "${log[$1]}" | sed -n "/^--- status $1\$/,/^--- end $1\$/p"
}

# drops_of IF REASON: how many packets were dropped for it
drops_of() { status "$1" | sed -n 's/^drops: //p' | tr ',' '\n' | awk -v r="$2" '$1 == r { n = $2 } END { print n + 0 }'; }

wg_dump() { wg show "$1" dump; }

# peer_of IF PEER FIELD: endpoint, allowed, age (seconds since the handshake, empty: none), rx, tx (bytes); PEER is a name
peer_of() {
	if [ "${kind[$1]}" != wgdp ]; then
		wg_dump "$1" | awk -v p="${pub[$2]}" -v f="$3" -v now="$EPOCHSECONDS" '$1 == p {
			if (f == "endpoint") print $3
			if (f == "allowed") print $4
			if (f == "age" && $5) print now - $5
			if (f == "rx") print $6
			if (f == "tx") print $7 }'
		return
	fi
	status "$1" | awk -v p="${pub[$2]}" -v f="$3" '
		/^[a-z]/ { mine = $0 == "peer: " p }
		!mine { next }
		/^ *endpoint: / && f == "endpoint" { print $2 }
		/^ *allowed ips: / && f == "allowed" { sub(/^ *allowed ips: /, ""); gsub(/, /, ","); print }
		/^ *transfer: / && f == "rx" { print $2 }
		/^ *transfer: / && f == "tx" { print $5 }
		/^ *latest handshake: / && f == "age" {
			for (i = 3; i < NF; i++) {
				if ($(i + 1) ~ /^second/) s += $i
				if ($(i + 1) ~ /^minute/) s += 60 * $i
				if ($(i + 1) ~ /^hour/) s += 3600 * $i
			}
			print s + 0
		}
		/^ *transfer: / { some = 1 }
		END { if (!some && (f == "rx" || f == "tx")) print 0 }'
}

# logged IF TEXT: the log has a line with it
logged() { grep -qF -- "$2" "${log[$1]}"; }

# port_of IF: the UDP port that wgdp listens on
port_of() { status "$1" | sed -n 's/^ *listening port: //p'; }

# delivered NS IF: packets that came out of the tunnel interface
delivered() { on "$1" cat "/sys/class/net/$2/statistics/rx_packets"; }

# ---- traffic

# ping_ok NS [OPTION...] ADDR: three pings, all answered
ping_ok() {
	local n out
	for n in 1 2 3; do	# one at a time: with more, ping waits for the last one only as long as the others took
		out=$(on "$1" ping -n -q -c 1 -W 10 "${@:2}") || fail "$1: ping ${*:2}: $out"
	done
}

# no_gap FILE: of what a long ping (without -q) has printed to it, every reply up to the last one is there, once. (Those that are under
# way when ping's time is over are nobody's loss.)
no_gap() {
	sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$1" | sort -n | awk '$1 != NR { exit 1 } END { if (NR < 100) exit 1 }'
}

# ping_fail NS [OPTION...] ADDR: no answer
ping_fail() { ! on "$1" ping -n -q -c 2 -i 0.05 -W 1 "${@:2}" >/dev/null || fail "$1: ping ${*:2} was answered"; }

# can_ping NS ADDR: one ping, for wait_for
can_ping() { on "$1" ping -n -q -c 1 -W 1 "$2" >/dev/null; }

# tcp FROM_NS TO_NS ADDR [SIZE]: a transfer to ADDR in TO_NS, compared by its hash
tcp() {
	local p n=${1}-${2}
	head -c "${4:-4M}" /dev/urandom >"$n.sent"
	on "$2" timeout 200 nc -d -l "$3" 7000 >"$n.got" &
	p=$!
	wait_for "on $2 ss -Htln 'sport = 7000' | grep -q ."
	on "$1" timeout 200 nc -N "$3" 7000 <"$n.sent" || fail "$1: TCP to $3"
	wait "$p" || fail "$2: TCP server"
	[ "$(sha256sum <"$n.sent")" = "$(sha256sum <"$n.got")" ] || fail "TCP $1 to $3: $(wc -c "$n.sent" "$n.got")"
}

# ---- packets on the wire

# Filters for tcpdump, IPv4 and IPv6.
initiation='(udp[8] = 1 or (ip6[6] = 17 and ip6[48] = 1))'
response='(udp[8] = 2 or (ip6[6] = 17 and ip6[48] = 2))'
cookie='(udp[8] = 3 or (ip6[6] = 17 and ip6[48] = 3))'
data='(udp[8] = 4 or (ip6[6] = 17 and ip6[48] = 4))'

# capture NAME NS IF [FILTER...]: to NAME.pcap, until capture_end NAME
capture() {
	rm -f "$1.tcpdump" "$1.pcap"
	ip netns exec "$2" tcpdump -n -U --immediate-mode -B 32768 -s 0 -i "$3" -w "$1.pcap" "${@:4}" 2>"$1.tcpdump" &
	pid[tcpdump-$1]=$! kind[tcpdump-$1]=tcpdump where[tcpdump-$1]=$2
	wait_for "grep -q 'listening on' $1.tcpdump"
}

# capture_end NAME: with all that has come until now (tcpdump forgets what it has not read yet: it reads until it sleeps)
capture_end() {
	wait_for "ended ${pid[tcpdump-$1]} || [ \"\$(sed 's/.*) //; s/ .*//' /proc/${pid[tcpdump-$1]}/stat)\" = S ]" 200
	kill -INT "${pid[tcpdump-$1]}"
	wait "${pid[tcpdump-$1]}" || true
	unset "pid[tcpdump-$1]"
}

# packets NAME [FILTER...]: how many were captured, now
packets() { tcpdump -n -r "$1.pcap" "${@:2}" 2>/dev/null | wc -l; }

# py NS SCRIPT ARG...: one of the helpers beside this file
py() { on "$1" /usr/bin/python3 "$here/$2" "${@:3}"; }

# interop PEER INITIATOR OUTER INNER WHAT: a line of the table that scripts/check prints
interop() { printf 'interop: %-13s %-9s %-5s %-5s %s\n' "$@"; }

# ---- the end

# The state of things, then once more why.
dump() {
	local i n
	for i in "${!pid[@]}"; do
		[ "${kind[$i]}" = wgdp ] && not ended "${pid[$i]}" || continue
		status "$i" >/dev/null
		echo "---- stats of $i"
		printf 'stats=1\n\n' | timeout 100 nc -N -U "/run/wireguard/$i.sock" | grep -v '=0$' | tr '\n' ' '
		echo
	done
	for i in *.conf.log; do
		[ ! -e "$i" ] || { echo "---- $i"; grep -av -e Routine: -e UAPI -e │ -e ─ "$i" | tail -n 60; }
	done
	! declare -F dump_guest >/dev/null || dump_guest	# tests/kernel
	for n in "${namespaces[@]}"; do
		echo "---- namespace $n"
		ip -n "$n" -br addr
		ip -n "$n" route
		ip -n "$n" -6 route
		ip -n "$n" neigh
		on "$n" ss -Hanu
	done
	echo "---- why"
	cat why 2>/dev/null || true
}

finish() {
	local status=$? i
	trap - ERR EXIT
	set +eE
	if [ $status = 0 ]; then
		for i in "${!pid[@]}"; do
			[ -z "${pid[$i]:-}" ] || [ "${kind[$i]}" != wgdp ] || stop "$i" || status=1
		done
	fi
	[ $status = 0 ] || dump >&$told 2>&1
	exit $status
}

# err COMMAND LINE CALLERS_LINE...: of a command that failed, with the line of the test
err() {
	local line=$2
	[ $# -le 3 ] || line=${*: -2:1}
	[ "$BASH_SUBSHELL" != 0 ] || why "$0: line $line: $1"
}

trap 'err "$BASH_COMMAND" $LINENO "${BASH_LINENO[@]}"' ERR
trap finish EXIT
trap 'exit 130' INT TERM
