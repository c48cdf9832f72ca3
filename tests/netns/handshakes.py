# SPDX-License-Identifier: BSD-3-Clause
"""handshakes.py OUR_KEY WGDP_PUBLIC_KEY ADDR: initiations good and bad, to wgdp at ADDR port 51820; says what went wrong, if anything.
wgdp has our key as its peer, and no other. On the way it asks for a ping towards us: `ping` on stdout."""
import os
import socket
import struct
import sys
import time

import noise

LOW_ORDER = [bytes(32), b"\1" + bytes(31)] + [bytes.fromhex(h) for h in (
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]


def main():
    ours, theirs = noise.key(sys.argv[1]), noise.key(sys.argv[2])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((sys.argv[3], 51820))

    def answer(seconds=5.0):
        s.settimeout(seconds)
        try:
            return s.recv(2048)
        except TimeoutError:
            return None

    def refused(what, *messages):
        """None of them is answered: a good initiation behind them is the first thing that is."""
        for m in messages:
            s.send(m)
        good = peer.initiation()
        s.send(good)
        m = answer()
        assert m and len(m) == 92 and m[8:12] == good[4:8], f"{what}: {m and m.hex()}"
        peer.response(m)
        time.sleep(0.03)        # wgdp answers one initiation of a peer in 20 ms

    peer = noise.Initiator(ours, theirs)
    refused("nothing before the first one")

    old = peer.initiation()
    s.send(old)
    peer.response(answer())
    time.sleep(0.03)
    refused("the same initiation again", old)
    refused("an older time stamp", peer.initiation(noise.tai64n(time.time() - 60)))
    refused("low-order ephemerals", *[peer.initiation(None, e) for e in LOW_ORDER])
    stranger = noise.Initiator(os.urandom(32), theirs)
    refused("a stranger", stranger.initiation())
    m = peer.initiation()
    refused("wrong mac1", m[:116] + bytes(32))
    refused("reserved bytes set", peer.macs(b"\1\1\0\0" + m[4:116]))
    for at in range(8, 116, 9):         # ephemeral, static, time stamp
        m = bytearray(peer.initiation()[:116])
        m[at] ^= 0x80 if at != 39 else 1      # X25519 ignores the last bit of a key, the transcript does not
        refused(f"byte {at} changed", peer.macs(bytes(m)))

    # A responder sends nothing in a session that the initiator has not used yet. It asks for one of its own instead.
    s.send(peer.initiation())
    peer.response(answer())
    print("ping", flush=True)
    m = answer()
    assert m and m[0] == 1 and len(m) == 148, f"unconfirmed session: {m and m[:16].hex()} of {len(m or b'')}"
    s.send(peer.data(0, b""))
    m = answer()
    while m and m[0] == 1:
        m = answer()
    assert m and m[0] == 4, f"confirmed session: {m and m[:16].hex()}"
    plain = peer.plain(m)
    assert plain[0] == 0x45 and len(plain) % 16 == 0 and struct.unpack_from("!H", plain, 2)[0] == 84, plain.hex()
    assert not any(plain[84:]), "padding is zeros"


main()
