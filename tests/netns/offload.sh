#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Segmentation offloads: super-packets of the host's TCP are cut before they are sealed, and merged again after they were opened. No
# datagram is larger than the link carries; packets made by hand come out of the other end as they went in: DF, ECN, TCP's flags and
# all else, cut by the kernel's rules where they were super-packets, and in order within each flow.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: dq (wgdp), then go (wireguard-go), 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
keys dq
cpus=$(taskset -pc $$ | sed 's/.*: //')

# reads NS IF: packets and super-packets that the kernel has passed to the process behind the interface
reads() { on "$1" cat "/sys/class/net/$2/statistics/tx_packets"; }

# exact FROM_NS FROM_IF FROM_SIDE TO_NS TO_IF TO_SIDE INNER: the packets made by hand
exact() {
	/usr/bin/python3 "$here/offload.py" "$1" "$2" "$(inside "$7" "$3")" "$4" "$5" "$(inside "$7" "$6")" >exact 2>&1 ||
		fail "$2 to $5, $7: $(cat exact)"
}

for peer in dq go; do
	side dp 1 $peer "10.77.0.2:51820"
	side $peer 2 dp "10.77.0.1:51820"
	# One core receives, so one queue holds all flows: which of several a packet goes to, and so the order, is not ours alone to say.
	for n in dp $peer; do
		[ $n = go ] || printf '[Dataplane]\nRxCores = %s\nWorkerCores = %s\n' "${cpus%%[-,]*}" "$cpus" >>$n.conf
	done
	start_wgdp a dp.conf
	if [ $peer = dq ]; then start_wgdp b dq.conf; else start_wggo b go.conf; fi
	ping_ok a 192.168.77.2
	ping_ok b fd00:77::1

	for n in a b; do capture large-$n $n eth0 udp and greater 1515; done
	before=$(reads a dp)
	for inner in v4 v6; do
		tcp a b "$(inside $inner 2)" 16M
		tcp b a "$(inside $inner 1)" 16M
	done
	# 32 MB are 24,000 packets, and 12,000 and more acknowledge as many from the other side
	[ $(($(reads a dp) - before)) -lt 20000 ] || fail "$(($(reads a dp) - before)) reads"
	for n in a b; do
		capture_end large-$n
		[ "$(packets large-$n)" = 0 ] || fail "datagrams larger than the MTU"
	done

	for inner in v4 v6; do
		exact a dp 1 b $peer 2 $inner
		exact b $peer 2 a dp 1 $inner
		# into which wgdp has merged some
		not grep -q ' 0 super-packets' exact
	done
	[ "$(drops_of dp inner_malformed)" = 0 ]
	[ "$(drops_of dp tx_failed)" = 0 ]
	stop dp
	stop $peer
done
