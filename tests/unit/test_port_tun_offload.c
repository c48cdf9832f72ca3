/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tun port's segmentation offloads against the host's own TCP and UDP, in network namespaces of the test's own. How many
 * super-packets there were is what the kernel has counted on the interface. When a port ends, none of the pool's mbufs may be missing.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eal.h"
#include "netns.h"
#include "offload_oracle.h"
#include "port.h"

enum { POOL_N = 511, SMALL_N = 8, MTU = 1420, TIMEOUT_MS = 5000 };

struct bed {
	struct port *p;
	struct counters c;
	struct counters *cp;
	struct rte_mempool *pool;
	unsigned int pool_n;
	const char *ifname;
	int netns;
};

static bool no_udp;	/* the kernel is one that does not segment UDP */

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (no_udp && request == TUNSETOFFLOAD && (uintptr_t)arg & (TUN_F_USO4 | TUN_F_USO6)) {
		errno = EINVAL;
		return -1;
	}
	return __real_ioctl(fd, request, arg);
}

TestSuite(port_tun_offload, .timeout = 280);

/* A port in a namespace of its own, which the test stays in; 10.7.0.`host`, fd00::`host`. */
static void bed_make(struct bed *b, const char *ifname, unsigned int host, unsigned int pool_n)
{
	const struct port_tun_conf conf = {
		.n_queues = 1, .ifname = ifname, .pool = test_pool(pool_n == SMALL_N ? "small" : "tun", pool_n),
	};
	char err[PORT_ERRLEN], address[16];

	memset(b, 0, sizeof(*b));
	b->netns = test_netns_init();
	b->p = port_tun_create(&conf, err);
	cr_assert(b->p != NULL, "%s", err);
	b->pool = conf.pool;
	b->pool_n = pool_n;
	b->ifname = ifname;
	b->cp = &b->c;
	b->p->counters = &b->cp;
	/* Nothing shows on it but what a test sends. */
	test_sh("echo 1 > /proc/sys/net/ipv6/conf/%s/addr_gen_mode && echo 0 > /proc/sys/net/ipv6/conf/%s/router_solicitations",
		ifname, ifname);
	test_sh("ip link set %s up mtu %u", ifname, MTU);
	snprintf(address, sizeof(address), "10.7.0.%u", host);
	test_add_address(ifname, address, 24);
	snprintf(address, sizeof(address), "fd00::%u", host);
	test_add_address(ifname, address, 64);
}

static void bed_end(struct bed *b)
{
	b->p->ops->destroy(b->p);
	cr_expect_eq(rte_mempool_avail_count(b->pool), b->pool_n, "%u of %u mbufs", rte_mempool_avail_count(b->pool), b->pool_n);
}

/* What the kernel has counted on the interface: what it wrote into the port, and what it read from it. */
static void kernel_count(const struct bed *b, uint64_t *to_port, uint64_t *from_port)
{
	char line[512], name[IFNAMSIZ + 1];
	bool found = false;
	FILE *f;

	test_netns_enter(b->netns);
	f = fopen("/proc/thread-self/net/dev", "r");
	cr_assert(f != NULL);
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, " %16[^:]: %*u %lu %*u %*u %*u %*u %*u %*u %*u %lu", name, from_port, to_port) == 3 &&
			strcmp(name, b->ifname) == 0;
	fclose(f);
	cr_assert(found);
}

static bool wait_readable(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1;
}

static bool port_readable(struct bed *b, int timeout_ms)
{
	int fd[PORT_MAX_FDS];

	b->p->ops->fds(b->p, 0, fd);
	return wait_readable(fd[0], timeout_ms);
}

/* A whole packet for the MTU, all checksums right. */
static void expect_right(const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	const bool v4 = ip[0] >> 4 == 4;
	const size_t l4 = v4 ? 20 : 40, len = m->data_len;
	const uint8_t protocol = v4 ? ip[9] : ip[6];

	cr_assert(len <= MTU && m->pkt_len == len);
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	cr_assert_eq(v4 ? get16(ip + 2) : get16(ip + 4) + 40, len);
	cr_assert(!v4 || naive_fold(naive_sum(ip, 20)) == 0xffff);
	cr_assert_eq(naive_fold(naive_pseudo(ip, protocol, len - l4) + naive_sum(ip + l4, len - l4)), 0xffff);
}

