#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Keys that are no more are nowhere in the process's memory: a private key that was replaced while it was in use on every core, preshared keys of
# peers that were changed and removed, whether they came by wg(8) or in a file that was read again.

. "$(dirname "$0")/_init.sh"
pair
keys dp2 dp3
psk=("$(wg genpsk)" "$(wg genpsk)" "$(wg genpsk)")

side go 2 dp "10.77.0.1:51820" "PresharedKey = ${psk[0]}"
side dp 1 go "10.77.0.2:51820" "PresharedKey = ${psk[0]}"
start_wggo b go.conf
start_wgdp a dp.conf
on a ping -c 3 -i 0.1 -W 5 192.168.77.2 >ping.log

look() { python3 "$here/wiped.py" "${pid[dp]}" "$@"; }
soon() { wait_for "look $* >look.log" 60 || fail "$1: $(cat look.log)"; }

look there="${key[dp]}" there="${psk[0]}" || fail "the search does not find what is there"

echo "by wg(8)"
echo "${key[dp2]}" >dp2.key
echo "${psk[1]}" >psk1
echo "${psk[2]}" >psk2
wg set dp private-key dp2.key
wg set go peer "${pub[dp]}" remove peer "${pub[dp2]}" preshared-key <(echo "${psk[0]}") endpoint 10.77.0.1:51820 \
	allowed-ips 192.168.77.1/32,fd00:77::1/128
wait_for "ip netns exec a ping -c 1 -W 1 192.168.77.2"
soon "gone=${key[dp]}" "there=${key[dp2]}" "there=${psk[0]}"
wg set dp peer "${pub[dp3]}" preshared-key psk1 peer "${pub[go]}" preshared-key psk2
soon "gone=${psk[0]}" "there=${psk[1]}" "there=${psk[2]}"
wg set dp peer "${pub[dp3]}" remove
soon "gone=${psk[1]}" "gone=${psk[0]}" "there=${psk[2]}"

echo "by reading the file again"
sed -i "s|^PrivateKey.*|PrivateKey = ${key[dp3]}|; s|^PresharedKey.*|PresharedKey = ${psk[1]}|" dp.conf
"$WGDP" reload dp
soon "gone=${key[dp2]}" "gone=${psk[2]}" "there=${key[dp3]}" "there=${psk[1]}"
sed -i "s|^PrivateKey.*|PrivateKey = ${key[dp]}|; /^PresharedKey/d" dp.conf
echo 'Nonsense = 1' >>dp.conf
not "$WGDP" reload dp 2>reload.log
grep -q Nonsense reload.log
soon "gone=${key[dp]}" "there=${key[dp3]}"
