/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory_port.h"

static uint16_t memory_rx(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	const struct memory_port *p = (const struct memory_port *)port;

	(void)queue;
	return p->source ? p->source(p->arg, m, n) : 0;
}

static uint16_t memory_tx(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	const struct memory_port *p = (const struct memory_port *)port;

	if (p->sink) {
		p->sink(p->arg, m, n);
		return n;
	}
	counters_add(&port->counters[queue]->drop[DROP_TX_FAILED], n);
	rte_pktmbuf_free_bulk(m, n);
	return 0;
}

/* What the kernel port does. */
static bool memory_encap(const struct port *port, struct rte_mbuf *m, const struct rewrite *rw, uint8_t ds)
{
	(void)port;
	if (rw->ep.remote.sa.sa_family == AF_UNSPEC)
		return false;
	pkt_of(m)->ep = rw->ep;
	pkt_of(m)->ds = ds;
	return true;
}

static void memory_way_back(const struct port *port, const struct rte_mbuf *m, struct rewrite *rw)
{
	(void)port;
	rw->ep = pkt_of((struct rte_mbuf *)(uintptr_t)m)->ep;
}

static unsigned int memory_fds(const struct port *port, uint16_t queue, int fd[PORT_MAX_FDS])
{
	(void)port;
	(void)queue;
	(void)fd;
	return 0;
}

static void memory_destroy(struct port *port)
{
	(void)port;
}

void memory_port_init(struct memory_port *p)
{
	static const struct port_ops ops = {
		.name = "memory",
		.rx_burst = memory_rx,
		.tx_burst = memory_tx,
		.encap = memory_encap,
		.way_back = memory_way_back,
		.fds = memory_fds,
		.destroy = memory_destroy,
	};

	*p = (struct memory_port){ .port = { .ops = &ops, .n_queues = 1 } };
}
