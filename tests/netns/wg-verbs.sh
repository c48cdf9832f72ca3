#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every verb of wg(8), and requests that are wrong, to wgdp and to wireguard-go: the same output, the same messages, the same exit status.
# Each of the two has a namespace and a folder of sockets of its own, so that both interfaces are wgv, with the same far side.
#
#     a: wgv, of wgdp            10.77.0.1  ----  10.77.0.2  c: far, of wireguard-go
#     b: wgv, of wireguard-go    10.77.0.1  ----  10.77.0.2  d: far, of wireguard-go, with the same keys

. "$(dirname "$0")/_init.sh"
ns a b c d
link a eth0 10.77.0.1/24,fd77::1/64 c eth0 10.77.0.2/24,fd77::2/64
link b eth0 10.77.0.1/24,fd77::1/64 d eth0 10.77.0.2/24,fd77::2/64
keys me me2 far p q r
mkdir sock.{a,b,c,d} files
for k in me me2 far p q r; do echo "${key[$k]}" >files/$k.key; done
wg genpsk >files/psk
echo "no key" >files/bad
export P=${pub[p]} Q=${pub[q]} R=${pub[r]} FAR=${pub[far]}

# box NS COMMAND...: in namespace NS, where /var/run/wireguard is its own
own_run='mount --bind "$0" /run/wireguard && exec "$@"'
box() { on "$1" sh -c "$own_run" "$tmp/sock.$1" "${@:2}"; }

