/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BLAKE2s and what is built on it. "abc" is RFC 7693 appendix B; the rest was computed with
 * Python's hashlib.blake2s and hmac over runs of bytes 00, 01, 02, ...
 */
#include <pthread.h>

#include "threaded.h"

#include "hash.h"
#include "hex.h"

struct known {
	size_t len;
	const char *hex;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Test(hash, blake2s_rfc7693)
{
	const struct hash_piece abc = { "abc", 3 };
	uint8_t out[WG_HASH_LEN];

	hash_blake2s(out, &abc, 1);
	hex_expect(out, sizeof(out),
		   "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", "abc");
}

Test(hash, blake2s_known)
{
	static const struct known known[] = {
		{ 0, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9" },
		{ 1, "e34d74dbaf4ff4c6abd871cc220451d2ea2648846c7757fbaac82fe51ad64bea" },
		{ 63, "e57cb79487dd57902432b250733813bd96a84efce59f650fac26e6696aefafc3" },
		{ 64, "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e" },
		{ 65, "1b53ee94aaf34e4b159d48de352c7f0661d0a40edff95a0b1639b4090e974472" },
		{ 128, "1fa877de67259d19863a2a34bcc6962a2b25fcbf5cbecd7ede8f1fa36688a796" },
		{ 1000, "b5f9d7799111edafc9326fbf667be98140b5e20ce5e151793c59125bf654ac18" },
	};
	uint8_t in[1000], out[WG_HASH_LEN];

	bytes_run(in, sizeof(in), 0);
	for (unsigned int i = 0; i < COUNT(known); i++) {
		/* However it is cut into pieces. */
		for (size_t cut = 0; cut <= known[i].len; cut += known[i].len / 7 + 1) {
			const struct hash_piece pieces[] = {
				{ in, cut }, { in + cut, known[i].len - cut },
			};

			hash_blake2s(out, pieces, 2);
			hex_expect(out, sizeof(out), known[i].hex, "blake2s");
		}
	}
}

Test(hash, blake2s_overlapping)
{
	uint8_t hash[WG_HASH_LEN], copy[WG_HASH_LEN], apart[WG_HASH_LEN];
	const struct hash_piece in_place[] = { { hash, sizeof(hash) }, { "x", 1 } };
	const struct hash_piece elsewhere[] = { { copy, sizeof(copy) }, { "x", 1 } };

	bytes_run(hash, sizeof(hash), 7);
	bytes_run(copy, sizeof(copy), 7);
	hash_blake2s(hash, in_place, 2);
	hash_blake2s(apart, elsewhere, 2);
	cr_assert_arr_eq(hash, apart, sizeof(hash));
}

Test(hash, mac_known)
{
	static const struct known by_32[] = {
		{ 0, "9536f9b267655743dee97b8a670f9f53" },
		{ 1, "13bacfb85b48a1223c595f8c1e7e82cb" },
		{ 64, "f1efa90d2547036841ecd3627fafbc36" },
		{ 116, "072e94ffbfc684bd8ab2a1b9dade2fd5" },
		{ 132, "6d19534b4c332741c8ddd79a9644de2d" },
	};
	static const struct known by_16[] = {
		{ 0, "af4e5d3bb230e9ff9096ca6f7c501f76" },
		{ 132, "b03d1196bdcfaad40f911db86b79ac7e" },
	};
	uint8_t in[132], key[WG_KEY_LEN], out[WG_MAC_LEN];

	bytes_run(in, sizeof(in), 0);
	bytes_run(key, sizeof(key), 0);
	for (unsigned int i = 0; i < COUNT(by_32); i++) {
		hash_mac(out, key, 32, in, by_32[i].len);
		hex_expect(out, sizeof(out), by_32[i].hex, "mac, 32-byte key");
	}
	for (unsigned int i = 0; i < COUNT(by_16); i++) {
		hash_mac(out, key, 16, in, by_16[i].len);
		hex_expect(out, sizeof(out), by_16[i].hex, "mac, 16-byte key");
	}
}

Test(hash, hmac_known)
{
	static const struct known known[] = {
		{ 0, "33c590bd38f944d93c4a1ee5d30c257268c8f275511c94ab3e10904bd9a3c5f2" },
		{ 1, "30d00ceb80c3a512f5711a73567423fa2e62b3a894040420c31fa3bbf6a61750" },
		{ 32, "9fe9918df81e3c9173d494cb477cadbe4ac485da08afa2220caae25eed210c40" },
		{ 100, "0db0d08ef9e4a3a92439e2da7ab70331238480d55a74255a6c0de6011db86fa1" },
	};
	uint8_t in[100], key[WG_HASH_LEN], out[WG_HASH_LEN];

	bytes_run(in, sizeof(in), 0);
	bytes_run(key, sizeof(key), 0x20);
	for (unsigned int i = 0; i < COUNT(known); i++) {
		const struct hash_piece pieces[] = {
			{ in, known[i].len / 2 },
			{ in + known[i].len / 2, known[i].len - known[i].len / 2 },
		};

		hash_hmac(out, key, pieces, 2);
		hex_expect(out, sizeof(out), known[i].hex, "hmac");
	}
}

Test(hash, kdf_known)
{
	static const char *const of_run[] = {
		"d2aa750097fbd33df9d3d2ee34127c45a386fa3ba78b60723042dc33eeda7895",
		"c37ffe69d26fcd634c6321fd895912682612d7e26ab818df3c30140bb777062d",
		"68746cee7f19970be00463b89041f49eb50a123b3f90265b3bba97a135635a55",
	};
	static const char *const of_nothing[] = {
		"edcecb1a0cc02ff01447bb4793064e96cc1b20aa9494f93b1f9bd9f2c11a6f76",
		"ec34197582568cdad8365e943217a33e3963d550a74da11532a4ee5de1e64fe4",
		"e0696412446de30973b97d6922de83fb0958cfa68efbc54822e21578c61b80a5",
	};
	uint8_t key[WG_HASH_LEN], in[32], t1[32], t2[32], t3[32];

	bytes_run(key, sizeof(key), 0x60);
	bytes_run(in, sizeof(in), 0x80);
	hash_kdf(t1, t2, t3, key, in, sizeof(in));
	hex_expect(t1, 32, of_run[0], "kdf3, t1");
	hex_expect(t2, 32, of_run[1], "kdf3, t2");
	hex_expect(t3, 32, of_run[2], "kdf3, t3");
	hash_kdf(t1, t2, t3, key, NULL, 0);
	hex_expect(t1, 32, of_nothing[0], "kdf3 of nothing, t1");
	hex_expect(t2, 32, of_nothing[1], "kdf3 of nothing, t2");
	hex_expect(t3, 32, of_nothing[2], "kdf3 of nothing, t3");

	memset(t2, 0, sizeof(t2));
	hash_kdf(t1, t2, NULL, key, in, sizeof(in));
	hex_expect(t2, 32, of_run[1], "kdf2, t2");
	hash_kdf(key, NULL, NULL, key, in, sizeof(in));
	hex_expect(key, 32, of_run[0], "kdf1, in place of its key");
}

/* The first use fetches the algorithms: here from several threads at once (for TSan). */
static void *first_use(void *arg)
{
	const struct hash_piece abc = { "abc", 3 };

	hash_blake2s(arg, &abc, 1);
	return NULL;
}

Test(hash, threads)
{
	uint8_t out[4][WG_HASH_LEN];
	pthread_t thread[4];

	for (unsigned int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, first_use, out[i]), 0);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int i = 1; i < 4; i++)
		cr_assert_arr_eq(out[i], out[0], WG_HASH_LEN);
}
