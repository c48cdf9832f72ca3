# SPDX-License-Identifier: BSD-3-Clause
"""flood.py ADDR PUBLIC_KEY WAITING: initiations with a right mac1 around random bytes, from 64 ports, to ADDR port 51820, until it is killed.

As fast as they go, until cookie replies (type 3, 64 bytes, for our index) come back; then says `under load`, and lets WAITING of them wait for
their replies: enough for the other side to be under load, and fewer than its queue holds, so that others' initiations find room however slow it is.
When no reply comes for SILENCE seconds, it is under load no longer, and all starts over. Initiations are numbered, and answered in their order."""
import os
import select
import socket
import struct
import sys
import time

import noise

SILENCE = 0.5


class Flood:
    def __init__(self, addr, theirs, most):
        self.key = noise.hash_(b"mac1----", theirs)
        self.body = os.urandom(108)
        self.most = most
        self.sent = self.replied = 0    # numbers
        self.heard = None               # when the last reply came
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]
        for s in self.sockets:
            s.connect((addr, 51820))
            s.setblocking(False)

    def loaded(self):
        return self.heard is not None and time.monotonic() < self.heard + SILENCE

    def enough(self):
        return self.loaded() and self.sent - self.replied >= self.most

    def burst(self, s):
        for _ in range(64):
            head = struct.pack("<II", 1, self.sent + 1) + self.body
            try:
                s.send(head + noise.mac(self.key, head) + bytes(16))
            except OSError:         # buffer full, or the other side refuses for a moment
                return
            self.sent += 1

    def hear(self, s):
        try:
            while True:
                m = s.recv(2048)
                kind, number = struct.unpack("<II", m[:8])
                assert len(m) == 64 and kind == 3 and 0 < number <= self.sent, m.hex()
                self.replied = max(self.replied, number)
                if self.heard is None:
                    print("under load", flush=True)
                self.heard = time.monotonic()
        except OSError:
            pass

    def run(self):
        while True:
            for s in self.sockets:
                if not self.enough():
                    self.burst(s)
            for s in select.select(self.sockets, [], [], 0.001 if self.enough() else 0)[0]:
                self.hear(s)


Flood(sys.argv[1], noise.key(sys.argv[2]), int(sys.argv[3])).run()
