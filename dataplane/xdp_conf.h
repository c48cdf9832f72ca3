/* SPDX-License-Identifier: BSD-3-Clause */
/* What the XDP program and the process that runs it agree on. No includes: it is built for both. */
#ifndef WGDP_XDP_CONF_H
#define WGDP_XDP_CONF_H

/* The one element of the map `wgdp_conf`. Port 0, as the map begins: nothing is ours. */
struct xdp_conf {
	unsigned char mac[6];	/* destination MAC address */
	unsigned short port, also;	/* UDP destination ports, network order; also: another one, or the same */
};

enum {
	XDP_LOCAL_MAX = 65536,	/* in the map `wgdp_local`: the host's addresses, IPv4 mapped */
	XDP_QUEUES_MAX = 256,	/* of the netdev */
};

#endif
