/* SPDX-License-Identifier: BSD-3-Clause */
#include "netif_batch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { BATCH_RECV = 32768 };

void netif_batch_init(struct netif_batch *b, struct netlink *nl,
		      int (*failed)(size_t index, int error, void *arg), void *arg)
{
	memset(b, 0, sizeof(*b));
	b->nl = nl;
	b->failed = failed;
	b->arg = arg;
}

int netif_batch_add(struct netif_batch *b, const struct nlmsghdr *nlh)
{
	struct nlmsghdr *copy = (void *)(b->buf + b->len);

	assert(nlh->nlmsg_len <= NETIF_BATCH_REQUEST_MAX);
	memcpy(copy, nlh, nlh->nlmsg_len);
	copy->nlmsg_flags |= NLM_F_REQUEST;
	copy->nlmsg_seq = ++b->nl->seq;
	if (!b->n)
		b->seq = copy->nlmsg_seq;
	b->len += MNL_ALIGN(nlh->nlmsg_len);
	if (++b->n < NETIF_BATCH_MAX)
		return 0;
	return netif_batch_flush(b);
}

/* Returns true when the last request has been answered. */
static bool batch_answer(struct netif_batch *b, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	uint32_t at = h->nlmsg_seq - b->seq;

	if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_HDRLEN + sizeof(*e) ||
	    h->nlmsg_pid != b->nl->portid || at >= b->n)
		return false;
	if (e->error && b->bad.n < NETIF_BATCH_MAX) {
		b->bad.e[b->bad.n].index = b->first + at;
		b->bad.e[b->bad.n++].error = e->error;
	}
	return at == b->n - 1;
}

static int batch_collect(struct netif_batch *b)
{
	_Alignas(struct nlmsghdr) char buf[BATCH_RECV];
	bool ended = false;

	while (!ended) {
		ssize_t got = mnl_socket_recvfrom(b->nl->sock, buf, sizeof(buf));
		const struct nlmsghdr *h;
		int len = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (h = (void *)buf; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len))
			ended |= batch_answer(b, h);
	}
	return 0;
}

/* Where the last request begins: its acknowledgement tells that all the others are done too. */
static struct nlmsghdr *batch_last(struct netif_batch *b)
{
	struct nlmsghdr *h = (void *)b->buf;

	for (unsigned int i = 1; i < b->n; i++)
		h = (void *)((char *)h + MNL_ALIGN(h->nlmsg_len));
	return h;
}

int netif_batch_flush(struct netif_batch *b)
{
	int rc = 0;

	if (!b->n)
		return 0;
	b->bad.n = 0;
	batch_last(b)->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(b->nl->sock, b->buf, b->len) < 0)
		rc = -errno;
	if (!rc)
		rc = batch_collect(b);

	b->first += b->n;
	b->n = 0;
	b->len = 0;
	for (unsigned int i = 0; i < b->bad.n && !rc; i++)
		rc = b->failed(b->bad.e[i].index, b->bad.e[i].error, b->arg);
	return rc;
}
