/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Another listen port for a running ethdev port: what it receives, where its answers leave from, what the host sees of the old port and
 * of the new, and that a failed change is none. Once per driver.
 */
#include "ethdev_bed.h"

#include <criterion/parameterized.h>
#include <errno.h>
#include <pthread.h>

static const char *const here[2] = { HERE4, HERE6 };

#define FOR_DRIVERS(test) \
	ParameterizedTestParameters(ethdev_change, test) \
	{ \
		static char devices[][64] = { "net_af_packet0,iface=edA", "net_af_xdp0,iface=edA" }; \
		return cr_make_param_array(char[64], devices, RTE_DIM(devices)); \
	} \
	ParameterizedTest(char (*device)[64], ethdev_change, test, .timeout = 120)

static bool is_held(uint16_t port)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const bool held = bind(fd, (const struct sockaddr *)&v4, sizeof(v4)) < 0 && errno == EADDRINUSE;

	close(fd);
	return held;
}

/* A message of theirs to that port arrives, and *way leads back to them. Returns their socket, which hears nothing but that port. */
static int call(struct bed *b, unsigned int family, uint16_t port, struct rewrite *way)
{
	const int fd = there_socket(b, family ? AF_INET6 : AF_INET);
	struct rte_mbuf *m;

	there_connect(fd, here[family], port);
	cr_assert_eq(send(fd, "a call from there", 17, 0), 17);
	m = bed_receive(b, TIMEOUT_MS);
	cr_assert_not_null(m);
	cr_expect_eq(rte_pktmbuf_pkt_len(m), 17);
	b->p->ops->way_back(b->p, m, way);
	rte_pktmbuf_free(m);
	return fd;
}

static void answer(struct bed *b, int fd, const struct rewrite *way)
{
	char buf[64];
	int ds;

	cr_expect_eq(bed_send(b, way, "an answer from here", 19, 0), 1);
	cr_expect_eq(there_receive(fd, buf, sizeof(buf), &ds), 19, "%s", strerror(errno));
}

static void works_on(struct bed *b, uint16_t port)
{
	cr_expect_eq(port_ethdev_listen_port(b->p), port);
	cr_expect(is_held(port));
	for (unsigned int family = 0; family < 2; family++) {
		struct rewrite way;
		const int fd = call(b, family, port, &way);

		answer(b, fd, &way);
		close(fd);
	}
}

/* The host answers for it, as for any port that nobody holds; nothing of it comes to us. */
static void is_the_hosts(struct bed *b, uint16_t port)
{
	const uint64_t before = bed_drops(b, DROP_NOT_OURS);

	for (unsigned int family = 0; family < 2; family++) {
		const int fd = there_socket(b, family ? AF_INET6 : AF_INET);
		char byte;

		there_connect(fd, here[family], port);
		cr_expect_eq(send(fd, "anybody there?", 14, 0), 14);
		cr_expect(recv(fd, &byte, 1, 0) < 0 && errno == ECONNREFUSED, "%s", strerror(errno));
		close(fd);
	}
	cr_expect_null(bed_receive(b, QUIET_MS));
	cr_expect_eq(bed_drops(b, DROP_NOT_OURS), before);
}

FOR_DRIVERS(there_and_back)
{
	const uint8_t nobody[6] = { 2 };
	struct rewrite way;
	uint8_t own[6];
	struct bed b;

	bed_net(&b);
	cr_assert_not_null(bed_try(&b, *device, 1, 4242), "%s", err);
	for (uint16_t port = 4243; port != 4241; port--) {
		cr_assert_eq(port_ethdev_listen_prepare(b.p, port, err), 0, "%s", err);
		port_ethdev_listen_commit(b.p);
		works_on(&b, port);
		is_the_hosts(&b, port == 4243 ? 4242 : 4243);
		cr_expect_not(is_held(port == 4243 ? 4242 : 4243));
	}

	/* Another MAC address, and back, in between: the port is the new one. */
	close(call(&b, 0, 4242, &way));
	memcpy(own, way.hdr + 6, sizeof(own));
	cr_assert_eq(port_ethdev_listen_prepare(b.p, 4243, err), 0, "%s", err);
	cr_expect_eq(bed_set_link(&b, nobody, 1500), 0);
	port_ethdev_listen_commit(b.p);
	cr_expect_eq(bed_set_link(&b, own, 1500), 0);
	works_on(&b, 4243);
	is_the_hosts(&b, 4242);
	bed_close(&b);
}

