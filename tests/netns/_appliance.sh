# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by the tests of DPDK-owned ports: two routers, all ports of which wgdp owns, with the mirrors wan0 and lan0 in the routers' namespaces.
#
#    a ---------- lan0 ra wan0 ---------- i ---------- wan0 rb lan0 ---------- b
#   eth0 .2        .1     .1      wa .254   wb .254     .1     .1        .2 eth0
#     10.77.1.0/24         10.78.1.0/24      10.78.2.0/24       10.77.2.0/24
#     fd77:1::/64          fd78:1::/64       fd78:2::/64        fd77:2::/64
#                  vpa 10.79.0.1, fd79::1  ~~~~  vpb 10.79.0.2, fd79::2
#
#   bed KIND-OF-RA KIND-OF-RB     namespaces, cables, keys
#   routers_conf                  vpa.conf, vpb.conf ($interface: more lines for [Interface], $peer_a, $peer_b: for [Peer])
#   routers_up                    both wgdp, and what an administrator gives the mirrors: addresses, routes
#
# What a port is plugged into, by kind. The neighbour's end is a veth always; what is at its other end:
#
#   packet         net_af_packet in the router's namespace
#   xdp            net_af_xdp, likewise
#   memif          net_memif, client of memif.py
#   memif-server   net_memif, server of memif.py
#   vhost          net_virtio_user, of vhost-user in dpdk-testpmd

. "$(dirname "${BASH_SOURCE[0]}")/_init.sh"

declare -A device=()	# by "NS PORT": the conf's device
declare -A wire=()	# by "NS PORT": namespace and name of the veth that stands for the port's plug
queues=$(nproc)	# of each port, a core of RxCores each: both ends of net_memif and vhost-user need as many (one for net_memif's server)
lan_mtu=${lan_mtu:-1500} wan_mtu=${wan_mtu:-1500} tunnel_mtu=${tunnel_mtu:-}

# nic_of PORT: the number of its device
nic_of() { if [ "$1" = wan0 ]; then echo 0; else echo 1; fi; }

# mac_of NS IF
mac_of() { on "$1" cat "/sys/class/net/$2/address"; }

# cable KIND NS PORT NS2 IF2 ADDRS MTU: from PORT, which wgdp will own, to a neighbour
cable() {
	local what=$1 ns=$2 port=$3 n w=wire plug=$2-$3 socket=$tmp/$2-$3.sock
	n=$(nic_of "$port")
	case $what in packet | xdp) w=$ns plug=${port}p ;; esac
	ip -n "$4" link add "$5" mtu "$7" type veth peer name "$plug" mtu "$7" netns "$w"
	on "$4" ethtool -K "$5" tx off txvlan off rxvlan off >/dev/null
	on "$w" ethtool -K "$plug" tx off txvlan off rxvlan off >/dev/null
	on "$w" sysctl -qw "net.ipv6.conf.$plug.disable_ipv6=1"
	for a in ${6//,/ }; do ip -n "$4" addr add "$a" dev "$5"; done
	ip -n "$4" link set "$5" up
	ip -n "$w" link set "$plug" up
	wire[$ns $port]="$w $plug"
	case $what in
	packet)
		deaf "$w" "$plug"
		device[$ns $port]="net_af_packet$n,iface=$plug" ;;
	xdp)
		device[$ns $port]="net_af_xdp$n,iface=$plug" ;;
	memif)
		memif_py "$plug" server "$socket" "$queues"
		device[$ns $port]="net_memif$n,role=client,id=0,socket=$socket,socket-abstract=no,$(memif_size "$7")" ;;
	memif-server)
		memif_py "$plug" client "$socket" 1
		device[$ns $port]="net_memif$n,role=server,id=0,socket=$socket,socket-abstract=no" ;;
	vhost)
		testpmd "$plug" "$7" "net_vhost0,iface=$socket,queues=$queues"
		device[$ns $port]="net_virtio_user$n,path=$socket,queues=$queues,mac=02:77:00:00:0${#device[@]}:01" ;;
	*) fail "no kind $what" ;;
	esac
}

# The client makes the rings: buffers for the whole frame, and a MAC address of its own.
memif_size() { echo "bsize=$(($1 <= 1500 ? 2048 : 10240)),mac=02:77:00:00:0${#device[@]}:01"; }

