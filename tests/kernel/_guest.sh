# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced: a guest in QEMU (Debian's kernel, software emulation), driven from the host over a serial port.
#
#   guest_build CACHE                              download and pack kernel and initramfs (nothing if cached)
#   guest_add TREE FILE...                         copy programs, scripts and libraries of the host, with the libraries that they link, to TREE
#   guest_start CACHE RUN NETNS SECONDS APPEND QEMU-ARGUMENT...
#                                                  boot (kernel command line APPEND, in NETNS if not ''), wait for READY; the
#                                                  guest's files are CACHE's and on top of them RUN/tree: its script /setup runs first
#   guest_cmd RUN 'COMMAND' [SECONDS]              run COMMAND in the guest: its output, its status (124: SECONDS, 60, over)
#   guest_stop RUN                                 end the guest
#
# RUN receives: pid, serial.log (READY, then command output), console.log (kernel log), qemu.err, and ctl, a FIFO:
#   write "ID COMMAND\n", then find "@@BEGIN ID" ... "@@END ID STATUS" in serial.log (guest_cmd does this).
# Commands have no input; busybox nc quits at its input's end, so: guest_cmd RUN 'sleep 9 | nc -l -p 7000 >/tmp/got &'
# In a test, where RUN is $tmp/guest: guest, guest_wait, guest_ping_ok, dump_guest (see below).
# GUEST_KERNEL in the environment names a kernel package (default: what linux-image-cloud-amd64 depends on).

guest_modules=(virtio_pci virtio_net wireguard tun veth vhost_net vfio-pci vfio_iommu_type1 uio_pci_generic vrf 8021q)
guest_lib=$(realpath "${BASH_SOURCE[0]}")

guest_die() { echo "guest: $*" >&2; exit 1; }

guest_now() { echo "${EPOCHREALTIME%.*}"; }

# the pid is only trusted while that process reads RUN's FIFO
guest_alive() { [ "/proc/$(cat "$1/pid" 2>/dev/null)/fd/0" -ef "$1/ctl" ]; }

guest_add() {
	local f real
	for f in "${@:2}" $(ldd "${@:2}" 2>/dev/null | grep -o '/[^ ]*[^ :]' | sort -u); do
		real=$(readlink -f "$f")
		[ -e "$1$real" ] || install -D -m 755 "$real" "$1$real"
		[ -L "$1$f" ] || [ "$f" = "$real" ] || { mkdir -p "$(dirname "$1$f")"; ln -s "$real" "$1$f"; }
	done
}

guest_pack() { (cd "$1" && find . | cpio -o -H newc --quiet -R 0:0); }

guest_init() {
	cat <<'INIT'
#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ WG_COLOR_MODE=never
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty 115200 -echo -onlcr
. /setup
echo "READY $(uname -r)"
while read -r id line; do
	echo "@@BEGIN $id"
	/bin/sh -c "$line" </dev/null
	echo "
@@END $id $?"
done
INIT
}

guest_newest_kernel() {
	[ -z "${GUEST_KERNEL:-}" ] || { echo "$GUEST_KERNEL"; return; }
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" && !n++ { print $2 }'
}

# guest_copy_modules FROM TREE VERSION: what modprobe needs for guest_modules
guest_copy_modules() {
	local f m lib=lib/modules/$3
	depmod -b "$1" "$3"
	for m in "${guest_modules[@]}"; do
		modprobe -d "$1" -S "$3" --show-depends "$m" || guest_die "the kernel has no module $m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r f; do
		install -D -m 644 "$f" "$2/$lib/${f##*/"$lib"/}"
	done
	cp "$1/$lib"/modules.{order,builtin,builtin.modinfo} "$2/$lib/"
	depmod -b "$2" "$3"
}

