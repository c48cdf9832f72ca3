/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving from UDP sockets. recvmmsg fills slots, large buffers that stay wired up, since with UDP_GRO a datagram may be up to 64 KiB
 * of messages of one sender, all as long as the kernel says but for a shorter last one. They are handed out in mbufs from `stock`:
 *
 *   one message    copied, the slot is used again at once: cheaper than 64 KiB pinned by one packet
 *   several        not copied: mbufs attached to the large buffer, which goes home when the last of them is freed; the slot gets another.
 *                  Where there is none, all being on their way, they are copied, too.
 *
 * A burst that ends within a datagram goes on there in the next, before the family's socket is asked again. Each family has slots of its
 * own, so that what waits in one does not keep the other from its turn.
 */
#include "kernel_rx.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LARGE_ROOM = UINT16_MAX,	/* no datagram is larger */
	/* A few buffers are taken out again in the order last in, first out: they are in the CPU's cache still. */
	LARGE_CACHE = 16,
	/*
	 * A burst ends before a datagram of which it has no room for 1/FIT: torn apart, the two parts would be two batches, and two
	 * super-packets for the host.
	 */
	FIT = 2,
	/* Messages that begin elsewhere than at multiples of it are copied: after us headers are read as words. */
	VIEW_ALIGN = 4,
};

static const char large_name[] = "udp.large%u";

struct rte_mempool *kernel_rx_large_pool(uint16_t n_queues)
{
	static unsigned int made;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), large_name, made++);
	return rte_pktmbuf_pool_create(name, n_queues * KERNEL_RX_LARGE, LARGE_CACHE, 0, LARGE_ROOM, SOCKET_ID_ANY);
}

size_t kernel_rx_large_memory(uint16_t n_queues)
{
	return pkt_pool_memory(n_queues * KERNEL_RX_LARGE, LARGE_ROOM);
}

/* Makes a slot ready for recvmmsg, which changes the lengths that it is told. */
static void rx_arm(struct kernel_rx_family *f, unsigned int slot)
{
	struct msghdr *h = &f->msg[slot].msg_hdr;

	f->iov[slot].iov_base = f->large[slot]->buf_addr;
	h->msg_namelen = sizeof(f->from[slot].remote);
	h->msg_controllen = KERNEL_RX_CTL;
}

/* Also where there is no socket yet. */
static bool rx_family_init(struct kernel_rx_family *f, const int *fd, struct rte_mempool *large_pool)
{
	f->fd = fd;
	f->per_datagram = 1;
	if (rte_pktmbuf_alloc_bulk(large_pool, f->large, PORT_BURST)) {
		f->large[0] = NULL;
		return false;
	}
	for (unsigned int i = 0; i < PORT_BURST; i++) {
		struct msghdr *h = &f->msg[i].msg_hdr;

		f->iov[i].iov_len = LARGE_ROOM;
		h->msg_iov = &f->iov[i];
		h->msg_iovlen = 1;
		h->msg_name = &f->from[i].remote;
		h->msg_control = f->ctl[i].b;
		rx_arm(f, i);
	}
	return true;
}

bool kernel_rx_init(struct kernel_rx *rx, const struct udp_sockets *s, struct rte_mempool *pool, struct rte_mempool *large_pool)
{
	memset(rx, 0, sizeof(*rx));
	rx->pool = pool;
	rx->large_pool = large_pool;
	rx->empty = PORT_BURST;
	return rx_family_init(&rx->family[V4], &s->fd[V4], large_pool) && rx_family_init(&rx->family[V6], &s->fd[V6], large_pool);
}

void kernel_rx_fini(struct kernel_rx *rx)
{
	if (!rx->pool)
		return;
	for (int family = 0; family < UDP_FAMILIES; family++) {
		struct kernel_rx_family *f = &rx->family[family];

		rte_pktmbuf_free(f->now.large);
		if (f->large[0])
			rte_pktmbuf_free_bulk(f->large, PORT_BURST);
	}
	rte_pktmbuf_free_bulk(rx->stock + rx->empty, PORT_BURST - rx->empty);
}