# deaf NS IF: its packets are for packet sockets alone. (What af_packet hands to wgdp the host's stack would see here, too, and answer.)
deaf() {
	on "$1" nft -f - <<-NFT
	table netdev deaf-$2 {
		chain in { type filter hook ingress device "$2" priority 0; policy drop; }
	}
	NFT
}

# memif_py VETH ROLE SOCKET QUEUES
memif_py() {
	PYTHONUNBUFFERED=1 ip netns exec wire /usr/bin/python3 "$here/memif.py" "$2" "$3" "$1" "$4" >"memif-$1.log" 2>&1 &
	pid[memif-$1]=$! kind[memif-$1]=memif where[memif-$1]=wire
	[ "$2" = client ] || wait_for "[ -S $3 ]"
}

# testpmd VETH MTU VDEV: a patch between the vdev and the veth
testpmd() {
	local frame=$(($2 <= 1500 ? 2048 : 16384)) extra=()
	[ "$2" -le 1500 ] || extra=(--mbuf-size=10240 --max-pkt-len=9216)
	mkfifo "testpmd-$1.in"
	XDG_RUNTIME_DIR=$tmp nice -n 19 ip netns exec wire stdbuf -oL dpdk-testpmd --no-pci --no-huge --no-shconf -m 256 --file-prefix "$1" \
		--lcores 0@0,1@"$(($(nproc) - 1))" --log-level=*:error --vdev "$3" \
		--vdev "net_af_packet1,iface=$1,qpairs=$queues,framesz=$frame,blocksz=$((frame > 4096 ? frame : 4096)),framecnt=512" \
		-- --forward-mode=io -a --no-mlockall --rxq=$queues --txq=$queues --total-num-mbufs=8192 "${extra[@]}" <>"testpmd-$1.in" >"testpmd-$1.log" 2>&1 &
	pid[testpmd-$1]=$! kind[testpmd-$1]=testpmd where[testpmd-$1]=wire
	wait_for "grep -q '^Press enter to exit' testpmd-$1.log || ended ${pid[testpmd-$1]}"
	not ended "${pid[testpmd-$1]}" || fail "$(tail -n 5 "testpmd-$1.log")"
}

