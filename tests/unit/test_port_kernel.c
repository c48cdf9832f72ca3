/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel port against itself and against plain sockets (kernel_bed.h): addresses, TOS, errors, how sockets are opened. What it does
 * with many messages at once is in test_port_kernel_offload.c.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_bed.h"

TestSuite(port_kernel, .init = bed_setup, .timeout = 280);

Test(port_kernel, echo_of_mixed_families)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	struct bed a, b;
	struct rte_mbuf *m[8];

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int i = 0; i < 8; i++) {
		const struct endpoint ep = endpoint_to(addr[i & 1], b.listen_port);

		m[i] = message(&a, &ep, 0, i, 40 + i);
	}
	cr_assert_eq(port_tx_burst(a.p, 0, m, 8), 8);

	receive(&b, 0, m, 8);
	for (unsigned int i = 0; i < 8; i++) {
		const uint32_t seq = seq_of(m[i]);
		struct endpoint from = endpoint_to(addr[seq & 1], a.listen_port);
		const struct rewrite back = { .ep = pkt_of(m[i])->ep };

		set_local(&from, addr[seq & 1]);
		from.local_ifindex = if_nametoindex("lo");
		cr_expect(endpoint_equal(&pkt_of(m[i])->ep, &from), "message %u", seq);
		cr_expect_eq(pkt_of(m[i])->ds, 0);
		cr_expect_eq(m[i]->data_len, 40 + seq);
		cr_expect_eq(m[i]->pkt_len, 40 + seq);
		cr_expect(b.p->ops->encap(b.p, m[i], &back, 0));
	}
	cr_assert_eq(port_tx_burst(b.p, 0, m, 8), 8);

	receive(&a, 0, m, 8);
	for (unsigned int i = 0; i < 8; i++) {
		struct endpoint from = endpoint_to(addr[seq_of(m[i]) & 1], b.listen_port);

		cr_expect(endpoint_same_remote(&pkt_of(m[i])->ep, &from));
		rte_pktmbuf_free(m[i]);
	}
	cr_expect_eq(dropped_at_all(&a) + dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

/* Hits b on `hit`, which is not what routing would choose, and wants the answer from there. */
static void sticky(const char *hit)
{
	struct bed a, b;
	struct endpoint to;
	struct rte_mbuf *m;

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to(hit, b.listen_port);
	send_one(&a, &to, 0, 1);
	receive(&b, 0, &m, 1);
	send_one(&b, &pkt_of(m)->ep, 0, 2);
	rte_pktmbuf_free(m);

	receive(&a, 0, &m, 1);
	cr_expect_eq(seq_of(m), 2);
	cr_expect(endpoint_same_remote(&pkt_of(m)->ep, &to));
	rte_pktmbuf_free(m);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, answers_leave_from_the_address_that_was_hit)
{
	test_add_address("lo", "fd00::1", 128);
	test_add_address("lo", "fd00::2", 128);
	sticky("127.0.0.2");
	sticky("fd00::1");
	sticky("fd00::2");
}

/* Three messages, of which the middle one's source is not ours (any more). */
static void source_gone(const char *to_addr, const char *ours, const char *gone)
{
	struct bed a, b;
	struct endpoint to, from;
	struct rte_mbuf *m[3];

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to(to_addr, b.listen_port);
	for (unsigned int i = 0; i < 3; i++) {
		set_local(&to, i == 1 ? gone : ours);
		m[i] = message(&a, &to, 0xb8, i, 64);
	}
	cr_assert_eq(port_tx_burst(a.p, 0, m, 3), 3);
	cr_expect_eq(dropped_at_all(&a), 0);

	receive(&b, 0, m, 3);
	for (unsigned int i = 0; i < 3; i++) {
		from = endpoint_to(i == 1 ? to_addr : ours, a.listen_port);
		cr_expect_eq(seq_of(m[i]), i);
		cr_expect_eq(pkt_of(m[i])->ds, 0xb8);
		cr_expect(endpoint_same_remote(&pkt_of(m[i])->ep, &from), "message %u", i);
		rte_pktmbuf_free(m[i]);
	}
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, source_that_is_gone_is_left_out)
{
	test_add_address("lo", "fd00::1", 128);
	test_add_address("lo", "fd00::2", 128);
	source_gone("127.0.0.1", "127.0.0.2", "192.0.2.1");
	source_gone("fd00::1", "fd00::2", "fd00::3");
}

Test(port_kernel, unreachable_message_fails_alone)
{
	struct bed a, b;
	struct endpoint to[4];
	struct rte_mbuf *m[4];

	bed_make(&a, 1);
	bed_make(&b, 1);
	to[0] = endpoint_to("198.51.100.1", 1);
	to[1] = endpoint_to("127.0.0.1", b.listen_port);
	to[2] = endpoint_to("198.51.100.1", 1);
	set_local(&to[2], "127.0.0.1");
	to[3] = endpoint_to("127.0.0.1", 0);	/* no port: EINVAL */
	for (unsigned int i = 0; i < 4; i++)
		m[i] = message(&a, &to[i], 0, i, 64);
	cr_expect_eq(port_tx_burst(a.p, 0, m, 4), 1);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 3);
	cr_expect_eq(dropped_at_all(&a), 3);

	receive(&b, 0, m, 1);
	cr_expect_eq(seq_of(m[0]), 1);
	rte_pktmbuf_free(m[0]);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, tos_and_ecn_both_ways)
{
	static const uint8_t ds[] = { 0, 1, 2, 3, 0x88, 0x89, 0x8a, 0x8b, 0xff };
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	struct bed a, b;
	struct rte_mbuf *m;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int i = 0; i < 2 * RTE_DIM(ds); i++) {
		const struct endpoint to = endpoint_to(addr[i & 1], b.listen_port);

		send_one(&a, &to, ds[i / 2], i);
		receive(&b, 0, &m, 1);
		cr_expect_eq(pkt_of(m)->ds, ds[i / 2], "%s 0x%x", addr[i & 1], ds[i / 2]);
		rte_pktmbuf_free(m);
	}
	bed_end(&a);
	bed_end(&b);
}

