/* SPDX-License-Identifier: BSD-3-Clause */
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct path {
	char s[PATH_MAX];
};

#define MAKE_PATH(path, root, format)				\
	do {							\
		va_list args_;					\
		va_start(args_, format);			\
		make_path(path, root, format, args_);		\
		va_end(args_);					\
	} while (0)

__attribute__((format(printf, 3, 0)))
static void make_path(struct path *path, const char *root, const char *format, va_list args)
{
	int n = snprintf(path->s, sizeof(path->s), "%s", root);

	if (n < 0 || (size_t)n >= sizeof(path->s) || vsnprintf(path->s + n, sizeof(path->s) - (size_t)n, format, args) < 0)
		*path->s = '\0';
}

static bool read_line(const struct path *path, char *out, size_t size)
{
	FILE *f = fopen(path->s, "re");
	bool ok;

	*out = '\0';
	if (!f)
		return false;
	ok = fgets(out, (int)size, f);
	fclose(f);
	if (!ok)
		*out = '\0';
	out[strcspn(out, "\n")] = '\0';
	return ok;
}

bool sysfs_line(char *out, size_t size, const char *root, const char *format, ...)
{
	struct path path;

	MAKE_PATH(&path, root, format);
	return read_line(&path, out, size);
}

bool sysfs_number(long *v, const char *root, const char *format, ...)
{
	struct path path;
	char line[64], *end;
	long number;

	MAKE_PATH(&path, root, format);
	if (!read_line(&path, line, sizeof(line)))
		return false;
	errno = 0;
	number = strtol(line, &end, 0);
	if (end == line || errno)
		return false;
	*v = number;
	return true;
}

bool sysfs_link(char *out, size_t size, const char *root, const char *format, ...)
{
	char target[PATH_MAX];
	struct path path;
	const char *last;
	ssize_t n;

	MAKE_PATH(&path, root, format);
	*out = '\0';
	n = readlink(path.s, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	snprintf(out, size, "%s", last ? last + 1 : target);
	return true;
}

bool sysfs_exists(const char *root, const char *format, ...)
{
	struct path path;

	MAKE_PATH(&path, root, format);
	return access(path.s, F_OK) == 0;
}

static int visible(const struct dirent *e)
{
	return *e->d_name != '.';
}

struct sysfs_names *sysfs_list(const char *root, const char *format, ...)
{
	struct dirent **found = NULL;
	struct sysfs_names *names;
	struct path path;
	bool ok = true;
	int n;

	MAKE_PATH(&path, root, format);
	n = scandir(path.s, &found, visible, alphasort);
	if (n < 0)
		n = 0;
	names = calloc(1, sizeof(*names) + (size_t)n * sizeof(names->name[0]));
	for (int k = 0; k < n; k++) {
		if (names)
			names->name[names->n++] = strdup(found[k]->d_name);
		ok = ok && names && names->name[k];
		free(found[k]);
	}
	free(found);
	if (ok)
		return names;
	sysfs_names_free(names);
	return NULL;
}

void sysfs_names_free(struct sysfs_names *names)
{
	for (size_t k = 0; names && k < names->n; k++)
		free(names->name[k]);
	free(names);
}
