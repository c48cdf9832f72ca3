/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port on a DPDK device that shares a netdev with the host. A queue of the port has one
 * or more of the device's queues: its own number for sending, and every n_queues-th from there on
 * for receiving, since the hardware spreads what comes over all it has.
 *
 * rx: device burst -> frame_parse -> one of the host's addresses? -> headers cut off, but left in
 * the buffer for the way back. The host goes on seeing all that is not ours: with af_packet this is
 * but a copy, with af_xdp the XDP program has sorted it out already.
 *
 * The control thread follows the host: addresses, and the netdev's MAC address and MTU, come in by
 * port_ethdev_set_local and port_ethdev_set_link while the cores run. So does another listen port;
 * while it is prepared, the kernel passes what goes to either.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "ethdev_device.h"
#include "ethdev_frame.h"
#include "ethdev_locals.h"
#include "ethdev_shadow.h"
#include "port.h"
#include "rcu.h"

enum {
	TX_TRIES = 8,
	EMPTY_POLLS = 1024,	/* in a row: a look at the sockets' errors */
};

_Static_assert((int)FRAME_HEADERS6 <= (int)REWRITE_MAX, "headers fit into a rewrite");

struct queue {
	uint16_t first;		/* of the device's queues that is looked at first next time */
	uint16_t empty;		/* polls that brought nothing, up to EMPTY_POLLS */
} __attribute__((aligned(64)));

struct port_ethdev {
	/* control: rw before the start, everybody: ro */
	struct port port;
	struct device device;
	uint32_t ifindex;

	/* control: rw */
	struct udp_sockets shadow, next_shadow;
	uint16_t next_port;	/* 0: none is prepared */

	/* control: rw, data cores: ro (atomic, RCU) */
	uint16_t listen_port;
	struct local_set *locals;
	uint64_t mac;		/* six bytes in memory order */
	uint32_t max_frame;	/* bytes that may be sent */

	/* each its data core: rw */
	struct queue queue[];
};

static struct port_ethdev *ethdev_of(struct port *port)
{
	return (struct port_ethdev *)port;
}

static const struct port_ethdev *ethdev_of_const(const struct port *port)
{
	return (const struct port_ethdev *)port;
}

static uint16_t get_port(const struct port_ethdev *p)
{
	return __atomic_load_n(&p->listen_port, __ATOMIC_RELAXED);
}

static void get_mac(const struct port_ethdev *p, uint8_t mac[FRAME_MAC_LEN])
{
	const uint64_t word = __atomic_load_n(&p->mac, __ATOMIC_RELAXED);

	memcpy(mac, &word, FRAME_MAC_LEN);
}

static enum frame_verdict ethdev_accept(const struct port_ethdev *p, struct rte_mbuf *m,
					const uint8_t mac[FRAME_MAC_LEN])
{
	struct pkt *pkt = pkt_of(m);
	struct frame f;
	struct in6_addr to;
	enum frame_verdict v;

	v = frame_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), mac,
			get_port(p), p->ifindex, &f);
	if (v != FRAME_OURS)
		return v;
	to = locals_key(&f.ep);
	if (!locals_contains(rcu_load(p->locals), &to))
		return FRAME_NOT_OURS;
	pkt->ep = f.ep;
	pkt->ds = f.ds;
	m->l2_len = f.l2_len;
	m->l3_len = f.l3_len;
	rte_pktmbuf_adj(m, f.l2_len + f.l3_len + FRAME_UDP_LEN);
	rte_pktmbuf_trim(m, rte_pktmbuf_data_len(m) - f.payload_len);
	return FRAME_OURS;
}

/*
 * A core that an error keeps awake polls without end: the error goes soon. One that polls by choice
 * loses nothing.
 */
static void ethdev_empty(struct port_ethdev *p, uint16_t queue)
{
	if (++p->queue[queue].empty < EMPTY_POLLS)
		return;
	p->queue[queue].empty = 0;
	for (unsigned int q = queue; q < p->device.n_queues; q += p->port.n_queues)
		device_clear_error(&p->device, (uint16_t)q);
}

