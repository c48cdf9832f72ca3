/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer port as change_apply uses it: another listen port and another firewall mark for each kind of port. How the ports do it is in
 * test_port_change.c and test_ethdev_change.c.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "ethdev_bed.h"
#include "memport.h"

#include "dataplane.h"
#include "outer.h"
#include "peer.h"

TestSuite(outer, .timeout = 280);

static struct loop *loop;

static struct outer *make(struct bed *b, const char *device, uint16_t port, uint32_t fwmark)
{
	const struct outer_conf conf = { .device = device, .n_queues = 1, .listen_port = port, .fwmark = fwmark, .pool = b->pool,
		.name = "test", .loop = loop };
	struct outer *o = outer_create(&conf, err);

	cr_assert_not_null(o, "%s", err);
	b->p = outer_port(o);
	b->cp[0] = &b->c[0];
	b->p->counters = b->cp;
	return o;
}

static void setup(struct bed *b)
{
	bed_net(b);
	loop = loop_create();
	cr_assert_not_null(loop);
}

static int their_socket(const struct bed *b, uint16_t port)
{
	const int fd = there_socket(b, AF_INET);

	there_connect(fd, HERE4, port);
	return fd;
}

static void hears(struct bed *b, uint16_t port)
{
	const int fd = their_socket(b, port);
	struct rte_mbuf *m;

	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	m = bed_receive(b, TIMEOUT_MS);
	cr_assert_not_null(m);
	rte_pktmbuf_free(m);
	close(fd);
}

static void listen_port_of(const char *device)
{
	struct bed b;
	struct outer *o;
	uint16_t port;

	setup(&b);
	o = make(&b, device, 4242, 0);
	cr_expect_eq(outer_listen_port(o), 4242);
	cr_expect_eq(outer_listen_prepare(o, 4243, err), 0);
	cr_expect_eq(outer_listen_port(o), 4242);
	outer_listen_abort(o);
	outer_listen_commit(o, NULL);
	cr_expect_eq(outer_listen_port(o), 4242);
	hears(&b, 4242);
	cr_expect_eq(outer_listen_prepare(o, 4243, err), 0);
	outer_listen_commit(o, NULL);
	outer_listen_abort(o);
	cr_expect_eq(outer_listen_port(o), 4243);
	hears(&b, 4243);
	cr_expect_eq(outer_listen_prepare(o, 4243, err), 0);
	outer_listen_commit(o, NULL);
	hears(&b, 4243);

	/* A free one is not ours, nor one that somebody has. */
	cr_expect_eq(outer_listen_prepare(o, 0, err), 0);
	outer_listen_commit(o, NULL);
	port = outer_listen_port(o);
	cr_expect(port && port != 4243);
	hears(&b, port);
	{
		const struct sockaddr_in6 taken = { .sin6_family = AF_INET6, .sin6_port = htons(4244) };
		const int fd = socket(AF_INET6, SOCK_DGRAM, 0);

		cr_assert_eq(bind(fd, (const struct sockaddr *)&taken, sizeof(taken)), 0);
		cr_expect_eq(outer_listen_prepare(o, 4244, err), -EADDRINUSE);
		cr_expect_str_eq(err, "port 4244 is in use: Address already in use");
		close(fd);
	}
	outer_listen_commit(o, NULL);
	cr_expect_eq(outer_listen_port(o), port);
	hears(&b, port);
	outer_destroy(o);
}

Test(outer, listen_port_of_the_kernels)
{
	listen_port_of("kernel");
}

Test(outer, listen_port_of_af_packet)
{
	listen_port_of("net_af_packet0,iface=edA");
}

Test(outer, listen_port_of_af_xdp)
{
	listen_port_of("net_af_xdp0,iface=edA");
}

Test(outer, mark_of_the_kernels)
{
	int fd[PORT_MAX_FDS];
	unsigned int n;
	struct outer *o;
	struct bed b;

	setup(&b);
	o = make(&b, "kernel", 0, 7);
	for (uint32_t mark = 7; mark < 10; mark++) {
		if (mark != 7)
			cr_expect_eq(outer_set_fwmark(o, mark), 0);
		n = b.p->ops->fds(b.p, 0, fd);
		cr_assert_eq(n, 2);
		for (unsigned int i = 0; i < n; i++) {
			uint32_t is = 0;
			socklen_t len = sizeof(is);

			cr_assert_eq(getsockopt(fd[i], SOL_SOCKET, SO_MARK, &is, &len), 0);
			cr_expect_eq(is, mark);
		}
	}
	outer_destroy(o);
}

/* Waits for one. */
static bool has_way(struct outer *o, const struct peer *p)
{
	for (unsigned int i = 0; i < 100 && !outer_has_way(o, p); i++) {
		const uint64_t now = dataplane_now();

		outer_tick(o, now);
		loop_wait(loop, now + 10 * 1000 * 1000);
		rcu_quiescent_state();
	}
	return outer_has_way(o, p);
}

/* Only marked packets have a route. */
Test(outer, mark_of_an_ethdev)
{
	struct endpoint ep = { .remote.v4 = { .sin_family = AF_INET, .sin_port = htons(9) } };
	struct peer p = { .dp = { .id = 1 } };
	struct outer *o;
	struct bed b;

	setup(&b);
	cr_assert_eq(inet_pton(AF_INET, "10.99.0.1", &ep.remote.v4.sin_addr), 1);
	test_sh("ip route add default via " THERE4 " table 100 && ip rule add fwmark 7 table 100");
	o = make(&b, "net_af_packet0,iface=edA", 0, 0);
	outer_set_endpoint(o, &p, &ep, NULL);
	for (unsigned int i = 0; i < 10; i++) {
		outer_tick(o, dataplane_now());
		loop_wait(loop, dataplane_now() + 10 * 1000 * 1000);
	}
	cr_expect_not(outer_has_way(o, &p));
	cr_expect_eq(outer_set_fwmark(o, 7), 0);
	cr_expect(has_way(o, &p));
	cr_expect_eq(outer_set_fwmark(o, 0), 0);
	for (unsigned int i = 0; i < 100 && outer_has_way(o, &p); i++) {
		outer_tick(o, dataplane_now());
		loop_wait(loop, dataplane_now() + 10 * 1000 * 1000);
	}
	cr_expect_not(outer_has_way(o, &p));
	outer_forget(o, &p);
	outer_destroy(o);
}

static void stays(struct port *p)
{
	(void)p;
}

Test(outer, port_in_memory)
{
	static struct memport mp;
	struct port_ops ops = memport_ops;
	struct outer *o;

	test_eal_init();
	memport_init(&mp, rte_ring_create("rx", 64, SOCKET_ID_ANY, 0), rte_ring_create("tx", 64, SOCKET_ID_ANY, 0));
	ops.destroy = stays;
	mp.port.ops = &ops;
	o = outer_on_port(&mp.port, err);
	cr_assert_not_null(o);
	cr_expect_eq(outer_listen_port(o), 0);
	cr_expect_eq(outer_listen_prepare(o, 0, err), 0);
	outer_listen_commit(o, NULL);
	cr_expect_eq(outer_listen_prepare(o, 51820, err), -EOPNOTSUPP);
	cr_expect_str_eq(err, "cannot listen on port 51820: this interface has no UDP port");
	outer_listen_abort(o);
	cr_expect_eq(outer_set_fwmark(o, 5), 0);
	cr_expect_eq(outer_listen_port(o), 0);
	outer_destroy(o);
}
