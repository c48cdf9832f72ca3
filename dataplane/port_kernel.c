/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port on the host's own UDP sockets: a queue is an IPv4 and an IPv6 socket, read and
 * written by the data core that owns the queue; the control thread makes and ends them.
 *
 * rx: PORT_BURST slots (message header, buffer, control data) are wired up once. recvmmsg fills
 * them from `empty` on, straight into mbufs, and the sender's address straight into pkt.ep; only
 * slots that were used up get a new mbuf, so that an empty poll is one system call a socket and
 * nothing else.
 *
 * tx: a vector of slots for each family, control data prebuilt in each: TOS first, then the source
 * address, so that leaving the source out is a matter of the control data's length.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "port.h"
#include "udp_socket.h"

enum {
	TX_WAIT_MS = 1,		/* once a burst, for room in a full socket */

	RX_CTL = CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)),
	TX_CTL_TOS = CMSG_SPACE(sizeof(int)),
	TX_CTL_SOURCE4 = TX_CTL_TOS + CMSG_SPACE(sizeof(struct in_pktinfo)),
	TX_CTL_SOURCE6 = TX_CTL_TOS + CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

struct control_data {
	uint8_t b[RX_CTL];
} __attribute__((aligned(64)));

_Static_assert((int)TX_CTL_SOURCE6 <= (int)RX_CTL, "control data fits both ways");

struct vector {
	struct mmsghdr msg[PORT_BURST];
	struct iovec iov[PORT_BURST];
	struct control_data ctl[PORT_BURST];
};

struct queue {
	struct udp_sockets s;
	unsigned int turn;		/* the family to be read first next time */
	unsigned int empty;		/* slots at the front of rx_m that hold no mbuf */
	bool dry;			/* the pool had nothing, and it has been counted */
	struct rte_mbuf *rx_m[PORT_BURST];
	struct vector rx;
	struct vector tx[UDP_FAMILIES];
} __attribute__((aligned(64)));

struct port_kernel {
	struct port port;
	struct rte_mempool *pool;
	uint16_t listen_port;
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

/* Makes a slot with a fresh mbuf ready for recvmmsg, which changes the lengths that it is told. */
static void rx_arm(struct queue *q, unsigned int slot)
{
	struct rte_mbuf *m = q->rx_m[slot];
	struct msghdr *h = &q->rx.msg[slot].msg_hdr;

	q->rx.iov[slot].iov_base = rte_pktmbuf_mtod(m, void *);
	q->rx.iov[slot].iov_len = rte_pktmbuf_tailroom(m);
	h->msg_name = &pkt_of(m)->ep.remote;
	h->msg_namelen = sizeof(pkt_of(m)->ep.remote);
	h->msg_controllen = RX_CTL;
}

static void rx_refill(struct rte_mempool *pool, struct queue *q, struct counters *c)
{
	const unsigned int was = q->empty;

	q->empty = pkt_refill(pool, q->rx_m, was);
	for (unsigned int i = q->empty; i < was; i++)
		rx_arm(q, i);

	/* What waits is the kernel's, not lost: the exhaustion is counted, not every look at it. */
	if (q->empty == PORT_BURST && !q->dry)
		counters_add(&c->drop[DROP_NO_MBUF], 1);
	q->dry = q->empty == PORT_BURST;
}

static void rx_control4(struct msghdr *h, struct pkt *pkt)
{
	struct in_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != IPPROTO_IP)
			continue;
		if (c->cmsg_type == IP_TOS && c->cmsg_len >= CMSG_LEN(1))
			pkt->ds = *CMSG_DATA(c);
		if (c->cmsg_type != IP_PKTINFO || c->cmsg_len < CMSG_LEN(sizeof(info)))
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		/* The destination that was hit; for a broadcast the address to answer from. */
		pkt->ep.local.v4 = info.ipi_spec_dst;
		pkt->ep.local_ifindex = info.ipi_ifindex;
	}
}

