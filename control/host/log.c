/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "conf.h"
#include "log_syslog.h"
#include "protocol.h"

static int level_max = LOG_NOTICE;
static bool to_syslog;

void log_set_level(int max)
{
	level_max = max;
}

void log_to_syslog(void)
{
	log_syslog_open();
	to_syslog = true;
}

static void write_line(enum log_level level, const char *name, uint32_t held_back, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s%s", name ? name : "", name ? ": " : "");

	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	if (n > (int)sizeof(line) - 64)
		n = sizeof(line) - 64;
	if (held_back)
		n += snprintf(line + n, sizeof(line) - n, " (%u more like this)", held_back);
	if (to_syslog)
		log_syslog_line(level, line, n);
	else
		fprintf(stderr, "wgdp: %.*s\n", n, line);
}

void log_line(enum log_level level, const char *name, const char *fmt, ...)
{
	va_list ap;

	if ((int)level > level_max)
		return;
	va_start(ap, fmt);
	write_line(level, name, 0, fmt, ap);
	va_end(ap);
}

static bool allow(struct log_limit *l, uint64_t now_ns)
{
	uint64_t earned;

	if (!l->started) {
		*l = (struct log_limit){ .last_ns = now_ns, .tokens = LOG_BURST, .started = true };
	}
	earned = (now_ns - l->last_ns) / WG_NS_PER_SEC;
	l->last_ns += earned * WG_NS_PER_SEC;
	l->tokens = l->tokens + earned > LOG_BURST ? LOG_BURST : l->tokens + earned;
	if (!l->tokens) {
		l->held_back++;
		return false;
	}
	l->tokens--;
	return true;
}

void log_limited(struct log_limit *limit, uint64_t now_ns, enum log_level level, const char *name, const char *fmt, ...)
{
	va_list ap;

	if ((int)level > level_max || !allow(limit, now_ns))
		return;
	va_start(ap, fmt);
	write_line(level, name, limit->held_back, fmt, ap);
	va_end(ap);
	limit->held_back = 0;
}

const char *log_key(char out[LOG_KEY_LEN], const uint8_t public_key[WG_KEY_LEN])
{
	char b64[CONF_KEY_B64_LEN + 1];

	conf_key_encode(b64, public_key);
	snprintf(out, LOG_KEY_LEN, "%.4s…%.4s", b64, b64 + CONF_KEY_B64_LEN - 5);
	return out;
}
