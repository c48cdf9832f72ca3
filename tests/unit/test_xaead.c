/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One-message AEADs: ChaCha20-Poly1305 against RFC 8439 (2.8.2, A.5), HChaCha20 and
 * XChaCha20-Poly1305 against draft-irtf-cfrg-xchacha-03 (2.2.1, A.3.1).
 */
#include <criterion/criterion.h>

#include "chapoly.h"
#include "hex.h"
#include "xaead.h"

static const char sunscreen[] =
	"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
	"future, sunscreen would be it.";

enum { SUNSCREEN_LEN = sizeof(sunscreen) - 1, AD_LEN = 12 };

static const char ad_hex[] = "50515253c0c1c2c3c4c5c6c7";

Test(chapoly, rfc8439_section_2_8_2)
{
	static const char sealed_hex[] =
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116"
		"1ae10b594f09e26a7e902ecbd0600691";
	uint8_t key[WG_KEY_LEN], nonce[CHAPOLY_NONCE_LEN], ad[AD_LEN];
	uint8_t sealed[SUNSCREEN_LEN + WG_TAG_LEN], opened[SUNSCREEN_LEN];

	bytes_run(key, sizeof(key), 0x80);
	hex_bytes(nonce, sizeof(nonce), "070000004041424344454647");
	hex_bytes(ad, sizeof(ad), ad_hex);
	cr_expect(chapoly_seal(sealed, key, nonce, ad, sizeof(ad), sunscreen, SUNSCREEN_LEN));
	hex_expect(sealed, sizeof(sealed), sealed_hex, "sealed");
	cr_expect(chapoly_open(opened, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
	cr_expect_arr_eq(opened, sunscreen, SUNSCREEN_LEN);
}

Test(chapoly, every_byte_counts)
{
	static const uint8_t zeros[SUNSCREEN_LEN];
	uint8_t key[WG_KEY_LEN], nonce[CHAPOLY_NONCE_LEN] = { 0 }, ad[WG_HASH_LEN];
	uint8_t sealed[SUNSCREEN_LEN + WG_TAG_LEN], opened[SUNSCREEN_LEN];

	bytes_run(key, sizeof(key), 1);
	bytes_run(ad, sizeof(ad), 2);
	cr_assert(chapoly_seal(sealed, key, nonce, ad, sizeof(ad), sunscreen, SUNSCREEN_LEN));
	for (unsigned int i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		memset(opened, 0xaa, sizeof(opened));
		cr_expect_not(chapoly_open(opened, key, nonce, ad, sizeof(ad), sealed,
					   sizeof(sealed)), "byte %u", i);
		cr_expect_arr_eq(opened, zeros, sizeof(opened), "nothing unauthenticated");
		sealed[i] ^= 1;
	}
	for (unsigned int i = 0; i < sizeof(ad); i++) {
		ad[i] ^= 1;
		cr_expect_not(chapoly_open(opened, key, nonce, ad, sizeof(ad), sealed,
					   sizeof(sealed)), "additional byte %u", i);
		ad[i] ^= 1;
	}
	cr_expect(chapoly_open(opened, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
}

Test(chapoly, empty_and_short)
{
	uint8_t key[WG_KEY_LEN], nonce[CHAPOLY_NONCE_LEN], sealed[WG_TAG_LEN], nothing[1];

	hex_bytes(key, sizeof(key),
		  "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
	hex_bytes(nonce, sizeof(nonce), "000000000102030405060708");
	cr_expect(chapoly_seal(sealed, key, nonce, NULL, 0, NULL, 0));
	hex_expect(sealed, sizeof(sealed), "11f42c5c33f24b70d45e8126aec859be", "tag of nothing");
	cr_expect(chapoly_open(nothing, key, nonce, NULL, 0, sealed, sizeof(sealed)));
	for (size_t len = 0; len < WG_TAG_LEN; len++)
		cr_expect_not(chapoly_open(nothing, key, nonce, NULL, 0, sealed, len));
}

Test(xaead, hchacha20_draft_2_2_1)
{
	uint8_t key[WG_KEY_LEN], nonce[XAEAD_HCHACHA_NONCE_LEN], out[WG_KEY_LEN];

	bytes_run(key, sizeof(key), 0);
	hex_bytes(nonce, sizeof(nonce), "000000090000004a0000000031415927");
	cr_expect(xaead_hchacha20(out, key, nonce));
	hex_expect(out, sizeof(out),
		   "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc", "HChaCha20");
}

Test(xaead, draft_a_3_1)
{
	static const char sealed_hex[] =
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
		"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
		"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
		"21f9664c97637da9768812f615c68b13b52e"
		"c0875924c1c7987947deafd8780acf49";
	uint8_t key[WG_KEY_LEN], nonce[WG_COOKIE_NONCE_LEN], ad[AD_LEN];
	uint8_t sealed[SUNSCREEN_LEN + WG_TAG_LEN], opened[SUNSCREEN_LEN];

	bytes_run(key, sizeof(key), 0x80);
	bytes_run(nonce, sizeof(nonce), 0x40);
	hex_bytes(ad, sizeof(ad), ad_hex);
	cr_expect(xaead_seal(sealed, key, nonce, ad, sizeof(ad), sunscreen, SUNSCREEN_LEN));
	hex_expect(sealed, sizeof(sealed), sealed_hex, "sealed");
	cr_expect(xaead_open(opened, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
	cr_expect_arr_eq(opened, sunscreen, SUNSCREEN_LEN);
	for (unsigned int i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 0x80;
		cr_expect_not(xaead_open(opened, key, nonce, ad, sizeof(ad), sealed,
					 sizeof(sealed)), "nonce byte %u", i);
		nonce[i] ^= 0x80;
	}
	cr_expect_not(xaead_open(opened, key, nonce, ad, sizeof(ad), sealed, WG_TAG_LEN - 1));
}