static uint16_t ethdev_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	static const enum drop_reason why[] = {
		[FRAME_NOT_OURS] = DROP_NOT_OURS,
		[FRAME_MALFORMED] = DROP_OUTER_MALFORMED,
		[FRAME_TRUNCATED] = DROP_OUTER_TRUNCATED,
	};
	struct port_ethdev *p = ethdev_of(port);
	struct queue *q = &p->queue[queue];
	uint8_t mac[FRAME_MAC_LEN];
	uint16_t got = 0, kept = 0;
	uint16_t at = q->first;

	do {
		got += rte_eth_rx_burst(p->device.port_id, at, m + got, n - got);
		at += port->n_queues;
		if (at >= p->device.n_queues)
			at = queue;
	} while (at != q->first && got < n);
	q->first = at;
	if (!got) {
		ethdev_empty(p, queue);
		return 0;
	}

	get_mac(p, mac);
	for (uint16_t i = 0; i < got; i++) {
		enum frame_verdict v = ethdev_accept(p, m[i], mac);

		if (v == FRAME_OURS) {
			m[kept++] = m[i];
			continue;
		}
		counters_add(&port->counters[queue]->drop[why[v]], 1);
		rte_pktmbuf_free(m[i]);
	}
	return kept;
}

static uint16_t ethdev_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_ethdev *p = ethdev_of(port);
	const uint32_t max = __atomic_load_n(&p->max_frame, __ATOMIC_RELAXED);
	uint16_t fit = 0, sent = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (rte_pktmbuf_pkt_len(m[i]) > max) {
			rte_pktmbuf_free(m[i]);
			continue;
		}
		m[fit++] = m[i];
	}
	if (fit < n)
		counters_add(&port->counters[queue]->drop[DROP_TX_TOO_BIG], n - fit);

	for (unsigned int try = 0; sent < fit && try < TX_TRIES; try++)
		sent += rte_eth_tx_burst(p->device.port_id, queue, m + sent, fit - sent);
	if (sent < fit) {
		counters_add(&port->counters[queue]->drop[DROP_TX_FAILED], fit - sent);
		rte_pktmbuf_free_bulk(m + sent, fit - sent);
	}
	return sent;
}

static bool ethdev_encap(const struct port *port, struct rte_mbuf *m, const struct rewrite *rw,
			 uint8_t ds)
{
	const size_t payload = rte_pktmbuf_data_len(m);
	uint8_t *frame;

	if (!rw->len)
		return false;
	assert(m->nb_segs == 1);
	frame = (uint8_t *)rte_pktmbuf_prepend(m, rw->len);
	assert(frame);
	memcpy(frame, rw->hdr, rw->len);
	frame_finish(frame, rw->len, payload, get_port(ethdev_of_const(port)), ds);
	pkt_of(m)->ep = rw->ep;
	return true;
}

/* By the frame's own addresses: whoever passed it to us knows the way to the sender. */
static void ethdev_way_back(const struct port *port, const struct rte_mbuf *m, struct rewrite *rw)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *) - FRAME_UDP_LEN - m->l3_len -
			       m->l2_len;

	(void)port;
	memset(rw, 0, sizeof(*rw));
	rw->ep = pkt_of((struct rte_mbuf *)m)->ep;
	rw->len = (uint8_t)frame_headers(rw->hdr, frame, frame + FRAME_MAC_LEN, &rw->ep);
}

static unsigned int ethdev_fds(const struct port *port, uint16_t queue, int fd[PORT_MAX_FDS])
{
	const struct port_ethdev *p = ethdev_of_const(port);
	unsigned int n = 0;

	for (unsigned int q = queue; q < p->device.n_queues; q += port->n_queues) {
		if (n == PORT_MAX_FDS || device_fd(&p->device, (uint16_t)q) < 0)
			return 0;
		fd[n++] = device_fd(&p->device, (uint16_t)q);
	}
	return n;
}

static void ethdev_destroy(struct port *port)
{
	struct port_ethdev *p = ethdev_of(port);

	device_close(&p->device);
	udp_sockets_close(&p->shadow);
	udp_sockets_close(&p->next_shadow);
	locals_destroy(&p->locals);
	free(p);
}

static const struct port_ops ethdev_ops = {
	.name = "ethdev",
	.rx_burst = ethdev_rx_burst,
	.tx_burst = ethdev_tx_burst,
	.encap = ethdev_encap,
	.way_back = ethdev_way_back,
	.fds = ethdev_fds,
	.destroy = ethdev_destroy,
};

struct port *port_ethdev_create(const struct port_ethdev_conf *conf, char err[PORT_ERRLEN])
{
	struct port_ethdev *p;
	size_t size = sizeof(*p) + conf->n_queues * sizeof(p->queue[0]);

