/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports in memory: what a test puts into `rx` is received, what a core transmits lands in `tx`. Either may be a ring that is
 * another port's `rx`. An outer memport needs no headers: encap only asks whether there is a way.
 */
#ifndef WGDP_TEST_MEMPORT_H
#define WGDP_TEST_MEMPORT_H

#include <rte_ring.h>

#include "port.h"

struct memport {
	struct port port;
	struct rte_ring *rx, *tx;
	void (*on_rx)(void);	/* called once, by the core, when it has just received something */
	struct counters *counters[8];
};

static inline uint16_t memport_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct memport *mp = (struct memport *)p;
	void (*on_rx)(void) = mp->on_rx;
	/* One ring for all queues, so the first core takes all: order is that of the ring. */
	uint16_t got = queue ? 0 : rte_ring_dequeue_burst(mp->rx, (void **)m, n, NULL);

	if (got && on_rx) {
		mp->on_rx = NULL;
		on_rx();
	}
	return got;
}

static inline uint16_t memport_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent = rte_ring_enqueue_burst(((struct memport *)p)->tx, (void **)m, n, NULL);

	counters_add(&p->counters[queue]->drop[DROP_TX_FAILED], n - sent);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	return sent;
}

static inline bool memport_encap(const struct port *p, struct rte_mbuf *m, const struct rewrite *rw, uint8_t ds)
{
	(void)p;
	if (rw->ep.remote.sa.sa_family == AF_UNSPEC)
		return false;
	pkt_of(m)->ep = rw->ep;
	pkt_of(m)->ds = ds;
	return true;
}

static inline void memport_way_back(const struct port *p, const struct rte_mbuf *m, struct rewrite *rw)
{
	(void)p;
	rw->ep = pkt_of((struct rte_mbuf *)(uintptr_t)m)->ep;
}

static inline unsigned int memport_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	(void)p;
	(void)queue;
	(void)fd;
	return 0;
}

static const struct port_ops memport_ops = {
	.name = "memory",
	.rx_burst = memport_rx,
	.tx_burst = memport_tx,
	.encap = memport_encap,
	.way_back = memport_way_back,
	.fds = memport_fds,
};

static inline void memport_init(struct memport *m, struct rte_ring *rx, struct rte_ring *tx)
{
	m->port = (struct port){ .ops = &memport_ops, .n_queues = 8, .counters = m->counters };
	m->on_rx = NULL;
	m->rx = rx;
	m->tx = tx;
}

#endif
