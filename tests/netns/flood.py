# SPDX-License-Identifier: BSD-3-Clause
"""flood.py ADDR PUBLIC_KEY: initiations with a right mac1 around random bytes, as fast as they go, from 64 ports, to ADDR port 51820.
Says `under load` when the first cookie reply (type 3, 64 bytes, for our index) comes back, and goes on until it is killed."""
import os
import select
import socket
import sys

import noise


def main():
    theirs = noise.key(sys.argv[2])
    head = b"\1\0\0\0" + os.urandom(112)
    msg = head + noise.mac(noise.hash_(b"mac1----", theirs), head) + bytes(16)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]
    for s in sockets:
        s.connect((sys.argv[1], 51820))
        s.setblocking(False)
    told = False
    while True:
        for s in sockets:
            for _ in range(64):
                try:
                    s.send(msg)
                except OSError:         # buffer full, or the other side refuses for a moment
                    pass
        for s in select.select(sockets, [], [], 0)[0]:
            try:
                m = s.recv(2048)
            except OSError:
                continue
            if not told:
                assert len(m) == 64 and m[:4] == b"\3\0\0\0" and m[4:8] == msg[4:8], m.hex()
                told = True
                print("under load", flush=True)


main()
