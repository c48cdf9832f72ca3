#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# FreeBSD's wg(4): a key from genkey, port 54321, the public key read back, a peer with endpoint 10.0.1.100:54321 and one allowed address.
#
#     here: wg0 10.0.1.1, 192.168.2.1  ----  10.0.1.0/24  ----  there: gp 10.0.1.100, 192.168.2.100

. "$(dirname "$0")/_init.sh"
ns here there
link here em0 10.0.1.1/24 there em0 10.0.1.100/24
key[wg0]=$("$WGDP" genkey) pub[wg0]=$("$WGDP" pubkey <<<"${key[wg0]}")
keys gp
cat >wg0.conf <<CONF
[Interface]
PrivateKey = ${key[wg0]}
ListenPort = 54321
Address = 192.168.2.1/32
[Peer]
PublicKey = ${pub[gp]}
Endpoint = 10.0.1.100:54321
AllowedIPs = 192.168.2.100/32
CONF
cat >gp.conf <<CONF
[Interface]
PrivateKey = ${key[gp]}
ListenPort = 54321
Address = 192.168.2.100/32
[Peer]
PublicKey = ${pub[wg0]}
AllowedIPs = 192.168.2.1/32
CONF
start_wgdp here wg0.conf
start_wggo there gp.conf
status wg0 | grep -qF "public key: ${pub[wg0]}"
ping_ok here 192.168.2.100
ping_ok there 192.168.2.1

# "Handshake did not complete": the peer does not know us. "Invalid handshake initiation": wgdp does not know the peer.
wg set gp peer "${pub[wg0]}" remove
stop wg0
start_wgdp here wg0.conf --time-scale 40
ping_fail here 192.168.2.100
wait_for 'logged wg0 "Handshake for peer $(short gp) did not complete after 5 seconds, retrying"'
wg set gp private-key <(wg genkey) peer "${pub[wg0]}" endpoint 10.0.1.1:54321 allowed-ips 192.168.2.1/32
ping_fail there 192.168.2.1
wait_for 'logged wg0 "Invalid handshake initiation from 10.0.1.100:54321"'
