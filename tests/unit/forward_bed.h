/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A data path with a LAN port, its core running.
 *
 *     neighbour - wire -> [LAN port] -> sealed -> outer        the tunnel is one to itself: what leaves the outer port can be put into it again
 *                             |
 *                             +-> mirror, the host (a packet socket)
 *
 *     inner -> sealed -> outer -> opened -> [LAN port] -> wire, or inner: the host
 */
#ifndef WGDP_TEST_FORWARD_BED_H
#define WGDP_TEST_FORWARD_BED_H

#include "nic_bed.h"

#include <endian.h>
#include <stdlib.h>

#include <rte_ring_elem.h>

#include "core.h"
#include "lan_bed.h"
#include "memport.h"
#include "messages.h"
#include "protocol.h"

enum { POOL_N = 4095, MTU = 1420, VID = 100, IF_VLAN = 1001, FAR = 2 };

static struct rte_mempool *pool;
static struct wire wire;
static struct port *lan;
static struct memport inner, outer;
static struct dataplane *dp;
static struct dp_peer *peer;
static struct session *session;
static struct allowedips_owner owner;
static struct fib_entry far4, far6, near4, near6;	/* beyond the tunnel, on the LAN */
static struct fib_way way = { .mtu = LAN_MTU };
static int host;

/* 10.0.0.0/8 and fd00::/16 are beyond the tunnel; 192.0.2.0/24 and 2001:db8::/64 on the LAN. */
static const struct lan_packet out4 = { .src = "192.0.2.7", .dst = "10.1.0.9" }, out6 = { .src = "2001:db8::7", .dst = "fd00::9" };
static const struct lan_packet in4 = { .src = "10.1.0.9", .dst = "192.0.2.7" }, in6 = { .src = "fd00::9", .dst = "2001:db8::7" };

static inline struct rte_ring *ring(const char *name)
{
	struct rte_ring *r = rte_ring_create(name, 2048, SOCKET_ID_ANY, 0);

	cr_assert_not_null(r);
	return r;
}

static inline uint32_t index_of_test(void)
{
	return 7;
}

static inline void insert(struct fib_entry *e, const char *addr, uint8_t len)
{
	uint8_t bytes[16];
	const int family = strchr(addr, ':') ? AF_INET6 : AF_INET;

	cr_assert_eq(inet_pton(family, addr, bytes), 1);
	cr_assert_eq(fib_insert(&dp->fib, family, bytes, len, e), 0);
}

static inline void allow(const char *addr, uint8_t len)
{
	uint8_t bytes[16];
	const int family = strchr(addr, ':') ? AF_INET6 : AF_INET;

	cr_assert_eq(inet_pton(family, addr, bytes), 1);
	cr_assert_eq(allowedips_insert(dp->allowedips, family, bytes, len, peer, &owner), 0);
}

static inline void make_peer(void)
{
	static struct rewrite to = { .ep.remote.v4 = { .sin_family = AF_INET, .sin_port = 1 } };

	peer = aligned_alloc(CACHE_LINE, sizeof(*peer));
	memset(peer, 0, sizeof(*peer));
	peer->rewrite = &to;
	session = session_create();
	session->peer = peer;
	session->rekey_tx_ns = session->rekey_rx_ns = session->reject_ns = UINT64_MAX;
	sessions_publish(&dp->sessions, session, sessions_reserve(&dp->sessions, peer, index_of_test));
	session->remote_index = htole32(session_index(session->id));
	peer->current = session;
	allowedips_owner_init(&owner);
	allow("0.0.0.0", 0);
	allow("::", 0);
}

static inline void make_fib(void)
{
	way.len = port_lan_headers(lan, port_lan_ifindex(lan), neighbour_mac, way.hdr, &way.mtu);
	far4.verdict[FIB_FROM_LAN] = far6.verdict[FIB_FROM_LAN] = FIB_TUNNEL;
	far4.verdict[FIB_FROM_TUNNEL] = far6.verdict[FIB_FROM_TUNNEL] = FIB_HOST;
	near4.verdict[FIB_FROM_LAN] = near6.verdict[FIB_FROM_LAN] = FIB_HOST;
	near4.verdict[FIB_FROM_TUNNEL] = near6.verdict[FIB_FROM_TUNNEL] = FIB_LAN;
	near4.way = near6.way = &way;
	insert(&far4, "10.0.0.0", 8);
	insert(&far6, "fd00::", 16);
	insert(&near4, "192.0.2.0", 24);
	insert(&near6, "2001:db8::", 64);
	dp->fib.off = false;
}

static inline void make_lan(void)
{
	const struct port_ethdev_conf conf = { .device = wire.device, .mirror = "luF", .n_queues = 1, .pool = pool };
	struct port_link links[] = { { .mtu = LAN_MTU, .up = true }, { .ifindex = IF_VLAN, .mtu = LAN_MTU, .vid = VID, .up = true } };

	lan = port_lan_create(&conf, err);
	cr_assert_not_null(lan, "%s", err);
	links[0].ifindex = port_lan_ifindex(lan);
	memcpy(links[0].mac, lan_mac, 6);
	memcpy(links[1].mac, vlan_mac, 6);
	cr_assert_eq(port_lan_set_links(lan, links, RTE_DIM(links)), 0);
	host = host_open("luF");
}

