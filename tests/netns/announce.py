# SPDX-License-Identifier: BSD-3-Clause
"""announce.py IFACE IPV4 IPV6: both addresses are at IFACE's MAC address: gratuitous ARP (RFC 5227 section 3) and an unsolicited neighbour
advertisement (RFC 4861 section 7.2.6)."""
import socket
import struct
import sys

iface, v4, v6 = sys.argv[1], socket.inet_pton(socket.AF_INET, sys.argv[2]), socket.inet_pton(socket.AF_INET6, sys.argv[3])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((iface, 0))
mac = s.getsockname()[4]


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    total = (total >> 16) + (total & 0xffff)
    return 0xffff & ~(total + (total >> 16))


all_nodes = bytes.fromhex('ff02' + '00' * 13 + '01')
OVERRIDE = 0x20000000
body = struct.pack('!I', OVERRIDE) + v6 + bytes([2, 1]) + mac
pseudo = v6 + all_nodes + struct.pack('!II', 4 + len(body), 58)
advertisement = struct.pack('!BBH', 136, 0, checksum(pseudo + bytes([136, 0, 0, 0]) + body)) + body
s.send(b'\xff' * 6 + mac + struct.pack('!HHHBBH', 0x806, 1, 0x800, 6, 4, 1) + mac + v4 + bytes(6) + v4)
s.send(bytes.fromhex('333300000001') + mac + struct.pack('!HIHBB', 0x86dd, 6 << 28, len(advertisement), 58, 255) + v6 + all_nodes + advertisement)
