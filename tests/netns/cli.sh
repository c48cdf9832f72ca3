#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# genkey, pubkey and genpsk as wg(8) has them; --help, --version; usage that is wrong has exit status 2.
#
#     a

. "$(dirname "$0")/_init.sh"
ns a

status_of() { local status=0; "$WGDP" "$@" >out 2>err </dev/null || status=$?; echo $status; }

for i in 1 2 3 4 5; do
	k=$("$WGDP" genkey)
	[ "$("$WGDP" pubkey <<<"$k")" = "$(wg pubkey <<<"$k")" ]
	k=$(head -c 32 /dev/urandom | base64)		# not clamped
	[ "$("$WGDP" pubkey <<<"$k")" = "$(wg pubkey <<<"$k")" ]
done
[ "$("$WGDP" genpsk | base64 -d | wc -c)" = 32 ]
[ "$("$WGDP" genkey)" != "$("$WGDP" genkey)" ]
[ $((0x$("$WGDP" genkey | base64 -d | od -An -tx1 -N1 | tr -d ' ') & 7)) = 0 ] # clamped
not "$WGDP" pubkey <<<"no key" 2>err
[ -s err ]

[ "$(status_of --help)" = 0 ] && grep -q -- --conf out
[ "$(status_of --version)" = 0 ] && grep -q '[0-9]\.[0-9]' out
for args in "" "--nonsense" "--conf" "--time-scale 0 --conf x.conf" "--time-scale 1001 --conf x.conf" "two names" "-f" "--conf x.conf name"; do
	[ "$(status_of $args)" = 2 ] || fail "'$args'"
	[ -s err ]
done
