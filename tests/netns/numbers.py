# SPDX-License-Identifier: BSD-3-Clause
"""Numbered datagrams one way.

numbers.py receive ADDR PORT N FILE                         until N have come: their numbers to FILE, a line each, in the order of arrival
numbers.py send ADDR PORT N RATE [SIZE [hop-by-hop|df]]     N datagrams of SIZE bytes, RATE a second; with a hop-by-hop header, or not to be cut
"""
import socket
import struct
import sys
import time

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


def send(address, n, rate, size=100, how=''):
    s = udp(address)
    if how == 'hop-by-hop':
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, HOP_BY_HOP)
    if how == 'df':
        v6 = s.family == socket.AF_INET6
        s.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, IPV6_MTU_DISCOVER if v6 else IP_MTU_DISCOVER, DO)
    begin = time.monotonic()
    for i in range(n):
        time.sleep(max(0, begin + i / rate - time.monotonic()))
        s.sendto(struct.pack('!Q', i).ljust(size, b'.'), address)


where = (sys.argv[2], int(sys.argv[3]))
if sys.argv[1] == 'receive':
    receive(where, int(sys.argv[4]), sys.argv[5])
else:
    send(where, *map(int, sys.argv[4:7]), *sys.argv[7:])
