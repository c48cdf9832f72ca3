/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ethdev port over DPDK's af_packet and af_xdp drivers, end to end against plain UDP sockets,
 * and what the host must not notice of it. Most tests run once per driver.
 */
#include "ethdev_bed.h"

#include <criterion/parameterized.h>
#include <dirent.h>
#include <errno.h>

#include <rte_ether.h>

struct driver {
	char device[64];
	bool xdp;
};

static struct criterion_test_params drivers(void)
{
	static struct driver table[] = {
		{ "net_af_packet0,iface=edA", false },
		{ "net_af_xdp0,iface=edA", true },
	};

	return cr_make_param_array(struct driver, table, RTE_DIM(table));
}

#define FOR_DRIVERS(test) \
	ParameterizedTestParameters(ethdev, test) \
	{ \
		return drivers(); \
	} \
	ParameterizedTest(struct driver *driver, ethdev, test, .timeout = 120)

static void message(uint8_t *buf, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i * 31 + seed);
}

static void check_received(const struct bed *b, struct rte_mbuf *m, int fd, const char *from,
			   const char *to, uint8_t ds, const uint8_t *data, size_t len)
{
	const struct in6_addr remote = mapped(from), local = mapped(to);
	struct endpoint ep = { .local_ifindex = port_ethdev_ifindex(b->p) };

	if (strchr(from, ':')) {
		ep.remote.v6.sin6_family = AF_INET6;
		ep.remote.v6.sin6_addr = remote;
		ep.remote.v6.sin6_port = htons(socket_port(fd));
		ep.local.v6 = local;
	} else {
		ep.remote.v4.sin_family = AF_INET;
		memcpy(&ep.remote.v4.sin_addr, remote.s6_addr + 12, 4);
		ep.remote.v4.sin_port = htons(socket_port(fd));
		memcpy(&ep.local.v4, local.s6_addr + 12, 4);
	}
	cr_assert_not_null(m);
	cr_expect_arr_eq(&pkt_of(m)->ep, &ep, sizeof(ep));
	cr_expect_eq(pkt_of(m)->ds, ds);
	cr_assert_eq(rte_pktmbuf_pkt_len(m), len);
	cr_expect_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), data, len);
}

/* There and back again, by way_back and by a rewrite of the control thread's. */
static void exchange(struct bed *b, const char *here, const char *there, size_t len)
{
	const int fd = there_socket(b, strchr(here, ':') ? AF_INET6 : AF_INET), tos = 0x88;
	uint8_t out[2048], in[2048], mac[6];
	struct rewrite rw;
	struct rte_mbuf *m;
	int ds;

	message(out, len, 1);
	setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	there_connect(fd, here, b->listen_port);
	cr_assert_eq(send(fd, out, len, 0), (ssize_t)len);
	m = bed_receive(b, TIMEOUT_MS);
	check_received(b, m, fd, there, here, (uint8_t)tos, out, len);

	b->p->ops->way_back(b->p, m, &rw);
	cr_expect(endpoint_equal(&rw.ep, &pkt_of(m)->ep));
	rte_pktmbuf_free(m);
	message(out, len, 2);
	cr_expect_eq(bed_send(b, &rw, out, (uint16_t)len, 0x2e << 2), 1);
	cr_expect_eq(there_receive(fd, in, sizeof(in), &ds), (ssize_t)len);
	cr_expect_arr_eq(in, out, len);
	cr_expect_eq(ds, 0x2e << 2);

	memcpy(mac, rw.hdr, 6);
	port_ethdev_rewrite(b->p, &rw, &rw.ep, mac);
	message(out, len, 3);
	cr_expect_eq(bed_send(b, &rw, out, (uint16_t)len, 1), 1);
	cr_expect_eq(there_receive(fd, in, sizeof(in), &ds), (ssize_t)len);
	cr_expect_arr_eq(in, out, len);
	cr_expect_eq(ds, 1);
	close(fd);
}

