# SPDX-License-Identifier: BSD-3-Clause
"""A second, slow and plain reading of the WireGuard protocol (whitepaper section 5.4), to say to wgdp what no honest peer says."""
import base64
import hashlib
import hmac
import os
import struct
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


def hash_(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def kdf(key, data, n):
    secret = hmac.new(key, data, hashlib.blake2s).digest()
    out = [b""]
    for i in range(1, n + 1):
        out.append(hmac.new(secret, out[-1] + bytes([i]), hashlib.blake2s).digest())
    return out[1:]


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def dh(private, peer):
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(peer))
    except ValueError:          # a low-order point: the library says no, an attacker goes on with zeros
        return bytes(32)


def seal(key, counter, plain, data=b""):
    return ChaCha20Poly1305(key).encrypt(struct.pack("<IQ", 0, counter), plain, data)


def open_(key, counter, sealed, data=b""):
    return ChaCha20Poly1305(key).decrypt(struct.pack("<IQ", 0, counter), sealed, data)


def tai64n(seconds=None):
    seconds = time.time() if seconds is None else seconds
    return struct.pack(">QI", (1 << 62) + 10 + int(seconds), int(seconds % 1 * 1e9))


def key(text):
    return base64.b64decode(text)


class Initiator:
    """Handshakes of one static key with one responder."""

    def __init__(self, private, peer, psk=bytes(32)):
        self.private, self.peer, self.psk = private, peer, psk
        self.mac1_key = hash_(b"mac1----", peer)

    def macs(self, msg):
        return msg + mac(self.mac1_key, msg) + bytes(16)

    def initiation(self, timestamp=None, ephemeral_public=None):
        self.ephemeral = os.urandom(32)
        e = ephemeral_public or public(self.ephemeral)
        self.index = int.from_bytes(os.urandom(4), "little")
        c = hash_(CONSTRUCTION)
        h = hash_(hash_(c, IDENTIFIER), self.peer)
        c, = kdf(c, e, 1)
        h = hash_(h, e)
        shared = bytes(32) if ephemeral_public else dh(self.ephemeral, self.peer)
        c, k = kdf(c, shared, 2)
        static = seal(k, 0, public(self.private), h)
        h = hash_(h, static)
        c, k = kdf(c, dh(self.private, self.peer), 2)
        stamp = seal(k, 0, timestamp or tai64n(), h)
        self.c, self.h = c, hash_(h, stamp)
        return self.macs(struct.pack("<II", 1, self.index) + e + static + stamp)

    def response(self, msg):
        """Takes the response; raises unless it is good. Keys and the peer's index are there afterwards."""
        kind, self.remote, receiver = struct.unpack_from("<III", msg)
        assert (kind, receiver, len(msg)) == (2, self.index, 92)
        e, empty = msg[12:44], msg[44:60]
        assert msg[60:76] == mac(hash_(b"mac1----", public(self.private)), msg[:60])
        c, = kdf(self.c, e, 1)
        h = hash_(self.h, e)
        c, = kdf(c, dh(self.ephemeral, e), 1)
        c, = kdf(c, dh(self.private, e), 1)
        c, t, k = kdf(c, self.psk, 3)
        open_(k, 0, empty, hash_(h, t))
        self.send, self.receive = kdf(c, b"", 2)

    def data(self, counter, plain):
        return struct.pack("<IIQ", 4, self.remote, counter) + seal(self.send, counter, plain)

    def plain(self, msg):
        kind, receiver, counter = struct.unpack_from("<IIQ", msg)
        assert (kind, receiver) == (4, self.index)
        return open_(self.receive, counter, msg[16:])
