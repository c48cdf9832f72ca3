/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port on a DPDK device, one that shares a netdev with the host or one of DPDK's own:
 *
 *   rx: nic_rx -> frame_parse -> fragments put together -> one of the host's addresses? -> headers cut off, but left in the buffer
 *       for the way back. All that is not ours is the host's: with a mirror it is handed up; with af_packet the host has its own copy; with af_xdp the XDP
 *       program has sorted it out already.
 *   tx: nic_tx, of what encap has put headers in front of.
 *
 * The control thread follows the host: addresses, and the MAC addresses and MTUs of its interfaces on the device, come in by port_ethdev_set_local and
 * port_ethdev_set_links while the cores run. So does another listen port; while it is prepared, the kernel passes what goes to either.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "dataplane.h"
#include "ethdev_fragments.h"
#include "ethdev_locals.h"
#include "ethdev_shadow.h"
#include "nic.h"

enum { EXPIRE_POLLS = 4096 };

_Static_assert((int)FRAME_HEADERS_MAX <= (int)REWRITE_MAX, "headers fit into a rewrite");

struct queue {
	struct fragments *fragments;	/* owned devices: shared ones do not see any */
	uint32_t polls;			/* since incomplete datagrams were looked through */
} __attribute__((aligned(64)));

struct port_ethdev {
	/* control: rw before the start, everybody: ro */
	struct port port;
	struct nic nic;

	/* control: rw */
	struct udp_sockets shadow, next_shadow;
	uint16_t next_port;	/* 0: none is prepared */

	/* control: rw, data cores: ro (atomic, RCU) */
	uint16_t listen_port;
	struct local_set *locals;

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

/* Is it ours? Then only the message is left of it. A fragment for one of our addresses: *l2_len is set. */
static enum frame_verdict ethdev_accept(const struct port_ethdev *p, const struct nic_links *links, struct rte_mbuf *m, uint8_t *l2_len)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint16_t len = rte_pktmbuf_data_len(m);
	const struct port_link *link;
	struct pkt *pkt = pkt_of(m);
	enum frame_verdict v;
	struct frame_l2 l2;
	struct in6_addr to;
	struct frame f;

	if (!frame_l2_parse(data, len, &l2))
		return FRAME_NOT_OURS;
	link = nic_link(links, &l2);
	v = link ? frame_parse(data, len, &l2, get_port(p), link->ifindex, &f) : FRAME_NOT_OURS;
	if (v != FRAME_OURS && v != FRAME_FRAGMENT)
		return v;
	to = locals_key(&f.ep);
	if (!locals_contains(rcu_load(p->locals), &to))
		return FRAME_NOT_OURS;
	*l2_len = f.l2_len;
	if (v == FRAME_FRAGMENT)
		return v;
	pkt->ep = f.ep;
	pkt->ds = f.ds;
	m->l2_len = f.l2_len;
	m->l3_len = f.l3_len;
	rte_pktmbuf_adj(m, f.l2_len + f.l3_len + FRAME_UDP_LEN);
	rte_pktmbuf_trim(m, rte_pktmbuf_data_len(m) - f.payload_len);
	return FRAME_OURS;
}

/* What is not ours on its way to the host: a burst of it at a time. */
struct host_burst {
	struct rte_mbuf *m[PORT_BURST];
	uint16_t n;
};

static void host_add(struct port_ethdev *p, struct host_burst *host, struct rte_mbuf *m, struct counters *c)
{
	if (host->n == PORT_BURST) {
		nic_to_host(&p->nic, host->m, host->n, c);
		host->n = 0;
	}
	host->m[host->n++] = m;
}

/* The MTU of the link that a frame comes or goes by. */
static uint32_t frame_mtu(const struct nic_links *links, const struct frame_l2 *l2)
{
	const uint8_t at = links->by_vid[l2->vid];

	return links->link[at ? at - 1 : 0].mtu;
}

/* A datagram in fragments: ours once it is whole, in *m, or still the host's, which has it in such pieces as its MTU allows. */
static bool ethdev_fragment(struct port_ethdev *p, const struct nic_links *links, struct queue *q, struct rte_mbuf **m, uint8_t l2_len,
			    struct host_burst *host, struct counters *c)
{
	struct rte_mbuf *piece[FRAGMENTS_MAX + 1];
	enum frame_verdict v;
	struct frame_l2 l2;
	uint16_t n;

