/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of the interface. RTM_DELLINK is sent both when it is deleted and when it moves to
 * another network namespace; in the second case the message says where to (IFLA_NEW_NETNSID, Linux
 * 4.16). Called by the control thread.
 */
#include "netif_internal.h"

#include <errno.h>
#include <linux/if_link.h>

enum { NETIF_EVENT_BURST = 64 };

struct watch {
	struct netif *n;
	enum netif_event event;
};

static void watch_link(struct watch *w, const struct netif_link *link)
{
	struct netif *n = w->n;

	/* Before it was brought up it was down, of which notifications are still waiting at first. */
	if (link->up)
		n->was_up = true;
	else if (n->was_up)
		n->was_down = true;
	if (link->mtu == n->mtu && link->up == n->up)
		return;
	n->mtu = link->mtu;
	n->up = link->up;
	w->event = NETIF_CHANGED;
}

static int watch_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[IFLA_NEW_NETNSID + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct watch *w = arg;
	struct netif_link link;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	/* AF_BRIDGE: only its port in a bridge comes or goes */
	if (!netlink_attrs(nlh, sizeof(*ifi), tb, IFLA_NEW_NETNSID) ||
	    ifi->ifi_family != AF_UNSPEC || ifi->ifi_index != (int)w->n->ifindex || w->n->gone)
		return MNL_CB_OK;

	if (nlh->nlmsg_type == RTM_DELLINK) {
		w->event = tb[IFLA_NEW_NETNSID] ? NETIF_MOVED : NETIF_DELETED;
		w->n->gone = true;
	} else if (netif_link_parse(nlh, &link)) {
		watch_link(w, &link);
	}
	return MNL_CB_OK;
}

/*
 * Messages were lost. If the interface is no longer here, it is not known where it went: moved is
 * the safe answer, because the tun port finds out by itself when its device is deleted.
 */
static void watch_again(struct watch *w)
{
	struct netif_link link;
	int rc;

	if (w->n->gone)
		return;
	rc = netif_link_get(&w->n->nl, w->n->ifindex, &link);
	if (!rc) {
		watch_link(w, &link);
	} else if (rc == -ENODEV) {
		w->n->gone = true;
		w->event = NETIF_MOVED;
	}
}

enum netif_event netif_event(struct netif *n)
{
	struct watch w = { .n = n, .event = NETIF_NONE };
	uint32_t mtu = n->mtu;
	bool up = n->up;

	if (netlink_read(&n->watch, NETIF_EVENT_BURST, watch_cb, &w) < 0)
		watch_again(&w);
	/* There and back again, as when it was set up. */
	if (w.event == NETIF_CHANGED && n->mtu == mtu && n->up == up && !n->was_down)
		return NETIF_NONE;
	return w.event;
}

bool netif_was_down(struct netif *n)
{
	bool was = n->was_down;

	n->was_down = false;
	return was;
}

int netif_fd(const struct netif *n)
{
	return netlink_fd(&n->watch);
}
