/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A route netlink socket: requests with their acknowledgement, and notifications. A thin layer on
 * libmnl, whose mnl_nlmsg_put_header, mnl_attr_put_* and mnl_attr_parse build and read the
 * messages. One thread at a time; the socket stays in the network namespace it was opened in. Use
 * one socket for requests and another for notifications.
 */
#ifndef WGDP_NETLINK_H
#define WGDP_NETLINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum {
	NETLINK_REQUEST_MAX = 1024, /* room for any request of ours */
	NETLINK_ERRLEN = 128,
};

struct netlink {
	struct mnl_socket *sock;
	uint32_t portid;
	uint32_t seq;
	/* Of the last request: "" if it succeeded, else the kernel's own words, else strerror. */
	char error[NETLINK_ERRLEN];
};

/* A buffer for mnl_nlmsg_put_header. */
union netlink_request {
	struct nlmsghdr nlh;
	char buf[NETLINK_REQUEST_MAX];
};

/*
 * Opens NETLINK_ROUTE, joins each group of `groups` (RTNLGRP_*, up to RTNLGRP_NONE; NULL: none).
 * With groups the socket is non-blocking. 0, or -errno (nl then needs no netlink_close).
 */
int netlink_open(struct netlink *nl, const enum rtnetlink_groups *groups);

/* Allowed on a zeroed nl, and twice. */
void netlink_close(struct netlink *nl);

/* For poll; -1 when closed. */
int netlink_fd(const struct netlink *nl);

/* Starts a message; returns the `size` zeroed bytes of the type's own header (ifinfomsg, ...). */
void *netlink_request_init(union netlink_request *req, uint16_t type, uint16_t flags, size_t size);

/*
 * Sends the request (NLM_F_REQUEST, the sequence number and, but for dumps, NLM_F_ACK are added)
 * and reads until its acknowledgement or the end of the dump. `cb` (NULL: ignore) sees each answer;
 * when it returns MNL_CB_ERROR (or less) the rest is read but not shown, and the result is -errno
 * as cb left it (-EBADMSG if 0). Returns 0, or -errno with nl->error: what the kernel refused,
 * -ETIMEDOUT after 5 s of silence, -EINTR for a dump that changed under way (ask again).
 */
int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg);

/*
 * Notifications: shows cb what is there, at most `max` datagrams, never blocks. Returns the number
 * of datagrams read (0: none left), or -errno; -ENOBUFS: some were lost, ask for everything
 * again, but not before a later call has returned 0: until then more may get lost, which is not told.
 */
int netlink_read(struct netlink *nl, unsigned int max, mnl_cb_t cb, void *arg);

/*
 * Attributes behind a fixed header of `fixed` bytes into tb[0..max], by type; absent ones and those
 * beyond max: NULL. False: the message is shorter than its header.
 */
bool netlink_attrs(const struct nlmsghdr *nlh, size_t fixed, const struct nlattr **tb,
		   uint16_t max);

/* Of an attribute that may be absent (NULL) or of another size: then 0. */
uint32_t netlink_u32(const struct nlattr *attr);

/* Addresses, of 4 or 16 bytes, IPv4 mapped in *a. False, with *a untouched: absent, or of another size. */
bool netlink_addr_bytes(const void *bytes, size_t len, struct in6_addr *a);
bool netlink_addr(const struct nlattr *attr, struct in6_addr *a);
/* The gateway in a route's attributes: RTA_GATEWAY, or RTA_VIA, one of the other family (RFC 5549). False: the destination is on the link. */
bool netlink_gateway(const struct nlattr **tb, struct in6_addr *a);

#endif
