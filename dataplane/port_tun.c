/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inner port on an interface of the host, through /dev/net/tun: a queue is one file descriptor,
 * read and written by the data core that owns the queue. With the kernel's segmentation offloads a
 * system call moves up to 64 KiB of one flow: what the host routes into the interface is read into
 * the queue's buffer and cut from there into mbufs kept ready (gso.h); what came out of the tunnel
 * is merged (gro.h) and written from where it lies. The control thread creates the interface, and
 * destroys it by closing the descriptors.
 *
 * The host may take the interface down (nothing to read, EIO on write: comes up again) or delete it
 * (the descriptors are readable for ever and fail with EBADFD: port->error ends the port).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gro.h"
#include "gso.h"
#include "port.h"
#include "tun_link.h"
#include "vnet.h"

static const char tun_device[] = "/dev/net/tun";

enum {
	PACKET_MAX = 65535,
	/* What super-packets may come. Linux before 6.2 does not segment UDP. */
	OFFLOADS = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
	OFFLOADS_UDP = OFFLOADS | TUN_F_USO4 | TUN_F_USO6,
	/*
	 * A burst ends with a super-packet when less room than 1/FIT of it is left: the next one, likely as large, would
	 * be torn apart for little. So a batch is one large super-packet, or several small ones, and its
	 * messages, equal in length, make one send of the outer port.
	 */
	FIT = 2,
};

struct queue {
	int fd;
	unsigned int empty;		/* slots at the front of m that hold no mbuf */
	bool dry;			/* the pool had nothing, and it has been counted */
	struct rte_mbuf *m[PORT_BURST];	/* ready to be cut into */
	struct gso gso;			/* `packet`, as far as it is not cut yet */
	/* As read: one byte more than can come tells that it was cut off. */
	uint8_t packet[PACKET_MAX + 1] __attribute__((aligned(64)));
} __attribute__((aligned(64)));

struct port_tun {
	struct port port;
	struct rte_mempool *pool;
	uint32_t ifindex;
	bool udp;			/* the kernel segments UDP */
	struct queue q[];
};

static struct port_tun *tun_of(struct port *p)
{
	return (struct port_tun *)p;
}

static void rx_refill(struct rte_mempool *pool, struct queue *q, struct counters *c)
{
	q->empty = pkt_refill(pool, q->m, q->empty);

	/* What waits is the kernel's, not lost: the exhaustion is counted, not every look at it. */
	if (q->empty == PORT_BURST && !q->dry)
		counters_add(&c->drop[DROP_NO_MBUF], 1);
	q->dry = q->empty == PORT_BURST;
}

static bool is_gone(int error)
{
	return error == EBADFD || error == ENODEV;
}

