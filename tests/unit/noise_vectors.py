#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Expected bytes of whole handshakes and of cookies, for test_noise.c and test_cookie.c.

    python3 noise_vectors.py > noise_vectors.h
    python3 noise_vectors.py --corpus ../fuzz/corpus/handshake   (the fuzzer's seeds)

Written from the WireGuard whitepaper (section 5.4), RFC 7748, RFC 8439 and
draft-irtf-cfrg-xchacha-03, with nothing of wgdp and nothing but Python's library: what both
arrive at is right, or both misread the same sentence.
"""
import hashlib
import hmac as hmac_module
import pathlib
import struct
import sys

P = 2**255 - 19


def x25519(k, u):
    k = bytearray(k)
    k[0] &= 248
    k[31] = (k[31] & 127) | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = (k >> t) & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(k):
    return x25519(k, (9).to_bytes(32, "little"))


def rounds(state):
    s = list(state)

    def rotl(v, n):
        v &= 0xFFFFFFFF
        return (v << n | v >> (32 - n)) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] = rotl(s[z] ^ s[x], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


def state(key, last16):
    return struct.unpack("<16I", b"expand 32-byte k" + key + last16)


def chacha20(key, counter, nonce, data):
    out = b""
    for i in range(0, len(data), 64):
        start = state(key, struct.pack("<I", counter + i // 64) + nonce)
        block = struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds(start), start)))
        out += bytes(a ^ b for a, b in zip(data[i:i + 64], block))
    return out


def hchacha20(key, nonce16):
    s = rounds(state(key, nonce16))
    return struct.pack("<8I", *s[:4], *s[12:])


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((acc + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def seal(key, nonce, plain, ad):
    def pad(x):
        return x + bytes(-len(x) % 16)
    sealed = chacha20(key, 1, nonce, plain)
    one_time = chacha20(key, 0, nonce, bytes(32))
    lengths = struct.pack("<QQ", len(ad), len(sealed))
    return sealed + poly1305(one_time, pad(ad) + pad(sealed) + lengths)


def xseal(key, nonce, plain, ad):
    return seal(hchacha20(key, nonce[:16]), bytes(4) + nonce[16:], plain, ad)


def hash_(data):
    return hashlib.blake2s(data).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def hmac(key, data):
    return hmac_module.new(key, data, hashlib.blake2s).digest()


def kdf(n, key, data):
    secret, out = hmac(key, data), [b""]
    for i in range(n):
        out.append(hmac(secret, out[-1] + bytes([i + 1])))
    return out[1:]


def fill(first):
    return bytes((first + i) & 255 for i in range(32))


SI, SR, EI, ER = fill(0x10), fill(0x40), fill(0x70), fill(0xA0)
TIMESTAMP = bytes.fromhex("400000005f5e10ff3b000000")
INDEX_I, INDEX_R = 0x11223344, 0xAABBCCDD
LOW_ORDER = bytes(32)


def handshake(psk, public_i=None, public_ei=None, public_er=None):
    """The three keys, where given, replace those sent: points of low order, which make DH zero."""
    def dh(k, u):
        return bytes(32) if u == LOW_ORDER else x25519(k, u)

    public_i = public_i or public(SI)
    public_ei = public_ei or public(EI)
    public_er = public_er or public(ER)
    ck = hash_(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    h = hash_(hash_(ck + b"WireGuard v1 zx2c4 Jason@zx2c4.com") + public(SR))
    ck, = kdf(1, ck, public_ei)
    h = hash_(h + public_ei)
    ck, k = kdf(2, ck, dh(SR, public_ei))
    static = seal(k, bytes(12), public_i, h)
    h = hash_(h + static)
    ck, k = kdf(2, ck, dh(SR, public_i))
    timestamp = seal(k, bytes(12), TIMESTAMP, h)
    h = hash_(h + timestamp)
    initiation = struct.pack("<II", 1, INDEX_I) + public_ei + static + timestamp
    initiation += mac(hash_(b"mac1----" + public(SR)), initiation)

    ck, = kdf(1, ck, public_er)
    h = hash_(h + public_er)
    ck, = kdf(1, ck, dh(EI, public_er))
    ck, = kdf(1, ck, dh(SI, public_er))
    ck, tau, k = kdf(3, ck, psk)
    h = hash_(h + tau)
    response = struct.pack("<III", 2, INDEX_R, INDEX_I) + public_er
    response += seal(k, bytes(12), b"", h)
    response += mac(hash_(b"mac1----" + public(SI)), response)
    return initiation + bytes(16), response + bytes(16), *kdf(2, ck, b"")


def show(name, data):
    print(f"static const uint8_t {name}[{len(data)}] = {{")
    for i in range(0, len(data), 12):
        print("\t" + " ".join(f"0x{b:02x}," for b in data[i:i + 12]))
    print("};\n")


# The responder's cookie for the initiator at 192.0.2.1 port 51820.
SOURCE = bytes([192, 0, 2, 1]) + struct.pack(">H", 51820)


def cookies():
    """A cookie reply, and the initiation that makes use of it."""
    initiation = handshake(bytes(32))[0]
    cookie = mac(fill(0x01), SOURCE)
    nonce = fill(0x21)[:24]
    sealed = xseal(hash_(b"cookie--" + public(SR)), nonce, cookie, initiation[116:132])
    reply = struct.pack("<II", 3, INDEX_I) + nonce + sealed
    return reply, initiation[:132] + mac(cookie, initiation[:132])


def corpus(folder):
    plain, psk = handshake(bytes(32)), handshake(fill(0xD0))
    seeds = {
        "initiation": plain[0], "initiation_psk": psk[0], "initiation_mac2": cookies()[1],
        "initiation_low_ephemeral": handshake(bytes(32), public_ei=LOW_ORDER)[0],
        "initiation_low_static": handshake(bytes(32), public_i=LOW_ORDER)[0],
        "response": plain[1], "response_psk": psk[1],
        "response_low_ephemeral": handshake(bytes(32), public_er=LOW_ORDER)[1],
        "cookie_reply": cookies()[0],
        # Randomness of a whole handshake: statics, ephemerals, PSK, timestamp, indices.
        "whole": b"\4\0\0\0" + SI + SR + EI + ER + fill(0xD0) + TIMESTAMP + fill(0)[:8],
    }
    for name, seed in seeds.items():
        pathlib.Path(folder, name).write_bytes(seed)


def main():
    assert seal(fill(0x80), bytes.fromhex("070000004041424344454647"), b"Ladies and Gentlemen of "
                b"the class of '99: If I could offer you only one tip for the future, sunscreen "
                b"would be it.", bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))[-16:].hex() == \
        "1ae10b594f09e26a7e902ecbd0600691"
    print("/* SPDX-License-Identifier: BSD-3-Clause */")
    print("/* Made by noise_vectors.py, which says how. */")
    print("#ifndef WGDP_NOISE_VECTORS_H\n#define WGDP_NOISE_VECTORS_H\n\n#include <stdint.h>\n")
    print("/* Private keys and PSK are runs of bytes counting up from these. */")
    print("enum {\n\tVECTOR_STATIC_I = 0x10,\n\tVECTOR_STATIC_R = 0x40,"
          "\n\tVECTOR_EPHEMERAL_I = 0x70,\n\tVECTOR_EPHEMERAL_R = 0xa0,\n\tVECTOR_PSK = 0xd0,"
          "\n\tVECTOR_SECRET = 0x01,\n\tVECTOR_NONCE = 0x21,\n};\n")
    print(f"#define VECTOR_INDEX_I 0x{INDEX_I:x}u\n#define VECTOR_INDEX_R 0x{INDEX_R:x}u\n")
    show("vector_timestamp", TIMESTAMP)
    show("vector_public_i", public(SI))
    show("vector_public_r", public(SR))
    for name, psk in ("plain", bytes(32)), ("psk", fill(0xD0)):
        initiation, response, sends_i, sends_r = handshake(psk)
        show(f"vector_initiation_{name}", initiation)
        show(f"vector_response_{name}", response)
        show(f"vector_initiator_sends_{name}", sends_i)
        show(f"vector_responder_sends_{name}", sends_r)

    # What one would send who hopes that zeros are taken for a secret.
    plain = bytes(32)
    show("vector_initiation_low_ephemeral", handshake(plain, public_ei=LOW_ORDER)[0])
    show("vector_initiation_low_static", handshake(plain, public_i=LOW_ORDER)[0])
    show("vector_response_low_ephemeral", handshake(plain, public_er=LOW_ORDER)[1])

    reply, initiation = cookies()
    show("vector_source", SOURCE)
    show("vector_cookie_reply", reply)
    show("vector_initiation_mac2", initiation)
    print("#endif")


if sys.argv[1:2] == ["--corpus"]:
    corpus(sys.argv[2])
else:
    main()
