/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and times as people read them. Each writes into the caller's buffer of TEXT_LEN and returns it. Any thread. */
#ifndef WGDP_CLI_TEXT_H
#define WGDP_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_LEN = 192 };

/* Three digits and a unit, at most 5 characters: "0", "0.4", "999", "1.23k", "45.6M", "789G"; below 0 or no number: "-". */
const char *text_si(char buf[TEXT_LEN], double n);

/* As wg(8): "12 B", "1.50 KiB", ... "2.00 TiB"; `unit` stands before the unit and `plain` behind it, for colours. */
const char *text_bytes(char buf[TEXT_LEN], uint64_t n, const char *unit, const char *plain);

/* As wg(8): "1 day, 2 hours, 5 seconds"; empty for 0. Likewise. */
const char *text_duration(char buf[TEXT_LEN], uint64_t seconds, const char *unit, const char *plain);

/* At most 6 characters: "12s", "3m04s", "2h05m", "3d04h", "123d". */
const char *text_age(char buf[TEXT_LEN], uint64_t seconds);

/* A percentage of `share` (0 to 1): "0.0%" to "100%". */
const char *text_percent(char buf[TEXT_LEN], double share);

/*
 * The first character of printable UTF-8 that is not empty, in *c, and its columns in *width (0: it is part of the one before); returns its
 * bytes. What is no such character, or none that the terminal is sure to show (by LC_CTYPE), is a '?'.
 */
size_t text_char(const char *s, uint32_t *c, int *width);

/* The columns of all of it. */
int text_width(const char *s);

/* A copy of at most TEXT_LEN - 1 bytes with '?' for characters that are one to text_char. */
const char *text_shown(char buf[TEXT_LEN], const char *s);

/* What a drop reason means, NULL: this program does not know it. */
const char *text_drop_reason(const char *name);

#endif
