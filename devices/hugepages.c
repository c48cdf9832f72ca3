/* SPDX-License-Identifier: BSD-3-Clause */
#include "hugepages.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

#define MACHINE "/sys/kernel/mm"
#define NODES "/sys/devices/system/node"

enum { KIB = 1024, DEFAULT_KIB = 2048, PATH_LEN = 300 };

/* Those of a folder with "hugepages-2048kB" and so on in it. */
static bool add_sizes(struct hugepages **all, size_t *n, const char *root, const char *folder, int node)
{
	struct sysfs_names *names = sysfs_list(root, "%s/hugepages", folder);
	bool ok = names;

	for (size_t k = 0; ok && k < names->n; k++) {
		struct hugepages *more, h = { .node = node };
		long total = 0, available = 0, reserved = 0;
		unsigned long kib;

		if (sscanf(names->name[k], "hugepages-%lukB", &kib) != 1)
			continue;
		more = realloc(*all, (*n + 1) * sizeof(**all));
		ok = more;
		if (!ok)
			break;
		*all = more;
		sysfs_number(&total, root, "%s/hugepages/%s/nr_hugepages", folder, names->name[k]);
		sysfs_number(&available, root, "%s/hugepages/%s/free_hugepages", folder, names->name[k]);
		/* a node has no such file */
		sysfs_number(&reserved, root, "%s/hugepages/%s/resv_hugepages", folder, names->name[k]);
		h.size = kib * KIB;
		h.total = total > 0 ? (unsigned long)total : 0;
		h.free = available > reserved ? (unsigned long)(available - reserved) : 0;
		more[(*n)++] = h;
	}
	sysfs_names_free(names);
	return ok;
}

static int by_size(const void *a, const void *b)
{
	const struct hugepages *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->node - y->node;
}

size_t hugepages_list(struct hugepages **all, const char *root)
{
	struct sysfs_names *nodes = sysfs_list(root, NODES);
	bool ok = nodes;
	char path[PATH_LEN];
	size_t n = 0;
	int node;

	*all = NULL;
	for (size_t k = 0; ok && k < nodes->n; k++) {
		if (sscanf(nodes->name[k], "node%d", &node) != 1)
			continue;
		snprintf(path, sizeof(path), NODES "/%s", nodes->name[k]);
		ok = add_sizes(all, &n, root, path, node);
	}
	if (ok && n == 0)
		ok = add_sizes(all, &n, root, MACHINE, -1);
	sysfs_names_free(nodes);
	if (!ok) {
		free(*all);
		*all = NULL;
		return 0;
	}
	if (n)
		qsort(*all, n, sizeof(**all), by_size);
	return n;
}

size_t hugepages_free(const char *root, int node)
{
	struct hugepages *all = NULL;
	size_t n, bytes = 0;

	if (node < 0) {		/* what is reserved is counted for the whole machine alone */
		n = 0;
		if (!add_sizes(&all, &n, root, MACHINE, -1))
			n = 0;
	} else {
		n = hugepages_list(&all, root);
	}
	for (size_t k = 0; k < n; k++)
		if (all[k].node == node)
			bytes += all[k].free * all[k].size;
	free(all);
	return bytes;
}

/* Hugepagesize of /proc/meminfo. */
static size_t default_size(const char *root)
{
	char path[PATH_LEN], line[128];
	unsigned long kib = DEFAULT_KIB;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Hugepagesize: %lu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (kib ? kib : DEFAULT_KIB) * KIB;
}

void hugepages_command(char command[HUGEPAGES_COMMAND_LEN], const char *root, size_t needed)
{
	const size_t size = default_size(root), available = hugepages_free(root, -1);
	const size_t missing = needed > available ? needed - available : 0;
	long total = 0;

	sysfs_number(&total, root, MACHINE "/hugepages/hugepages-%zukB/nr_hugepages", size / KIB);
	snprintf(command, HUGEPAGES_COMMAND_LEN, "echo %zu >/proc/sys/vm/nr_hugepages",
		 (size_t)total + (missing + size - 1) / size);
}
