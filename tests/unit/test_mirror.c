/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mirror: an interface of the host's that is there as long as the port, with its MAC address and MTU, and through which frames go both ways in
 * their order, up to its MTU.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "mirror.h"
#include "nic_bed.h"

TestSuite(mirror, .timeout = 280);

enum { POOL_N = 2047, MTU = 1500 };

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x11 }, other_mac[6] = { 2, 0, 0, 0, 0, 0x22 };

static struct rte_mempool *pool;

static void setup(void)
{
	nic_bed_net();
	pool = test_pool("mirror", POOL_N);
}

static void open_as(struct mirror *mir, const char *name, const uint8_t address[6], uint16_t mtu)
{
	cr_assert_eq(mirror_open(mir, name, address, mtu, pool, err), 0, "%s", err);
}

/* A frame of another protocol, `len` bytes in all, with a number in it. */
static void write_frame(uint8_t *frame, size_t len, uint32_t number)
{
	memset(frame, (int)number, len);
	memcpy(frame, mac, 6);
	memcpy(frame + 6, other_mac, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	memcpy(frame + 14, &number, sizeof(number));
}

static struct rte_mbuf *frame_of(size_t len, uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	cr_assert_not_null(m);
	write_frame((uint8_t *)rte_pktmbuf_append(m, (uint16_t)len), len, number);
	return m;
}

static void expect_frame(int host, size_t len, uint32_t number)
{
	uint8_t want[HOST_FRAME_MAX];

	write_frame(want, len, number);
	host_expect(host, want, len);
}

Test(mirror, has_the_ports_mac_and_mtu_and_is_up)
{
	struct mirror mir;
	struct ifreq ifr;

	setup();
	open_as(&mir, "luA", mac, 9000);
	cr_expect_eq(mir.ifindex, if_nametoindex("luA"));
	cr_assert(host_ifreq("luA", SIOCGIFHWADDR, &ifr));
	cr_expect_arr_eq(ifr.ifr_hwaddr.sa_data, mac, 6);
	cr_assert(host_ifreq("luA", SIOCGIFMTU, &ifr));
	cr_expect_eq(ifr.ifr_mtu, 9000);
	cr_assert(host_ifreq("luA", SIOCGIFFLAGS, &ifr));
	cr_expect(ifr.ifr_flags & IFF_UP);
	mirror_close(&mir);
	cr_expect_eq(if_nametoindex("luA"), 0, "gone");
	mirror_close(&mir);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
	open_as(&mir, "luA", mac, MTU);
	mirror_close(&mir);
}

Test(mirror, closing_what_was_never_open)
{
	struct mirror mir = { 0 };

	setup();
	mirror_close(&mir);
}

Test(mirror, a_name_that_is_taken_is_said)
{
	struct mirror mir;

	setup();
	test_sh("ip link add luTaken type veth peer name luOther");
	cr_expect_eq(mirror_open(&mir, "luTaken", mac, MTU, pool, err), -EEXIST);
	cr_expect_str_eq(err, "interface luTaken exists already; remove it (ip link del luTaken) or choose another name behind 'as'");
	cr_expect_neq(if_nametoindex("luTaken"), 0, "somebody else's");
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

/* A name that the kernel refuses. */
Test(mirror, what_fails_leaves_nothing)
{
	struct mirror mir;

	setup();
	cr_expect_lt(mirror_open(&mir, "lu/A", mac, MTU, pool, err), 0);
	cr_expect_not_null(strstr(err, "cannot create the host's interface lu/A"), "%s", err);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
	open_as(&mir, "luA", mac, MTU);
	mirror_close(&mir);
}

/* Beyond what it needs to receive, a mirror keeps none of the port's buffers. */
Test(mirror, keeps_few_buffers)
{
	struct mirror mir;

	setup();
	open_as(&mir, "luA", mac, MTU);
	if (strncmp(mir.device, "net_tap", 7) == 0)
		cr_expect_leq(rte_mempool_in_use_count(pool), 16, "%u", rte_mempool_in_use_count(pool));
	mirror_close(&mir);
}

/* The next n frames that the host has said. */
static unsigned int receive(struct mirror *mir, struct rte_mbuf **m, unsigned int n)
{
	const struct timespec nap = { .tv_nsec = 100000 };
	unsigned int got = 0;

	for (int tries = 0; got < n && tries < 50000; tries++) {
		const uint16_t more = mirror_rx(mir, m + got, (uint16_t)(n - got));

		got += more;
		if (!more)
			nanosleep(&nap, NULL);
	}
	return got;
}

Test(mirror, what_the_host_sends_comes_in_order)
{
	enum { N = 200, AT_A_TIME = 32 };
	struct rte_mbuf *m[N];
	uint8_t frame[MTU + 14];
	struct mirror mir;
	int host;

	setup();
	open_as(&mir, "luA", mac, MTU);
	host = host_open("luA");
	for (uint32_t i = 0; i < N; i++) {
		write_frame(frame, 60 + i * 7, i);
		host_say(host, frame, 60 + i * 7);
	}
	if (mir.fd >= 0) {
		struct pollfd p = { .fd = mir.fd, .events = POLLIN };

		cr_expect_eq(poll(&p, 1, HOST_WAIT_MS), 1, "it wakes");
	}
	cr_expect_eq(mirror_rx(&mir, m, AT_A_TIME), AT_A_TIME, "no more than asked for");
	cr_assert_eq(receive(&mir, m + AT_A_TIME, N - AT_A_TIME), N - AT_A_TIME);
	for (uint32_t i = 0; i < N; i++) {
		write_frame(frame, 60 + i * 7, i);
		cr_expect_eq(m[i]->nb_segs, 1);
		cr_assert_eq(rte_pktmbuf_data_len(m[i]), 60 + i * 7, "frame %u", i);
		cr_assert_arr_eq(rte_pktmbuf_mtod(m[i], uint8_t *), frame, 60 + i * 7, "frame %u", i);
		rte_pktmbuf_free(m[i]);
	}
	cr_expect_eq(mirror_rx(&mir, m, 1), 0);
	close(host);
	mirror_close(&mir);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

Test(mirror, the_host_gets_frames_in_order)
{
	enum { N = 64 };
	struct rte_mbuf *m[N];
	struct mirror mir;
	int host;

	setup();
	open_as(&mir, "luA", mac, MTU);
	host = host_open("luA");
	for (uint32_t i = 0; i < N; i++)
		m[i] = frame_of(60 + i, i);
	cr_expect_eq(mirror_tx(&mir, m, N), N);
	for (uint32_t i = 0; i < N; i++)
		expect_frame(host, 60 + i, i);
	close(host);
	mirror_close(&mir);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

/* The driver takes none above Ethernet's; the host takes any, in their order. */
Test(mirror, frames_of_any_size)
{
	static const size_t len[] = { MTU + 14, 3000, MTU + 18, 4000, 60 };
	struct rte_mbuf *m[RTE_DIM(len)];
	struct mirror mir;
	int host;

	setup();
	open_as(&mir, "luA", mac, MTU);
	host = host_open("luA");
	for (uint32_t i = 0; i < RTE_DIM(len); i++)
		m[i] = frame_of(len[i], i);
	cr_expect_eq(mirror_tx(&mir, m, RTE_DIM(len)), RTE_DIM(len));
	for (uint32_t i = 0; i < RTE_DIM(len); i++)
		expect_frame(host, len[i], i);
	close(host);
	mirror_close(&mir);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

Test(mirror, nothing_goes_up_while_it_is_down)
{
	struct rte_mbuf *m[2];
	struct mirror mir;
	int host;

	setup();
	open_as(&mir, "luA", mac, MTU);
	test_sh("ip link set luA down");
	m[0] = frame_of(60, 1);
	m[1] = frame_of(60, 2);
	cr_expect_eq(mirror_tx(&mir, m, 2), 0);
	test_sh("ip link set luA up");
	host = host_open("luA");
	m[0] = frame_of(60, 3);
	cr_expect_eq(mirror_tx(&mir, m, 1), 1);
	expect_frame(host, 60, 3);
	close(host);
	mirror_close(&mir);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

/* A frame in several segments, as fragments that were put together may be. */
Test(mirror, segments)
{
	struct rte_mbuf *head, *tail;
	struct mirror mir;
	uint8_t frame[400];
	int host;

	setup();
	open_as(&mir, "luA", mac, MTU);
	host = host_open("luA");
	write_frame(frame, sizeof(frame), 5);
	head = rte_pktmbuf_alloc(pool);
	tail = rte_pktmbuf_alloc(pool);
	memcpy(rte_pktmbuf_append(head, 150), frame, 150);
	memcpy(rte_pktmbuf_append(tail, 250), frame + 150, 250);
	cr_assert_eq(rte_pktmbuf_chain(head, tail), 0);
	cr_expect_eq(mirror_tx(&mir, &head, 1), 1);
	host_expect(host, frame, sizeof(frame));
	close(host);
	mirror_close(&mir);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

/* The driver would like the process to get a signal for each frame. */
Test(mirror, no_signals)
{
	const struct sigaction mine = { .sa_handler = count_signal };
	struct sigaction now;
	struct mirror mir;
	uint8_t frame[60];
	struct rte_mbuf *m;
	int host;

	setup();
	cr_assert_eq(sigaction(SIGRTMIN + 3, &mine, NULL), 0);
	open_as(&mir, "luA", mac, MTU);
	for (int s = SIGRTMIN; s <= SIGRTMAX; s++) {
		cr_assert_eq(sigaction(s, NULL, &now), 0);
		if (s == SIGRTMIN + 3)
			cr_expect_eq(now.sa_handler, count_signal);
		else
			cr_expect_eq(now.sa_handler, SIG_DFL, "signal %d", s - SIGRTMIN);
	}
	host = host_open("luA");
	for (uint32_t i = 0; i < 5; i++) {	/* each of which would end the process, or be counted */
		write_frame(frame, sizeof(frame), i);
		host_say(host, frame, sizeof(frame));
		cr_assert_eq(receive(&mir, &m, 1), 1);
		rte_pktmbuf_free(m);
	}
	cr_expect_eq(signals, 0);
	if (mir.fd >= 0)
		cr_expect(!(fcntl(mir.fd, F_GETFL) & O_ASYNC));
	close(host);
	mirror_close(&mir);
}

Test(mirror, two_at_once)
{
	struct mirror a, b;
	struct rte_mbuf *m;
	uint8_t frame[60];
	int host_a, host_b;

	setup();
	open_as(&a, "luA", mac, MTU);
	open_as(&b, "luB", other_mac, 9000);
	host_a = host_open("luA");
	host_b = host_open("luB");
	m = frame_of(60, 1);
	cr_expect_eq(mirror_tx(&a, &m, 1), 1);
	m = frame_of(60, 2);
	cr_expect_eq(mirror_tx(&b, &m, 1), 1);
	expect_frame(host_a, 60, 1);
	expect_frame(host_b, 60, 2);
	write_frame(frame, sizeof(frame), 7);
	host_say(host_b, frame, sizeof(frame));
	cr_assert_eq(receive(&b, &m, 1), 1);
	rte_pktmbuf_free(m);
	cr_expect_eq(mirror_rx(&a, &m, 1), 0);
	close(host_b);
	mirror_close(&b);
	cr_expect_eq(if_nametoindex("luB"), 0);
	host_say(host_a, frame, sizeof(frame));
	cr_assert_eq(receive(&a, &m, 1), 1, "the other one lives on");
	rte_pktmbuf_free(m);
	close(host_a);
	mirror_close(&a);
	cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}