static void rx_restock(struct kernel_rx *rx, struct counters *c)
{
	rx->empty = pkt_refill(rx->pool, rx->stock, rx->empty);

	/* What waits is the kernel's, not lost: the exhaustion is counted, not every look at it. */
	if (rx->empty == PORT_BURST && !rx->dry)
		counters_add(&c->drop[DROP_NO_MBUF], 1);
	rx->dry = rx->empty == PORT_BURST;
}

static void rx_control4(const struct cmsghdr *c, struct kernel_rx_datagram *d)
{
	struct in_pktinfo info;

	if (c->cmsg_type == IP_TOS && c->cmsg_len >= CMSG_LEN(1))
		d->ds = *CMSG_DATA(c);
	if (c->cmsg_type != IP_PKTINFO || c->cmsg_len < CMSG_LEN(sizeof(info)))
		return;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	/* The destination that was hit; for a broadcast the address to answer from. */
	d->ep.local.v4 = info.ipi_spec_dst;
	d->ep.local_ifindex = info.ipi_ifindex;
}

static void rx_control6(const struct cmsghdr *c, struct kernel_rx_datagram *d)
{
	struct in6_pktinfo info;
	int tclass;

	if (c->cmsg_type == IPV6_TCLASS && c->cmsg_len >= CMSG_LEN(sizeof(tclass))) {
		memcpy(&tclass, CMSG_DATA(c), sizeof(tclass));
		d->ds = tclass;
	}
	if (c->cmsg_type != IPV6_PKTINFO || c->cmsg_len < CMSG_LEN(sizeof(info)))
		return;
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	/* Nothing may be sent from a multicast address: routing chooses then. */
	if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
		d->ep.local.v6 = info.ipi6_addr;
	d->ep.local_ifindex = info.ipi6_ifindex;
}

static void rx_control_udp(const struct cmsghdr *c, struct kernel_rx_datagram *d)
{
	int seg;

	if (c->cmsg_type != UDP_GRO || c->cmsg_len < CMSG_LEN(sizeof(seg)))
		return;
	memcpy(&seg, CMSG_DATA(c), sizeof(seg));
	if (seg > 0 && (uint32_t)seg < d->len)
		d->seg = seg;
}

static void rx_control(struct msghdr *h, struct kernel_rx_datagram *d)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP)
			rx_control4(c, d);
		else if (c->cmsg_level == IPPROTO_IPV6)
			rx_control6(c, d);
		else if (c->cmsg_level == SOL_UDP)
			rx_control_udp(c, d);
	}
}

/* The remote address that the kernel has written, and nothing but it: bytes without meaning become zeros. */
static void rx_remote(const struct endpoint *from, struct endpoint *ep)
{
	memset(ep, 0, sizeof(*ep));
	if (from->remote.sa.sa_family == AF_INET) {
		ep->remote.v4 = from->remote.v4;
		memset(ep->remote.v4.sin_zero, 0, sizeof(ep->remote.v4.sin_zero));
		return;
	}
	ep->remote.v6 = from->remote.v6;
	ep->remote.v6.sin6_flowinfo = 0;
	if (!IN6_IS_ADDR_LINKLOCAL(&ep->remote.v6.sin6_addr))
		ep->remote.v6.sin6_scope_id = 0;
}

/* Views, where there are several messages to make it worth while: the slot's buffer is theirs then, and the slot has a fresh one. */
static void rx_take_large(struct kernel_rx *rx, struct kernel_rx_family *f)
{
	struct kernel_rx_datagram *d = &f->now;
	struct rte_mbuf *fresh;

	d->large = NULL;
	d->data = f->large[f->next]->buf_addr;
	if (d->left == 1 || d->seg % VIEW_ALIGN)
		return;
	fresh = rte_pktmbuf_alloc(rx->large_pool);
	if (!fresh)
		return;
	d->large = f->large[f->next];
	f->large[f->next] = fresh;
}

/* Begins the datagram in slot `next`. False: there is nothing in it to be had, and it is done. */
static bool rx_begin(struct kernel_rx *rx, struct kernel_rx_family *f, struct counters *c)
{
	struct mmsghdr *msg = &f->msg[f->next];
	struct kernel_rx_datagram *d = &f->now;
	const bool truncated = msg->msg_hdr.msg_flags & MSG_TRUNC;

	d->ds = 0;
	d->at = 0;
	d->len = d->seg = msg->msg_len;
	rx_remote(&f->from[f->next], &d->ep);
	rx_control(&msg->msg_hdr, d);
	d->left = d->len ? (d->len + d->seg - 1) / d->seg : 1;
	f->messages += d->left;
	if (!truncated)
		rx_take_large(rx, f);
	rx_arm(f, f->next);
	if (!truncated)
		return true;
	counters_add(&c->drop[DROP_OUTER_TRUNCATED], d->left);
	d->left = 0;
	f->next++;
	return false;
}

