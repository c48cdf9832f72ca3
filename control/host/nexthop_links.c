/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's interfaces on a port: its netdev, and the VLAN devices on top of that. All are read at first and after a
 * loss of notifications; from then on each notification changes the one link that it is about, so that it does not
 * matter how many other interfaces the host has. What is known is kept whole (a VLAN device that found no room among
 * nexthops_host's links gets in when another one goes) and becomes nexthops_host at the next tick.
 *
 * Control thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "nexthop_internal.h"

/* From the attributes of a link's kind in IFLA_LINKINFO; NULL without. */
static const struct nlattr *linkinfo(const struct nlattr *tb[], uint16_t type)
{
	const struct nlattr *attr;

	if (!tb[IFLA_LINKINFO])
		return NULL;
	mnl_attr_for_each_nested(attr, tb[IFLA_LINKINFO])
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static bool is_kind(const struct nlattr *attr, const char *kind)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 && strcmp(mnl_attr_get_str(attr), kind) == 0;
}

static uint16_t attr_u16(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint16_t) ? mnl_attr_get_u16(attr) : 0;
}

/* The VLAN of a device on top of the netdev; 0: it is something else. VLAN 0 is the netdev's own, with a priority. */
static uint16_t vid_of(const struct links *l, const struct nlattr *tb[])
{
	const struct nlattr *data = linkinfo(tb, IFLA_INFO_DATA), *attr;
	uint16_t vid = 0, protocol = ETH_P_8021Q;

	if (netlink_u32(tb[IFLA_LINK]) != l->ifindex || tb[IFLA_LINK_NETNSID] || !data ||
	    !is_kind(linkinfo(tb, IFLA_INFO_KIND), "vlan"))
		return 0;
	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) == IFLA_VLAN_ID)
			vid = attr_u16(attr);
		else if (mnl_attr_get_type(attr) == IFLA_VLAN_PROTOCOL)
			protocol = ntohs(attr_u16(attr));
	}
	return protocol == ETH_P_8021Q && vid < 4095 ? vid : 0;
}

