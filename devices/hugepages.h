/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugepages as the kernel counts them, of every size and NUMA node. `root` as in sysfs.h; any thread. */
#ifndef WGDP_HUGEPAGES_H
#define WGDP_HUGEPAGES_H

#include <stddef.h>

struct hugepages {
	size_t size;			/* bytes a page */
	int node;			/* NUMA node; -1: the kernel knows of none */
	unsigned long total, free;	/* pages; free ones that nobody has reserved */
};

/* One for each size and node, by size. Returns how many; *all is for the caller to free. 0: none, or no memory. */
size_t hugepages_list(struct hugepages **all, const char *root);

/* Bytes in free pages, of all sizes and nodes, or of one node (-1: of all). */
size_t hugepages_free(const char *root, int node);

enum { HUGEPAGES_COMMAND_LEN = 160 };

/*
 * The command that makes `needed` bytes free, where there are less: more of the pages that the kernel has by default,
 * on any node.
 */
void hugepages_command(char command[HUGEPAGES_COMMAND_LEN], const char *root, size_t needed);

#endif
