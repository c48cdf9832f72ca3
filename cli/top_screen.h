/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A screen in memory: cells of a printable character, as text_char has it, and how it looks. A wide character takes two cells; what has no
 * width of its own (a mark on the one before) is left out. What does not fit is cut off. One thread.
 */
#ifndef WGDP_TOP_SCREEN_H
#define WGDP_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

enum top_look {
	TOP_PLAIN, TOP_BOLD, TOP_DIM,
	TOP_TITLE,		/* the first line, and heads of tables */
	TOP_CHOSEN,		/* the head of the column that sorts */
	TOP_GOOD, TOP_ALARM,
	TOP_STAGE,		/* and the next five: the stages of a core's work */
	TOP_LOOKS = TOP_STAGE + 6
};

struct top_cell {
	uint32_t ch;	/* 0: the right half of the wide one before */
	uint8_t look;
};

struct top_screen {
	int rows, cols;
	struct top_cell *cell;	/* a row after the other */
};

/* Makes it that large, and empty; zeros before the first. False: no memory, and it has no rows. */
bool top_screen_resize(struct top_screen *s, int rows, int cols);
void top_screen_fini(struct top_screen *s);
void top_screen_clear(struct top_screen *s);

/* Writes, from a column on; returns the column behind it, which may be outside. */
int top_screen_put(struct top_screen *s, int row, int col, enum top_look look, const char *text);
int top_screen_print(struct top_screen *s, int row, int col, enum top_look look, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* In at most `width` columns: what is longer ends in "..". */
int top_screen_fit(struct top_screen *s, int row, int col, int width, enum top_look look, const char *text);

/* ASCII, right-aligned in `width` columns, cut off at the left if it must be. */
int top_screen_right(struct top_screen *s, int row, int col, int width, enum top_look look, const char *text);

/* The look of a whole row, which keeps its text. */
void top_screen_look(struct top_screen *s, int row, enum top_look look);

/* Bytes of a row as UTF-8, terminated. */
#define TOP_ROW_SIZE(cols) (4 * (size_t)(cols) + 1)

/* A row's text without the blanks at its end, in `text` of TOP_ROW_SIZE(cols). */
const char *top_screen_row(const struct top_screen *s, int row, char *text);

#endif