	if (!q->fragments) {
		host_add(p, host, *m, c);
		return false;
	}
	*m = fragments_take(q->fragments, *m, l2_len, dataplane_now(), c);
	if (!*m)
		return false;
	v = ethdev_accept(p, links, *m, &l2_len);
	if (v == FRAME_OURS)
		return true;
	frame_l2_parse(rte_pktmbuf_mtod(*m, const uint8_t *), rte_pktmbuf_data_len(*m), &l2);
	n = fragments_cut(q->fragments, *m, l2.len, frame_mtu(links, &l2), piece, c);
	for (uint16_t i = 0; i < n; i++)
		host_add(p, host, piece[i], c);
	return false;
}

static void ethdev_expire(struct queue *q, struct counters *c)
{
	if (!q->fragments || ++q->polls < EXPIRE_POLLS)
		return;
	q->polls = 0;
	fragments_expire(q->fragments, dataplane_now(), c);
}

static uint16_t ethdev_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_ethdev *p = ethdev_of(port);
	const struct nic_links *links = rcu_load(p->nic.links);
	struct counters *c = port->counters[queue];
	const uint16_t got = nic_rx(&p->nic, queue, m, n, c);
	struct host_burst host = { .n = 0 };
	uint16_t kept = 0;

	for (uint16_t i = 0; i < got; i++) {
		struct rte_mbuf *one = m[i];
		uint8_t l2_len = FRAME_ETH_LEN;

		switch (ethdev_accept(p, links, one, &l2_len)) {
		case FRAME_OURS:
			m[kept++] = one;
			break;
		case FRAME_FRAGMENT:
			if (ethdev_fragment(p, links, &p->queue[queue], &one, l2_len, &host, c))
				m[kept++] = one;
			break;
		case FRAME_NOT_OURS:
			host_add(p, &host, one, c);
			break;
		case FRAME_MALFORMED:
			counters_add(&c->drop[DROP_OUTER_MALFORMED], 1);
			rte_pktmbuf_free(one);
			break;
		case FRAME_TRUNCATED:
			counters_add(&c->drop[DROP_OUTER_TRUNCATED], 1);
			rte_pktmbuf_free(one);
			break;
		}
	}
	nic_to_host(&p->nic, host.m, host.n, c);
	nic_from_host(&p->nic, queue, got > 0, c);
	ethdev_expire(&p->queue[queue], c);
	return kept;
}

/* Each link has an MTU of its own. */
static bool fits(const struct nic_links *links, const struct rte_mbuf *m)
{
	struct frame_l2 l2;

	return frame_l2_parse(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m), &l2) &&
	       rte_pktmbuf_pkt_len(m) <= frame_mtu(links, &l2) + l2.len;
}

static uint16_t ethdev_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_ethdev *p = ethdev_of(port);
	const struct nic_links *links = rcu_load(p->nic.links);
	struct counters *c = port->counters[queue];
	uint16_t fit = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (!fits(links, m[i])) {
			rte_pktmbuf_free(m[i]);
			continue;
		}
		m[fit++] = m[i];
	}
	if (fit < n)
		counters_add(&c->drop[DROP_TX_TOO_BIG], n - fit);
	return nic_tx(&p->nic, queue, m, fit, c);
}

static bool ethdev_encap(const struct port *port, struct rte_mbuf *m, const struct rewrite *rw, uint8_t ds)
{
	const struct port_ethdev *p = ethdev_of_const(port);
	const bool v4 = rw->ep.remote.sa.sa_family == AF_INET, nic = p->nic.device.udp_checksums;
	const size_t payload = rte_pktmbuf_data_len(m);
	uint8_t *frame;

	if (!rw->len)
		return false;
	assert(m->nb_segs == 1);
	frame = (uint8_t *)rte_pktmbuf_prepend(m, rw->len);
	assert(frame);
	memcpy(frame, rw->hdr, rw->len);
	frame_finish(frame, rw->len, payload, get_port(p), ds, nic ? FRAME_CHECKSUMS_NIC : FRAME_CHECKSUMS_FULL);
	if (nic) {
		m->l3_len = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
		m->l2_len = rw->len - FRAME_UDP_LEN - m->l3_len;
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM | (v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	}
	pkt_of(m)->ep = rw->ep;
	return true;
}

/* By the frame's own addresses: whoever passed it to us knows the way to the sender. */
static void ethdev_way_back(const struct port *port, const struct rte_mbuf *m, struct rewrite *rw)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *) - FRAME_UDP_LEN - m->l3_len - m->l2_len;
	struct frame_l2 l2, back;

	(void)port;
	memset(rw, 0, sizeof(*rw));
	rw->ep = pkt_of((struct rte_mbuf *)m)->ep;
	frame_l2_parse(frame, m->l2_len, &l2);
	back = l2;
	memcpy(back.dst, l2.src, sizeof(back.dst));
	memcpy(back.src, l2.dst, sizeof(back.src));
	rw->len = (uint8_t)frame_headers(rw->hdr, &back, &rw->ep);
}

