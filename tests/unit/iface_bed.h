/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface without ports of the system's and without running cores: peers, tables, rings and counters, for tests of what shows them.
 * Link with --wrap=outer_listen_port. After Criterion's header, or threaded.h.
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
#include "memport.h"
#include "protocol.h"

struct iface_bed {
	struct iface i;
	struct conf conf;
	struct memport inner, outer;
	struct port_ops ops;
};

uint16_t __wrap_outer_listen_port(const struct outer *o);
uint16_t __wrap_outer_listen_port(const struct outer *o)
{
	(void)o;
	return 51820;
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
	struct dataplane_conf conf = { .name = name, .inner = &b->inner.port, .outer = &b->outer.port, .aead = aead_find("openssl"),
		.cores = cores, .n_cores = 2, .mtu = 1420 };
	char err[PORT_ERRLEN];
	struct iface *i = &b->i;

	memset(b, 0, sizeof(*b));
	conf.pool = i->pool = test_pool("iface_bed", 1023);
	if (!registered)
		rcu_register_thread();
	registered = true;
	memport_init(&b->inner, NULL, NULL);
	memport_init(&b->outer, NULL, NULL);
	b->ops = *b->outer.port.ops;
	b->ops.destroy = iface_bed_no_destroy;
	b->outer.port.ops = &b->ops;
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
	i->outer = outer_on_port(&b->outer.port, err);
	cr_assert(i->outer && peers_init(&i->peers) == 0);
	i->dp = dataplane_create(&conf, err);
	cr_assert_not_null(i->dp, "%s", err);
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