static void v4_alone_works(void)
{
	struct bed a, b;
	struct endpoint to;
	struct rte_mbuf *m;

	bed_make(&a, QUEUES);
	bed_make(&b, 1);
	to = endpoint_to("127.0.0.1", b.listen_port);
	send_one(&a, &to, 0, 7);
	receive(&b, 0, &m, 1);
	cr_expect_eq(seq_of(m), 7);
	rte_pktmbuf_free(m);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, ipv6_disabled_by_sysctl)
{
	test_sh("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
	v4_alone_works();
}

/* As with ipv6.disable=1 on the kernel's command line: socket(AF_INET6) fails. */
static void refuse_ipv6_sockets(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = RTE_DIM(code), .filter = code };

	cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

Test(port_kernel, no_ipv6_on_the_host)
{
	const struct rewrite v6 = { .ep = endpoint_to("::1", 1) };
	int fd[PORT_MAX_FDS];
	struct rte_mbuf *m;
	struct bed a;

	refuse_ipv6_sockets(EAFNOSUPPORT);
	v4_alone_works();
	bed_make(&a, QUEUES);
	m = rte_pktmbuf_alloc(pool);
	cr_expect_eq(a.p->ops->fds(a.p, 0, fd), 1);
	cr_expect_eq(a.p->ops->fds(a.p, 1, fd), 1);
	cr_expect(!a.p->ops->encap(a.p, m, &v6, 0));

	/* Not to be got past encap; yet no socket must mean no crash. */
	pkt_of(m)->ep = v6.ep;
	cr_expect_eq(port_tx_burst(a.p, 0, &m, 1), 0);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 1);
	cr_expect_eq(port_kernel_set_fwmark(a.p, 5), 0);
	bed_end(&a);
}

