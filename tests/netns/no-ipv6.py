# SPDX-License-Identifier: BSD-3-Clause
"""no-ipv6.py COMMAND...: runs it where socket(AF_INET6) says EAFNOSUPPORT, as on a host started with ipv6.disable=1 (by seccomp)."""
import ctypes
import errno
import os
import platform
import socket
import struct
import sys

SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
LD, JEQ, RET = 0x20, 0x15, 0x06         # of struct seccomp_data: the call's number at 0, its first argument at 16
PROGRAM = [(LD, 0, 0, 0), (JEQ, 0, 3, SOCKET), (LD, 0, 0, 16), (JEQ, 0, 1, socket.AF_INET6),
           (RET, 0, 0, 0x00050000 | errno.EAFNOSUPPORT), (RET, 0, 0, 0x7fff0000)]

code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in PROGRAM))
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(PROGRAM), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(fprog), 0, 0):
    sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
