/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ethdev and lan ports have in common: the device, its mirror, and the host's interfaces on them.
 *
 *   device -> nic_rx -> the port sorts frames out -> nic_to_host -> mirror -> the host
 *   the host -> mirror -> nic_from_host -> device, with what the port sends by nic_tx
 *
 * Bursts are the data cores', each on its own queue; the mirror is looked at by the core of queue 0 alone, so that the host's frames keep their order. The control
 * thread opens and closes, and replaces the links while the cores run.
 */
#include "nic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include "ethdev_kind.h"

enum {
	TX_TRIES = 8,
	EMPTY_POLLS = 1024,	/* in a row: a look at the sockets' errors */
	SKIP_POLLS = 8,		/* of a busy core, after the mirror had nothing: a look costs a system call */
};

/*
 * A core that an error keeps awake polls without end: the error goes soon. One that polls by choice
 * loses nothing.
 */
static void nic_empty(struct nic *nic, uint16_t queue)
{
	if (++nic->queue[queue].empty < EMPTY_POLLS)
		return;
	nic->queue[queue].empty = 0;
	for (unsigned int q = queue; q < nic->device.n_queues; q += nic->n_queues)
		device_clear_error(&nic->device, (uint16_t)q);
}

/* A frame in several segments becomes one; it fits, unless it is larger than any that we know. */
static uint16_t linearize(struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (m[i]->nb_segs == 1 || rte_pktmbuf_linearize(m[i]) == 0) {
			m[kept++] = m[i];
			continue;
		}
		counters_add(&c->drop[DROP_OUTER_TRUNCATED], 1);
		rte_pktmbuf_free(m[i]);
	}
	return kept;
}

uint16_t nic_rx(struct nic *nic, uint16_t queue, struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	struct nic_queue *q = &nic->queue[queue];
	uint16_t got = 0, at = q->first;

	do {
		got += rte_eth_rx_burst(nic->device.port_id, at, m + got, n - got);
		at += nic->n_queues;
		if (at >= nic->device.n_queues)
			at = queue;
	} while (at != q->first && got < n);
	q->first = at;
	if (!got)
		nic_empty(nic, queue);
	return linearize(m, got, c);
}

uint16_t nic_tx(struct nic *nic, uint16_t queue, struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	uint16_t sent = 0;

	for (unsigned int try = 0; sent < n && try < TX_TRIES; try++)
		sent += rte_eth_tx_burst(nic->device.port_id, queue, m + sent, n - sent);
	if (sent < n) {
		counters_add(&c->drop[DROP_TX_FAILED], n - sent);
		rte_pktmbuf_free_bulk(m + sent, n - sent);
	}
	return sent;
}

void nic_to_host(struct nic *nic, struct rte_mbuf **m, uint16_t n, struct counters *c)
{
	uint16_t took;

	if (!n)
		return;
	if (!nic->device.owned) {
		counters_add(&c->drop[DROP_NOT_OURS], n);
		rte_pktmbuf_free_bulk(m, n);
		return;
	}
	took = mirror_tx(&nic->mirror, m, n);
	counters_add(&c->host_tx, took);
	counters_add(&c->drop[DROP_HOST_FULL], n - took);
}

void nic_from_host(struct nic *nic, uint16_t queue, bool busy, struct counters *c)
{
	struct nic_queue *q = &nic->queue[queue];
	struct rte_mbuf *m[NIC_FROM_HOST];
	uint16_t n;

	if (queue != 0 || !nic->device.owned || (busy && q->skip && q->skip--))
		return;
	n = mirror_rx(&nic->mirror, m, NIC_FROM_HOST);
	if (n)
		counters_add(&c->host_rx, nic_tx(nic, queue, m, n, c));
	else
		q->skip = SKIP_POLLS;
}

const struct port_link *nic_link_of(const struct nic_links *links, uint32_t ifindex)
{
	for (uint32_t i = 0; i < links->n; i++)
		if (links->link[i].ifindex == ifindex)
			return &links->link[i];
	return NULL;
}

unsigned int nic_fds(const struct nic *nic, uint16_t queue, int fd[PORT_MAX_FDS])
{
	unsigned int n = 0;

	if (nic->device.owned && queue == 0) {
		if (nic->mirror.fd < 0)
			return 0;
		fd[n++] = nic->mirror.fd;
	}
	for (unsigned int q = queue; q < nic->device.n_queues; q += nic->n_queues) {
		if (n == PORT_MAX_FDS || device_fd(&nic->device, (uint16_t)q) < 0)
			return 0;
		fd[n++] = device_fd(&nic->device, (uint16_t)q);
	}
	return n;
}

/* Data cores could hold it, until their quiescent state after it was unpublished. */
static void links_free_rcu(struct rcu_head *head)
{
	rcu_callback();
	free(caa_container_of(head, struct nic_links, rcu));
}

/*
 * The device gets the mirror's MAC address. 0, or -errno: its driver cannot. (One that has no such call, as memif, filters by none, but for those on a netdev.)
 */
static int follow_mac(struct nic *nic, const struct port_link *now)
{
	const struct nic_links *old = nic->links;
	struct rte_ether_addr mac;
	int rc;

	if (!nic->device.owned || !old || memcmp(now->mac, old->link[0].mac, sizeof(now->mac)) == 0)
		return 0;
	memcpy(mac.addr_bytes, now->mac, sizeof(mac.addr_bytes));
	rc = rte_eth_dev_default_mac_addr_set(nic->device.port_id, &mac);
	return rc == -ENOTSUP && !nic->device.netdev.ifindex ? 0 : rc;
}