static void rx_end(struct kernel_rx_family *f)
{
	rte_pktmbuf_free(f->now.large);
	f->now.large = NULL;
	f->now.left = 0;
	f->next++;
}

/* The next message of d goes into m, which is fresh. False: it does not fit there, and m is as it was. */
static bool rx_message(struct kernel_rx_datagram *d, struct rte_mbuf *m)
{
	const uint32_t at = d->at, len = RTE_MIN(d->seg, d->len - at);

	d->at += len;
	d->left--;
	if (len > rte_pktmbuf_tailroom(m))	/* the most that we handle, also of a view */
		return false;
	if (d->large) {
		rte_pktmbuf_attach(m, d->large);
		m->data_off = at;
	} else {
		memcpy(rte_pktmbuf_mtod(m, void *), d->data + at, len);
	}
	m->data_len = len;
	m->pkt_len = len;
	pkt_of(m)->ep = d->ep;
	pkt_of(m)->ds = d->ds;
	return true;
}

static bool rx_pending(const struct kernel_rx_family *f)
{
	return f->next < f->end;
}

/* Up to n messages of what has been received. */
static uint16_t rx_deliver(struct kernel_rx *rx, struct kernel_rx_family *f, struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	uint16_t got = 0;

	while (got < n && rx->empty < PORT_BURST && rx_pending(f)) {
		if (!f->now.left && !rx_begin(rx, f, c))
			continue;
		if (got && !f->now.at && n - got < (int)f->now.left / FIT)
			break;
		m[got] = rx->stock[rx->empty];
		if (rx_message(&f->now, m[got])) {
			rx->empty++;
			got++;
		} else {
			counters_add(&c->drop[DROP_OUTER_TRUNCATED], 1);
		}
		if (!f->now.left)
			rx_end(f);
	}
	return got;
}

/* Fills slots from the first on, as many as n messages should come in. */
static void rx_receive(struct kernel_rx_family *f, int fd, unsigned int n)
{
	int r;

	if (f->end)
		f->per_datagram = RTE_MAX(f->messages / f->end, 1u);
	do
		r = recvmmsg(fd, f->msg, (n + f->per_datagram - 1) / f->per_datagram, MSG_DONTWAIT, NULL);
	while (r < 0 && errno == EINTR);
	f->next = 0;
	f->end = r > 0 ? r : 0;
	f->messages = 0;
}

/* Loses what has been received: without mbufs there is no use for it, and nobody wakes us for what is not in a socket. */
static void rx_abandon(struct kernel_rx *rx, struct kernel_rx_family *f, struct counters *c)
{
	while (rx_pending(f)) {
		if (!f->now.left && !rx_begin(rx, f, c))
			continue;
		counters_add(&c->drop[DROP_NO_MBUF], f->now.left);
		rx_end(f);
	}
}

uint16_t kernel_rx_burst(struct kernel_rx *rx, struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	uint16_t got = 0;

	if (rx->empty)
		rx_restock(rx, c);
	for (unsigned int i = 0; i < UDP_FAMILIES; i++) {
		struct kernel_rx_family *f = &rx->family[rx->turn ^ i];
		const int fd = __atomic_load_n(f->fd, __ATOMIC_RELAXED);

		got += rx_deliver(rx, f, m + got, n - got, c);
		if (fd < 0 || got == n || rx->empty == PORT_BURST || rx_pending(f))
			continue;
		rx_receive(f, fd, RTE_MIN(n - got, (int)(PORT_BURST - rx->empty)));
		got += rx_deliver(rx, f, m + got, n - got, c);
	}
	rx->turn ^= 1;
	for (unsigned int i = 0; i < UDP_FAMILIES && !got; i++)
		rx_abandon(rx, &rx->family[i], c);
	return got;
}
