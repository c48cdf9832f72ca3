/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket is bound under a name that wg(8) does not look for and renamed once it listens: wg removes a socket that refuses it, and so
 * there is no moment in which ours would. The renaming takes the place of one that was left behind.
 */
#include "uapi_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/var/run/wireguard"

enum { BACKLOG = 64 };

/* In the folder of a stranger, or one that strangers can write to, our socket could be replaced by theirs, which would be given keys. */
static bool folder_make(char err[UAPI_ERRLEN])
{
	struct stat st;

	if (mkdir(FOLDER, 0700) < 0 && errno != EEXIST) {
		snprintf(err, UAPI_ERRLEN, "cannot create %s: %s", FOLDER, strerror(errno));
		return false;
	}
	if (lstat(FOLDER, &st) < 0)
		snprintf(err, UAPI_ERRLEN, "cannot look at %s: %s", FOLDER, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		snprintf(err, UAPI_ERRLEN, "%s is no folder: remove it", FOLDER);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		snprintf(err, UAPI_ERRLEN, "%s belongs to user %u: remove it, or chown it to root", FOLDER, st.st_uid);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		snprintf(err, UAPI_ERRLEN, "others can write to %s: chmod it to 0700", FOLDER);
	else
		return true;
	return false;
}

/* Does a process answer there? */
static bool is_live(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* EAGAIN: one does, but has its hands full */
	bool live = fd >= 0 && (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return live;
}

/* Is there nothing in the way but perhaps a socket without a process? */
static bool place_is_free(const struct sockaddr_un *addr, const char *name, char err[UAPI_ERRLEN])
{
	struct stat st;

	if (lstat(addr->sun_path, &st) < 0) {
		if (errno == ENOENT)
			return true;
		snprintf(err, UAPI_ERRLEN, "cannot look at %s: %s", addr->sun_path, strerror(errno));
	} else if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, UAPI_ERRLEN, "%s is no socket: remove it", addr->sun_path);
	} else if (is_live(addr)) {
		snprintf(err, UAPI_ERRLEN, "%s: another process answers on %s: stop it first", name, addr->sun_path);
	} else {
		return true;
	}
	return false;
}

static bool bind_and_listen(struct uapi_socket *s, const char *name)
{
	struct sockaddr_un hidden = { .sun_family = AF_UNIX };
	struct stat st;

	snprintf(hidden.sun_path, sizeof(hidden.sun_path), FOLDER "/.%s.%d", name, (int)getpid());
	unlink(hidden.sun_path);	/* of a process that had our number once */
	/* bind() gives the file the socket's mode, less the umask. */
	if (fchmod(s->fd, S_IRUSR | S_IWUSR) < 0 || bind(s->fd, (struct sockaddr *)&hidden, sizeof(hidden)) < 0)
		return false;
	if (listen(s->fd, BACKLOG) == 0 && lstat(hidden.sun_path, &st) == 0 && rename(hidden.sun_path, s->addr.sun_path) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		return true;
	}
	unlink(hidden.sun_path);
	return false;
}

bool uapi_socket_open(struct uapi_socket *s, const char *name, char err[UAPI_ERRLEN])
{
	memset(s, 0, sizeof(*s));
	s->addr.sun_family = AF_UNIX;
	snprintf(s->addr.sun_path, sizeof(s->addr.sun_path), FOLDER "/%s.sock", name);
	if (!folder_make(err) || !place_is_free(&s->addr, name, err))
		return false;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd >= 0 && bind_and_listen(s, name))
		return true;
	snprintf(err, UAPI_ERRLEN, "cannot make %s: %s", s->addr.sun_path, strerror(errno));
	if (s->fd >= 0)
		close(s->fd);
	return false;
}

bool uapi_socket_is_there(const struct uapi_socket *s)
{
	struct stat st;

	return lstat(s->addr.sun_path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

void uapi_socket_close(struct uapi_socket *s)
{
	/* While it is open no other socket gets its inode number. */
	if (uapi_socket_is_there(s))
		unlink(s->addr.sun_path);
	close(s->fd);
}

int uapi_socket_accept(const struct uapi_socket *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred who;
	socklen_t len = sizeof(who);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && (who.uid == 0 || who.uid == geteuid()))
		return fd;
	close(fd);
	return -EPERM;
}
