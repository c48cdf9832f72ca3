/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_port.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>

#include "bench.h"

enum { MBUFS = 8191, CACHE = 256, DESCRIPTORS = 1024, LOOKS = 1000, LOOK_US = 10000 };

#define STUCK_NS 20000000000ull	/* a busy machine may keep wgdp waiting */

struct rte_mempool *generator_pool(uint32_t size)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("generator", MBUFS, CACHE, 0, RTE_PKTMBUF_HEADROOM + RTE_MAX(size, 2048u), SOCKET_ID_ANY);

	if (!pool)
		bench_fail("no memory for packets: %s", rte_strerror(rte_errno));
	return pool;
}

/* "net_memif0,role=client,..." is called net_memif0. */
static uint16_t probe(const char *device)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;
	int err;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	err = rte_dev_probe(device);
	if (err || rte_eth_dev_get_port_by_name(name, &id))
		bench_fail("%s is no device that DPDK can use: %s", device, rte_strerror(-err));
	return id;
}

/* A memif client cannot start before its server listens. */
static void start(struct generator_port *p)
{
	int err = 0;

	for (int k = 0; k < LOOKS; k++) {
		err = rte_eth_dev_start(p->id);
		if (!err)
			return;
		usleep(LOOK_US);
	}
	bench_fail("%s could not be started within 10 s: %s", p->device, rte_strerror(-err));
}

void generator_port_wait(struct generator_port *p)
{
	struct rte_eth_link link = { 0 };

	for (int k = 0; k < LOOKS; k++) {
		if (rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP)
			return;
		usleep(LOOK_US);
	}
	bench_fail("%s: its link did not come up within 10 s", p->device);
}

void generator_port_open(struct generator_port *p, const char *device, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { 0 };
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int err;

	p->device = device;
	p->id = probe(device);
	p->pool = pool;
	err = rte_eth_dev_configure(p->id, 1, 1, &conf);
	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);
	if (!err)
		err = rte_eth_rx_queue_setup(p->id, 0, rx, SOCKET_ID_ANY, NULL, pool);
	if (!err)
		err = rte_eth_tx_queue_setup(p->id, 0, tx, SOCKET_ID_ANY, NULL);
	if (err)
		bench_fail("%s cannot be set up: %s", device, rte_strerror(-err));
	start(p);
}

void generator_port_close(struct generator_port *p)
{
	rte_eth_dev_stop(p->id);
	rte_eth_dev_close(p->id);
}

void generator_port_send(struct generator_port *p, struct rte_mbuf **m, uint16_t n)
{
	uint64_t last = bench_ns();
	uint16_t sent = 0;

	while (sent < n) {
		const uint16_t k = rte_eth_tx_burst(p->id, 0, m + sent, n - sent);

		sent += k;
		if (k)
			last = bench_ns();
		else if (bench_ns() - last > STUCK_NS)
			bench_fail("a port has taken nothing for 20 s: is wgdp still there?");
	}
}

void generator_port_alloc(struct generator_port *p, struct rte_mbuf **m, uint16_t n)
{
	if (rte_pktmbuf_alloc_bulk(p->pool, m, n))
		bench_fail("no packet buffers left");
}