/* A socket in the namespace that the test is in. */
static int make_socket(int type, const char *addr, uint16_t port, bool server)
{
	const bool v6 = strchr(addr, ':');
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	const struct sockaddr *sa = v6 ? (const void *)&in6 : (const void *)&in;
	const socklen_t len = v6 ? sizeof(in6) : sizeof(in);
	const int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, 0);

	inet_pton(v6 ? AF_INET6 : AF_INET, addr, v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr);
	if (server) {
		cr_assert(bind(fd, sa, len) == 0 && (type == SOCK_DGRAM || listen(fd, 1) == 0));
	} else {
		cr_assert(connect(fd, sa, len) == 0 || errno == EINPROGRESS);
	}
	return fd;
}

/* From one port to the other; how many. */
static unsigned int forward(struct bed *from, struct bed *to)
{
	struct rte_mbuf *m[PORT_BURST];
	const uint16_t n = port_rx_burst(from->p, 0, m, PORT_BURST);

	for (uint16_t i = 0; i < n; i++)
		expect_right(m[i]);
	if (n)
		cr_assert_eq(port_tx_burst(to->p, 0, m, n), n);
	return n;
}

enum { TRANSFER = 8 << 20 };

static uint8_t sent[1 << 16], got[1 << 16];

static uint8_t byte_at(size_t i)
{
	return i * 2654435761u >> 13;
}

/* A transfer by TCP, of which this thread plays the client, the server and the path. */
static void transfer(struct bed *a, struct bed *b, const char *server)
{
	uint64_t super_out, super_in, none;
	size_t out = 0, in = 0, segments = 0;
	int listener, client, conn = -1;
	bool closed = false;

	test_netns_enter(b->netns);
	listener = make_socket(SOCK_STREAM, server, 7, true);
	test_netns_enter(a->netns);
	client = make_socket(SOCK_STREAM, server, 7, false);
	while (in < TRANSFER) {
		const size_t n = RTE_MIN(sizeof(sent), TRANSFER - out);
		ssize_t r;

		for (size_t i = 0; i < n; i++)
			sent[i] = byte_at(out + i);
		r = n ? send(client, sent, n, MSG_NOSIGNAL) : 0;
		out += r > 0 ? r : 0;
		if (out == TRANSFER && !closed)
			closed = shutdown(client, SHUT_WR) == 0;
		segments += forward(a, b);
		if (conn < 0)
			conn = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		while (conn >= 0 && (r = recv(conn, got, sizeof(got), 0)) > 0) {
			for (ssize_t i = 0; i < r; i++)
				cr_assert_eq(got[i], byte_at(in + i));
			in += r;
		}
		forward(b, a);
	}
	kernel_count(a, &super_out, &none);
	kernel_count(b, &none, &super_in);
	cr_expect_geq(segments, TRANSFER / MTU);
	cr_expect_lt(super_out * 4, segments, "%lu reads for %zu segments", super_out, segments);
	cr_expect_lt(super_in * 4, segments, "%lu writes for %zu segments", super_in, segments);
	cr_expect(a->c.drop[DROP_INNER_MALFORMED] == 0 && b->c.drop[DROP_TX_FAILED] == 0);
	close(client);
	close(conn);
	close(listener);
}

static void transfer_between(const char *server)
{
	struct bed a, b;

	bed_make(&a, "pto0", 1, POOL_N);
	bed_make(&b, "pto1", 2, POOL_N);
	transfer(&a, &b, server);
	a.p->ops->destroy(a.p);
	bed_end(&b);
}

Test(port_tun_offload, tcp4)
{
	transfer_between("10.7.0.2");
}

Test(port_tun_offload, tcp6)
{
	transfer_between("fd00::2");
}

enum { DATAGRAM = 500 };

/* One send of n datagrams, the last of them shorter. */
static void send_datagrams(int fd, unsigned int n)
{
	const int size = DATAGRAM;

	cr_assert(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
	for (unsigned int i = 0; i < n; i++)
		memset(sent + i * DATAGRAM, i + 1, DATAGRAM);
	cr_assert_eq(send(fd, sent, n * DATAGRAM - 1, 0), (ssize_t)(n * DATAGRAM - 1));
}

static void expect_datagram(const struct rte_mbuf *m, unsigned int i, unsigned int n)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const size_t header = p[0] >> 4 == 4 ? 28 : 48;

	expect_right(m);
	cr_assert_eq(m->data_len, header + (i == n - 1 ? DATAGRAM - 1 : DATAGRAM));
	cr_assert(p[header] == i + 1 && p[m->data_len - 1] == i + 1);
}