static void rx_control6(struct msghdr *h, struct pkt *pkt)
{
	struct in6_pktinfo info;
	int tclass;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_TCLASS && c->cmsg_len >= CMSG_LEN(sizeof(tclass))) {
			memcpy(&tclass, CMSG_DATA(c), sizeof(tclass));
			pkt->ds = tclass;
		}
		if (c->cmsg_type != IPV6_PKTINFO || c->cmsg_len < CMSG_LEN(sizeof(info)))
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		/* Nothing may be sent from a multicast address: routing chooses then. */
		if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
			pkt->ep.local.v6 = info.ipi6_addr;
		pkt->ep.local_ifindex = info.ipi6_ifindex;
	}
}

/* All of pkt.ep but the address that the kernel has written, bytes without meaning as zeros. */
static void rx_endpoint(int family, struct msghdr *h, struct pkt *pkt)
{
	struct endpoint *ep = &pkt->ep;

	pkt->ds = 0;
	ep->local_ifindex = 0;
	memset(&ep->local, 0, sizeof(ep->local));

	if (family == V4) {
		memset(ep->remote.v4.sin_zero, 0, sizeof(ep->remote.v4.sin_zero));
		memset((uint8_t *)&ep->remote + sizeof(ep->remote.v4), 0,
		       sizeof(ep->remote) - sizeof(ep->remote.v4));
		rx_control4(h, pkt);
		return;
	}
	ep->remote.v6.sin6_flowinfo = 0;
	if (!IN6_IS_ADDR_LINKLOCAL(&ep->remote.v6.sin6_addr))
		ep->remote.v6.sin6_scope_id = 0;
	rx_control6(h, pkt);
}

/* Up to n datagrams of one family into m; *used is the number of slots that it took. */
static uint16_t rx_family(struct queue *q, int family, struct rte_mbuf **m, unsigned int n,
			  unsigned int *used, struct counters *c)
{
	uint16_t got = 0;
	int r;

	do
		r = recvmmsg(q->s.fd[family], &q->rx.msg[q->empty], n, MSG_DONTWAIT, NULL);
	while (r < 0 && errno == EINTR);

	*used = r > 0 ? r : 0;
	for (unsigned int i = q->empty; i < q->empty + *used; i++) {
		struct mmsghdr *msg = &q->rx.msg[i];

		if (msg->msg_hdr.msg_flags & MSG_TRUNC) {
			counters_add(&c->drop[DROP_OUTER_TRUNCATED], 1);
			rte_pktmbuf_free(q->rx_m[i]);
			continue;
		}
		m[got] = q->rx_m[i];
		m[got]->data_len = msg->msg_len;
		m[got]->pkt_len = msg->msg_len;
		rx_endpoint(family, &msg->msg_hdr, pkt_of(m[got]));
		got++;
	}
	q->empty += *used;
	return got;
}

static uint16_t kernel_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_kernel *k = kernel_of(p);
	struct queue *q = &k->q[queue];
	struct counters *c = p->counters[queue];
	unsigned int room, used;
	uint16_t got = 0;

	if (q->empty)
		rx_refill(k->pool, q, c);
	room = RTE_MIN(n, PORT_BURST - q->empty);

	for (unsigned int i = 0; i < UDP_FAMILIES && room; i++) {
		const int family = q->turn ^ i;

		if (q->s.fd[family] < 0)
			continue;
		got += rx_family(q, family, m + got, room, &used, c);
		room -= used;
	}
	q->turn ^= 1;
	return got;
}

/* The control data of slot i, of which TOS and source are yet to be written. */
static struct cmsghdr *tx_control(struct vector *v, unsigned int i, size_t offset)
{
	return (struct cmsghdr *)(v->ctl[i].b + offset);
}

static void tx_source4(struct vector *v, unsigned int i, const struct endpoint *ep)
{
	const struct in_pktinfo info = { .ipi_spec_dst = ep->local.v4 };

	v->msg[i].msg_hdr.msg_controllen = TX_CTL_TOS;
	if (ep->local.v4.s_addr == INADDR_ANY)
		return;
	memcpy(CMSG_DATA(tx_control(v, i, TX_CTL_TOS)), &info, sizeof(info));
	v->msg[i].msg_hdr.msg_controllen = TX_CTL_SOURCE4;
}

