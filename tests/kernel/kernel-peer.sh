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
# RUN receives: pid, serial.log (READY, then command output), console.log (kernel log), qemu.err, and ctl, a FIFO (_guest.sh).
# Commands have no input; busybox nc quits at its input's end, so: cmd RUN 'sleep 9 | nc -l -p 7000 >/tmp/got &'
# Needs root and qemu-system-x86 kmod cpio iproute2 wireguard-tools; puts iperf3 in the guest if the host has it.
# GUEST_KERNEL in the environment names a kernel package (default: what linux-image-cloud-amd64 depends on).
set -euo pipefail
. "$(dirname "$0")/_guest.sh"

die() { echo "kernel-peer: $*" >&2; exit 1; }

# guest_setup: its /setup (_guest.sh)
guest_setup() {
	cat <<'SETUP'
modprobe -a virtio_pci virtio_net wireguard
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
SETUP
}

start() {
	local cache=$1 run=$2 a off='' tree=$2/tree; shift 2
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
	ip ${netns:+-n "$netns"} link show "$tap" >/dev/null || die "no tap device $tap"
	command -v wg >/dev/null || die "wg is missing"
	# no SSSE3/AVX: the kernel's scalar ciphers run about three times faster than vector code under TCG
	case $accel in tcg*) : "${cpu:=qemu64,+rdrand,+bmi2,+adx}" ;; *) : "${cpu:=max}" ;; esac
	[ "$offload" = on ] || off=$(printf ,%s=off csum gso guest_csum {guest,host}_{tso4,tso6,ecn,ufo})

	umask 077
	rm -rf "$tree"; mkdir -p "$tree"
	guest_setup >"$tree/setup"
	guest_add "$tree" "$(command -v wg)" $(command -v iperf3)
	printf "%s='%s'\n" ADDR "${addr//,/ }" TUNNEL "${tunnel//,/ }" ALLOWED "${allowed//,/ }" GW "$gw" MTU "$mtu" \
		>"$tree/peer.env"
	if [ -n "$wgconf" ]; then cat "$wgconf"; else
		printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n[Peer]\nPublicKey = %s\n' "$key" "$port" "$peer"
		echo "${allowed:+AllowedIPs = $allowed}"
		echo "${endpoint:+Endpoint = $endpoint}"
		echo "${psk:+PresharedKey = $psk}"
		echo "${keepalive:+PersistentKeepalive = $keepalive}"
	fi >"$tree/wg.conf"
	guest_start "$cache" "$run" "$netns" "$wait" '' -accel "$accel" -cpu "$cpu" -smp "$cpus" -m "$mem" -monitor none \
		-netdev "tap,id=n0,ifname=$tap,script=no,downscript=no" -device "virtio-net-pci,netdev=n0,mac=$mac,romfile=$off"
}

case ${1:-}/$# in
build/2) guest_build "$2" ;;
start/[1-9]*) [ $# -ge 4 ] || die "start CACHE RUN name=value..."; shift; start "$@" ;;
cmd/[34]) shift; guest_cmd "$@" ;;
stop/2) guest_stop "$2" ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
