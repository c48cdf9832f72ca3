/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A DPDK device, on a netdev that the host keeps or DPDK's own: hot-plugged by its device string,
 * started, and taken out again. Control thread. Private to dataplane/.
 */
#ifndef WGDP_ETHDEV_DEVICE_H
#define WGDP_ETHDEV_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_dev.h>

#include "ethdev_fds.h"
#include "ethdev_netdev.h"
#include "port.h"
#include "xdp.h"

struct device_kind;

struct device {
	const struct device_kind *kind;
	char name[RTE_DEV_NAME_MAX_LEN];
	bool owned;		/* by DPDK alone */
	struct netdev netdev;	/* beneath it; a NIC or memif has none: all zero */
	int multicast;		/* an owned device's netdev: netdev_all_multicast; -1: none */
	uint8_t mac[6];		/* to begin with */
	uint32_t mtu;
	uint16_t port_id;	/* DPDK's number of it */
	uint16_t n_queues;	/* of the device; queue pairs */
	uint32_t max_frame;	/* bytes that fit into a frame of the driver's, each way */
	bool udp_checksums;	/* the device computes IPv4's and UDP's of what is sent */
	bool rss;
	bool vlan_filter;	/* has to be told which VLANs to let through */
	struct rte_mempool *pool;	/* ours, where the conf's does not do; else NULL */
	struct driver_fds fds;
	struct xdp xdp;		/* af_xdp; bound if own_program, not the user's */
	bool own_program, plugged, started;
};

/*
 * As port_ethdev_queues; UINT16_MAX: as many as anybody wants.
 */
uint16_t device_queues(const char *device, bool asked, char err[PORT_ERRLEN]);

/*
 * Plugs in and starts conf->device, with no fewer than conf->n_queues queues. Of a netdev that the host keeps only what goes to UDP
 * port `port` is wanted. 0, or -errno with a line in err and everything undone.
 */
int device_open(struct device *d, const struct port_ethdev_conf *conf, uint16_t port,
		char err[PORT_ERRLEN]);

/*
 * Stopped and unplugged: it has given back what it still had to send. Its own buffers, which others may still have to send, stay until device_close. Allowed after a failed
 * device_open, and twice.
 */
void device_take_out(struct device *d);

/* Every mbuf that it received must have been freed. Allowed after a failed device_open. */
void device_close(struct device *d);

/*
 * What goes to the MAC address `mac` and UDP port `port` (host order), or `also` unless it is 0, comes
 * from now on, as far as it is for us to say: a user's own XDP program does as it likes. At any time.
 * 0, or -errno: some queues may still get what they got before.
 */
int device_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also);

/*
 * Readable when the device's queue has something; -1: cannot be told. Any thread, as is the next
 * one.
 */
int device_fd(const struct device *d, uint16_t queue);

/* A link that went down leaves an error on the socket, which would wake a sleeper forever. */
void device_clear_error(const struct device *d, uint16_t queue);

#endif
