/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a management socket: made so that nobody but root ever reaches it, and removed only if it is still ours. Control thread. */
#ifndef WGDP_UAPI_SOCKET_H
#define WGDP_UAPI_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "uapi.h"

struct uapi_socket {
	int fd;			/* listens, non-blocking */
	struct sockaddr_un addr;
	dev_t dev;
	ino_t ino;
};

/* For the interface of that name. False: a line for the user in err. */
bool uapi_socket_open(struct uapi_socket *s, const char *name, char err[UAPI_ERRLEN]);
/* Closes it, and removes its file. */
void uapi_socket_close(struct uapi_socket *s);

/* Is our socket still what its path leads to? */
bool uapi_socket_is_there(const struct uapi_socket *s);

/* A non-blocking connection of root's or of our own user. -EAGAIN: there is none, -EPERM: it was somebody else's, or another -errno. */
int uapi_socket_accept(const struct uapi_socket *s);

#endif