FOR_DRIVERS(both_ways)
{
	static const size_t len[] = { 32, 33, 148, 1452 };
	struct bed b;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	cr_expect_eq(port_ethdev_ifindex(b.p), if_nametoindex("edA"));
	for (size_t i = 0; i < RTE_DIM(len); i++) {
		exchange(&b, HERE4, THERE4, len[i]);
		exchange(&b, HERE6, THERE6, len[i]);
	}
	bed_close(&b);
	cr_expect_eq(rte_mempool_avail_count(b.pool), POOL_N);
}

FOR_DRIVERS(no_icmp_and_host_undisturbed)
{
	struct bed b;
	char byte;
	int fd, other;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	for (int family = 0; family < 2; family++) {
		fd = there_socket(&b, family ? AF_INET6 : AF_INET);
		there_connect(fd, family ? HERE6 : HERE4, b.listen_port);
		for (int i = 0; i < 5; i++) {
			struct rte_mbuf *m;

			cr_expect_eq(send(fd, "hello", 5, 0), 5, "%s", strerror(errno));
			m = bed_receive(&b, TIMEOUT_MS);
			cr_assert_not_null(m);
			rte_pktmbuf_free(m);
		}
		cr_expect(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "%s",
			  strerror(errno));
		close(fd);

		/* The host would answer for a port that nobody holds. */
		other = there_socket(&b, family ? AF_INET6 : AF_INET);
		there_connect(other, family ? HERE6 : HERE4, b.listen_port ^ 1);
		cr_expect_eq(send(other, "hello", 5, 0), 5);
		cr_expect(recv(other, &byte, 1, 0) < 0 && errno == ECONNREFUSED, "%s",
			  strerror(errno));
		close(other);
	}
	test_sh("nsenter --net=/proc/%d/fd/%d ping -c 3 -i 0.1 -W 5 -s 1400 " HERE4 " >/dev/null",
		getpid(), b.there);
	test_sh("nsenter --net=/proc/%d/fd/%d ping -c 3 -i 0.1 -W 5 " HERE6 " >/dev/null",
		getpid(), b.there);
	cr_expect_null(bed_receive(&b, QUIET_MS));
	bed_close(&b);
}

/* Nobody else may have the port while ours is there; afterwards it is free. */
FOR_DRIVERS(holds_the_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct bed b;
	int fd;

	bed_net(&b);
	cr_assert_not_null(bed_try(&b, driver->device, 1, 4242), "%s", err);
	cr_expect_eq(b.listen_port, 4242);
	a.sin_port = htons(4242);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_expect(bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EADDRINUSE);
	bed_close(&b);
	cr_expect_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_expect_null(bed_try(&b, driver->device, 1, 4242));
	cr_expect_str_eq(err, "port 4242 is in use: Address already in use");
	close(fd);
}

/* Datagrams to the same port of somebody behind us are forwarded by the host, and not ours. */
FOR_DRIVERS(transit_is_not_ours)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char buf[16];
	struct bed b;
	uint64_t before;
	int fd, far, ds, behind;

	bed_net(&b);
	behind = test_netns_init();
	test_netns_enter(b.here);
	test_sh("sysctl -qw net.ipv4.ip_forward=1 && ip link add edC type veth peer name edD netns "
		"/proc/%d/fd/%d && ip addr add 10.78.0.1/24 dev edC && ip link set edC up",
		getpid(), behind);
	test_netns_enter(behind);
	test_sh("ip addr add 10.78.0.2/24 dev edD && ip link set edD up && ip route add default "
		"via 10.78.0.1");
	far = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(far, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = TIMEOUT_MS / 1000 },
		   sizeof(struct timeval));
	cr_assert_eq(bind(far, (struct sockaddr *)&a, sizeof(a)), 0);
	test_netns_enter(b.there);
	test_sh("ip route add default via " HERE4);
	test_netns_enter(b.here);

	cr_assert_not_null(bed_try(&b, driver->device, 1, socket_port(far)), "%s", err);
	/* What came before there was a filter. */
	cr_expect_null(bed_receive(&b, QUIET_MS));
	before = bed_drops(&b, DROP_NOT_OURS);
	fd = there_socket(&b, AF_INET);
	there_connect(fd, "10.78.0.2", b.listen_port);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(send(fd, "transit", 7, 0), 7);
		cr_expect_eq(there_receive(far, buf, sizeof(buf), &ds), 7, "%s", strerror(errno));
	}
	cr_expect_null(bed_receive(&b, QUIET_MS));
	cr_expect_eq(bed_drops(&b, DROP_NOT_OURS) - before, driver->xdp ? 0 : 3);
	bed_close(&b);
}

