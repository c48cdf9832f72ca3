#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# PreUp, PostUp, PreDown and PostDown run in order, %i being the interface's name; when one of them fails at the start, there is no start.
#
#     a: dp 192.168.77.1 fd00:77::1

. "$(dirname "$0")/_init.sh"
pair
state='echo $hook %i $(ls -d /sys/class/net/%i 2>/dev/null | wc -l) >>hooks'
interface=$(for hook in PreUp PostUp PreDown PostDown; do echo "$hook = ${state//\$hook/$hook}"; done
	echo "PostUp = echo second >>hooks"
	for hook in PostUp PreDown; do echo "$hook = timeout 10 wg show %i public-key >>hooks"; done)
side dp 1 go 10.77.0.2:51820
start_wgdp a dp.conf
stop dp
diff -u - hooks <<WANT
PreUp dp 0
PostUp dp 1
second
${pub[dp]}
PreDown dp 1
${pub[dp]}
PostDown dp 0
WANT

for hook in PreUp PostUp; do
	interface="$hook = echo this is why >&2; exit 3"
	side dp 1 go 10.77.0.2:51820
	status=0
	on a "$WGDP" --conf dp.conf 2>said || status=$?
	[ $status = 1 ] || fail "status $status: $(cat said)"
	grep -q "this is why" said
	grep -q $hook said
	not ip -n a link show dp 2>/dev/null
done