/* Its filter passes what is untagged, and the VLANs that there are links for. */
static void follow_vlans(const struct nic *nic, const struct nic_links *now)
{
	const struct nic_links *old = nic->links;

	for (uint32_t i = 0; old && i < old->n; i++)
		if (old->link[i].vid && !now->by_vid[old->link[i].vid & 4095])
			rte_eth_dev_vlan_filter(nic->device.port_id, old->link[i].vid, false);
	for (uint32_t i = 0; i < now->n; i++)
		if (now->link[i].vid && (!old || !old->by_vid[now->link[i].vid & 4095]))
			rte_eth_dev_vlan_filter(nic->device.port_id, now->link[i].vid, true);
}

int nic_set_links(struct nic *nic, const struct port_link *links, size_t n)
{
	struct nic_links *l = calloc(1, sizeof(*l)), *old = nic->links;
	int rc;

	if (!l)
		return -ENOMEM;
	n = nic->device.owned ? RTE_MIN(n, (size_t)PORT_LINKS_MAX) : 1;
	memcpy(l->link, links, n * sizeof(*links));
	l->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		l->by_vid[links[i].vid & 4095] = (uint8_t)(i + 1);
		l->link[i].mtu = RTE_MIN(links[i].mtu, nic->max_mtu);
	}
	rc = follow_mac(nic, &links[0]);
	if (nic->device.vlan_filter)
		follow_vlans(nic, l);
	rcu_publish(nic->links, l);
	if (old)
		call_rcu(&old->rcu, links_free_rcu);
	return rc < 0 ? rc : nic->device.owned && links[0].mtu > nic->max_mtu ? -EMSGSIZE : 0;
}

uint32_t nic_ifindex(const struct nic *nic)
{
	return nic->device.owned ? nic->mirror.ifindex : nic->device.netdev.ifindex;
}

/* The first link, as far as it is known without asking the host. */
static int first_link(struct nic *nic)
{
	struct port_link link = { .ifindex = nic_ifindex(nic), .mtu = nic->device.mtu, .up = true };

	memcpy(link.mac, nic->device.mac, sizeof(link.mac));
	return nic_set_links(nic, &link, 1);
}

static int no_memory(char err[PORT_ERRLEN])
{
	snprintf(err, PORT_ERRLEN, "not enough memory for a port");
	return -ENOMEM;
}

int nic_open(struct nic *nic, const struct port_ethdev_conf *conf, uint16_t udp_port, char err[PORT_ERRLEN])
{
	int rc;

	memset(nic, 0, sizeof(*nic));
	nic->n_queues = conf->n_queues;
	nic->name = strdup(conf->device);
	nic->queue = aligned_alloc(_Alignof(struct nic_queue), conf->n_queues * sizeof(*nic->queue));
	if (!nic->name || !nic->queue) {
		nic_close(nic);
		return no_memory(err);
	}
	memset(nic->queue, 0, conf->n_queues * sizeof(*nic->queue));
	for (uint16_t q = 0; q < conf->n_queues; q++)
		nic->queue[q].first = q;
	rc = device_open(&nic->device, conf, udp_port, err);
	if (rc == 0 && conf->mirror)
		rc = mirror_open(&nic->mirror, conf->mirror, nic->device.mac, (uint16_t)nic->device.mtu, conf->pool, err);
	nic->max_mtu = nic->device.max_frame > FRAME_ETH_LEN ? nic->device.max_frame - FRAME_ETH_LEN : 0;
	if (rc == 0 && first_link(nic) == -ENOMEM)
		rc = no_memory(err);
	if (rc < 0)
		nic_close(nic);
	return rc;
}

void nic_take_out(struct nic *nic)
{
	mirror_close(&nic->mirror);
	device_take_out(&nic->device);
}

void nic_close(struct nic *nic)
{
	mirror_close(&nic->mirror);
	if (nic->device.kind)	/* it has been opened, or tried to */
		device_close(&nic->device);
	free(nic->links);
	free(nic->queue);
	free(nic->name);
	memset(nic, 0, sizeof(*nic));
}

bool nic_link_up(const struct nic *nic)
{
	struct rte_eth_link link = { 0 };

	if (rte_eth_link_get_nowait(nic->device.port_id, &link) < 0 || link.link_status != RTE_ETH_LINK_UP)
		return false;
	return !kind_has_netdev(nic->device.kind) || netdev_running(&nic->device.netdev);
}

void nic_info(const struct nic *nic, struct port_info *info)
{
	const struct nic_links *links = nic->links;
	struct rte_eth_dev_info dev = { 0 };
	struct rte_eth_link link = { 0 };
	struct rte_eth_stats stats = { 0 };

	rte_eth_dev_info_get(nic->device.port_id, &dev);
	rte_eth_link_get_nowait(nic->device.port_id, &link);
	rte_eth_stats_get(nic->device.port_id, &stats);
	*info = (struct port_info){
		.device = nic->name,
		.driver = dev.driver_name,
		.mirror = nic->device.owned ? nic->mirror.name : NULL,
		.mirror_ifindex = nic->mirror.ifindex,
		.numa = rte_eth_dev_socket_id(nic->device.port_id),
		.queues = nic->device.n_queues,
		.mtu = links->link[0].mtu,
		.link_up = nic_link_up(nic),
		.speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed,
		.rx_packets = stats.ipackets,
		.rx_bytes = stats.ibytes,
		.rx_missed = stats.imissed,
		.rx_errors = stats.ierrors,
		.rx_no_mbuf = stats.rx_nombuf,
		.tx_packets = stats.opackets,
		.tx_bytes = stats.obytes,
		.tx_errors = stats.oerrors,
		.udp_checksum_offload = nic->device.udp_checksums,
		.rss = nic->device.rss,
	};
	memcpy(info->mac, links->link[0].mac, sizeof(info->mac));
}
