/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of names that wait, one of those being asked for, one of answers, under a lock that is
 * never held during getaddrinfo. The control thread submits and takes answers; workers are
 * detached, and the last to leave, worker or owner, frees the rest. The eventfd is the owner's
 * alone to read; workers write it under the lock while it is open.
 */
#include "resolver.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

struct request {
	TAILQ_ENTRY(request) link;
	void *cookie;
	char *host;
	uint16_t port;
	bool cancelled;
	int error;
	struct sockaddr_storage ss;
};

TAILQ_HEAD(requests, request);

struct resolver {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct requests waiting, running, done;
	size_t n_waiting;
	unsigned int threads, idle;
	int fd;
	bool closed; /* the owner has left */
};

static void request_free(struct request *q)
{
	free(q->host);
	free(q);
}

static void requests_clear(struct requests *list)
{
	struct request *q;

	while ((q = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, q, link);
		request_free(q);
	}
}

/* The bytes of what is not address, port or a link-local scope are zero: endpoints are compared. */
static bool address_take(const struct addrinfo *ai, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (void *)ss;
	struct sockaddr_in6 *v6 = (void *)ss;
	const struct sockaddr_in6 *from6 = (const void *)ai->ai_addr;

	memset(ss, 0, sizeof(*ss));
	if (ai->ai_family == AF_INET) {
		v4->sin_family = AF_INET;
		v4->sin_addr = ((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr;
		v4->sin_port = htons(port);
		return true;
	}
	if (ai->ai_family != AF_INET6)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_addr = from6->sin6_addr;
	v6->sin6_port = htons(port);
	if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		v6->sin6_scope_id = from6->sin6_scope_id;
	return true;
}

static int address_lookup(const char *host, uint16_t port, int flags, struct sockaddr_storage *ss)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = flags,
	};
	struct addrinfo *list = NULL, *ai;
	int rc = getaddrinfo(host, NULL, &hints, &list);

	memset(ss, 0, sizeof(*ss));
	if (rc)
		return rc;
	for (ai = list; ai && !address_take(ai, port, ss); ai = ai->ai_next)
		;
	freeaddrinfo(list);
	return ai ? 0 : EAI_NONAME;
}

bool resolver_numeric(const char *host, uint16_t port, struct sockaddr_storage *ss)
{
	return address_lookup(host, port, AI_NUMERICHOST, ss) == 0;
}

/* With the lock held, by whoever leaves; releases it. */
static void resolver_leave(struct resolver *r)
{
	bool last = r->closed && !r->threads;

	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* With the lock held: the answer to q is there. */
static void resolver_finish(struct resolver *r, struct request *q)
{
	const uint64_t one = 1;

	TAILQ_REMOVE(&r->running, q, link);
	if (q->cancelled || r->closed) {
		request_free(q);
		return;
	}
	TAILQ_INSERT_TAIL(&r->done, q, link);
	/* It cannot be full: the counter is read before 2^64 answers. */
	if (write(r->fd, &one, sizeof(one)) < 0)
		perror("resolver: eventfd");
}

static void *resolver_thread(void *arg)
{
	struct resolver *r = arg;
	struct request *q;

	pthread_mutex_lock(&r->lock);
	while (!r->closed) {
		q = TAILQ_FIRST(&r->waiting);
		if (!q) {
			r->idle++;
			pthread_cond_wait(&r->work, &r->lock);
			r->idle--;
			continue;
		}
		TAILQ_REMOVE(&r->waiting, q, link);
		r->n_waiting--;
		TAILQ_INSERT_TAIL(&r->running, q, link);
		pthread_mutex_unlock(&r->lock);
		q->error = address_lookup(q->host, q->port, 0, &q->ss);
		pthread_mutex_lock(&r->lock);
		resolver_finish(r, q);
	}
	r->threads--;
	resolver_leave(r);
	return NULL;
}

struct resolver *resolver_create(void)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->fd < 0) {
		free(r);
		return NULL;
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->work, NULL);
	TAILQ_INIT(&r->waiting);
	TAILQ_INIT(&r->running);
	TAILQ_INIT(&r->done);
	return r;
}

int resolver_fd(const struct resolver *r)
{
	return r->fd;
}

/* With the lock held. No signal is ever delivered to a worker. 0 or -errno. */
static int resolver_add_thread(struct resolver *r)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, resolver_thread, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc)
		return -rc;
	r->threads++;
	pthread_setname_np(thread, "wgdp/dns");
	return 0;
}

int resolver_submit(struct resolver *r, void *cookie, const char *host, uint16_t port)
{
	struct request *q = calloc(1, sizeof(*q));
	int rc = 0;

	if (q)
		q->host = strdup(host);
	if (!q || !q->host) {
		free(q);
		return -ENOMEM;
	}
	q->cookie = cookie;
	q->port = port;

	pthread_mutex_lock(&r->lock);
	if (r->n_waiting >= r->idle && r->threads < RESOLVER_THREADS)
		rc = resolver_add_thread(r);
	/* One thread is enough to get there in the end. */
	if (rc && r->threads)
		rc = 0;
	if (!rc) {
		TAILQ_INSERT_TAIL(&r->waiting, q, link);
		r->n_waiting++;
		pthread_cond_signal(&r->work);
	}
	pthread_mutex_unlock(&r->lock);
	if (rc)
		request_free(q);
	return rc;
}

bool resolver_next(struct resolver *r, void **cookie, struct sockaddr_storage *ss, int *gai_error)
{
	struct request *q;
	uint64_t count;

	pthread_mutex_lock(&r->lock);
	q = TAILQ_FIRST(&r->done);
	if (q)
		TAILQ_REMOVE(&r->done, q, link);
	if (TAILQ_EMPTY(&r->done) && read(r->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		perror("resolver: eventfd");
	pthread_mutex_unlock(&r->lock);
	if (!q)
		return false;
	*cookie = q->cookie;
	*ss = q->ss;
	*gai_error = q->error;
	request_free(q);
	return true;
}

/* Returns how many are left in the list. */
static size_t requests_cancel(struct requests *list, const void *cookie)
{
	struct request *q, *next;
	size_t left = 0;

	for (q = TAILQ_FIRST(list); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->cookie != cookie) {
			left++;
			continue;
		}
		TAILQ_REMOVE(list, q, link);
		request_free(q);
	}
	return left;
}

void resolver_cancel(struct resolver *r, void *cookie)
{
	struct request *q;

	pthread_mutex_lock(&r->lock);
	r->n_waiting = requests_cancel(&r->waiting, cookie);
	requests_cancel(&r->done, cookie);
	TAILQ_FOREACH(q, &r->running, link)
		if (q->cookie == cookie)
			q->cancelled = true;
	pthread_mutex_unlock(&r->lock);
}

void resolver_destroy(struct resolver *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	requests_clear(&r->waiting);
	requests_clear(&r->done);
	close(r->fd);
	pthread_cond_broadcast(&r->work);
	resolver_leave(r);
}
