/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Another listen port, another firewall mark, for a kernel port whose data core runs: what comes to the new port is received, what is
 * sent leaves from it, a core that sleeps wakes by it; and whatever fails, all is as it was. System calls are made to fail here.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "kernel_bed.h"

#include "core.h"
#include "memport.h"

TestSuite(port_change, .init = bed_setup, .timeout = 280);

static bool no_v6;			/* socket: as on a host without IPv6 */
static int fail_socket, fail_mark;	/* this one from now on fails; 0: none */
static bool fail_epoll;

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e);

int __wrap_socket(int domain, int type, int protocol)
{
	if (domain == AF_INET6 && no_v6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (fail_socket && --fail_socket == 0) {
		errno = EMFILE;
		return -1;
	}
	return __real_socket(domain, type, protocol);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (option == SO_MARK && level == SOL_SOCKET && fail_mark && --fail_mark == 0) {
		errno = EPERM;
		return -1;
	}
	return __real_setsockopt(fd, level, option, value, len);
}

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
	if (fail_epoll && op == EPOLL_CTL_ADD) {
		errno = ENOSPC;
		return -1;
	}
	return __real_epoll_ctl(epoll, op, fd, e);
}

static unsigned int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 sa;
	socklen_t len = sizeof(sa);

	cr_assert(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	return ntohs(sa.sin6_port);	/* at the same place in sockaddr_in */
}