/* Rewrites that were made for the old port: the next packet leaves from the new one. */
FOR_DRIVERS(rewrites_stay_good)
{
	struct bed b;

	bed_net(&b);
	bed_open(&b, *device, 1);
	for (unsigned int family = 0; family < 2; family++) {
		struct rewrite way, made;
		int fd = call(&b, family, port_ethdev_listen_port(b.p), &way);

		port_ethdev_rewrite(b.p, &made, &way.ep, way.hdr);
		cr_assert_eq(port_ethdev_listen_prepare(b.p, 0, err), 0, "%s", err);
		answer(&b, fd, &way);
		answer(&b, fd, &made);
		port_ethdev_listen_commit(b.p);
		there_connect(fd, here[family], port_ethdev_listen_port(b.p));	/* the same socket, which hears the new port alone */
		answer(&b, fd, &way);
		answer(&b, fd, &made);
		close(fd);
	}
	bed_close(&b);
}

FOR_DRIVERS(prepared_and_taken_back)
{
	struct bed b;
	uint64_t before;
	char byte;
	int fd;

	bed_net(&b);
	cr_assert_not_null(bed_try(&b, *device, 1, 4242), "%s", err);
	cr_assert_eq(port_ethdev_listen_prepare(b.p, 4243, err), 0, "%s", err);
	cr_expect(is_held(4243));
	works_on(&b, 4242);

	/* It comes through the kernel already, so that not one is missed later. */
	before = bed_drops(&b, DROP_NOT_OURS);
	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, 4243);
	cr_expect_eq(send(fd, "too early", 9, 0), 9);
	while (bed_drops(&b, DROP_NOT_OURS) == before)
		cr_assert_null(bed_receive(&b, 0));
	cr_expect(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "%s", strerror(errno));
	close(fd);

	port_ethdev_listen_abort(b.p);
	cr_expect_not(is_held(4243));
	is_the_hosts(&b, 4243);
	works_on(&b, 4242);
	port_ethdev_listen_commit(b.p);		/* of nothing */
	works_on(&b, 4242);
	cr_assert_eq(port_ethdev_listen_prepare(b.p, 4243, err), 0, "%s", err);
	bed_close(&b);
	cr_expect_not(is_held(4242));
	cr_expect_not(is_held(4243));
}

FOR_DRIVERS(busy_port)
{
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(4243) };
	struct bed b;
	int other;

	bed_net(&b);
	other = socket(AF_INET6, SOCK_DGRAM, 0);
	cr_assert_eq(bind(other, (const struct sockaddr *)&v6, sizeof(v6)), 0);
	cr_assert_not_null(bed_try(&b, *device, 1, 4242), "%s", err);
	cr_expect_eq(port_ethdev_listen_prepare(b.p, 4243, err), -EADDRINUSE);
	cr_expect_str_eq(err, "port 4243 is in use: Address already in use");
	port_ethdev_listen_abort(b.p);
	works_on(&b, 4242);
	cr_expect_eq(port_ethdev_listen_prepare(b.p, 4242, err), 0);
	port_ethdev_listen_commit(b.p);
	works_on(&b, 4242);
	close(other);
	bed_close(&b);
}

struct reader {
	struct bed *b;
	uint32_t last;		/* atomic: what the last message said */
	bool stop;		/* atomic */
};

static void *reader(void *arg)
{
	struct reader *r = arg;
	struct rte_mbuf *m;
	uint32_t seq;

	rcu_register_thread();
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		m = bed_receive(r->b, 0);
		if (!m)
			continue;
		memcpy(&seq, rte_pktmbuf_mtod(m, const void *), sizeof(seq));
		__atomic_store_n(&r->last, seq, __ATOMIC_RELAXED);
		rte_pktmbuf_free(m);
	}
	rcu_unregister_thread();
	return NULL;
}

FOR_DRIVERS(while_a_core_is_at_work)
{
	struct reader r = { .last = 0 };
	pthread_t thread;
	struct bed b;

	bed_net(&b);
	bed_open(&b, *device, 1);
	r.b = &b;
	cr_assert_eq(pthread_create(&thread, NULL, reader, &r), 0);
	for (uint32_t i = 1; i <= 50; i++) {
		int fd = there_socket(&b, i % 2 ? AF_INET : AF_INET6);

		cr_assert_eq(port_ethdev_listen_prepare(b.p, 0, err), 0, "%s", err);
		port_ethdev_listen_commit(b.p);
		there_connect(fd, here[!(i % 2)], port_ethdev_listen_port(b.p));
		cr_assert_eq(send(fd, &i, sizeof(i), 0), sizeof(i));
		while (__atomic_load_n(&r.last, __ATOMIC_RELAXED) != i)
			sched_yield();
		close(fd);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	rcu_thread_offline();
	pthread_join(thread, NULL);
	rcu_thread_online();
	bed_close(&b);
	cr_expect_eq(rte_mempool_avail_count(b.pool), POOL_N);
}
