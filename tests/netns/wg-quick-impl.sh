#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wg-quick with wgdp as its userspace implementation, and with wireguard-go: the same commands, addresses, routes, rules and firewall while
# it is up, the same files saved, and everything as before afterwards; with wgdp, traffic goes through.
#
#     w: x, of wgdp            10.77.0.1, fd77::1  ----  10.77.0.2, fd77::2  u: go 192.168.77.2, and the world, 198.51.100.1
#     q: x, of wireguard-go    10.77.0.1, fd77::1  ----  10.77.0.2, fd77::2  v

. "$(dirname "$0")/_init.sh"
ns q w u v
link w eth0 10.77.0.1/24,fd77::1/64 u eth0 10.77.0.2/24,fd77::2/64
link q eth0 10.77.0.1/24,fd77::1/64 v eth0 10.77.0.2/24,fd77::2/64
for n in q w; do
	ip -n $n route add default via 10.77.0.2
	ip -n $n -6 route add default via fd77::2
done
keys x go z
ip -n u addr add 198.51.100.1/32 dev lo
cat >go.conf <<-CONF
[Interface]
PrivateKey = ${key[go]}
ListenPort = 51820
Address = 192.168.77.2/24, fd00:77::2/64
[Peer]
PublicKey = ${pub[x]}
AllowedIPs = 192.168.77.1/32, fd00:77::1/128
CONF
start_wggo u go.conf

# wg-quick itself, but it does not find a WireGuard in the kernel; and each side has folders of its own.
mkdir bin sock.q sock.w q w
sed 's|/sys/module/wireguard|/nowhere|' "$(command -v wg-quick)" >bin/wg-quick
printf '#!/bin/sh\ncase "$*" in *"type wireguard"*) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v ip)" >bin/ip
chmod +x bin/*
# quick NS COMMAND...: with that wg-quick, in the side's folders
quick() {
	local implementation=$WGDP
	[ "$1" = w ] || implementation=wireguard-go
	on "$1" env WG_QUICK_USERSPACE_IMPLEMENTATION="$implementation" PATH="$tmp/bin:$PATH" bash -c \
		'mount --bind "$0" /run/wireguard && cd "$1" && shift && exec timeout 200 "$@"' "$tmp/sock.$1" "$tmp/$1" "${@:2}"
}
daemon() { pgrep -f "^$WGDP x\$"; }

# network NS: what there is, without what differs by chance or by who made it
network() {
	for f in -4 -6; do
		ip -n "$1" -o $f addr show | awk '{ print $2, $3, $4 }' | grep -v fe80
		ip -n "$1" $f route show table all | grep -v fe80 | grep -v multicast |
			sed -E 's/ (proto|expires|src|metric|error|hoplimit|pref) [^ ]+//g; s/ linkdown//; s/ +$//'
		ip -n "$1" $f rule show
	done | sort
	ip -n "$1" -o link show | awk '{ print $2, $4, $5 }' | sed 's/@[^ ]*//' | sort
	on "$1" nft list ruleset | grep -v fe80 || true
	quick "$1" wg show x dump 2>&1 | sort | cut -f -4,8- || true
}

same() {
	network q >want
	network w >got
	diff -u --label wireguard-go --label wgdp want got || fail "$*"
}

# both COMMAND...: by both sides; the same status, and the same messages but for what the implementations say themselves
both() {
	local n status
	for n in q w; do
		status=0
		quick $n "$@" >$n.said 2>&1 || status=$?
		sed -i -E 's#[^ ]*/(wgdp|wireguard-go) x$#IMPLEMENTATION x#; s#\] wireguard-go x$#] IMPLEMENTATION x#; /^(wgdp: x: |[│┌└])/d' $n.said
		echo "status $status" >>$n.said
	done
	diff -u --label wireguard-go --label wgdp q.said w.said || fail "$*"
	grep -q "status ${want_status:-0}" w.said || fail "$*: $(cat w.said)"
}

