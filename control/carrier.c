/* SPDX-License-Identifier: BSD-3-Clause */
#include "carrier.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

/* Not all drivers tell of a change by themselves. */
enum { LOOK_MS = 200 };

int carrier_init(struct carrier *c, struct port *port, uint32_t ifindex, const char *name, char err[PORT_ERRLEN])
{
	int rc;

	memset(c, 0, sizeof(*c));
	rc = netlink_open(&c->nl, NULL);
	if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "cannot show the host a port's link: %s", strerror(-rc));
		return rc;
	}
	c->port = port;
	c->ifindex = ifindex;
	c->name = name;
	return 0;
}

void carrier_fini(struct carrier *c)
{
	netlink_close(&c->nl);
	c->port = NULL;
}

static int set(struct carrier *c, bool up)
{
	union netlink_request req;
	struct ifinfomsg *ifi = netlink_request_init(&req, RTM_SETLINK, 0, sizeof(*ifi));

	ifi->ifi_index = (int)c->ifindex;
	mnl_attr_put_u8(&req.nlh, IFLA_CARRIER, up);
	return netlink_talk(&c->nl, &req.nlh, NULL, NULL);
}

/* An interface that is down has no carrier to be set: again at the next look. */
static void show(struct carrier *c, bool up)
{
	struct port_info info;

	if (set(c, up) < 0)
		return;
	if (c->known || !up)
		log_line(LOG_NOTICE, c->name, "link of %s is %s", port_info(c->port, &info) ? info.device : "a port", up ? "up" : "down");
	c->up = up;
	c->known = true;
}

uint64_t carrier_tick(struct carrier *c, uint64_t now)
{
	bool up;

	if (!c->port)
		return UINT64_MAX;
	if (now < c->look_at_ns)
		return c->look_at_ns;
	c->look_at_ns = now + LOOK_MS * 1000000ull;
	up = port_link_up(c->port);
	if (!c->known || up != c->up)
		show(c, up);
	return c->look_at_ns;
}

int carrier_links(const struct carrier *c, int rc)
{
	struct port_info info;

	if (!rc || rc == -ENOMEM || !c->port || !port_info(c->port, &info) || !info.mirror)
		return rc;
	if (rc == -EMSGSIZE)
		log_line(LOG_WARN, c->name, "%s carries packets of at most %u bytes, whatever the MTU of %s", info.device, info.mtu, info.mirror);
	else
		log_line(LOG_WARN, c->name, "%s cannot have the MAC address of %s: %s", info.device, info.mirror, strerror(-rc));
	return 0;
}
