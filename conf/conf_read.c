/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_mem.h"
#include "conf_parser.h"

enum { FILE_MAX = 64 << 20, FILE_FIRST = 64 << 10 };

/* The text of a file, in memory that is wiped whenever it moves. */
struct file {
	char *text;
	size_t len;
	size_t room;
};

static bool file_grow(struct file *file)
{
	size_t room = file->room > 0 ? 2 * file->room : FILE_FIRST;
	char *text = malloc(room);

	if (!text)
		return false;
	if (file->len > 0)
		memcpy(text, file->text, file->len);
	conf_mem_free(file->text, file->len);
	file->text = text;
	file->room = room;
	return true;
}

/* Until the end, and not by st_size, so that a pipe or a file of /proc will do. */
static bool file_fill(struct file *file, int fd, const char *path, FILE *diag)
{
	for (;;) {
		ssize_t n;

		if (file->len == file->room && !file_grow(file)) {
			fprintf(diag, "%s: out of memory\n", path);
			return false;
		}
		n = read(fd, file->text + file->len, file->room - file->len);
		if (n == 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fprintf(diag, "%s: cannot be read: %m\n", path);
			return false;
		}
		file->len += (size_t)n;
		if (file->len > FILE_MAX) {
			fprintf(diag, "%s: larger than %d MiB\n", path, FILE_MAX >> 20);
			return false;
		}
	}
}

static struct conf *file_parse(int fd, mode_t mode, const char *path, const char *ifname, FILE *diag)
{
	struct file file = { 0 };
	struct conf *c = NULL;

	if (file_fill(&file, fd, path, diag))
		c = conf_parse_as(path, ifname, file.text, file.len, diag);
	conf_mem_free(file.text, file.len);
	if (c && c->has_private_key && (mode & S_IRWXO) != 0)
		fprintf(diag,
			"%s: warning: holds a private key and is world accessible; chmod 600 it\n",
			path);
	return c;
}

static struct conf *read_as(const char *path, const char *ifname, FILE *diag)
{
	struct conf *c = NULL;
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		fprintf(diag, "%s: cannot be read: %m\n", path);
	else if (S_ISDIR(st.st_mode))
		fprintf(diag, "%s: is a directory\n", path);
	else
		c = file_parse(fd, st.st_mode, path, ifname, diag);
	if (fd >= 0)
		close(fd);
	return c;
}

struct conf *conf_read(const char *path, FILE *diag)
{
	return read_as(path, NULL, diag);
}

struct conf *conf_read_dataplane(const char *path, const char *ifname, FILE *diag)
{
	struct conf *c;

	if (!conf_check_ifname(ifname, diag))
		return NULL;
	c = read_as(path, ifname, diag);
	if (c)
		conf_keep_dataplane(c);
	return c;
}
