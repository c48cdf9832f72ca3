/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an ethdev port has to know of the host's netdev beneath it, asked of the kernel. Control
 * thread. Private to dataplane/.
 */
#ifndef WGDP_ETHDEV_NETDEV_H
#define WGDP_ETHDEV_NETDEV_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "port.h"

struct netdev {
	char name[IFNAMSIZ];
	uint32_t ifindex;
	uint32_t mtu;
	uint8_t mac[6];
	bool promisc;		/* as the administrator has it */
	uint32_t rx_queues;	/* among which the hardware spreads what it receives */
	uint32_t xdp_queues;	/* those of them that DPDK's af_xdp driver can have */
};

/* 0, or -errno with a line in err: no such interface, or none with Ethernet frames. */
int netdev_get(struct netdev *dev, const char *name, char err[PORT_ERRLEN]);

/*
 * Has it receive all multicast: what the host is a member of, it is on the mirror, so that its filter knows of none. A descriptor, for as long as it is open, or -errno.
 */
int netdev_all_multicast(const struct netdev *dev);

/* Has it a carrier, and is it up? DPDK's drivers on netdevs do not look. */
bool netdev_running(const struct netdev *dev);

/* Makes IFF_PROMISC what dev->promisc says; drivers of DPDK set it as they please. */
void netdev_restore_promisc(const struct netdev *dev);

#endif
