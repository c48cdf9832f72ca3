#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Initiations that no honest peer sends: sent twice, too old, with low-order points, from a stranger, with a wrong MAC, or with one byte
# changed: not one is answered, and the log says why. And key confirmation: in a session that its initiator has not used yet, wgdp
# sends nothing.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: handshakes.py

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go
start_wgdp a dp.conf
mkfifo asks
py b handshakes.py "${key[go]}" "${pub[dp]}" 10.77.0.1 >asks 2>said &
py=$!
read -r ask <asks || fail "$(cat said)"
[ "$ask" = ping ]
on a ping -n -q -c 1 -W 1 192.168.77.2 >/dev/null || true
wait $py || fail "$(cat said)"
logged dp "Invalid handshake initiation from 10.77.0.2:"
logged dp "Invalid initiation MAC from 10.77.0.2:"
not grep -aqF -e "${key[dp]}" -e "${key[go]}" dp.conf.log
