/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int top_screen_put(struct top_screen *s, int row, int col, enum top_look look, const char *text)
{
	for (; *text; text++, col++) {
		if (row < 0 || row >= s->rows || col < 0 || col >= s->cols)
			continue;
		s->cell[(size_t)row * (size_t)s->cols + (size_t)col] =
			(struct top_cell){ *text >= ' ' && *text <= '~' ? *text : '?', (uint8_t)look };
	}
	return col;
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
	const int len = (int)strlen(text);

	if (len <= width)
		return top_screen_put(s, row, col, look, text);
	if (width < 3)
		return col;
	for (int k = 0; k < width - 2; k++)
		top_screen_put(s, row, col + k, look, (char[]){ text[k], '\0' });
	return top_screen_put(s, row, col + width - 2, look, "..");
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

const char *top_screen_row(const struct top_screen *s, int row, char *text)
{
	int len = 0;

	for (int col = 0; col < s->cols; col++) {
		text[col] = s->cell[(size_t)row * (size_t)s->cols + (size_t)col].ch;
		if (text[col] != ' ')
			len = col + 1;
	}
	text[len] = '\0';
	return text;
}
