/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client's thread (DPDK's)                       the control thread
 *   a command's callback -> telemetry_ask:
 *     the last snapshot, if under a second old
 *     else rings the eventfd, waits          ----->  publish: takes a snapshot, puts it into `shared`, wakes those who wait
 *     shows it                               <-----
 *
 * Everything both touch is in `shared`, under its lock, which is held for a few loads and stores only.
 */
#include "telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "protocol.h"
#include "telemetry_internal.h"

enum { FRESH_NS = 1000000000, WAIT_S = 2 };

struct telemetry {
	struct loop *loop;
	const struct iface **ifaces;
	unsigned int n;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t published;
	int asked;			/* eventfd, open while `open` */
	bool open;
	uint64_t number;		/* of snapshots published so far */
	struct snapshot *latest;	/* NULL: none that is good */
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool fresh(const struct snapshot *s)
{
	return s && dataplane_now() - s->taken_ns < FRESH_NS;
}

/* With the lock: until there is another snapshot, or the control thread has not come to it. */
static void wait_for_one(void)
{
	const uint64_t before = shared.number;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	eventfd_write(shared.asked, 1);
	while (shared.open && shared.number == before)
		if (pthread_cond_timedwait(&shared.published, &shared.lock, &until))
			return;
}

struct snapshot *telemetry_ask(void)
{
	struct snapshot *s = NULL;

	pthread_mutex_lock(&shared.lock);
	if (shared.open && !fresh(shared.latest))
		wait_for_one();
	if (shared.open && fresh(shared.latest)) {
		s = shared.latest;
		s->refs++;
	}
	pthread_mutex_unlock(&shared.lock);
	return s;
}

void telemetry_put(struct snapshot *s)
{
	pthread_mutex_lock(&shared.lock);
	snapshot_put(s);
	pthread_mutex_unlock(&shared.lock);
}

/* NULL: the last one is not good any more. */
static void set_latest(struct snapshot *s)
{
	pthread_mutex_lock(&shared.lock);
	snapshot_put(shared.latest);
	shared.latest = s;
	if (s) {
		shared.number++;
		pthread_cond_broadcast(&shared.published);
	}
	pthread_mutex_unlock(&shared.lock);
}

static void publish(void *arg)
{
	struct telemetry *t = arg;
	eventfd_t n;

	eventfd_read(shared.asked, &n);
	set_latest(snapshot_take(t->ifaces, t->n));
}

/* Opens for questions. */
static int open_shared(struct telemetry *t)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = loop_add(t->loop, fd, publish, t);
	if (rc) {
		close(fd);
		return rc;
	}
	pthread_mutex_lock(&shared.lock);
	shared.asked = fd;
	shared.open = true;
	pthread_mutex_unlock(&shared.lock);
	return 0;
}

static void init_once(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&shared.published, &attr);
	pthread_condattr_destroy(&attr);
	telemetry_register();
}

struct telemetry *telemetry_create(struct loop *l)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct telemetry *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return NULL;
	t->loop = l;
	pthread_once(&once, init_once);
	rc = open_shared(t);
	if (!rc)
		return t;
	free(t);
	errno = -rc;
	return NULL;
}

void telemetry_destroy(struct telemetry *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&shared.lock);
	shared.open = false;
	pthread_cond_broadcast(&shared.published);
	pthread_mutex_unlock(&shared.lock);
	set_latest(NULL);
	loop_remove(t->loop, shared.asked);
	close(shared.asked);
	free(t->ifaces);
	free(t);
}

int telemetry_add(struct telemetry *t, const struct iface *i)
{
	const struct iface **more = reallocarray(t->ifaces, t->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	t->ifaces = more;
	t->ifaces[t->n++] = i;
	set_latest(NULL);
	return 0;
}

void telemetry_remove(struct telemetry *t, const struct iface *i)
{
	unsigned int k = 0;

	while (k < t->n && t->ifaces[k] != i)
		k++;
	if (k == t->n)
		return;
	memmove(&t->ifaces[k], &t->ifaces[k + 1], (--t->n - k) * sizeof(t->ifaces[0]));
	set_latest(NULL);
}
