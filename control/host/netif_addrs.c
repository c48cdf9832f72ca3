/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses of the interface. Control thread. */
#include "netif_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int address_talk(struct netif *n, uint16_t type, uint16_t flags, const struct conf_prefix *p)
{
	union netlink_request req;
	struct ifaddrmsg *ifa;
	size_t len = netif_addr_len(p->family);

	ifa = netlink_request_init(&req, type, flags, sizeof(*ifa));
	ifa->ifa_family = (uint8_t)p->family;
	ifa->ifa_prefixlen = p->cidr;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = n->ifindex;
	mnl_attr_put(&req.nlh, IFA_LOCAL, len, p->addr.bytes);
	mnl_attr_put(&req.nlh, IFA_ADDRESS, len, p->addr.bytes);
	return netlink_talk(&n->nl, &req.nlh, NULL, NULL);
}

int netif_address_add(struct netif *n, const struct conf_prefix *p, char *err)
{
	char text[NETIF_PREFIX_STRLEN];
	const char *hint = "";
	int rc = address_talk(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, p);

	if (!rc)
		return 0;
	if (p->family == AF_INET6 && (rc == -EACCES || rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT))
		hint = " (IPv6 is switched off here: net.ipv6.conf.all.disable_ipv6)";
	netif_fail(err, "cannot add Address %s: %s%s", netif_prefix(p, text), n->nl.error, hint);
	return rc;
}

bool netif_address_delete(struct netif *n, const struct conf_prefix *p, char *err)
{
	char text[NETIF_PREFIX_STRLEN];
	int rc = address_talk(n, RTM_DELADDR, 0, p);

	if (!rc || rc == -EADDRNOTAVAIL)
		return true;
	return netif_fail(err, "cannot remove Address %s: %s", netif_prefix(p, text), n->nl.error);
}

struct listing {
	uint32_t ifindex;
	struct netif_prefixes *list;
};

static int listing_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[IFA_LOCAL + 1], *attr;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct conf_prefix p = { 0 };
	struct listing *l = arg;

	if (nlh->nlmsg_type != RTM_NEWADDR || !netlink_attrs(nlh, sizeof(*ifa), tb, IFA_LOCAL) ||
	    ifa->ifa_index != l->ifindex || (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return MNL_CB_OK;
	attr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	p.family = ifa->ifa_family;
	p.cidr = ifa->ifa_prefixlen;
	if (!attr || mnl_attr_get_payload_len(attr) != netif_addr_len(p.family))
		return MNL_CB_OK;
	memcpy(p.addr.bytes, mnl_attr_get_payload(attr), netif_addr_len(p.family));
	netif_prefixes_add(l->list, &p);
	return MNL_CB_OK;
}

bool netif_addresses(struct netif *n, struct netif_prefixes *list, char *err)
{
	struct listing l = { n->ifindex, list };
	union netlink_request req;
	struct ifaddrmsg *ifa;
	int rc;

	ifa = netlink_request_init(&req, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	ifa->ifa_index = n->ifindex;
	rc = netif_dump(&n->nl, &req, listing_cb, &l);
	netif_prefixes_sort(list);
	if (!rc && !list->no_memory)
		return true;
	return netif_fail(err, "cannot read the interface's addresses: %s", rc ? n->nl.error : strerror(ENOMEM));
}

bool netif_promote_secondaries(struct netif *n, bool on)
{
	char path[sizeof("/proc/sys/net/ipv4/conf//promote_secondaries") + IFNAMSIZ], was = '1';
	struct netif_link link;
	bool changed = false;
	int fd;

	if (netif_link_get(&n->nl, n->ifindex, &link))
		return false;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/promote_secondaries", link.name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (pread(fd, &was, 1, 0) == 1 && (was != '0') != on)
		changed = pwrite(fd, on ? "1" : "0", 1, 0) == 1;
	close(fd);
	return changed;
}