guest_build() ( # a subshell: its end releases the lock
	cache=$1 tmp=$1/tmp tree=$1/tmp/tree
	mkdir -p "$cache"; exec 8>"$cache/lock"; flock 8
	[ ! "$cache/base.cpio" -nt "$guest_lib" ] || exit 0
	pkg=$(guest_newest_kernel)
	[ -n "$pkg" ] || { apt-get -qq update >&2; pkg=$(guest_newest_kernel); } # no package lists
	[ -n "$pkg" ] || guest_die "apt knows no linux-image-cloud-amd64"
	rm -rf "$tmp"; mkdir -p "$tmp"/{deb,x} "$tree"/{bin,sbin,dev,proc,sys,tmp,run}
	(cd "$tmp/deb" && apt-get -q -o APT::Sandbox::User=root download "$pkg" busybox-static) >&2
	for f in "$tmp"/deb/*.deb; do dpkg -x "$f" "$tmp/x"; done
	guest_copy_modules "$tmp/x" "$tree" "$(basename "$tmp"/x/lib/modules/*)"
	install -m 755 "$tmp/x/bin/busybox" "$tree/bin/busybox"
	guest_init >"$tree/init"; chmod 755 "$tree/init"
	cp "$tmp"/x/boot/vmlinuz-* "$cache/vmlinuz"; echo "$pkg" >"$cache/version"
	guest_pack "$tree" >"$tmp/base.cpio"
	mv "$tmp/base.cpio" "$cache/"; rm -rf "$tmp"
)

guest_start() {
	local cache=$1 run=$2 netns=$3 wait=$4 append=$5 t0=$EPOCHREALTIME
	! guest_alive "$run" || guest_die "a guest already runs in $run"
	guest_build "$cache"
	rm -rf "$run"/{pid,ctl,console.log,qemu.err}; mkfifo "$run/ctl"; : >"$run/serial.log"
	{ cat "$cache/base.cpio"; guest_pack "$run/tree"; } >"$run/initrd"

	trap 'guest_stop "$run"; exit 1' INT TERM
	${netns:+ip netns exec "$netns"} qemu-system-x86_64 -machine q35 \
		-nodefaults -no-user-config -no-reboot -display none -kernel "$cache/vmlinuz" -initrd "$run/initrd" \
		-append "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off $append" \
		-serial "file:$run/console.log" -chardev stdio,id=ctl,signal=off -serial chardev:ctl "${@:6}" \
		<>"$run/ctl" >>"$run/serial.log" 2>"$run/qemu.err" &
	echo $! >"$run/pid"
	until grep -q '^READY' "$run/serial.log"; do
		kill -0 $! 2>/dev/null || guest_die "QEMU ended: $(tail -qn 4 "$run"/{serial.log,console.log,qemu.err} 2>&1)"
		[ "$(guest_now)" -lt $((${t0%.*} + wait)) ] || { guest_stop "$run"; guest_die "not READY after $wait s"; }
		sleep 0.05
	done
	echo "$(cat "$run/serial.log") after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $t0 }") s"
}

guest_cmd() {
	local run=$1 line=$2 id=$RANDOM$RANDOM end off status; end=$(($(guest_now) + ${3:-60}))
	{
		flock 9
		guest_alive "$run" || { echo "guest: none runs in $run" >&2; return 1; }
		off=$(($(stat -c %s "$run/serial.log") + 1))
		echo "$id $line" 1<>"$run/ctl"
		until status=$(tail -c +$off "$run/serial.log" | sed -n "s/^@@END $id //p") && [ -n "$status" ]; do
			guest_alive "$run" || { echo "guest: it has ended" >&2; return 1; }
			[ "$(guest_now)" -lt "$end" ] || { echo "guest: no end of '$line'" >&2; return 124; }
			sleep 0.05
		done
		tail -c +$off "$run/serial.log" | sed "0,/^@@BEGIN $id\$/d; /^@@END $id /,\$d" | sed '${/^$/d}'
	} 9>"$run/lock"
	return "$status"
}

guest_stop() {
	local pid
	if guest_alive "$1"; then
		pid=$(cat "$1/pid"); kill "$pid"
		for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
	fi
	rm -f "$1/pid" "$1/ctl"
}

# ---- of a test

# guest COMMAND [SECONDS]
guest() { guest_cmd "$tmp/guest" "$@"; }

# guest_wait CONDITION [SECONDS]: like wait_for, of a shell condition in the guest
guest_wait() {
	local n=$((${2:-30} * 5))
	guest "for i in \$(seq $n); do if $1; then exit; fi; sleep 0.2; done >/dev/null 2>&1; exit 1" $((${2:-30} + 30)) ||
		fail "waited ${2:-30} s in vain in the guest for: $1"
}

# guest_ping_ok [OPTION...] ADDR
guest_ping_ok() {
	local n out
	for n in 1 2 3; do
		out=$(guest "ping -q -c 1 -W 10 $*") || fail "guest: ping $*: $out"
	done
}

# what the end of a test that failed shows
dump_guest() {
	local f
	guest 'ip addr; ip rule; ip route show table all; ip -6 route show table all; ip neigh; cat /run/wgdp.log; wgdp show | cat' 20 2>&1 || true
	for f in "$tmp"/guest/{qemu.err,console.log,serial.log}; do
		[ ! -s "$f" ] || { echo "---- guest: $(basename "$f")"; tail -n 60 "$f"; }
	done
}
