/* SPDX-License-Identifier: BSD-3-Clause */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_fd = -1;	/* the child's: a byte on it ends the parent's wait */

/* A byte: the child is ready. The end without one: it has ended, and its status is ours. */
static int wait_until_ready(int fd, pid_t child)
{
	ssize_t n;
	int status;
	char byte;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_SUCCESS;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

bool background_start(void)
{
	pid_t child;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (child < 0) {
		close(fd[0]);
		close(fd[1]);
		return false;
	}
	if (child > 0) {
		close(fd[1]);
		_exit(wait_until_ready(fd[0], child));
	}
	close(fd[0]);
	ready_fd = fd[1];
	setsid();
	return true;
}

void background_ready(void)
{
	int null;

	if (ready_fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	while (write(ready_fd, "", 1) < 0 && errno == EINTR)
		;
	close(ready_fd);
	ready_fd = -1;
}
