# SPDX-License-Identifier: BSD-3-Clause
"""flood.py ADDR PUBLIC_KEY ROOM: initiations with a right mac1 around random bytes, from 64 ports, to ADDR port 51820, until it is killed.

As fast as they go, so that the other side's queue is full, until cookie replies (type 3, 64 bytes, for our index) come; then says `under load`,
leaves ROOM places in the queue, for others' initiations, and from then on sends one for each reply: however slow the other side is, its queue keeps
its level. When no reply comes for SILENCE seconds, it is under load no longer, and all starts over."""
import os
import select
import socket
import struct
import sys
import time

import noise

SILENCE = 0.5


class Flood:
    def __init__(self, addr, theirs, room):
        self.key = noise.hash_(b"mac1----", theirs)
        self.body = os.urandom(108)
        self.room = room
        self.sent = 0           # the last one's number
        self.heard = None       # when the last reply came, while under load
        self.due = 0            # initiations to be sent, under load
        self.told = False
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]
        for s in self.sockets:
            s.connect((addr, 51820))
            s.setblocking(False)

    def burst(self, s, most):
        for _ in range(most):
            head = struct.pack("<II", 1, self.sent + 1) + self.body
            try:
                s.send(head + noise.mac(self.key, head) + bytes(16))
            except OSError:     # buffer full, or the other side refuses for a moment
                return
            self.sent += 1
            self.due -= 1

    def hear(self, s):
        try:
            while True:
                m = s.recv(2048)
                kind, number = struct.unpack("<II", m[:8])
                assert len(m) == 64 and kind == 3 and 0 < number <= self.sent, m.hex()
                if self.heard is None:
                    self.due = -self.room
                if not self.told:
                    print("under load", flush=True)
                self.told = True
                self.heard = time.monotonic()
                self.due += 1
        except OSError:
            pass

    def run(self):
        while True:
            for s in self.sockets:
                self.burst(s, 64 if self.heard is None else min(64, self.due))
            for s in select.select(self.sockets, [], [], 0 if self.heard is None or self.due > 0 else 0.001)[0]:
                self.hear(s)
            if self.heard is not None and time.monotonic() > self.heard + SILENCE:
                self.heard = None


Flood(sys.argv[1], noise.key(sys.argv[2]), int(sys.argv[3])).run()
