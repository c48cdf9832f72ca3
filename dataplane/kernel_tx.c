/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending to UDP sockets. Packets in a row that go to the same peer in the same way, all as long as the first but for a shorter last one,
 * are one group: one message to the kernel that says where to cut it (UDP_SEGMENT), so that they pass through most of its layers at once,
 * and through a NIC or another namespace that can, whole. All groups of a family go with one sendmmsg.
 *
 * Control data is prebuilt in each slot, in this order: segment size, TOS, source address. So leaving out the first is a matter of where
 * it begins, and leaving out the source one of its length.
 *
 * A group that the kernel cannot cut is split up in place, and sent as what it consists of.
 */
#include "kernel_tx.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
	TX_WAIT_MS = 1,			/* once a burst, for room in a full socket */

	/* One packet of the kernel's, and no GSO packet is larger: less IPv6's header, UDP's, and to spare for the link's. */
	GROUP_BYTES = UINT16_MAX - 40 - 8 - 64,

	/*
	 * Groups that go as single packets after one was refused. The refused try has copied all of its bytes for nothing, which must
	 * not be the rule on a path with a smaller MTU than our packets; one group in 32 costs little, and finds out when that is over.
	 */
	REST = 31,

	CTL_TOS = CMSG_SPACE(sizeof(uint16_t)),
	CTL_SOURCE = CTL_TOS + CMSG_SPACE(sizeof(int)),
	LEN_TOS = CTL_SOURCE - CTL_TOS,
};

_Static_assert(PORT_BURST <= 64, "no more segments than kernels before 6.9 take: UDP_MAX_SEGMENTS");

static struct cmsghdr *tx_control(struct kernel_tx_ctl *ctl, size_t offset)
{
	return (struct cmsghdr *)(ctl->b + offset);
}

static void tx_vector_init(struct kernel_tx_vector *v, int family, const struct udp_sockets *s)
{
	v->family = family;
	v->fd = &s->fd[family];
	v->segments = s->segments;
	for (unsigned int i = 0; i < PORT_BURST; i++) {
		struct cmsghdr *gso = tx_control(&v->ctl[i], 0);
		struct cmsghdr *tos = tx_control(&v->ctl[i], CTL_TOS);
		struct cmsghdr *source = tx_control(&v->ctl[i], CTL_SOURCE);

		gso->cmsg_level = SOL_UDP;
		gso->cmsg_type = UDP_SEGMENT;
		gso->cmsg_len = CMSG_LEN(sizeof(uint16_t));
		tos->cmsg_level = source->cmsg_level = family == V4 ? IPPROTO_IP : IPPROTO_IPV6;
		tos->cmsg_type = family == V4 ? IP_TOS : IPV6_TCLASS;
		tos->cmsg_len = CMSG_LEN(sizeof(int));
		source->cmsg_type = family == V4 ? IP_PKTINFO : IPV6_PKTINFO;
		source->cmsg_len = CMSG_LEN(family == V4 ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo));
	}
}

void kernel_tx_init(struct kernel_tx *tx, const struct udp_sockets *s)
{
	memset(tx, 0, sizeof(*tx));
	tx_vector_init(&tx->v[V4], V4, s);
	tx_vector_init(&tx->v[V6], V6, s);
}

