#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""trunk.py TRUNK VID=INTERFACE...: a switch with the VLAN port TRUNK (IEEE 802.1Q; VID 0: untagged there) and an untagged port for each
VLAN, for kernels without VLANs."""

import selectors
import socket
import struct
import sys

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
AUXDATA = struct.Struct("=IIIHHHH")	# struct tpacket_auxdata
VLAN_VALID = 0x10
ETH_P_ALL, ETH_P_8021Q = 3, 0x8100


def port(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.bind((name, ETH_P_ALL))
    return s


def receive(s):
    """A frame without its tag, and its VLAN or 0."""
    frame, controls, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
    for level, kind, data in controls:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = AUXDATA.unpack(data[:AUXDATA.size])
            if status & VLAN_VALID:
                return frame, tci & 0xfff
    return frame, 0


def main():
    trunk = port(sys.argv[1])
    ports = {int(vid): port(name) for vid, name in (a.split("=") for a in sys.argv[2:])}
    wait = selectors.DefaultSelector()
    wait.register(trunk, selectors.EVENT_READ, None)
    for vid, s in ports.items():
        wait.register(s, selectors.EVENT_READ, vid)
    print("ready", flush=True)
    while True:
        for key, _ in wait.select():
            frame, vid = receive(key.fileobj)
            try:
                if key.data == 0:
                    trunk.send(frame)
                elif key.data:
                    trunk.send(frame[:12] + struct.pack("!HH", ETH_P_8021Q, key.data) + frame[12:])
                elif vid in ports:
                    ports[vid].send(frame)
            except OSError:
                pass	# as a wire does: what is too large, or comes while a port is down, is lost


main()
