#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Started and stopped 100 times, or as often as 200 s allow, but at least 20 times (or as often as the argument says) under traffic, by SIGTERM
# and SIGINT in turn, with a flood of pings through the tunnel and towards it: exit status 0 each time, and nothing is left.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820 "PersistentKeepalive = 1"
side go 2 dp 10.77.0.1:51820
start_wggo b go.conf
ip netns exec b ping -f -q 192.168.77.1 >/dev/null 2>&1 &
ip netns exec b ping -f -q -s 1300 fd00:77::1 >/dev/null 2>&1 &

# left: what a process of wgdp could leave in the system
left() {
	ip -n a -o link show | awk '{ print $2 }'
	ip -n a -4 rule show
	ip -n a -4 route show table all; ip -n a -6 route show table all | grep -v fe80
	on a ss -Hanup
	on a nft list ruleset
	on a tc filter show dev eth0 ingress
	find /run /sys/fs/bpf -xdev ! -path '/run/test/*' ! -path '/run/netns*' ! -path /run/dpdk 2>/dev/null
	pgrep -x wgdp
}
left >before || true
for ((i = 1; i <= ${1:-100}; i++)); do
	[ $# -gt 0 ] || [ $SECONDS -lt 200 ] || break
	start_wgdp a dp.conf
	wait_for '[ "$(delivered a dp)" -gt 20 ]'
	ip netns exec a timeout 5 ping -f -q 192.168.77.2 >/dev/null 2>&1 &
	if [ $((i % 2)) = 0 ]; then stop dp TERM; else stop dp INT; fi || fail "at start $i"
done
left >after || true
diff -u before after
[ $# -gt 0 ] || [ $i -gt 20 ] || fail "only $((i - 1)) starts in $SECONDS s"
