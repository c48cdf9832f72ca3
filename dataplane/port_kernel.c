/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port on the host's own UDP sockets: a queue is an IPv4 and an IPv6 socket, read and written by the data core that owns the
 * queue (kernel_rx.c, kernel_tx.c); the control thread makes and ends them.
 *
 * For another listen port all sockets are opened anew, in `next`, next to those in use. Then each takes the number of the old one, which
 * the cores notice by nothing but what they receive. The first ones come to be in the same way.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "kernel_rx.h"
#include "kernel_tx.h"
#include "port.h"
#include "udp_socket.h"

struct queue {
	struct udp_sockets s, next;	/* next: the control thread's alone */
	struct kernel_rx rx;
	struct kernel_tx tx;
} __attribute__((aligned(64)));

struct port_kernel {
	struct port port;

	/* control: rw */
	struct rte_mempool *large_pool;
	struct port_kernel_conf conf;	/* for sockets to come; bind_device is a copy of ours */
	uint16_t next_port;		/* of q[].next; 0: nothing is prepared */
	bool next_v6;			/* q[].next have IPv6 sockets, not mere stand-ins */

	/* control: rw, others: ro (atomic) */
	uint16_t listen_port;
	bool v6;			/* there are IPv6 sockets */

	struct queue q[];
};

static struct port_kernel *kernel_of(struct port *p)
{
	return (struct port_kernel *)p;
}

static const struct port_kernel *kernel_of_const(const struct port *p)
{
	return (const struct port_kernel *)p;
}

static uint16_t rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return kernel_rx_burst(&kernel_of(p)->q[queue].rx, m, n, p->counters[queue]);
}

static uint16_t tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return kernel_tx_burst(&kernel_of(p)->q[queue].tx, m, n, p->counters[queue]);
}

static void kernel_way_back(const struct port *p, const struct rte_mbuf *m, struct rewrite *rw)
{
	(void)p;
	rw->ep = ((const struct pkt *)rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m))->ep;
	rw->len = 0;
}

static bool kernel_encap(const struct port *p, struct rte_mbuf *m, const struct rewrite *rw,
			 uint8_t ds)
{
	switch (rw->ep.remote.sa.sa_family) {
	case AF_INET:
		break;
	case AF_INET6:
		if (__atomic_load_n(&kernel_of_const(p)->v6, __ATOMIC_RELAXED))
			break;
		return false;
	default:
		return false;
	}
	pkt_of(m)->ep = rw->ep;
	pkt_of(m)->ds = ds;
	return true;
}

static unsigned int kernel_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	const struct queue *q = &kernel_of_const(p)->q[queue];
	unsigned int n = 0;

	for (int family = 0; family < UDP_FAMILIES; family++)
		if (q->s.fd[family] >= 0)
			fd[n++] = q->s.fd[family];
	return n;
}

static void kernel_destroy(struct port *p)
{
	struct port_kernel *k = kernel_of(p);

	for (uint16_t i = 0; i < p->n_queues; i++) {
		udp_sockets_close(&k->q[i].s);
		udp_sockets_close(&k->q[i].next);
		kernel_rx_fini(&k->q[i].rx);
	}
	assert(!k->large_pool || rte_mempool_full(k->large_pool));	/* no view is left */
	rte_mempool_free(k->large_pool);
	free((void *)(uintptr_t)k->conf.bind_device);
	free(k);
}

static const struct port_ops kernel_ops = {
	.name = "kernel",
	.rx_burst = rx_burst,
	.tx_burst = tx_burst,
	.encap = kernel_encap,
	.way_back = kernel_way_back,
	.fds = kernel_fds,
	.destroy = kernel_destroy,
};

void port_kernel_listen_abort(struct port *p)
{
	struct port_kernel *k = kernel_of(p);

	for (uint16_t i = 0; i < p->n_queues; i++)
		udp_sockets_close(&k->q[i].next);
	k->next_port = 0;
}

/* Opens all of `next`. 0, or -errno with a line in err and nothing open. */
static int open_next(struct port_kernel *k, uint16_t port, char err[PORT_ERRLEN])
{
	const struct udp_sockets *first = &k->q[0].next;
	int r;

	k->conf.listen_port = port;
	r = udp_sockets_first(&k->q[0].next, &k->conf, &k->next_port, err);
	for (uint16_t i = 1; r == 0 && i < k->port.n_queues; i++)
		r = udp_sockets_join(&k->q[i].next, first, &k->conf, k->next_port, err);
	k->next_v6 = first->fd[V6] >= 0;
	for (uint16_t i = 0; r == 0 && k->v6 && !k->next_v6 && i < k->port.n_queues; i++)
		r = udp_sockets_stand_in(&k->q[i].next, err);
	if (r < 0)
		port_kernel_listen_abort(&k->port);
	return r;
}

