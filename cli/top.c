/* SPDX-License-Identifier: BSD-3-Clause */
/* wgdp top: which interface, and whether on a terminal (top_live.c) or as plain text. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "top_data.h"
#include "top_input.h"
#include "top_live.h"
#include "top_screen.h"
#include "top_view.h"
#include "ask.h"

enum { EXIT_USAGE = 2, BATCH_COLS = 100, COLS_MAX = 500, BATCH_MAX = 1000000 };

static const double delay_min = 0.1, delay_max = 3600;

struct options {
	char name[CONF_IFNAME_LEN + 1];	/* empty: the only one there is */
	unsigned long batch;		/* how often to print, 0: on a terminal */
	bool help;
};

static int usage(FILE *out)
{
	fputs("usage: wgdp top [NAME] [-d SECONDS] [-s SORT] [--once | -b N]\n"
	      "A live view of an interface: peers by rate, cores by load, drops by reason. NAME may be left out if there is only one.\n"
	      "  -d SECONDS   between updates (default 2; 0.1 to 3600)\n"
	      "  -s SORT      rate, tx, rx, handshake, peer or endpoint\n"
	      "  --once       print one view as text, over that time, and end\n"
	      "  -b N         print N of them\n"
	      "Keys: ? says them, q quits.\n",
	      out);
	return out == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

static bool wrong(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "wgdp: top: %s: '%s': %s expected\n", option, value, expected);
	return false;
}

static bool take_option(int opt, struct options *o, struct top_ui *ui)
{
	char *end;

	switch (opt) {
	case 'd':
		ui->delay = strtod(optarg, &end);
		if (end == optarg || *end || !(ui->delay >= delay_min && ui->delay <= delay_max))
			return wrong("-d", optarg, "seconds from 0.1 to 3600");
		return true;
	case 's':
		return top_input_sort(optarg, &ui->sort) ||
		       wrong("-s", optarg, "rate, tx, rx, handshake, peer or endpoint");
	case 'b':
		o->batch = strtoul(optarg, &end, 10);
		if (*optarg < '0' || *optarg > '9' || *end || !o->batch || o->batch > BATCH_MAX)
			return wrong("-b", optarg, "a number from 1 to 1000000");
		return true;
	case '1':
		o->batch = 1;
		return true;
	case 'h':
		o->help = true;
		return true;
	default:
		usage(stderr);
		return false;
	}
}

static bool read_options(int argc, char **argv, struct options *o, struct top_ui *ui)
{
	static const struct option options[] = {
		{ "delay", required_argument, NULL, 'd' }, { "sort", required_argument, NULL, 's' },
		{ "batch", required_argument, NULL, 'b' }, { "once", no_argument, NULL, '1' },
		{ "help", no_argument, NULL, 'h' },	   { NULL, 0, NULL, 0 },
	};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "d:s:b:h", options, NULL)) != -1)
		if (!take_option(opt, o, ui))
			return false;
	if (argc - optind > 1) {
		usage(stderr);
		return false;
	}
	if (optind < argc && !ask_name_ok(argv[optind]))
		return wrong("NAME", argv[optind], "the name of an interface");
	if (optind < argc)
		strcpy(o->name, argv[optind]);
	return true;
}

/* The only interface that runs on wgdp, into o->name. */
static bool find_name(const char *dir, struct options *o)
{
	char err[ASK_ERRLEN], **names;
	size_t n, found = 0;

	if (ask_list(dir, &names, &n, err)) {
		fprintf(stderr, "wgdp: %s\n", err);
		return false;
	}
	for (size_t k = 0; k < n; k++) {
		struct remote_iface i;
		const int rc = ask_iface(dir, names[k], ASK_STATS, &i, err);

		if (rc && rc != -ECONNREFUSED && rc != -ENOENT)
			fprintf(stderr, "wgdp: %s\n", err);
		if (rc)
			continue;
		if (i.has_stats && ++found == 1)
			strcpy(o->name, names[k]);
		else if (i.has_stats)
			fprintf(stderr, "%s%s", found == 2 ? "wgdp: top: name one of: " : " ", found == 2 ? o->name : names[k]);
		if (i.has_stats && found == 2)
			fprintf(stderr, " %s", names[k]);
		remote_fini(&i);
	}
	ask_list_free(names, n);
	if (found > 1)
		fputc('\n', stderr);
	else if (!found)
		fputs("wgdp: top: no interface runs on wgdp\n", stderr);
	return found == 1;
}

static bool snapshot(const char *dir, const char *name, struct top_data *d)
{
	char err[ASK_ERRLEN];
	struct remote_iface i;

	if (ask_iface(dir, name, ASK_STATS | ASK_GET, &i, err)) {
		fprintf(stderr, "wgdp: %s\n", err);
		return false;
	}
	if (top_data_take(d, &i, (uint64_t)time(NULL)))
		return true;
	remote_fini(&i);
	fprintf(stderr, "wgdp: %s: %s\n", name, strerror(ENOMEM));
	return false;
}

static int columns(void)
{
	const char *text = getenv("COLUMNS");
	const int n = text ? atoi(text) : 0;

	return n >= 20 && n <= COLS_MAX ? n : BATCH_COLS;
}

static bool print_view(struct top_data *d, struct top_ui *ui)
{
	const struct top_moment m = { .now = (uint64_t)time(NULL), .clock = "" };
	struct top_screen s = { .rows = 0 };
	char line[TOP_ROW_SIZE(COLS_MAX)];
	int rows;

	if (!top_screen_resize(&s, top_layout_rows(d), columns())) {
		perror("wgdp: top");
		return false;
	}
	top_view_render(d, ui, &m, &s);
	for (rows = s.rows; rows > 0 && !*top_screen_row(&s, rows - 1, line); rows--)
		;
	for (int row = 0; row < rows; row++)
		puts(top_screen_row(&s, row, line));
	top_screen_fini(&s);
	return fflush(stdout) == 0;
}

static int print_views(const char *dir, const struct options *o, struct top_data *d, struct top_ui *ui)
{
	for (unsigned long k = 0; k < o->batch; k++) {
		poll(NULL, 0, (int)(ui->delay * 1000));
		if (k)
			putchar('\n');
		if (!snapshot(dir, o->name, d) || !print_view(d, ui))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int top_main(int argc, char **argv)
{
	struct options o = { .batch = 0 };
	struct top_ui ui = { .delay = 2 };
	struct top_data d;
	int rc = EXIT_FAILURE;

	setlocale(LC_CTYPE, "");	/* names are UTF-8 */
	if (!read_options(argc, argv, &o, &ui))
		return EXIT_USAGE;
	if (o.help)
		return usage(stdout);
	if (!o.batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		fputs("wgdp: top: no terminal; --once or -b N prints text\n", stderr);
		return EXIT_USAGE;
	}
	if (!*o.name && !find_name(ASK_DIR, &o))
		return EXIT_FAILURE;
	top_data_init(&d);
	if (snapshot(ASK_DIR, o.name, &d))
		rc = o.batch ? print_views(ASK_DIR, &o, &d, &ui) : top_live(ASK_DIR, &d, &ui);
	top_data_fini(&d);
	return rc;
}
