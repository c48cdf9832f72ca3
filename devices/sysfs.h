/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small reads of /sys, /proc and /dev. `root` is "" for the machine's own, or a folder with a made-up tree. Nothing is
 * kept between calls, nothing is written; any thread.
 */
#ifndef WGDP_SYSFS_H
#define WGDP_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#define SYSFS_FORMAT(at) __attribute__((format(printf, at, at + 1)))

/* The first line of a file, without its end. False: it cannot be read, and `out` is empty. */
bool sysfs_line(char *out, size_t size, const char *root, const char *format, ...) SYSFS_FORMAT(4);

/* The number, decimal or behind 0x, that a file begins with. False: none; *v stays. */
bool sysfs_number(long *v, const char *root, const char *format, ...) SYSFS_FORMAT(3);

/* The last part of what a link points to. False: there is no such link, and `out` is empty. */
bool sysfs_link(char *out, size_t size, const char *root, const char *format, ...) SYSFS_FORMAT(4);

bool sysfs_exists(const char *root, const char *format, ...) SYSFS_FORMAT(2);

/* The names in a folder, sorted, without those that begin with a dot. No folder is an empty one. NULL: no memory. */
struct sysfs_names {
	size_t n;
	char *name[];
};

struct sysfs_names *sysfs_list(const char *root, const char *format, ...) SYSFS_FORMAT(2);
void sysfs_names_free(struct sysfs_names *names);

#endif