Test(port_kernel, ipv6_failing_otherwise_is_an_error)
{
	const struct port_kernel_conf conf = { .n_queues = 1, .pool = pool };
	struct bed a;

	refuse_ipv6_sockets(EMFILE);
	cr_assert(!bed_try(&a, &conf));
	cr_expect_str_eq(err, "cannot open a UDP socket: Too many open files");
}

Test(port_kernel, encap_without_endpoint)
{
	const struct rewrite nowhere = { .len = 0 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct pkt before;
	struct bed a;

	bed_make(&a, 1);
	before = *pkt_of(m);
	cr_expect(!a.p->ops->encap(a.p, m, &nowhere, 0x88));
	cr_expect(memcmp(&before, pkt_of(m), sizeof(before)) == 0);
	rte_pktmbuf_free(m);
	bed_end(&a);
}

/* A socket of somebody else, bound to `port` or to a free one (0); -1 if it is taken. */
static int foreign_socket(int family, bool v6only, bool share, uint16_t port)
{
	const struct endpoint any = endpoint_to(family == AF_INET ? "0.0.0.0" : "::", port);
	const int fd = socket(family, SOCK_DGRAM, 0), one = share, only = v6only;

	cr_assert(fd >= 0);
	cr_assert(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
	if (family == AF_INET6)
		cr_assert(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == 0);
	if (bind(fd, &any.remote.sa, endpoint_socklen(&any)) == 0)
		return fd;
	close(fd);
	return -1;
}

Test(port_kernel, taken_port_is_an_error)
{
	static const struct { int family; bool v6only, share; } other[] = {
		{ AF_INET, false, false }, { AF_INET, false, true }, { AF_INET6, false, false },
		{ AF_INET6, true, false }, { AF_INET6, true, true },
	};

	for (unsigned int i = 0; i < RTE_DIM(other); i++) {
		for (uint16_t n = 1; n <= QUEUES; n++) {
			const struct port_kernel_conf conf = {
				.n_queues = n, .listen_port = 51820, .pool = pool,
			};
			const int fd = foreign_socket(other[i].family, other[i].v6only,
						      other[i].share, 51820);
			struct bed a;

			cr_assert(fd >= 0);
			cr_expect(!bed_try(&a, &conf), "other %u, %u queues", i, n);
			cr_expect_str_eq(err, "port 51820 is in use: Address already in use");
			close(fd);
			cr_assert(bed_try(&a, &conf), "%s", err);
			bed_end(&a);
		}
	}
}

Test(port_kernel, our_port_is_not_given_away)
{
	const struct port_kernel_conf one = { .n_queues = 1, .listen_port = 51820, .pool = pool };
	const struct port_kernel_conf two = { .n_queues = 2, .listen_port = 51820, .pool = pool };
	struct bed a, b;

	cr_assert(bed_try(&a, &one), "%s", err);
	cr_expect_eq(foreign_socket(AF_INET, false, true, 51820), -1);
	cr_expect_eq(foreign_socket(AF_INET6, true, true, 51820), -1);
	bed_end(&a);

	cr_assert(bed_try(&a, &two), "%s", err);
	cr_expect_eq(foreign_socket(AF_INET, false, false, 51820), -1);
	cr_expect(!bed_try(&b, &two));
	cr_expect_str_eq(err, "port 51820 is in use: Address already in use");
	bed_end(&a);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 sa;
	socklen_t len = sizeof(sa);

	cr_assert(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	return ntohs(sa.sin6_port);	/* at the same place in sockaddr_in */
}

Test(port_kernel, free_port_is_the_same_for_both_families)
{
	struct bed a;
	int fd[PORT_MAX_FDS];

	bed_make(&a, QUEUES);
	cr_expect_neq(a.listen_port, 0);
	for (uint16_t q = 0; q < QUEUES; q++) {
		cr_assert_eq(a.p->ops->fds(a.p, q, fd), 2);
		cr_expect_eq(port_of(fd[0]), a.listen_port);
		cr_expect_eq(port_of(fd[1]), a.listen_port);
	}
	bed_end(&a);
}

/* Ten ports, half of which are taken for IPv6 alone: the first pick is good every other time. */
Test(port_kernel, free_port_is_tried_again)
{
	const struct port_kernel_conf conf = { .n_queues = 1, .pool = pool };
	struct bed a;

	test_sh("echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range");
	for (uint16_t port = 40000; port < 40005; port++)
		cr_assert(foreign_socket(AF_INET6, true, false, port) >= 0);
	for (unsigned int i = 0; i < 20; i++) {
		cr_assert(bed_try(&a, &conf), "%s", err);
		cr_expect(a.listen_port >= 40005 && a.listen_port <= 40009);
		bed_end(&a);
	}
	for (uint16_t port = 40005; port < 40010; port++)
		cr_assert(foreign_socket(AF_INET6, true, false, port) >= 0);
	cr_expect(!bed_try(&a, &conf));
	cr_expect(strstr(err, "is in use: Address already in use"), "%s", err);
}

Test(port_kernel, truncated_datagram_is_counted)
{
	static const char big[20000];
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct endpoint to;
	struct rte_mbuf *m;
	struct bed a;

	bed_make(&a, 1);
	to = endpoint_to("127.0.0.1", a.listen_port);
	cr_assert(sendto(fd, big, sizeof(big), 0, &to.remote.sa, sizeof(to.remote.v4)) > 0);
	cr_assert(sendto(fd, "good", 4, 0, &to.remote.sa, sizeof(to.remote.v4)) == 4);
	cr_assert(sendto(fd, big, PKT_MAX_INNER + PKT_TAIL, 0, &to.remote.sa,
			 sizeof(to.remote.v4)) > 0);
	cr_assert(sendto(fd, "", 0, 0, &to.remote.sa, sizeof(to.remote.v4)) == 0);

	receive(&a, 0, &m, 1);
	cr_expect_eq(m->data_len, 4);
	rte_pktmbuf_free(m);
	receive(&a, 0, &m, 1);
	cr_expect_eq(m->data_len, PKT_MAX_INNER + PKT_TAIL);
	rte_pktmbuf_free(m);
	receive(&a, 0, &m, 1);
	cr_expect_eq(m->data_len, 0);
	rte_pktmbuf_free(m);
	cr_expect_eq(dropped(&a, DROP_OUTER_TRUNCATED), 1);
	cr_expect_eq(dropped_at_all(&a), 1);
	bed_end(&a);
}

static void expect_mark(const struct bed *b, uint32_t mark)
{
	for (uint16_t q = 0; q < QUEUES; q++) {
		int fd[PORT_MAX_FDS];

		cr_assert_eq(b->p->ops->fds(b->p, q, fd), 2);
		for (unsigned int i = 0; i < 2; i++) {
			uint32_t is = 0;
			socklen_t len = sizeof(is);

			cr_assert(getsockopt(fd[i], SOL_SOCKET, SO_MARK, &is, &len) == 0);
			cr_expect_eq(is, mark);
		}
	}
}

Test(port_kernel, fwmark)
{
	const struct port_kernel_conf conf = { .n_queues = QUEUES, .fwmark = 0xca6c, .pool = pool };
	struct bed a;

	cr_assert(bed_try(&a, &conf), "%s", err);
	expect_mark(&a, 0xca6c);
	cr_expect_eq(port_kernel_set_fwmark(a.p, 0xffffffff), 0);
	expect_mark(&a, 0xffffffff);
	cr_expect_eq(port_kernel_set_fwmark(a.p, 0), 0);
	expect_mark(&a, 0);
	bed_end(&a);
}

Test(port_kernel, bind_to_device)
{
	struct port_kernel_conf conf = { .n_queues = 1, .bind_device = "pknone", .pool = pool };
	char device[IFNAMSIZ] = "";
	socklen_t len = sizeof(device);
	int fd[PORT_MAX_FDS];
	struct bed a;

	cr_expect(!bed_try(&a, &conf));
	cr_expect_str_eq(err, "cannot bind UDP sockets to device 'pknone': there is none");
	conf.bind_device = "lo";
	cr_assert(bed_try(&a, &conf), "%s", err);
	cr_assert_eq(a.p->ops->fds(a.p, 0, fd), 2);
	cr_assert(getsockopt(fd[1], SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0);
	cr_expect_str_eq(device, "lo");
	bed_end(&a);
}

/* 64 flows over two queues: each is on one queue, and neither queue is left without. */
static void spread(const char *addr)
{
	enum { FLOWS = 64 };
	unsigned int queue_of[FLOWS][QUEUES] = { 0 }, on[QUEUES] = { 0 };
	struct rte_mbuf *m[2 * FLOWS];
	struct endpoint to;
	struct bed a;

	bed_make(&a, QUEUES);
	to = endpoint_to(addr, a.listen_port);
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		const int fd = socket(to.remote.sa.sa_family, SOCK_DGRAM, 0);

		for (unsigned int i = 0; i < 2; i++)
			cr_assert(sendto(fd, &flow, sizeof(flow), 0, &to.remote.sa,
					 endpoint_socklen(&to)) == sizeof(flow));
		close(fd);
	}
	for (uint16_t q = 0; q < QUEUES; q++) {
		for (uint16_t n; (n = port_rx_burst(a.p, q, m, PORT_BURST)) > 0;) {
			for (uint16_t i = 0; i < n; i++)
				queue_of[seq_of(m[i])][q]++;
			on[q] += n;
			rte_pktmbuf_free_bulk(m, n);
		}
	}
	cr_expect_eq(on[0] + on[1], 2 * FLOWS);
	cr_expect(on[0] > 0 && on[1] > 0, "%u and %u", on[0], on[1]);
	for (uint32_t flow = 0; flow < FLOWS; flow++)
		cr_expect(queue_of[flow][0] == 2 || queue_of[flow][1] == 2);
	bed_end(&a);
}

Test(port_kernel, flows_are_spread_over_the_queues)
{
	spread("127.0.0.1");
	spread("::1");
}

Test(port_kernel, order_is_kept_in_large_bursts)
{
	enum { N = 2 * PORT_BURST + 22 };
	struct rte_mbuf *m[N];
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to("127.0.0.1", b.listen_port);
	for (uint32_t n = PORT_BURST; n <= N; n += N - PORT_BURST) {
		for (uint32_t i = 0; i < n; i++)
			m[i] = message(&a, &to, 0, i, 64);
		cr_assert_eq(port_tx_burst(a.p, 0, m, n), n);
		receive(&b, 0, m, n);
		for (uint32_t i = 0; i < n; i++)
			cr_assert_eq(seq_of(m[i]), i);
		rte_pktmbuf_free_bulk(m, n);
	}
	bed_end(&a);
	bed_end(&b);
}

/* With more waiting than a burst takes, on either family, the other has its turn in the next. */
Test(port_kernel, families_take_turns)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	struct rte_mbuf *m[2 * PORT_BURST];
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int many = 0; many < 2; many++) {
		struct endpoint to = endpoint_to(addr[many], b.listen_port);
		bool seen = false;

		for (uint32_t i = 0; i < 2 * PORT_BURST; i++)
			m[i] = message(&a, &to, 0, i, 64);
		cr_assert_eq(port_tx_burst(a.p, 0, m, 2 * PORT_BURST), 2 * PORT_BURST);
		to = endpoint_to(addr[!many], b.listen_port);
		send_one(&a, &to, 0, 1000);

		for (unsigned int call = 0; call < 2; call++) {
			const uint16_t n = port_rx_burst(b.p, 0, m, PORT_BURST);

			cr_expect_eq(n, PORT_BURST);
			for (uint16_t i = 0; i < n; i++)
				seen |= seq_of(m[i]) == 1000;
			rte_pktmbuf_free_bulk(m, n);
		}
		cr_expect(seen);
		receive(&b, 0, m, 1);
		rte_pktmbuf_free(m[0]);
	}
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, empty_polls_neither_take_nor_give_mbufs)
{
	unsigned int avail;
	struct bed a;

	bed_make(&a, 1);
	receive_none(&a, 0);
	avail = rte_mempool_avail_count(pool);
	for (unsigned int i = 0; i < 100; i++) {
		receive_none(&a, 0);
		cr_assert_eq(rte_mempool_avail_count(pool), avail);
	}
	cr_expect_eq(avail, POOL_N - PORT_BURST);
	bed_end(&a);
}

Test(port_kernel, without_mbufs_the_kernel_keeps_what_came)
{
	struct rte_mempool *small = test_pool("small", 16);
	const struct port_kernel_conf conf = { .n_queues = 1, .pool = small };
	struct rte_mbuf *m[PORT_BURST];
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	cr_assert(bed_try(&b, &conf), "%s", err);
	to = endpoint_to("127.0.0.1", b.listen_port);
	for (uint32_t i = 0; i < 24; i++)
		send_one(&a, &to, 0, i);

	receive(&b, 0, m, 16);
	for (unsigned int i = 0; i < 10; i++)
		receive_none(&b, 0);
	cr_expect_eq(dropped(&b, DROP_NO_MBUF), 1);
	rte_pktmbuf_free_bulk(m, 16);
	receive(&b, 0, m, 8);
	for (uint32_t i = 0; i < 8; i++)
		cr_expect_eq(seq_of(m[i]), 16 + i);
	rte_pktmbuf_free_bulk(m, 8);
	cr_expect_eq(dropped_at_all(&b), 1);
	bed_end(&a);
	bed_end(&b);
	cr_expect_eq(rte_mempool_avail_count(small), 16);
}

Test(port_kernel, message_too_large_for_udp_is_dropped_alone)
{
	struct rte_mempool *large = pkt_pool_create("large", 3, UINT16_MAX);
	struct rewrite rw = { .len = 0 };
	struct rte_mbuf *m[3];
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	rw.ep = endpoint_to("127.0.0.1", b.listen_port);
	cr_assert(rte_pktmbuf_alloc_bulk(large, m, 3) == 0);
	for (uint32_t i = 0; i < 3; i++) {
		m[i]->data_off = 0;
		m[i]->data_len = i == 1 ? 65508 : 100;
		m[i]->pkt_len = m[i]->data_len;
		memcpy(rte_pktmbuf_mtod(m[i], void *), &i, sizeof(i));
		cr_assert(a.p->ops->encap(a.p, m[i], &rw, 0));
	}
	cr_expect_eq(port_tx_burst(a.p, 0, m, 3), 2);
	cr_expect_eq(dropped(&a, DROP_TX_TOO_BIG), 1);
	cr_expect_eq(dropped_at_all(&a), 1);
	receive(&b, 0, m, 2);
	cr_expect(seq_of(m[0]) == 0 && seq_of(m[1]) == 2);
	rte_pktmbuf_free_bulk(m, 2);
	bed_end(&a);
	bed_end(&b);
	cr_expect_eq(rte_mempool_avail_count(large), 3);
}

/*
 * A socket with little room, and neighbours that are never resolved: what waits for them stays on the
 * socket's account. With `step` 1 each message goes alone, with 0 those to one neighbour together.
 */
static void full_socket(uint16_t step)
{
	const int small = 1;
	struct rte_mbuf *m[PORT_BURST];
	struct endpoint to;
	int fd[PORT_MAX_FDS];
	struct bed a, b;
	uint16_t sent;

	bed_make(&a, 1);
	bed_make(&b, 1);
	cr_assert_eq(a.p->ops->fds(a.p, 0, fd), 2);
	cr_assert(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
	for (uint32_t i = 0; i < PORT_BURST; i++) {
		to = i == PORT_BURST - 1 ? endpoint_to("::1", b.listen_port)
					 : endpoint_to(i < 32 ? "192.0.2.2" : "192.0.2.3", 1);
		m[i] = message(&a, &to, 0, i, 1000 + i * step);
	}
	sent = port_tx_burst(a.p, 0, m, PORT_BURST);
	if (step)
		cr_expect(sent < PORT_BURST, "%u sent", sent);
	else
		cr_expect_eq(sent, 32 + 1, "%u sent", sent);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), (unsigned int)PORT_BURST - sent);
	cr_expect_eq(dropped_at_all(&a), (unsigned int)PORT_BURST - sent);

	receive(&b, 0, m, 1);	/* the other family's socket had room */
	cr_expect_eq(seq_of(m[0]), PORT_BURST - 1);
	rte_pktmbuf_free(m[0]);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, full_socket_fails_the_rest_without_blocking)
{
	test_sh("ip link add pk0 type veth peer name pk1 && ip link set pk0 up &&"
		"ip link set pk1 up && ip addr add 192.0.2.1/24 dev pk0");
	full_socket(1);
	full_socket(0);
}

