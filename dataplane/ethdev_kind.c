/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * af_packet: each queue is a packet socket with rings of `framecnt` frames of `framesz` bytes, laid
 * out in blocks without gaps, as the driver assumes; the frames are made to fit the netdev's MTU.
 * The sockets would see a copy of everything, but for a filter in the kernel.
 *
 * af_xdp: our XDP program takes what is ours off the netdev, and the kernel writes it straight into
 * mbufs. They must be chunks of an unaligned umem, at most a page each, side by side from the
 * pool's start; the conf's pool, made for large packets, is nothing like that. A chunk that fills
 * a page never crosses into the next one either, which a zero-copy NIC refuses without hugepages.
 */
#include "ethdev_kind.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_pci.h>

#include "ethdev_filter.h"

enum {
	PACKET_FRAME_MIN = 2048,
	PACKET_FRAME_STEP = 1024,
	PACKET_RING = 8 << 20,		/* bytes, a queue, each way */
	/*
	 * In front of a frame in its slot: tpacket2_hdr, address, alignment; the driver may add a
	 * tag.
	 */
	PACKET_RX_OVERHEAD = 96,
	PACKET_TX_OVERHEAD = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll),

	XDP_CHUNK = 4096,
	XDP_KERNEL_HEADROOM = 256,	/* XDP_PACKET_HEADROOM: in front of each frame received */
	XDP_CHUNKS_QUEUE = 8192,	/* 2048 to fill, 2048 in each ring, the rest under way */
	XDP_POOL_FLAGS = RTE_MEMPOOL_F_NO_SPREAD | RTE_MEMPOOL_F_NO_IOVA_CONTIG,
	XDP_POOL_CACHE = 256,
};

struct device_kind {
	const char *name;
	const char *bus;
	bool netdev, releases_late;
	bool any_queues;	/* as many as are asked for */
	const char *no_start;	/* the usual reason why it does not start; NULL: many */
	int (*prepare)(struct device *d, const struct port_ethdev_conf *conf,
		       const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN]);
	int (*started)(struct device *d, char err[PORT_ERRLEN]);
	int (*take)(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also);
};

static int no_memory(const struct device *d, char err[PORT_ERRLEN])
{
	snprintf(err, PORT_ERRLEN, "not enough memory for %s", d->name);
	return -ENOMEM;
}

/* The user's arguments, and more. */
static int join_args(char **args, const char *device, const char *more)
{
	const char *comma = strchr(device, ',');

	if (asprintf(args, "%s%s", comma ? comma + 1 : "", more) >= 0)
		return 0;
	*args = NULL;
	return -ENOMEM;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	return b ? gcd(b, a % b) : a;
}

/* As large as the MTU asks for, but not larger than the pool's buffers: lo's MTU is past any. */
static uint32_t packet_frame_size(const struct device *d, const struct rte_mempool *pool)
{
	const uint32_t need = d->netdev.mtu + ETH_HLEN + PACKET_RX_OVERHEAD;
	const uint32_t room = rte_pktmbuf_data_room_size((struct rte_mempool *)pool) -
			      RTE_PKTMBUF_HEADROOM + PACKET_TX_OVERHEAD;
	uint32_t frame = RTE_ALIGN_CEIL(need, (uint32_t)PACKET_FRAME_STEP);

	frame = RTE_MIN(frame, RTE_ALIGN_FLOOR(room, (uint32_t)PACKET_FRAME_STEP));
	return RTE_MAX(frame, (uint32_t)PACKET_FRAME_MIN);
}

static int packet_prepare(struct device *d, const struct port_ethdev_conf *conf,
			  const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN])
{
	const char *given = rte_kvargs_get(user, "framesz");
	const uint32_t page = (uint32_t)getpagesize();
	uint32_t frame = packet_frame_size(d, conf->pool);
	char queues[32] = "", rings[96] = "", more[128];

	if (!rte_kvargs_get(user, "qpairs"))
		snprintf(queues, sizeof(queues), ",qpairs=%u", conf->n_queues);
	if (given || rte_kvargs_get(user, "blocksz") || rte_kvargs_get(user, "framecnt"))
		frame = given ? (uint32_t)strtoul(given, NULL, 10) : PACKET_FRAME_MIN;
	else
		snprintf(rings, sizeof(rings), ",framesz=%u,blocksz=%u,framecnt=%u", frame,
			 frame * (page / gcd(frame, page)),
			 rte_align32prevpow2(PACKET_RING / frame));
	d->max_frame = frame > PACKET_TX_OVERHEAD ? frame - PACKET_TX_OVERHEAD : 0;

	snprintf(more, sizeof(more), "%s%s", queues, rings);
	return join_args(args, conf->device, more) < 0 ? no_memory(d, err) : 0;
}

static int packet_started(struct device *d, char err[PORT_ERRLEN])
{
	(void)d;
	(void)err;
	return 0;
}

