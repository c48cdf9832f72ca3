/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_fds.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Makes room for one more int, as the powers of two are reached. */
static bool grow(int **v, size_t n)
{
	int *more;

	if (n & (n - 1))
		return true;
	more = realloc(*v, (n ? 2 * n : 1) * sizeof(*more));
	if (more)
		*v = more;
	return more;
}

int *fds_before(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;
	int *v = NULL;
	size_t n = 0;

	if (!dir)
		return NULL;
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(dir))
			continue;
		if (!grow(&v, n))
			break;
		v[n++] = atoi(e->d_name);
	}
	closedir(dir);
	if (e || !grow(&v, n)) {
		free(v);
		return NULL;
	}
	qsort(v, n, sizeof(*v), compare);
	v[n] = -1;
	return v;
}

/* A driver opens one after the other and always gets the lowest number: by number means by age. */
static bool fds_classify(struct driver_fd *d, int fd)
{
	socklen_t len = sizeof(d->domain);
	char path[32], target[32] = "";
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	*d = (struct driver_fd){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	if (S_ISSOCK(st.st_mode))
		return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &d->domain, &len) == 0 &&
		       (d->domain == AF_PACKET || d->domain == AF_XDP);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return false;
	return strncmp(target, "anon_inode:bpf", 14) == 0 || strcmp(target, "anon_inode:btf") == 0;
}

static bool listed(const int *v, int fd)
{
	for (; *v >= 0; v++)
		if (*v == fd)
			return true;
	return false;
}

void fds_after(struct driver_fds *d, int *before)
{
	int *now = before ? fds_before() : NULL;

	for (const int *fd = now; fd && *fd >= 0; fd++) {
		struct driver_fd one, *more;

		if (listed(before, *fd) || !fds_classify(&one, *fd))
			continue;
		more = realloc(d->v, (d->n + 1) * sizeof(*more));
		if (!more)
			break;
		d->v = more;
		d->v[d->n++] = one;
	}
	free(now);
	free(before);
}

int fds_socket(const struct driver_fds *d, size_t i)
{
	for (size_t k = 0; k < d->n; k++)
		if (d->v[k].domain && i-- == 0)
			return d->v[k].fd;
	return -1;
}

/* The rings of an AF_XDP socket keep it bound to its queue even when it is closed. */
static void unmap_rings(ino_t socket)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		uintptr_t from, to;
		uint64_t ino;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64, &from, &to,
			   &ino) == 3 && ino == socket && strstr(line, "socket:["))
			munmap((void *)from, to - from);
	}
	if (maps)
		fclose(maps);
}

void fds_close(struct driver_fds *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct driver_fd *then = &d->v[i];
		struct driver_fd now;

		if (then->domain == AF_XDP)
			unmap_rings(then->ino);
		if (fds_classify(&now, then->fd) && now.domain == then->domain &&
		    now.dev == then->dev && now.ino == then->ino)
			close(then->fd);
	}
	free(d->v);
	*d = (struct driver_fds){ 0 };
}
