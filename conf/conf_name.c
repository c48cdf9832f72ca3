/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_name.h"

#include <stdint.h>
#include <string.h>

#include "conf.h"
#include "conf_utf8.h"

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bare, with white space in it, or in the midst of other text; the last sign is mere padding. */
static bool could_be_key(struct conf_text t)
{
	uint8_t key[CONF_KEY_LEN];
	char s[CONF_KEY_B64_LEN + 1];
	size_t run = 0;
	bool is_key;

	for (size_t i = 0; i < t.len && run < CONF_KEY_B64_LEN - 1; i++)
		run = is_alnum(t.s[i]) || t.s[i] == '+' || t.s[i] == '/' ? run + 1 : 0;
	is_key = run == CONF_KEY_B64_LEN - 1;
	if (conf_text_squeeze(s, sizeof(s), t) && conf_key_decode(key, s, strlen(s)))
		is_key = true;
	explicit_bzero(s, sizeof(s));
	explicit_bzero(key, sizeof(key));
	return is_key;
}

/* Printable with a letter or digit in it, those beyond ASCII taken for letters; *t is cut to length. */
static bool text_cut_to_name(struct conf_text *t)
{
	struct conf_text rest = *t;
	bool letters = false;
	size_t len = 0;

	while (rest.len > 0) {
		uint32_t c;
		size_t n = conf_utf8_char(rest.s, rest.len, &c);

		if (n == 0 || !conf_utf8_is_printable(c))
			return false;
		rest.s += n;
		rest.len -= n;
		letters = letters || c >= 0x80 || is_alnum((char)c);
		if (t->len - rest.len <= CONF_NAME_LEN)
			len = t->len - rest.len;
	}
	*t = conf_text_trim((struct conf_text){ t->s, len });
	return letters && t->len > 0;
}

struct conf_text conf_name_find(struct conf_text comment)
{
	static const struct conf_text none = { "", 0 };
	struct conf_text value, key;

	while (comment.len > 0 && (comment.s[0] == '#' || conf_text_is_space(comment.s[0]))) {
		comment.s++;
		comment.len--;
	}
	value = comment;
	if (conf_text_cut(&value, '=', &key)) {
		if (!conf_text_is(key, "Name") && !conf_text_is(key, "friendly_name"))
			return none;
		comment = value;
	}
	comment = conf_text_trim(comment);
	/* before and after: what is cut off may have been all that told it from one */
	if (could_be_key(comment) || !text_cut_to_name(&comment) || could_be_key(comment))
		return none;
	return comment;
}
