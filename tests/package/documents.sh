#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What is installed beside the program: man pages that mandoc finds no fault in and that know each key, option and command; bash
# completion; the unit, as systemd-analyze sees it; and that `ninja install` puts all of it where it belongs.
#
#   WGDP=build-asan/control/wgdp tests/package/documents.sh        of another build

set -eEuo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
WGDP=$(realpath "${WGDP:-$top/build/control/wgdp}")
build=$(dirname "$(dirname "$WGDP")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'echo "$0: line $LINENO: $BASH_COMMAND" >&2' ERR
export LC_ALL=C.UTF-8
fail() { echo "FAILED: $*" >&2; exit 1; }

# ---- man pages

cd "$top"
mandoc -Tlint -Wwarning man/wgdp.8 man/wgdp.conf.5

# "section key" of each key of the parser, and of the page
sed -nE 's/^\t(INTERFACE|HOOK|PEER|DATAPLANE)\("([A-Za-z]+)".*/\1 \2/p' conf/conf_keyword.c | sed 's/^HOOK/INTERFACE/' | sort >"$tmp/keys"
awk '/^\.Ss / { section = toupper($2) } /^\.It Ic / { for (i = 3; i <= NF; i++) if ($i != ",") print section, $i }' man/wgdp.conf.5 |
	sort >"$tmp/documented"
[ "$(wc -l <"$tmp/keys")" -gt 20 ]
diff "$tmp/keys" "$tmp/documented" || fail "conf/conf_keyword.c (<) and man/wgdp.conf.5 (>) differ"

# and that a file with each of them, as the example of the page has it, is one
awk '/^\.Bd/ { on = 1; next } /^\.Ed/ { on = 0 } on' man/wgdp.conf.5 >"$tmp/site1.conf"
chmod 600 "$tmp/site1.conf"
"$WGDP" --check --conf "$tmp/site1.conf"

mandoc -Tascii man/wgdp.8 | col -b >"$tmp/wgdp.8"
sed -nE 's/.*\{ "([a-z-]+)", (no|required)_argument.*/\1/p; s/.*NULL, .[a-zA-Z]. \}.*\{ "([a-z-]+)".*/\1/p' control/main.c >"$tmp/options"
sed -nE 's/^\t\{ "([a-z]+)", [a-z]+_main \},/\1/p' control/main.c >"$tmp/commands"
grep -oE '"[a-z-]+", (no|required)_argument' control/main.c | cut -d '"' -f 2 | sort -u >"$tmp/options"
[ -s "$tmp/options" ] && [ -s "$tmp/commands" ]
while read -r o; do grep -q -- "^ *\(-[a-zA-Z], \)\?--$o" "$tmp/wgdp.8" || fail "wgdp(8) lacks --$o"; done <"$tmp/options"
while read -r c; do grep -q "^ *$c " "$tmp/wgdp.8" || fail "wgdp(8) lacks $c"; done <"$tmp/commands"

# ---- completion: `complete_of WORD...` is what is offered for the last one

complete_of() {
	PATH=$PATH bash -c '
		. /usr/share/bash-completion/bash_completion
		. "$0"
		COMP_WORDS=(wgdp "$@") COMP_CWORD=$# COMP_LINE="wgdp $*" COMP_POINT=${#COMP_LINE}
		_wgdp
		printf "%s\n" "${COMPREPLY[@]}"' "$top/dist/wgdp.bash-completion" "$@" | sort | tr '\n' ' '
}
offers() { [[ " $(complete_of "${@:2}")" == *" $1 "* ]] || fail "completion of '${*:2}' does not offer $1: $(complete_of "${@:2}")"; }
for c in show top reload devices genkey pubkey genpsk; do offers $c ''; done
[ "$(complete_of re)" = "reload " ]
while read -r o; do [ "$o" = time-scale ] || offers "--$o" --; done <"$tmp/options"
offers --json show --
offers --json devices ''
offers interfaces show ''
offers -s top -
for s in rate tx rx handshake peer endpoint; do offers $s top -s ''; done
touch "$tmp/a.conf" "$tmp/a.txt"
[ "$(complete_of --conf "$tmp/a")" = "$tmp/a.conf " ]
[ "$(complete_of genkey '')" = " " ]

# in a mount namespace: interfaces that run (by their sockets) and those that have a file
unshare --mount bash -euc '
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /etc
	mkdir -p /run/wireguard /etc/wgdp
	touch /etc/wgdp/filed.conf /etc/wgdp/notes
	timeout 60 nc.openbsd -lU /run/wireguard/runs.sock >/dev/null &
	until [ -S /run/wireguard/runs.sock ]; do sleep 0.05; done
	. /usr/share/bash-completion/bash_completion
	. "$0"
	try() { COMP_WORDS=(wgdp "$@") COMP_CWORD=$# COMP_LINE="wgdp $*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=(); _wgdp; echo "${COMPREPLY[*]}"; }
	[ "$(try reload ru)" = runs ] && [ "$(try show r)" = runs ] && [ "$(try top r)" = runs ] && [ "$(try fi)" = filed ] && [ "$(try -f "")" = filed ]
	kill %1' "$top/dist/wgdp.bash-completion" || fail "completion of interfaces"

# ---- the unit

mkdir "$tmp/units"
sed "s|/[^ =]*/sbin/wgdp|$WGDP|" "$build/dist/wgdp@.service" >"$tmp/units/wgdp@.service"
grep -q "^ExecStart=$WGDP --conf /etc/wgdp/%i.conf$" "$tmp/units/wgdp@.service"
SYSTEMD_UNIT_PATH="$tmp/units:" systemd-analyze verify --man=no "$tmp/units/wgdp@wg0.service" 2>&1 | tee "$tmp/verify" >&2
[ ! -s "$tmp/verify" ]
for d in dist/examples/*.conf; do	# each drop-in, and what it has to offer in comments
	mkdir -p "$tmp/units/wgdp@.service.d"
	sed -E 's/^#([A-Z][A-Za-z]+=)/\1/' "$d" >"$tmp/units/wgdp@.service.d/x.conf"
	SYSTEMD_UNIT_PATH="$tmp/units:" systemd-analyze verify --man=no "$tmp/units/wgdp@wg0.service" 2>&1 | tee "$tmp/verify" >&2
	[ ! -s "$tmp/verify" ] || fail "$d"
done
rm -r "$tmp/units/wgdp@.service.d"
# (systemd's own scale: 10 is no sandbox at all. What it would have us give up besides is root and the network.)
systemd-analyze security --offline=true --threshold=30 "$tmp/units/wgdp@wg0.service" | tail -n 1

# ---- ninja install

DESTDIR=$tmp/root meson install --no-rebuild --quiet -C "$build"
prefix=$(meson introspect --buildoptions "$build" | jq -r '.[] | select(.name == "prefix").value')
for f in sbin/wgdp share/man/man8/wgdp.8 share/man/man5/wgdp.conf.5 share/doc/wgdp/examples/site1.conf \
	share/doc/wgdp/examples/systemd/af-xdp.conf share/doc/wgdp/examples/systemd/nics.conf share/doc/wgdp/examples/appliance.conf share/wgdp/grafana/wgdp.json; do
	[ -s "$tmp/root$prefix/$f" ] || fail "$prefix/$f is not installed"
done
for f in 'wgdp@.service' bash-completion/completions/wgdp tmpfiles.d/wgdp.conf; do
	find "$tmp/root" -path "*/$f" | grep -q . || fail "$f is not installed"
done
