/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 against RFC 7748 (sections 5.2 and 6.1), and points of low order. */
#include <criterion/criterion.h>
#include <openssl/err.h>

#include "hex.h"
#include "x25519.h"

Test(x25519, rfc7748_vectors)
{
	static const struct {
		const char *scalar, *u, *result;
	} known[] = {
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
		  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
		  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
		{ "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
		  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
		  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
	};
	uint8_t scalar[WG_KEY_LEN], u[WG_KEY_LEN], out[WG_KEY_LEN];

	for (unsigned int i = 0; i < 3; i++) {
		hex_bytes(scalar, sizeof(scalar), known[i].scalar);
		hex_bytes(u, sizeof(u), known[i].u);
		cr_expect(x25519_shared(out, scalar, u));
		hex_expect(out, sizeof(out), known[i].result, "shared secret");
	}
	cr_expect(x25519_public(out, scalar));
	hex_expect(out, sizeof(out),
		   "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", "public");
}

Test(x25519, rfc7748_iterated)
{
	const char *once = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079";
	uint8_t k[WG_KEY_LEN] = { 9 }, u[WG_KEY_LEN] = { 9 }, next[WG_KEY_LEN];

	for (unsigned int i = 1; i <= 1000; i++) {
		cr_assert(x25519_shared(next, k, u));
		memcpy(u, k, sizeof(u));
		memcpy(k, next, sizeof(k));
		if (i == 1)
			hex_expect(k, sizeof(k), once, "once");
	}
	hex_expect(k, sizeof(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
		   "1000 times");
}

/* Clamping does not change what a key does, and it is what RFC 7748 section 5 says. */
Test(x25519, clamp)
{
	uint8_t raw[WG_KEY_LEN], clamped[WG_KEY_LEN], a[WG_KEY_LEN], b[WG_KEY_LEN];

	memset(raw, 0xff, sizeof(raw));
	memcpy(clamped, raw, sizeof(raw));
	x25519_clamp(clamped);
	cr_expect_eq(clamped[0], 0xf8);
	cr_expect_eq(clamped[31], 0x7f);
	cr_expect_arr_eq(clamped + 1, raw + 1, 30);
	memset(clamped, 0, sizeof(clamped));
	x25519_clamp(clamped);
	cr_expect_eq(clamped[0], 0);
	cr_expect_eq(clamped[31], 0x40);

	memcpy(clamped, raw, sizeof(raw));
	x25519_clamp(clamped);
	cr_expect(x25519_public(a, raw));
	cr_expect(x25519_public(b, clamped));
	cr_expect_arr_eq(a, b, sizeof(a));
}

/* Every encoding of every point of low order, on the curve and on its twist. */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
};

Test(x25519, low_order)
{
	static const uint8_t zeros[WG_KEY_LEN];
	uint8_t key[WG_KEY_LEN], peer[WG_KEY_LEN], out[WG_KEY_LEN];

	bytes_run(key, sizeof(key), 0x33);
	for (unsigned int i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++) {
		for (unsigned int top = 0; top <= 0x80; top += 0x80) {	/* the bit to be ignored */
			hex_bytes(peer, sizeof(peer), low_order[i]);
			peer[31] |= (uint8_t)top;
			memset(out, 0xaa, sizeof(out));
			cr_expect_not(x25519_shared(out, key, peer), "%s", low_order[i]);
			cr_expect_arr_eq(out, zeros, sizeof(out));
		}
	}
	cr_expect_eq(ERR_peek_error(), 0, "no error left in libcrypto's queue");
}

/* Several at once are what they are one by one; one that is bad spoils all. */
Test(x25519, derive_many)
{
	static const uint8_t zeros[3][WG_KEY_LEN];
	uint8_t key[WG_KEY_LEN], other[3][WG_KEY_LEN], own[WG_KEY_LEN], got[3][WG_KEY_LEN], want[WG_KEY_LEN];
	const uint8_t *peers[3];

	bytes_run(key, sizeof(key), 0x51);
	for (unsigned int i = 0; i < 3; i++) {
		bytes_run(want, sizeof(want), 0x10 + i);
		cr_assert(x25519_public(other[i], want));
		peers[i] = other[i];
	}
	cr_assert(x25519_derive(own, got, key, peers, 3));
	cr_assert(x25519_public(want, key));
	cr_expect_arr_eq(own, want, sizeof(own));
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert(x25519_shared(want, key, peers[i]));
		cr_expect_arr_eq(got[i], want, sizeof(want), "peer %u", i);
	}
	memset(other[1], 0, WG_KEY_LEN);
	cr_expect_not(x25519_derive(own, got, key, peers, 3));
	cr_expect_arr_eq(own, zeros, sizeof(own));
	cr_expect_arr_eq(got, zeros, sizeof(got));
}

/* A key that is kept does not get in the way of another. */
Test(x25519, keys_that_are_kept)
{
	uint8_t key[2][WG_KEY_LEN], peer[WG_KEY_LEN], out[WG_KEY_LEN], want[WG_KEY_LEN], zeros[WG_KEY_LEN] = { 0 };

	bytes_run(key[0], WG_KEY_LEN, 0x20);
	bytes_run(key[1], WG_KEY_LEN, 0x40);
	bytes_run(want, sizeof(want), 0x60);
	cr_assert(x25519_public(peer, want));
	for (unsigned int i = 0; i < 8; i++) {
		if (i == 5)
			x25519_forget();
		cr_assert(x25519_shared(want, key[i / 2 % 2], peer));
		cr_assert(x25519_shared_static(out, key[i / 2 % 2], peer));
		cr_expect_arr_eq(out, want, sizeof(out), "%u", i);
		memset(out, 0xaa, sizeof(out));
		cr_expect_not(x25519_shared_static(out, key[i / 2 % 2], zeros));
		cr_expect_arr_eq(out, zeros, sizeof(out));
	}
	cr_expect_eq(ERR_peek_error(), 0);
}
