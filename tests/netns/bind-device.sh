#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Outer = kernel,iface=NAME: the sockets are bound to one interface (a VRF, in life). What comes by another one is not for wgdp, and a
# second wgdp has the same port there.
#
#       b: go 192.168.77.2  ----  10.77.0.0/24  ---- eth0 a: dp 192.168.77.1
#       c: gp 192.168.77.2  ----  10.78.0.0/24  ---- eth1 a: dq 192.168.78.1

. "$(dirname "$0")/_init.sh"
pair
ns c
link a eth1 10.78.0.1/24 c eth0 10.78.0.2/24
keys dq gp
side dp 1 go
printf '[Dataplane]\nOuter = kernel,iface=eth0\n' >>dp.conf
side go 2 dp 10.77.0.1:51820
side dq 1 gp
printf '[Dataplane]\nOuter = kernel,iface=eth1\n' >>dq.conf
side gp 2 dq 10.78.0.1:51820
sed -i 's/192.168.77/192.168.78/; s/fd00:77:/fd00:78:/' dq.conf gp.conf
start_wgdp a dp.conf
start_wgdp a dq.conf
start_wggo b go.conf
start_wggo c gp.conf
ping_ok b 192.168.77.1
ping_ok c 192.168.78.1
ping_ok a 192.168.78.2
ping_ok a fd00:77::2

# b's tunnel by way of c's link: nobody listens there for it
wg set gp private-key <(echo "${key[go]}") peer "${pub[dp]}" endpoint 10.78.0.1:51820 allowed-ips 192.168.77.1/32
ip -n c route add 192.168.77.1/32 dev gp
ping_fail c 192.168.77.1
[ "$(peer_of dp go endpoint)" = 10.77.0.2:51820 ]