/* The port's next datagrams in bursts of those sizes (0: the end), taken with `room` for so many. */
static void expect_bursts(struct bed *b, const uint8_t *sizes, uint16_t room, unsigned int n)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned int at = 0;

	for (; *sizes; sizes++) {
		const uint16_t k = port_rx_burst(b->p, 0, m, room);

		cr_assert_eq(k, *sizes, "a burst of %u instead of %u", k, *sizes);
		for (uint16_t i = 0; i < k; i++, at++)
			expect_datagram(m[i], at % n, n);
		rte_pktmbuf_free_bulk(m, k);
	}
	cr_assert_eq(port_rx_burst(b->p, 0, m, room), 0);
}

static void send_and_expect(const char *to, uint64_t reads)
{
	static const uint8_t sizes[] = { 21, 0 };
	uint64_t super, none;
	struct bed b;
	int fd;

	bed_make(&b, "pto0", 1, POOL_N);
	fd = make_socket(SOCK_DGRAM, to, 9, false);
	send_datagrams(fd, 21);
	cr_assert(port_readable(&b, TIMEOUT_MS));
	expect_bursts(&b, sizes, PORT_BURST, 21);
	kernel_count(&b, &super, &none);
	cr_expect_eq(super, reads);
	close(fd);
	bed_end(&b);
}