# bed KIND-OF-RA KIND-OF-RB: or KIND of lan0 and of wan0 as WAN/LAN
bed() {
	local f n
	ns a ra i rb b wire
	cable "${1#*/}" ra lan0 a eth0 10.77.1.2/24,fd77:1::2/64 "$lan_mtu"
	cable "${1%/*}" ra wan0 i wa 10.78.1.254/24,fd78:1::fe/64 "$wan_mtu"
	cable "${2%/*}" rb wan0 i wb 10.78.2.254/24,fd78:2::fe/64 "$wan_mtu"
	cable "${2#*/}" rb lan0 b eth0 10.77.2.2/24,fd77:2::2/64 "$lan_mtu"
	for f in "a 1" "b 2"; do
		n=${f#* }
		ip -n "${f% *}" route add default via "10.77.$n.1"
		ip -n "${f% *}" -6 route add default via "fd77:$n::1"
	done
	router ra i rb
	keys vpa vpb
	routers_conf
}

# router_conf IF N PEER OUTER INNER [PEERLINE...]
router_conf() {
	local other=$((3 - $2)) cores=$queues
	[[ $4$5 != *role=server* ]] || cores=1
	cat >"$1.conf" <<-CONF
	[Interface]
	PrivateKey = ${key[$1]}
	ListenPort = 51820
	Address = 10.79.0.$2/24, fd79::$2/64
	${tunnel_mtu:+MTU = $tunnel_mtu}
	${interface:-}
	[Dataplane]
	Outer = $4 as wan0
	Lan = $5 as lan0
	RxCores = 0-$((cores - 1))

	[Peer]
	PublicKey = ${pub[$3]}
	AllowedIPs = 10.79.0.$other/32, fd79::$other/128, 10.77.$other.0/24, fd77:$other::/64
	CONF
	printf '%s\n' "${@:6}" >>"$1.conf"
}

routers_conf() {
	router_conf vpa 1 vpb "${device[ra wan0]}" "${device[ra lan0]}" "Endpoint = ${endpoint_b:-10.78.2.1:51820}" "${peer_a[@]}"
	router_conf vpb 2 vpa "${device[rb wan0]}" "${device[rb lan0]}" "Endpoint = ${endpoint_a:-10.78.1.1:51820}" "${peer_b[@]}"
}
peer_a=() peer_b=()

# router_up NS N
router_up() {
	[ "$lan_mtu" = 1500 ] || ip -n "$1" link set lan0 mtu "$lan_mtu"
	[ "$wan_mtu" = 1500 ] || ip -n "$1" link set wan0 mtu "$wan_mtu"
	ip -n "$1" addr add "10.78.$2.1/24" dev wan0
	ip -n "$1" addr add "fd78:$2::1/64" dev wan0
	ip -n "$1" addr add "10.77.$2.1/24" dev lan0
	ip -n "$1" addr add "fd77:$2::1/64" dev lan0
	ip -n "$1" route add 10.78.0.0/16 via "10.78.$2.254"
	ip -n "$1" -6 route add fd78::/16 via "fd78:$2::fe"
}

routers_up() {
	start_wgdp ra vpa.conf
	start_wgdp rb vpb.conf
	router_up ra 1
	router_up rb 2
	wait_for 'can_ping a 10.77.2.2'
	wait_for 'can_ping b fd77:1::2'
}

# ---- what they say

# beside IF COUNTER...: lan_rx, lan_tx, host_rx, host_tx, drop_REASON, ..., of all cores
beside() {
	printf 'stats=1\n\n' | timeout 100 nc -N -U "/run/wireguard/$1.sock" | awk -F= -v want="${*:2}" '
		{ sum[$1] += $2 }
		END { n = split(want, w, " "); for (i = 1; i <= n; i++) printf "%d%s", sum[w[i]], (i < n) ? " " : "\n" }'
}

# dropped IF: what it dropped, and why
dropped() { printf 'stats=1\n\n' | timeout 100 nc -N -U "/run/wireguard/$1.sock" | sed -En '/^(drop_.*|port_rx_missed|port_.x_errors)=[1-9]/p' | sort | uniq -c | tr '\n' ' '; }

# passed NS: packets that the host's stack has forwarded, both families
passed() {
	on "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '
		$1 == "Ip:" && !at { for (n = 2; n <= NF; n++) if ($n == "ForwDatagrams") at = n; next }
		$1 == "Ip:" { sum += $at }
		$1 == "Ip6OutForwDatagrams" { sum += $2 }
		END { print sum }'
}

# paths: of both routers, what the fast path took in and gave out, and what the hosts forwarded
paths() { echo "$(beside vpa lan_rx lan_tx) $(beside vpb lan_rx lan_tx) $(passed ra) $(passed rb)"; }

# goes_fast NS N [OPTION...] ADDR: N pings and their answers, and nothing else, go by the fast path of both routers, and the hosts forward none
goes_fast() {
	local before after want i
	before=$(paths)
	want=$(awk -v n="$2" '{ print $1 + n, $2 + n, $3 + n, $4 + n, $5, $6 }' <<<"$before")
	pings "$@"
	for ((i = 0; i < 10; i++)); do	# a core counts a packet after it has sent it
		after=$(paths)
		[ "$after" != "$want" ] || return 0
		[ "${after#* * * * }" = "${before#* * * * }" ] || break
		sleep 0.05
	done
	echo "fast path (lan_rx lan_tx of vpa, of vpb, forwarded by ra, rb): $before, $2 pings later $after"
	return 1
}

# fast NS N [OPTION...] ADDR: the same, once the routers have learnt the way, which the first packets tell them. (Not at the first go: what is late, as an
# answer to an earlier ping, is counted, too, and whatever the kernel announces of its routes may have the next packet asked about again.)
fast() {
	wait_for "goes_fast $1 1 ${*:3}"
	wait_for "goes_fast $* >fast.why" || fail "$(cat fast.why): $*"
}

# still IF COUNTER: its value, once that stands still: a core counts a packet after it has sent it
still() {
	local had= now i
	for ((i = 0; i < 100; i++)); do
		now=$(beside "$@")
		[ "$now" != "$had" ] || break
		had=$now
		sleep 0.2
	done
	echo "$now"
}

# by_host NS N COMMAND...: router NS's fast path takes in nothing of it; its host has seen N packets or more
by_host() {
	local i=vp${1#r} before taken
	taken=$(still "$i" lan_rx) before=$(beside "$i" host_tx)
	"${@:3}"
	wait_for "[ \$(beside $i host_tx) -ge $((before + $2)) ]" || fail "the host has not seen: ${*:3}"
	[ "$(still "$i" lan_rx)" = "$taken" ] || fail "fast path took what is the host's: ${*:3}"
}

# pings NS N [OPTION...] ADDR: N pings, one at a time, all answered
pings() {
	local out i
	for ((i = 0; i < $2; i++)); do
		out=$(on "$1" ping -n -q -c 1 -W 10 "${@:3}") || fail "$1: ping ${*:3}: $i were answered, then: $out"
	done
}

# learn_mtu NS ADDR: by a packet that is too large, NS learns how large they may be on the way there
learn_mtu() {
	on "$1" ping -n -q -c 1 -W 5 -M do -s 1440 "$2" >/dev/null || true
	ip -n "$1" route get "$2" | found 'mtu 14'
}

# hops NS [OPTION...] ADDR: who answers on the way
hops() { on "$1" traceroute -n -q 1 -w 10 -N 1 "${@:2}" | awk 'NR > 1 { printf "%s%s", sep, $2; sep = " " } END { print "" }'; }

# says NS TEXT COMMAND...: its output has TEXT
says() {
	local out
	out=$(on "$1" timeout 200 "${@:3}" 2>&1) || true
	grep -qF -- "$2" <<<"$out" || fail "$1: ${*:3}: no '$2' in: $out"
}

# will_say NS TEXT COMMAND...: sooner or later its output has TEXT
will_say() { wait_for "{ on $1 timeout 100 ${*:3} 2>&1 || true; } | found -F '$2'"; }

# ---- counted traffic

# numbers FROM_NS TO_NS ADDR N RATE [SIZE [HOW]]: N datagrams arrive, each once and in order (numbers.py)
numbers() {
	local p f=$1-$2.numbers
	rm -f "$f"
	ip netns exec "$2" timeout 200 /usr/bin/python3 "$here/numbers.py" receive "$3" 7100 "$4" "$f" &
	p=$!
	wait_for "on $2 ss -Hanu 'sport = 7100' | found ."
	py "$1" numbers.py send "$3" 7100 "$4" "$5" "$f" "${@:6}"
	wait_for "[ \$(wc -l <$f) = $4 ]" || fail "numbers $*: $(wc -l <"$f") of $4 came"
	wait "$p"
	seq 0 $(($4 - 1)) | cmp - "$f" || fail "numbers $*: not in order"
}

# stream NAME FROM_NS TO_NS ADDR: datagrams are echoed and counted, until stream_end
stream() {
	ip netns exec "$3" /usr/bin/python3 "$here/stream.py" echo "$4" 9000 2>/dev/null &
	pid[echo-$1]=$! kind[echo-$1]=stream
	wait_for "on $3 ss -Hanu 'sport = 9000' | found -F '$4'"
	: >"$1.count"
	ip netns exec "$2" /usr/bin/python3 "$here/stream.py" count "$4" 9000 "$1.count" &
	pid[count-$1]=$! kind[count-$1]=stream
	flows "$1"
}

# flows NAME: a hundred more have come back
flows() {
	local had
	had=$(head -n 1 "$1.count")
	wait_for "[ \$(head -n 1 $1.count) -ge $((${had:-0} + 100)) ]" || fail "$1: nothing flows"
}

# stream_end NAME MOST: at most MOST of them are lost, and none comes twice
stream_end() {
	kill "${pid[count-$1]}"
	wait "${pid[count-$1]}"
	kill "${pid[echo-$1]}"
	wait "${pid[echo-$1]}" 2>/dev/null || true
	unset "pid[count-$1]" "pid[echo-$1]"
	echo "$1: $(cat "$1.count")"
	[ "$(awk '{ print $4 + $6 }' "$1.count")" -le "$2" ] || fail "$1: $(cat "$1.count"); $(dropped vpa) $(dropped vpb)"
}
