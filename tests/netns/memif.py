# SPDX-License-Identifier: BSD-3-Clause
"""memif.py server SOCKET IFACE
memif.py client SOCKET IFACE RINGS: a cable between the memif at SOCKET and the network interface IFACE.

An end of memif (version 2.0, Ethernet mode) that is not DPDK's. The client owns the memory and says how many rings there are each way: region 0 has
the rings, and buffers if they have no region of their own. Either side writes one index of each ring and rings an eventfd. Says "up" at
each connection.
"""
import array, fcntl, mmap, os, select, socket, struct, sys, time, zlib

COOKIE, VERSION = 0x3E31F20, 0x200
ACK, HELLO, INIT, ADD_REGION, ADD_RING, CONNECT, CONNECTED, DISCONNECT = range(1, 9)
LOG2, BUFFER = 10, 10240
DESC = struct.Struct("<HHIII")  # flags (1: goes on in the next one), region, length, offset, metadata
RING_HEAD, RING_TAIL, RING_DESC = 6, 64, 128


class Ring:
    def __init__(self, regions, region, offset, log2, fd, to_server):
        self.regions, self.memory, self.at, self.size, self.fd = regions, regions[region], offset, 1 << log2, fd
        self.to_server, self.last = to_server, 0
        self.words = memoryview(self.memory).cast("H")  # an index is one load, one store; struct goes byte by byte

    def index(self, field):
        return self.words[(self.at + field) // 2]

    def set_index(self, field, value):
        self.words[(self.at + field) // 2] = value & 0xFFFF

    def desc(self, i):
        at = self.at + RING_DESC + DESC.size * (i & (self.size - 1))
        return at, *DESC.unpack_from(self.memory, at)

    def empty(self, i):
        """A buffer of the client's is whole again."""
        at, _, region, _, offset, _ = self.desc(i)
        DESC.pack_into(self.memory, at, 0, region, BUFFER, offset, 0)

    def frames(self, head):
        """What is between last and head, as frames."""
        whole = b""
        while self.last != head:
            _, flags, region, length, offset, _ = self.desc(self.last)
            whole += self.regions[region][offset:offset + length]
            self.last = (self.last + 1) & 0xFFFF
            if not flags & 1:
                yield whole
                whole = b""

    def write(self, i, frame, room):
        """Into buffers from slot i on, as many as it takes; returns the slot after them, None: no room."""
        while True:
            if not room:
                return None
            at, _, region, size, offset, meta = self.desc(i)
            size = BUFFER if self.to_server else size  # (what the client filled last time is no measure)
            part, frame = frame[:size], frame[size:]
            self.regions[region][offset:offset + len(part)] = part
            DESC.pack_into(self.memory, at, 1 if frame else 0, region, len(part), offset, meta)
            i, room = (i + 1) & 0xFFFF, room - 1
            if not frame:
                return i


def fence():
    """Python has none; on amd64 stores are seen in their order, and a system call is a fence everywhere."""
    os.getppid()


class Memif:
    def __init__(self, conn, server, n=0):
        self.conn, self.server, self.n, self.regions, self.up = conn, server, n, [], False
        self.rings = {True: [], False: []}  # by: to the server
        self.waits_for_ack = []

    def send(self, kind, body=b"", fds=()):
        message = struct.pack("<H", kind) + body
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.conn.sendmsg([message.ljust(128, b"\0")], extra)

    # ---- connection

    def hello(self):
        self.send(HELLO, struct.pack("<32sHHHHHB", b"memif.py", VERSION, VERSION, 255, 255, 255, 14))

    def receive(self):
        """One message. False: the other side is gone."""
        try:
            message, extra, _, _ = self.conn.recvmsg(128, socket.CMSG_SPACE(16))
        except ConnectionError:
            return False
        if len(message) < 128:
            return False
        fds = [fd for _, _, data in extra for fd in array.array("i", data[:len(data) // 4 * 4])]
        kind, = struct.unpack_from("<H", message)
        if kind == DISCONNECT:
            return False
        handler = {HELLO: self.on_hello, INIT: self.on_init, ADD_REGION: self.on_region, ADD_RING: self.on_ring,
                   CONNECT: self.on_connect, CONNECTED: self.on_connected, ACK: self.on_ack}[kind]
        handler(message[2:], fds)
        return True

    def on_init(self, body, _):
        version, _, mode = struct.unpack_from("<HIB", body)
        assert (version, mode) == (VERSION, 0), (version, mode)
        self.send(ACK)

    def on_region(self, body, fds):
        index, size = struct.unpack_from("<HQ", body)
        assert index == len(self.regions)
        self.regions.append(mmap.mmap(fds[0], size))
        self.send(ACK)

    def on_ring(self, body, fds):
        flags, index, region, offset, log2, header = struct.unpack_from("<HHHIBH", body)
        rings = self.rings[bool(flags & 1)]
        assert index == len(rings) and header == 0
        rings.append(Ring(self.regions, region, offset, log2, fds[0], bool(flags & 1)))
        self.send(ACK)

    def on_connect(self, _, __):
        self.send(CONNECTED, b"memif.py".ljust(32, b"\0"))
        self.connected()

    # The client makes all memory and tells the server of it, a message at a time.

    def on_hello(self, body, _):
        _, lowest, highest, _, _, _, log2 = struct.unpack_from("<32sHHHHHB", body)
        assert lowest <= VERSION <= highest
        self.make(min(LOG2, log2))
        size, region = len(self.regions[0]), self.fd
        self.waits_for_ack = [
            lambda: self.send(ADD_REGION, struct.pack("<HQ", 0, size), [region]),
            *(lambda r=r, i=i: self.send(ADD_RING, struct.pack("<HHHIBH", r.to_server, i, 0, r.at, r.size.bit_length() - 1, 0), [r.fd])
              for rings in self.rings.values() for i, r in enumerate(rings)),
            lambda: self.send(CONNECT, b"memif.py".ljust(32, b"\0")),
        ]
        self.send(INIT, struct.pack("<HIB24s32s", VERSION, 0, 0, b"", b"memif.py"))

    def make(self, log2):
        ring, n = RING_DESC + (DESC.size << log2), 2 * self.n
        self.fd = os.memfd_create("memif", os.MFD_ALLOW_SEALING)
        size = n * ring + (n * BUFFER << log2)
        os.ftruncate(self.fd, size)
        fcntl.fcntl(self.fd, 1033, 2)  # F_ADD_SEALS, F_SEAL_SHRINK: libmemif insists on it
        self.regions.append(mmap.mmap(self.fd, size))
        for k in range(n):
            to_server = k % 2 == 0
            r = Ring(self.regions, 0, k * ring, log2, os.eventfd(0, os.EFD_NONBLOCK), to_server)
            struct.pack_into("<I", r.memory, r.at, COOKIE)
            for i in range(r.size):
                DESC.pack_into(r.memory, r.desc(i)[0], 0, 0, BUFFER, n * ring + (k * r.size + i) * BUFFER, 0)
            if not to_server:
                r.set_index(RING_HEAD, r.size)  # all buffers are the server's to fill
            self.rings[to_server].append(r)

    def on_ack(self, _, __):
        if self.waits_for_ack:
            self.waits_for_ack.pop(0)()

    def on_connected(self, _, __):
        self.connected()

    def connected(self):
        self.up = True
        print("up", flush=True)

    # ---- frames

    def take(self):
        """All frames that have come."""
        return [frame for r in self.rings[self.server] for frame in self.take_from(r)]

    def take_from(self, r):
        """A server empties what the client filled; a client takes what the server filled, and gives the buffers back."""
        begin, end = r.last, r.index(RING_HEAD if self.server else RING_TAIL)
        frames = list(r.frames(end))
        if not self.server:
            for i in range(begin, begin + ((end - begin) & 0xFFFF)):
                r.empty(i)
        fence()
        if self.server:
            r.set_index(RING_TAIL, end)
        else:
            r.set_index(RING_HEAD, end + r.size)
        return frames

    def give(self, frames):
        """By ring as a NIC does: by addresses alone (IPv4's, or the source's of IPv6), so that fragments stay together."""
        rings = self.rings[not self.server]
        spread = [[] for _ in rings]
        for frame in frames:
            spread[zlib.crc32(frame[26:34]) % len(rings)].append(frame)
        for r, some in zip(rings, spread):
            if some:
                self.give_to(r, some)

    def give_to(self, r, frames):
        mine = RING_TAIL if self.server else RING_HEAD
        at = r.index(mine)
        for frame in frames:
            room = (r.index(RING_HEAD) - at) & 0xFFFF if self.server else (r.size - (at - r.index(RING_TAIL))) & 0xFFFF
            after = r.write(at, frame, room)
            if after is None:
                break  # a full ring drops, as a NIC does
            at = after
        fence()
        r.set_index(mine, at)
        os.eventfd_write(r.fd, 1)


def connection(server, path, listener):
    if server:
        return listener.accept()[0]
    while True:
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            conn.connect(path)
            return conn
        except OSError:
            conn.close()
            time.sleep(0.05)


def bridge(m, wire):
    """Until the other side goes. A side need not ring while we are awake, and DPDK's never asks to be rung, so rings are looked at now and then, too."""
    poll = select.poll()
    poll.register(m.conn, select.POLLIN)
    while not m.up:
        if not m.receive():
            return
    poll.register(wire, select.POLLIN)
    bells = [r.fd for r in m.rings[m.server]]
    for bell in bells:
        poll.register(bell, select.POLLIN)
    while True:
        for fd, _ in poll.poll(1):
            if fd == m.conn.fileno() and not m.receive():
                return
            if fd in bells:
                os.read(fd, 8)
        for frame in m.take():
            try:
                wire.send(frame)
            except OSError as e:
                print("not sent:", e, len(frame), flush=True)
        m.give(waiting(wire))


def waiting(wire):
    frames = []
    try:
        while len(frames) < 64:
            frame, _, _, addr = wire.recvmsg(65536)
            if addr[2] != socket.PACKET_OUTGOING:
                frames.append(frame)
    except BlockingIOError:
        pass
    return frames


def main(role, path, interface, rings="1"):
    server, listener = role == "server", None
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE") else 33, 8 << 20)
    wire.bind((interface, 0))
    wire.setblocking(False)
    if server:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
    while True:
        with connection(server, path, listener) as conn:
            m = Memif(conn, server, int(rings))
            if server:
                m.hello()
            bridge(m, wire)
            if m.up:
                print("down", flush=True)
        time.sleep(0.2)


main(*sys.argv[1:])
