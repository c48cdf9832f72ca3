#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# wgdp show says what wg(8) says, and more; wgdp top runs in a terminal (tmux) of 80x24 and smaller, through keys, the process's end and its
# start, stopping and signals; who does not answer is reported.
#
#     the pair of _init.sh

. "$(dirname "$0")/_init.sh"
pair
side dp 1 go "$(addr v4 2):51820"
side go 2 dp "$(addr v4 1):51820"
start_wggo b go.conf
start_wgdp a dp.conf
ping_ok a "$(inside v4 2)"

# ---- show

# comparable: without what changes from one moment to the next
comparable() { sed '/^dataplane:/,$d' | grep -v -e 'latest handshake' -e 'transfer:' | sed '$ { /^$/d }'; }
same_as_wg() {
	"$WGDP" show "$1" >"$1.ours"
	WG_COLOR_MODE=never wg show "$1" >"$1.wg"
	diff <(comparable <"$1.ours") <(comparable <"$1.wg") || fail "wgdp show $1"
	grep -q 'latest handshake: .*\(ago\|Now\)$' "$1.ours"
	grep -q 'transfer: .* received, .* sent$' "$1.ours"
}
same_as_wg dp
grep -q '^  private key: (hidden)$' dp.ours
grep -q '^  process: .*, version .*, up ' dp.ours
grep -q '^  peers: 1, 1 connected, 2 allowed ips$' dp.ours
same_as_wg go
grep -qx 'dataplane: not known: this process is not wgdp' go.ours
not grep -q "${key[dp]}" dp.ours

[ "$("$WGDP" show interfaces)" = dp ]
"$WGDP" show | found '^interface: dp$'
not grep -q '^interface: go$' <("$WGDP" show)
"$WGDP" show dp go --json >json
jq -e --arg key "${pub[go]}" '.interfaces | map(.name) == ["dp", "go"] and (.[0].peers[0] |
	.public_key == $key and .latest_handshake > 1600000000 and .rx_bytes > 0 and .preshared_key == false) and
	.[0].private_key == true and .[0].dataplane.connected == 1 and .[0].dataplane.packets.outer_rx > 0 and
	(.[0].dataplane.cores[0].stages | has("rest")) and .[1].dataplane == null' json >/dev/null || fail "json: $(cat json)"
not grep -q "${key[dp]}" json

# says STATUS TEXT ARG...: wgdp ends so and says that on stderr
says() {
	local status=0
	timeout 200 "$WGDP" "${@:3}" </dev/null >out 2>err || status=$?
	[ $status = "$1" ] || fail "wgdp ${*:3}: status $status: $(cat err)"
	grep -q -- "$2" err || fail "wgdp ${*:3}: $(cat err)"
}
says 1 'nosuch: no such interface' show nosuch
says 1 'nosuch: no such interface' top nosuch --once
says 1 'nosuch: no such interface' reload nosuch
says 2 'cannot be the name' show ../dp
says 2 usage show --nonsense
says 2 'no terminal' top dp
says 2 'seconds from' top dp -d 0 --once
chmod 755 "$tmp" /run/wireguard
cp "$WGDP" /run/wgdp-copy && chmod 755 /run/wgdp-copy
status=0
setpriv --reuid 65534 --clear-groups /run/wgdp-copy show dp 2>err || status=$?
[ $status = 1 ] && grep -q 'no permission .*root' err || fail "status $status: $(cat err)"

# A process that takes the connection and says nothing
/usr/bin/python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("/run/wireguard/mute.sock")
s.listen(8)
time.sleep(1000)' &
mute=$!
wait_for "ss -Hxl src '*/mute.sock' | found ."
says 1 'mute: its process does not answer' show mute
kill $mute
wait $mute 2>/dev/null || true
says 1 'mute: its process has ended' show mute
rm /run/wireguard/mute.sock
"$WGDP" show interfaces | grep -qx dp

# ---- top

COLUMNS=80 "$WGDP" top dp --once -d 0.2 >once
grep -q '^wgdp top: dp ' once
grep -q "^${pub[go]:0:8}\.\. " once
[ "$("$WGDP" top -b 2 -d 0.1 -s peer | grep -c '^wgdp top: dp ')" = 2 ]

tm() { tmux -S "$tmp/tmux" -f /dev/null "$@"; }
screen() { tm capture-pane -p -t top; }
shows() { wait_for "screen | grep -q -- '$1'" || { screen >&2; fail "top does not show $1"; }; }
keys_() { tm send-keys -t top "$@"; }

TERM=screen tm new-session -d -x 80 -y 24 -s top bash --norc --noprofile
keys_ "PS1='ready> '; clear" Enter
shows '^ready>'
run_top() { keys_ "$WGDP top dp -d 0.2; echo ended \$?" Enter; }