/* The sockets of both stay where they were opened, and larger messages than the MTU get there. */
Test(port_kernel, large_messages_are_fragmented)
{
	static const char *const addr[2] = { "192.0.2.2", "fd00::2" };
	struct bed a, b;
	struct rte_mbuf *m;

	two_hosts(&a, &b);
	for (unsigned int i = 0; i < 2; i++) {
		const struct endpoint to = endpoint_to(addr[i], b.listen_port);

		m = message(&a, &to, 0, i, 9000);
		cr_assert_eq(port_tx_burst(a.p, 0, &m, 1), 1);
		receive(&b, 0, &m, 1);
		cr_expect_eq(m->data_len, 9000);
		rte_pktmbuf_free(m);
	}
	cr_expect_eq(dropped_at_all(&a), 0);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel, link_local_addresses_keep_their_interface)
{
	struct bed a, b;
	struct endpoint to, back;
	struct rte_mbuf *m;

	two_hosts(&a, &b);
	to = endpoint_to("fe80::2", b.listen_port);
	to.remote.v6.sin6_scope_id = if_nametoindex("pk0");
	send_one(&a, &to, 0, 1);
	receive(&b, 0, &m, 1);
	back = pkt_of(m)->ep;
	rte_pktmbuf_free(m);
	cr_expect_neq(back.local_ifindex, 0);
	cr_expect_eq(back.remote.v6.sin6_scope_id, back.local_ifindex);

	/* The interface of the source alone will do. */
	back.remote.v6.sin6_scope_id = 0;
	send_one(&b, &back, 0, 2);
	receive(&a, 0, &m, 1);
	cr_expect_eq(pkt_of(m)->ep.local_ifindex, if_nametoindex("pk0"));
	cr_expect(endpoint_same_remote(&pkt_of(m)->ep, &to));
	rte_pktmbuf_free(m);
	bed_end(&a);
	bed_end(&b);
}