static void set_error(struct port *p, int error)
{
	int alive = 0;

	__atomic_compare_exchange_n(&p->error, &alive, error, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

/* The next packet from the kernel, of which nothing is cut yet. False: there is none. One that is no good is counted, and is none to cut. */
static bool read_packet(struct port *p, struct queue *q, struct counters *c)
{
	struct virtio_net_hdr vnet;
	const struct iovec iov[] = { { &vnet, sizeof(vnet) }, { q->packet, sizeof(q->packet) } };
	ssize_t r;

	do
		r = readv(q->fd, iov, RTE_DIM(iov));
	while (r < 0 && errno == EINTR);
	if (r < 0) {
		if (is_gone(errno))
			set_error(p, errno);
		return false;
	}
	/* Segments are sealed where they lie. Larger ones come of an MTU that is too large. */
	r -= sizeof(vnet);
	q->gso.left = 0;
	if (r <= 0 || r > PACKET_MAX || !gso_begin(&q->gso, &vnet, q->packet, r) ||
	    q->gso.max_len + PKT_TAIL > rte_pktmbuf_tailroom(q->m[q->empty])) {
		counters_add(&c->drop[DROP_INNER_MALFORMED], RTE_MAX(q->gso.left, 1u));
		q->gso.left = 0;
	}
	return true;
}

/* Cuts up to n segments into ready mbufs; returns how many. */
static uint16_t cut_burst(struct queue *q, struct rte_mbuf **m, uint16_t n)
{
	uint16_t got = 0;

	while (got < n && q->gso.left && q->empty < PORT_BURST) {
		struct rte_mbuf *next = q->m[q->empty++];

		next->data_len = gso_cut(&q->gso, rte_pktmbuf_mtod(next, uint8_t *));
		next->pkt_len = next->data_len;
		m[got++] = next;
	}
	return got;
}

/*
 * Segments that are left of the last burst's super-packet come first. They are never kept when nothing is returned: the kernel, which
 * has given them away, would not wake a core for them.
 */
static uint16_t tun_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_tun *t = tun_of(p);
	struct queue *q = &t->q[queue];
	struct counters *c = p->counters[queue];
	uint16_t got;

	if (q->empty)
		rx_refill(t->pool, q, c);
	if (q->empty == PORT_BURST) {
		counters_add(&c->drop[DROP_NO_MBUF], q->gso.left);
		q->gso.left = 0;
		return 0;
	}
	got = cut_burst(q, m, n);
	for (uint16_t reads = 0; reads < n && got < n && q->empty < PORT_BURST; reads++) {
		uint32_t segments;

		if (!read_packet(p, q, c))
			break;
		segments = q->gso.left;
		got += cut_burst(q, m + got, n - got);
		if (segments > 1 && n - got < (int)(segments / FIT))
			break;
	}
	return got;
}

/* One packet or super-packet. False: so will the next fail, and it need not be tried. */
static bool tx_one(struct port *p, int fd, const struct iovec *iov, unsigned int n, bool *sent)
{
	ssize_t r;

	do
		r = writev(fd, iov, n);
	while (r < 0 && errno == EINTR);

	*sent = r >= 0;
	if (*sent)
		return true;
	if (is_gone(errno))
		set_error(p, errno);
	return !is_gone(errno) && errno != EIO;
}

/* How many of n, up to GRO_BURST, the kernel took. */
static uint16_t tx_merged(struct port *p, int fd, struct rte_mbuf **m, unsigned int n)
{
	struct virtio_net_hdr vnet;
	struct iovec packets[GRO_BURST], iov[1 + GRO_BURST] = { { .iov_base = &vnet, .iov_len = sizeof(vnet) } };
	bool more = true, sent = false;
	uint16_t count = 0;
	struct gro gro;

	for (unsigned int i = 0; i < n; i++) {
		assert(m[i]->nb_segs == 1);
		packets[i].iov_base = rte_pktmbuf_mtod(m[i], void *);
		packets[i].iov_len = m[i]->data_len;
	}
	gro_burst(&gro, packets, n, tun_of(p)->udp);
	for (unsigned int i = 0; i < gro.n_supers && more; i++) {
		gro_finish(&gro, i, &vnet, iov + 1);
		more = tx_one(p, fd, iov, 1 + gro.super[i].n, &sent);
		count += sent ? gro.super[i].n : 0;
	}
	return count;
}

static uint16_t tun_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	const int fd = tun_of(p)->q[queue].fd;
	uint16_t count = 0;

	for (unsigned int i = 0; i < n; i += GRO_BURST)
		count += tx_merged(p, fd, m + i, RTE_MIN(n - i, (unsigned int)GRO_BURST));
	counters_add(&p->counters[queue]->drop[DROP_TX_FAILED], n - count);
	rte_pktmbuf_free_bulk(m, n);
	return count;
}

static unsigned int tun_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	fd[0] = ((const struct port_tun *)p)->q[queue].fd;
	return 1;
}

static void tun_destroy(struct port *p)
{
	struct port_tun *t = tun_of(p);

	for (uint16_t i = 0; i < p->n_queues; i++) {
		struct queue *q = &t->q[i];

		if (q->fd >= 0)
			close(q->fd);
		rte_pktmbuf_free_bulk(q->m + q->empty, PORT_BURST - q->empty);
	}
	free(t);
}

static const struct port_ops tun_ops = {
	.name = "tun",
	.rx_burst = tun_rx_burst,
	.tx_burst = tun_tx_burst,
	.fds = tun_fds,
	.destroy = tun_destroy,
};

/* What to do about a failed open of the device: the line for the user. */
static void open_failed(int error, char err[PORT_ERRLEN])
{
	const char *advice = "";

	if (error == ENOENT || error == ENXIO || error == ENODEV)
		advice = "; load the kernel's module (modprobe tun)";
	else if (error == EACCES || error == EPERM)
		advice = "; run as root or with CAP_NET_ADMIN";
	snprintf(err, PORT_ERRLEN, "cannot open %s: %s%s", tun_device, strerror(error), advice);
}

static void attach_failed(const char *ifname, int error, char err[PORT_ERRLEN])
{
	switch (error) {
	case EBUSY:
		snprintf(err, PORT_ERRLEN, "interface %s exists already; "
			 "remove it (ip link del %s) or choose another name", ifname, ifname);
		break;
	case EPERM:
		snprintf(err, PORT_ERRLEN, "not allowed to create interface %s; "
			 "run as root or with CAP_NET_ADMIN", ifname);
		break;
	case EINVAL:
		snprintf(err, PORT_ERRLEN, "cannot create interface '%s': "
			 "not a name that the kernel takes", ifname);
		break;
	default:
		snprintf(err, PORT_ERRLEN, "cannot create interface %s: %s", ifname,
			 strerror(error));
	}
}

