/* SPDX-License-Identifier: BSD-3-Clause */
/* The link of a DPDK device that DPDK owns, shown to the host as its mirror's carrier, so that routing daemons see it come and go. Control thread. */
#ifndef WGDP_CARRIER_H
#define WGDP_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"
#include "port.h"

struct carrier {
	struct port *port;	/* NULL: nothing to do */
	uint32_t ifindex;
	const char *name;
	bool up, known;
	uint64_t look_at_ns;
	struct netlink nl;
};

/* `ifindex`: the mirror's; name: of the interface, for the log. 0, or -errno with a line in err. */
int carrier_init(struct carrier *c, struct port *port, uint32_t ifindex, const char *name, char err[PORT_ERRLEN]);
/* Allowed on zeros. */
void carrier_fini(struct carrier *c);
/* Looks at the link when it is time to; returns when that is again (monotonic ns). On zeros: never. */
uint64_t carrier_tick(struct carrier *c, uint64_t now);

/* What port_ethdev_set_links or port_lan_set_links returned, for the log; 0 where the links are in force all the same, as far as the device of c can. */
int carrier_links(const struct carrier *c, int rc);

#endif
