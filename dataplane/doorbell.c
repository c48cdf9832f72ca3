/* SPDX-License-Identifier: BSD-3-Clause */
#include "doorbell.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int doorbell_init(struct doorbell *d)
{
	d->armed = 0;
	d->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return d->fd < 0 ? -errno : 0;
}

void doorbell_fini(struct doorbell *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

void doorbell_write(struct doorbell *d)
{
	/* EAGAIN means the counter is full, so the owner has a wake waiting already. */
	while (eventfd_write(d->fd, 1) < 0 && errno == EINTR)
		;
}

void doorbell_disarm(struct doorbell *d)
{
	eventfd_t count;

	__atomic_store_n(&d->armed, 0, __ATOMIC_RELAXED);
	/* A late ring of the time before may be in there, too: always emptied, or the next sleep would be none. */
	while (eventfd_read(d->fd, &count) < 0 && errno == EINTR)
		;
}
