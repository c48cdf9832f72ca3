/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lexer: runs of characters, and a file as lines. Nothing is copied or changed. White space is
 * what isspace(3) says in the C locale. Internal to conf/.
 */
#ifndef WGDP_CONF_TEXT_H
#define WGDP_CONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Characters of somebody else's buffer, not terminated. */
struct conf_text {
	const char *s;
	size_t len;
};

enum conf_line_kind {
	CONF_LINE_EMPTY,	/* nothing but white space and a comment */
	CONF_LINE_SECTION,	/* [name] */
	CONF_LINE_KEY,		/* name = value */
	CONF_LINE_BAD,		/* neither; all of it is in name */
	CONF_LINE_NUL,		/* has a NUL byte */
};

/* All parts are trimmed. */
struct conf_line {
	enum conf_line_kind kind;
	unsigned int number;	/* from 1 */
	struct conf_text name;
	struct conf_text value;
	struct conf_text comment;	/* behind the first #; empty: none */
};

/* A file being read: what is left of it, and the number of the line last taken. */
struct conf_lines {
	struct conf_text rest;
	unsigned int number;
};

bool conf_text_is_space(char c);
struct conf_text conf_text_trim(struct conf_text t);

/* Takes what is before the first `sep`, and it, off *t. Without one takes all of *t and returns
 * false. */
bool conf_text_cut(struct conf_text *t, char sep, struct conf_text *head);

/* Takes the next word, ended by white space or `sep`, off *t. False: there is none. */
bool conf_text_word(struct conf_text *t, char sep, struct conf_text *word);

/* Whether t is `word`, ignoring case and, as wg(8) does, white space anywhere. */
bool conf_text_is(struct conf_text t, const char *word);

/* Whether t looks like a misspelling of `word`; *distance says how far off it is. */
bool conf_text_near(struct conf_text t, const char *word, unsigned int *distance);

/* A terminated copy without any white space. False: it does not fit into `size` bytes, and `out` is
 * empty. */
bool conf_text_squeeze(char *out, size_t size, struct conf_text t);

/* Starts at the beginning of a file, behind a UTF-8 byte order mark. */
struct conf_lines conf_lines_start(const char *text, size_t len);

/* False at the end. The last line needs no newline. A carriage return before the newline is white
 * space like any other. */
bool conf_lines_next(struct conf_lines *lines, struct conf_line *line);

#endif