static unsigned int ethdev_fds(const struct port *port, uint16_t queue, int fd[PORT_MAX_FDS])
{
	return nic_fds(&ethdev_of_const(port)->nic, queue, fd);
}

static void ethdev_destroy(struct port *port)
{
	struct port_ethdev *p = ethdev_of(port);

	for (uint16_t q = 0; q < port->n_queues; q++)
		fragments_destroy(p->queue[q].fragments);
	nic_close(&p->nic);
	udp_sockets_close(&p->shadow);
	udp_sockets_close(&p->next_shadow);
	locals_destroy(&p->locals);
	free(p);
}

static bool ethdev_info(const struct port *port, struct port_info *info)
{
	nic_info(&ethdev_of_const(port)->nic, info);
	return true;
}

static bool ethdev_link_up(const struct port *port)
{
	return nic_link_up(&ethdev_of_const(port)->nic);
}

static const struct port_ops ethdev_ops = {
	.name = "ethdev",
	.rx_burst = ethdev_rx_burst,
	.tx_burst = ethdev_tx_burst,
	.encap = ethdev_encap,
	.way_back = ethdev_way_back,
	.fds = ethdev_fds,
	.info = ethdev_info,
	.link_up = ethdev_link_up,
	.destroy = ethdev_destroy,
};

uint16_t port_ethdev_queues(const char *device, bool asked, char err[PORT_ERRLEN])
{
	return device_queues(device, asked, err);
}

static bool make_fragments(struct port_ethdev *p, const struct port_ethdev_conf *conf)
{
	for (uint16_t q = 0; conf->mirror && q < conf->n_queues; q++) {
		p->queue[q].fragments = fragments_create(conf->pool);
		if (!p->queue[q].fragments)
			return false;
	}
	return true;
}

struct port *port_ethdev_create(const struct port_ethdev_conf *conf, char err[PORT_ERRLEN])
{
	struct port_ethdev *p;
	size_t size = sizeof(*p) + conf->n_queues * sizeof(p->queue[0]);

	snprintf(err, PORT_ERRLEN, "not enough memory for a port");
	p = aligned_alloc(_Alignof(struct port_ethdev), RTE_ALIGN(size, sizeof(p->queue[0])));
	if (!p)
		return NULL;
	memset(p, 0, size);
	p->port.ops = &ethdev_ops;
	p->port.n_queues = conf->n_queues;
	udp_sockets_init(&p->shadow);
	udp_sockets_init(&p->next_shadow);
	if (make_fragments(p, conf) && shadow_open(&p->shadow, conf->listen_port, &p->listen_port, err) == 0 &&
	    nic_open(&p->nic, conf, p->listen_port, err) == 0)
		return &p->port;
	ethdev_destroy(&p->port);
	return NULL;
}

uint16_t port_ethdev_listen_port(const struct port *port)
{
	return get_port(ethdev_of_const(port));
}

uint32_t port_ethdev_ifindex(const struct port *port)
{
	return nic_ifindex(&ethdev_of_const(port)->nic);
}

void port_ethdev_rewrite(const struct port *port, struct rewrite *rw, const struct endpoint *ep, const uint8_t mac[6])
{
	const struct nic_links *links = ethdev_of_const(port)->nic.links;
	const struct port_link *link = nic_link_of(links, ep->local_ifindex);
	struct rewrite r = { .ep = *ep };
	struct frame_l2 l2 = { 0 };

	if (!link)
		link = &links->link[0];
	memcpy(l2.dst, mac, sizeof(l2.dst));
	memcpy(l2.src, link->mac, sizeof(l2.src));
	l2.vid = link->vid;
	r.len = (uint8_t)frame_headers(r.hdr, &l2, ep);
	*rw = r;
}

int port_ethdev_set_local(struct port *port, const struct in6_addr *addrs, size_t n)
{
	struct port_ethdev *p = ethdev_of(port);
	int rc = locals_replace(&p->locals, addrs, n);

	if (rc == 0 && p->nic.device.xdp.local >= 0)
		rc = xdp_set_local(&p->nic.device.xdp, addrs, n);
	return rc;
}

/* Tells the kernel what we take. 0, or -errno: perhaps more still comes than we do. */
static int take_ours(const struct port_ethdev *p)
{
	return device_take(&p->nic.device, p->nic.links->link[0].mac, get_port(p), p->next_port);
}

int port_ethdev_set_links(struct port *port, const struct port_link *links, size_t n)
{
	struct port_ethdev *p = ethdev_of(port);
	const int rc = nic_set_links(&p->nic, links, n), taken = rc == -ENOMEM ? rc : take_ours(p);

	return taken < 0 ? taken : rc;
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
			 p->nic.name, strerror(-rc));
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
