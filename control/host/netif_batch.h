/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many requests in one sendmsg. The kernel answers only those that fail, and the last of each
 * batch. One thread, like the struct netlink it works on, on which only `failed` may talk between
 * add and flush.
 */
#ifndef WGDP_NETIF_BATCH_H
#define WGDP_NETIF_BATCH_H

#include "netlink.h"

/*
 * So few that the errors of a whole batch fit in the socket's default receive buffer: what does not
 * fit is lost without a sign.
 */
enum { NETIF_BATCH_MAX = 64, NETIF_BATCH_REQUEST_MAX = 128 };

struct netif_batch {
	struct netlink *nl;
	/* What failed, in the order in which they were added. Returns 0 to go on, else an error. */
	int (*failed)(size_t index, int error, void *arg);
	void *arg;

	size_t first; /* index of buf's first request */
	unsigned int n;
	size_t len;
	uint32_t seq; /* of the first */
	struct {
		unsigned int n;
		struct {
			size_t index;
			int error;
		} e[NETIF_BATCH_MAX];
	} bad;
	_Alignas(struct nlmsghdr) char buf[NETIF_BATCH_MAX * NETIF_BATCH_REQUEST_MAX];
};

void netif_batch_init(struct netif_batch *b, struct netlink *nl,
		      int (*failed)(size_t index, int error, void *arg), void *arg);

/*
 * Appends a copy of a request of at most NETIF_BATCH_REQUEST_MAX bytes; its index is the number of
 * those before it. Sends the batch when full. 0, or what `failed` returned, or -errno.
 */
int netif_batch_add(struct netif_batch *b, const struct nlmsghdr *nlh);

/* Sends what is left and reports it. Same results. */
int netif_batch_flush(struct netif_batch *b);

#endif