/* What the host sends by the netdev, past DPDK, is nothing that has arrived. */
static int ignore_outgoing(int fd)
{
	const int one = 1;

	return setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ? -errno : 0;
}

/* It sees the netdev's own MAC address by itself. */
static int packet_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also)
{
	int rc = 0;

	(void)mac;
	for (uint16_t q = 0; rc == 0 && q < d->n_queues && device_fd(d, q) >= 0; q++)
		rc = d->owned ? ignore_outgoing(device_fd(d, q)) : filter_attach(device_fd(d, q), port, also);
	return rc;
}

static void pool_unmap(struct rte_mempool_memhdr *mem, void *opaque)
{
	(void)opaque;
	munmap(mem->addr, mem->len);
}

/* Fills `pool` with `n` mbufs, the i-th of them in the i-th page-sized chunk of its memory. */
static int pool_fill(struct rte_mempool *pool, uint32_t n, uint16_t room, uint16_t priv)
{
	struct rte_pktmbuf_pool_private conf = {
		.mbuf_data_room_size = room,
		.mbuf_priv_size = priv,
	};
	size_t len = (size_t)n * XDP_CHUNK;
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	rte_pktmbuf_pool_init(pool, &conf);
	if (rte_mempool_populate_iova(pool, mem, RTE_BAD_IOVA, len, pool_unmap, NULL) != (int)n) {
		if (STAILQ_EMPTY(&pool->mem_list))
			munmap(mem, len);
		return -ENOMEM;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return 0;
}

/* Also sets max_frame. */
static int xdp_make_pool(struct device *d, uint32_t queues)
{
	const uint16_t priv = RTE_ALIGN(sizeof(struct pkt), RTE_MBUF_PRIV_ALIGN);
	const uint32_t n = queues * XDP_CHUNKS_QUEUE;
	struct rte_mempool_objsz around;
	uint16_t room;
	int rc;

	rte_mempool_calc_obj_size(RTE_CACHE_LINE_SIZE, XDP_POOL_FLAGS, &around);
	room = XDP_CHUNK - around.header_size - around.trailer_size - sizeof(struct rte_mbuf) -
	       priv;
	d->max_frame = room - RTE_PKTMBUF_HEADROOM - XDP_KERNEL_HEADROOM;
	d->pool = rte_mempool_create_empty(d->name, n, sizeof(struct rte_mbuf) + priv + room,
					   XDP_POOL_CACHE, sizeof(struct rte_pktmbuf_pool_private),
					   SOCKET_ID_ANY, XDP_POOL_FLAGS);
	if (!d->pool)
		return -ENOMEM;
	rc = pool_fill(d->pool, n, room, priv);
	if (rc < 0) {
		rte_mempool_free(d->pool);
		d->pool = NULL;
	}
	return rc;
}

/*
 * The hardware spreads our traffic over all its queues, so all of them must be served, though we
 * may want fewer. A user who says how many steers the traffic himself.
 */
static int xdp_count_queues(const struct device *d, const struct port_ethdev_conf *conf,
			    const struct rte_kvargs *user, uint32_t *n, char err[PORT_ERRLEN])
{
	const struct netdev *dev = &d->netdev;
	const char *given = rte_kvargs_get(user, "queue_count");

	*n = given ? (uint32_t)strtoul(given, NULL, 10) : dev->xdp_queues;
	if (rte_kvargs_get(user, "start_queue") && !given)
		*n = conf->n_queues;
	else if (!given && dev->rx_queues > dev->xdp_queues) {
		snprintf(err, PORT_ERRLEN, "%s receives on %u queues, of which net_af_xdp can "
			 "serve %u: use net_af_packet, or steer and add queue_count", dev->name,
			 dev->rx_queues, dev->xdp_queues);
		return -EINVAL;
	}
	if (*n >= conf->n_queues && *n <= RTE_MAX_QUEUES_PER_PORT)
		return 0;
	snprintf(err, PORT_ERRLEN, "%s has %u queues for net_af_xdp, %u are needed: give fewer "
		 "RxCores, or more queues (ethtool -L %s combined %u)", dev->name, *n,
		 conf->n_queues, dev->name, conf->n_queues);
	return -EINVAL;
}

static int xdp_prepare(struct device *d, const struct port_ethdev_conf *conf,
		       const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN])
{
	char path[XDP_PATHLEN], queues[32] = "", prog[64] = "", more[128];
	uint32_t n;
	int rc = xdp_count_queues(d, conf, user, &n, err);

	if (rc < 0)
		return rc;
	if (xdp_make_pool(d, n) < 0)
		return no_memory(d, err);
	if (d->netdev.mtu + ETH_HLEN > d->max_frame) {
		snprintf(err, PORT_ERRLEN, "net_af_xdp takes an MTU of at most %u, %s has %u: "
			 "lower it, or use net_af_packet", d->max_frame - ETH_HLEN, d->netdev.name,
			 d->netdev.mtu);
		return -EMSGSIZE;
	}
	if (!rte_kvargs_get(user, "queue_count"))
		snprintf(queues, sizeof(queues), ",queue_count=%u", n);
	if (d->owned)	/* the driver's own program hands over all that arrives */
		return join_args(args, conf->device, queues) < 0 ? no_memory(d, err) : 0;
	/* With the user's program too: on its way out the driver takes off whatever is attached. */
	rc = xdp_open(&d->xdp, d->netdev.name, d->netdev.ifindex, path, err);
	if (rc < 0)
		return rc;
	d->own_program = !rte_kvargs_get(user, "xdp_prog");
	if (d->own_program)
		snprintf(prog, sizeof(prog), ",xdp_prog=%s", path);
	snprintf(more, sizeof(more), "%s%s", queues, prog);
	return join_args(args, conf->device, more) < 0 ? no_memory(d, err) : 0;
}

