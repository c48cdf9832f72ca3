/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads an Accept field: media ranges with commas between them, each with parameters behind semicolons, of which `version` and the weight `q`
 * matter here. Values may be quoted. What cannot be read counts as not being there.
 */
#include <string.h>
#include <strings.h>

#include "metrics_text.h"

/* A stretch of the field. */
struct part {
	const char *at, *end;
};

/* What comes up to the next `separator` outside of quotes, without space around it; *from is behind it then. */
static struct part next_part(const char **from, const char *end, char separator)
{
	struct part p = { .at = *from };
	bool quoted = false;
	const char *c = *from;

	for (; c < end && (quoted || *c != separator); c++) {
		if (*c == '"')
			quoted = !quoted;
		else if (quoted && *c == '\\' && c + 1 < end)
			c++;
	}
	*from = c < end ? c + 1 : end;
	p.end = c;
	while (p.at < p.end && strchr(" \t", *p.at))
		p.at++;
	while (p.at < p.end && strchr(" \t", p.end[-1]))
		p.end--;
	return p;
}

static bool is(struct part p, const char *text)
{
	return (size_t)(p.end - p.at) == strlen(text) && strncasecmp(p.at, text, p.end - p.at) == 0;
}

/* A weight in thousandths; what is none is 0. */
static unsigned int weight(struct part p)
{
	unsigned int q = 0, scale = 1000;

	if (p.at == p.end || (*p.at != '0' && *p.at != '1') || p.end - p.at > 5 || (p.end - p.at > 1 && p.at[1] != '.'))
		return 0;
	for (const char *c = p.at; c < p.end; c++) {
		if (c == p.at + 1)
			continue;
		if (*c < '0' || *c > '9')
			return 0;
		q += (*c - '0') * scale;
		scale /= 10;
	}
	return q <= 1000 ? q : 0;
}

/* The parameters from `at` on. Returns the weight; 0 also for a version other than `version` (NULL: any). */
static unsigned int parameters(const char *at, const char *end, const char *version)
{
	unsigned int q = 1000;

	while (at < end) {
		struct part name, value = next_part(&at, end, ';');

		name = next_part(&value.at, value.end, '=');
		value = next_part(&value.at, value.end, '\0');
		if (value.end - value.at >= 2 && *value.at == '"' && value.end[-1] == '"') {
			value.at++;
			value.end--;
		}
		if (is(name, "q"))
			q = weight(value);
		else if (is(name, "version") && version && !is(value, version))
			return 0;
	}
	return q;
}

bool metrics_wants_openmetrics(const char *accept)
{
	unsigned int openmetrics = 0, text = 0, q;
	const char *end;

	if (!accept)
		return false;
	end = accept + strlen(accept);
	while (accept < end) {
		struct part range = next_part(&accept, end, ',');
		struct part type = next_part(&range.at, range.end, ';');

		if (is(type, "application/openmetrics-text")) {
			q = parameters(range.at, range.end, "1.0.0");
			openmetrics = q > openmetrics ? q : openmetrics;
		} else if (is(type, "text/plain")) {
			q = parameters(range.at, range.end, NULL);
			text = q > text ? q : text;
		}
	}
	return openmetrics && openmetrics >= text;
}
