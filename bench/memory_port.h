/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the data path (port.h) of one queue that ends in two functions: where its packets come from, and where
 * they go. Both run on the data core that has the queue. Descriptors it has none: an idle core comes back to look
 * again.
 */
#ifndef WGDP_MEMORY_PORT_H
#define WGDP_MEMORY_PORT_H

#include "port.h"

struct memory_port {
	struct port port;
	/* Up to n packets into m, which are the caller's; NULL: none ever come. */
	uint16_t (*source)(void *arg, struct rte_mbuf **m, uint16_t n);
	/* Takes all n. NULL: nothing may come, what does is dropped as TX_FAILED. */
	void (*sink)(void *arg, struct rte_mbuf **m, uint16_t n);
	void *arg;
};

void memory_port_init(struct memory_port *p);

#endif