static int xdp_started(struct device *d, char err[PORT_ERRLEN])
{
	return d->own_program ? xdp_bind(&d->xdp, err) : 0;
}

static int xdp_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also)
{
	return d->own_program ? xdp_set(&d->xdp, mac, port, also) : 0;
}

/* A device of which nothing needs to be known: what the user gave is what the driver gets. */
static int other_prepare(struct device *d, const struct port_ethdev_conf *conf,
			 const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN])
{
	(void)user;
	d->max_frame = rte_pktmbuf_data_room_size(conf->pool) - RTE_PKTMBUF_HEADROOM;
	return join_args(args, conf->device, "") < 0 ? no_memory(d, err) : 0;
}

/*
 * memif: the client makes the rings. As a server DPDK's driver (22.11) goes through whatever its memory has for those of its queues for which the client has brought none. So a
 * server has one queue, for which each client has a ring.
 */
static int memif_prepare(struct device *d, const struct port_ethdev_conf *conf, const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN])
{
	const char *role = rte_kvargs_get(user, "role");

	if (role && (strstr(role, "server") || strstr(role, "master")) && conf->n_queues > 1) {
		snprintf(err, PORT_ERRLEN, "%s has one queue as a server, since its client may bring one ring, and %u are needed: give it role=client, or "
			 "fewer RxCores", d->name, conf->n_queues);
		return -EINVAL;
	}
	return other_prepare(d, conf, user, args, err);
}

static int other_started(struct device *d, char err[PORT_ERRLEN])
{
	(void)d;
	(void)err;
	return 0;
}

/* All that it receives. */
static int other_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also)
{
	(void)d;
	(void)mac;
	(void)port;
	(void)also;
	return 0;
}

static const struct device_kind kinds[] = {
	{ .name = "net_af_packet", .bus = "vdev", .netdev = true, .any_queues = true,
	  .prepare = packet_prepare, .started = packet_started, .take = packet_take },
	{ .name = "net_af_xdp", .bus = "vdev", .netdev = true, .releases_late = true,
	  .prepare = xdp_prepare, .started = xdp_started, .take = xdp_take },
};

static const struct device_kind other = { .name = "DPDK device", .bus = "vdev",
	.prepare = other_prepare, .started = other_started, .take = other_take };
static const struct device_kind memif = { .name = "net_memif", .bus = "vdev",
	.no_start = "no server answers at its socket; start that end first, or give this one role=server",
	.prepare = memif_prepare, .started = other_started, .take = other_take };
static const struct device_kind nic = { .name = "NIC", .bus = "pci",
	.prepare = other_prepare, .started = other_started, .take = other_take };

const struct device_kind *kind_find(const char *device, bool owned)
{
	struct rte_pci_addr addr;
	char name[RTE_DEV_NAME_MAX_LEN];

	for (size_t i = 0; i < RTE_DIM(kinds); i++)
		if (strncmp(device, kinds[i].name, strlen(kinds[i].name)) == 0)
			return &kinds[i];
	if (!owned)
		return NULL;
	if (strncmp(device, memif.name, strlen(memif.name)) == 0)
		return &memif;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	return rte_pci_addr_parse(name, &addr) == 0 ? &nic : &other;
}

bool kind_has_netdev(const struct device_kind *kind)
{
	return kind->netdev;
}

const char *kind_bus(const struct device_kind *kind)
{
	return kind->bus;
}

bool kind_any_queues(const struct device_kind *kind)
{
	return kind->any_queues;
}

const char *kind_name(const struct device_kind *kind)
{
	return kind->name;
}

const char *kind_no_start(const struct device_kind *kind)
{
	return kind->no_start;
}

bool kind_releases_late(const struct device_kind *kind)
{
	return kind->releases_late;
}

int kind_prepare(struct device *d, const struct port_ethdev_conf *conf,
		 const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN])
{
	return d->kind->prepare(d, conf, user, args, err);
}

int kind_started(struct device *d, char err[PORT_ERRLEN])
{
	return d->kind->started(d, err);
}

int kind_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also)
{
	return d->kind->take(d, mac, port, also);
}
