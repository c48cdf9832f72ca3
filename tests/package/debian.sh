#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Debian package: it builds, lintian finds nothing, it installs into a fresh Debian, its unit does what systemd asks of one, in
# its sandbox, with every kind of port; when it is purged, nothing is left but the administrator's files.

. "$(dirname "$0")/_init.sh"

[ "$(chroot "$BOX" wgdp --version)" = "wgdp $(dpkg-deb -f "$BOX_DEB" Version)" ]
[ "$(stat -c '%a %U' "$BOX/etc/wgdp")" = "700 root" ]
boot

# conf [LINE...]: dp.conf in the box, as `side` makes it
conf() {
	side dp 1 go 10.77.0.2:51820
	printf '%s\n' "$@" >>dp.conf
	install -m 600 dp.conf "$BOX/etc/wgdp/dp.conf"
}
unit=wgdp@dp
property() { box systemctl show -P "$1" $unit; }
journal() { box journalctl -q --no-pager -o cat -u $unit "$@"; }

# start: and says why if it does not
start() { box systemctl start $unit || { journal | tail -n 20 >&2; fail "systemctl start"; }; }

box systemd-analyze verify --man=no "$unit.service" 2>&1 | tee verify >&2
[ ! -s verify ]
[ "$(box stat -c '%a %U' /run/wireguard)" = "700 root" ]

# ---- start, and what it may do

side go 2 dp 10.77.0.1:51820
start_wggo b go.conf
conf
start
[ "$(property ActiveState)" = active ]
[ "$(property NotifyAccess)" = main ]
[ "$(property StatusText)" = "1 interface up" ]
ping_ok a 192.168.77.2
ping_ok b fd00:77::1
main=$(property MainPID)
status_of() { box sed -n "s/^$1:\t//p" "/proc/$main/status"; }
[ "$(status_of CapEff)" = 0000000000003400 ]	# NET_ADMIN, NET_RAW, NET_BIND_SERVICE
[ "$(status_of CapBnd)" = 0000000000007400 ]	# and IPC_LOCK, for DPDK's devices
[ "$(status_of NoNewPrivs)" = 1 ]
[ "$(status_of Seccomp)" = 2 ]
box wgdp show dp | found -F "${pub[go]}"
[ "$(box stat -c '%a %F' /run/wireguard/dp.sock)" = "600 socket" ]

# ---- reload

sed -i 's/^ListenPort.*/ListenPort = 51821/' "$BOX/etc/wgdp/dp.conf"
box systemctl reload $unit
[ "$(property ActiveState)/$(property MainPID)" = "active/$main" ]
box wgdp show dp | found 51821
ping_ok a 192.168.77.2
sed -i 's/^ListenPort.*/ListenPort = banana/' "$BOX/etc/wgdp/dp.conf"
not box systemctl reload $unit 2>err
wait_for "journal | found \"dp.conf:3: ListenPort: 'banana'\""
[ "$(property ActiveState)/$(property MainPID)" = "active/$main" ]
ping_ok a 192.168.77.2
box kill -HUP "$main"				# the other way says so, too
wait_for '[ "$(journal | grep -c "banana")" -ge 2 ]'
[ "$(property MainPID)" = "$main" ]

# ---- stop, and start with a bad file

box systemctl stop $unit
[ "$(property Result)" = success ]
not ip -n a link show dp 2>/dev/null
not box test -e /run/wireguard/dp.sock
not box systemctl start $unit 2>err
wait_for 'journal -n 20 | found "banana"'
box systemctl stop $unit
box systemctl reset-failed $unit 2>/dev/null || true

# ---- everything that a sandbox could take away: a default route, commands, metrics; other ports

interface="PostUp = sysctl -qw net.ipv4.ip_forward=1; nft add table inet post; ip route add 10.9.9.0/24 dev %i
PostDown = nft delete table inet post; touch /etc/hooked || true"
conf "AllowedIPs = 0.0.0.0/0, ::/0" "[Dataplane]" "Metrics = 127.0.0.1:9586"
start
ip -n a rule | grep -q suppress_prefixlength
[ "$(on a sysctl -n net.ipv4.ip_forward)" = 1 ]
[ "$(on a sysctl -n net.ipv4.conf.all.src_valid_mark)" = 1 ]
ip -n a route show 10.9.9.0/24 | grep -q dp
on a nft list tables | grep -q post
ping_ok a 192.168.77.2
on a bash -c 'exec 3<>/dev/tcp/127.0.0.1/9586; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' | found wgdp_peers
box systemctl stop $unit
[ "$(property Result)" = success ]
on a nft list tables | not grep -q post
not test -e "$BOX/etc/hooked"			# read-only
interface=

