/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's interface on a device that DPDK owns: what arrives there and is not ours goes up to the host's stack, what the host sends goes out of the device. (KNI once did
 * this; it is gone from DPDK since 23.11.) It is a DPDK device, too: virtio-user over vhost-net where the kernel has that, so that a kernel thread does the copying; the tap driver
 * elsewhere, with a system call a frame.
 *
 * It has one queue, since what the host sends must leave in the order in which it was sent. One core receives from it; any core sends to it, one at a time. Private to
 * dataplane/; all but mirror_rx and mirror_tx is the control thread's.
 */
#ifndef WGDP_MIRROR_H
#define WGDP_MIRROR_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_dev.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "port.h"

struct mirror {
	/* control: rw, cores: ro */
	char device[RTE_DEV_NAME_MAX_LEN];	/* DPDK's name of it */
	char name[IFNAMSIZ];
	uint16_t port_id;
	uint32_t ifindex;
	bool plugged, started;
	uint32_t driver_max;		/* bytes, the largest frame that the driver takes */
	int fd;				/* readable when the host has sent something; -1: cannot be told */

	rte_spinlock_t tx;		/* cores: rw */
};

/*
 * Creates the interface `name` with that MAC address and MTU, up, without addresses, in this thread's network namespace. 0, or -errno with a line in err and everything
 * undone. A name that is taken is -EEXIST.
 */
int mirror_open(struct mirror *mir, const char *name, const uint8_t mac[6], uint16_t mtu, struct rte_mempool *pool, char err[PORT_ERRLEN]);

/* The interface is gone. Every mbuf that came from it must have been freed. Allowed after a failed open, and on zeros. */
void mirror_close(struct mirror *mir);

/* What the host has sent: up to n whole frames in one segment each, the caller's. The one core that does. */
uint16_t mirror_rx(struct mirror *mir, struct rte_mbuf **m, uint16_t n);

/* Frames for the host; takes ownership of all. Any core. Returns how many it took, whatever their size. */
uint16_t mirror_tx(struct mirror *mir, struct rte_mbuf **m, uint16_t n);

#endif