static bool port_link_equal(const struct port_link *a, const struct port_link *b)
{
	return a->ifindex == b->ifindex && a->mtu == b->mtu && a->vid == b->vid && a->up == b->up &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static void link_set(struct links *l, struct link *link, const struct ifinfomsg *ifi, const struct nlattr *tb[])
{
	const struct link before = *link;

	link->port.ifindex = (uint32_t)ifi->ifi_index;
	link->port.up = ifi->ifi_flags & IFF_UP;
	attr_mac(tb[IFLA_ADDRESS], link->port.mac);
	if (tb[IFLA_MTU])
		link->port.mtu = netlink_u32(tb[IFLA_MTU]);
	link->vrf = is_kind(linkinfo(tb, IFLA_INFO_SLAVE_KIND), "vrf") ? netlink_u32(tb[IFLA_MASTER]) : 0;
	if (link->vrf != before.vrf || !port_link_equal(&link->port, &before.port))
		l->changed = true;
}

static struct link *vlan_by_ifindex(const struct links *l, uint32_t ifindex)
{
	for (size_t i = 0; i < l->n_vlans; i++)
		if (l->vlans[i].port.ifindex == ifindex)
			return &l->vlans[i];
	return NULL;
}

static void vlan_remove(struct links *l, struct link *link)
{
	struct link *end = l->vlans + l->n_vlans--;

	memmove(link, link + 1, (size_t)(end - (link + 1)) * sizeof(*link));
	l->changed = true;
}

/*
 * The netdev has one VLAN device of each VLAN at a time: a new one of a known VLAN takes the other's place. NULL: no
 * memory.
 */
static struct link *vlan_insert(struct links *l, uint16_t vid)
{
	size_t at = l->n_vlans;
	struct link *more;

	while (at > 0 && l->vlans[at - 1].port.vid >= vid)
		at--;
	if (at == l->n_vlans || l->vlans[at].port.vid != vid) {
		if (l->n_vlans == l->room) {
			more = realloc(l->vlans, (2 * l->room + 8) * sizeof(*more));
			if (!more)
				return NULL;
			l->vlans = more;
			l->room = 2 * l->room + 8;
		}
		memmove(&l->vlans[at + 1], &l->vlans[at], (l->n_vlans - at) * sizeof(*l->vlans));
		l->n_vlans++;
	}
	l->changed = true;
	l->vlans[at] = (struct link){ .port.vid = vid };
	return &l->vlans[at];
}

static void take_netdev(struct links *l, const struct ifinfomsg *ifi, const struct nlattr *tb[])
{
	if (!l->present)	/* of its VLAN devices we might not be told: they were there already */
		l->changed = l->load.wanted = true;
	l->present = true;
	snprintf(l->name, sizeof(l->name), "%s", mnl_attr_get_str(tb[IFLA_IFNAME]));
	link_set(l, &l->netdev, ifi, tb);
}

static void take_other(struct links *l, const struct ifinfomsg *ifi, const struct nlattr *tb[])
{
	struct link *link = vlan_by_ifindex(l, (uint32_t)ifi->ifi_index);
	const uint16_t vid = vid_of(l, tb);

	if (link && link->port.vid != vid) {
		vlan_remove(l, link);
		link = NULL;
	}
	if (!vid)
		return;
	if (!link)
		link = vlan_insert(l, vid);
	if (link)
		link_set(l, link, ifi, tb);
	else
		l->load.wanted = true;		/* perhaps there is memory then */
}

/* With the netdev its VLAN devices go, or at least can be used no more: it is in another namespace. */
static void take_deleted(struct links *l, uint32_t ifindex)
{
	struct link *link = vlan_by_ifindex(l, ifindex);

	if (link)
		vlan_remove(l, link);
	if (ifindex != l->ifindex || !l->present)
		return;
	l->changed = true;
	l->present = l->netdev.port.up = false;
	l->n_vlans = 0;
}

void links_take(struct links *l, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_MAX + 1];

	/* AF_BRIDGE: of a bridge's port. Without a name: of a radio. */
	if (!netlink_attrs(nlh, sizeof(*ifi), tb, IFLA_MAX) || ifi->ifi_family != AF_UNSPEC)
		return;
	if (nlh->nlmsg_type == RTM_DELLINK)
		take_deleted(l, (uint32_t)ifi->ifi_index);
	else if (nlh->nlmsg_type != RTM_NEWLINK || !tb[IFLA_IFNAME] ||
		 mnl_attr_validate(tb[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0)
		return;
	else if ((uint32_t)ifi->ifi_index == l->ifindex)
		take_netdev(l, ifi, tb);
	else
		take_other(l, ifi, tb);
}

static int take_answer(const struct nlmsghdr *nlh, void *arg)
{
	links_take(arg, nlh);
	return MNL_CB_OK;
}

static struct ifinfomsg *link_request(union netlink_request *req, uint16_t flags)
{
	struct ifinfomsg *ifi = netlink_request_init(req, RTM_GETLINK, flags, sizeof(*ifi));

	mnl_attr_put_u32(&req->nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return ifi;
}

/* The kernel takes the kind as a filter once it knows VLANs. */
static void all_vlans(union netlink_request *req, void *arg)
{
	struct links *l = arg;
	struct nlattr *info;

	link_request(req, NLM_F_DUMP);
	info = mnl_attr_nest_start(&req->nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(&req->nlh, IFLA_INFO_KIND, "vlan");
	mnl_attr_nest_end(&req->nlh, info);
	l->n_vlans = 0;
}

void links_load(struct nexthops *nhs)
{
	struct links *l = &nhs->links, all = { .ifindex = l->ifindex, .present = true };
	union netlink_request req;
	int rc;

	link_request(&req, 0)->ifi_index = (int)l->ifindex;
	rc = netlink_talk(&nhs->talk, &req.nlh, take_answer, l);
	if (rc == -ENODEV) {
		take_deleted(l, l->ifindex);
		return;
	}
	if (rc == 0)
		rc = kernel_dump(nhs, all_vlans, take_answer, &all);
	l->load.wanted = rc < 0 || all.load.wanted;	/* again, in a moment */
	if (l->load.wanted) {
		links_fini(&all);
		return;
	}
	links_fini(l);
	l->vlans = all.vlans;
	l->n_vlans = all.n_vlans;
	l->room = all.room;
	l->changed = true;
}

void links_fini(struct links *l)
{
	free(l->vlans);
	l->vlans = NULL;
}

const struct port_link *links_find(const struct nexthops *nhs, uint32_t ifindex)
{
	for (size_t i = 0; i < nhs->host.n_links; i++)
		if (nhs->host_links[i].ifindex == ifindex)
			return &nhs->host_links[i];
	return NULL;
}

static void add_vrf(struct nexthops *nhs, uint32_t vrf)
{
	for (size_t i = 0; i < nhs->n_vrfs; i++)
		if (nhs->vrfs[i] == vrf)
			return;
	if (nhs->n_vrfs < VRFS_MAX)
		nhs->vrfs[nhs->n_vrfs++] = vrf;
}

/* True: it is another one. */
static bool publish_link(struct nexthops *nhs, size_t i, const struct link *link)
{
	const bool same = i < nhs->host.n_links && port_link_equal(&nhs->host_links[i], &link->port);

	nhs->host_links[i] = link->port;
	add_vrf(nhs, link->vrf);
	return !same;
}

bool links_publish(struct nexthops *nhs)
{
	struct links *l = &nhs->links;
	const size_t n = l->n_vlans < PORT_LINKS_MAX ? l->n_vlans : PORT_LINKS_MAX - 1;
	bool differs = n + 1 != nhs->host.n_links || nhs->host.present != l->present;

	if (!l->changed)
		return false;
	l->changed = false;
	nhs->n_vrfs = 0;
	differs |= publish_link(nhs, 0, &l->netdev);
	for (size_t i = 0; i < n; i++)
		differs |= publish_link(nhs, i + 1, &l->vlans[i]);
	nhs->host.present = l->present;
	nhs->host.links = nhs->host_links;
	nhs->host.n_links = n + 1;
	if (n < l->n_vlans && !l->full_said) {
		l->full_said = true;
		log_line(LOG_WARN, l->name, "it has %zu VLAN devices, of which %d can be used: not VLAN %u and above",
			 l->n_vlans, PORT_LINKS_MAX - 1, l->vlans[n].port.vid);
	}
	return differs;
}
