/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wgdp show: which interfaces, and how. Without a name all that run on wgdp; what other processes left in the folder, or run themselves, is
 * passed over unless it is named.
 */
#include "show.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "ask.h"

enum { EXIT_USAGE = 2 };

struct show {
	const char *dir;
	bool json, names_only, all;
	bool failed;
	struct remote_iface *iface;
	size_t n;
};

static int usage(FILE *out)
{
	fputs("usage: wgdp show [NAME ... | all | interfaces] [--json]\n"
	      "Shows what wg(8) shows of interfaces, and what wgdp counts. Without NAME: of all that run on wgdp; interfaces: only their names.\n",
	      out);
	return out == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

/* One more interface, if there is something to show of it. */
static void add(struct show *s, const char *name)
{
	char err[ASK_ERRLEN];
	const unsigned int what = ASK_STATS | (s->names_only ? 0 : s->all ? ASK_GET_IF_STATS : ASK_GET);
	const int rc = ask_iface(s->dir, name, what, &s->iface[s->n], err);

	if (rc == 0 && s->all && !s->iface[s->n].has_stats) {
		remote_fini(&s->iface[s->n]);
	} else if (rc == 0) {
		show_sort_peers(&s->iface[s->n]);
		s->n++;
	} else if (!s->all || (rc != -ECONNREFUSED && rc != -ENOENT)) {
		fprintf(stderr, "wgdp: %s\n", err);
		s->failed = true;
	}
}

static bool may_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (!no || !*no) && isatty(fileno(out)) && term && strcmp(term, "dumb");
}

static void print(struct show *s)
{
	if (s->json) {
		s->failed |= !show_json(stdout, s->iface, s->n);
		return;
	}
	for (size_t k = 0; k < s->n; k++) {
		if (s->names_only)
			printf("%s%s", k ? " " : "", s->iface[k].name);
		else
			show_text(stdout, &s->iface[k], (uint64_t)time(NULL), may_colour(stdout));
		if (!s->names_only && k + 1 < s->n)
			putchar('\n');
	}
	if (s->names_only && s->n)
		putchar('\n');
}

static int show_names(struct show *s, char **names, size_t n)
{
	s->iface = calloc(n + 1, sizeof(*s->iface));
	if (!s->iface) {
		perror("wgdp: show");
		return EXIT_FAILURE;
	}
	for (size_t k = 0; k < n; k++)
		add(s, names[k]);
	print(s);
	if (fflush(stdout) || ferror(stdout)) {
		perror("wgdp: show: standard output");
		s->failed = true;
	}
	for (size_t k = 0; k < s->n; k++)
		remote_fini(&s->iface[k]);
	free(s->iface);
	return s->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int show_all(struct show *s)
{
	char err[ASK_ERRLEN], **names;
	size_t n;
	int rc;

	s->all = true;
	if (ask_list(s->dir, &names, &n, err)) {
		fprintf(stderr, "wgdp: %s\n", err);
		return EXIT_FAILURE;
	}
	rc = show_names(s, names, n);
	ask_list_free(names, n);
	return rc;
}

int show_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct show s = { .dir = ASK_DIR };
	int opt;

	setlocale(LC_CTYPE, "");	/* names are UTF-8 */
	optind = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'j')
			s.json = true;
		else
			return usage(opt == 'h' ? stdout : stderr);
	}
	s.names_only = argc - optind == 1 && !strcmp(argv[optind], "interfaces");
	if (s.names_only && s.json) {
		fputs("wgdp: show: interfaces has no --json; leave it out for all interfaces, or the word\n", stderr);
		return EXIT_USAGE;
	}
	if (argc == optind || s.names_only || (argc - optind == 1 && !strcmp(argv[optind], "all")))
		return show_all(&s);
	for (int k = optind; k < argc; k++) {
		if (ask_name_ok(argv[k]))
			continue;
		fprintf(stderr, "wgdp: show: '%s' cannot be the name of an interface\n", argv[k]);
		return EXIT_USAGE;
	}
	return show_names(&s, argv + optind, (size_t)(argc - optind));
}
