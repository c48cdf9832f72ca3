/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

bool top_screen_resize(struct top_screen *s, int rows, int cols)
{
	struct top_cell *cell = reallocarray(s->cell, (size_t)rows * (size_t)cols + 1, sizeof(*cell));

	s->rows = s->cols = 0;
	if (!cell)
		return false;
	s->cell = cell;
	s->rows = rows;
	s->cols = cols;
	top_screen_clear(s);
	return true;
}

void top_screen_fini(struct top_screen *s)
{
	free(s->cell);
	memset(s, 0, sizeof(*s));
}

void top_screen_clear(struct top_screen *s)
{
	for (size_t k = 0; k < (size_t)s->rows * (size_t)s->cols; k++)
		s->cell[k] = (struct top_cell){ ' ', TOP_PLAIN };
}

/* NULL: outside. */
static struct top_cell *cell_at(const struct top_screen *s, int row, int col)
{
	const bool inside = row >= 0 && row < s->rows && col >= 0 && col < s->cols;

	return inside ? &s->cell[(size_t)row * (size_t)s->cols + (size_t)col] : NULL;
}

/* A wide character of which half is written over is gone. */
static void set_cell(struct top_screen *s, int row, int col, struct top_cell cell)
{
	struct top_cell *at = cell_at(s, row, col), *before = cell_at(s, row, col - 1), *behind = cell_at(s, row, col + 1);

	if (!at)
		return;
	if (!at->ch && before)
		before->ch = ' ';
	if (behind && !behind->ch)
		behind->ch = ' ';
	*at = cell;
}

static void put_char(struct top_screen *s, int row, int col, enum top_look look, uint32_t c, int width)
{
	const bool half = width == 2 && (!cell_at(s, row, col) || !cell_at(s, row, col + 1));

	set_cell(s, row, col, (struct top_cell){ half ? ' ' : c, (uint8_t)look });
	if (width != 2)
		return;
	set_cell(s, row, col + 1, (struct top_cell){ ' ', (uint8_t)look });
	if (!half)
		cell_at(s, row, col + 1)->ch = 0;
}

/* As many characters as have room in `width` columns. */
static int put_some(struct top_screen *s, int row, int col, int width, enum top_look look, const char *text)
{
	const int end = col + width;

	while (*text) {
		uint32_t c;
		int w;

		text += text_char(text, &c, &w);
		if (col + w > end)
			break;
		if (w > 0)
			put_char(s, row, col, look, c, w);
		col += w;
	}
	return col;
}

int top_screen_put(struct top_screen *s, int row, int col, enum top_look look, const char *text)
{
	return put_some(s, row, col, text_width(text), look, text);
}

int top_screen_print(struct top_screen *s, int row, int col, enum top_look look, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return top_screen_put(s, row, col, look, text);
}

int top_screen_fit(struct top_screen *s, int row, int col, int width, enum top_look look, const char *text)
{
	if (text_width(text) <= width)
		return top_screen_put(s, row, col, look, text);
	if (width < 3)
		return col;
	col = put_some(s, row, col, width - 2, look, text);
	return top_screen_put(s, row, col, look, "..");
}

int top_screen_right(struct top_screen *s, int row, int col, int width, enum top_look look, const char *text)
{
	const int len = (int)strlen(text);

	if (len > width)
		text += len - width;
	else
		col += width - len;
	return top_screen_put(s, row, col, look, text);
}

void top_screen_look(struct top_screen *s, int row, enum top_look look)
{
	for (int col = 0; row >= 0 && row < s->rows && col < s->cols; col++)
		s->cell[(size_t)row * (size_t)s->cols + (size_t)col].look = (uint8_t)look;
}

static char *put_utf8(char *out, uint32_t c)
{
	const unsigned int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

	*out++ = (char)(more ? (0xff00 >> (more + 1) & 0xff) | c >> 6 * more : c);
	for (unsigned int k = more; k > 0; k--)
		*out++ = (char)(0x80 | (c >> 6 * (k - 1) & 0x3f));
	return out;
}

const char *top_screen_row(const struct top_screen *s, int row, char *text)
{
	char *at = text, *end = text;

	for (int col = 0; col < s->cols; col++) {
		const uint32_t c = cell_at(s, row, col)->ch;

		if (c)
			at = put_utf8(at, c);
		if (c != ' ')
			end = at;
	}
	*end = '\0';
	return text;
}