/* Length of the source's control data. */
static size_t tx_source4(struct kernel_tx_ctl *ctl, const struct endpoint *ep)
{
	const struct in_pktinfo info = { .ipi_spec_dst = ep->local.v4 };

	if (ep->local.v4.s_addr == INADDR_ANY)
		return 0;
	memcpy(CMSG_DATA(tx_control(ctl, CTL_SOURCE)), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

/* The interface goes with a link-local source only: others may leave by whatever route there is. */
static size_t tx_source6(struct kernel_tx_ctl *ctl, const struct endpoint *ep)
{
	const struct in6_pktinfo info = {
		.ipi6_addr = ep->local.v6,
		.ipi6_ifindex = IN6_IS_ADDR_LINKLOCAL(&ep->local.v6) ? ep->local_ifindex : 0,
	};

	if (IN6_IS_ADDR_UNSPECIFIED(&ep->local.v6))
		return 0;
	memcpy(CMSG_DATA(tx_control(ctl, CTL_SOURCE)), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

static struct pkt *tx_pkt(const struct rte_mbuf *m)
{
	return rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
}

/* A group with m alone. */
static void tx_open(struct kernel_tx_vector *v, struct rte_mbuf *m)
{
	struct kernel_tx_ctl *ctl = &v->ctl[v->n];
	struct msghdr *h = &v->msg[v->n].msg_hdr;
	struct pkt *pkt = pkt_of(m);
	const int tos = pkt->ds;

	memcpy(CMSG_DATA(tx_control(ctl, CTL_TOS)), &tos, sizeof(tos));
	h->msg_name = &pkt->ep.remote;
	h->msg_namelen = v->family == V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	h->msg_iov = &v->iov[v->n_iov];
	h->msg_iovlen = 1;
	h->msg_control = ctl->b + CTL_TOS;
	h->msg_controllen = LEN_TOS + (v->family == V4 ? tx_source4(ctl, &pkt->ep) : tx_source6(ctl, &pkt->ep));
	v->head = m;
	v->bytes = m->data_len;
	v->full = !v->segments;
	v->n++;
}

static bool tx_fits(const struct kernel_tx_vector *v, const struct rte_mbuf *m)
{
	return v->n && !v->full && m->data_len > 0 && m->data_len <= v->head->data_len && v->bytes + m->data_len <= GROUP_BYTES &&
	       tx_pkt(m)->ds == tx_pkt(v->head)->ds && endpoint_equal(&tx_pkt(m)->ep, &tx_pkt(v->head)->ep);
}

/* Of the route that a packet takes: the MTU and the checksum offload, for which a group is refused, are the route's. */
static uint8_t *tx_rest(struct kernel_tx *tx, const struct sockaddr *to)
{
	const struct in6_addr *a6 = &((const struct sockaddr_in6 *)to)->sin6_addr;
	uint32_t a = to->sa_family == AF_INET6 ? a6->s6_addr32[0] ^ a6->s6_addr32[1] ^ a6->s6_addr32[2] ^ a6->s6_addr32[3]
					       : ((const struct sockaddr_in *)to)->sin_addr.s_addr;

	return &tx->rest[a * 0x9e3779b1u >> 24 & (KERNEL_TX_PATHS - 1)];
}

/* Puts single packets in the place of group `at`. Its control data serves all of them. */
static void tx_split(struct kernel_tx_vector *v, unsigned int at)
{
	struct mmsghdr one = v->msg[at];
	const unsigned int packets = one.msg_hdr.msg_iovlen;

	one.msg_hdr.msg_iovlen = 1;
	memmove(&v->msg[at + packets], &v->msg[at + 1], (v->n - at - 1) * sizeof(v->msg[0]));
	for (unsigned int i = 0; i < packets; i++) {
		v->msg[at + i] = one;
		one.msg_hdr.msg_iov++;
	}
	v->n += packets - 1;
}

/* The last group will not grow any more. */
static void tx_close(struct kernel_tx *tx, struct kernel_tx_vector *v)
{
	struct msghdr *h = v->n ? &v->msg[v->n - 1].msg_hdr : NULL;
	uint8_t *rest;

	if (!h || h->msg_iovlen == 1)
		return;
	rest = tx_rest(tx, h->msg_name);
	if (*rest) {
		--*rest;
		tx_split(v, v->n - 1);
		return;
	}
	h->msg_control = (uint8_t *)h->msg_control - CTL_TOS;
	h->msg_controllen += CTL_TOS;
	memcpy(CMSG_DATA((struct cmsghdr *)h->msg_control), &v->head->data_len, sizeof(uint16_t));
}

static void tx_add(struct kernel_tx *tx, struct kernel_tx_vector *v, struct rte_mbuf *m)
{
	assert(m->nb_segs == 1);
	if (tx_fits(v, m)) {
		v->msg[v->n - 1].msg_hdr.msg_iovlen++;
		v->bytes += m->data_len;
		v->full = m->data_len < v->head->data_len;
	} else {
		tx_close(tx, v);
		tx_open(v, m);
	}
	v->iov[v->n_iov].iov_base = rte_pktmbuf_mtod(m, void *);
	v->iov[v->n_iov].iov_len = m->data_len;
	v->n_iov++;
}

static bool is_group(const struct msghdr *h)
{
	return h->msg_iovlen > 1;
}

/*
 * Errors that cutting may be the cause of: segments larger than the MTU (EINVAL, since Linux 6.9 EMSGSIZE), no checksum offload on the
 * way or IPsec (EIO). EINVAL may as well be the source's fault, which is found out when a single packet fails with it.
 */
static bool segments_refused(int error)
{
	return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP;
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

static bool has_source(const struct msghdr *h)
{
	return h->msg_controllen > (is_group(h) ? CTL_SOURCE : LEN_TOS);
}

/* Leaves the source out of what shares the control data of `at`: it, and what follows of the group that it is from. */
static void tx_leave_source(struct kernel_tx_vector *v, unsigned int at)
{
	const struct msghdr *first = &v->msg[at].msg_hdr;
	const size_t len = is_group(first) ? CTL_SOURCE : LEN_TOS;

	for (unsigned int i = at; i < v->n && v->msg[i].msg_hdr.msg_control == first->msg_control; i++)
		v->msg[i].msg_hdr.msg_controllen = len;
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

static void tx_refused(struct kernel_tx *tx, struct kernel_tx_vector *v, unsigned int at)
{
	struct msghdr *h = &v->msg[at].msg_hdr;

	*tx_rest(tx, h->msg_name) = REST;
	h->msg_control = (uint8_t *)h->msg_control + CTL_TOS;
	h->msg_controllen -= CTL_TOS;
	tx_split(v, at);
}

/* Sends all groups; one that fails is skipped, and the rest goes on. Returns how many packets went. */
static unsigned int tx_send(struct kernel_tx *tx, struct kernel_tx_vector *v, bool *waited, struct counters *c)
{
	uint64_t *const too_big = &c->drop[DROP_TX_TOO_BIG];
	uint64_t *const failed = &c->drop[DROP_TX_FAILED];
	const int fd = __atomic_load_n(v->fd, __ATOMIC_RELAXED);
	unsigned int at = 0, done = 0, lost = 0;	/* groups behind us, and the packets in them */

	while (at < v->n) {
		struct msghdr *h = &v->msg[at].msg_hdr;
		const int r = sendmmsg(fd, &v->msg[at], v->n - at, MSG_DONTWAIT);
		const int error = r < 0 ? errno : 0;

		if (r > 0) {
			for (const unsigned int end = at + r; at < end; at++)
				done += v->msg[at].msg_hdr.msg_iovlen;
		} else if (error == EAGAIN || error == ENOBUFS) {
			if (!tx_wait(fd, waited))
				break;
		} else if (is_group(h) && segments_refused(error)) {
			tx_refused(tx, v, at);
		} else if (source_refused(error) && has_source(h)) {
			tx_leave_source(v, at);
		} else if (error != EINTR) {
			counters_add(error == EMSGSIZE ? too_big : failed, h->msg_iovlen);
			done += h->msg_iovlen;
			lost += h->msg_iovlen;
			at++;
		}
	}
	counters_add(failed, v->n_iov - done);
	return done - lost;
}

/* The families part here: order is kept in each, and between them there is none to keep. */
static uint16_t tx_chunk(struct kernel_tx *tx, struct rte_mbuf **m, uint16_t n, bool *waited, struct counters *c)
{
	uint16_t sent = 0;

	for (int family = 0; family < UDP_FAMILIES; family++)
		tx->v[family].n = tx->v[family].n_iov = 0;
	for (uint16_t i = 0; i < n; i++)
		tx_add(tx, &tx->v[pkt_of(m[i])->ep.remote.sa.sa_family == AF_INET6 ? V6 : V4], m[i]);
	for (int family = 0; family < UDP_FAMILIES; family++) {
		tx_close(tx, &tx->v[family]);
		sent += tx_send(tx, &tx->v[family], waited, c);
	}
	return sent;
}

uint16_t kernel_tx_burst(struct kernel_tx *tx, struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	bool waited = false;
	uint16_t sent = 0;

	for (uint16_t at = 0; at < n; at += PORT_BURST)
		sent += tx_chunk(tx, m + at, RTE_MIN(n - at, PORT_BURST), &waited, c);
	rte_pktmbuf_free_bulk(m, n);
	return sent;
}
