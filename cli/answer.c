/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"

#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>

#include "conf_utf8.h"
#include "remote.h"

void answer_begin(struct answer *a, bool (*line)(void *arg, char *key, char *value), void *arg)
{
	a->line = line;
	a->arg = arg;
	a->state = ANSWER_MORE;
	a->why = NULL;
	a->err = 0;
	a->has_err = a->any = false;
	a->have = 0;
}

char *answer_space(struct answer *a, size_t *room)
{
	*room = sizeof(a->buf) - a->have;
	return a->buf + a->have;
}

void answer_wipe(struct answer *a)
{
	OPENSSL_cleanse(a->buf, sizeof(a->buf));
	a->have = 0;
}

static void broken(struct answer *a, const char *why)
{
	a->state = ANSWER_BROKEN;
	a->why = why;
}

/* Terminals obey what is not printable. */
static void make_printable(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			s[i] = '?';
}

/* Likewise, but as UTF-8. */
static void make_printable_utf8(char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		const size_t n = conf_utf8_char(s + i, len - i, &c);

		if (n == 0 || !conf_utf8_is_printable(c))
			memset(s + i, '?', n ? n : 1);
		i += n ? n : 1;
	}
}

static void take_errno(struct answer *a, const char *value)
{
	const bool negative = *value == '-';	/* Linux has them so */
	uint64_t n;

	if (a->has_err || !remote_number(value + negative, 4095, &n)) {
		broken(a, "its errno is none");
		return;
	}
	a->has_err = true;
	a->err = (int)n;
}

static void take_line(struct answer *a, char *line, size_t len)
{
	static const char name[] = "name=";
	char *equals;

	a->any = true;
	if (len == 0) {
		if (a->has_err)
			a->state = ANSWER_DONE;
		else
			broken(a, "it ends without errno");
		return;
	}
	if (len >= strlen(name) && !memcmp(line, name, strlen(name)))
		make_printable_utf8(line, len);
	else
		make_printable(line, len);
	equals = memchr(line, '=', len);
	if (!equals || equals == line) {
		broken(a, "a line is no KEY=VALUE");
		return;
	}
	*equals = line[len] = '\0';
	if (!strcmp(line, "errno"))
		take_errno(a, equals + 1);
	else if (a->has_err)
		broken(a, "it goes on after errno");
	else if (!a->line(a->arg, line, equals + 1))
		broken(a, "a line has a value that cannot be");
}

enum answer_state answer_filled(struct answer *a, size_t n)
{
	size_t at = 0;

	a->have += n;
	while (a->state == ANSWER_MORE) {
		char *line = a->buf + at, *end = memchr(line, '\n', a->have - at);

		if (!end)
			break;
		if (end - line >= ANSWER_LINE) {
			broken(a, "a line is too long");
			break;
		}
		take_line(a, line, (size_t)(end - line));
		at = (size_t)(end + 1 - a->buf);
	}
	a->have -= at;
	if (a->state == ANSWER_DONE && a->have)
		broken(a, "it says more than was asked");
	if (a->state == ANSWER_MORE && a->have >= ANSWER_LINE)
		broken(a, "a line is too long");
	memmove(a->buf, a->buf + at, a->have);
	return a->state;
}
