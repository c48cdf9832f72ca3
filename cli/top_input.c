/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_input.h"

#include <string.h>

static void set_sort(struct top_ui *ui, enum top_sort sort)
{
	ui->sort = sort;
	ui->first = 0;
}

bool top_input_sort(const char *name, enum top_sort *sort)
{
	for (unsigned int k = 0; k < TOP_SORT_N; k++) {
		if (!strcmp(top_sort_name[k], name)) {
			*sort = k;
			return true;
		}
	}
	return false;
}

/* By a character of UTF-8, whose bytes come one by one. */
static void filter_shorten(char *filter, size_t len)
{
	while (len > 0 && ((unsigned char)filter[--len] & 0xc0) == 0x80)
		;
	filter[len] = '\0';
}

static bool filter_key(struct top_ui *ui, int key)
{
	const size_t len = strlen(ui->filter);

	if (key == TOP_KEY_ENTER) {
		ui->typing = false;
	} else if (key == TOP_KEY_ESCAPE) {
		ui->typing = false;
		ui->filter[0] = '\0';
	} else if (key == TOP_KEY_BACKSPACE) {
		filter_shorten(ui->filter, len);
	} else if (key >= ' ' && key <= 0xff && key != 0x7f && len < TOP_FILTER_LEN) {
		ui->filter[len] = (char)key;
		ui->filter[len + 1] = '\0';
	} else {
		return false;
	}
	ui->first = 0;
	return true;
}

static bool scroll_key(struct top_ui *ui, int key)
{
	const size_t page = ui->page ? ui->page : 1;

	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		ui->first -= ui->first > 0;
		return true;
	case TOP_KEY_DOWN:
	case 'j':
		ui->first++;
		return true;
	case TOP_KEY_PAGE_UP:
		ui->first -= ui->first > page ? page : ui->first;
		return true;
	case TOP_KEY_PAGE_DOWN:
		ui->first += page;
		return true;
	case TOP_KEY_HOME:
	case 'g':
		ui->first = 0;
		return true;
	case TOP_KEY_END:
	case 'G':
		ui->first = REMOTE_PEERS;
		return true;
	default:
		return false;
	}
}

bool top_input_key(struct top_ui *ui, int key)
{
	static const char sorts[TOP_SORT_N] = { 'r', 't', 'x', 'h', 'p', 'e' };
	const char *sort = key > 0 && key <= '~' ? memchr(sorts, key, sizeof(sorts)) : NULL;

	if (ui->typing)
		return filter_key(ui, key);
	if (ui->help && key != 'q') {
		ui->help = false;
		return true;
	}
	if (sort) {
		set_sort(ui, (enum top_sort)(sort - sorts));
		return true;
	}
	switch (key) {
	case 'q':
		ui->quit = true;
		return true;
	case '?':
		ui->help = true;
		return true;
	case 'R':
		ui->reverse = !ui->reverse;
		ui->first = 0;
		return true;
	case ' ':
		ui->paused = !ui->paused;
		return true;
	case '/':
		ui->typing = true;
		return true;
	case TOP_KEY_ESCAPE:
		ui->filter[0] = '\0';
		ui->first = 0;
		return true;
	default:
		return scroll_key(ui, key);
	}
}
