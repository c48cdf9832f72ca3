/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of a page of metrics: numbers, names, labels. Nothing but text; any thread. */
#include "metrics_text.h"

#include <string.h>

const char *const metrics_content_type[2] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};

static void add(struct metrics_line *l, const char *text, size_t len)
{
	const size_t room = sizeof(l->text) - l->len;

	if (len > room)
		len = room;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

void metrics_str(struct metrics_line *l, const char *text)
{
	add(l, text, strlen(text));
}

/* The last `digits` at least, with zeros in front. */
static void add_number(struct metrics_line *l, uint64_t n, unsigned int digits)
{
	char text[20];
	unsigned int at = sizeof(text);

	do {
		text[--at] = '0' + n % 10;
		n /= 10;
	} while (n || sizeof(text) - at < digits);
	add(l, text + at, sizeof(text) - at);
}

void metrics_u64(struct metrics_line *l, uint64_t n)
{
	add_number(l, n, 1);
}

void metrics_seconds(struct metrics_line *l, uint64_t seconds, uint32_t nanoseconds)
{
	add_number(l, seconds, 1);
	add(l, ".", 1);
	add_number(l, nanoseconds, 9);
}

/* How many bytes the character at `s` has; 0: it is none. */
static size_t utf8_len(const uint8_t *s, size_t len)
{
	/* by the first byte: how many, and what the second may be (RFC 3629 section 4) */
	static const struct {
		uint8_t first, last, n, low, high;
	} kinds[] = {
		{ 0x01, 0x7f, 1, 0x80, 0xbf }, { 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
		{ 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (s[0] < kinds[k].first || s[0] > kinds[k].last)
			continue;
		if (kinds[k].n > len || (kinds[k].n > 1 && (s[1] < kinds[k].low || s[1] > kinds[k].high)))
			return 0;
		for (size_t b = 2; b < kinds[k].n; b++)
			if ((s[b] & 0xc0) != 0x80)
				return 0;
		return kinds[k].n;
	}
	return 0;
}

void metrics_escape(struct metrics_line *l, const char *value, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_len((const uint8_t *)value + at, len - at);
		if (at + (n ? n : 1) > METRICS_LABEL_MAX)
			return;
		if (!n) {
			n = 1;
			metrics_str(l, "\xef\xbf\xbd");
		} else if (value[at] == '\n') {
			metrics_str(l, "\\n");
		} else {
			if (value[at] == '"' || value[at] == '\\')
				add(l, "\\", 1);
			add(l, value + at, n);
		}
	}
}

static const char *suffix(enum metrics_type type)
{
	return type == METRICS_COUNTER ? "_total" : type == METRICS_INFO ? "_info" : "";
}

static void header_line(struct metrics_line *l, const struct metrics_name *n, bool openmetrics, const char *what, const char *text)
{
	metrics_str(l, "# ");
	metrics_str(l, what);
	metrics_str(l, n->name);
	if (!openmetrics)	/* which calls the family as its samples */
		metrics_str(l, suffix(n->type));
	metrics_str(l, " ");
	metrics_str(l, text);
	metrics_str(l, "\n");
}

void metrics_header(struct metrics_line *l, const struct metrics_name *n, bool openmetrics)
{
	static const char *const type[] = { [METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge", [METRICS_INFO] = "info" };

	header_line(l, n, openmetrics, "HELP ", n->help);
	header_line(l, n, openmetrics, "TYPE ", n->type == METRICS_INFO && !openmetrics ? "gauge" : type[n->type]);
	if (openmetrics && *n->unit)
		header_line(l, n, openmetrics, "UNIT ", n->unit);
}

void metrics_begin(struct metrics_line *l, const struct metrics_name *n)
{
	metrics_str(l, n->name);
	metrics_str(l, suffix(n->type));
	metrics_str(l, "{");
}

static void label_begin(struct metrics_line *l, const char *name)
{
	if (l->len && l->text[l->len - 1] != '{')
		metrics_str(l, ",");
	metrics_str(l, name);
	metrics_str(l, "=\"");
}

void metrics_label(struct metrics_line *l, const char *name, const char *value)
{
	label_begin(l, name);
	metrics_escape(l, value, strlen(value));
	metrics_str(l, "\"");
}

void metrics_label_u64(struct metrics_line *l, const char *name, uint64_t value)
{
	label_begin(l, name);
	metrics_u64(l, value);
	metrics_str(l, "\"");
}

void metrics_end(struct metrics_line *l)
{
	metrics_str(l, "} ");
}
