/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface without ports of the system's and without running cores: peers, tables, rings and counters, for tests of what shows them.
 * Its ports are no DPDK devices, until iface_bed_devices says that they are. Link with bed_wraps of meson.build. After Criterion's header, or
 * threaded.h.
 */
#ifndef WGDP_TEST_IFACE_BED_H
#define WGDP_TEST_IFACE_BED_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "eal.h"
#include "handshake_job.h"
#include "iface.h"
#include "lan.h"
#include "memport.h"
#include "protocol.h"

/* A port that may be a device: then `info` is what is to be shown of it. */
struct iface_bed_port {
	struct memport m;
	bool is_device;
	struct port_info info;
};

/* The control thread's LAN port (lan.c), as far as it is shown. */
struct lan {
	struct iface_bed_port port;
	struct routes_state routes;
};

struct iface_bed {
	struct iface i;
	struct conf conf;
	struct memport inner;
	struct iface_bed_port outer;
	struct lan lan;
	struct port_ops ops;
};

uint16_t __wrap_outer_listen_port(const struct outer *o);
uint16_t __wrap_outer_listen_port(const struct outer *o)
{
	(void)o;
	return 51820;
}

struct port *__wrap_lan_port(const struct lan *l);
struct port *__wrap_lan_port(const struct lan *l)
{
	return (struct port *)(uintptr_t)&l->port.m.port;
}

bool __wrap_lan_routes_state(const struct lan *l, struct routes_state *state);
bool __wrap_lan_routes_state(const struct lan *l, struct routes_state *state)
{
	*state = l->routes;
	return true;
}

static inline bool iface_bed_info(const struct port *p, struct port_info *info)
{
	const struct iface_bed_port *bp = (const struct iface_bed_port *)(const void *)p;

	*info = bp->info;
	return bp->is_device;
}

static inline void iface_bed_no_destroy(struct port *p)
{
	(void)p;
}

/* Core 3 receives and works, core 5 works. */
static inline void iface_bed_up(struct iface_bed *b, const char *name)
{
	static const struct dataplane_core_conf cores[] = { { 3, CORE_RX | CORE_WORKER }, { 5, CORE_WORKER } };
	static bool registered;
	struct dataplane_conf conf = { .name = name, .inner = &b->inner.port, .outer = &b->outer.m.port, .aead = aead_find("openssl"),
		.cores = cores, .n_cores = 2, .mtu = 1420 };
	char err[PORT_ERRLEN];
	struct iface *i = &b->i;

	memset(b, 0, sizeof(*b));
	conf.pool = i->pool = test_pool("iface_bed", 1023);
	if (!registered)
		rcu_register_thread();
	registered = true;
	memport_init(&b->inner, NULL, NULL);
	memport_init(&b->outer.m, NULL, NULL);
	b->ops = *b->outer.m.port.ops;
	b->ops.destroy = iface_bed_no_destroy;
	b->ops.info = iface_bed_info;
	b->outer.m.port.ops = &b->ops;
	b->conf.metrics_peers = true;
	b->conf.outer = strdup("kernel");
	i->conf = &b->conf;
	snprintf(i->ifname, sizeof(i->ifname), "%s", name);
	i->name = i->ifname;
	i->up = true;
	i->now = i->started_ns = dataplane_now();
	i->resolve_at_ns = UINT64_MAX;
	CDS_INIT_LIST_HEAD(&i->staged_peers);
	wg_times_init(&i->times, 1);
	memset(i->identity.public_key, 0xa5, WG_KEY_LEN);
	i->identity.valid = true;
	i->outer = outer_on_port(&b->outer.m.port, err);
	cr_assert(i->outer && peers_init(&i->peers) == 0);
	i->dp = dataplane_create(&conf, err);
	cr_assert_not_null(i->dp, "%s", err);
}

/* From now on its outer port is a NIC of four queues that DPDK owns, and it has a LAN port: a device of which less is known. */
static inline void iface_bed_devices(struct iface_bed *b)
{
	b->outer.is_device = b->lan.port.is_device = true;
	b->outer.info = (struct port_info){ .device = "0000:03:00.0", .driver = "net_ixgbe", .mirror = "wan0", .numa = 1, .queues = 4,
		.mtu = 9000, .mac = { 2, 0, 0, 0, 0xab, 1 }, .link_up = true, .speed_mbps = 10000, .rx_packets = 11, .rx_bytes = 12,
		.rx_missed = 13, .rx_errors = 14, .rx_no_mbuf = 15, .tx_packets = 16, .tx_bytes = 17, .tx_errors = 18,
		.udp_checksum_offload = true, .rss = true };
	b->lan.port.info = (struct port_info){ .device = "net_memif0,role=client", .driver = "net_memif", .numa = -1, .queues = 1, .mtu = 1500,
		.mac = { 2, 0, 0, 0, 0xab, 2 }, .rx_packets = 21, .tx_bytes = UINT64_MAX };
	b->lan.routes = (struct routes_state){ .prefixes = 1000000, .hosts = 31, .judged = 32, .resyncs = 33 };
	b->lan.port.m.port.ops = &b->ops;
	b->i.lan = &b->lan;
}

/* The peer whose key begins with n. */
static inline struct peer *iface_bed_peer(struct iface_bed *b, uint32_t n, const char *label)
{
	uint8_t key[WG_KEY_LEN] = { n, n >> 8, n >> 16, n >> 24, 0x77 };
	struct peer *p = peers_add(&b->i.peers, &b->i, key);

	cr_assert_not_null(p);
	p->label = label ? strdup(label) : NULL;
	return p;
}

static inline struct peer *iface_bed_find(const struct iface_bed *b, uint32_t n)
{
	const uint8_t key[WG_KEY_LEN] = { n, n >> 8, n >> 16, n >> 24, 0x77 };

	return peers_find(&b->i.peers, key);
}

static inline void iface_bed_down(struct iface_bed *b)
{
	struct peer *p;

	while ((p = peers_next(&b->i.peers, NULL)))
		peers_remove(&b->i.peers, p);
	outer_destroy(b->i.outer);
	dataplane_destroy(b->i.dp);
	rcu_barrier();
	peers_fini(&b->i.peers);
	heap_fini(&b->i.deadlines);
	free(b->conf.outer);
}

#endif
