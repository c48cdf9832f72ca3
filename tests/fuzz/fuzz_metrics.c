/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target for what of metrics is parsing or escaping of ours: the Accept field and label values. The first byte chooses.
 *
 * Accept: an independent reading of simple fields (no quotes) must agree. A label: what is escaped is UTF-8 without bare quotes or
 * newlines, and unescaped it is the value again, but for what was no UTF-8. UTF-8 is judged by the C library.
 */
#include "metrics_text.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

/* The character at s by the C library; 0: none. */
static size_t character(const char *s, size_t len)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, s, len, &state);

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		return 0;
	return (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ? 0 : n;
}

static void check_label(const char *value, size_t len)
{
	struct metrics_line l = { .len = 0 };
	size_t at = 0, in = 0;

	metrics_escape(&l, value, len);
	CHECK(l.len < sizeof(l.text));
	while (at < l.len) {
		const size_t valid = character(value + in, len - in);
		char c = l.text[at];

		CHECK(in < len && c != '"' && c != '\n');
		if (!valid) {
			CHECK(l.len - at >= 3 && memcmp(l.text + at, "\xef\xbf\xbd", 3) == 0);
			at += 3;
			in++;
		} else if (c == '\\') {
			CHECK(at + 1 < l.len && valid == 1);
			c = l.text[at + 1];
			CHECK(c == 'n' ? value[in] == '\n' : (c == '"' || c == '\\') && value[in] == c);
			at += 2;
			in++;
		} else {
			CHECK(at + valid <= l.len && memcmp(l.text + at, value + in, valid) == 0);
			at += valid;
			in += valid;
		}
	}
	/* All of it, or as many whole characters as fit. */
	CHECK(in <= METRICS_LABEL_MAX);
	if (in < len) {
		size_t next = character(value + in, len - in);

		CHECK(in + (next ? next : 1) > METRICS_LABEL_MAX);
	}
}

/* The weight of one media range without quotes, -1: it is another type. Works on a copy of its own. */
static int weight_of(char *range, const char *type, const char *version)
{
	char *rest = range, *part, *name;
	int q = 1000;

	part = strsep(&rest, ";");
	part += strspn(part, " \t");
	for (size_t n = strlen(part); n && strchr(" \t", part[n - 1]);)
		part[--n] = 0;
	if (strcasecmp(part, type))
		return -1;
	while (rest && (part = strsep(&rest, ";"))) {
		name = strsep(&part, "=");
		name += strspn(name, " \t");
		for (size_t n = strlen(name); n && strchr(" \t", name[n - 1]);)
			name[--n] = 0;
		part = part ? part + strspn(part, " \t") : name + strlen(name);
		for (size_t n = strlen(part); n && strchr(" \t", part[n - 1]);)
			part[--n] = 0;
		if (strcasecmp(name, "version") == 0 && version && strcasecmp(part, version))
			return 0;
		if (strcasecmp(name, "q") == 0) {
			const size_t n = strlen(part);

			q = 0;
			if (n && n <= 5 && strchr("01", *part) && (n == 1 || part[1] == '.') && strspn(part + (n > 1) * 2, "0123456789") == n - (n > 1) * 2)
				q = (int)(strtod(part, NULL) * 1000 + 0.5);
			if (q > 1000)
				q = 0;
		}
	}
	return q;
}

static void check_accept(const uint8_t *data, size_t size)
{
	char *field = malloc(size + 1), *copy, *rest, *range, *again;
	int openmetrics = 0, text = 0, q;
	bool wanted;

	CHECK(field);
	memcpy(field, data, size);
	field[size] = 0;
	wanted = metrics_wants_openmetrics(field);
	CHECK(!wanted || strcasestr(field, "application/openmetrics-text"));
	if (!strchr(field, '"')) {
		copy = rest = strdup(field);
		while ((range = strsep(&rest, ","))) {
			again = strdup(range);
			q = weight_of(range, "application/openmetrics-text", "1.0.0");
			openmetrics = q > openmetrics ? q : openmetrics;
			q = weight_of(again, "text/plain", NULL);
			text = q > text ? q : text;
			free(again);
		}
		free(copy);
		CHECK(wanted == (openmetrics && openmetrics >= text));
	}
	free(field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;

	if (!started)
		CHECK(setlocale(LC_CTYPE, "C.UTF-8"));
	started = true;
	if (!size)
		return 0;
	if (*data % 2)
		check_accept(data + 1, size - 1);
	else
		check_label((const char *)data + 1, size - 1);
	return 0;
}
