/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 by table and bit counting: slow, plain, and nothing like the code under test. */
static void naive_encode(char out[CONF_KEY_B64_LEN + 1], const uint8_t key[CONF_KEY_LEN])
{
	for (size_t i = 0; i < 43; i++) {
		unsigned int v = 0;

		for (size_t bit = 6 * i; bit < 6 * i + 6; bit++)
			v = 2 * v + (bit < 256 ? key[bit / 8] >> (7 - bit % 8) & 1u : 0u);
		out[i] = alphabet[v];
	}
	strcpy(out + 43, "=");
}

static bool is_zero(const uint8_t key[CONF_KEY_LEN])
{
	static const uint8_t zero[CONF_KEY_LEN];

	return memcmp(key, zero, CONF_KEY_LEN) == 0;
}

static const char sample[] = "aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124=";

Test(key, known)
{
	static const uint8_t expected[CONF_KEY_LEN] = {
		0x68, 0x68, 0xbc, 0x56, 0xe7, 0x1d, 0x40, 0x6f, 0x61, 0xf6, 0xc5,
		0x87, 0x57, 0x68, 0xd9, 0x4f, 0x92, 0x66, 0x01, 0x76, 0x69, 0xc9,
		0xa7, 0x53, 0x3c, 0x99, 0x55, 0xe0, 0x14, 0xb5, 0xd7, 0x6e,
	};
	char text[CONF_KEY_B64_LEN + 1];
	uint8_t key[CONF_KEY_LEN];

	cr_assert(conf_key_decode(key, sample, 44));
	cr_assert_arr_eq(key, expected, CONF_KEY_LEN);
	conf_key_encode(text, expected);
	cr_assert_str_eq(text, sample);
}

Test(key, every_byte_at_every_position)
{
	char text[CONF_KEY_B64_LEN + 1], expected[CONF_KEY_B64_LEN + 1];
	uint8_t key[CONF_KEY_LEN], back[CONF_KEY_LEN];

	for (size_t at = 0; at < CONF_KEY_LEN; at++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			memset(key, byte & 1 ? 0x55 : 0xaa, sizeof(key));
			key[at] = (uint8_t)byte;
			naive_encode(expected, key);
			conf_key_encode(text, key);
			cr_assert_str_eq(text, expected, "byte %zu = %u", at, byte);
			cr_assert(conf_key_decode(back, text, 44), "byte %zu = %u", at, byte);
			cr_assert_arr_eq(back, key, CONF_KEY_LEN);
		}
	}
}

/* Whatever stands at a position: either of the alphabet and the same comes back, or refused and the
 * key wiped. */
Test(key, every_character_at_every_position)
{
	char text[CONF_KEY_B64_LEN + 1], again[CONF_KEY_B64_LEN + 1];
	uint8_t key[CONF_KEY_LEN];

	for (size_t at = 0; at < CONF_KEY_B64_LEN; at++) {
		for (int c = 0; c < 256; c++) {
			const char *symbol = c ? strchr(alphabet, c) : NULL;
			bool good = at < 43 ? symbol != NULL : c == '=';

			if (good && at == 42)	/* four bits of key, two that must be zero */
				good = (symbol - alphabet) % 4 == 0;
			strcpy(text, sample);
			text[at] = (char)c;
			memset(key, 0xee, sizeof(key));
			cr_assert_eq(conf_key_decode(key, text, 44), good, "character %d at %zu", c,
				     at);
			if (good) {
				conf_key_encode(again, key);
				cr_assert_arr_eq(again, text, 45);
			} else {
				cr_assert(is_zero(key), "character %d at %zu", c, at);
			}
		}
	}
}

Test(key, wrong_lengths)
{
	char text[101];
	uint8_t key[CONF_KEY_LEN];

	memset(text, 'A', sizeof(text));
	for (size_t len = 0; len <= 100; len++) {
		if (len == 44)
			continue;
		if (len > 0)
			text[len - 1] = '=';
		memset(key, 0xee, sizeof(key));
		cr_assert_not(conf_key_decode(key, text, len), "length %zu", len);
		cr_assert(is_zero(key), "length %zu", len);
		if (len > 0)
			text[len - 1] = 'A';
	}
}

Test(key, padding)
{
	uint8_t key[CONF_KEY_LEN];

	cr_assert_not(conf_key_decode(key, "aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS112==", 44));
	cr_assert_not(conf_key_decode(key, "=aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124", 44));
	cr_assert_not(conf_key_decode(key, "aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS11244", 44));
}

Test(key, round_trip)
{
	char text[CONF_KEY_B64_LEN + 1], expected[CONF_KEY_B64_LEN + 1];
	uint8_t key[CONF_KEY_LEN], back[CONF_KEY_LEN];

	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(getrandom(key, sizeof(key), 0), (ssize_t)sizeof(key));
		conf_key_encode(text, key);
		naive_encode(expected, key);
		cr_assert_str_eq(text, expected);
		cr_assert(conf_key_decode(back, text, strlen(text)));
		cr_assert_arr_eq(back, key, CONF_KEY_LEN);
	}
}
