# SPDX-License-Identifier: BSD-3-Clause
# wake.py SEED SECONDS NS ADDR NS ADDR: numbered UDP packets between the two, both ways, at random intervals, each waited for before
# there is another reason to wake. All must come, once, unchanged. One process with a socket in each namespace.
import ctypes
import os
import random
import select
import socket
import struct
import sys
import time

DEADLINE = 5.0  # seconds: not a speed, but never; a keepalive or a handshake that could wake by chance comes after 10
CLONE_NEWNET = 0x40000000


def socket_in(ns, addr):
    with open('/run/netns/' + ns) as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind((addr, 7007))
    s.setblocking(False)
    return s


def pause(seconds):
    """Sleeps are too coarse for microseconds: those spin."""
    if seconds > 0.0003:
        time.sleep(seconds)
        return
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


class Way:
    def __init__(self, name, sender, receiver):
        self.name, self.sender, self.receiver, self.to = name, sender, receiver, receiver.getsockname()
        self.sent = self.received = 0
        self.missing = set()

    def send(self):
        self.sender.sendto(struct.pack('!Q', self.sent) * rng.randint(1, 170), self.to)
        self.missing.add(self.sent)
        self.sent += 1

    def take(self):
        while True:
            try:
                data = self.receiver.recv(2048)
            except BlockingIOError:
                return
            number, = struct.unpack_from('!Q', data)
            if data != data[:8] * (len(data) // 8):
                sys.exit(f'{self.name}: packet {number} was changed')
            if number not in self.missing:
                sys.exit(f'{self.name}: packet {number} came twice')
            self.missing.remove(number)
            self.received += 1

    def await_all(self):
        end = time.monotonic() + DEADLINE
        self.take()
        while self.missing:
            left = end - time.monotonic()
            if left <= 0:
                sys.exit(f'{self.name}: of {self.sent} packets, {sorted(self.missing)[:5]} did not come in {DEADLINE:.0f} s')
            select.select([self.receiver], [], [], left)
            self.take()


def interval():
    """Mostly about as long as a core looks on before it sleeps, sometimes nothing, sometimes long."""
    return rng.choices([lambda: 0, lambda: rng.uniform(0, 300e-6), lambda: rng.uniform(90e-6, 150e-6), lambda: rng.uniform(0, 5e-3),
                        lambda: rng.uniform(0, 0.3)], [5, 40, 30, 24, 1])[0]()


def one_step(ways):
    kind = rng.choices(['one', 'echo', 'burst', 'both'], [40, 40, 10, 10])[0]
    there, back = rng.sample(ways, 2)
    if kind == 'burst':
        for _ in range(rng.randint(2, 40)):
            there.send()
            pause(rng.uniform(0, 300e-6))
    else:
        there.send()
    if kind == 'both':
        back.send()
    there.await_all()
    if kind == 'echo':
        pause(interval() if rng.random() < 0.3 else 0)
        back.send()
    back.await_all()
    pause(interval())


seed, seconds, ns_a, addr_a, ns_b, addr_b = int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]
rng = random.Random(seed)
a, b = socket_in(ns_a, addr_a), socket_in(ns_b, addr_b)
ways = [Way(f'{ns_a} to {ns_b}', a, b), Way(f'{ns_b} to {ns_a}', b, a)]
print(f'seed {seed}', flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    one_step(ways)
for way in ways:
    way.take()
    print(f'{way.name}: {way.sent} sent, {way.received} received')
