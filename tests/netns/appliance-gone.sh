#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What is left when wgdp ends, by SIGTERM: no mirrors, no XDP program, no files; by SIGKILL: no
# mirrors; and it starts again at once. The bed is drawn in
# _appliance.sh.

. "$(dirname "$0")/_appliance.sh"
bed memif/packet xdp
routers_up

# left NS: what there is of a wgdp in NS's namespace and in the file system
left() {
	ip -n "$1" -o link show | awk -F': ' '{ sub(/@.*/, "", $2); print $2 }' | grep -vx -e lo -e '.*0p' -e wire || true
	ip -n "$1" link show | grep -o 'prog/xdp.*' || true
	find /run/wireguard /run/dpdk /dev/shm /var/run/dpdk -name "*wgdp*$2*" -o -name "$2.sock" 2>/dev/null || true
	find /dev/hugepages /mnt/huge -name '*wgdp*' 2>/dev/null || true
}

fast a 5 10.77.2.2
stop vpa
[ -z "$(left ra vpa)" ] || fail "left: $(left ra vpa)"
start_wgdp ra vpa.conf
router_up ra 1
wait_for 'can_ping a 10.77.2.2'
fast a 5 10.77.2.2
for r in "ra vpa 1" "rb vpb 2"; do
	read -r ns if n <<<"$r"
	{ kill -KILL "${pid[$if]}"; wait "${pid[$if]}" || true; } 2>/dev/null
	wait_for "! ip -n $ns link show wan0"
	not ip -n "$ns" link show lan0 2>/dev/null
	not ip -n "$ns" link show "$if" 2>/dev/null
	start_wgdp "$ns" "$if.conf"
	router_up "$ns" "$n"
	wait_for 'can_ping a 10.77.2.2'
	fast a 5 10.77.2.2
done
stop vpb
[ -z "$(left rb vpb)" ] || fail "left: $(left rb vpb)"

# a mirror's name that is taken: said plainly, and nothing stays
ip -n rb tuntap add wan0 mode tap
run_wgdp rb vpb.conf
wait_for "ended ${pid[vpb]}"
found 'interface wan0 exists already' <vpb.conf.log || fail "$(cat vpb.conf.log)"
ip -n rb link show wan0 >/dev/null
not ip -n rb link show lan0 2>/dev/null
ip -n rb link show | not found prog/xdp
unset "pid[vpb]"