void port_kernel_listen_commit(struct port *p)
{
	struct port_kernel *k = kernel_of(p);

	if (!k->next_port)
		return;
	if (!k->next_v6)
		__atomic_store_n(&k->v6, false, __ATOMIC_RELAXED);
	for (uint16_t i = 0; i < p->n_queues; i++)
		udp_sockets_replace(&k->q[i].s, &k->q[i].next);
	if (k->next_v6)
		__atomic_store_n(&k->v6, true, __ATOMIC_RELEASE);
	__atomic_store_n(&k->listen_port, k->next_port, __ATOMIC_RELAXED);
	k->next_port = 0;
}

int port_kernel_listen_prepare(struct port *p, uint16_t port, char err[PORT_ERRLEN])
{
	struct port_kernel *k = kernel_of(p);

	port_kernel_listen_abort(p);
	return port && port == k->listen_port ? 0 : open_next(k, port, err);
}

static bool init_queues(struct port_kernel *k, const struct port_kernel_conf *conf, char err[PORT_ERRLEN])
{
	bool ok;

	k->large_pool = kernel_rx_large_pool(conf->n_queues);
	ok = k->large_pool;
	for (uint16_t i = 0; ok && i < conf->n_queues; i++) {
		kernel_tx_init(&k->q[i].tx, &k->q[i].s);
		ok = kernel_rx_init(&k->q[i].rx, &k->q[i].s, conf->pool, k->large_pool);
	}
	if (!ok)
		snprintf(err, PORT_ERRLEN, "no memory for the receive buffers of %u UDP queues: %s", conf->n_queues,
			 rte_strerror(rte_errno));
	return ok;
}

struct port *port_kernel_create(const struct port_kernel_conf *conf, char err[PORT_ERRLEN])
{
	const size_t size = sizeof(struct port_kernel) + conf->n_queues * sizeof(struct queue);
	struct port_kernel *k;

	assert(conf->n_queues > 0);
	k = aligned_alloc(__alignof__(*k), size);
	if (!k) {
		snprintf(err, PORT_ERRLEN, "out of memory for %u UDP queues", conf->n_queues);
		return NULL;
	}
	memset(k, 0, size);
	k->port.ops = &kernel_ops;
	k->port.n_queues = conf->n_queues;
	k->conf = *conf;
	for (uint16_t i = 0; i < conf->n_queues; i++) {
		udp_sockets_init(&k->q[i].s);
		udp_sockets_init(&k->q[i].next);
	}
	if (conf->bind_device && !(k->conf.bind_device = strdup(conf->bind_device))) {
		snprintf(err, PORT_ERRLEN, "out of memory for the name of a device");
	} else if (port_kernel_listen_prepare(&k->port, conf->listen_port, err) == 0) {
		port_kernel_listen_commit(&k->port);
		if (init_queues(k, conf, err))
			return &k->port;
	}
	kernel_destroy(&k->port);
	return NULL;
}

size_t port_kernel_memory(uint16_t n_queues)
{
	return kernel_rx_large_memory(n_queues);
}

uint16_t port_kernel_listen_port(const struct port *p)
{
	return __atomic_load_n(&kernel_of_const(p)->listen_port, __ATOMIC_RELAXED);
}

/* Those that wait to be used, too. */
static int mark_all(const struct port_kernel *k, uint32_t fwmark)
{
	int r = 0;

	for (uint16_t i = 0; i < k->port.n_queues; i++) {
		const int in_use = udp_sockets_set_fwmark(&k->q[i].s, fwmark);
		const int waiting = udp_sockets_set_fwmark(&k->q[i].next, fwmark);

		if (r == 0)
			r = in_use ? in_use : waiting;
	}
	return r;
}

int port_kernel_set_fwmark(struct port *p, uint32_t fwmark)
{
	struct port_kernel *k = kernel_of(p);
	const int r = mark_all(k, fwmark);

	if (r < 0)
		mark_all(k, k->conf.fwmark);
	else
		k->conf.fwmark = fwmark;
	return r;
}
