#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Poll = auto: without traffic the data cores sleep. Poll = always: they never do, from the first moment to the last; yet they carry
# traffic, let peers come and go (RCU), see an interface that is deleted under them, and end.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: dq (a second wgdp) 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
ns c
keys dq
side dp 1 dq 10.77.0.2:51820
side dq 2 dp
cp dp.conf auto.conf
printf '[Dataplane]\nPoll = Always\n' >>dp.conf
start_wgdp b dq.conf
start_wgdp a dp.conf

sleeps() { status "$1" | sed -n 's/^cores: sleeps \([0-9]*\) .*/\1/p'; }

# states IF: a letter a data core: R runs or could, S sleeps
states() {
	local t
	for t in /proc/"${pid[$1]}"/task/*; do
		! grep -q '^wgdp/[rw]' "$t/comm" || sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "$t/status"
	done | tr -d '\n'
}

cores=$(printf 'R%.0s' $(seq "$(nproc)"))
wait_for '[ "$(states dp)" = $cores ]'
for ((i = 0; i < 40; i++)); do
	[[ ! $(states dp) =~ S ]] || fail "a core sleeps: $(states dp)"
	sleep 0.05
done
wait_for '[ "$(states dq)" = ${cores//R/S} ]'
for ((i = 0; i < 5; i++)); do ping_ok a 192.168.77.2; done
tcp a b 192.168.77.2
tcp b a fd00:77::1
n=$(sleeps dq)
[ "$n" -gt 0 ]
for ((i = 0; i < 5; i++)); do ping_ok b 192.168.77.1; sleep 0.1; done
[ "$(sleeps dq)" -gt "$n" ]
[ "$(sleeps dp)" = 0 ]

# Deleted where no netlink message reaches us, so that the data cores alone can tell.
ip -n a link set dp netns c
ip -n c link del dp
wait_for 'ended ${pid[dp]}'
unset 'pid[dp]'

# And with auto in the very same file's place.
cp auto.conf dp.conf
start_wgdp a dp.conf
ping_ok a 192.168.77.2
wait_for '[ "$(states dp)" = ${cores//R/S} ]'
[ "$(sleeps dp)" -gt 0 ]
