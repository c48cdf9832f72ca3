# SPDX-License-Identifier: BSD-3-Clause
#
# Sourced by the tests of what is installed. They use the pair of ../netns, in which side a is a whole Debian with the package in
# it, booted by systemd as a container: namespaces and a cgroup of its own. So nothing of the host is touched, whatever runs there.
#
#        namespace a, the box                                    namespace b
#     dp 192.168.77.1, fd00:77::1                             go 192.168.77.2, fd00:77::2
#   eth0 10.77.0.1, fd77::1   -------------------------     eth0 10.77.0.2, fd77::2
#
# The test is run twice: first outside, where there is the internet, for the package, its tree and the cgroup; then, with BOX set, in
# the namespaces of ../netns/_init.sh. Cached in build/package: the debootstrap'd base, the packages that ours needs, and our own, by the
# hash of all sources. WGDP_DEB=FILE tests/package/debian.sh: with another package, no matter of what.

set -eEuo pipefail
package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$package/../.." && pwd)
cache=$top/build/package
suite=bookworm

# what a package is built from: tracked files and those that would be
sources() { git -C "$top" -c safe.directory="$top" ls-files -co --exclude-standard | grep -v -e ^bench/results/ | while read -r f; do [ ! -f "$top/$f" ] || echo "$f"; done; }

# base: a Debian that systemd boots
base() {
	[ ! -e "$cache/base.tar" ] || return 0
	local tmp=$cache/base.tmp
	rm -rf "$tmp"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,udev,iproute2,iputils-ping,procps,nftables,kmod "$suite" "$tmp"
	chroot "$tmp" apt-get -q update
	tar -C "$tmp" --one-file-system -cf "$cache/base.tar.tmp" .
	mv "$cache/base.tar.tmp" "$cache/base.tar"
	rm -rf "$tmp"
}

# deb: builds the package in a copy, unless it is there, and looks at it with lintian; its path is in $deb
deb() {
	local hash tmp
	deb=${WGDP_DEB:-}
	[ -z "$deb" ] || return 0
	hash=$(cd "$top" && sources | sort | xargs sha256sum | sha256sum | cut -c 1-16)
	if [ ! -e "$cache/deb-$hash" ]; then
		tmp=$cache/deb.tmp
		rm -rf "$cache"/deb-* "$tmp"
		mkdir -p "$tmp/wgdp"
		(cd "$top" && sources | cpio -pdm --quiet "$tmp/wgdp")
		(cd "$tmp/wgdp" && dpkg-buildpackage -us -uc)
		lintian --allow-root --no-user-dirs --fail-on error,warning "$tmp"/wgdp_*_"$(dpkg --print-architecture)".changes
		rm -rf "$tmp/wgdp"
		mv "$tmp" "$cache/deb-$hash"
	fi
	deb=$(ls "$cache/deb-$hash"/wgdp_*.deb)
}

# apt_in ROOT ARG...: with the packages of the cache
apt_in() (
	mkdir -p "$cache/archives/partial"
	exec unshare --mount bash -euc '
		mount --bind "$0/archives" "$1/var/cache/apt/archives"
		mount -t proc proc "$1/proc"
		cp /etc/resolv.conf "$1/etc/resolv.conf"
		export DEBIAN_FRONTEND=noninteractive
		exec chroot "$1" apt-get -q -y -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 "${@:2}"
	' "$cache" "$@"
)

# install_in ROOT FILE: our package as a user would; stale lists are renewed
install_in() {
	cp "$2" "$1/tmp/wgdp.deb"
	apt_in "$1" install --no-install-recommends /tmp/wgdp.deb || {
		apt_in "$1" update
		apt_in "$1" install --no-install-recommends /tmp/wgdp.deb
	}
	rm "$1/tmp/wgdp.deb"
}

outside() {
	local status=0 hierarchy
	[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 1; }
	hierarchy=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
	[ -n "$hierarchy" ] || { echo "$0: needs a cgroup2 hierarchy" >&2; exit 1; }
	mkdir -p "$cache"
	exec 8>"$cache/lock"
	flock 8
	base
	deb
	export BOX="$cache/root.$$" BOX_DEB=$deb BOX_CGROUP=$hierarchy/wgdp-test-$$
	trap 'rm -rf "$BOX"; find "$BOX_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true' EXIT
	mkdir -p "$BOX" "$BOX_CGROUP"
	tar -C "$BOX" -xf "$cache/base.tar"
	install_in "$BOX" "$deb"
	bash "$(realpath "$0")" 8>&- || status=$?
	exit $status
}

[ -n "${BOX:-}" ] || outside
export WGDP=$BOX/usr/sbin/wgdp	# what _init.sh looks for
. "$package/../netns/_init.sh"

# box COMMAND...: in the box
box() { nsenter -t "$leader" -m -p -n -i -u -C -r -w -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root "$@"; }

# boot: the pair's underlay, with the box in namespace a
boot() {
	pair
	# Its output goes to a file (dumped when the test fails): nothing of it holds our own stdout open.
	(
		echo $BASHPID >"$BOX_CGROUP/cgroup.procs"
		exec ip netns exec a unshare --cgroup --mount --pid --uts --ipc --fork --kill-child bash "$package/box" "$BOX"
	) </dev/null >box.conf.log 2>&1 &
	boxed=$!
	pid[box]=$boxed kind[box]=box where[box]=a
	wait_for 'leader=$(pgrep -P $boxed) && [ "$(cat /proc/$leader/comm)" = systemd ]'
	wait_for 'box systemctl is-system-running | grep -qE "running|degraded"'
}
