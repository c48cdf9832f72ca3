/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_utf8.h"

size_t conf_utf8_char(const char *s, size_t len, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char first = len ? (unsigned char)s[0] : 0x80;
	size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;

	if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || len <= more)
		return 0;
	*c = more == 0 ? first : first & 0x3fu >> more;
	for (size_t i = 1; i <= more; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	return *c < least[more] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : more + 1;
}

bool conf_utf8_is_printable(uint32_t c)
{
	return c >= ' ' && !(c >= 0x7f && c <= 0x9f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069) && c != 0xfeff && c <= 0x10ffff;
}
