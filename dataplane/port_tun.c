/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inner port on an interface of the host, through /dev/net/tun: a queue is one file descriptor,
 * read and written by the data core that owns the queue, a packet a system call. What the host
 * routes into the interface is read into mbufs kept ready; what came out of the tunnel is written.
 * The control thread creates the interface, and destroys it by closing the descriptors.
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
#include <unistd.h>

#include <linux/if_tun.h>

#include "port.h"
#include "tun_link.h"

static const char tun_device[] = "/dev/net/tun";

struct queue {
	int fd;
	unsigned int empty;		/* slots at the front of m that hold no mbuf */
	bool dry;			/* the pool had nothing, and it has been counted */
	struct rte_mbuf *m[PORT_BURST];	/* ready to be read into */
} __attribute__((aligned(64)));

struct port_tun {
	struct port port;
	struct rte_mempool *pool;
	uint32_t ifindex;
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

static uint16_t tun_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_tun *t = tun_of(p);
	struct queue *q = &t->q[queue];
	struct counters *c = p->counters[queue];
	uint16_t got = 0;

	if (q->empty)
		rx_refill(t->pool, q, c);

	while (got < n && q->empty < PORT_BURST) {
		struct rte_mbuf *next = q->m[q->empty];
		const uint16_t room = rte_pktmbuf_tailroom(next);
		const ssize_t r = read(q->fd, rte_pktmbuf_mtod(next, void *), room);

		if (r < 0) {
			if (is_gone(errno))
				set_error(p, errno);
			if (errno != EINTR)
				break;
		} else if (r > room - PKT_TAIL) {
			/* Cut off, or without room to be sealed in: the MTU is too large. */
			counters_add(&c->drop[DROP_INNER_MALFORMED], 1);
			break;
		} else {
			next->data_len = r;
			next->pkt_len = r;
			m[got++] = next;
			q->empty++;
		}
	}
	return got;
}

/* One packet. False: so will the next fail, and it need not be tried. */
static bool tx_one(struct port *p, int fd, const struct rte_mbuf *m, bool *sent)
{
	ssize_t r;

	assert(m->nb_segs == 1);
	do
		r = write(fd, rte_pktmbuf_mtod(m, const void *), m->data_len);
	while (r < 0 && errno == EINTR);

	*sent = r >= 0;
	if (*sent)
		return true;
	if (is_gone(errno))
		set_error(p, errno);
	return !is_gone(errno) && errno != EIO;
}

static uint16_t tun_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct queue *q = &tun_of(p)->q[queue];
	bool more = true, sent = false;
	uint16_t count = 0;

	for (uint16_t i = 0; i < n && more; i++) {
		more = tx_one(p, q->fd, m[i], &sent);
		count += sent;
	}
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
 * A descriptor of one more queue. A single queue needs no IFF_MULTI_QUEUE: the kernel then lets
 * nobody else attach to the interface.
 */
static int open_queue(struct port_tun *t, uint16_t queue, const char *ifname, char err[PORT_ERRLEN])
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
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
