#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# No ListenPort: wgdp takes a free one, the same for IPv4 and IPv6, on all addresses, and can be reached there.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
sed -i /ListenPort/d dp.conf
side go 2 dp
start_wggo b go.conf
start_wgdp a dp.conf
port=$(port_of dp)
[ "$port" -gt 1023 ]
on a ss -Hulnp "sport = $port" >sockets
grep -qF "0.0.0.0:$port" sockets
grep -qF "[::]:$port" sockets
[ "$(on a ss -Huln | grep -vc ":$port ")" = 0 ]
logged dp "listening on port $port"
ping_ok a 192.168.77.2
[ "$(peer_of go dp endpoint)" = "10.77.0.1:$port" ]
wg set go peer "${pub[dp]}" endpoint "[fd77::1]:$port"
ping_ok b fd00:77::1
