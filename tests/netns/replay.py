# SPDX-License-Identifier: BSD-3-Clause
"""replay.py IF PCAP [SOURCE]: sends the captured frames out of IF again, from another IPv4 source address if one is given."""
import socket
import struct
import sys


def frames(path):
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield bytearray(data[at + 16:at + 16 + size])
        at += 16 + size


def ip_checksum(header):
    s = sum(struct.unpack("!10H", header))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def main():
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[1], 0))
    for frame in frames(sys.argv[2]):
        if len(sys.argv) > 3:
            frame[26:30] = socket.inet_aton(sys.argv[3])
            frame[24:26] = b"\0\0"
            frame[24:26] = struct.pack("!H", ip_checksum(frame[14:34]))
            frame[40:42] = b"\0\0"      # UDP: no checksum
        out.send(frame)


if __name__ == "__main__":
    main()
