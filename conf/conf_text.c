/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_text.h"

#include <string.h>

bool conf_text_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

struct conf_text conf_text_trim(struct conf_text t)
{
	while (t.len > 0 && conf_text_is_space(t.s[0])) {
		t.s++;
		t.len--;
	}
	while (t.len > 0 && conf_text_is_space(t.s[t.len - 1]))
		t.len--;
	return t;
}

bool conf_text_cut(struct conf_text *t, char sep, struct conf_text *head)
{
	const char *at = t->len > 0 ? memchr(t->s, sep, t->len) : NULL;

	*head = *t;
	if (!at) {
		t->s += t->len;
		t->len = 0;
		return false;
	}
	head->len = (size_t)(at - t->s);
	t->s += head->len + 1;
	t->len -= head->len + 1;
	return true;
}

bool conf_text_word(struct conf_text *t, char sep, struct conf_text *word)
{
	size_t start = 0;
	size_t end;

	while (start < t->len && (conf_text_is_space(t->s[start]) || t->s[start] == sep))
		start++;
	for (end = start; end < t->len; end++) {
		if (conf_text_is_space(t->s[end]) || t->s[end] == sep)
			break;
	}
	word->s = t->s + start;
	word->len = end - start;
	t->s += end;
	t->len -= end;
	return word->len > 0;
}

bool conf_text_is(struct conf_text t, const char *word)
{
	for (size_t i = 0; i < t.len; i++) {
		if (conf_text_is_space(t.s[i]))
			continue;
		if (*word == '\0' || lower(t.s[i]) != lower(*word))
			return false;
		word++;
	}
	return *word == '\0';
}

bool conf_text_squeeze(char *out, size_t size, struct conf_text t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		if (conf_text_is_space(t.s[i]))
			continue;
		if (n + 1 == size) {
			explicit_bzero(out, size);
			return false;
		}
		out[n++] = t.s[i];
	}
	out[n] = '\0';
	return true;
}

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment, case aside: how many characters are to be inserted, deleted, replaced
 * or swapped with their neighbour. Both strings are at most NEAR_MAX long.
 */
enum { NEAR_MAX = 31 };

static unsigned int distance_get(const char *a, const char *b)
{
	unsigned int d[NEAR_MAX + 1][NEAR_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t i = 0; i <= na; i++) {
		for (size_t j = 0; j <= nb; j++) {
			unsigned int change;

			if (i == 0 || j == 0) {
				d[i][j] = (unsigned int)(i + j);
				continue;
			}
			change = lower(a[i - 1]) != lower(b[j - 1]);
			d[i][j] = min(min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

bool conf_text_near(struct conf_text t, const char *word, unsigned int *distance)
{
	unsigned int limit = min((unsigned int)strlen(word) / 3, 3);
	char s[NEAR_MAX + 1];

	if (!conf_text_squeeze(s, sizeof(s), t))
		return false;
	*distance = distance_get(s, word);
	return *distance <= limit;
}

struct conf_lines conf_lines_start(const char *text, size_t len)
{
	static const char bom[3] = { '\xef', '\xbb', '\xbf' };
	struct conf_lines lines = { .rest = { text, len } };

	if (len >= sizeof(bom) && memcmp(text, bom, sizeof(bom)) == 0) {
		lines.rest.s += sizeof(bom);
		lines.rest.len -= sizeof(bom);
	}
	return lines;
}

static void line_split(struct conf_line *line, struct conf_text t)
{
	struct conf_text value = t;

	if (t.len == 0) {
		line->kind = CONF_LINE_EMPTY;
	} else if (t.s[0] == '[' && t.s[t.len - 1] == ']') {
		line->kind = CONF_LINE_SECTION;
		line->name = conf_text_trim((struct conf_text){ t.s + 1, t.len - 2 });
	} else if (t.s[0] != '[' && conf_text_cut(&value, '=', &line->name)) {
		line->kind = CONF_LINE_KEY;
		line->name = conf_text_trim(line->name);
		line->value = conf_text_trim(value);
	} else {
		line->kind = CONF_LINE_BAD;
		line->name = t;
	}
}

bool conf_lines_next(struct conf_lines *lines, struct conf_line *line)
{
	struct conf_text raw, stripped;

	if (lines->rest.len == 0)
		return false;
	conf_text_cut(&lines->rest, '\n', &raw);
	*line = (struct conf_line){ .number = ++lines->number };
	if (raw.len > 0 && memchr(raw.s, '\0', raw.len)) {
		line->kind = CONF_LINE_NUL;
		return true;
	}
	conf_text_cut(&raw, '#', &stripped);
	line_split(line, conf_text_trim(stripped));
	line->comment = conf_text_trim(raw);
	return true;
}