/* What is not among our addresses (any more) is not taken, though the host has it. */
FOR_DRIVERS(local_addresses_change)
{
	const struct in6_addr only6 = mapped(HERE6), only4 = mapped(HERE4);
	struct rte_mbuf *m;
	uint64_t before;
	struct bed b;
	int fd;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, b.listen_port);
	cr_assert_eq(port_ethdev_set_local(b.p, &only6, 1), 0);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	cr_expect_null(bed_receive(&b, QUIET_MS));
	cr_assert_eq(port_ethdev_set_local(b.p, &only4, 1), 0);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	m = bed_receive(&b, TIMEOUT_MS);
	cr_assert_not_null(m);
	rte_pktmbuf_free(m);
	before = bed_drops(&b, DROP_NOT_OURS);
	cr_assert_eq(port_ethdev_set_local(b.p, NULL, 0), 0);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	cr_expect_null(bed_receive(&b, QUIET_MS));
	/* A copy of what the host has, or not even that. */
	cr_expect_eq(bed_drops(&b, DROP_NOT_OURS) - before, driver->xdp ? 0 : 1);
	close(fd);
	bed_close(&b);
	rcu_barrier();
}

FOR_DRIVERS(too_big_for_the_link)
{
	static uint8_t data[9000];
	struct rewrite rw;
	struct rte_mbuf *m;
	struct bed b;
	uint8_t mac[6];
	int fd, ds;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, b.listen_port);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	m = bed_receive(&b, TIMEOUT_MS);
	cr_assert_not_null(m);
	b.p->ops->way_back(b.p, m, &rw);
	rte_pktmbuf_free(m);

	cr_expect_eq(bed_send(&b, &rw, data, 1472, 0), 1);
	cr_expect_eq(there_receive(fd, data, sizeof(data), &ds), 1472);
	cr_expect_eq(bed_send(&b, &rw, data, 1473, 0), 0);
	cr_expect_eq(bed_drops(&b, DROP_TX_TOO_BIG), 1);

	/* A larger MTU later does not make the driver's frames larger. */
	memcpy(mac, rw.hdr + 6, 6);
	cr_expect_eq(bed_set_link(&b, mac, 9100), 0);
	cr_expect_eq(bed_send(&b, &rw, data, 9000, 0), 0);
	cr_expect_eq(bed_drops(&b, DROP_TX_TOO_BIG), 2);
	close(fd);
	bed_close(&b);
	cr_expect_eq(rte_mempool_avail_count(b.pool), POOL_N);
}

/* The netdev gets another MAC address: with it in place, frames go to and come from that one. */
FOR_DRIVERS(mac_address_changes)
{
	const uint8_t mac[6] = { 2, 0xed, 0, 0, 0, 1 };
	struct bed b;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	exchange(&b, HERE4, THERE4, 64);
	test_sh("ip link set edA address 02:ed:00:00:00:01");
	cr_assert_eq(bed_set_link(&b, mac, 1500), 0);
	test_sh("nsenter --net=/proc/%d/fd/%d ip neigh flush all", getpid(), b.there);
	exchange(&b, HERE4, THERE4, 64);
	exchange(&b, HERE6, THERE6, 64);
	bed_close(&b);
}

static bool wakes(const struct bed *b, int wait_ms)
{
	int fd[PORT_MAX_FDS];
	struct pollfd poll_fd = { .events = POLLIN };

	cr_assert_eq(b->p->ops->fds(b->p, 0, fd), 1);
	poll_fd.fd = fd[0];
	return poll(&poll_fd, 1, wait_ms) == 1;
}

