# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by compare, idle and peers: two namespaces, a cable with the kernel's usual offloads, tunnels over it, and what is measured of their
# processes. Namespaces, processes and files are those of tests/netns/_init.sh: nothing is left, however it ends.
#
#        namespace a                                            namespace b
#     wa 192.168.77.1  or  ga                                wb 192.168.77.2  or  gb
#   eth0 10.77.0.1   ------------------ veth --------------  eth0 10.77.0.2

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -z "${BENCH:-}" ] || BENCH=$(realpath "$BENCH")	# before we are elsewhere
export BENCH="${BENCH:-$bench/../build/bench}"
export LOG_LEVEL=error		# wireguard-go's: no time for its log
. "$bench/../tests/netns/_init.sh"
ECHO=$(realpath -m "$BENCH/echo") FLOOD=$(realpath -m "$BENCH/flood")
[ -x "$ECHO" ] && [ -x "$FLOOD" ] || fail "no $ECHO or $FLOOD: run ninja -C build first"

say() { echo "${0##*/}: $*" >&2; }

# bed: the namespaces and the cable; keys for all
bed() {
	ns a b
	ip -n a link add eth0 type veth peer name eth0 netns b
	ip -n a addr add 10.77.0.1/24 dev eth0
	ip -n b addr add 10.77.0.2/24 dev eth0
	ip -n a link set eth0 up
	ip -n b link set eth0 up
	keys wa wb ga gb
}

# tunnel_conf PREFIX [DATAPLANE_A [DATAPLANE_B]]: the two files of tunnel w or g, with lines for [Dataplane]
tunnel_conf() {
	side "${1}a" 1 "${1}b" 10.77.0.2:51820
	side "${1}b" 2 "${1}a" 10.77.0.1:51820
	[ -z "${2:-}" ] || printf '[Dataplane]\n%s\n' "$2" >>"${1}a.conf"
	[ -z "${3:-}" ] || printf '[Dataplane]\n%s\n' "$3" >>"${1}b.conf"
}

# tunnel_up w|g: with wgdp or wireguard-go at both ends, and a session
tunnel_up() {
	case $1 in
	w) start_wgdp b wb.conf; start_wgdp a wa.conf ;;
	g) start_wggo b gb.conf; start_wggo a ga.conf ;;
	esac
	ping_ok a 192.168.77.2
}

tunnel_down() {
	stop "${1}a"
	stop "${1}b"
}

# server ADDR: echo in namespace b
echo_server() {
	ip netns exec b "$ECHO" server "$1" &
	echo_pid=$!
	wait_for "on b ss -Hulna 'sport = 7077' | grep -q ."
}

end_of() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# cpu_ns PID...: what their threads have run so far, in nanoseconds of a CPU
cpu_ns() {
	local p sum=0 n
	for p; do
		for n in /proc/"$p"/task/*/schedstat; do
			read -r n _ <"$n" || continue	# a thread that has just ended
			sum=$((sum + n))
		done
	done
	echo "$sum"
}

# machine_ticks: what all CPUs have been busy so far, in ticks (getconf CLK_TCK a second)
machine_ticks() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8; exit }' /proc/stat; }

# memory KEY PID...: KiB, the mean of the processes
memory() {
	local key=$1 p
	shift
	for p; do sed -n "s/^$key:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$p/status"; done | awk '{ s += $1 } END { print s / NR }'
}

# calc EXPRESSION: awk's arithmetic
calc() { awk "BEGIN { printf \"%.6g\", $1 }"; }

# median NUMBER...
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
