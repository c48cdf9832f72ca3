/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setting up the ethdev port when something is in the way: what the user is told, that nothing is
 * left behind, and what the next attempt makes of the remains of a killed process.
 */
#include "ethdev_bed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "wgdp_xdp_object.h"
#include "xdp.h"

#define AF_PACKET_EDA "net_af_packet0,iface=edA"
#define AF_XDP_EDA "net_af_xdp0,iface=edA"

struct refusal {
	char device[80];
	uint16_t queues;
	char says[200];
};

ParameterizedTestParameters(ethdev_setup, refused)
{
	static struct refusal table[] = {
		{ "net_af_packet0,iface=nosuch", 1, "there is no interface 'nosuch'" },
		{ "net_af_packet0,iface=a_name_too_long_for_any", 1,
		  "there is no interface 'a_name_too_long_for_any'" },
		{ "net_af_packet0", 1,
		  "'net_af_packet0' names no interface: write net_af_packet0,iface=NAME" },
		{ "net_af_xdp0,queue_count=1", 1,
		  "'net_af_xdp0,queue_count=1' names no interface: write net_af_xdp0,iface=NAME" },
		{ "net_af_packet0,iface=edA,colour=red", 1,
		  "DPDK cannot make a device of 'net_af_packet0,iface=edA,colour=red,qpairs=1" },
		{ "0000:03:00.0", 1, "cannot share the DPDK device '0000:03:00.0' with the host: that takes "
		  "net_af_packet or net_af_xdp with iface=NAME; for any other, name the host's interface: 0000:03:00.0 as wan0" },
		{ "net_null0", 1, "cannot share the DPDK device 'net_null0' with the host" },
		{ "net_af_packet0,iface=edTun", 1,
		  "edTun has no Ethernet frames: use Outer = kernel" },
		{ "net_af_packet0,iface=edA,qpairs=2", 3,
		  "net_af_packet0 has 2 queues, 3 are needed: give fewer RxCores, or more "
		  "queues to the device" },
		{ "net_af_xdp0,iface=edA", 2,
		  "edA has 1 queues for net_af_xdp, 2 are needed: give fewer RxCores, or more "
		  "queues (ethtool -L edA combined 2)" },
		{ "net_af_xdp0,iface=edA,queue_count=2", 2,
		  "DPDK cannot make a device of 'net_af_xdp0,iface=edA,queue_count=2,xdp_prog=" },
		{ "net_af_xdp0,iface=edBig", 1, "net_af_xdp takes an MTU of at most 34" },
		{ "net_af_xdp0,iface=edMany", 1,
		  "edMany receives on 2 queues, of which net_af_xdp can serve 1: use "
		  "net_af_packet, or steer and add queue_count" },
		{ "net_af_xdp0,iface=edA,xdp_prog=/nonexistent", 1,
		  "DPDK cannot make a device of 'net_af_xdp0,iface=edA,xdp_prog=/nonexistent" },
	};

	return cr_make_param_array(struct refusal, table, RTE_DIM(table));
}

ParameterizedTest(struct refusal *r, ethdev_setup, refused, .timeout = 280)
{
	struct bed b;

	bed_net(&b);
	test_sh("ip tuntap add dev edTun mode tun");
	test_sh("ip link add edBig mtu 9000 type veth peer name edBig2 mtu 9000");
	test_sh("ip link add edMany numrxqueues 2 numtxqueues 2 type veth peer name edMany2 "
		"numrxqueues 2 numtxqueues 2 && ethtool -L edMany rx 2 tx 2");
	cr_assert_null(bed_try(&b, r->device, r->queues, 4242));
	cr_expect(strncmp(err, r->says, strlen(r->says)) == 0, "%s", err);

	/* And nothing stands in the way of the next one. */
	cr_assert_not_null(bed_try(&b, AF_XDP_EDA, 1, 4242), "%s", err);
	bed_close(&b);
	cr_assert_not_null(bed_try(&b, AF_PACKET_EDA, 2, 4242), "%s", err);
	bed_close(&b);
}

Test(ethdev_setup, same_name_twice, .timeout = 280)
{
	struct bed b, other;

	bed_net(&b);
	bed_open(&b, AF_PACKET_EDA, 1);
	other = b;
	cr_assert_null(bed_try(&other, AF_PACKET_EDA, 1, 0));
	cr_expect_str_eq(err, "another interface has the DPDK device net_af_packet0 already: give "
			      "each a number of its own (net_af_packet0, net_af_packet1, ...)");
	bed_open(&other, "net_af_packet1,iface=edA", 1);
	bed_close(&other);
	bed_open(&other, "net_af_xdp0,iface=edA", 1);
	bed_close(&other);
	bed_close(&b);
}

static bool all_multicast(void)
{
	return system("ip -d link show edA | grep -q 'allmulti 1'") == 0;
}

/* Where DPDK owns it, the host's groups (ND's, a routing protocol's) are joined on the mirror, and the netdev knows nothing of them. */
Test(ethdev_setup, an_owned_netdev_receives_all_multicast, .timeout = 280)
{
	struct port_ethdev_conf conf = { .device = AF_PACKET_EDA, .mirror = "edMirror", .n_queues = 1 };
	struct bed b;

	bed_net(&b);
	conf.pool = b.pool;
	cr_expect_not(all_multicast());
	b.p = port_ethdev_create(&conf, err);
	cr_assert_not_null(b.p, "%s", err);
	cr_expect(all_multicast());
	bed_close(&b);
	cr_expect_not(all_multicast());
	bed_open(&b, AF_PACKET_EDA, 1);
	cr_expect_not(all_multicast(), "one that is the host's stays as it is");
	bed_close(&b);
}

