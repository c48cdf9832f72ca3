/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf.h"

#include <string.h>

/* All ones where lo <= c <= hi, else zero; without a branch. Arguments below 2^31. */
static uint32_t mask_range(uint32_t c, uint32_t lo, uint32_t hi)
{
	return 0u - (((lo - 1 - c) & (c - hi - 1)) >> 31);
}

static char symbol_encode(uint32_t v)
{
	uint32_t c = (mask_range(v, 0, 25) & (v + 'A')) | (mask_range(v, 26, 51) & (v - 26 + 'a')) |
		     (mask_range(v, 52, 61) & (v - 52 + '0')) | (mask_range(v, 62, 62) & '+') |
		     (mask_range(v, 63, 63) & '/');

	return (char)c;
}

/* Six bits, or all ones for a character that is not of the alphabet. */
static uint32_t symbol_decode(char symbol)
{
	uint32_t c = (unsigned char)symbol;
	uint32_t v = (mask_range(c, 'A', 'Z') & (c - 'A' + 1)) |
		     (mask_range(c, 'a', 'z') & (c - 'a' + 27)) |
		     (mask_range(c, '0', '9') & (c - '0' + 53)) | (mask_range(c, '+', '+') & 63) |
		     (mask_range(c, '/', '/') & 64);

	return v - 1;
}

void conf_key_encode(char out[CONF_KEY_B64_LEN + 1], const uint8_t key[CONF_KEY_LEN])
{
	/* 32 bytes are ten whole groups and one of two bytes, padded with a zero byte */
	for (size_t i = 0; i < 11; i++) {
		const uint8_t *in = key + 3 * i;
		uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8;

		if (i < 10)
			bits |= in[2];
		for (size_t j = 0; j < 4; j++)
			out[4 * i + j] = symbol_encode(bits >> (18 - 6 * j) & 63);
	}
	out[CONF_KEY_B64_LEN - 1] = '=';
	out[CONF_KEY_B64_LEN] = '\0';
}

bool conf_key_decode(uint8_t key[CONF_KEY_LEN], const char *text, size_t len)
{
	uint32_t bad = 0;

	if (len != CONF_KEY_B64_LEN) {
		explicit_bzero(key, CONF_KEY_LEN);
		return false;
	}
	for (size_t i = 0; i < 11; i++) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			bool padding = i == 10 && j == 3;
			uint32_t v = padding ? 0 : symbol_decode(text[4 * i + j]);

			bad |= v & ~63u;
			bits = bits << 6 | (v & 63);
		}
		key[3 * i] = (uint8_t)(bits >> 16);
		key[3 * i + 1] = (uint8_t)(bits >> 8);
		if (i < 10)
			key[3 * i + 2] = (uint8_t)bits;
		else
			bad |= bits & 0xff;	/* what the 32 bytes leave over must be zero */
	}
	bad |= (unsigned char)text[CONF_KEY_B64_LEN - 1] ^ '=';
	if (bad)
		explicit_bzero(key, CONF_KEY_LEN);
	return bad == 0;
}
