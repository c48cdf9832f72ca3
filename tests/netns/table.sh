#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Table: off makes no routes, a number puts them there, auto in the main table. They go with the interface.
#
#     a: dp 192.168.77.1 fd00:77::1

. "$(dirname "$0")/_init.sh"
pair

# with TABLE: the routes of AllowedIPs, in all tables
with() {
	interface="Table = $1"
	side dp 1 go 10.77.0.2:51820 "AllowedIPs = 172.16.1.0/24, fd16:1::/64"
	start_wgdp a dp.conf
}
# routes TABLE: where AllowedIPs are routed into dp
routes() { { ip -n a -4 route show table "$1" dev dp; ip -n a -6 route show table "$1" dev dp; } 2>/dev/null | grep -cE '^(172.16.1.0/24|fd16:1::/64)'; }

with off
[ "$(routes all || true)" = 0 ]
stop dp
for table in auto main; do
	[ $table = main ] || with auto
	[ "$(routes main)" = 2 ]
	[ "$(routes all)" = 2 ]
done
stop dp
with 1234
[ "$(routes 1234)" = 2 ]
[ "$(routes all)" = 2 ]
stop dp
[ "$(ip -n a route show table 1234 2>/dev/null | wc -l)" = 0 ]
[ "$(ip -n a -6 route show table 1234 2>/dev/null | wc -l)" = 0 ]
