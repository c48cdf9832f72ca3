# SPDX-License-Identifier: BSD-3-Clause
"""Numbered datagrams one way.

numbers.py receive ADDR PORT N FILE                         until N have come: their numbers to FILE, a line each, in the order of arrival
numbers.py send ADDR PORT N RATE FILE [SIZE [hop-by-hop|df]]    N datagrams of SIZE bytes, RATE a second at most; with a hop-by-hop header, or not
                                                            to be cut. FILE is the receiver's: at most WINDOW datagrams are under way, fewer
                                                            than any queue on their way holds, so what is lost was not lost to the load. FILE
                                                            may be -, for nobody.
"""
import socket
import struct
import sys
import time

WINDOW = 32
PATIENCE = 30.0     # seconds until no more will come
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, DO = 10, 23, 2
HOP_BY_HOP = bytes([0, 0, 1, 4, 0, 0, 0, 0])    # next header (the kernel's), length, PadN over the rest


def udp(address):
    s = socket.socket(socket.AF_INET6 if ':' in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return s


def receive(address, n, path):
    s = udp(address)
    s.bind(address)
    with open(path, 'w') as f:
        for _ in range(n):
            print(struct.unpack('!Q', s.recv(65536)[:8])[0], file=f, flush=True)


class Arrived:
    """How many have come, by the lines of the receiver's file."""

    def __init__(self, path):
        self.file = None if path == '-' else open(path)
        self.n = 0

    def at_least(self, n):
        if not self.file:
            return
        end = time.monotonic() + PATIENCE
        while self.n < n:
            self.n += self.file.read().count('\n')
            if time.monotonic() > end:
                sys.exit(f'{self.n} of the first {n} came')
            time.sleep(0.0002)


def send(address, n, rate, path, size='100', how=''):
    s = udp(address)
    arrived = Arrived(path)
    if how == 'hop-by-hop':
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, HOP_BY_HOP)
    if how == 'df':
        v6 = s.family == socket.AF_INET6
        s.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, IPV6_MTU_DISCOVER if v6 else IP_MTU_DISCOVER, DO)
    begin = time.monotonic()
    for i in range(n):
        arrived.at_least(i + 1 - WINDOW)
        time.sleep(max(0, begin + i / rate - time.monotonic()))
        s.sendto(struct.pack('!Q', i).ljust(int(size), b'.'), address)


where = (sys.argv[2], int(sys.argv[3]))
if sys.argv[1] == 'receive':
    receive(where, int(sys.argv[4]), sys.argv[5])
else:
    send(where, int(sys.argv[4]), int(sys.argv[5]), *sys.argv[6:])
