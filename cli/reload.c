/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "ask.h"

enum { EXIT_USAGE = 2 };

int reload_main(int argc, char **argv)
{
	char err[ASK_ERRLEN];
	bool said;

	if (argc != 2 || argv[1][0] == '-') {
		const bool help = argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));

		fputs("usage: wgdp reload NAME\n"
		      "The process of interface NAME reads its configuration file again and applies the difference. A file with a fault changes\n"
		      "nothing.\n", help ? stdout : stderr);
		return help ? EXIT_SUCCESS : EXIT_USAGE;
	}
	if (!ask_name_ok(argv[1])) {
		fprintf(stderr, "wgdp: reload: '%s' cannot be the name of an interface\n", argv[1]);
		return EXIT_USAGE;
	}
	if (ask_command(ASK_DIR, argv[1], "reload=1\n\n", stderr, &said, err) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "wgdp: %s%s\n", err, said ? "; nothing was changed" : "");
	return EXIT_FAILURE;
}
