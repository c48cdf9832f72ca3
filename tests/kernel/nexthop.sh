#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Next hops on VLAN devices and in VRFs, which the machines that run the other tests may lack: unit/nexthop_links in a guest.

. "$(dirname "$0")/_guest.sh"
guest_build "$(dirname "$0")/../../build/kernel-peer"	# once; before the namespaces, for it needs the internet
. "$(dirname "$0")/../netns/_init.sh"

test=$(dirname "$WGDP")/../tests/unit/test_nexthop_links
tree=$tmp/guest/tree
mkdir -p "$tree"
guest_add "$tree" "$(realpath "$test")" /bin/bash /bin/ping /usr/bin/kmod /usr/sbin/{ip,sysctl}
cat >"$tree/setup" <<'SETUP'
ln -sf /usr/bin/bash /bin/sh
ln -s /usr/bin/kmod /sbin/modprobe
mkdir /dev/shm
mount -t tmpfs tmpfs /dev/shm
modprobe -a veth 8021q vrf
ip link set lo up
SETUP
guest_start "$top/build/kernel-peer" "$tmp/guest" '' 90 '' -accel tcg,thread=multi -smp 2 -m 1024 -cpu qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt

guest 'ip link add v type veth && ip link add link v name v.1 type vlan id 1 && ip link add r type vrf table 5 && ip link del r && ip link del v'
guest "$(realpath "$test") -j1 --verbose" 280 >out || fail "in the guest: $(cat out)"
not grep SKIP out
guest_stop "$tmp/guest"
