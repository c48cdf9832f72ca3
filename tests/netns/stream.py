# SPDX-License-Identifier: BSD-3-Clause
"""Numbered datagrams that are echoed, so that each is accounted for.

stream.py echo ADDR PORT            sends back what comes
stream.py count ADDR PORT FILE      sends, until SIGTERM. At most WINDOW datagrams are under way, fewer than any queue on their way holds: so what
                                    is lost was not lost to the load. FILE has the number of echoes so far, and in the end `sent N lost N twice N`.
"""
import select
import signal
import socket
import struct
import sys
import time

WINDOW = 32         # _stream.sh knows it
RATE = 3000         # datagrams a second at most
PATIENCE = 4.0      # seconds until a datagram makes room in the window for others; it is lost when its echo has not come in the end,
AT_THE_END = 30.0   # nor within so many seconds


def udp():
    s = socket.socket(socket.AF_INET6 if ':' in sys.argv[2] else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return s


def echo(address):
    s = udp()
    s.bind(address)
    while True:
        data, whom = s.recvfrom(2048)
        try:
            s.sendto(data, whom)
        except OSError:     # there is no way back at the moment
            pass


class Count:
    def __init__(self, address, path):
        self.s = udp()
        self.s.connect(address)
        self.s.setblocking(False)
        self.file = open(path, 'w')
        self.sent = self.got = self.twice = 0
        self.next_send = 0.0
        self.under_way, self.lost = {}, set()
        self.stopping = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def say(self, text):
        self.file.seek(0)
        self.file.write(f'{text:<60}\n')
        self.file.flush()

    def send(self):
        now = time.monotonic()
        if self.stopping or len(self.under_way) >= WINDOW or now < self.next_send:
            return
        try:
            self.s.send(struct.pack('!Q', self.sent) + bytes(120))
        except BlockingIOError:
            return
        self.under_way[self.sent] = now
        self.sent += 1
        self.next_send = max(self.next_send, now - WINDOW / RATE) + 1 / RATE

    def receive(self):
        while True:
            try:
                n, = struct.unpack('!Q', self.s.recv(2048)[:8])
            except BlockingIOError:
                return
            if n in self.lost:
                self.lost.remove(n)
            elif self.under_way.pop(n, None) is None:
                self.twice += 1
            self.got += 1

    def give_up(self, now):
        for n, t in list(self.under_way.items()):
            if t > now - (AT_THE_END if self.stopping else PATIENCE):
                break
            del self.under_way[n]
            self.lost.add(n)

    def run(self):
        next_say = 0
        while not self.stopping or self.under_way:
            self.send()
            select.select([self.s], [], [], 1 / RATE if len(self.under_way) < WINDOW and not self.stopping else 0.05)
            self.receive()
            now = time.monotonic()
            self.give_up(now)
            if now > next_say:
                self.say(str(self.got))
                next_say = now + 0.02
        self.say(f'sent {self.sent} lost {len(self.lost)} twice {self.twice}')
        if self.lost:
            print(f'lost: {sorted(self.lost)}', file=sys.stderr)


if sys.argv[1] == 'echo':
    echo((sys.argv[2], int(sys.argv[3])))
else:
    Count((sys.argv[2], int(sys.argv[3])), sys.argv[4]).run()
