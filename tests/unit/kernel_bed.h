/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel ports for tests, in a network namespace of the test's own. When a test's last port ends, the pool's mbufs are counted: none may
 * be missing (and the port itself looks after its large buffers). The mbufs' private areas are filled with 0xff before, so that a byte of
 * an endpoint that nobody sets shows.
 */
#ifndef WGDP_TEST_KERNEL_BED_H
#define WGDP_TEST_KERNEL_BED_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "eal.h"
#include "netns.h"
#include "port.h"

enum { POOL_N = 1023, QUEUES = 2, TIMEOUT_MS = 5000 };

struct bed {
	struct port *p;
	struct counters c[QUEUES];
	struct counters *cp[QUEUES];
	uint16_t listen_port;
};

static struct rte_mempool *pool;
static unsigned int beds;
static char err[PORT_ERRLEN];

static inline void foul_pool(void)
{
	static struct rte_mbuf *all[POOL_N];

	cr_assert(rte_pktmbuf_alloc_bulk(pool, all, POOL_N) == 0);
	for (unsigned int i = 0; i < POOL_N; i++)
		memset(pkt_of(all[i]), 0xff, sizeof(struct pkt));
	rte_pktmbuf_free_bulk(all, POOL_N);
}

static inline void bed_setup(void)
{
	test_netns_init();
	pool = test_pool("kernel", POOL_N);
	foul_pool();
}

static inline bool bed_try(struct bed *b, const struct port_kernel_conf *conf)
{
	memset(b, 0, sizeof(*b));
	b->p = port_kernel_create(conf, err);
	if (!b->p)
		return false;
	for (unsigned int i = 0; i < QUEUES; i++)
		b->cp[i] = &b->c[i];
	b->p->counters = b->cp;
	b->listen_port = port_kernel_listen_port(b->p);
	beds++;
	return true;
}

static inline void bed_make(struct bed *b, uint16_t n_queues)
{
	const struct port_kernel_conf conf = { .n_queues = n_queues, .pool = pool };

	cr_assert(bed_try(b, &conf), "%s", err);
}

/* With the last one of a test, all mbufs are back. */
static inline void bed_end(struct bed *b)
{
	b->p->ops->destroy(b->p);
	if (--beds == 0)
		cr_expect_eq(rte_mempool_avail_count(pool), POOL_N, "%u of %u mbufs",
			     rte_mempool_avail_count(pool), POOL_N);
}

static inline struct endpoint endpoint_to(const char *addr, uint16_t port)
{
	struct endpoint ep;

	memset(&ep, 0, sizeof(ep));
	if (strchr(addr, ':')) {
		ep.remote.v6.sin6_family = AF_INET6;
		ep.remote.v6.sin6_port = htons(port);
		cr_assert(inet_pton(AF_INET6, addr, &ep.remote.v6.sin6_addr) == 1);
	} else {
		ep.remote.v4.sin_family = AF_INET;
		ep.remote.v4.sin_port = htons(port);
		cr_assert(inet_pton(AF_INET, addr, &ep.remote.v4.sin_addr) == 1);
	}
	return ep;
}

static inline void set_local(struct endpoint *ep, const char *addr)
{
	cr_assert(inet_pton(strchr(addr, ':') ? AF_INET6 : AF_INET, addr, &ep->local) == 1);
}

/* A message of `len` bytes that starts with `seq`, on its way to ep. */
static inline struct rte_mbuf *message(const struct bed *b, const struct endpoint *ep, uint8_t ds,
				uint32_t seq, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	const struct rewrite rw = { .ep = *ep };
	char *data;

	cr_assert(m != NULL);
	data = rte_pktmbuf_append(m, len);
	cr_assert(data != NULL);
	memset(data, 0x5a, len);
	memcpy(data, &seq, RTE_MIN(sizeof(seq), len));
	cr_assert(b->p->ops->encap(b->p, m, &rw, ds));
	return m;
}

static inline uint32_t seq_of(const struct rte_mbuf *m)
{
	uint32_t seq;

	memcpy(&seq, rte_pktmbuf_mtod(m, const void *), sizeof(seq));
	return seq;
}

static inline void send_one(struct bed *b, const struct endpoint *ep, uint8_t ds, uint32_t seq)
{
	struct rte_mbuf *m = message(b, ep, ds, seq, 64);

	cr_assert_eq(port_tx_burst(b->p, 0, &m, 1), 1);
}

/* Waits for `want` messages, however many bursts they come in. */
static inline void receive(struct bed *b, uint16_t queue, struct rte_mbuf **m, uint16_t want)
{
	struct pollfd pfd[PORT_MAX_FDS];
	int fd[PORT_MAX_FDS];
	const unsigned int n_fds = b->p->ops->fds(b->p, queue, fd);
	uint16_t got = 0;

	for (unsigned int i = 0; i < n_fds; i++)
		pfd[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	while (got < want) {
		const uint16_t n = port_rx_burst(b->p, queue, m + got, RTE_MIN(want - got, PORT_BURST));

		/* Only what returned nothing may be waited for: the port may hold more than it was asked for. */
		if (!n)
			cr_assert(poll(pfd, n_fds, TIMEOUT_MS) > 0, "%u of %u messages", got, want);
		got += n;
	}
}

static inline void receive_none(struct bed *b, uint16_t queue)
{
	struct rte_mbuf *m[PORT_BURST];

	cr_assert_eq(port_rx_burst(b->p, queue, m, PORT_BURST), 0);
}

static inline uint64_t dropped(const struct bed *b, enum drop_reason reason)
{
	return b->c[0].drop[reason] + b->c[1].drop[reason];
}

static inline uint64_t dropped_at_all(const struct bed *b)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < DROP_N; i++)
		sum += dropped(b, i);
	return sum;
}

/*
 * Two namespaces with a link between them; a in the first, where it leaves the caller, b in the second, which has
 * another link that link-local addresses could be on.
 */
static inline void two_hosts(struct bed *a, struct bed *b)
{
	const int first = test_netns_init(), second = test_netns_init();

	test_netns_enter(first);
	bed_make(a, 1);
	test_netns_enter(second);
	bed_make(b, 1);
	test_netns_enter(first);
	test_sh("ip link add pk0 type veth peer name pk1 netns /proc/%d/fd/%d", getpid(), second);
	test_sh("ip link set pk0 up");
	test_netns_enter(second);
	test_sh("ip link add pk2 type veth peer name pk3 && ip link set pk2 up && "
		"ip link set pk3 up && ip link set pk1 up");
	test_add_address("pk2", "fe80::22", 64);
	test_add_address("pk1", "192.0.2.2", 24);
	test_add_address("pk1", "fd00::2", 64);
	test_add_address("pk1", "fe80::2", 64);
	test_netns_enter(first);
	test_add_address("pk0", "192.0.2.1", 24);
	test_add_address("pk0", "192.0.2.11", 24);
	test_add_address("pk0", "fd00::11", 64);
	test_add_address("pk0", "fd00::1", 64);
	test_add_address("pk0", "fe80::1", 64);
}

#endif
