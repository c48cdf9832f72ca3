/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two formats that Prometheus reads: OpenMetrics 1.0 and its older text format 0.0.4, which differ in little. And which of them a
 * client wants. Any thread; no globals.
 */
#ifndef WGDP_METRICS_TEXT_H
#define WGDP_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	METRICS_LINE = 2048,	/* room that the longest line needs */
	METRICS_LABEL_MAX = 256,	/* bytes of a label's value that are shown, before escaping */
};

/* One line under construction. What does not fit is cut; with labels of METRICS_LABEL_MAX at most that does not happen. */
struct metrics_line {
	char text[METRICS_LINE];
	size_t len;
};

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_INFO };

/* A family of samples. Names are without the suffix that OpenMetrics gives to samples (_total, _info). */
struct metrics_name {
	const char *name;	/* ends in _UNIT where there is a unit */
	const char *unit;	/* "" where there is none */
	const char *help;
	enum metrics_type type;
};

void metrics_str(struct metrics_line *l, const char *text);
void metrics_u64(struct metrics_line *l, uint64_t n);
/* As seconds with nine digits behind the point. */
void metrics_seconds(struct metrics_line *l, uint64_t seconds, uint32_t nanoseconds);

/*
 * A label's value, escaped: backslash, double quote and newline. What is not UTF-8 (RFC 3629) becomes U+FFFD, a byte each, and so does
 * a zero; after METRICS_LABEL_MAX bytes it ends, at the end of a character.
 */
void metrics_escape(struct metrics_line *l, const char *value, size_t len);

/* The lines before a family's samples: HELP, TYPE and, if it has one, UNIT. */
void metrics_header(struct metrics_line *l, const struct metrics_name *n, bool openmetrics);

/* NAME{ of a sample, NAME="VALUE" of a label (with a comma where one came before), and the end of them. */
void metrics_begin(struct metrics_line *l, const struct metrics_name *n);
void metrics_label(struct metrics_line *l, const char *name, const char *value);
void metrics_label_u64(struct metrics_line *l, const char *name, uint64_t value);
void metrics_end(struct metrics_line *l);

/* An Accept field (RFC 9110, 12.5.1; NULL: there was none): is OpenMetrics 1.0 asked for, and nothing else preferred to it? */
bool metrics_wants_openmetrics(const char *accept);

extern const char *const metrics_content_type[2];	/* [openmetrics] */

#endif
