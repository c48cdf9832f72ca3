#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# kernel-peer.sh: a Linux-kernel WireGuard peer in QEMU (Debian's kernel, TCG), driven from the host.
#
#   kernel-peer.sh build CACHE                     download and pack kernel and initramfs (nothing if cached)
#   kernel-peer.sh start CACHE RUN name=value...   boot, wait for READY
#   kernel-peer.sh cmd   RUN 'COMMAND' [SECS]      run COMMAND in the guest: its output, its status (124: SECS, 60, over)
#   kernel-peer.sh stop  RUN                       end the guest
#
# start's names (lists take commas, both address families work):
#   tap (an existing tap device), addr (underlay ADDR/LEN of the guest's eth0), tunnel (ADDR/LEN of its wg0),
#   key (guest's private key), peer (peer's public key), allowed (AllowedIPs, also routed into wg0);
#   optional: netns (where tap lives), port (51820), endpoint, psk, keepalive, mtu (of wg0), gw (underlay gateway),
#   wgconf (a `wg setconf` file, instead of key port peer endpoint psk keepalive), mac (set it when guests share
#   a segment), offload (off; on = virtio checksum/TSO offloads: packet sockets then see unfinished checksums),
#   cpus (1), mem (MiB, 128), accel (tcg), cpu (a QEMU CPU model), wait (seconds allowed until READY, 60).
# RUN receives: pid, serial.log (READY, then command output), console.log (kernel log), qemu.err, and ctl, a FIFO:
#   write "ID COMMAND\n", then find "@@BEGIN ID" ... "@@END ID STATUS" in serial.log (`cmd` does this).
# Commands have no input; busybox nc quits at its input's end, so: cmd RUN 'sleep 9 | nc -l -p 7000 >/tmp/got &'
# Needs root and qemu-system-x86 kmod cpio iproute2 wireguard-tools; puts iperf3 in the guest if the host has it.
# KPEER_KERNEL in the environment names a kernel package (default: what linux-image-cloud-amd64 depends on).
set -euo pipefail

die() { echo "kernel-peer: $*" >&2; exit 1; }

now() { echo "${EPOCHREALTIME%.*}"; }

# the pid is only trusted while that process reads RUN's FIFO
alive() { [ "/proc/$(cat "$1/pid" 2>/dev/null)/fd/0" -ef "$1/ctl" ]; }

# add_prog PROGRAM TREE: copy a host program and the libraries it links
add_prog() {
	local f
	for f in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do
		install -D -m 755 "$(readlink -f "$f")" "$2$f"
	done
}

pack() { (cd "$1" && find . | cpio -o -H newc --quiet -R 0:0 | gzip); }

guest_init() {
	cat <<'INIT'
#!/bin/sh
export PATH=/bin:/usr/bin HOME=/ WG_COLOR_MODE=never
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty 115200 -echo -onlcr
while read -r m; do insmod "$m" || echo "insmod $m failed"; done </modules
for i in default eth0; do echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done
. /peer.env
ip link set lo up
for a in $ADDR; do ip addr add "$a" dev eth0; done
ip link set eth0 up
[ -z "$GW" ] || ip route add default via "$GW"
ip link add wg0 type wireguard
[ -z "$MTU" ] || ip link set wg0 mtu "$MTU"
wg setconf wg0 /wg.conf || poweroff -f
for a in $TUNNEL; do ip addr add "$a" dev wg0; done
ip link set wg0 up
for a in $ALLOWED; do
	case $a in *:*) f=-6 ;; *) f=-4 ;; esac
	ip $f route replace "$a" dev wg0
done
echo "READY $(uname -r)"
while read -r id line; do
	echo "@@BEGIN $id"
	sh -c "$line" </dev/null
	echo "
@@END $id $?"
done
INIT
}

newest_kernel() {
	[ -z "${KPEER_KERNEL:-}" ] || { echo "$KPEER_KERNEL"; return; }
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" && !n++ { print $2 }'
}

