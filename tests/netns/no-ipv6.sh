#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# IPv6 switched off on the host: by the sysctl, and as the kernel's ipv6.disable=1 does it, where there are no such sockets at all. IPv4
# works alone.
#
#     a: dp 192.168.77.1  ----  10.77.0.0/24  ----  b: go 192.168.77.2

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go 10.77.0.2:51820
sed -i 's/^Address.*/Address = 192.168.77.1\/24/; s/^AllowedIPs.*/AllowedIPs = 192.168.77.2\/32/' dp.conf
side go 2 dp 10.77.0.1:51820

for off in sysctl sockets; do
	if [ $off = sysctl ]; then
		on a sysctl -qw net.ipv6.conf.{all,default,lo,eth0}.disable_ipv6=1
	else
		wrap="/usr/bin/python3 $here/no-ipv6.py"
	fi
	start_wgdp a dp.conf
	start_wggo b go.conf
	ping_ok b 192.168.77.1
	ping_ok a 192.168.77.2
	tcp a b 192.168.77.2 1M
	stop dp
	stop go
done