for n in a:wgv b:wgv c:far d:far; do
	if=${n#*:} n=${n%:*}
	[ $n = a ] && binary=$WGDP || binary=wireguard-go
	LOG_LEVEL=verbose ip netns exec $n sh -c "$own_run" "$tmp/sock.$n" "$binary" -f $if </dev/null >$n.conf.log 2>&1 &
	[ $n != a ] || pid[wgv]=$! log[wgv]=a.conf.log where[wgv]=a kind[wgv]=wgdp
	wait_for "[ -S sock.$n/$if.sock ]"
	[ $n = a ] || wait_for "listens $n $if"
done

# sorted: wireguard-go has no order of peers, so these are put in one: by paragraph ([Peer] begins one) where there are any, by line otherwise
sorted() {
	awk '/^\[Peer\] stderr/ { last = 1 } !last && /^\[Peer\]$/ { print "" } { print }' |
		awk '/^\[Peer\] stderr/ { last = 1 }
			last { tail = tail "\n" $0; next }
			/^$/ { if (line != "") all[++n] = line; line = ""; if (n) blank++; next }
			{ line = line (line == "" ? "" : "\001") $0; lines[++m] = $0 }
			END {
				if (line != "") all[++n] = line
				if (n > 1) for (i = 1; i <= n; i++) print all[i] | "LC_ALL=C sort"
				else for (i = 1; i <= m; i++) print lines[i] | "LC_ALL=C sort"
				close("LC_ALL=C sort")
				print tail
			}' | tr '\001' '\n'
}

# Each side has a shell that waits for commands: hundreds of new namespaces would take their time.
for n in a b; do
	mkfifo $n.ask $n.status
	box $n bash -c 'cd files; while IFS= read -r -d "" text; do status=0; (eval "$text") </dev/null >../$0.out 2>../$0.err || status=$?; echo $status; done' \
		$n <$n.ask >$n.status &
done
exec {to_a}>a.ask {from_a}<a.status {to_b}>b.ask {from_b}<b.status

# said NS SHELLTEXT: what it prints, to NS.said; its status too
said() {
	local to=to_$1 from=from_$1 status
	printf '%s\0' "$2" >&${!to}
	read -r -u ${!from} status
	{ cat "$1".out; echo; echo "[Peer] stderr"; cat "$1".err; echo "status $status"; } >"$1".said
}

# less_chance: says nothing of what may differ: not when a handshake was, but that there was one; not which port was free
less_chance() {
	sorted | sed -E 's/handshake: .* ago/handshake: TIME ago/; s/handshake: Now/handshake: TIME ago/
		s/\b(32[7-9]|3[3-9][0-9]|4[0-9]{2}|5[0-9]{2}|60[0-9])[0-9]{2}\b/FREE/g'
}

compared=0
# same SHELLTEXT...: done to both, they say the same
same() {
	local text
	for text; do
		said a "$text"
		said b "$text"
		cmp -s a.said b.said || diff -u --label wireguard-go --label wgdp <(less_chance <b.said) <(less_chance <a.said) || fail "differs: $text"
		compared=$((compared + 1))
	done
}

# changed SHELLTEXT: and have the same state then
changed() { same "$1" "wg show wgv dump" "wg showconf wgv"; }

# ---- changes, before the interfaces are up: nothing is sent

everything=(wg "wg show" "wg show wgv" "wg show all" "wg show all dump" "wg show interfaces" "wg showconf wgv")
for f in public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips latest-handshakes transfer \
	persistent-keepalive dump; do
	everything+=("wg show wgv $f" "wg show all $f | sed 's/^wgv\t//'")	# (of endpoints, wg says only once whose they are)
done
same "${everything[@]}"
changed "wg set wgv listen-port 5182 private-key me.key"
same "${everything[@]}"
changed "wg set wgv peer $P"
changed "wg set wgv peer $P allowed-ips 10.1.0.0/16,fd01::/32 endpoint 192.0.2.1:1 persistent-keepalive 25 preshared-key psk"
changed "wg set wgv peer $Q allowed-ips 10.2.0.0/16,10.3.0.9/24,fd02::1/64 endpoint '[2001:db8::1]:65535'"
same "${everything[@]}"
changed "wg set wgv peer $P allowed-ips 10.1.0.0/16,10.4.0.0/16"
changed "wg set wgv peer $P allowed-ips 10.4.0.0/16,10.1.0.0/16"
changed "wg set wgv peer $Q allowed-ips 10.1.0.0/16,0.0.0.0/0,::/0"	# one moves
changed "wg set wgv peer $P allowed-ips ''"
changed "wg set wgv peer $P preshared-key /dev/null"
changed "wg set wgv peer $P persistent-keepalive off"
changed "wg set wgv peer $P persistent-keepalive 65535"
changed "wg set wgv peer $P persistent-keepalive 0"
changed "wg set wgv peer $P endpoint 127.0.0.1:9 endpoint '[fd77::2]:7'"
box a wg set wgv peer "$P" endpoint '[fe80::1%eth0]:5182'	# as Linux; wireguard-go forgets the zone
[ "$(box a wg show wgv endpoints | grep -F "$P" | cut -f 2)" = '[fe80::1%eth0]:5182' ] || fail "zone"
changed "wg set wgv peer $P endpoint 192.0.2.7:7"
changed "wg set wgv peer $R remove"				# is not there
changed "wg set wgv peer $P remove peer $R allowed-ips 10.5.0.0/16"
changed "wg set wgv peer $R peer $R allowed-ips 10.6.0.0/16 peer $R persistent-keepalive 7"
changed "wg set wgv fwmark 0x99"
changed "wg set wgv fwmark 4294967295"
changed "wg set wgv fwmark off"
changed "wg set wgv fwmark 7"
changed "wg set wgv fwmark 0"
changed "wg set wgv private-key me2.key"
changed "wg set wgv private-key /dev/null"
same "${everything[@]}"
changed "wg set wgv private-key p.key peer $P allowed-ips 10.9.0.0/16 peer $Q"	# we are P: there is no such peer
changed "wg set wgv private-key q.key"				# a peer that is there becomes ourselves
changed "wg set wgv private-key me.key"
changed "wg set wgv listen-port 4242 fwmark 0x1 private-key me2.key peer $P preshared-key psk allowed-ips 10.1.0.0/16 peer $R remove"
changed "wg set wgv listen-port 5182"

# ---- files

conf() { printf '%s\n' "${@:2}" >files/"$1".conf; }
peer() { printf '[Peer]\nPublicKey = %s\n' "$1"; printf '%s\n' "${@:2}"; }
conf one '[Interface]' "PrivateKey = ${key[me]}" 'ListenPort = 5182' 'FwMark = 0x20' \
	"$(peer "$P" 'AllowedIPs = 10.1.0.0/16, fd01::/32' 'Endpoint = 192.0.2.1:5182')" \
	"$(peer "$Q" 'AllowedIPs = 10.2.0.0/16' 'AllowedIPs = 10.3.0.0/16' 'PersistentKeepalive = 25' "PresharedKey = $(cat files/psk)")"
conf two '[Interface]' 'ListenPort = 5182' "$(peer "$P" 'AllowedIPs = 10.1.0.0/16')" "$(peer "$R" 'AllowedIPs = 10.7.0.0/16')"
conf add "$(peer "$P" 'AllowedIPs = 10.8.0.0/16' 'PersistentKeepalive = off')" "$(peer "$R" 'AllowedIPs = ::/0')"
conf bad '[Interface]' 'ListenPort = 5182' "$(peer "$P" 'AllowedIPs = 10.1.0.0/33')"
conf quick '[Interface]' 'Address = 10.0.0.1/24'
conf empty
for f in one two one add add one; do
	for verb in setconf syncconf addconf; do changed "wg $verb wgv $f.conf"; done
done
for f in bad quick empty nosuch; do
	for verb in addconf syncconf setconf; do changed "wg $verb wgv $f.conf"; done
done
changed "wg setconf wgv one.conf && wg showconf wgv >saved.\$\$ && wg setconf wgv two.conf && wg setconf wgv saved.\$\$; rm saved.\$\$"
same "${everything[@]}"

# ---- what is wrong with a command

for bad in "show nosuch" "show nosuch dump" "showconf nosuch" "set nosuch listen-port 1" "setconf nosuch one.conf" "syncconf nosuch one.conf" \
	"show wgv nonsense" "show all nonsense" "showconf" "set wgv" "set wgv private-key bad" "set wgv private-key nosuch" "set wgv listen-port 65536" \
	"set wgv fwmark x" "set wgv peer short" "set wgv peer $P allowed-ips 10.0.0.0/99" "set wgv peer $P endpoint 1.2.3.4" \
	"set wgv peer $P preshared-key bad" "set wgv peer $P persistent-keepalive 65536" "set wgv nonsense" "show wg/v" \
	"set averyverylongname1 listen-port 1"; do
	changed "wg $bad"
done

# ---- up, with a far side

changed "wg setconf wgv <(printf '[Interface]\nListenPort = 5182\n'); wg set wgv private-key me.key fwmark 0 peer $FAR allowed-ips 192.168.77.2/32,10.7.0.0/16 endpoint 10.77.0.2:5182"
for n in c d; do
	box $n wg set far listen-port 5182 private-key files/far.key peer "${pub[me]}" allowed-ips 192.168.77.1/32
	ip -n $n addr add 192.168.77.2/24 dev far
	on $n sysctl -qw net.ipv6.conf.far.disable_ipv6=1
	ip -n $n link set far up
	wait_for "on $n ss -Hunl 'sport = 5182' | found ."
done
for n in a b; do
	ip -n $n addr add 192.168.77.1/24 dev wgv
	on $n sysctl -qw net.ipv6.conf.wgv.disable_ipv6=1
	ip -n $n link set wgv up
done
for n in a b; do ping_ok $n 192.168.77.2; done
same "wg show wgv" "wg show wgv transfer" "wg show wgv endpoints" "wg show wgv latest-handshakes | cut -f 1" "wg show all dump | cut -f 1-5,7-"
[ "$(box a wg show wgv latest-handshakes | awk -v now="$EPOCHSECONDS" '{ print ($2 > now - 60 && $2 <= now + 1) }')" = 1 ] || fail "latest handshake"
box a wg show wgv | found "latest handshake: .* ago\|latest handshake: Now"
said a "wg show wgv transfer"; grep -qE $'\t[1-9][0-9]*\t[1-9]' a.out || fail "$(cat a.said)"

# The port belongs to somebody: refused, and nothing else of that command is done (in wgdp; wireguard-go does what stands before it).
for n in a b; do
	on $n timeout 200 nc -d -u -l 4000 &
	wait_for "on $n ss -Hanu 'sport = 4000' | found ."
done
box a wg show wgv dump >before
same "wg set wgv listen-port 4000"
said a "wg set wgv fwmark 0x55 listen-port 4000 private-key me2.key peer $P allowed-ips 10.1.0.0/16"
grep -q "status 1" a.said && grep -q "Address already in use" a.said || fail "$(cat a.said)"
box a wg show wgv dump >after
diff before after || fail "a change that was refused left its mark"
ping_ok a 192.168.77.2

# Removed while there is a session; and an endpoint where nobody is.
for n in a b; do box $n wg set wgv listen-port 5183; done
for n in a b; do ping_ok $n 192.168.77.2; done
same "wg show wgv listen-port" "wg show wgv endpoints"
changed "wg set wgv peer $FAR remove"
changed "wg set wgv peer $FAR allowed-ips 192.168.77.2/32"
for n in a b; do not can_ping $n 192.168.77.2; done
same "wg show wgv latest-handshakes" "wg show wgv transfer"
echo "$compared outputs are the same"

# ---- the raw protocol: the answer to what no wg says

cat >raw.py <<'PY'
import socket, subprocess, sys
mine, theirs = sys.argv[1:3]
K, L = '11' * 31 + '01', '22' * 31 + '02'
peer = f'public_key={K}\n'

def talk(path, data, half=False):
    """What comes back until the first errno, or the end."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(100)
        s.connect(path)
        try:
            s.sendall(data if isinstance(data, bytes) else data.encode())
            if half:
                s.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass
        answer = b''
        while not (b'errno=' in answer and answer.endswith(b'\n\n')):
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                piece = b''
            if not piece:
                break
            answer += piece
    return answer.decode()

def errno(answer):
    return [l for l in answer.splitlines() if l.startswith('errno=')]

def get(path):
    return talk(path, 'get=1\n\n')

good = ['set=1\n\n', 'set=1\nlisten_port=5190\n\n', f'set=1\nprivate_key={L}\n\n', f'set=1\nprivate_key={"0" * 64}\n\n',
    f'set=1\n{peer}\n', f'set=1\n{peer}update_only=true\n\n', f'set=1\npublic_key={L}\nremove=true\n\n',
    f'set=1\n{peer}protocol_version=1\nendpoint=192.0.2.1:1\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n\n',
    f'set=1\n{peer}preshared_key={L.upper()}\npersistent_keepalive_interval=65535\n\n', 'set=1\nfwmark=4294967295\n\n', 'set=1\nfwmark=0\n\n',
    'set=1\nreplace_peers=true\n\n']
values = {  # what is said of the interface, and of a peer
    '': ['private_key=', 'private_key=12', 'private_key=' + 'g' * 64, f'private_key={L}0', f'private_key= {L}', 'private_key', 'listen_port=',
         'listen_port=65536', 'listen_port=-1', 'listen_port=x', 'listen_port=0x10', 'listen_port= 1', 'listen_port=1 ', 'listen_port=+1',
         'fwmark=', 'fwmark=-1', 'fwmark=4294967296', 'fwmark=x', 'replace_peers=', 'replace_peers=false', 'replace_peers=1', 'replace_peers=True',
         'nonsense=1', '=', '=1', 'x', 'nonsense', 'public_key=', 'public_key=12', 'public_key=' + 'z' * 64, f'public_key={K}00', 'public_key',
         'Listen_Port=1', ' listen_port=1', 'get=1', 'errno=0', 'remove=true', f'preshared_key={L}', 'allowed_ip=10.0.0.0/8', 'protocol_version=1'],
    peer: ['remove=', 'remove=false', 'remove=1', 'update_only=', 'update_only=false', 'preshared_key=', 'preshared_key=12',
           'preshared_key=' + 'q' * 64, f'preshared_key={L}11', 'endpoint=', 'endpoint=1.2.3.4', 'endpoint=1.2.3.4:', 'endpoint=1.2.3.4:65536',
           'endpoint=1.2.3:1', 'endpoint=1.2.3.4:x', 'endpoint=::1:1', 'endpoint=[::1]', 'endpoint=[::1:1', 'endpoint=name:1', 'endpoint=:1',
           'endpoint=[1::2::3]:1', 'endpoint=1.2.3.4:-1', 'endpoint= 1.2.3.4:1', 'persistent_keepalive_interval=', 'persistent_keepalive_interval=65536',
           'persistent_keepalive_interval=-1', 'persistent_keepalive_interval=off', 'persistent_keepalive_interval=x', 'replace_allowed_ips=',
           'replace_allowed_ips=false', 'allowed_ip=', 'allowed_ip=10.0.0.0', 'allowed_ip=10.0.0.0/', 'allowed_ip=10.0.0.0/33', 'allowed_ip=::/129',
           'allowed_ip=10.0.0/8', 'allowed_ip=10.0.0.0/-1', 'allowed_ip=name/8', 'allowed_ip=/8', 'allowed_ip=10.0.0.256/8', 'allowed_ip=::g/8',
           'allowed_ip=10.0.0.0/8 ', 'allowed_ip= 10.0.0.0/8', 'allowed_ip=10.0.0.0/8,10.1.0.0/8', 'protocol_version=', 'protocol_version=0',
           'protocol_version=2', 'protocol_version=x', 'nonsense=1', 'x', '=', 'listen_port=1', f'private_key={L}', 'fwmark=1',
           'replace_peers=true', 'last_handshake_time_sec=1', 'rx_bytes=0', 'public_key=12', 'public_key=', 'public_key'],
}
bad = [f'set=1\n{where}{line}\n\n' for where, lines in values.items() for line in lines]
# The fault comes last: what stands before it must not be done. (wireguard-go's state is its own.)
bad += [f'set=1\nprivate_key={L}\nlisten_port=4001\nfwmark=9\nreplace_peers=true\n{peer}endpoint=192.0.2.9:9\nallowed_ip=10.0.0.0/8\n{line}\n\n'
    for line in ('allowed_ip=10.0.0.0/40', 'x', 'nonsense=1', 'public_key=12')]
ends = ['\n', 'nonsense=1\n\n', 'get=2\n\n', 'set=0\n\n', 'GET=1\n\n', 'get=1 \n\n', ' get=1\n\n', 'x\n', '=\n\n', 'set\n\n', 'get=1\r\n\r\n', 'get=1\nx\n\n']
failed = 0

def check(ok, what, *more):
    global failed
    if not ok:
        failed += 1
        print(f'{what!r}:', *more)

for r in good:
    check(errno(talk(mine, r)) == errno(talk(theirs, r)) == ['errno=0'], r, errno(talk(mine, r)), errno(talk(theirs, r)))
talk(mine, f'set=1\n{peer}endpoint=192.0.2.1:1\nallowed_ip=10.5.0.0/16\n\n')
state = get(mine)
for r in bad + ends:
    a, b = errno(talk(mine, r)), errno(talk(theirs, r))
    check(a == b, r, f'wgdp {a}, wireguard-go {b}')
    check(get(mine) == state, r, 'left its mark:\n' + get(mine))
# Half a request, then the end of it, at every byte: nothing is done of it.
whole = f'set=1\nprivate_key={L}\nlisten_port=4002\nfwmark=8\nreplace_peers=true\n{peer}remove=true\npublic_key={L}\nallowed_ip=10.0.0.0/8\n'
for n in range(0, len(whole) + 1, 3):
    talk(mine, whole[:n], half=True)
check(get(mine) == state, 'half a request', get(mine))
# And the same without a word of farewell.
for n in range(0, len(whole) + 1, 11):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(mine)
        s.sendall(whole[:n].encode())
check(get(mine) == state, 'half a request, closed', get(mine))
# A line too long, bytes that are no text, a NUL
for junk in (b'set=1\n' + b'a' * 100000 + b'=1\n\n', b'set=1\nfwmark=1' + bytes(range(128, 256)) + b'\n\n', b'set=1\nfwmark=1\0\n\n', b'x' * 70000 + b'\n'):
    a, b = errno(talk(mine, junk)), errno(talk(theirs, junk))
    check(a == b, junk[:40], f'wgdp {a}, wireguard-go {b}')
check(talk(mine, bytes(70000)) == '', 'an operation without end', 'an answer')
check(get(mine) == state, 'junk', get(mine))
# Several requests on one connection: an answer to each
with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(100)
    s.connect(mine)
    s.sendall(b'set=1\nfwmark=3\n\nget=1\n\nset=1\nfwmark=0\n\n')
    answer = b''
    while answer.count(b'errno=') < 3 or not answer.endswith(b'\n\n'):
        answer += s.recv(65536) or sys.exit('closed')
    check(answer.count(b'errno=0\n\n') == 3 and b'fwmark=3\n' in answer, 'three requests', answer)
check(get(mine) == state, 'three requests', get(mine))
print(f'{len(good) + len(bad) + len(ends)} raw requests')
sys.exit(failed > 0)
PY
timeout 200 python3 raw.py sock.a/wgv.sock sock.b/wgv.sock || fail "raw requests"
