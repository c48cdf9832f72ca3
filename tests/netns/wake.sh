#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A wake is never lost: for a minute, single packets and short bursts both ways, at random intervals around the time that a core looks on
# before it sleeps; each has to arrive before there is another, so that a core that slept through one would never see it. On side a one
# core receives and another works, so each packet needs a wake from core to core; on side b every core does both.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: dq (a second wgdp) 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
keys dq
side dp 1 dq 10.77.0.2:51820
side dq 2 dp 10.77.0.1:51820
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
printf '[Dataplane]\nRxCores = %s\nWorkerCores = %s\n' "${cpus[0]}" "${cpus[-1]}" >>dp.conf
start_wgdp b dq.conf
start_wgdp a dp.conf
ping_ok a 192.168.77.2

# cores IF COUNTER: sleeps or wakes of its data cores
cores() { status "$1" | sed -n "s/^cores: .*\<$2 \([0-9]*\).*/\1/p"; }
before=$(cores dp sleeps)
/usr/bin/python3 "$here/wake.py" "${WAKE_SEED:-20261121}" "${WAKE_SECONDS:-60}" a 192.168.77.1 b 192.168.77.2 ||
	fail "a packet was lost or doubled (seed above)"

# Or nothing was tried. The packets were sent while a core slept, or all of this proves little.
[ "$(cores dp sleeps)" -gt $((before + 1000)) ]
[ "${cpus[0]}" = "${cpus[-1]}" ] || [ "$(cores dp wakes)" -gt 1000 ]
status dp | grep ^cores:
status dq | grep ^cores:
not grep ^drops: <(status dp; status dq)