/* An interface that is gone, or not the right one, does not matter where the address is global. */
Test(port_kernel, global_source_is_not_tied_to_its_interface)
{
	static const char *const addr[2] = { "192.0.2.2", "fd00::2" };
	static const char *const local[2][2] = {
		{ "192.0.2.1", "192.0.2.11" }, { "fd00::1", "fd00::11" },
	};
	struct bed a, b;
	struct rte_mbuf *m;

	two_hosts(&a, &b);
	for (unsigned int i = 0; i < 4; i++) {
		struct endpoint to = endpoint_to(addr[i / 2], b.listen_port);
		const struct endpoint from = endpoint_to(local[i / 2][i % 2], a.listen_port);

		set_local(&to, local[i / 2][i % 2]);
		to.local_ifindex = 9999;
		send_one(&a, &to, 0, i);
		receive(&b, 0, &m, 1);
		cr_expect(endpoint_same_remote(&pkt_of(m)->ep, &from));
		rte_pktmbuf_free(m);
	}
	bed_end(&a);
	bed_end(&b);
}

Test(counters, every_reason_has_a_name_of_its_own)
{
	for (unsigned int i = 0; i < DROP_N; i++) {
		cr_assert(drop_name[i] && *drop_name[i]);
		for (unsigned int j = 0; j < i; j++)
			cr_expect(strcmp(drop_name[i], drop_name[j]) != 0);
	}
	cr_expect_str_eq(drop_name[DROP_NO_MBUF], "no_mbuf");
}
