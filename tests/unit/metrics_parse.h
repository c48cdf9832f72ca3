/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a page of metrics with Prometheus's own parser for Python (python3-prometheus-client), which takes nothing that is not as the
 * format demands, and gives each sample back as a line: its name, its labels in order as name=value, and its value, with tabs between
 * them; newlines and backslashes of labels are escaped. After Criterion's header.
 */
#ifndef WGDP_TEST_METRICS_PARSE_H
#define WGDP_TEST_METRICS_PARSE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The caller frees. NULL: the parser refused the page; what it said is on stderr. */
static inline char *metrics_parse(const char *page, size_t len, bool openmetrics)
{
	static const char program[] =
		"import sys\n"
		"if sys.argv[1] == 'openmetrics': from prometheus_client.openmetrics import parser\n"
		"else: from prometheus_client import parser\n"
		"page = open(sys.argv[2], newline='', encoding='utf-8').read()\n"
		"seen = set()\n"
		"for f in parser.text_string_to_metric_families(page):\n"
		"    if sys.argv[1] == 'text' and f.name in seen: raise ValueError('twice: ' + f.name)\n"
		"    seen.add(f.name)\n"
		"    for s in f.samples:\n"
		"        labels = ['%s=%s' % (k, s.labels[k].replace('\\\\', '\\\\\\\\').replace('\\n', '\\\\n')) for k in sorted(s.labels)]\n"
		"        key = (s.name, *labels)\n"
		"        if key in seen: raise ValueError('twice: %r' % (key,))\n"
		"        seen.add(key)\n"
		"        print(s.name, *labels, '%.17g' % s.value, sep='\\t')\n";
	char command[4096], path[] = "/tmp/wgdp-metrics-XXXXXX", *out = NULL, piece[4096];
	int fd = mkstemp(path);
	size_t out_len = 0, n;
	FILE *f, *said = open_memstream(&out, &out_len);

	cr_assert(fd >= 0 && said && write(fd, page, len) == (ssize_t)len);
	close(fd);
	snprintf(command, sizeof(command), "PYTHONIOENCODING=utf-8 /usr/bin/python3 -c \"$(cat <<'END'\n%sEND\n)\" %s %s", program,
		 openmetrics ? "openmetrics" : "text", path);
	f = popen(command, "r");
	cr_assert_not_null(f);
	fputc('\n', said);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		fwrite(piece, 1, n, said);
	n = pclose(f);
	fclose(said);
	unlink(path);
	if (n == 0)
		return out;
	free(out);
	return NULL;
}

/* How many lines begin with that, a newline in front. */
static inline unsigned int metrics_count(const char *samples, const char *start)
{
	unsigned int n = 0;

	for (const char *at = samples; (at = strstr(at, start)); at += strlen(start))
		n++;
	return n;
}

#endif