/* Whether this kernel segments UDP (6.2). */
static bool kernel_has_uso(void)
{
	struct ifreq ifr = { .ifr_name = "probe", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	const int fd = open("/dev/net/tun", O_RDWR);
	bool has;

	cr_assert(fd >= 0 && __real_ioctl(fd, TUNSETIFF, &ifr) == 0);
	has = __real_ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;
	close(fd);
	return has;
}

Test(port_tun_offload, udp_segment)
{
	const uint64_t reads = kernel_has_uso() ? 1 : 21;

	send_and_expect("10.7.0.2", reads);
	send_and_expect("fd00::2", reads);
}

Test(port_tun_offload, udp_segment_without_the_kernels_help)
{
	no_udp = true;
	send_and_expect("10.7.0.2", 21);
	send_and_expect("fd00::2", 21);
}

/* A burst ends with a super-packet unless there is room for a good part of another. */
Test(port_tun_offload, bursts_end_with_super_packets)
{
	static const uint8_t large[] = { 45, 45, 45, 0 }, small[] = { 60, 20, 0 }, torn[] = { 7, 7, 7, 7, 7, 7, 3, 0 };
	struct bed b;
	int fd;

	if (!kernel_has_uso())
		cr_skip("no super-packets of UDP before Linux 6.2");
	bed_make(&b, "pto0", 1, POOL_N);
	fd = make_socket(SOCK_DGRAM, "10.7.0.2", 9, false);
	for (unsigned int i = 0; i < 3; i++)
		send_datagrams(fd, 45);
	expect_bursts(&b, large, PORT_BURST, 45);
	for (unsigned int i = 0; i < 8; i++)
		send_datagrams(fd, 10);
	expect_bursts(&b, small, PORT_BURST, 10);
	send_datagrams(fd, 45);
	expect_bursts(&b, torn, 7, 45);
	close(fd);
	bed_end(&b);
}

/* Nothing may stay in the port when it has returned nothing: the kernel's descriptor would not tell of it. */
Test(port_tun_offload, no_mbufs_for_all_segments)
{
	static const uint8_t whole[] = { 5, 0 };
	struct rte_mbuf *m[PORT_BURST], *none;
	struct bed b;
	int fd;

	if (!kernel_has_uso())
		cr_skip("no super-packets of UDP before Linux 6.2");
	bed_make(&b, "pto0", 1, SMALL_N);
	fd = make_socket(SOCK_DGRAM, "10.7.0.2", 9, false);
	send_datagrams(fd, 20);
	cr_assert_eq(port_rx_burst(b.p, 0, m, PORT_BURST), SMALL_N);
	cr_expect_eq(port_rx_burst(b.p, 0, &none, 1), 0);
	cr_expect_eq(b.c.drop[DROP_NO_MBUF], 1 + 20 - SMALL_N);
	cr_expect(!port_readable(&b, 0));
	/* What the kernel still has is left there. */
	send_datagrams(fd, 5);
	cr_expect_eq(port_rx_burst(b.p, 0, &none, 1), 0);
	cr_expect_eq(b.c.drop[DROP_NO_MBUF], 1 + 20 - SMALL_N);
	cr_expect(port_readable(&b, 0));
	for (unsigned int i = 0; i < SMALL_N; i++)
		expect_datagram(m[i], i, 20);
	rte_pktmbuf_free_bulk(m, SMALL_N);
	expect_bursts(&b, whole, PORT_BURST, 5);

	/* With mbufs to be had again in between, all of them come. */
	send_datagrams(fd, 20);
	for (unsigned int at = 0; at < 20;) {
		const uint16_t n = port_rx_burst(b.p, 0, m, PORT_BURST);

		cr_assert(n > 0);
		for (uint16_t i = 0; i < n; i++, at++)
			expect_datagram(m[i], at, 20);
		rte_pktmbuf_free_bulk(m, n);
	}
	/* A port that ends with segments left loses no mbuf. */
	send_datagrams(fd, 20);
	cr_assert_eq(port_rx_burst(b.p, 0, m, 3), 3);
	rte_pktmbuf_free_bulk(m, 3);
	close(fd);
	bed_end(&b);
}

/* Datagrams from the far side to the host's socket, one of them damaged, and how the kernel got them. */
static void receive_datagrams(bool v6, uint64_t writes)
{
	const struct spec from = { .v6 = v6, .udp = true, .ttl = 64, .payload = DATAGRAM, .address = v6 ? 1 : 0x0a070001, .sport = 9 };
	struct rte_mbuf *m[10];
	uint64_t super, none;
	unsigned int state = 1, count = 0;
	struct bed b;
	int fd;

	bed_make(&b, "pto0", 1, POOL_N);
	fd = make_socket(SOCK_DGRAM, v6 ? "::" : "0.0.0.0", 7777, true);
	for (unsigned int i = 0; i < RTE_DIM(m); i++) {
		struct spec s = from;
		uint8_t *p;

		s.id = i;
		m[i] = rte_pktmbuf_alloc(b.pool);
		p = (uint8_t *)rte_pktmbuf_append(m[i], spec_len(&s));
		spec_build(&s, p, &state);
		put32(p + (v6 ? 20 : 12), v6 ? 2 : 0x0a070002);
		if (v6)
			put32(p + 36, 1);
		p[spec_header(&s)] = i;
		naive_fix(p, spec_len(&s), spec_l4(&s), IPPROTO_UDP);
		if (i == 4)
			p[spec_header(&s) + 1] ^= 1;
	}
	cr_expect_eq(port_tx_burst(b.p, 0, m, RTE_DIM(m)), RTE_DIM(m));
	for (unsigned int i = 0; i < RTE_DIM(m); i++) {
		if (i == 4)
			continue;
		cr_assert(wait_readable(fd, TIMEOUT_MS), "%u", i);
		cr_assert_eq(recv(fd, got, sizeof(got), 0), DATAGRAM);
		cr_assert_eq(got[0], i);
		count++;
	}
	cr_expect_eq(recv(fd, got, sizeof(got), 0), -1);
	kernel_count(&b, &none, &super);
	cr_expect_eq(super, writes);
	close(fd);
	bed_end(&b);
}

Test(port_tun_offload, datagrams_are_merged)
{
	const uint64_t writes = kernel_has_uso() ? 3 : 10;

	receive_datagrams(false, writes);
	receive_datagrams(true, writes);
}

Test(port_tun_offload, datagrams_are_not_merged_for_an_old_kernel)
{
	no_udp = true;
	receive_datagrams(false, 10);
	receive_datagrams(true, 10);
}

/* A write that fails takes all packets of its super-packet along, and no others. */
Test(port_tun_offload, failed_super_packet)
{
	struct spec s = { .ttl = 64, .flags = ACK, .address = 0x0a070001, .payload = DATAGRAM };
	struct rte_mbuf *m[6];
	unsigned int state = 1;
	struct bed b;

	bed_make(&b, "pto0", 1, POOL_N);
	for (unsigned int i = 0; i < RTE_DIM(m); i++, s.id++, s.seq += s.payload) {
		m[i] = rte_pktmbuf_alloc(b.pool);
		spec_build(&s, (uint8_t *)rte_pktmbuf_append(m[i], spec_len(&s)), &state);
	}
	*rte_pktmbuf_mtod(m[5], uint8_t *) = 0;	/* alone: no IP packet, which the kernel refuses */
	cr_expect_eq(port_tx_burst(b.p, 0, m, RTE_DIM(m)), 5);
	cr_expect_eq(b.c.drop[DROP_TX_FAILED], 1);

	test_sh("ip link set pto0 down");
	for (unsigned int i = 0; i < RTE_DIM(m); i++, s.id++, s.seq += s.payload) {
		m[i] = rte_pktmbuf_alloc(b.pool);
		spec_build(&s, (uint8_t *)rte_pktmbuf_append(m[i], spec_len(&s)), &state);
	}
	cr_expect_eq(port_tx_burst(b.p, 0, m, RTE_DIM(m)), 0);
	cr_expect_eq(b.c.drop[DROP_TX_FAILED], 7);
	bed_end(&b);
}
