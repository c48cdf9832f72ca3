#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A port that another process has is an error: exit status 1, a message, and nothing of the interface is left. So is a name that is taken.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820

# refused TEXT
refused() {
	local status=0
	on a "$WGDP" --conf dp.conf 2>said || status=$?
	[ $status = 1 ] || fail "status $status: $(cat said)"
	grep -qi "$1" said || fail "$(cat said)"
	not grep -q ': up$' said
}
for listen in "-4 0.0.0.0" "-6 ::"; do
	ip netns exec a nc -d -u -l $listen 51820 >/dev/null 2>&1 &
	wait_for 'on a ss -Hunl "sport = 51820" | grep -q .'
	refused 51820
	not ip -n a link show dp 2>/dev/null
	kill $!
	wait_for '! on a ss -Hunl "sport = 51820" | grep -q .'
done
ip -n a link add dp type veth peer name other
refused dp
ip -n a link show dp | grep -q dp@other
[ -z "$(on a ss -Hunl "sport = 51820")" ]
