# SPDX-License-Identifier: BSD-3-Clause
"""frame.py IFACE DESTINATION TYPE [PAYLOAD...]: Ethernet frames, one for each payload or one; TYPE and PAYLOAD in hexadecimal, TYPE with any tags."""
import socket
import sys

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for payload in sys.argv[4:] or ['']:
    s.send(bytes.fromhex(sys.argv[2].replace(':', '')) + s.getsockname()[4] + (bytes.fromhex(sys.argv[3] + payload)).ljust(60, b'.'))
