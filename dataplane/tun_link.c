/* SPDX-License-Identifier: BSD-3-Clause */
#include "tun_link.h"

#include <errno.h>
#include <stdbool.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

struct answer {
	unsigned int queues;
	bool found;
};

/* IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_TUN_* lie one in the other: each level looks for its own. */
static int tun_attr(const struct nlattr *a, void *data)
{
	const int type = mnl_attr_get_type(a);
	struct answer *answer = data;

	if (type != IFLA_TUN_NUM_QUEUES && type != IFLA_TUN_NUM_DISABLED_QUEUES)
		return MNL_CB_OK;
	if (mnl_attr_validate(a, MNL_TYPE_U32) < 0)
		return MNL_CB_ERROR;
	answer->queues += mnl_attr_get_u32(a);
	answer->found = true;
	return MNL_CB_OK;
}

static int info_attr(const struct nlattr *a, void *data)
{
	return mnl_attr_get_type(a) == IFLA_INFO_DATA ? mnl_attr_parse_nested(a, tun_attr, data)
						      : MNL_CB_OK;
}

static int link_attr(const struct nlattr *a, void *data)
{
	return mnl_attr_get_type(a) == IFLA_LINKINFO ? mnl_attr_parse_nested(a, info_attr, data)
						     : MNL_CB_OK;
}

static int link_message(const struct nlmsghdr *h, void *data)
{
	return mnl_attr_parse(h, sizeof(struct ifinfomsg), link_attr, data);
}

static int ask(struct mnl_socket *s, uint32_t ifindex, struct answer *answer)
{
	char buf[16384];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *link;
	ssize_t r;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST;
	link = mnl_nlmsg_put_extra_header(h, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = ifindex;

	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	r = mnl_socket_recvfrom(s, buf, sizeof(buf));
	if (r < 0)
		return -errno;
	if (mnl_cb_run(buf, r, 0, mnl_socket_get_portid(s), link_message, answer) < 0)
		return -errno;
	return answer->found ? 0 : -EOPNOTSUPP;
}

int tun_link_queues(uint32_t ifindex, unsigned int *n)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct answer answer = { .queues = 0 };
	int r;

	if (!s)
		return -errno;
	r = ask(s, ifindex, &answer);
	*n = answer.queues;
	mnl_socket_close(s);
	return r;
}