build() ( # a subshell: its end releases the lock
	cache=$1 tmp=$1/tmp tree=$1/tmp/tree
	mkdir -p "$cache"; exec 8>"$cache/lock"; flock 8
	[ ! -e "$cache/base.cpio.gz" ] || exit 0
	pkg=$(newest_kernel)
	[ -n "$pkg" ] || { apt-get -qq update >&2; pkg=$(newest_kernel); } # no package lists
	[ -n "$pkg" ] || die "apt knows no linux-image-cloud-amd64"
	rm -rf "$tmp"; mkdir -p "$tmp"/{deb,x} "$tree"/{bin,dev,proc,sys,tmp,run}
	(cd "$tmp/deb" && apt-get -q -o APT::Sandbox::User=root download "$pkg" busybox-static) >&2
	for f in "$tmp"/deb/*.deb; do dpkg -x "$f" "$tmp/x"; done
	kver=$(basename "$tmp"/x/lib/modules/*)
	depmod -b "$tmp/x" "$kver"
	for m in virtio_pci virtio_net wireguard; do
		modprobe -d "$tmp/x" -S "$kver" --show-depends "$m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tmp/list"
	grep -q 'wireguard\.ko' "$tmp/list" || die "$pkg holds no wireguard module"
	while read -r f; do
		install -D -m 644 "$f" "$tree/lib/modules/$(basename "$f")"
		echo "/lib/modules/$(basename "$f")"
	done <"$tmp/list" >"$tree/modules"
	install -m 755 "$tmp/x/bin/busybox" "$tree/bin/busybox"; ln -s busybox "$tree/bin/sh"
	for f in wg iperf3; do
		if p=$(command -v "$f"); then add_prog "$p" "$tree"; elif [ "$f" = wg ]; then die "wg is missing"; fi
	done
	guest_init >"$tree/init"; chmod 755 "$tree/init"
	cp "$tmp"/x/boot/vmlinuz-* "$cache/vmlinuz"; echo "$pkg" >"$cache/version"
	pack "$tree" >"$tmp/base.cpio.gz"
	mv "$tmp/base.cpio.gz" "$cache/"; rm -rf "$tmp"
)

start() {
	local cache=$1 run=$2 t0=$EPOCHREALTIME a off=''; shift 2
	local tap='' netns='' addr='' tunnel='' key='' port=51820 peer='' endpoint='' allowed='' psk='' keepalive='' gw=''
	local mtu='' mac=52:54:00:77:67:01 wgconf='' offload=off cpus=1 mem=128 accel=tcg cpu='' wait=60
	for a; do
		case ${a%%=*} in
		tap|netns|addr|tunnel|key|port|peer|endpoint|allowed|psk|keepalive|gw|mtu|mac|wgconf|offload|cpus|mem|accel|cpu|wait)
			printf -v "${a%%=*}" %s "${a#*=}" ;;
		*) die "unknown parameter: $a" ;;
		esac
	done
	{ [ -n "$tap" ] && [ -n "$addr" ]; } || die "tap= and addr= are needed"
	[ -n "$wgconf" ] || { [ -n "$key" ] && [ -n "$peer" ]; } || die "key= and peer= (or wgconf=) are needed"
	! alive "$run" || die "a guest already runs in $run"
	ip ${netns:+-n "$netns"} link show "$tap" >/dev/null || die "no tap device $tap"
	# no SSSE3/AVX: the kernel's scalar ciphers run about three times faster than vector code under TCG
	case $accel in tcg*) : "${cpu:=qemu64,+rdrand,+bmi2,+adx}" ;; *) : "${cpu:=max}" ;; esac
	[ "$offload" = on ] || off=$(printf ,%s=off csum gso guest_csum {guest,host}_{tso4,tso6,ecn,ufo})
	build "$cache"

	# the guest's parameters: a second cpio archive after the cached one
	umask 077
	rm -rf "$run"/{conf,pid,ctl,console.log,qemu.err}; mkdir -p "$run/conf"; mkfifo "$run/ctl"; : >"$run/serial.log"
	printf "%s='%s'\n" ADDR "${addr//,/ }" TUNNEL "${tunnel//,/ }" ALLOWED "${allowed//,/ }" GW "$gw" MTU "$mtu" \
		>"$run/conf/peer.env"
	if [ -n "$wgconf" ]; then cat "$wgconf"; else
		printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n[Peer]\nPublicKey = %s\n' "$key" "$port" "$peer"
		echo "${allowed:+AllowedIPs = $allowed}"
		echo "${endpoint:+Endpoint = $endpoint}"
		echo "${psk:+PresharedKey = $psk}"
		echo "${keepalive:+PersistentKeepalive = $keepalive}"
	fi >"$run/conf/wg.conf"
	{ cat "$cache/base.cpio.gz"; pack "$run/conf"; } >"$run/initrd"

	trap 'stop "$run"; exit 1' INT TERM
	${netns:+ip netns exec "$netns"} qemu-system-x86_64 -accel "$accel" -machine q35 -cpu "$cpu" -smp "$cpus" -m "$mem" \
		-nodefaults -no-user-config -no-reboot -display none -monitor none -kernel "$cache/vmlinuz" -initrd "$run/initrd" \
		-append "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off" \
		-serial "file:$run/console.log" -chardev stdio,id=ctl,signal=off -serial chardev:ctl \
		-netdev "tap,id=n0,ifname=$tap,script=no,downscript=no" -device "virtio-net-pci,netdev=n0,mac=$mac,romfile=$off" \
		<>"$run/ctl" >>"$run/serial.log" 2>"$run/qemu.err" &
	echo $! >"$run/pid"
	until grep -q '^READY' "$run/serial.log"; do
		kill -0 $! 2>/dev/null || die "QEMU ended: $(tail -qn 4 "$run"/{serial.log,console.log,qemu.err} 2>&1)"
		[ "$(now)" -lt $((${t0%.*} + wait)) ] || { stop "$run"; die "not READY after $wait s"; }
		sleep 0.05
	done
	echo "$(cat "$run/serial.log") after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $t0 }") s"
}

cmd() {
	local run=$1 line=$2 id=$RANDOM$RANDOM end off status; end=$(($(now) + ${3:-60}))
	exec 9>"$run/lock"; flock 9
	alive "$run" || die "no guest runs in $run"
	off=$(($(stat -c %s "$run/serial.log") + 1))
	echo "$id $line" 1<>"$run/ctl"
	until status=$(tail -c +$off "$run/serial.log" | sed -n "s/^@@END $id //p") && [ -n "$status" ]; do
		alive "$run" || die "the guest has ended"
		[ "$(now)" -lt "$end" ] || { echo "kernel-peer: no end of '$line'" >&2; exit 124; }
		sleep 0.05
	done
	tail -c +$off "$run/serial.log" | sed "0,/^@@BEGIN $id\$/d; /^@@END $id /,\$d" | sed '${/^$/d}'
	return "$status"
}

stop() {
	local pid
	if alive "$1"; then
		pid=$(cat "$1/pid"); kill "$pid"
		for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
	fi
	rm -f "$1/pid" "$1/ctl"
}

case ${1:-}/$# in
build/2) build "$2" ;;
start/[1-9]*) [ $# -ge 4 ] || die "start CACHE RUN name=value..."; shift; start "$@" ;;
cmd/[34]) shift; cmd "$@" ;;
stop/2) stop "$2" ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
