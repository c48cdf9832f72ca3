# SPDX-License-Identifier: BSD-3-Clause
"""Random set=1 requests to a management socket, and after each of them get=1 against a model of what the protocol says (wireguard.com/xplatform).

set_model.py SOCKET SEED REQUESTS [strict]: strict: a request with a fault must change nothing. (wireguard-go applies what is before the fault: with it
only good requests are sent, and the model proves itself against it.)
"""
import base64
import copy
import random
import socket
import sys

path, seed, n_requests, strict = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), 'strict' in sys.argv[4:]
rng = random.Random(seed)


def key(n):
    return bytes([n] + [0x40 + n] * 31)


def ask(text):
    """One request on a connection of its own; the lines of the answer without the empty one."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(100)
        s.connect(path)
        at = 0
        data = text.encode()
        while at < len(data):   # in pieces, so that lines come cut
            n = rng.choice([1, 7, 64, 4096, 1 << 20])
            s.sendall(data[at:at + n])
            at += n
        answer = b''
        while not answer.endswith(b'\n\n'):
            piece = s.recv(65536)
            if not piece:
                raise SystemExit(f'seed {seed}: connection closed after {answer[-200:]!r} on\n{text}')
            answer += piece
    return answer.decode().splitlines()[:-1]


def public(private):
    import subprocess
    return base64.b64decode(subprocess.run(['wg', 'pubkey'], input=base64.b64encode(private), stdout=subprocess.PIPE, check=True).stdout)


PRIVATE = [key(n) for n in range(101, 104)]
SELF = {p: public(p) for p in PRIVATE}
PEERS = [key(n) for n in range(1, 9)] + list(SELF.values())
NETS = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32', '0.0.0.0/0', '192.168.1.0/24', '192.168.1.128/25', '10.1.0.0/17', '172.16.0.1/32',
        '::/0', 'fd00::/8', 'fd00:1::/64', 'fd00:1::1/128', 'fd00:1::/65', '2001:db8::/32']
ENDPOINTS = ['192.0.2.1:51820', '198.51.100.7:1', '[2001:db8::1]:65535', '[::1]:9']
FAULTS = ['nonsense=1', 'listen_port=65536', 'private_key=12', 'public_key=zz', 'fwmark=-1', 'novalue', 'allowed_ip=10.0.0.0/33', 'remove=false',
          'endpoint=1.2.3.4', 'persistent_keepalive_interval=65536', 'preshared_key=' + 'g' * 64, 'protocol_version=2', 'replace_peers=yes']


class Peer:
    def __init__(self):
        self.psk, self.endpoint, self.keepalive, self.ips = bytes(32), None, 0, []


class Model:
    def __init__(self):
        self.private, self.fwmark, self.peers = bytes(32), 0, {}

    def take(self, net):
        for p in self.peers.values():
            if net in p.ips:
                p.ips.remove(net)

    def lines(self):
        out = []
        if self.private != bytes(32):
            out.append('private_key=' + self.private.hex())
        if self.fwmark:
            out.append(f'fwmark={self.fwmark}')
        for k in sorted(self.peers):
            p = self.peers[k]
            out += ['public_key=' + k.hex(), 'preshared_key=' + p.psk.hex(), 'protocol_version=1']
            if p.endpoint:
                out.append('endpoint=' + p.endpoint)
            out += ['last_handshake_time_sec=0', 'last_handshake_time_nsec=0', 'rx_bytes=0',
                    f'persistent_keepalive_interval={p.keepalive}'] + ['allowed_ip=' + i for i in p.ips]
        return out


def canonical(lines):
    """Peers by key (wireguard-go has no order), the listening port apart, a private key as it is clamped on use."""
    head, peers = [], {}
    into = head
    for line in lines:
        if line.startswith('public_key='):
            into = peers.setdefault(line, [])
        if line.startswith('private_key='):
            k = bytearray.fromhex(line[12:])
            k[0] &= 248
            k[31] = k[31] & 127 | 64
            line = 'private_key=' + k.hex()
        if line not in ('errno=0', '') and not line.startswith(('listen_port=', 'tx_bytes=')):  # by chance, and by keepalives
            into.append(line)
    return sorted(head) + [l for k in sorted(peers) for l in peers[k]]


def request(model):
    """A random request, and what the model is after it."""
    m, out = copy.deepcopy(model), ['set=1']
    if rng.random() < .15:
        k = rng.choice(PRIVATE + [bytes(32)])
        out.append('private_key=' + k.hex())
        m.private = k
        m.peers.pop(SELF.get(k), None)
    if rng.random() < .2:
        m.fwmark = rng.choice([0, 1, 51820, 0xffffffff])
        out.append(f'fwmark={m.fwmark}')
    if rng.random() < .1:
        out.append('replace_peers=true')
        m.peers.clear()
    for _ in range(rng.choice([0, 1, 1, 2, 3, 6])):
        peer_edit(m, out)
    if strict and rng.random() < .2:
        out.insert(rng.randrange(1, len(out) + 1), rng.choice(FAULTS))
        return out, model, False
    return out, m, True


def peer_edit(m, out):
    k = rng.choice(PEERS)
    out.append('public_key=' + k.hex())
    mine = k == SELF.get(m.private)
    p = m.peers.get(k)
    kind = rng.random()
    if kind < .15:
        out.append('remove=true')
        m.peers.pop(k, None)
        return
    if kind < .3:
        out.append('update_only=true')
        if not p:
            p = Peer()  # what is said of it is for nobody
    elif not p:
        p = Peer()
        if not mine:
            m.peers[k] = p
    here = m.peers.get(k) is p
    if rng.random() < .3:
        p.psk = rng.choice([bytes(32), key(77), key(78)])
        out.append('preshared_key=' + p.psk.hex())
    if rng.random() < .3:
        p.endpoint = rng.choice(ENDPOINTS)
        out.append('endpoint=' + p.endpoint)
    if rng.random() < .3:
        p.keepalive = rng.choice([0, 25, 65535])
        out.append(f'persistent_keepalive_interval={p.keepalive}')
    if rng.random() < .2:
        out.append('replace_allowed_ips=true')
        p.ips = []
    for _ in range(rng.choice([0, 1, 2, 4])):
        net = rng.choice(NETS)
        if strict and rng.random() < .25:
            out.append('allowed_ip=-' + net)
            if net in p.ips:
                p.ips.remove(net)
            continue
        out.append('allowed_ip=' + net)
        if here:
            m.take(net)
            p.ips.append(net)


model = Model()
accepted = refused = 0
for n in range(n_requests):
    lines, after, good = request(model)
    answer = ask('\n'.join(lines) + '\n\n')
    errno = int(answer[-1].removeprefix('errno='))
    if (errno == 0) != good:
        raise SystemExit(f'seed {seed}, request {n}: errno {errno} on\n' + '\n'.join(lines))
    accepted += good
    refused += not good
    model = after
    got, want = canonical(ask('get=1\n\n')), canonical(model.lines())
    if got != want:
        import difflib
        raise SystemExit(f'seed {seed}, request {n}:\n' + '\n'.join(lines) + '\n--- difference: model, answer\n' +
                         '\n'.join(difflib.unified_diff(want, got, lineterm='', n=0)))
print(f'{path}: {accepted} requests applied and {refused} refused, seed {seed}: each time the state is the model\'s')