conf "[Dataplane]" "Outer = net_af_packet0,iface=eth0"
start
ping_ok a 192.168.77.2
box systemctl stop $unit

conf "[Dataplane]" "Outer = net_af_xdp0,iface=eth0"
not box systemctl start $unit 2>err
box systemctl stop $unit
mkdir -p "$BOX/etc/systemd/system/$unit.service.d"
cp "$BOX/usr/share/doc/wgdp/examples/systemd/af-xdp.conf" "$BOX/etc/systemd/system/$unit.service.d/"
box systemctl daemon-reload
box systemctl reset-failed $unit 2>/dev/null || true
start
ping_ok a 192.168.77.2
main=$(property MainPID)
[ "$(status_of CapEff)" = 0000000000207400 ]	# and IPC_LOCK, SYS_ADMIN
box systemctl stop $unit

cp "$BOX/usr/share/doc/wgdp/examples/systemd/hooks.conf" "$BOX/etc/systemd/system/$unit.service.d/af-xdp.conf"
box systemctl daemon-reload
interface="PostUp = ip netns add other; ip netns exec other ip link set lo up"
conf
start
ping_ok a 192.168.77.2
main=$(property MainPID)
[ "$(status_of CapEff)" = 0000000000003400 ]
box systemctl stop $unit
interface=

# ---- the watchdog

printf '%s\n' '[Service]' WatchdogSec=8 TimeoutAbortSec=1 RestartSec=100ms >"$BOX/etc/systemd/system/$unit.service.d/af-xdp.conf"
box systemctl daemon-reload
conf
start
main=$(property MainPID)
sleep 17						# more than twice of what it waits
[ "$(property MainPID)" = "$main" ]
ping_ok a 192.168.77.2
box kill -STOP "$main"
wait_for '[ "$(property NRestarts)" = 1 ] && [ "$(property ActiveState)" = active ]'
[ "$(property MainPID)" != "$main" ]
wait_for 'can_ping a 192.168.77.2'
wait_for 'journal | found -i watchdog'
find "$BOX" -xdev -path '*coredump/*' | not grep .

# A long PostDown is no reason for the watchdog, whoever has begun the end.
box systemctl stop $unit
interface="PostDown = sleep 12; echo the end of PostDown"
conf
start
box kill -TERM "$(property MainPID)"
wait_for '[ "$(property ActiveState)" = inactive ]'
[ "$(property Result)" = success ]
wait_for "journal -n 20 | found '^the end of PostDown'"
interface=

# ---- no keys in the journal; purge

conf
start
box journalctl -q --no-pager -o export >all
grep -q "dp: up" all
not grep -qF -e "${key[dp]}" -e "$(printf %s "${key[dp]}" | base64 -d | od -An -tx1 | tr -d ' \n')" all

rm -r "$BOX/etc/systemd/system/$unit.service.d"
box systemctl daemon-reload
box dpkg --remove wgdp
not ip -n a link show dp 2>/dev/null		# it was stopped
[ -s "$BOX/etc/wgdp/dp.conf" ]
box dpkg --purge wgdp
[ -s "$BOX/etc/wgdp/dp.conf" ]			# keys that exist nowhere else
rm "$BOX/etc/wgdp/dp.conf"
rmdir "$BOX/etc/wgdp"
left=$(find "$BOX" -xdev \( -path "$BOX/var/log" -o -path "$BOX/proc" \) -prune -o -name '*wgdp*' -print)
[ -z "$left" ] || fail "left: $left"
box sh -c 'find /run -name "*wgdp*" | grep -v -e /journal/ -e "/run/systemd/propagate"' >left || true
[ ! -s left ] || fail "left: $(cat left)"