run_top
shows '^wgdp top: dp  *up '
shows "^${pub[go]:0:8}\.\. .* 10\.77\.0\.2:51820"
shows '^ *[0-9]* rx,worker .*\[.*\]'
shows '^q quit .*by rate .*1-1 of 1$'
[ "$(screen | awk '{ if (length($0) > m) m = length($0) } END { print m <= 80 }')" = 1 ]

on a ping -q -i 0.002 -s 1000 "$(inside v4 2)" >/dev/null & ping=$!
shows '^peers 1/1 connected  *in [1-9.]*[kM] bit/s'
kill $ping

for by in 't tx' 'x rx' 'h handshake' 'p peer' 'e endpoint' 'r rate'; do
	keys_ "${by% *}"
	shows "by ${by#* }"
done
keys_ R
shows 'by rate, reversed'
keys_ '?'
shows '^wgdp top: keys'
keys_ '?'
keys_ /
keys_ 'zzzz'
shows '^filter: zzzz_ .*0-0 of 0 (1)'
keys_ Escape
shows '1-1 of 1$'
keys_ Space
shows 'PAUSED'
keys_ Space

# the process is gone, and is there again
kill_hard dp
shows 'NOT ANSWERING'
ip -n a link del dp 2>/dev/null || true
start_wgdp a dp.conf
wait_for "not eval 'screen | grep -q ANSWERING'"
shows '^wgdp top: dp  *up [0-9]*s'

# any size (a terminal cannot fill its last cell; so of one by one only that it lives)
tm resize-window -t top -x 1 -y 1
for size in '60 12' '30 6' '20 3' '9 2' '4 2' '200 60' '80 24'; do
	read -r cols rows <<<"$size"
	tm resize-window -t top -x "$cols" -y "$rows"
	wait_for "[ \"\$(screen | head -n 1 | cut -c 1-9)\" = '$(printf 'wgdp top:' | cut -c "1-$cols")' ]" || { screen >&2; fail "$size"; }
	screen | LC_ALL=C found '[^ -~]' && fail "garbage at $size"
done
shows "^${pub[go]:0:8}\.\. "

# stopped and gone on; quits, and the terminal is as before
keys_ C-z
shows 'Stopped'
keys_ 'clear; fg' Enter
shows '^wgdp top: dp '
keys_ q
shows '^ready>'
not eval "screen | grep -q '^wgdp top:'"
keys_ clear Enter
run_top
shows '^wgdp top: dp '
keys_ q
shows '^ended 0$'
keys_ clear Enter
run_top
shows '^wgdp top: dp '
keys_ C-c
shows '^ended 130$'
keys_ clear Enter
run_top
shows '^wgdp top: dp '
kill -TERM "$(pgrep -P "$(tm display-message -p -t top '#{pane_pid}')")"
shows '^ended 143$'
keys_ "clear; stty -a | grep -o ' icanon'; stty -a | grep -ow 'echo'" Enter
shows '^ icanon$'
shows '^echo$'

# ---- reload: said to the process, and its answer passed on
"$WGDP" reload dp

# ---- names of peers, which the file gives; wg(8) has none
wg show dp dump | cut -f 1-4 >before
sed -i 's/^\[Peer\]$/[Peer] # Jürgen 日本/' dp.conf
"$WGDP" reload dp
"$WGDP" show dp >named
grep -A 1 "^peer: ${pub[go]}\$" named | found -x '  name: Jürgen 日本'
diff <(grep -v '^  name:' named | comparable) <(WG_COLOR_MODE=never wg show dp | comparable) || fail "more than a name"
wg show dp dump | cut -f 1-4 | diff before -
not found '^name=' < <(printf 'get=1\n\n' | timeout 100 nc -N -U /run/wireguard/dp.sock)
LC_ALL=C "$WGDP" show dp | found -x '  name: J?rgen ??'
[ "$("$WGDP" show dp --json | jq -r '.interfaces[0].peers[0].name')" = 'Jürgen 日本' ]
COLUMNS=80 "$WGDP" top dp --once -d 0.1 | found '^Jürgen \.\.  '
keys_ clear Enter
run_top
shows '^Jürgen \.\.  .* 10\.77\.0\.2:51820'
tm resize-window -t top -x 150 -y 24
shows '^Jürgen 日本  .* 10\.77\.0\.2:51820'
keys_ / 'zzz'
shows '0-0 of 0 (1)'
keys_ Escape / 'rgen 日'
shows '^filter: rgen 日_ .*1-1 of 1'
keys_ Enter q
shows '^ended 0$'
"$WGDP" show go | not found '^  name:'

echo 'Nonsense = 1' >>dp.conf
says 1 'nothing was changed' reload dp
grep -q "dp.conf:[0-9]*: unknown key 'Nonsense'" err
says 1 'does not know this request' reload go