/* The interface goes with a link-local source only: others may leave by whatever route there is. */
static void tx_source6(struct vector *v, unsigned int i, const struct endpoint *ep)
{
	const struct in6_pktinfo info = {
		.ipi6_addr = ep->local.v6,
		.ipi6_ifindex = IN6_IS_ADDR_LINKLOCAL(&ep->local.v6) ? ep->local_ifindex : 0,
	};

	v->msg[i].msg_hdr.msg_controllen = TX_CTL_TOS;
	if (IN6_IS_ADDR_UNSPECIFIED(&ep->local.v6))
		return;
	memcpy(CMSG_DATA(tx_control(v, i, TX_CTL_TOS)), &info, sizeof(info));
	v->msg[i].msg_hdr.msg_controllen = TX_CTL_SOURCE6;
}

static void tx_fill(struct vector *v, int family, unsigned int i, struct rte_mbuf *m)
{
	struct pkt *pkt = pkt_of(m);
	const int tos = pkt->ds;

	assert(m->nb_segs == 1);
	v->iov[i].iov_base = rte_pktmbuf_mtod(m, void *);
	v->iov[i].iov_len = m->data_len;
	v->msg[i].msg_hdr.msg_name = &pkt->ep.remote;
	memcpy(CMSG_DATA(tx_control(v, i, 0)), &tos, sizeof(tos));
	if (family == V4)
		tx_source4(v, i, &pkt->ep);
	else
		tx_source6(v, i, &pkt->ep);
}

/* Errors that a source address or interface that is no longer ours may be the cause of. */
static bool source_refused(int error)
{
	switch (error) {
	case EINVAL:
	case EADDRNOTAVAIL:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENODEV:
		return true;
	default:
		return false;
	}
}

static bool has_source(const struct mmsghdr *msg)
{
	return msg->msg_hdr.msg_controllen != TX_CTL_TOS;
}

/* Room in the socket's buffer, for which a burst waits once. False: give up what is left. */
static bool tx_wait(int fd, bool *waited)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	if (*waited)
		return false;
	*waited = true;
	return poll(&room, 1, TX_WAIT_MS) == 1;
}

/* Sends slots [0..n); one that fails is skipped, and the rest goes on. Returns how many went. */
static unsigned int tx_send(int fd, struct vector *v, unsigned int n, bool *waited,
			    struct counters *c)
{
	uint64_t *const too_big = &c->drop[DROP_TX_TOO_BIG];
	uint64_t *const failed = &c->drop[DROP_TX_FAILED];
	unsigned int at = 0, sent = 0;

	while (at < n) {
		const int r = sendmmsg(fd, &v->msg[at], n - at, MSG_DONTWAIT);
		const int error = r < 0 ? errno : 0;

		if (r > 0) {
			at += r;
			sent += r;
		} else if (error == EAGAIN || error == ENOBUFS) {
			if (!tx_wait(fd, waited))
				break;
		} else if (source_refused(error) && has_source(&v->msg[at])) {
			v->msg[at].msg_hdr.msg_controllen = TX_CTL_TOS;
		} else if (error != EINTR) {
			counters_add(error == EMSGSIZE ? too_big : failed, 1);
			at++;
		}
	}
	counters_add(failed, n - at);
	return sent;
}

/* The families part here: order is kept in each, and between them there is none to keep. */
static uint16_t tx_chunk(struct queue *q, struct rte_mbuf **m, uint16_t n, bool *waited,
			 struct counters *c)
{
	unsigned int count[UDP_FAMILIES] = { 0, 0 };
	uint16_t sent = 0;

