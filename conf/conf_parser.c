/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_parser.h"

#include <stdarg.h>
#include <string.h>

static void say(struct conf_parser *p, const char *kind, const char *format, va_list args)
{
	if (p->line > 0)
		fprintf(p->diag, "%s:%u: %s", p->path, p->line, kind);
	else
		fprintf(p->diag, "%s: %s", p->path, kind);
	vfprintf(p->diag, format, args);
	fputc('\n', p->diag);
}

void conf_fault(struct conf_parser *p, const char *format, ...)
{
	va_list args;

	p->failed = true;
	va_start(args, format);
	say(p, "", format, args);
	va_end(args);
}

void conf_warn(struct conf_parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(p, "warning: ", format, args);
	va_end(args);
}

void conf_fault_memory(struct conf_parser *p)
{
	if (p->no_memory)
		return;
	p->no_memory = true;
	p->line = 0;
	conf_fault(p, "out of memory");
}

static bool is_key_symbol(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '+' || c == '/';
}

/* A run of base64 (or hexadecimal) nearly as long as a key, white space aside. */
static bool may_be_key(struct conf_text t)
{
	size_t run = 0;

	for (size_t i = 0; i < t.len && run < 32; i++) {
		if (is_key_symbol(t.s[i]))
			run++;
		else if (!conf_text_is_space(t.s[i]))
			run = 0;
	}
	return run >= 32;
}

const char *conf_quote(struct conf_quote *quote, struct conf_text t)
{
	static const char hex[] = "0123456789abcdef";
	enum { SHOWN = sizeof(quote->s) - sizeof("\\xff...") };
	size_t n = 0;

	if (may_be_key(t))
		return strcpy(quote->s, "(not shown: it may hold a key)");
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.s[i];

		if (n > SHOWN) {
			memcpy(quote->s + n, "...", 3);
			n += 3;
			break;
		}
		if (c >= ' ' && c < 0x7f) {
			quote->s[n++] = (char)c;
			continue;
		}
		memcpy(quote->s + n, "\\x", 2);
		quote->s[n + 2] = hex[c >> 4];
		quote->s[n + 3] = hex[c & 15];
		n += 4;
	}
	quote->s[n] = '\0';
	return quote->s;
}
