/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An ethdev port on a veth pair, each end in a network namespace of the test's own; the other end
 * is somebody with plain sockets. Needs root. Everything ends with the test's process.
 *
 *	here: edA 10.77.0.1/24 fd77::1/64 ------- edB 10.77.0.2/24 fd77::2/64 :there
 */
#ifndef WGDP_ETHDEV_BED_H
#define WGDP_ETHDEV_BED_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eal.h"
#include "netns.h"
#include "port.h"
#include "rcu.h"

enum { POOL_N = 4095, QUEUES_MAX = 4, TIMEOUT_MS = 10000, QUIET_MS = 300 };

#define HERE4 "10.77.0.1"
#define THERE4 "10.77.0.2"
#define HERE6 "fd77::1"
#define THERE6 "fd77::2"

struct bed {
	int here, there;	/* namespaces */
	struct rte_mempool *pool;
	struct port *p;
	uint16_t listen_port;
	struct counters c[QUEUES_MAX];
	struct counters *cp[QUEUES_MAX];
};

static char err[PORT_ERRLEN];

/*
 * DPDK 22.11's af_xdp driver never closes the BPF object that it loads, nor its umem (its reference
 * count is compared wrongly); both are libbpf's and libxdp's memory.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libbpf.so\nleak:libxdp.so\n";
}

static inline struct in6_addr mapped(const char *text)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, a.s6_addr + 12) != 1)
		cr_assert_eq(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline void bed_net_only(struct bed *b)
{
	memset(b, 0, sizeof(*b));
	b->there = test_netns_init();
	b->here = test_netns_init();
	test_sh("ip link add edA type veth peer name edB netns /proc/%d/fd/%d", getpid(), b->there);
	test_sh("ip addr add " HERE4 "/24 dev edA && ip addr add " HERE6 "/64 dev edA nodad && "
		"ip link set edA up");
	test_netns_enter(b->there);
	test_sh("ip addr add " THERE4 "/24 dev edB && ip addr add " THERE6 "/64 dev edB nodad && "
		"ip link set edB up");
	test_netns_enter(b->here);
}

static inline void bed_net(struct bed *b)
{
	bed_net_only(b);
	rcu_register_thread();
	b->pool = test_pool("ethdev", POOL_N);
}

static inline void bed_close(struct bed *b)
{
	b->p->ops->destroy(b->p);
	b->p = NULL;
}

/* NULL and `err`, or b->p with its two addresses set. */
static inline struct port *bed_try(struct bed *b, const char *device, uint16_t queues,
				   uint16_t port)
{
	const struct port_ethdev_conf conf = { .device = device, .n_queues = queues, .listen_port = port, .pool = b->pool };
	const struct in6_addr locals[] = { mapped(HERE4), mapped(HERE6) };

	err[0] = '\0';
	b->p = port_ethdev_create(&conf, err);
	if (!b->p)
		return NULL;
	for (uint16_t q = 0; q < queues; q++)
		b->cp[q] = &b->c[q];
	b->p->counters = b->cp;
	b->listen_port = port_ethdev_listen_port(b->p);
	cr_assert_eq(port_ethdev_set_local(b->p, locals, RTE_DIM(locals)), 0);
	return b->p;
}

/* The netdev has this MAC address and MTU now. */
static inline int bed_set_link(struct bed *b, const uint8_t mac[6], uint32_t mtu)
{
	struct port_link link = { .ifindex = port_ethdev_ifindex(b->p), .mtu = mtu, .up = true };

	memcpy(link.mac, mac, sizeof(link.mac));
	return port_ethdev_set_links(b->p, &link, 1);
}

static inline void bed_open(struct bed *b, const char *device, uint16_t queues)
{
	cr_assert_not_null(bed_try(b, device, queues, 0), "%s", err);
}

static inline uint64_t bed_drops(const struct bed *b, enum drop_reason why)
{
	uint64_t n = 0;

	for (uint16_t q = 0; q < QUEUES_MAX; q++)
		n += counters_read(&b->c[q].drop[why]);
	return n;
}

static inline uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The next message of any queue; NULL after wait_ms without one. */
static inline struct rte_mbuf *bed_receive(struct bed *b, int wait_ms)
{
	const uint64_t end = now_ms() + (uint64_t)wait_ms;
	struct rte_mbuf *m;

	do {
		for (uint16_t q = 0; q < b->p->n_queues; q++)
			if (port_rx_burst(b->p, q, &m, 1))
				return m;
		rcu_quiescent_state();
	} while (now_ms() < end);
	return NULL;
}

/* Sends; 1 if the port took it. */
static inline uint16_t bed_send(struct bed *b, const struct rewrite *rw, const void *data,
				uint16_t len, uint8_t ds)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);

	cr_assert_not_null(m);
	memcpy(rte_pktmbuf_append(m, len), data, len);
	cr_assert(b->p->ops->encap(b->p, m, rw, ds));
	return port_tx_burst(b->p, 0, &m, 1);
}

/* A UDP socket of theirs on a port of the kernel's choice, with a timeout. */
static inline int there_socket(const struct bed *b, int family)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_MS / 1000 };
	const int one = 1;
	int fd;

	test_netns_enter(b->there);
	fd = socket(family, SOCK_DGRAM, 0);
	test_netns_enter(b->here);
	cr_assert_geq(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof(one));
	return fd;
}

static inline void there_connect(int fd, const char *to, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, to, &v4.sin_addr) == 1) {
		cr_assert_eq(connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
		return;
	}
	cr_assert_eq(inet_pton(AF_INET6, to, &v6.sin6_addr), 1);
	cr_assert_eq(connect(fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
}

static inline uint16_t socket_port(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin6_port);
}

/* Receives one datagram with its TOS or traffic class (-1: none came along). */
static inline ssize_t there_receive(int fd, void *buf, size_t len, int *ds)
{
	char control[128] __attribute__((aligned(8)));
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &msg, 0);

	*ds = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); got >= 0 && c; c = CMSG_NXTHDR(&msg, c))
		*ds = c->cmsg_len == CMSG_LEN(1) ? *CMSG_DATA(c) : *(int *)CMSG_DATA(c);
	return got;
}

#endif
