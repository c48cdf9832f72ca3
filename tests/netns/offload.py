# SPDX-License-Identifier: BSD-3-Clause
#
# offload.py NS IF SRC NS2 IF2 DST: packets made by hand are given to interface IF in namespace NS, one at a time and as super-packets,
# in flows with all that a merge may trip over, the same ones each time. Each has to come out of IF2 in namespace NS2, bit for bit, and
# in order within its flow. No more are under way than any buffer holds.
import ctypes, os, random, select, socket, struct, sys

SOL_PACKET, PACKET_VNET_HDR, CLONE_NEWNET = 263, 15, 0x40000000
UNDER_WAY, SUPER_MAX = 64, 40       # packets
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
TCP, UDP, ICMP, ICMP6, FRAGMENT, DSTOPTS = 6, 17, 1, 58, 44, 60
NEEDS_CSUM, TCP4, TCP6, UDP_L4, GSO_ECN = 1, 1, 4, 5, 0x80

def total(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s

def put16(p, at, v):
    p[at:at + 2] = struct.pack("!H", v & 0xffff)

def get16(p, at):
    return struct.unpack_from("!H", p, at)[0]

class Flow:
    """The next packet of a flow, all of whose fields can be changed."""
    def __init__(self, src, dst, **fields):
        self.v6 = ":" in src
        family = socket.AF_INET6 if self.v6 else socket.AF_INET
        self.addresses = socket.inet_pton(family, src) + socket.inet_pton(family, dst)
        self.protocol, self.sport, self.dport = TCP, 1, 7777
        self.tos, self.ttl, self.id, self.fragment, self.label = 0, 64, 1, 0x4000, 0
        self.seq, self.ack, self.flags, self.window, self.urgent, self.options = 1, 1, ACK, 500, 0, b""
        self.size, self.fixed_id, self.extension, self.ip_options, self.wrong = 300, False, b"", b"", False
        self.__dict__.update(fields)

    def copy(self, **fields):
        f = Flow.__new__(Flow)
        f.__dict__.update(self.__dict__)
        f.__dict__.update(fields)
        return f

    def packet(self):
        data = bytes((self.seq + self.id * 7 + i * 13) & 0xff for i in range(self.size))
        l4 = data
        if self.protocol == TCP:
            l4 = bytearray(struct.pack("!HHIIBBHHH", self.sport, self.dport, self.seq, self.ack, (20 + len(self.options)) * 4,
                                       self.flags, self.window, 0, self.urgent) + self.options + data)
            put16(l4, 16, ~total(self.pseudo(len(l4)) + l4))
        elif self.protocol == UDP:
            l4 = bytearray(struct.pack("!HHHH", self.sport, self.dport, 8 + self.size, 0) + data)
            put16(l4, 6, ~total(self.pseudo(len(l4)) + l4) & 0xffff or 0xffff)
        if self.wrong:
            l4[-1] ^= 1
        if self.v6:
            return bytearray(struct.pack("!IHBB", 6 << 28 | self.tos << 20 | self.label, len(self.extension) + len(l4),
                                         DSTOPTS if self.extension else self.protocol, self.ttl) +
                             self.addresses + self.extension + l4)
        ip = bytearray(struct.pack("!BBHHHBBH", 0x45 + len(self.ip_options) // 4, self.tos, 20 + len(self.ip_options) + len(l4),
                                   self.id, self.fragment, self.ttl, self.protocol, 0) + self.addresses + self.ip_options)
        put16(ip, 10, ~total(bytes(ip)))
        return ip + l4

    def pseudo(self, length):
        return self.addresses + struct.pack("!HH", self.protocol, length)

    def l4(self):
        return 40 + len(self.extension) if self.v6 else 20 + len(self.ip_options)

    def super_packet(self, segment):
        """The vnet header for segments of so many bytes, and the packet with its checksum undone."""
        p, l4, at = self.packet(), self.l4(), 16 if self.protocol == TCP else 6
        kind = UDP_L4 if self.protocol == UDP else TCP6 if self.v6 else TCP4
        if self.protocol == TCP and self.flags & CWR:
            kind |= GSO_ECN
        put16(p, l4 + at, total(self.pseudo(len(p) - l4)))
        header = l4 + (20 + len(self.options) if self.protocol == TCP else 8)
        return struct.pack("<BBHHHH", NEEDS_CSUM, kind, header, segment, l4, at), p

    def step(self):
        if self.protocol == TCP:
            self.seq = (self.seq + self.size) & 0xffffffff
        if not self.fixed_id:
            self.id = (self.id + 1) & 0xffff

def cut(vnet, p):
    """The packets that a super-packet stands for."""
    flags, kind, _, segment, l4, at = struct.unpack("<BBHHHH", vnet)
    if not flags & NEEDS_CSUM:
        assert not kind
        return [bytes(p)]
    header = l4 if not kind else l4 + (8 if kind == UDP_L4 else (p[l4 + 12] >> 4) * 4)
    pseudo, segment = get16(p, l4 + at) + (~(len(p) - l4) & 0xffff), segment if kind else len(p)
    out = []
    for n, begin in enumerate(range(header, len(p), segment)):
        q = bytearray(p[:header] + p[begin:begin + segment])
        if q[0] >> 4 == 4:
            put16(q, 2, len(q))
            put16(q, 4, get16(q, 4) + n)
            put16(q, 10, 0)
            put16(q, 10, ~total(bytes(q[:l4])))
        else:
            put16(q, 4, len(q) - 40)
        if kind == UDP_L4:
            put16(q, l4 + 4, len(q) - l4)
        elif kind:
            put = (struct.unpack_from("!I", q, l4 + 4)[0] + n * segment) & 0xffffffff
            q[l4 + 4:l4 + 8] = struct.pack("!I", put)
            q[l4 + 13] &= (0xff if begin + segment >= len(p) else ~(FIN | PSH)) & (~CWR if n else 0xff)
        put16(q, l4 + at, 0)
        s = ~total(struct.pack("!I", pseudo + len(q) - l4) + q[l4:]) & 0xffff
        put16(q, l4 + at, s or (0xffff if kind not in (TCP4, TCP6, TCP4 | GSO_ECN, TCP6 | GSO_ECN) else 0))
        out.append(bytes(q))
    return out

def flows(src, dst):
    f = [Flow(src, dst, sport=1, options=bytes.fromhex("0101080a0000000100000002")),
         Flow(src, dst, sport=2, tos=2, size=1300, fragment=0, id=0xfff0),
         Flow(src, dst, sport=3, protocol=UDP, fragment=0, tos=1, label=0x12345),
         Flow(src, dst, sport=4, protocol=UDP, size=1, id=0, fixed_id=True),
         Flow(src, dst, sport=5, tos=0xb9, ttl=3, seq=0xfffff800, id=0, fixed_id=True)]
    return f

def defects(f, rnd):
    """Changes to one packet of a flow; the ones behind it are as if it had not been there, or go on from it."""
    one = rnd.choice([
        dict(tos=f.tos ^ rnd.choice((1, 2, 3, 4))), dict(ttl=f.ttl + 1), dict(fragment=f.fragment ^ 0x4000), dict(wrong=True),
        dict(flags=f.flags | rnd.choice((FIN, PSH, FIN | PSH, SYN, RST, URG, ECE, CWR, ECE | CWR))), dict(flags=f.flags & ~ACK),
        dict(ack=f.ack + 9), dict(window=f.window - 1), dict(urgent=5), dict(options=b"\1\1\1\0"), dict(size=rnd.randrange(0, f.size + 2)),
        dict(label=f.label ^ 1), dict(id=f.id + 5 & 0xffff), dict(seq=f.seq ^ 0x40),
        dict(extension=bytes((f.protocol, 0, 1, 4, 0, 0, 0, 0))) if f.v6 else dict(ip_options=b"\1\1\1\0"),
        dict(protocol=ICMP6 if f.v6 else ICMP)])
    if f.v6:
        one.pop("fragment", None)
    return one

def plan(src, dst):
    """(vnet header, packet) in the order of sending."""
    rnd, out, all_flows = random.Random(77), [], flows(src, dst)
    for n in range(3000):
        if n % 7 == 0 or rnd.random() < 0.05:
            f = rnd.choice(all_flows)
        if rnd.random() < 0.1:
            one = defects(f, rnd)
            g = f.copy(**one)
            out.append((bytes(10), g.packet()))
            if rnd.random() < 0.5 and not one.keys() & {"extension", "ip_options", "protocol", "wrong", "seq"}:
                f.__dict__.update(g.__dict__)
                f.flags, f.size = f.flags & (ACK | ECE) | ACK, max(f.size, 1)
            f.step()
        elif rnd.random() < 0.05 and not f.fixed_id:
            segment = f.size
            g = f.copy(size=segment * rnd.randrange(2, SUPER_MAX) + rnd.randrange(segment))
            if f.protocol == TCP:
                g.flags |= rnd.choice((0, PSH, FIN | PSH, CWR, CWR | ECE))
            out.append(g.super_packet(segment))
            f.id = f.id + (g.size + segment - 1) // segment & 0xffff
            f.seq = (f.seq + g.size) & 0xffffffff
        else:
            out.append((bytes(10), f.packet()))
            f.step()
    return out

def flow_of(p):
    """What keeps its order: addresses, protocol, ports. Packets without ports in plain sight are flows of their own."""
    l4 = 40 if p[0] >> 4 == 6 else 20
    protocol = p[6] if l4 == 40 else p[9]
    if protocol not in (TCP, UDP) or (l4 == 20 and (p[0] != 0x45 or get16(p, 6) & 0x3fff)):
        return (p[0] >> 4, protocol, p[0])
    return (p[0] >> 4, protocol, get16(p, l4))

def comparable(p):
    """Where DF makes the identification meaningless, and it stands still, a merge makes it count."""
    if p[0] >> 4 == 4 and p[6] & 0x40 and flow_of(p)[2] in (4, 5):
        p = bytearray(p)
        p[4:6] = p[10:12] = b"\0\0"
    return bytes(p)

def by_flow(packets):
    out = {}
    for p in packets:
        out.setdefault(flow_of(p), []).append(comparable(p))
    return out

def open_socket(namespace, interface):
    fd = os.open("/run/netns/" + namespace, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
        sys.exit("setns: " + os.strerror(ctypes.get_errno()))
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.bind((interface, 3))
    return s

class Receiver:
    def __init__(self, namespace, interface, addresses):
        self.socket, self.addresses = open_socket(namespace, interface), addresses
        self.packets, self.supers = [], 0

    def receive(self, n):
        """Until there are n packets in all."""
        while len(self.packets) < n:
            if not select.select([self.socket], [], [], 20)[0]:
                return
            data, (_, _, kind, _, _) = self.socket.recvfrom(70000)
            p = data[10:]
            # Sent from there, or by the host itself?
            if kind == socket.PACKET_OUTGOING or (p[8:40] if p[0] >> 4 == 6 else p[12:20]) != self.addresses:
                continue
            packets = cut(data[:10], p)
            self.supers += len(packets) > 1
            self.packets += packets

def compare(want, got):
    a, b = by_flow(want), by_flow(got)
    for flow in sorted(a.keys() | b.keys()):
        x, y = a.get(flow, []), b.get(flow, [])
        for n, (p, q) in enumerate(zip(x, y)):
            if p != q:
                sys.exit("flow %s, packet %d of %d:\n%s was sent,\n%s came" % (flow, n, len(x), p.hex(), q.hex()))
        if len(x) != len(y):
            sys.exit("flow %s: %d packets of %d" % (flow, len(y), len(x)))

def main(namespace, interface, src, namespace2, interface2, dst):
    sender = open_socket(namespace, interface)
    receiver = Receiver(namespace2, interface2, Flow(src, dst).addresses)
    rnd, want, room = random.Random(78), [], 0
    for vnet, p in plan(src, dst):
        packets = cut(vnet, p)
        if room < len(packets):
            receiver.receive(len(want))
            if len(receiver.packets) != len(want):
                break
            room = rnd.randrange(len(packets), UNDER_WAY)
        sender.sendto(vnet + p, (interface, 0x86dd if ":" in src else 0x0800))
        want += packets
        room -= len(packets)
    receiver.receive(len(want))
    compare(want, receiver.packets)
    print("%d packets, %d super-packets" % (len(want), receiver.supers))

if __name__ == "__main__":
    main(*sys.argv[1:])
