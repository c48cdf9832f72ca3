#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""embed.py FILE HEADER NAME: writes FILE's bytes as the C array NAME into HEADER."""
import sys

source, header, name = sys.argv[1:]
with open(source, 'rb') as f:
    data = f.read()
rows = [data[i:i + 16] for i in range(0, len(data), 16)]
with open(header, 'w') as f:
    f.write(f'static const unsigned char {name}[] __attribute__((aligned(8))) = {{\n')
    for row in rows:
        f.write('\t' + ', '.join(f'0x{b:02x}' for b in row) + ',\n')
    f.write('};\n')
