/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting, sending and receiving, a step at a time. A listener whose queue is full (EAGAIN) is tried again until time is up. A step reads
 * at most a few buffers, so that who waits for other things too is not kept from them.
 */
#include "ask_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 20, READS_A_STEP = 32 };

static const uint64_t ns_per_ms = 1000000;

uint64_t ask_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void ask_conn_init(struct ask_conn *c, const char *dir, const char *name)
{
	c->name = name;
	c->fd = -1;
	c->wait_ms = ASK_WAIT_MS;
	c->request = "";
	if (snprintf(c->path, sizeof(c->path), "%s/%s.sock", dir, name) >= (int)sizeof(c->path))
		c->path[0] = '\0';
	c->answer.have = 0;
}

void ask_conn_ask(struct ask_conn *c, const char *request, bool (*line)(void *arg, char *key, char *value), void *arg)
{
	c->request = request;
	c->asked_ns = ask_now();
	c->began_ns = c->received = 0;
	answer_begin(&c->answer, line, arg);
}

void ask_conn_close(struct ask_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	answer_wipe(&c->answer);
}

static uint64_t deadline(const struct ask_conn *c)
{
	return c->asked_ns + (c->wait_ms + c->received / ASK_BYTES_PER_MS) * ns_per_ms;
}

static enum ask_conn_state failed(struct ask_conn *c, int code, int *code_out, char err[ASK_ERRLEN], const char *why)
{
	ask_conn_close(c);
	*code_out = code;
	snprintf(err, ASK_ERRLEN, "%s: %s", c->name, why);
	return ASK_CONN_FAILED;
}

static enum ask_conn_state connect_failed(struct ask_conn *c, int code, int *code_out, char err[ASK_ERRLEN])
{
	char why[ASK_ERRLEN - 32];

	if (code == ENOENT || code == ENOTDIR)
		snprintf(why, sizeof(why), "no such interface: there is no %s", c->path);
	else if (code == ECONNREFUSED)
		snprintf(why, sizeof(why), "its process has ended: nobody answers on %s", c->path);
	else if (code == EACCES || code == EPERM)
		snprintf(why, sizeof(why), "no permission to open %s: run this as root", c->path);
	else
		snprintf(why, sizeof(why), "cannot connect to %s: %s", c->path, strerror(code));
	return failed(c, code, code_out, err, why);
}

/* MORE: it may go on, if there is a descriptor. */
static enum ask_conn_state try_connect(struct ask_conn *c, int *code, char err[ASK_ERRLEN])
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!c->path[0])
		return connect_failed(c, ENAMETOOLONG, code, err);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return connect_failed(c, errno, code, err);
	memcpy(to.sun_path, c->path, strlen(c->path) + 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
		c->fd = fd;
		return ASK_CONN_MORE;
	}
	*code = errno;
	close(fd);
	return *code == EAGAIN ? ASK_CONN_MORE : connect_failed(c, *code, code, err);
}

/* The other side is gone. */
static enum ask_conn_state hung_up(struct ask_conn *c, int *code, char err[ASK_ERRLEN])
{
	if (c->answer.any || c->answer.have)
		return failed(c, EPROTO, code, err, "its answer breaks off");
	ask_conn_close(c);
	return ASK_CONN_CLOSED;
}

static bool is_hang_up(int code)
{
	return code == ECONNRESET || code == EPIPE;
}

/* What of the request goes. */
static enum ask_conn_state send_some(struct ask_conn *c, int *code, char err[ASK_ERRLEN])
{
	const ssize_t n = send(c->fd, c->request, strlen(c->request), MSG_NOSIGNAL);

	if (n >= 0)
		c->request += n;
	else if (is_hang_up(errno))
		return hung_up(c, code, err);
	else if (errno != EAGAIN && errno != EINTR)
		return failed(c, errno, code, err, strerror(errno));
	return ASK_CONN_MORE;
}

static enum ask_conn_state received(struct ask_conn *c, size_t n, int *code, char err[ASK_ERRLEN])
{
	char why[ASK_ERRLEN - 32];

	if (!c->began_ns)
		c->began_ns = ask_now();
	c->received += n;
	switch (answer_filled(&c->answer, n)) {
	case ANSWER_DONE:
		return ASK_CONN_DONE;
	case ANSWER_BROKEN:
		snprintf(why, sizeof(why), "its answer is not understood: %s", c->answer.why);
		return failed(c, EPROTO, code, err, why);
	default:
		return ASK_CONN_MORE;
	}
}

static enum ask_conn_state receive_some(struct ask_conn *c, int *code, char err[ASK_ERRLEN])
{
	enum ask_conn_state state = ASK_CONN_MORE;

	for (int k = 0; k < READS_A_STEP && state == ASK_CONN_MORE; k++) {
		size_t room;
		char *at = answer_space(&c->answer, &room);
		const ssize_t n = recv(c->fd, at, room, 0);

		if (n > 0)
			state = received(c, (size_t)n, code, err);
		else if (n == 0 || is_hang_up(errno))
			return hung_up(c, code, err);
		else if (errno == EAGAIN || errno == EINTR)
			break;
		else
			return failed(c, errno, code, err, strerror(errno));
	}
	return state;
}

enum ask_conn_state ask_conn_step(struct ask_conn *c, int *code, char err[ASK_ERRLEN])
{
	enum ask_conn_state state = ASK_CONN_MORE;

	if (c->fd < 0)
		state = try_connect(c, code, err);
	if (state == ASK_CONN_MORE && c->fd >= 0 && *c->request)
		state = send_some(c, code, err);
	if (state == ASK_CONN_MORE && c->fd >= 0)
		state = receive_some(c, code, err);
	if (state == ASK_CONN_MORE && ask_now() >= deadline(c))
		return failed(c, ETIMEDOUT, code, err, "its process does not answer");
	return state;
}

void ask_conn_poll(const struct ask_conn *c, int *fd, short *events, int *wait_ms)
{
	const uint64_t now = ask_now(), until = deadline(c);

	*fd = c->fd;
	*events = *c->request ? POLLIN | POLLOUT : POLLIN;
	*wait_ms = until > now ? (int)((until - now) / ns_per_ms) + 1 : 0;
	if (c->fd < 0 && *wait_ms > RETRY_MS)
		*wait_ms = RETRY_MS;
}