/* A sleeping core is woken by what is ours, and by nothing else. */
FOR_DRIVERS(sleeps_and_wakes)
{
	struct rte_mbuf *m;
	struct bed b;
	int fd;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	while ((m = bed_receive(&b, QUIET_MS)))
		rte_pktmbuf_free(m);
	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, b.listen_port ^ 1);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	close(fd);
	test_sh("ping -c 1 -W 5 " THERE4 " >/dev/null");
	cr_expect_not(wakes(&b, QUIET_MS));

	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, b.listen_port);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(send(fd, "hello", 5, 0), 5);
		cr_expect(wakes(&b, TIMEOUT_MS));
		m = bed_receive(&b, TIMEOUT_MS);
		cr_assert_not_null(m);
		rte_pktmbuf_free(m);
		cr_expect_not(wakes(&b, 0));
	}
	close(fd);
	bed_close(&b);
}

/* A link that goes down does not keep a core awake, and works again when it comes back. */
FOR_DRIVERS(link_goes_down_and_comes_back)
{
	struct bed b;

	bed_net(&b);
	bed_open(&b, driver->device, 1);
	exchange(&b, HERE4, THERE4, 64);
	test_sh("ip link set edA down");
	cr_expect_null(bed_receive(&b, QUIET_MS));
	cr_expect_not(wakes(&b, 0));
	test_sh("ip link set edA up && ping -c 1 -W 5 " THERE4 " >/dev/null");
	exchange(&b, HERE4, THERE4, 64);
	bed_close(&b);
}

static unsigned int count_fds(void)
{
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Again and again in one process: nothing is left, and the netdev is as it was. */
FOR_DRIVERS(comes_and_goes)
{
	unsigned int before = 0;
	struct bed b;

	bed_net(&b);
	test_sh("ip link set edA promisc on");
	for (int i = 0; i < 20; i++) {
		bed_open(&b, driver->device, 1);
		test_sh("ip link show dev edA | grep -q PROMISC");
		exchange(&b, HERE4, THERE4, 200);
		bed_close(&b);
		test_sh("! ip -d link show dev edA | grep -q xdp");
		if (i == 0)
			before = count_fds();
	}
	cr_expect_eq(count_fds(), before);
	test_sh("ip link set edA promisc off");
	bed_open(&b, driver->device, 1);
	test_sh("! ip link show dev edA | grep -q PROMISC");
	bed_close(&b);
	cr_expect_eq(rte_mempool_avail_count(b.pool), POOL_N);
}

/* What has come to any of the queues: how many; those that had some, in `used`. */
static unsigned int take_all(struct bed *b, bool used[4])
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned int total = 0;

	for (uint16_t q = 0; q < 4; q++) {
		uint16_t n = port_rx_burst(b->p, q, m, PORT_BURST);

		used[q] |= n > 0;
		total += n;
		rte_pktmbuf_free_bulk(m, n);
	}
	return total;
}

/* af_packet spreads by flow over as many queues as there are; nothing is lost or seen twice. */
Test(ethdev, several_queues, .timeout = 120)
{
	enum { FLOWS = 64 };
	bool used[4] = { false };
	unsigned int total = 0;
	struct rte_mbuf *m;
	uint64_t end;
	struct bed b;

	bed_net(&b);
	bed_open(&b, "net_af_packet0,iface=edA", 4);
	for (int i = 0; i < FLOWS; i++) {
		int fd = there_socket(&b, AF_INET);

		there_connect(fd, HERE4, b.listen_port);
		cr_assert_eq(send(fd, "hello", 5, 0), 5);
		close(fd);
	}
	end = now_ms() + TIMEOUT_MS;
	while (total < FLOWS && now_ms() < end)
		total += take_all(&b, used);
	total += take_all(&b, used);
	cr_expect_eq(total, FLOWS);
	cr_expect_gt(used[0] + used[1] + used[2] + used[3], 1);
	bed_close(&b);

	/* More queues of the device than of the port: each is looked at. */
	bed_open(&b, "net_af_packet0,iface=edA,qpairs=4", 1);
	for (int i = 0; i < FLOWS; i++) {
		int fd = there_socket(&b, AF_INET);

		there_connect(fd, HERE4, b.listen_port);
		cr_assert_eq(send(fd, "hello", 5, 0), 5);
		close(fd);
		m = bed_receive(&b, TIMEOUT_MS);
		cr_assert_not_null(m);
		rte_pktmbuf_free(m);
	}
	bed_close(&b);
}