	p = aligned_alloc(_Alignof(struct port_ethdev), RTE_ALIGN(size, sizeof(p->queue[0])));
	if (!p) {
		snprintf(err, PORT_ERRLEN, "not enough memory for a port");
		return NULL;
	}
	memset(p, 0, size);
	p->port.ops = &ethdev_ops;
	p->port.n_queues = conf->n_queues;
	udp_sockets_init(&p->next_shadow);
	for (uint16_t q = 0; q < conf->n_queues; q++)
		p->queue[q].first = q;

	if (shadow_open(&p->shadow, conf->listen_port, &p->listen_port, err) < 0) {
		free(p);
		return NULL;
	}
	if (device_open(&p->device, conf, p->listen_port, err) < 0) {
		udp_sockets_close(&p->shadow);
		free(p);
		return NULL;
	}
	p->ifindex = p->device.netdev.ifindex;
	port_ethdev_set_link(&p->port, p->device.netdev.mac, p->device.netdev.mtu);
	return &p->port;
}

uint16_t port_ethdev_listen_port(const struct port *port)
{
	return get_port(ethdev_of_const(port));
}

uint32_t port_ethdev_ifindex(const struct port *port)
{
	return ethdev_of_const(port)->ifindex;
}

void port_ethdev_rewrite(const struct port *port, struct rewrite *rw, const struct endpoint *ep,
			 const uint8_t mac[6])
{
	const struct port_ethdev *p = ethdev_of_const(port);
	uint8_t own[FRAME_MAC_LEN];
	struct rewrite r = { .ep = *ep };

	get_mac(p, own);
	r.len = (uint8_t)frame_headers(r.hdr, own, mac, ep);
	*rw = r;
}

int port_ethdev_set_local(struct port *port, const struct in6_addr *addrs, size_t n)
{
	struct port_ethdev *p = ethdev_of(port);
	int rc = locals_replace(&p->locals, addrs, n);

	if (rc == 0 && p->device.xdp.local >= 0)
		rc = xdp_set_local(&p->device.xdp, addrs, n);
	return rc;
}

/* Tells the kernel what we take. 0, or -errno: perhaps more still comes than we do. */
static int take_ours(const struct port_ethdev *p)
{
	uint8_t mac[FRAME_MAC_LEN];

	get_mac(p, mac);
	return device_take(&p->device, mac, get_port(p), p->next_port);
}

int port_ethdev_set_link(struct port *port, const uint8_t mac[6], uint32_t mtu)
{
	struct port_ethdev *p = ethdev_of(port);
	uint64_t word = 0;

	memcpy(&word, mac, FRAME_MAC_LEN);
	__atomic_store_n(&p->mac, word, __ATOMIC_RELAXED);
	__atomic_store_n(&p->max_frame, RTE_MIN(mtu + FRAME_ETH_LEN, p->device.max_frame),
			 __ATOMIC_RELAXED);
	return take_ours(p);
}

int port_ethdev_listen_prepare(struct port *port, uint16_t listen_port, char err[PORT_ERRLEN])
{
	struct port_ethdev *p = ethdev_of(port);
	int rc;

	port_ethdev_listen_abort(port);
	if (listen_port == get_port(p))
		return 0;
	rc = shadow_open(&p->next_shadow, listen_port, &p->next_port, err);
	if (rc < 0) {
		p->next_port = 0;
		return rc;
	}
	rc = take_ours(p);
	if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "cannot receive on port %u of %s: %s", p->next_port,
			 p->device.netdev.name, strerror(-rc));
		port_ethdev_listen_abort(port);
	}
	return rc;
}

/* Should the kernel pass more than is ours in the end, ethdev_accept drops it. */
void port_ethdev_listen_commit(struct port *port)
{
	struct port_ethdev *p = ethdev_of(port);

	if (!p->next_port)
		return;
	__atomic_store_n(&p->listen_port, p->next_port, __ATOMIC_RELAXED);
	p->next_port = 0;
	udp_sockets_close(&p->shadow);
	p->shadow = p->next_shadow;
	udp_sockets_init(&p->next_shadow);
	take_ours(p);
}

void port_ethdev_listen_abort(struct port *port)
{
	struct port_ethdev *p = ethdev_of(port);

	if (!p->next_port)
		return;
	p->next_port = 0;
	udp_sockets_close(&p->next_shadow);
	take_ours(p);
}