static inline void setup(void)
{
	static const struct dataplane_core_conf core = { 0, CORE_RX | CORE_WORKER };
	struct dataplane_conf conf = { .name = "f", .inner = &inner.port, .outer = &outer.port, .aead = aead_find("openssl"),
		.cores = &core, .n_cores = 1, .mtu = MTU };

	nic_bed_net();
	pool = conf.pool = test_pool("forward", POOL_N);
	wire_make(&wire, "fwd", 1);
	memport_init(&inner, ring("in.rx"), ring("in.tx"));
	memport_init(&outer, ring("out.rx"), ring("out.tx"));
	make_lan();
	conf.lan = lan;
	dp = dataplane_create(&conf, err);
	cr_assert_not_null(dp, "%s", err);
	cr_assert(dp->fib.off, "off at first");
	make_peer();
	make_fib();
	cr_assert_eq(dataplane_start(dp), 0);
}

static inline void finish(void)
{
	dataplane_stop(dp);
	close(host);
	sessions_release(&dp->sessions, session_index(session->id));
	session_free_rcu(session);
	allowedips_remove_owner(dp->allowedips, &owner);
	allowedips_remove_owner(dp->fib.prefixes, &dp->fib.owner);
	dataplane_destroy(dp);
	lan->ops->destroy(lan);
	free(peer);
	rcu_barrier();
	rcu_unregister_thread();
	cr_assert_eq(rte_mempool_in_use_count(pool), 0, "every packet buffer is back");
}

static inline struct rte_mbuf *mbuf(const uint8_t *data, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	cr_assert_not_null(m);
	memset(pkt_of(m), 0, sizeof(struct pkt));
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	return m;
}

static inline void put(struct rte_ring *r, struct rte_mbuf *m)
{
	cr_assert_eq(rte_ring_enqueue(r, m), 0);
}

/* The next one there; the test's own time limit ends a wait that would be for ever. */
static inline struct rte_mbuf *get(struct rte_ring *r)
{
	void *m;

	while (rte_ring_dequeue(r, &m) != 0)
		usleep(10);
	return m;
}

static inline void expect(struct rte_mbuf *m, const uint8_t *data, size_t len)
{
	cr_assert_eq(rte_pktmbuf_pkt_len(m), len);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), data, len);
	rte_pktmbuf_free(m);
}

/* Opened: a sealed message that left the outer port comes in there again, and goes to `to`. */
static inline void expect_sealed(struct rte_mbuf *m, const uint8_t *packet, size_t len, struct rte_ring *to)
{
	put(outer.rx, m);
	expect(get(to), packet, len);
}

/* A frame of the neighbour's with k. */
static inline size_t from_lan(uint8_t *frame, const struct lan_packet *k, uint16_t vid)
{
	const size_t len = lan_frame(frame, k, vid);

	wire_put(&wire, 0, mbuf(frame, len));
	return len;
}

/* It is sealed, one hop further; beyond the tunnel it is the host's there. */
static inline void lan_to_tunnel(const struct lan_packet *k, uint16_t vid)
{
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = from_lan(frame, k, vid), l2 = vid ? 18 : 14;

	lan_hop(frame + l2);
	expect_sealed(get(outer.tx), frame + l2, len - l2, inner.tx);
}

static inline void lan_to_host(const struct lan_packet *k)
{
	uint8_t frame[LAN_PACKET_MAX];
	const size_t len = from_lan(frame, k, 0);

	host_expect(host, frame, len);
	cr_assert(rte_ring_empty(outer.tx));
}

/* What comes out of the tunnel: by way of the host's interface and the tunnel to itself, which changes nothing. */
static inline size_t from_tunnel(uint8_t *packet, const struct lan_packet *k)
{
	const size_t len = lan_write(packet, k);

	put(inner.rx, mbuf(packet, len));
	put(outer.rx, get(outer.tx));
	return len;
}

static inline void tunnel_to_lan(const struct lan_packet *k)
{
	uint8_t frame[LAN_PACKET_MAX], *packet = frame + way.len;
	const size_t len = from_tunnel(packet, k);

	lan_hop(packet);
	if (way.len == 18)
		lan_ethernet(frame, neighbour_mac, vlan_mac, VID, lan_type(packet));
	else
		lan_ethernet(frame, neighbour_mac, lan_mac, 0, lan_type(packet));
	expect(get(wire.tx[0]), frame, way.len + len);
}

static inline void tunnel_to_host(const struct lan_packet *k)
{
	uint8_t packet[LAN_PACKET_MAX];
	const size_t len = from_tunnel(packet, k);

	expect(get(inner.tx), packet, len);
	cr_assert(rte_ring_empty(wire.tx[0]));
}

static inline struct counters counted(void)
{
	struct counters sum;

	dataplane_counters(dp, &sum);
	return sum;
}

#endif
