#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Jumbo frames: 9000 on every link, 8920 in the tunnel; nothing is cut on the way. ra has memif, rb af_packet. The bed is drawn in _appliance.sh.

lan_mtu=9000 wan_mtu=9000 tunnel_mtu=8920
. "$(dirname "$0")/_appliance.sh"
bed memif packet
routers_up
capture i i wb 'ip[6:2] & 0x3fff != 0 or ip6[6] = 44'
fast a 10 -M do -s 8892 10.77.2.2
fast b 10 -M do -s 8872 fd77:1::2
ping_ok i -M do -s 8972 10.78.1.1	# of the host's
ping_ok b -M do -s 8952 fd77:2::1
says a 'Frag needed and DF set (mtu = 8920)' ping -n -c 1 -W 5 -M do -s 8893 10.77.2.2
tcp a b 10.77.2.2 2M
tcp b a fd77:1::2 2M
tcp a ra 10.77.1.1 1M
capture_end i
[ "$(packets i)" = 0 ]
