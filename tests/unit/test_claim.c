/* SPDX-License-Identifier: BSD-3-Clause */
/* A netdev beneath an owned device: packet sockets see what arrives, the host's own stack does not, for as long as the claim, or its process, lives. */
#include "nic_bed.h"

#include <sys/wait.h>

#include "claim.h"

TestSuite(claim, .timeout = 280);

#define DEVICE "net_af_packet0,iface=luV"

static int here, there, fd, other, raw;	/* namespaces; sockets */

/* here: luV 10.78.0.1, a UDP socket and a packet socket; there: luW 10.78.0.2. */
static void setup(void)
{
	const struct timeval timeout = { .tv_sec = HOST_WAIT_MS / 1000 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7777) };

	there = test_netns_init();
	here = test_netns_init();
	test_sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
	test_sh("ip link add luV type veth peer name luW netns /proc/%d/fd/%d && ip link set luV up", getpid(), there);
	test_add_address("luV", "10.78.0.1", 24);
	inet_pton(AF_INET, "10.78.0.1", &a.sin_addr);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	raw = host_open("luV");
	test_netns_enter(there);
	test_sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set luW up");
	test_add_address("luW", "10.78.0.2", 24);
	test_netns_enter(here);
	test_sh("ip link set luV address 02:00:00:00:00:78");
	test_netns_enter(there);
	test_sh("ip neigh add 10.78.0.1 lladdr 02:00:00:00:00:78 dev luW");	/* who would not hear ARP */
	other = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_eq(connect(other, (struct sockaddr *)&a, sizeof(a)), 0);
	test_netns_enter(here);
}

/* Sends a datagram, and waits until the packet socket has seen it. */
static void arrives(char number)
{
	uint8_t frame[HOST_FRAME_MAX];

	cr_assert_eq(send(other, &number, 1, 0), 1);
	do
		cr_assert_geq(host_hear(raw, frame), 43);
	while (frame[42] != number);
}

/* It is the next that the host's stack has for its socket. */
static void heard(char number)
{
	char got = 0;

	cr_assert_eq(recv(fd, &got, 1, 0), 1);
	cr_assert_eq(got, number);
}

Test(claim, the_hosts_stack_sees_nothing)
{
	struct claim *c;

	setup();
	arrives(1);
	heard(1);
	c = claim_create(DEVICE ",qpairs=2", err, sizeof(err));
	cr_assert_not_null(c, "%s", err);
	cr_expect_str_empty(err);
	arrives(2);
	arrives(3);
	claim_destroy(c);
	arrives(4);
	heard(4);
	test_sh("! nft list tables | grep -q wgdp");
}

Test(claim, goes_with_the_process)
{
	int status;
	pid_t pid;

	setup();
	pid = fork();
	if (pid == 0)
		_exit(!claim_create(DEVICE, err, sizeof(err)) || system("nft list tables | grep -q wgdp"));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	test_sh("until ! nft list tables | grep -q wgdp; do sleep 0.01; done");
	arrives(1);
	heard(1);
}

Test(claim, one_netdev_one_claim)
{
	struct claim *c, *second;

	setup();
	test_sh("ip link add luX type veth peer name luY");
	c = claim_create(DEVICE, err, sizeof(err));
	cr_assert_not_null(c, "%s", err);
	cr_expect_null(claim_create(DEVICE, err, sizeof(err)));
	cr_expect_not_null(strstr(err, "the host's own stack sees what arrives at luV, too, and may answer it twice: nftables: "), "%s", err);
	second = claim_create("net_af_packet1,iface=luX", err, sizeof(err));
	cr_expect_not_null(second, "%s", err);
	claim_destroy(second);
	arrives(2);
	claim_destroy(c);
	arrives(3);
	heard(3);
}

Test(claim, devices_that_need_none)
{
	static const char *const device[] = { "net_ring0", "0000:03:00.0", "net_af_xdp0,iface=luV", "net_memif0,iface=luV", "net_af_packet0" };

	setup();
	for (unsigned int i = 0; i < RTE_DIM(device); i++) {
		snprintf(err, sizeof(err), "before");
		cr_expect_null(claim_create(device[i], err, sizeof(err)));
		cr_expect_str_empty(err, "%s: %s", device[i], err);
	}
	claim_destroy(NULL);
}
