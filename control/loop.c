/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "dataplane.h"
#include "protocol.h"
#include "rcu.h"

/* epoll's clock stands still in suspend, ours does not. */
#define WAIT_MAX_NS (60 * WG_NS_PER_SEC)

struct watch {
	int fd;			/* -1: place is free */
	void (*cb)(void *arg);
	void *arg;
};

struct loop {
	int epoll;
	unsigned int stops;
	void (*round)(void *arg);
	void *round_arg;
	struct watch watch[LOOP_MAX];
};

struct loop *loop_create(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	for (int i = 0; i < LOOP_MAX; i++)
		l->watch[i].fd = -1;
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
	free(l);
}

static struct watch *find(struct loop *l, int fd)
{
	for (int i = 0; i < LOOP_MAX; i++)
		if (l->watch[i].fd == fd)
			return &l->watch[i];
	return NULL;
}

int loop_add(struct loop *l, int fd, void (*cb)(void *arg), void *arg)
{
	struct watch *w = find(l, -1);
	struct epoll_event e = { .events = EPOLLIN };

	if (!w)
		return -ENOSPC;
	e.data.ptr = w;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	*w = (struct watch){ .fd = fd, .cb = cb, .arg = arg };
	return 0;
}

void loop_remove(struct loop *l, int fd)
{
	struct watch *w = fd >= 0 ? find(l, fd) : NULL;

	if (!w)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	w->fd = -1;
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
		struct watch *w = e[i].data.ptr;

		if (w->fd >= 0)		/* an earlier callback may have removed it */
			w->cb(w->arg);
	}
}