static int plain_socket(const char *addr, uint16_t port)
{
	const struct endpoint any = endpoint_to(addr, port);
	const int fd = __real_socket(any.remote.sa.sa_family, SOCK_DGRAM, 0), one = 1;
	const struct timeval timeout = { .tv_sec = TIMEOUT_MS / 1000 };

	cr_assert(fd >= 0);
	cr_assert(__real_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
	if (strchr(addr, ':'))
		cr_assert(__real_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0);
	if (bind(fd, &any.remote.sa, endpoint_socklen(&any)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool is_free(uint16_t port)
{
	const int v4 = plain_socket("0.0.0.0", port), v6 = plain_socket("::", port);

	close(v4);
	close(v6);
	return v4 >= 0 && v6 >= 0;
}

static uint16_t free_port(void)
{
	const int fd = plain_socket("::", 0);
	const uint16_t port = port_of(fd);

	close(fd);
	return port;
}

static void expect_ports(const struct bed *b, uint16_t port, unsigned int families)
{
	int fd[PORT_MAX_FDS];

	cr_expect_eq(port_kernel_listen_port(b->p), port);
	for (uint16_t q = 0; q < b->p->n_queues; q++) {
		cr_assert_eq(b->p->ops->fds(b->p, q, fd), families);
		for (unsigned int i = 0; i < families; i++)
			cr_expect_eq(port_of(fd[i]), port);
	}
}

static void change(struct bed *b, uint16_t port)
{
	cr_assert_eq(port_kernel_listen_prepare(b->p, port, err), 0, "%s", err);
	port_kernel_listen_commit(b->p);
	b->listen_port = port_kernel_listen_port(b->p);
}

/* From a socket of ours to the bed's port and back. */
static void echo(struct bed *b, const char *addr)
{
	const struct endpoint to = endpoint_to(addr, b->listen_port);
	const int fd = plain_socket(addr, 0);
	struct endpoint from;
	socklen_t len = sizeof(from.remote);
	struct rewrite back;
	struct rte_mbuf *m;
	char buf[16];

	cr_assert(sendto(fd, "message to you", 14, 0, &to.remote.sa, endpoint_socklen(&to)) == 14);
	for (uint16_t q = 0, got = 0; !got; q = (q + 1) % b->p->n_queues)
		got = port_rx_burst(b->p, q, &m, 1);
	cr_expect_eq(m->data_len, 14);
	b->p->ops->way_back(b->p, m, &back);
	cr_assert(b->p->ops->encap(b->p, m, &back, 0));
	cr_assert_eq(port_tx_burst(b->p, b->p->n_queues - 1, &m, 1), 1);
	memset(&from, 0, sizeof(from));
	cr_assert_eq(recvfrom(fd, buf, sizeof(buf), 0, &from.remote.sa, &len), 14, "%s", strerror(errno));
	cr_expect_eq(from.remote.v6.sin6_port, htons(b->listen_port));
	close(fd);
}

Test(port_change, both_families_on_all_queues)
{
	struct bed a;
	uint16_t old;
	int fd[2][PORT_MAX_FDS];

	bed_make(&a, QUEUES);
	old = a.listen_port;
	cr_assert_eq(a.p->ops->fds(a.p, 1, fd[0]), 2);
	change(&a, free_port());
	cr_expect_neq(a.listen_port, old);
	expect_ports(&a, a.listen_port, 2);
	cr_assert_eq(a.p->ops->fds(a.p, 1, fd[1]), 2);
	cr_expect_arr_eq(fd[0], fd[1], sizeof(fd[0]), "cores use the numbers they know");
	echo(&a, "127.0.0.1");
	echo(&a, "::1");
	cr_expect(is_free(old));
	change(&a, old);
	expect_ports(&a, old, 2);
	echo(&a, "127.0.0.1");
	echo(&a, "::1");
	bed_end(&a);
}

/* 0 is another one, each time; our own is nothing to do. */
Test(port_change, a_free_one_and_our_own)
{
	struct bed a;
	uint16_t old;
	unsigned int fds;

	bed_make(&a, QUEUES);
	for (unsigned int i = 0; i < 5; i++) {
		old = a.listen_port;
		change(&a, 0);
		cr_expect_neq(a.listen_port, old);
		cr_expect_neq(a.listen_port, 0);
		expect_ports(&a, a.listen_port, 2);
	}
	fds = open_fds();
	cr_expect_eq(port_kernel_listen_prepare(a.p, a.listen_port, err), 0);
	cr_expect_eq(open_fds(), fds);
	port_kernel_listen_commit(a.p);
	expect_ports(&a, a.listen_port, 2);
	echo(&a, "::1");

	/* The last word counts. */
	old = free_port();
	cr_expect_eq(port_kernel_listen_prepare(a.p, old, err), 0);
	cr_expect_not(is_free(old));
	cr_expect_eq(port_kernel_listen_prepare(a.p, a.listen_port, err), 0);
	cr_expect(is_free(old));
	port_kernel_listen_commit(a.p);
	expect_ports(&a, a.listen_port, 2);
	bed_end(&a);
}

Test(port_change, busy_or_taken_back_changes_nothing)
{
	static const char *const any[2] = { "0.0.0.0", "::" };
	struct bed a;
	unsigned int fds;
	uint16_t other;

	bed_make(&a, QUEUES);
	fds = open_fds();
	for (unsigned int family = 0; family < 2; family++) {
		const int fd = plain_socket(any[family], 0);
		char says[64];

		snprintf(says, sizeof(says), "port %u is in use: Address already in use", port_of(fd));
		cr_expect_eq(port_kernel_listen_prepare(a.p, port_of(fd), err), -EADDRINUSE);
		cr_expect_str_eq(err, says);
		close(fd);
		cr_expect_eq(open_fds(), fds);
		port_kernel_listen_commit(a.p);		/* of nothing */
		port_kernel_listen_abort(a.p);
		expect_ports(&a, a.listen_port, 2);
		echo(&a, family ? "::1" : "127.0.0.1");
	}

	/* Nothing is lost of what comes in between. */
	other = free_port();
	cr_expect_eq(port_kernel_listen_prepare(a.p, other, err), 0);
	cr_expect_not(is_free(other));
	expect_ports(&a, a.listen_port, 2);
	echo(&a, "127.0.0.1");
	port_kernel_listen_abort(a.p);
	cr_expect(is_free(other));
	cr_expect_eq(open_fds(), fds);
	echo(&a, "::1");

	/* Whichever of the sockets cannot be had. */
	for (int i = 1; i <= 2 * QUEUES; i++) {
		fail_socket = i;
		cr_expect_eq(port_kernel_listen_prepare(a.p, 0, err), -EMFILE);
		cr_expect_str_eq(err, "cannot open a UDP socket: Too many open files");
		cr_expect_eq(open_fds(), fds);
		expect_ports(&a, a.listen_port, 2);
	}
	cr_expect_eq(port_kernel_listen_prepare(a.p, 0, err), 0);
	bed_end(&a);	/* also closes what is prepared */
	cr_expect_eq(open_fds(), fds - 2 * QUEUES);
}

Test(port_change, ipv6_comes_and_goes)
{
	struct endpoint v6 = endpoint_to("::1", 9);
	const struct rewrite rw = { .ep = v6 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct bed a;

	no_v6 = true;
	bed_make(&a, QUEUES);
	expect_ports(&a, a.listen_port, 1);
	cr_expect_not(a.p->ops->encap(a.p, m, &rw, 0));
	no_v6 = false;
	change(&a, 0);
	expect_ports(&a, a.listen_port, 2);
	echo(&a, "::1");
	echo(&a, "127.0.0.1");
	for (unsigned int i = 0; i < 2; i++) {
		no_v6 = true;
		change(&a, 0);
		echo(&a, "127.0.0.1");
		cr_expect_not(a.p->ops->encap(a.p, m, &rw, 0));
		receive_none(&a, 0);
		cr_expect(is_free(a.listen_port) == false);

		/* What a worker had made ready before goes nowhere. */
		pkt_of(m)->ep = v6;
		rte_pktmbuf_append(m, 32);
		cr_expect_eq(port_tx_burst(a.p, 0, &m, 1), 0);
		cr_expect_eq(dropped(&a, DROP_TX_FAILED), i + 1);
		m = rte_pktmbuf_alloc(pool);
	}
	no_v6 = false;
	change(&a, 0);
	expect_ports(&a, a.listen_port, 2);
	echo(&a, "::1");
	rte_pktmbuf_free(m);
	bed_end(&a);
}

static void expect_marks(const struct bed *b, uint32_t mark)
{
	int fd[PORT_MAX_FDS];

	for (uint16_t q = 0; q < b->p->n_queues; q++) {
		cr_assert_eq(b->p->ops->fds(b->p, q, fd), 2);
		for (unsigned int i = 0; i < 2; i++) {
			uint32_t is;
			socklen_t len = sizeof(is);

			cr_assert(getsockopt(fd[i], SOL_SOCKET, SO_MARK, &is, &len) == 0);
			cr_expect_eq(is, mark, "0x%x, not 0x%x", is, mark);
		}
	}
}

Test(port_change, new_sockets_are_like_the_old)
{
	char name[] = "lo", device[16] = "";
	const struct port_kernel_conf conf = { .n_queues = QUEUES, .fwmark = 5, .bind_device = name, .pool = pool };
	socklen_t len = sizeof(device);
	int fd[PORT_MAX_FDS];
	struct bed a;

	cr_assert(bed_try(&a, &conf), "%s", err);
	memset(name, 'x', 2);	/* the caller's name is gone by then */
	change(&a, 0);
	expect_marks(&a, 5);
	cr_assert_eq(a.p->ops->fds(a.p, 1, fd), 2);
	cr_assert(getsockopt(fd[1], SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0);
	cr_expect_str_eq(device, "lo");

	cr_expect_eq(port_kernel_set_fwmark(a.p, 6), 0);
	change(&a, 0);
	expect_marks(&a, 6);

	/* Between the two steps. */
	cr_expect_eq(port_kernel_listen_prepare(a.p, 0, err), 0);
	cr_expect_eq(port_kernel_set_fwmark(a.p, 0xca6c), 0);
	expect_marks(&a, 0xca6c);
	port_kernel_listen_commit(a.p);
	expect_marks(&a, 0xca6c);
	bed_end(&a);
}

Test(port_change, a_mark_is_for_all_or_none)
{
	const struct port_kernel_conf conf = { .n_queues = QUEUES, .fwmark = 5, .pool = pool };
	struct bed a;

	cr_assert(bed_try(&a, &conf), "%s", err);
	cr_expect_eq(port_kernel_listen_prepare(a.p, 0, err), 0);
	for (int i = 1; i <= 4 * QUEUES; i++) {
		fail_mark = i;
		cr_expect_eq(port_kernel_set_fwmark(a.p, 6), -EPERM);
		expect_marks(&a, 5);
	}
	port_kernel_listen_commit(a.p);
	expect_marks(&a, 5);
	cr_expect_eq(port_kernel_set_fwmark(a.p, 6), 0);
	expect_marks(&a, 6);
	bed_end(&a);
}

/* Stands for a data core: receives, and sends to `sink` all the while. */
struct traffic {
	struct bed *b;
	struct endpoint sink;
	uint32_t last;		/* atomic: what the last message to us said */
	bool stop;		/* atomic */
};

static void *core(void *arg)
{
	struct traffic *t = arg;
	struct rte_mbuf *m[PORT_BURST];

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		for (uint16_t q = 0; q < QUEUES; q++) {
			const uint16_t n = port_rx_burst(t->b->p, q, m, PORT_BURST);

			for (uint16_t i = 0; i < n; i++)
				__atomic_store_n(&t->last, seq_of(m[i]), __ATOMIC_RELAXED);
			rte_pktmbuf_free_bulk(m, n);
			m[0] = message(t->b, &t->sink, 0, 0, 64);
			port_tx_burst(t->b->p, q, m, 1);
		}
	}
	return NULL;
}

static void until_from(int fd, uint16_t port)
{
	struct sockaddr_in6 from = { .sin6_port = 0 };
	socklen_t len = sizeof(from);
	char buf[64];

	while (from.sin6_port != htons(port)) {
		len = sizeof(from);
		cr_assert_eq(recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len), 64);
	}
}

Test(port_change, while_a_core_is_at_work)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	struct traffic t = { .last = 0 };
	struct bed a;

	bed_make(&a, QUEUES);
	for (unsigned int family = 0; family < 2; family++) {
		const int sink = plain_socket(addr[family], 0), fd = plain_socket(addr[family], 0);
		pthread_t thread;

		t = (struct traffic){ .b = &a, .sink = endpoint_to(addr[family], port_of(sink)) };
		cr_assert_eq(pthread_create(&thread, NULL, core, &t), 0);
		for (uint32_t i = 1; i <= 100; i++) {
			struct endpoint to;

			change(&a, 0);
			to = endpoint_to(addr[family], a.listen_port);
			cr_assert(sendto(fd, &i, sizeof(i), 0, &to.remote.sa, endpoint_socklen(&to)) == sizeof(i));
			while (__atomic_load_n(&t.last, __ATOMIC_RELAXED) != i)
				sched_yield();
			until_from(sink, a.listen_port);
		}
		__atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		close(sink);
		close(fd);
	}
	cr_expect_eq(dropped_at_all(&a), 0);
	bed_end(&a);
}

/* A data path whose one core has nothing but the outer port (and its doorbell) to wake it. */
struct sleeper {
	struct bed outer;
	struct memport inner;
	struct port_ops ops;
	struct dataplane *dp;
};

static unsigned int silent_fds(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS])
{
	static int silent = -1;

	(void)p;
	(void)queue;
	if (silent < 0)
		silent = eventfd(0, EFD_CLOEXEC);
	fd[0] = silent;
	return 1;
}

static void sleeper_start(struct sleeper *s)
{
	static const struct dataplane_core_conf one = { 0, CORE_RX | CORE_WORKER };
	struct dataplane_conf conf = { .name = "sleeper", .inner = &s->inner.port, .pool = pool, .aead = aead_find("auto"),
		.cores = &one, .n_cores = 1, .mtu = 1420 };

	bed_make(&s->outer, 1);
	conf.outer = s->outer.p;
	memport_init(&s->inner, rte_ring_create("inner.rx", 64, SOCKET_ID_ANY, 0), rte_ring_create("inner.tx", 64, SOCKET_ID_ANY, 0));
	s->ops = memport_ops;
	s->ops.fds = silent_fds;
	s->inner.port.ops = &s->ops;
	rcu_register_thread();
	s->dp = dataplane_create(&conf, err);
	cr_assert_not_null(s->dp, "%s", err);
	cr_assert_eq(dataplane_start(s->dp), 0);
}

static void sleeper_end(struct sleeper *s)
{
	dataplane_stop(s->dp);
	dataplane_destroy(s->dp);
	rcu_unregister_thread();
	bed_end(&s->outer);
}

static uint64_t slept(const struct sleeper *s)
{
	struct counters c;

	dataplane_counters(s->dp, &c);
	return c.sleeps;
}

static uint64_t received(const struct sleeper *s)
{
	struct counters c;

	dataplane_counters(s->dp, &c);
	return c.outer_rx;
}

/* From here on it looks at no port before something wakes it. */
static void until_asleep(const struct sleeper *s, uint64_t before)
{
	while (slept(s) == before)
		usleep(100);
}

static void wakes_by(const struct sleeper *s, const char *addr)
{
	const struct endpoint to = endpoint_to(addr, port_kernel_listen_port(s->outer.p));
	const uint64_t before = received(s);
	const int fd = plain_socket(addr, 0);

	cr_assert(sendto(fd, "not WireGuard", 13, 0, &to.remote.sa, endpoint_socklen(&to)) == 13);
	while (received(s) == before)
		usleep(100);
	close(fd);
}

Test(port_change, a_sleeping_core_wakes_by_the_new_port)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	struct sleeper s;

	sleeper_start(&s);
	until_asleep(&s, 0);
	for (unsigned int i = 0; i < 10; i++) {
		const uint64_t before = slept(&s);

		cr_assert_eq(port_kernel_listen_prepare(s.outer.p, 0, err), 0, "%s", err);
		port_kernel_listen_commit(s.outer.p);
		dataplane_watch_again(s.dp);
		until_asleep(&s, before);	/* it has been woken, and sleeps again */
		wakes_by(&s, addr[i % 2]);
		until_asleep(&s, before + 1);
	}
	sleeper_end(&s);
}

/* Without a place in the epoll set it looks from time to time, until there is one again. */
Test(port_change, a_core_that_cannot_be_woken_looks_itself)
{
	struct sleeper s;
	uint64_t before;

	sleeper_start(&s);
	until_asleep(&s, 0);
	fail_epoll = true;
	change(&s.outer, 0);
	dataplane_watch_again(s.dp);
	for (unsigned int i = 0; i < 3; i++)
		wakes_by(&s, "127.0.0.1");
	fail_epoll = false;
	dataplane_watch_again(s.dp);
	do {
		before = slept(&s);
		usleep(20 * 1000);
	} while (slept(&s) != before);	/* naps are of 1 ms */
	wakes_by(&s, "::1");
	sleeper_end(&s);
}
