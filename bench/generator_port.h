/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the generator: a virtual DPDK device with one queue each way. One thread may send and another one receive; what opens and closes is
 * the main thread's. Whatever cannot go on ends the program.
 */
#ifndef WGDP_GENERATOR_PORT_H
#define WGDP_GENERATOR_PORT_H

#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum { GENERATOR_BURST = 32, GENERATOR_RX_BURST = 64 };

struct generator_port {
	uint16_t id;
	const char *device;
	struct rte_mempool *pool;
};

/* A pool of mbufs that hold frames of `size` bytes, for all ports. */
struct rte_mempool *generator_pool(uint32_t size);

/* Opens the device, a vdev with its arguments, which stay the caller's. */
void generator_port_open(struct generator_port *p, const char *device, struct rte_mempool *pool);
/* Until its link is up, 10 seconds at most. */
void generator_port_wait(struct generator_port *p);
void generator_port_close(struct generator_port *p);

/* Sends all n, however long the port takes (20 seconds at most without one going). Takes ownership. */
void generator_port_send(struct generator_port *p, struct rte_mbuf **m, uint16_t n);

/* n mbufs without data. */
void generator_port_alloc(struct generator_port *p, struct rte_mbuf **m, uint16_t n);

static inline uint16_t generator_port_receive(struct generator_port *p, struct rte_mbuf *m[GENERATOR_RX_BURST])
{
	return rte_eth_rx_burst(p->id, 0, m, GENERATOR_RX_BURST);
}

#endif
