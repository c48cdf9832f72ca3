# SPDX-License-Identifier: BSD-3-Clause
"""garbage.py ADDR WGDP_PUBLIC_KEY PCAP: what is no message, to ADDR port 51820, from the peer's own port.

Every type and every length from 0 to 200, random bytes (always the same); right MACs around random bytes; data for the session with
that does not open; the first data message in PCAP with each of its bytes changed, and cut at each length; datagrams larger than a
packet."""
import random
import socket
import struct
import sys

import noise
import replay

PORT = 51820


def udp(payload):
    return struct.pack("!HHHH", PORT, PORT, 8 + len(payload), 0) + payload


def main():
    addr, theirs = sys.argv[1], noise.key(sys.argv[2])
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    out = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_UDP)
    if family == socket.AF_INET6:
        out.setsockopt(socket.IPPROTO_IPV6, 7, 6)       # IPV6_CHECKSUM, at this offset
    r = random.Random(20190120)
    mac1_key = noise.hash_(b"mac1----", theirs)

    good = bytes(next(replay.frames(sys.argv[3]))[62 if family == socket.AF_INET6 else 42:])

    def send(payload):
        out.sendto(udp(payload), (addr, 0))

    for kind in (0, 1, 2, 3, 4, 5, 255):
        for size in range(201):
            send((bytes([kind, 0, 0, 0]) + r.randbytes(200))[:size])
    for kind, size in ((1, 116), (2, 60)):
        for _ in range(50):
            m = bytes([kind, 0, 0, 0]) + r.randbytes(size - 4)
            send(m + noise.mac(mac1_key, m) + bytes(16))
    for size in list(range(0, 200)) + [1400, 1472, 2000, 9000, 20000, 65000]:
        send(good[:8] + r.randbytes(8 + size))
    for at in range(len(good)):
        m = bytearray(good)
        m[at] ^= 1 << r.randrange(8)
        send(bytes(m))
        send(good[:at])


main()
