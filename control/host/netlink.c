/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests and notifications over route netlink. Called by the control thread. rtnetlink does its
 * work within sendmsg, so that the answer is there when the request has been sent: talking here
 * does not stall the event loop. Answers are told from leftovers of an earlier, broken-off request
 * by their sequence number.
 */
#include "netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum {
	NETLINK_TIMEOUT_S = 5,
	NETLINK_BUFFER = 32768, /* what the kernel makes of a dump's datagram at most */
	NETLINK_RCVBUF = 1 << 20, /* for bursts of notifications */
};

static int netlink_set_options(struct netlink *nl, const enum rtnetlink_groups *groups)
{
	const struct timeval timeout = { .tv_sec = NETLINK_TIMEOUT_S };
	int fd = mnl_socket_get_fd(nl->sock), one = 1, rcvbuf = NETLINK_RCVBUF;

	/* Only the text of errors depends on it. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));

	if (!groups && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return -errno;
	if (!groups)
		return 0;

	/* Without CAP_NET_ADMIN the default has to do: overruns are handled anyway. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		return -errno;
	for (; *groups != RTNLGRP_NONE; groups++) {
		int group = (int)*groups;

		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
			return -errno;
	}
	return 0;
}

int netlink_open(struct netlink *nl, const enum rtnetlink_groups *groups)
{
	int rc;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;

	rc = mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!rc)
		rc = netlink_set_options(nl, groups);
	if (rc) {
		netlink_close(nl);
		return rc;
	}
	nl->portid = mnl_socket_get_portid(nl->sock);
	nl->seq = (uint32_t)time(NULL);
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

int netlink_fd(const struct netlink *nl)
{
	return nl->sock ? mnl_socket_get_fd(nl->sock) : -1;
}

void *netlink_request_init(union netlink_request *req, uint16_t type, uint16_t flags, size_t size)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(req->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	return mnl_nlmsg_put_extra_header(nlh, size);
}

struct attr_table {
	const struct nlattr **tb;
	uint16_t max;
};

static int attr_collect(const struct nlattr *attr, void *arg)
{
	const struct attr_table *t = arg;

	if (mnl_attr_get_type(attr) <= t->max)
		t->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

bool netlink_attrs(const struct nlmsghdr *nlh, size_t fixed, const struct nlattr **tb, uint16_t max)
{
	struct attr_table t = { tb, max };

	memset(tb, 0, sizeof(*tb) * (max + 1U));
	if (nlh->nlmsg_len < NLMSG_HDRLEN + fixed)
		return false;
	mnl_attr_parse(nlh, (unsigned int)fixed, attr_collect, &t);
	return true;
}

uint32_t netlink_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
}

bool netlink_addr_bytes(const void *bytes, size_t len, struct in6_addr *a)
{
	static const struct in6_addr v4 = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (len != 4 && len != sizeof(*a))
		return false;
	*a = v4;
	memcpy(len == 4 ? a->s6_addr + 12 : a->s6_addr, bytes, len);
	return true;
}

bool netlink_addr(const struct nlattr *attr, struct in6_addr *a)
{
	return attr && netlink_addr_bytes(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), a);
}

bool netlink_gateway(const struct nlattr **tb, struct in6_addr *a)
{
	const struct nlattr *via = tb[RTA_VIA];
	const size_t family = sizeof(struct rtvia);

	if (tb[RTA_GATEWAY])
		return netlink_addr(tb[RTA_GATEWAY], a);
	return via && mnl_attr_get_payload_len(via) >= family &&
	       netlink_addr_bytes((const uint8_t *)mnl_attr_get_payload(via) + family, mnl_attr_get_payload_len(via) - family, a);
}

/*
 * The kernel's explanation, which follows the request that it returns: whole, or its header alone
 * when NLM_F_CAPPED.
 */
static void netlink_keep_error(struct netlink *nl, const struct nlmsghdr *nlh,
			       const struct nlmsgerr *err)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	size_t fixed = sizeof(*err);
	const char *text = strerror(-err->error);

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		fixed += MNL_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) &&
	    netlink_attrs(nlh, fixed, tb, NLMSGERR_ATTR_MAX) && tb[NLMSGERR_ATTR_MSG] &&
	    mnl_attr_validate(tb[NLMSGERR_ATTR_MSG], MNL_TYPE_NUL_STRING) == 0)
		text = mnl_attr_get_str(tb[NLMSGERR_ATTR_MSG]);
	snprintf(nl->error, sizeof(nl->error), "%s", text);
}

/*
 * NLMSG_ERROR (an acknowledgement if its error is 0), or NLMSG_DONE, which may hold an error too.
 */
static int netlink_end(struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == NLMSG_DONE && nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(int))
		return 0;
	if (nlh->nlmsg_type == NLMSG_DONE)
		return *(const int *)mnl_nlmsg_get_payload(nlh);
	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(*err))
		return -EBADMSG;
	if (err->error)
		netlink_keep_error(nl, nlh, err);
	return err->error;
}

/* What is known while the answers to one request come in. */
struct answer {
	mnl_cb_t cb;
	void *arg;
	bool ended;
	int rc;
};

static void netlink_answer(struct netlink *nl, struct answer *a, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		a->rc = -EINTR;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		int rc = netlink_end(nl, nlh);

		a->ended = true;
		a->rc = a->rc ? a->rc : rc;
		return;
	}
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE || a->rc || !a->cb)
		return;

	errno = 0;
	if (a->cb(nlh, a->arg) <= MNL_CB_ERROR)
		a->rc = errno ? -errno : -EBADMSG;
}

static int netlink_fail(struct netlink *nl, int rc)
{
	if (rc && !nl->error[0])
		snprintf(nl->error, sizeof(nl->error), "%s", strerror(-rc));
	return rc;
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	_Alignas(struct nlmsghdr) char buf[NETLINK_BUFFER];
	struct answer a = { .cb = cb, .arg = arg };
	const struct nlmsghdr *h;

	nl->error[0] = '\0';
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	/* The same bits mean REPLACE and EXCL for anything but a GET (type 2 of each four). */
	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP || nlh->nlmsg_type % 4 != 2)
		nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return netlink_fail(nl, -errno);

	while (!a.ended) {
		ssize_t got = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		int len = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return netlink_fail(nl, errno == EAGAIN ? -ETIMEDOUT : -errno);
		for (h = (void *)buf; !a.ended && mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len))
			if (h->nlmsg_seq == nl->seq && h->nlmsg_pid == nl->portid)
				netlink_answer(nl, &a, h);
	}
	return netlink_fail(nl, a.rc);
}

int netlink_read(struct netlink *nl, unsigned int max, mnl_cb_t cb, void *arg)
{
	_Alignas(struct nlmsghdr) char buf[NETLINK_BUFFER];
	const struct nlmsghdr *h;
	int n;

	for (n = 0; (unsigned int)n < max; n++) {
		ssize_t got = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		int len = (int)got;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return n;
		if (got < 0)
			return -errno;
		for (h = (void *)buf; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len))
			if (h->nlmsg_type >= NLMSG_MIN_TYPE)
				cb(h, arg);
	}
	return n;
}