	for (uint16_t i = 0; i < n; i++) {
		const int family = pkt_of(m[i])->ep.remote.sa.sa_family == AF_INET6 ? V6 : V4;

		tx_fill(&q->tx[family], family, count[family], m[i]);
		count[family]++;
	}
	for (int family = 0; family < UDP_FAMILIES; family++)
		if (count[family])
			sent += tx_send(q->s.fd[family], &q->tx[family], count[family], waited, c);
	return sent;
}

static uint16_t kernel_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct queue *q = &kernel_of(p)->q[queue];
	bool waited = false;
	uint16_t sent = 0;

	for (uint16_t at = 0; at < n; at += PORT_BURST)
		sent += tx_chunk(q, m + at, RTE_MIN(n - at, PORT_BURST), &waited,
				 p->counters[queue]);
	rte_pktmbuf_free_bulk(m, n);
	return sent;
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
		if (kernel_of_const(p)->q[0].s.fd[V6] >= 0)
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
		rte_pktmbuf_free_bulk(k->q[i].rx_m + k->q[i].empty, PORT_BURST - k->q[i].empty);
	}
	free(k);
}

static const struct port_ops kernel_ops = {
	.name = "kernel",
	.rx_burst = kernel_rx_burst,
	.tx_burst = kernel_tx_burst,
	.encap = kernel_encap,
	.way_back = kernel_way_back,
	.fds = kernel_fds,
	.destroy = kernel_destroy,
};

static void vector_init(struct vector *v)
{
	for (unsigned int i = 0; i < PORT_BURST; i++) {
		struct msghdr *h = &v->msg[i].msg_hdr;

		h->msg_iov = &v->iov[i];
		h->msg_iovlen = 1;
		h->msg_control = v->ctl[i].b;
	}
}

static void tx_vector_init(struct vector *v, int family)
{
	vector_init(v);
	for (unsigned int i = 0; i < PORT_BURST; i++) {
		struct cmsghdr *tos = tx_control(v, i, 0);
		struct cmsghdr *source = tx_control(v, i, TX_CTL_TOS);

		v->msg[i].msg_hdr.msg_namelen =
			family == V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
		tos->cmsg_level = family == V4 ? IPPROTO_IP : IPPROTO_IPV6;
		tos->cmsg_type = family == V4 ? IP_TOS : IPV6_TCLASS;
		tos->cmsg_len = CMSG_LEN(sizeof(int));
		source->cmsg_level = tos->cmsg_level;
		source->cmsg_type = family == V4 ? IP_PKTINFO : IPV6_PKTINFO;
		source->cmsg_len = CMSG_LEN(family == V4 ? sizeof(struct in_pktinfo)
							  : sizeof(struct in6_pktinfo));
	}
}

static void queue_init(struct queue *q)
{
	udp_sockets_init(&q->s);
	q->empty = PORT_BURST;
	vector_init(&q->rx);
	tx_vector_init(&q->tx[V4], V4);
	tx_vector_init(&q->tx[V6], V6);
}

static int open_all(struct port_kernel *k, const struct port_kernel_conf *conf,
		    char err[PORT_ERRLEN])
{
	int r = udp_sockets_first(&k->q[0].s, conf, &k->listen_port, err);

	for (uint16_t i = 1; r == 0 && i < conf->n_queues; i++)
		r = udp_sockets_join(&k->q[i].s, &k->q[0].s, conf, k->listen_port, err);
	return r;
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
	k->pool = conf->pool;
	for (uint16_t i = 0; i < conf->n_queues; i++)
		queue_init(&k->q[i]);

	if (open_all(k, conf, err) < 0) {
		kernel_destroy(&k->port);
		return NULL;
	}
	return &k->port;
}

uint16_t port_kernel_listen_port(const struct port *p)
{
	return kernel_of_const(p)->listen_port;
}

int port_kernel_set_fwmark(struct port *p, uint32_t fwmark)
{
	struct port_kernel *k = kernel_of(p);

	for (uint16_t i = 0; i < p->n_queues; i++) {
		const int r = udp_sockets_set_fwmark(&k->q[i].s, fwmark);

		if (r < 0)
			return r;
	}
	return 0;
}
