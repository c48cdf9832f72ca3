#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wgdp gives up what its ports do not need, in all its threads; changes at run time still work, and its commands are root's as before.
# The same as another user with ambient capabilities.
#
#     a: dp 192.168.77.1 fd00:77::1  ----  10.77.0.0/24, fd77::/64  ----  b: go 192.168.77.2 fd00:77::2

. "$(dirname "$0")/_init.sh"
pair
interface="PreUp = sed -n 's/^CapEff:.//p' /proc/self/status >$tmp/PreUp
PostUp = sed -n 's/^CapEff:.//p' /proc/self/status >$tmp/PostUp
PostDown = sed -n 's/^CapEff:.//p' /proc/self/status >$tmp/PostDown"

# sets: what the threads of dp have, each set once
sets() { sed -n 's/^Cap\(Eff\|Prm\):.//p' "/proc/${pid[dp]}/task/"*/status | sort -u; }

# change: what wg(8) can change at run time needs no more than what is left
change() {
	ping_ok a 192.168.77.2
	wg set dp listen-port 443 fwmark 0x77
	on a ss -Hunl 'sport = 443' | grep -q .
	wg set go peer "${pub[dp]}" endpoint 10.77.0.1:443
	ping_ok b 192.168.77.1
	ping_ok a fd00:77::2
	wg set dp listen-port 51820 fwmark 0
	ping_ok a 192.168.77.2
}

side go 2 dp
start_wggo b go.conf
side dp 1 go 10.77.0.2:51820
start_wgdp a dp.conf
ping_ok a 192.168.77.2
[ "$(sets)" = 0000000000003400 ]		# NET_ADMIN, NET_RAW, NET_BIND_SERVICE
change
stop dp
bounding=$(sed -n 's/^CapBnd:.//p' /proc/self/status)
for command in PreUp PostUp PostDown; do [ "$(cat $command)" = "$bounding" ] || fail "$command: $(cat $command)"; done
[ ! -e /run/wireguard/dp.sock ]

# somebody else's file: a reload has to read it, so that the right to read all files is kept
mkdir other
chown nobody other
install -o nobody -m 600 dp.conf other/dp.conf
chmod 700 other
chmod 755 "$tmp"
ip netns exec a "$WGDP" --conf other/dp.conf </dev/null >other.log 2>&1 &
pid[dp]=$! log[dp]=other.log where[dp]=a kind[dp]=wgdp
wait_for 'logged dp "dp: up"'
[ "$(sets)" = 0000000000003404 ]		# and DAC_READ_SEARCH
kill -HUP "${pid[dp]}"
wait_for 'logged dp "was read again"'
stop dp

# another user
chown nobody "$tmp" dp.conf PreUp PostUp PostDown /run/wireguard
export XDG_RUNTIME_DIR=$tmp/xdg
install -d -o nobody -m 700 "$XDG_RUNTIME_DIR"
caps=+net_admin,+net_raw,+net_bind_service
wrap="setpriv --reuid nobody --clear-groups --inh-caps $caps --ambient-caps $caps" start_wgdp a dp.conf
[ "$(ps -o user= -p "${pid[dp]}")" = nobody ]
[ "$(sets)" = 0000000000003400 ]
change
stop dp
for command in PreUp PostUp PostDown; do [ "$(cat $command)" = 0000000000003400 ] || fail "$command: $(cat $command)"; done
[ ! -e /run/wireguard/dp.sock ]

# and without any
not ip netns exec a setpriv --reuid nobody --clear-groups "$WGDP" --conf dp.conf 2>err
grep -q "CAP_NET_ADMIN" err
