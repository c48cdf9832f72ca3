# SPDX-License-Identifier: BSD-3-Clause
"""wiped.py PID WORD...: looks for secrets in all the memory of a process, as raw bytes, hex and base64. Each WORD is there=BASE64 or gone=BASE64: a key
that must be found (or the search would be worth nothing), or must not."""
import base64
import re
import sys

pid, words = sys.argv[1], sys.argv[2:]


def forms(key):
    raw = base64.b64decode(key)
    clamped = bytes([raw[0] & 248]) + raw[1:31] + bytes([raw[31] & 127 | 64])
    # The middle 24 bytes: what clamping changes is at the ends, and base64 of a part is cut at three bytes.
    return {'raw': {raw[3:27], clamped[3:27]}, 'hex': {raw[3:27].hex().encode()}, 'base64': {base64.b64encode(raw[3:27])}}


secrets = {w: forms(w.split('=', 1)[1]) for w in words}
found = {w: set() for w in words}
with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as mem:
    for line in maps:
        start, end, perms, name = re.match(r'(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)', line).groups()
        if 'r' not in perms or name in ('[vvar]', '[vsyscall]', '[vvar_vclock]'):
            continue
        start, end = int(start, 16), int(end, 16)
        if end - start > 64 << 30:  # AddressSanitizer's notes on memory, which hold nothing of it
            continue
        at = start
        while at < end:
            mem.seek(at)
            try:
                data = mem.read(min(end - at, 64 << 20))
            except OSError:
                break
            for w, kinds in secrets.items():
                for kind, values in kinds.items():
                    if any(v in data for v in values):
                        found[w].add(f'{kind} in {name or "anonymous memory"} at {at:#x}+{min(data.find(v) for v in values if v in data):#x}')
            at += max(len(data) - 64, 1) if at + len(data) < end else len(data)
bad = 0
for w, where in found.items():
    if w.startswith('gone=') and where:
        print(f'still there: {w[5:9]}...: {", ".join(sorted(where))}')
        bad = 1
    if w.startswith('there=') and not where:
        print(f'not found: {w[6:10]}..., which is in use')
        bad = 1
sys.exit(bad)
