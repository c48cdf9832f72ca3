/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "dataplane.h"
#include "protocol.h"
#include "rcu.h"

/* epoll's clock stands still in suspend, ours does not. */
#define WAIT_MAX_NS (60 * WG_NS_PER_SEC)

struct watch {
	void (*cb)(void *arg);	/* NULL: the descriptor is not in the loop */
	void *arg;
};

struct loop {
	int epoll;
	unsigned int stops;
	void (*round)(void *arg);
	void *round_arg;
	struct watch *watch;	/* by descriptor */
	int n_watch;
};

struct loop *loop_create(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll >= 0)
		return l;
	free(l);
	return NULL;
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	close(l->epoll);
	free(l->watch);
	free(l);
}

static bool has(const struct loop *l, int fd)
{
	return fd >= 0 && fd < l->n_watch && l->watch[fd].cb;
}

/* Descriptors are small numbers. */
static bool make_room(struct loop *l, int fd)
{
	int n = fd + 64;
	struct watch *w;

	if (fd < l->n_watch)
		return true;
	w = realloc(l->watch, n * sizeof(*w));
	if (!w)
		return false;
	memset(w + l->n_watch, 0, (n - l->n_watch) * sizeof(*w));
	l->watch = w;
	l->n_watch = n;
	return true;
}

int loop_add(struct loop *l, int fd, void (*cb)(void *arg), void *arg)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (!make_room(l, fd))
		return -ENOMEM;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	l->watch[fd] = (struct watch){ .cb = cb, .arg = arg };
	return 0;
}

void loop_remove(struct loop *l, int fd)
{
	if (!has(l, fd))
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	l->watch[fd].cb = NULL;
}

void loop_want(struct loop *l, int fd, bool readable, bool writable)
{
	struct epoll_event e = { .events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.fd = fd };

	if (has(l, fd))
		epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e);	/* fails for no descriptor that loop_add took */
}

void loop_set_round(struct loop *l, void (*round)(void *arg), void *arg)
{
	l->round = round;
	l->round_arg = arg;
}

void loop_round(struct loop *l)
{
	l->round(l->round_arg);
}

void loop_stop(struct loop *l)
{
	l->stops++;
}

unsigned int loop_stops(const struct loop *l)
{
	return l->stops;
}

static int wait_ready(struct loop *l, struct epoll_event *e, int n, uint64_t until_ns)
{
	uint64_t now = dataplane_now(), wait = until_ns > now ? until_ns - now : 0;
	struct timespec t;

	if (wait > WAIT_MAX_NS)
		wait = WAIT_MAX_NS;
	t = (struct timespec){ .tv_sec = wait / WG_NS_PER_SEC, .tv_nsec = wait % WG_NS_PER_SEC };

	if (!wait)
		return epoll_wait(l->epoll, e, n, 0);
	rcu_thread_offline();
	n = epoll_pwait2(l->epoll, e, n, &t, NULL);
	rcu_thread_online();
	return n;
}

void loop_wait(struct loop *l, uint64_t until_ns)
{
	struct epoll_event e[16];
	int n = wait_ready(l, e, 16, until_ns);

	for (int i = 0; i < n; i++) {
		int fd = e[i].data.fd;

		if (has(l, fd))		/* an earlier callback may have removed it */
			l->watch[fd].cb(l->watch[fd].arg);
	}
}