/* Takes what is for our port; another process, or interface, has to leave the netdev alone. */
Test(ethdev_setup, xdp_has_one_owner, .timeout = 280)
{
	struct bed b, other;

	bed_net(&b);
	bed_open(&b, AF_XDP_EDA, 1);
	other = b;
	cr_assert_null(bed_try(&other, "net_af_xdp1,iface=edA", 1, 0));
	cr_expect_str_eq(err, "edA has an AF_XDP port of wgdp already: use net_af_packet for this "
			      "one");
	test_sh("ip link show dev edA | grep -q xdp");
	bed_close(&b);
	bed_open(&other, "net_af_xdp1,iface=edA", 1);
	bed_close(&other);
}

static int foreign_program(void)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "somebodys", "GPL", pass, RTE_DIM(pass), NULL);
}

Test(ethdev_setup, foreign_xdp_program_stays, .timeout = 280)
{
	struct bed b;
	int fd = foreign_program();

	bed_net(&b);
	cr_assert_geq(fd, 0);
	cr_assert_eq(bpf_xdp_attach((int)if_nametoindex("edA"), fd, 0, NULL), 0);
	cr_assert_null(bed_try(&b, AF_XDP_EDA, 1, 0));
	cr_expect_str_eq(err, "edA runs the XDP program 'somebodys': take it off (ip link set dev "
			      "edA xdp off), or use net_af_packet");
	test_sh("ip link show dev edA | grep -q xdp");
	cr_assert_null(bed_try(&b, AF_XDP_EDA ",xdp_prog=/dev/null", 1, 0));
	test_sh("ip link show dev edA | grep -q xdp");
	cr_assert_eq(bpf_xdp_detach((int)if_nametoindex("edA"), 0, NULL), 0);
	bed_open(&b, AF_XDP_EDA, 1);
	bed_close(&b);
}

/* A killed process leaves its program on the netdev: harmless, and taken off by the next. */
Test(ethdev_setup, killed_process_leaves_no_harm, .timeout = 280)
{
	char path[XDP_PATHLEN];
	struct rte_mbuf *m;
	struct xdp x;
	struct bed b;
	int status, fd;
	pid_t child;
	char byte;

	bed_net_only(&b);
	child = fork();
	if (child == 0) {
		rcu_register_thread();
		b.pool = test_pool("ethdev", POOL_N);
		if (bed_try(&b, AF_XDP_EDA, 1, 4242))
			raise(SIGSTOP);
		_exit(1);
	}
	cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
	cr_assert(WIFSTOPPED(status));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);

	test_sh("ip link show dev edA | grep -q xdp");
	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, 4242);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	cr_expect(recv(fd, &byte, 1, 0) < 0 && errno == ECONNREFUSED, "the host does not answer");

	xdp_init(&x);
	cr_expect_eq(xdp_open(&x, "edA", if_nametoindex("edA"), path, err), 0, "%s", err);
	xdp_close(&x);
	test_sh("! ip link show dev edA | grep -q xdp");

	rcu_register_thread();
	b.pool = test_pool("ethdev", POOL_N);
	cr_assert_not_null(bed_try(&b, AF_XDP_EDA, 1, 4242), "%s", err);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	m = bed_receive(&b, TIMEOUT_MS);
	cr_assert_not_null(m);
	rte_pktmbuf_free(m);
	close(fd);
	bed_close(&b);
	test_sh("! ip link show dev edA | grep -q xdp");
}

/* The user's own program is loaded, and left alone: ours would need its port to take anything. */
Test(ethdev_setup, program_of_the_users, .timeout = 280)
{
	int file = memfd_create("users", 0), fd;
	char device[80];
	struct bed b;

	bed_net(&b);
	cr_assert_eq(write(file, wgdp_xdp_object, sizeof(wgdp_xdp_object)),
		     (ssize_t)sizeof(wgdp_xdp_object));
	snprintf(device, sizeof(device), AF_XDP_EDA ",xdp_prog=/proc/self/fd/%d", file);
	bed_open(&b, device, 1);
	fd = there_socket(&b, AF_INET);
	there_connect(fd, HERE4, b.listen_port);
	cr_assert_eq(send(fd, "hello", 5, 0), 5);
	cr_expect_null(bed_receive(&b, QUIET_MS));
	close(fd);
	bed_close(&b);
}

ParameterizedTestParameters(ethdev_setup, netdev_vanishes)
{
	static char devices[][64] = { AF_PACKET_EDA, AF_XDP_EDA };

	return cr_make_param_array(char[64], devices, RTE_DIM(devices));
}

ParameterizedTest(char (*device)[64], ethdev_setup, netdev_vanishes, .timeout = 280)
{
	const uint8_t mac[6] = { 2 }, data[64] = { 4 };
	struct endpoint ep = { 0 };
	struct rewrite rw;
	struct bed b;

	bed_net(&b);
	bed_open(&b, *device, 1);
	ep.remote.v4.sin_family = AF_INET;
	port_ethdev_rewrite(b.p, &rw, &ep, mac);
	test_sh("ip link del edA");
	for (int i = 0; i < 100; i++)
		bed_send(&b, &rw, data, sizeof(data), 0);
	cr_expect_null(bed_receive(&b, QUIET_MS));
	bed_close(&b);

	/* Frames that the kernel never took are the driver's to the end, in a pool of its own. */
	cr_expect_eq(rte_mempool_avail_count(b.pool), POOL_N);
	test_sh("ip link add edA type veth peer name edE && ip addr add " HERE4 "/24 dev edA && "
		"ip link set edA up");
	bed_open(&b, *device, 1);
	bed_close(&b);
}