/*
 * Packets come and go with the kernel's offload header, and as super-packets. The interface is ours alone, all of it is set by its
 * first queue.
 */
static int set_offloads(struct port_tun *t, const char *ifname, char err[PORT_ERRLEN])
{
	const int fd = t->q[0].fd, size = sizeof(struct virtio_net_hdr), little_endian = 1;

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) == 0 && ioctl(fd, TUNSETVNETLE, &little_endian) == 0) {
		t->udp = ioctl(fd, TUNSETOFFLOAD, (unsigned long)OFFLOADS_UDP) == 0;
		if (t->udp || ioctl(fd, TUNSETOFFLOAD, (unsigned long)OFFLOADS) == 0)
			return 0;
	}
	snprintf(err, PORT_ERRLEN, "cannot set segmentation offloads of interface %s: %s", ifname, strerror(errno));
	return -1;
}

/*
 * A descriptor of one more queue. A single queue needs no IFF_MULTI_QUEUE: the kernel then lets
 * nobody else attach to the interface.
 */
static int open_queue(struct port_tun *t, uint16_t queue, const char *ifname, char err[PORT_ERRLEN])
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	struct queue *q = &t->q[queue];

	if (t->port.n_queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (queue == 0)
		ifr.ifr_flags |= IFF_TUN_EXCL;	/* create, never attach */
	strcpy(ifr.ifr_name, ifname);

	q->fd = open(tun_device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (q->fd < 0) {
		open_failed(errno, err);
		return -1;
	}
	if (ioctl(q->fd, TUNSETIFF, &ifr) < 0) {
		attach_failed(ifname, errno, err);
		return -1;
	}
	return 0;
}

/*
 * To an interface with more than one queue that nobody owns, any process of any user may attach
 * another, and have its share of the plaintext. Owned by us, only we and CAP_NET_ADMIN may; and
 * whoever was quicker than that is found by counting.
 */
static int keep_others_out(const struct port_tun *t, const char *ifname, char err[PORT_ERRLEN])
{
	unsigned int n;
	int r;

	if (t->port.n_queues == 1)
		return 0;
	r = tun_link_queues(t->ifindex, &n);
	if (r < 0) {
		snprintf(err, PORT_ERRLEN, "cannot count the queues of interface %s: %s", ifname,
			 strerror(-r));
		return -1;
	}
	if (n != t->port.n_queues) {
		snprintf(err, PORT_ERRLEN, "another process attached itself to interface %s "
			 "while it was created; remove it (ip link del %s)", ifname, ifname);
		return -1;
	}
	return 0;
}

static int open_all(struct port_tun *t, const char *ifname, char err[PORT_ERRLEN])
{
	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strchr(ifname, '%')) {
		attach_failed(ifname, EINVAL, err);
		return -1;
	}
	if (open_queue(t, 0, ifname, err) < 0)
		return -1;

	t->ifindex = if_nametoindex(ifname);
	if (t->ifindex == 0 || ioctl(t->q[0].fd, TUNSETOWNER, (unsigned long)geteuid()) < 0) {
		snprintf(err, PORT_ERRLEN, "cannot set up interface %s: %s", ifname,
			 strerror(errno));
		return -1;
	}
	if (set_offloads(t, ifname, err) < 0)
		return -1;
	for (uint16_t i = 1; i < t->port.n_queues; i++)
		if (open_queue(t, i, ifname, err) < 0)
			return -1;
	return keep_others_out(t, ifname, err);
}

struct port *port_tun_create(const struct port_tun_conf *conf, char err[PORT_ERRLEN])
{
	const size_t size = sizeof(struct port_tun) + conf->n_queues * sizeof(struct queue);
	struct port_tun *t;

	assert(conf->n_queues > 0);
	t = aligned_alloc(__alignof__(*t), size);
	if (!t) {
		snprintf(err, PORT_ERRLEN, "out of memory for %u queues", conf->n_queues);
		return NULL;
	}
	memset(t, 0, size);
	t->port.ops = &tun_ops;
	t->port.n_queues = conf->n_queues;
	t->pool = conf->pool;
	for (uint16_t i = 0; i < conf->n_queues; i++) {
		t->q[i].fd = -1;
		t->q[i].empty = PORT_BURST;
	}
	if (open_all(t, conf->ifname, err) < 0) {
		tun_destroy(&t->port);
		return NULL;
	}
	return &t->port;
}

uint32_t port_tun_ifindex(const struct port *p)
{
	return ((const struct port_tun *)p)->ifindex;
}