# conf ALLOWED [LINE...]: x.conf of both
conf() {
	cat >x.conf <<-CONF
	[Interface]
	PrivateKey = ${key[x]}
	ListenPort = 51820
	Address = 192.168.77.1/24, fd00:77::1/64
	$(printf '%s\n' "${@:2}")

	[Peer]
	PublicKey = ${pub[go]}
	AllowedIPs = $1
	Endpoint = 10.77.0.2:51820
	CONF
	cp x.conf q/ && cp x.conf w/
}

# cycle [COMMAND...]: up, COMMAND, down
cycle() {
	both wg-quick up ./x.conf
	[ -n "$(daemon)" ] || fail "that was not wgdp"
	same "up: $(cat x.conf)"
	ping_ok w 192.168.77.2
	"${@:-:}"
	both wg-quick down ./x.conf
	wait_for "not daemon && [ ! -e sock.w/x.sock ] && [ ! -e sock.q/x.sock ]"
	same "down: $(cat x.conf)"
}

network w | grep -v '^Unable\|^x' >before
conf "192.168.77.2/32, fd00:77::2/128"
cycle tcp w u 192.168.77.2 2M
conf "192.168.77.0/24, 172.16.0.0/12, fd01::/32" "MTU = 1300" "PreUp = echo pre %i >>hooks" "PostUp = echo up %i \$(cat /sys/class/net/%i/mtu) >>hooks" \
	"PreDown = echo down %i >>hooks" "PostDown = ls /sys/class/net >>hooks"
cycle
diff q/hooks w/hooks
grep -q "^up x 1300$" w/hooks
conf "192.168.77.2/32, 172.16.0.0/12" "Table = 1234" "FwMark = 0x99"
cycle

# A default route: everything goes through the tunnel, its own packets do not.
default() {
	ping_ok w 198.51.100.1
	ping_ok w fd00:77::2
	tcp w u 198.51.100.1 2M
	[ "$(quick w wg show x fwmark)" = 0xca6c ]
}
conf "0.0.0.0/0, ::/0"
cycle default

# same_files: saved by both. (No address that the kernel made up for wireguard-go's interface is one of wgdp's, and there is no order of peers.)
same_files() { diff <(grep -v fe80 q/x.conf | sort) <(sort w/x.conf); }

# Saved, and what the file says put in force while it is up.
live() {
	both wg set x peer "${pub[z]}" allowed-ips 192.168.78.0/24 persistent-keepalive 25
	both wg-quick save ./x.conf
	same_files
	grep -qF "${pub[z]}" w/x.conf
	both wg set x peer "${pub[z]}" remove
	both wg set x peer "${pub[go]}" allowed-ips 192.168.77.2/32,192.168.79.0/24
	both bash -c 'wg syncconf x <(wg-quick strip ./x.conf)'
	quick w wg show x allowed-ips | found 192.168.78.0/24
	same "after syncconf"
	ping_ok w 192.168.77.2
	quick w wg show x latest-handshakes | awk -v p="${pub[go]}" '$1 == p && $2 > 0 { ok = 1 } END { exit !ok }'
}
conf "192.168.77.2/32"
cycle live
conf "192.168.77.2/32" "SaveConfig = true"
changed() { both wg set x fwmark 0x7 peer "${pub[z]}" endpoint 203.0.113.1:1; }
cycle changed
same_files
grep -q "FwMark = 0x7" w/x.conf && grep -q "203.0.113.1:1" w/x.conf

# What fails: there already, a bad file, a hook that fails; nothing is left.
conf "192.168.77.2/32"
both wg-quick up ./x.conf
want_status=1 both wg-quick up ./x.conf
ping_ok w 192.168.77.2
both wg-quick down ./x.conf
wait_for "not daemon && [ ! -e sock.w/x.sock ] && [ ! -e sock.q/x.sock ]"
want_status=1 both wg-quick down ./x.conf
conf "192.168.77.2/33"
want_status=1 both wg-quick up ./x.conf
wait_for "not daemon"
same "bad file"
network w | grep -v '^Unable\|^x' >after
diff before after || fail "something is left"
