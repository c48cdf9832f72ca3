/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LAN port: plaintext on a device of DPDK's own. What arrives for one of the host's MAC addresses and is IP is handed out as a packet, with its Ethernet header left in
 * front, so that it can still go up the mirror as it came (port_lan_punt), which forward.c decides. Everything else goes there at once: ARP, broadcast, multicast,
 * other VLANs, other protocols.
 */
#include <assert.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip.h"
#include "nic.h"

struct port_lan {
	/* control: rw before the start, everybody: ro */
	struct port port;
	struct nic nic;
};

static struct port_lan *lan_of(struct port *port)
{
	return (struct port_lan *)port;
}

static const struct port_lan *lan_of_const(const struct port *port)
{
	return (const struct port_lan *)port;
}

/* A whole IP packet to us? Then the Ethernet header and its padding are cut off. */
static bool lan_accept(const struct nic_links *links, struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint16_t len = rte_pktmbuf_data_len(m);
	const struct port_link *link;
	struct frame_l2 l2;
	struct ip_view v;

	if (!frame_l2_parse(data, len, &l2))
		return false;
	link = nic_link(links, &l2);
	if (!link || !ip_parse(data + l2.len, len - l2.len, &v) || l2.type != (v.version == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6))
		return false;
	m->l2_len = l2.len;
	pkt_of(m)->vid = link->vid;
	rte_pktmbuf_adj(m, l2.len);
	rte_pktmbuf_trim(m, len - l2.len - v.len);
	return true;
}

static uint16_t lan_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct port_lan *p = lan_of(port);
	const struct nic_links *links = rcu_load(p->nic.links);
	struct counters *c = port->counters[queue];
	struct rte_mbuf *host[PORT_BURST];
	uint16_t got, kept = 0, up = 0;

	assert(n <= PORT_BURST);
	got = nic_rx(&p->nic, queue, m, n, c);
	for (uint16_t i = 0; i < got; i++) {
		if (lan_accept(links, m[i]))
			m[kept++] = m[i];
		else
			host[up++] = m[i];
	}
	nic_to_host(&p->nic, host, up, c);
	nic_from_host(&p->nic, queue, got > 0, c);
	return kept;
}

static uint16_t lan_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return nic_tx(&lan_of(port)->nic, queue, m, n, port->counters[queue]);
}

void port_lan_punt(struct port *port, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_prepend(m[i], m[i]->l2_len);
	nic_to_host(&lan_of(port)->nic, m, n, port->counters[queue]);
}

static unsigned int lan_fds(const struct port *port, uint16_t queue, int fd[PORT_MAX_FDS])
{
	return nic_fds(&lan_of_const(port)->nic, queue, fd);
}

static bool lan_info(const struct port *port, struct port_info *info)
{
	nic_info(&lan_of_const(port)->nic, info);
	return true;
}

static bool lan_link_up(const struct port *port)
{
	return nic_link_up(&lan_of_const(port)->nic);
}

static void lan_destroy(struct port *port)
{
	nic_close(&lan_of(port)->nic);
	free(port);
}

static const struct port_ops lan_ops = {
	.name = "lan",
	.rx_burst = lan_rx_burst,
	.tx_burst = lan_tx_burst,
	.fds = lan_fds,
	.info = lan_info,
	.link_up = lan_link_up,
	.destroy = lan_destroy,
};

struct port *port_lan_create(const struct port_ethdev_conf *conf, char err[PORT_ERRLEN])
{
	struct port_lan *p = calloc(1, sizeof(*p));

	assert(conf->mirror);
	if (!p) {
		snprintf(err, PORT_ERRLEN, "not enough memory for a port");
		return NULL;
	}
	p->port.ops = &lan_ops;
	p->port.n_queues = conf->n_queues;
	if (nic_open(&p->nic, conf, 0, err) == 0)
		return &p->port;
	free(p);
	return NULL;
}

void port_lan_take_out(struct port *port)
{
	nic_take_out(&lan_of(port)->nic);
}

uint32_t port_lan_ifindex(const struct port *port)
{
	return nic_ifindex(&lan_of_const(port)->nic);
}

int port_lan_set_links(struct port *port, const struct port_link *links, size_t n)
{
	return nic_set_links(&lan_of(port)->nic, links, n);
}

uint8_t port_lan_headers(const struct port *port, uint32_t ifindex, const uint8_t mac[6], uint8_t hdr[18], uint32_t *mtu)
{
	const struct port_link *link = nic_link_of(lan_of_const(port)->nic.links, ifindex);
	struct frame_l2 l2 = { 0 };

	if (!link || !link->up)
		return 0;
	memcpy(l2.dst, mac, sizeof(l2.dst));
	memcpy(l2.src, link->mac, sizeof(l2.src));
	l2.vid = link->vid;
	*mtu = link->mtu;
	return (uint8_t)frame_l2_write(hdr, &l2);
}
