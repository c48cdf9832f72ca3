/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A DPDK device under a port of ours: bursts over its queues, the host's interfaces on it, and where DPDK owns the device the mirror through which the host has its part of
 * the traffic. A queue of the port has one or more of the device's queues: its own number for sending, and every n_queues-th from there on for receiving, since the
 * hardware spreads what comes over all it has. Private to dataplane/: what ethdev (outer) and lan ports have in common.
 */
#ifndef WGDP_NIC_H
#define WGDP_NIC_H

#include <string.h>

#include "ethdev_device.h"
#include "ethdev_frame.h"
#include "mirror.h"
#include "port.h"
#include "rcu.h"

enum {
	NIC_FROM_HOST = 32,	/* frames of the host's in one look at the mirror, so that they never hold up much of the tunnel's */
};

/* The host's interfaces on the device, found by VLAN. */
struct nic_links {
	struct rcu_head rcu;
	uint32_t n;
	struct port_link link[PORT_LINKS_MAX];
	uint8_t by_vid[4096];		/* place in link + 1; 0: no link of ours */
};

struct nic_queue {
	uint16_t first;		/* of the device's queues that is looked at first next time */
	uint16_t empty;		/* polls that brought nothing, up to EMPTY_POLLS */
	uint16_t skip;		/* looks at the mirror still to be left out */
} __attribute__((aligned(64)));

struct nic {
	/* control: rw before the start, everybody: ro */
	struct device device;
	struct mirror mirror;		/* owned devices */
	char *name;			/* the conf's device string */
	uint16_t n_queues;		/* of the port */

	/* control: rw, data cores: ro (atomic, RCU) */
	struct nic_links *links;
	uint32_t max_mtu;		/* of what the driver can send */

	/* each its data core: rw */
	struct nic_queue *queue;
};

/*
 * Opens conf->device, its mirror if it is to have one, and its first link. `udp_port`: what of a shared netdev is wanted. 0, or -errno with a line in err and nothing
 * left.
 */
int nic_open(struct nic *nic, const struct port_ethdev_conf *conf, uint16_t udp_port, char err[PORT_ERRLEN]);
void nic_close(struct nic *nic);

/* port_lan_take_out; nothing but nic_close must follow. */
void nic_take_out(struct nic *nic);

/* The host's interface: the mirror, or the netdev beneath. */
uint32_t nic_ifindex(const struct nic *nic);

/*
 * port_ethdev_set_links. A shared netdev has its first link alone: VLANs on it are the host's. -ENOMEM: the old ones are in force.
 */
int nic_set_links(struct nic *nic, const struct port_link *links, size_t n);

/* Up to n frames, each in one segment. The data core of the queue. */
uint16_t nic_rx(struct nic *nic, uint16_t queue, struct rte_mbuf **m, uint16_t n, struct counters *c);

/* Sends whole frames; takes ownership of all. Returns how many went. The data core of the queue. */
uint16_t nic_tx(struct nic *nic, uint16_t queue, struct rte_mbuf **m, uint16_t n, struct counters *c);

/* Frames that are the host's: up the mirror, or, where the host has seen them by itself, dropped. Takes ownership. */
void nic_to_host(struct nic *nic, struct rte_mbuf **m, uint16_t n, struct counters *c);

/* What the host has sent goes out, a bounded part of it; `busy`: the core has other things to do, and need not look each time. The data core of the queue. */
void nic_from_host(struct nic *nic, uint16_t queue, bool busy, struct counters *c);

/* The link by which a frame with l2 came, if it is to us (links: by rcu_load); NULL: the host's. */
static inline const struct port_link *nic_link(const struct nic_links *links, const struct frame_l2 *l2)
{
	const uint8_t at = links->by_vid[l2->vid];
	const struct port_link *link = &links->link[at ? at - 1 : 0];

	if (!at || !link->up || memcmp(l2->dst, link->mac, FRAME_MAC_LEN) != 0 || l2->src[0] & 1)
		return NULL;
	return link;
}

/* The link with that ifindex, or NULL. */
const struct port_link *nic_link_of(const struct nic_links *links, uint32_t ifindex);

/* Descriptors that wake a sleeping core, as port_ops.fds. */
unsigned int nic_fds(const struct nic *nic, uint16_t queue, int fd[PORT_MAX_FDS]);

/* port_info */
void nic_info(const struct nic *nic, struct port_info *info);

/* Has the device's link come up? Control thread. */
bool nic_link_up(const struct nic *nic);

#endif
