# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by pktgen: what is between the generators, and what they say.
#
#   tunnels   generator === lan0 [ wgdp in namespace a ] wan0 === generator, as N clients      seal, open, both; testpmd: dpdk-testpmd at both ends
#   chain     generator === lan0 [ wgdp in a ] wan0 === wan0 [ wgdp in b ] lan0 === generator
#   bare      generator === generator
#
# === is a memif. Addresses: generator_frames.h.

GENERATOR=$(realpath -m "$BENCH/generator")
[ -x "$GENERATOR" ] || fail "no $GENERATOR: run ninja -C build first"
ns a b
router a b
keys wga wgb
generator_pid= testpmd_pid= begun=$SECONDS
declare -A full=()	# by size/tunnels: what our own generator has sealed a second at full speed
on_terminal= ; [ ! -t 2 ] || on_terminal=1

# ---- progress

cleared_line() { [ -z "$on_terminal" ] || printf '\r\033[K' >&2; }

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# about_left: seconds, by what the points so far took
about_left() {
	local done=$((n_point - 1)) left=$((${#points[@]} - n_point + 1))
	if [ $done -ge 3 ]; then echo $(((SECONDS - begun) * left / done)); else calc "int($left * (4 + 13 * $seconds))"; fi
}

# progress TEXT: the line as it is now
progress() {
	local line="$n_point of ${#points[@]}, $((100 * (n_point - 1) / ${#points[@]})) %, about $(minutes "$(about_left)") to go: "
	line+="$case, size $size, tunnels $n${1:+, $1}"
	if [ -n "$on_terminal" ]; then printf '\r\033[Kpktgen: %s' "$line" >&2; elif [ -z "${1:-}" ]; then say "$line"; fi
}

mpps() { awk "BEGIN { printf \"%.3f Mpps\", $1 / 1e6 }"; }

# ---- networks

# memif ROLE SOCKET [MORE]: the arguments behind a device's name
memif() { echo "role=$1,socket=$tmp/$2.sock,socket-abstract=no,rsize=$ring${3:+,$3}"; }

# far_end MTU: the arguments of the generators' ends. Each packet has room in one buffer: DPDK's memif mixes up chained ones.
far_end() { memif client "$2" "bsize=$(($1 + 512))"; }

# peers_of N: a [Peer] for each far end
peers_of() {
	"$GENERATOR" keys "$1" | awk '{ printf "\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.253.%d.%d/32, fd53::%x/128\n", $0, k / 256, k % 256, k; k++ }'
}

# dataplane_of OUTER LAN CORES...: [Dataplane]
dataplane_of() { printf '\n[Dataplane]\nOuter = %s as wan0\nLan = %s as lan0\nRxCores = %s\nWorkerCores = %s\n' "$@"; }

# conf_of IF MTU ADDR: [Interface]. Routes are a prefix for all, below.
conf_of() { printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\nAddress = %s\nMTU = %s\nTable = off\n' "${key[$1]}" "$3" "$2"; }

# host NS IF MTU WAN4 WAN6 LAN: what is on the mirrors: LAN's hosts are behind 10.LAN.0.2; the tunnel's networks are given after --
host() {
	local ns=$1 if=$2 mtu=$3 lan=$6 net
	ip -n "$ns" link set wan0 mtu $((mtu + 100)) up
	ip -n "$ns" link set lan0 mtu "$mtu" up
	ip -n "$ns" addr add "$4" dev wan0
	ip -n "$ns" addr add "$5" dev wan0
	ip -n "$ns" addr add "10.$lan.0.1/24" dev lan0
	ip -n "$ns" addr add "fd$((lan - 200))::1/64" dev lan0
	ip -n "$ns" neigh replace "10.$lan.0.2" lladdr 00:01:02:03:04:00 dev lan0 nud permanent
	ip -n "$ns" neigh replace "fd$((lan - 200))::2" lladdr 00:01:02:03:04:00 dev lan0 nud permanent
	ip -n "$ns" route add "10.$7.0.0/16" via "10.$lan.0.2"
	ip -n "$ns" route add "fd$(($7 - 200))::/64" via "fd$((lan - 200))::2"
	ip -n "$ns" route add "10.$8.0.0/16" dev "$if"
	ip -n "$ns" route add "fd$(($8 - 200))::/64" dev "$if"
}

# set_up_wgdp MTU N: that of tunnels
set_up_wgdp() {
	{
		conf_of wga "$1" 192.168.77.1/32
		peers_of "$2"
		dataplane_of "net_memif0,$(memif server outer mac=02:77:00:00:00:01)" "net_memif1,$(memif server lan mac=00:01:02:03:04:01)" \
			"$rx_cores" "$worker_cores"
	} >wga.conf
	start_wgdp a wga.conf
	host a wga "$1" 10.77.0.1/24 fd77::1/64 252 254 253
	ip -n a neigh replace 10.77.0.2 lladdr 02:77:00:00:00:02 dev wan0 nud permanent
	ip -n a neigh replace fd77::2 lladdr 02:77:00:00:00:02 dev wan0 nud permanent
}

# set_up_tunnels MTU N
set_up_tunnels() {
	set_up_wgdp "$@"
	generator=(--lan "net_memif1,$(far_end "$1" lan)" --outer "net_memif0,$(far_end "$1" outer)" --key "${pub[wga]}" --tunnels "$2" --largest "$1")
}

# set_up_testpmd MTU N: its third port is where our generator comes in by, for the handshakes
set_up_testpmd() {
	set_up_wgdp "$@"
	generator=(--outer "net_memif0,$(far_end "$1" clients)" --key "${pub[wga]}" --tunnels "$2" --largest "$1")
	testpmd_start "$@"
}

# set_up_chain MTU
set_up_chain() {
	local side other
	for side in wga wgb; do
		other=wgb
		[ $side = wga ] || other=wga
		{
			if [ $side = wga ]; then
				conf_of wga "$1" 192.168.77.1/32
				printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.253.0.0/16, fd53::/64\nEndpoint = 10.77.0.2:51820\n' "${pub[wgb]}"
				dataplane_of "net_memif0,$(memif server outer mac=02:77:00:00:00:01)" \
					"net_memif1,$(memif server lan mac=00:01:02:03:04:01)" "$rx_cores" "$worker_cores"
			else
				conf_of wgb "$1" 192.168.77.2/32
				printf '\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.254.0.0/16, fd54::/64\n' "${pub[wga]}"
				dataplane_of "net_memif0,$(far_end "$1" outer),mac=02:77:00:00:00:02" \
					"net_memif1,$(memif server lan2 mac=00:01:02:03:04:01)" "${second_cores%%,*}" "$second_cores"
			fi
		} >$side.conf
	done
	start_wgdp a wga.conf
	host a wga "$1" 10.77.0.1/24 fd77::1/64 252 254 253
	start_wgdp b wgb.conf
	host b wgb "$1" 10.77.0.2/24 fd77::2/64 251 253 254
	generator=(--from "net_memif0,$(far_end "$1" lan)" --to "net_memif1,$(far_end "$1" lan2)" --hops 2 --largest "$1")
}

# set_up_bare MTU
set_up_bare() {
	generator=(--from "net_memif0,$(memif server bare)" --to "net_memif1,$(far_end "$1" bare)" --largest "$1")
}

tear_down() {
	local if
	for if in wga wgb; do [ -z "${pid[$if]:-}" ] || stop $if; done
	generator_stop
	testpmd_stop
	rm -f ./*.sock
}

# ---- the generator

# generator_start [OPTION...]
generator_start() {
	local family_option=()
	[ "$family" = 4 ] || family_option=(--ipv6)
	rm -f generator.in generator.out
	mkfifo generator.in generator.out
	taskset -c "$generator_cpus" "$GENERATOR" "${generator[@]}" "${family_option[@]}" --seconds "$seconds" --resolution "$resolution" --loss "$loss" \
		--retries "$retries" --tape "$tape" "$@" <generator.in >generator.out 2>generator.log &
	generator_pid=$!
	exec 7>generator.in 8<generator.out
	answer ready
}

generator_stop() {
	[ -n "$generator_pid" ] || return 0
	exec 7>&- 8<&-
	wait "$generator_pid" || fail "generator: $(tail -n 5 generator.log)"
	generator_pid=
}

# answer KIND: reads lines into point.json up to one of that kind
answer() {
	local line
	: >point.json
	while IFS= read -r -t 180 line <&8; do
		echo "$line" >>point.json
		[[ $line != *"\"kind\":\"$1\""* ]] || return 0
		[[ ! $line =~ '"phase":"'([a-z0-9]+)'"'.*'"offered_pps":'([0-9]+) ]] || progress "${BASH_REMATCH[1]} at $(mpps "${BASH_REMATCH[2]}")"
	done
	cleared_line
	fail "generator: ${case:-}, size ${size:-}, tunnels ${n:-}: $(tail -n 5 generator.log)"
}

# ---- what comes of it

# work_of IF: JSON: cycles that its data cores worked, and packets that left it; zeros where it does not run
work_of() {
	[ -n "${pid[$1]:-}" ] || { echo '{"cycles":0,"packets":0}'; return; }
	ip netns exec "${where[$1]}" "$WGDP" show "$1" --json | jq -c '.interfaces[0].dataplane | {
		cycles: ([.cores[].stages | to_entries[] | select(.key != "rest") | .value] | add), packets: (.packets | .outer_tx + .inner_tx + .lan_tx) }'
}

columns=(case generator ip size tunnels mtu full_pps full_gbit full_lost lossless_pps lossless_gbit late
	latency90_min latency90_p50 latency90_p99 latency90_max latency50_min latency50_p50 latency50_p99 latency50_max
	latency10_min latency10_p50 latency10_p99 latency10_max reordered cycles cycles_second beside_pps
	seconds resolution loss trials again handshakes_s ring generator_cpus rx_cores worker_cores second_cores machine kernel dpdk wgdp commit date)

# same_columns: what all rows of this run end with, as a JSON array
same_columns() {
	local git=(git -C "$top" -c safe.directory='*') commit
	commit=$("${git[@]}" rev-parse HEAD 2>/dev/null || echo unknown)
	[ -z "$("${git[@]}" status --porcelain -- . ':!bench/results' 2>/dev/null)" ] || commit="$commit+"
	jq -cn '$ARGS.positional' --args "$ring" "$generator_cpus" "$rx_cores" "$worker_cores" "$second_cores" \
		"$(lscpu | sed -n 's/^Model name: *//p' | head -n 1), ${#cpus[@]} CPUs" "$(uname -r)" "$(pkg-config --modversion libdpdk)" \
		"$("$WGDP" --version | awk '{ print $NF; exit }')" "$commit" "$(date -u +%FT%TZ)"
}

csv_begin() {
	same=$(same_columns)
	(IFS=,; echo "${columns[*]}") >pktgen.csv
}

# csv_row: of point.json
csv_row() {
	jq -rs --argjson same "$same" --argjson a "$1" --argjson b "$2" --arg ip "$family" --arg mtu "$mtu" --arg seconds "$seconds" \
		--arg resolution "$resolution" --arg loss "$loss" --arg generator "$3" --arg beside "${4:-}" '
		def us: if . == null then null else . / 10 | round / 100 end;
		def latency($n): (map(select(.phase == "latency\($n)"))[0].latency_ns // {}) | (.min, .p50, .p99, .max) | us;
		def per_packet: if .packets > 0 then .cycles / .packets | round else null end;
		def gbit($size): . * $size * 8 / 1e6 | round / 1000;
		def unless_0: if . == 0 then null else . end;
		(map(select(.kind == "point"))[0]) as $p |
		([$p.case, $generator, $ip, $p.size, $p.flows, $mtu, $p.full_pps, ($p.full_pps | gbit($p.mean_size)), $p.full_lost,
			$p.lossless_pps, (if $p.lossless_pps then $p.lossless_pps | gbit($p.mean_size) else null end), $p.late,
			latency(90), latency(50), latency(10), (map(.reordered // 0) | add), ($a | per_packet), ($b | per_packet), $beside,
			$seconds, $resolution, $loss, $p.trials, $p.again, ($p.handshakes_s | unless_0)] + $same) | @csv' point.json >>pktgen.csv
}

# difference BEFORE AFTER: of what work_of has said
difference() { jq -cn --argjson x "$1" --argjson y "$2" '{ cycles: ($y.cycles - $x.cycles), packets: ($y.packets - $x.packets) }'; }

# said: the point in a line, where nobody watches
said() { [ -n "$on_terminal" ] || say "$case, size $size, tunnels $n: $1"; }

# generator_point CASE SIZE
generator_point() {
	local a b
	[ -n "$generator_pid" ] || generator_start
	progress
	a=$(work_of wga) b=$(work_of wgb)
	echo "$1 $2" >&7
	answer point
	csv_row "$(difference "$a" "$(work_of wga)")" "$(difference "$b" "$(work_of wgb)")" wgdp
	[ "$1" != seal ] || full[$2/$n]=$(jq -rs 'map(select(.kind == "point"))[0].full_pps' point.json)
	said "$(jq -rs 'def mpps: . / 1e4 | round / 100; map(select(.kind == "point"))[0] |
		"\(.full_pps | mpps) Mpps at full speed, \(.lossless_pps | mpps) without loss"' point.json)"
}

# ---- dpdk-testpmd

# testpmd_start MTU N. Of flowgen's two streams the one out of the LAN port and into the outer port is left out, by telling it that the LAN port's
# receive queue has not been started, which memif does not know about.
testpmd_start() {
	local cpu=${generator_cpus%%[,-]*} last=${generator_cpus##*[,-]}
	rm -f testpmd.in
	mkfifo testpmd.in
	stdbuf -oL dpdk-testpmd --no-huge -m 256 --no-pci --no-shconf --no-telemetry --iova-mode=va --file-prefix "pktgen$$" --lcores "0@$cpu,1@$last" \
		--vdev "net_memif0,$(far_end "$1" outer)" --vdev "net_memif1,$(far_end "$1" lan)" --vdev "net_memif2,$(memif server clients)" \
		-- -i --disable-device-start --flowgen-flows="$2" --burst=32 --mbuf-size=$(($1 + 400)) --total-num-mbufs=8192 --no-mlockall \
		<testpmd.in >testpmd.log 2>&1 &
	testpmd_pid=$!
	exec 9>testpmd.in
	testpmd 'port 1 rxq 0 deferred_start on' 'port start all'
}

# testpmd COMMAND...: and waits until it has done them
testpmd() {
	local n
	n=$(grep -c 'Bad arguments' testpmd.log || true)
	printf '%s\n' "$@" 'show fwd nothing' >&9	# which it complains about
	wait_for "ended $testpmd_pid || [ \$(grep -c 'Bad arguments' testpmd.log) -gt $n ]" 30 || testpmd_failed
	! ended $testpmd_pid || testpmd_failed
}

testpmd_failed() { fail "dpdk-testpmd: $(tail -n 15 testpmd.log)"; }

testpmd_stop() {
	[ -n "$testpmd_pid" ] || return 0
	echo quit >&9
	exec 9>&-
	wait $testpmd_pid || testpmd_failed
	testpmd_pid=
}

# testpmd_connect: all clients shake hands, by way of testpmd. Whoever leaves a memif while its other end polls it may take that along (DPDK 22.11), so
# testpmd stands still when the generator goes, and wgdp has ended when testpmd does.
testpmd_connect() {
	testpmd 'set portlist 0,2' 'set fwd io' start
	generator_start
	echo connect >&7
	answer connected
	testpmd stop
	generator_stop
}

# testpmd_point N SIZE: flowgen into the LAN port, what arrives on the outer side counted
testpmd_point() {
	local before pps
	progress
	testpmd_connect
	before=$(work_of wga)
	testpmd 'set portlist 0,1' 'set fwd flowgen' "set txpkts $(($2 + 18))" start
	sleep 0.5
	testpmd 'show port stats 0'
	sleep "$(calc "$seconds < 1 ? 1 : $seconds")"
	testpmd 'show port stats 0' stop
	pps=$(awk '$1 == "Rx-pps:" { pps = $2 } END { print pps + 0 }' testpmd.log)
	[ "$pps" != 0 ] || fail "dpdk-testpmd: nothing came out: $(grep -A 12 statistics testpmd.log | tail -n 14)"
	jq -cn --arg size "$2" --argjson n "$1" --argjson pps "$pps" \
		'{ kind: "point", case: "seal", size: $size, flows: $n, mean_size: ($size | tonumber), full_pps: $pps }' >point.json
	csv_row "$(difference "$before" "$(work_of wga)")" '{"cycles":0,"packets":0}' testpmd "${full[$2/$1]:-}"
	said "$(mpps "$pps") by dpdk-testpmd${full[$2/$1]:+, $(mpps "${full[$2/$1]}") by our own generator}"
}
