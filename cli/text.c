/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "conf_utf8.h"
#include "drop_reasons.h"

const char *text_si(char buf[TEXT_LEN], double n)
{
	static const char unit[] = " kMGTPE";
	unsigned int u = 0;

	if (!(n >= 0))	/* NaN, too */
		return strcpy(buf, "-");
	for (; n >= 999.5 && u < sizeof(unit) - 2; u++)
		n /= 1000;
	if (u == 0 && (n >= 9.95 || n < 0.05 || n == floor(n)))
		snprintf(buf, TEXT_LEN, "%.0f", n);
	else if (u == 0)
		snprintf(buf, TEXT_LEN, "%.1f", n);
	else
		snprintf(buf, TEXT_LEN, "%.*f%c", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n < 9999 ? n : 9999, unit[u]);
	return buf;
}

const char *text_bytes(char buf[TEXT_LEN], uint64_t n, const char *unit, const char *plain)
{
	static const char *const name[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned int u = 0;

	if (n < 1024) {
		snprintf(buf, TEXT_LEN, "%" PRIu64 " %sB%s", n, unit, plain);
		return buf;
	}
	while (u < 3 && n >> (10 * (u + 2)))
		u++;
	snprintf(buf, TEXT_LEN, "%.2f %s%s%s", (double)n / (double)(UINT64_C(1) << (10 * (u + 1))), unit, name[u], plain);
	return buf;
}

const char *text_duration(char buf[TEXT_LEN], uint64_t seconds, const char *unit, const char *plain)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 365 * 86400, "year" }, { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	int at = 0;

	buf[0] = '\0';
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]) && at < TEXT_LEN; u++) {
		const uint64_t n = seconds / units[u].seconds;

		seconds %= units[u].seconds;
		if (n)
			at += snprintf(buf + at, (size_t)(TEXT_LEN - at), "%s%" PRIu64 " %s%s%s%s", at ? ", " : "", n, unit,
				       units[u].name, n == 1 ? "" : "s", plain);
	}
	return buf;
}

const char *text_age(char buf[TEXT_LEN], uint64_t seconds)
{
	if (seconds < 60)
		snprintf(buf, TEXT_LEN, "%us", (unsigned int)seconds);
	else if (seconds < 3600)
		snprintf(buf, TEXT_LEN, "%um%02us", (unsigned int)(seconds / 60), (unsigned int)(seconds % 60));
	else if (seconds < 86400)
		snprintf(buf, TEXT_LEN, "%uh%02um", (unsigned int)(seconds / 3600), (unsigned int)(seconds / 60 % 60));
	else if (seconds < 100 * 86400)
		snprintf(buf, TEXT_LEN, "%ud%02uh", (unsigned int)(seconds / 86400), (unsigned int)(seconds / 3600 % 24));
	else
		snprintf(buf, TEXT_LEN, "%" PRIu64 "d", seconds / 86400 < 99999 ? seconds / 86400 : 99999);
	return buf;
}

const char *text_percent(char buf[TEXT_LEN], double share)
{
	if (!(share >= 0))
		return strcpy(buf, "-");
	snprintf(buf, TEXT_LEN, share < 0.9995 ? "%.1f%%" : "%.0f%%", share < 1 ? 100 * share : 100);
	return buf;
}

/* Bytes above ASCII may be control characters to a terminal of another character set. */
static int char_width(uint32_t c)
{
	if (c < 0x80)
		return 1;
	return strcmp(nl_langinfo(CODESET), "UTF-8") ? -1 : wcwidth((wchar_t)c);
}

size_t text_char(const char *s, uint32_t *c, int *width)
{
	const size_t n = conf_utf8_char(s, strnlen(s, 4), c);

	*width = n && conf_utf8_is_printable(*c) ? char_width(*c) : -1;
	if (*width < 0) {
		*c = '?';
		*width = 1;
	}
	return n ? n : 1;
}

int text_width(const char *s)
{
	int all = 0, width;
	uint32_t c;

	for (; *s; all += width)
		s += text_char(s, &c, &width);
	return all;
}

const char *text_shown(char buf[TEXT_LEN], const char *s)
{
	size_t len = 0, n;

	for (; *s; s += n) {
		uint32_t c;
		int width;

		n = text_char(s, &c, &width);
		if (len + n >= TEXT_LEN)
			break;
		if (c == '?')
			buf[len++] = '?';
		else
			len = (size_t)((char *)mempcpy(buf + len, s, n) - buf);
	}
	buf[len] = '\0';
	return buf;
}

const char *text_drop_reason(const char *name)
{
	static const struct {
		const char *name, *text;
	} reason[] = {
#define X(symbol, name, text) { name, text },
		DROP_REASONS(X)
#undef X
	};

	for (size_t k = 0; k < sizeof(reason) / sizeof(reason[0]); k++)
		if (!strcmp(reason[k].name, name))
			return reason[k].text;
	return NULL;
}
