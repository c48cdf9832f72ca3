/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tun port against the host's own IP stack, in a network namespace of the test's own. When a
 * port ends, the pool's mbufs are counted: none may be missing.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "eal.h"
#include "netns.h"
#include "port.h"

enum { POOL_N = 1023, QUEUES = 2, TIMEOUT_MS = 5000, NOBODY = 65534 };

struct bed {
	struct port *p;
	struct counters c[QUEUES];
	struct counters *cp[QUEUES];
};

static struct rte_mempool *pool;
static char err[PORT_ERRLEN];
static int home;

/* A namespace where nothing shows on an interface but what a test sends. */
static int quiet_netns(void)
{
	const int fd = test_netns_init();

	test_sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	return fd;
}

static void setup(void)
{
	home = quiet_netns();
	pool = test_pool("tun", POOL_N);
}

TestSuite(port_tun, .init = setup, .timeout = 280);

static bool bed_try(struct bed *b, const char *ifname, uint16_t n_queues, struct rte_mempool *from)
{
	const struct port_tun_conf conf = { .n_queues = n_queues, .ifname = ifname, .pool = from };

	memset(b, 0, sizeof(*b));
	b->p = port_tun_create(&conf, err);
	if (!b->p)
		return false;
	for (unsigned int i = 0; i < QUEUES; i++)
		b->cp[i] = &b->c[i];
	b->p->counters = b->cp;
	return true;
}

static void bring_up(void)
{
	test_sh("ip addr add 10.7.0.1/24 dev pt0 && ip link set pt0 up");
}

static void bed_make(struct bed *b, uint16_t n_queues)
{
	cr_assert(bed_try(b, "pt0", n_queues, pool), "%s", err);
	bring_up();
}

static void bed_end(struct bed *b)
{
	b->p->ops->destroy(b->p);
	cr_expect_eq(rte_mempool_avail_count(pool), POOL_N, "%u of %u mbufs",
		     rte_mempool_avail_count(pool), POOL_N);
}

static uint64_t dropped(const struct bed *b, enum drop_reason reason)
{
	return b->c[0].drop[reason] + b->c[1].drop[reason];
}

/* The host sends `len` bytes that start with `seq` to a port on the far side of the interface. */
static void host_sends(uint16_t to_port, uint32_t seq, size_t len)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(to_port),
		.sin_addr.s_addr = htonl(0x0a070002),
	};
	static char data[65000];
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(data, &seq, sizeof(seq));
	cr_assert_eq(sendto(fd, data, len, 0, (const struct sockaddr *)&to, sizeof(to)),
		     (ssize_t)len);
	close(fd);
}

static short wait_readable(struct bed *b, uint16_t queue)
{
	struct pollfd pfd = { .events = POLLIN };

	cr_assert_eq(b->p->ops->fds(b->p, queue, &pfd.fd), 1);
	cr_assert(poll(&pfd, 1, TIMEOUT_MS) == 1);
	return pfd.revents;
}

static struct rte_mbuf *receive(struct bed *b, uint16_t queue)
{
	struct rte_mbuf *m;

	wait_readable(b, queue);
	cr_assert_eq(port_rx_burst(b->p, queue, &m, 1), 1);
	cr_assert_eq(m->pkt_len, m->data_len);
	return m;
}

static uint32_t seq_of(const struct rte_mbuf *m)
{
	uint32_t seq;

	memcpy(&seq, rte_pktmbuf_mtod_offset(m, const void *, 28), sizeof(seq));
	return seq;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += b[i] << 8 | b[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~(sum + (sum >> 16)));
}

/* An echo request from the far side to the host. */
static struct rte_mbuf *ping(uint16_t seq)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
		char data[32];
	} *p;

	cr_assert(m != NULL);
	p = (void *)rte_pktmbuf_append(m, sizeof(*p));
	memset(p, 0, sizeof(*p));
	p->ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP,
		.tot_len = htons(sizeof(*p)),
		.saddr = htonl(0x0a070002), .daddr = htonl(0x0a070001),
	};
	p->ip.check = checksum(&p->ip, sizeof(p->ip));
	p->icmp.type = ICMP_ECHO;
	p->icmp.un.echo.sequence = htons(seq);
	strcpy(p->data, "PLAIN");
	p->icmp.checksum = checksum(&p->icmp, sizeof(p->icmp) + sizeof(p->data));
	return m;
}

static void expect_echo(struct bed *b, uint16_t queue, uint16_t seq)
{
	struct rte_mbuf *m = receive(b, queue);
	const struct iphdr *ip = rte_pktmbuf_mtod(m, const void *);
	const struct icmphdr *icmp = (const void *)(ip + 1);

	cr_assert_eq(m->data_len, 20 + 8 + 32);
	cr_expect_eq(ip->version, 4);
	cr_expect_eq(ip->daddr, htonl(0x0a070002));
	cr_expect_eq(icmp->type, ICMP_ECHOREPLY);
	cr_expect_eq(ntohs(icmp->un.echo.sequence), seq);
	cr_expect_str_eq((const char *)(icmp + 1), "PLAIN");
	rte_pktmbuf_free(m);
}

Test(port_tun, ping_in_bursts)
{
	struct rte_mbuf *m[PORT_BURST];
	struct bed a;

	bed_make(&a, 1);
	cr_expect_eq(port_tun_ifindex(a.p), if_nametoindex("pt0"));
	cr_expect_eq(port_rx_burst(a.p, 0, m, PORT_BURST), 0);
	for (uint16_t i = 0; i < PORT_BURST; i++)
		m[i] = ping(i);
	cr_expect_eq(port_tx_burst(a.p, 0, m, PORT_BURST), PORT_BURST);
	for (uint16_t i = 0; i < PORT_BURST; i++)
		expect_echo(&a, 0, i);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 0);
	bed_end(&a);
	cr_expect_eq(if_nametoindex("pt0"), 0);
}

Test(port_tun, packets_of_the_host_both_families)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	const struct ip6_hdr *ip6;
	struct rte_mbuf *m;
	struct bed a;

	bed_make(&a, 1);
	host_sends(9, 77, 100);
	m = receive(&a, 0);
	cr_expect_eq(m->data_len, 128);
	cr_expect_eq(seq_of(m), 77);
	rte_pktmbuf_free(m);

	test_sh("echo 0 > /proc/sys/net/ipv6/conf/pt0/disable_ipv6");
	test_add_address("pt0", "fd00::1", 64);
	inet_pton(AF_INET6, "fd00::2", &to.sin6_addr);
	cr_assert(sendto(fd, "six", 3, 0, (struct sockaddr *)&to, sizeof(to)) == 3);
	do {
		m = receive(&a, 0);	/* what the host has to say to its routers comes as well */
		ip6 = rte_pktmbuf_mtod(m, const void *);
		fd = ip6->ip6_nxt;
		rte_pktmbuf_free(m);
	} while (fd != IPPROTO_UDP);
	bed_end(&a);
}

static void expect_exists(const char *ifname, uint16_t n_queues)
{
	char text[PORT_ERRLEN];
	struct bed a;

	snprintf(text, sizeof(text), "interface %s exists already; remove it (ip link del %s) "
		 "or choose another name", ifname, ifname);
	cr_assert(!bed_try(&a, ifname, n_queues, pool));
	cr_expect_str_eq(err, text);
	cr_expect_neq(if_nametoindex(ifname), 0);
}

Test(port_tun, interface_that_exists_is_refused)
{
	struct bed a;

	test_sh("ip link add pte0 type veth peer name pte1");
	test_sh("ip tuntap add pte2 mode tun && ip tuntap add pte3 mode tun multi_queue");
	for (uint16_t n = 1; n <= QUEUES; n++) {
		expect_exists("lo", n);
		expect_exists("pte0", n);
		expect_exists("pte2", n);
		expect_exists("pte3", n);
		cr_assert(bed_try(&a, "pt0", n, pool), "%s", err);
		for (uint16_t other = 1; other <= QUEUES; other++)
			expect_exists("pt0", other);
		bed_end(&a);
	}
}

Test(port_tun, bad_names)
{
	static const char *const name[] = { "", "pt%d", "pt/0", "pt 0", ".", "sixteen-letters-" };
	char text[PORT_ERRLEN];
	struct bed a;

	for (unsigned int i = 0; i < RTE_DIM(name); i++) {
		snprintf(text, sizeof(text),
			 "cannot create interface '%s': not a name that the kernel takes", name[i]);
		cr_assert(!bed_try(&a, name[i], 1, pool), "'%s'", name[i]);
		cr_expect_str_eq(err, text);
	}
	cr_assert(bed_try(&a, "fifteen-letters", 1, pool), "%s", err);
	bed_end(&a);
}

/* /dev/net as an empty folder, for this process alone. */
static void hide_device(void)
{
	cr_assert(unshare(CLONE_NEWNS) == 0);
	cr_assert(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	cr_assert(mount("none", "/dev/net", "tmpfs", 0, NULL) == 0);
}

Test(port_tun, no_device)
{
	struct bed a;

	hide_device();
	cr_assert(!bed_try(&a, "pt0", 1, pool));
	cr_expect_str_eq(err, "cannot open /dev/net/tun: No such file or directory; "
			 "load the kernel's module (modprobe tun)");
	cr_assert(mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 199)) == 0);
	cr_assert(seteuid(NOBODY) == 0);
	cr_assert(!bed_try(&a, "pt0", 1, pool));
	cr_expect_str_eq(err, "cannot open /dev/net/tun: Permission denied; "
			 "run as root or with CAP_NET_ADMIN");
	cr_assert(seteuid(0) == 0);
}

Test(port_tun, no_permission)
{
	struct bed a;

	cr_assert(seteuid(NOBODY) == 0);
	cr_assert(!bed_try(&a, "pt0", 1, pool));
	cr_expect_str_eq(err, "not allowed to create interface pt0; "
			 "run as root or with CAP_NET_ADMIN");
	cr_assert(seteuid(0) == 0);
}

Test(port_tun, deletion_ends_the_port)
{
	struct rte_mbuf *m[2];
	struct bed a;

	bed_make(&a, QUEUES);
	test_sh("ip link del pt0");
	cr_expect_eq(a.p->error, 0);
	cr_expect(wait_readable(&a, 1) != 0);
	cr_expect_eq(port_rx_burst(a.p, 1, m, 2), 0);
	cr_expect_eq(a.p->error, EBADFD);

	a.p->error = 0;
	m[0] = ping(0);
	m[1] = ping(1);
	cr_expect_eq(port_tx_burst(a.p, 0, m, 2), 0);
	cr_expect_eq(a.p->error, EBADFD);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 2);
	bed_end(&a);
}

Test(port_tun, down_is_not_the_end)
{
	struct rte_mbuf *m[3];
	struct bed a;

	bed_make(&a, 1);
	test_sh("ip link set pt0 down");
	cr_expect_eq(port_rx_burst(a.p, 0, m, 3), 0);
	for (uint16_t i = 0; i < 3; i++)
		m[i] = ping(i);
	cr_expect_eq(port_tx_burst(a.p, 0, m, 3), 0);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 3);
	cr_expect_eq(a.p->error, 0);

	test_sh("ip link set pt0 up");
	m[0] = ping(3);
	cr_expect_eq(port_tx_burst(a.p, 0, m, 1), 1);
	expect_echo(&a, 0, 3);
	bed_end(&a);
}

Test(port_tun, malformed_packet_fails_alone)
{
	struct rte_mbuf *m[3];
	struct bed a;

	bed_make(&a, 1);
	for (uint16_t i = 0; i < 3; i++)
		m[i] = ping(i);
	*rte_pktmbuf_mtod(m[1], uint8_t *) = 0;
	cr_expect_eq(port_tx_burst(a.p, 0, m, 3), 2);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 1);
	expect_echo(&a, 0, 0);
	expect_echo(&a, 0, 2);
	bed_end(&a);
}

/* Which of two queues has something. */
static uint16_t queue_readable(struct bed *b)
{
	struct pollfd pfd[QUEUES];

	for (uint16_t q = 0; q < QUEUES; q++) {
		b->p->ops->fds(b->p, q, &pfd[q].fd);
		pfd[q].events = POLLIN;
	}
	cr_assert(poll(pfd, QUEUES, TIMEOUT_MS) > 0);
	return pfd[0].revents ? 0 : 1;
}

Test(port_tun, flows_are_spread_over_the_queues)
{
	enum { FLOWS = 64 };
	struct rte_mbuf *m[FLOWS];
	unsigned int on[QUEUES];
	struct bed a;

	bed_make(&a, QUEUES);
	for (uint16_t i = 0; i < FLOWS; i++)
		host_sends(1000 + i, i, 100);
	for (uint16_t q = 0; q < QUEUES; q++) {
		on[q] = port_rx_burst(a.p, q, m, PORT_BURST);
		rte_pktmbuf_free_bulk(m, on[q]);
	}
	cr_expect_eq(on[0] + on[1], FLOWS);
	cr_expect(on[0] > 0 && on[1] > 0, "%u and %u", on[0], on[1]);

	for (uint16_t q = 0; q < QUEUES; q++) {
		m[0] = ping(q);
		cr_expect_eq(port_tx_burst(a.p, q, m, 1), 1);
		expect_echo(&a, queue_readable(&a), q);
	}
	bed_end(&a);
}

Test(port_tun, packet_past_the_room_is_counted)
{
	struct rte_mbuf *m;
	struct bed a;

	bed_make(&a, 1);
	test_sh("ip link set pt0 mtu 65535");
	host_sends(9, 1, 20000);
	host_sends(9, 2, PKT_MAX_INNER - 28 + 1);
	host_sends(9, 3, PKT_MAX_INNER - 28);
	cr_expect_eq(port_rx_burst(a.p, 0, &m, 1), 0);
	cr_expect_eq(port_rx_burst(a.p, 0, &m, 1), 0);
	m = receive(&a, 0);
	cr_expect_eq(seq_of(m), 3);
	cr_expect_eq(m->data_len, PKT_MAX_INNER);
	cr_expect(rte_pktmbuf_tailroom(m) >= PKT_TAIL);
	rte_pktmbuf_free(m);
	cr_expect_eq(dropped(&a, DROP_INNER_MALFORMED), 2);
	bed_end(&a);
}

Test(port_tun, without_mbufs_the_kernel_keeps_what_came)
{
	struct rte_mempool *small = test_pool("small", 16);
	struct rte_mbuf *m[PORT_BURST];
	struct bed a;

	cr_assert(bed_try(&a, "pt0", 1, small), "%s", err);
	bring_up();
	for (uint32_t i = 0; i < 24; i++)
		host_sends(9, i, 100);
	cr_assert_eq(port_rx_burst(a.p, 0, m, PORT_BURST), 16);
	for (unsigned int i = 0; i < 10; i++)
		cr_assert_eq(port_rx_burst(a.p, 0, m + 16, 1), 0);
	cr_expect_eq(dropped(&a, DROP_NO_MBUF), 1);
	rte_pktmbuf_free_bulk(m, 16);
	cr_assert_eq(port_rx_burst(a.p, 0, m, PORT_BURST), 8);
	for (uint32_t i = 0; i < 8; i++)
		cr_expect_eq(seq_of(m[i]), 16 + i);
	rte_pktmbuf_free_bulk(m, 8);
	bed_end(&a);
	cr_expect_eq(rte_mempool_avail_count(small), 16);
}

Test(port_tun, works_on_in_another_namespace)
{
	struct rte_mbuf *m;
	struct bed a;
	int other;

	cr_assert(bed_try(&a, "pt0", 1, pool), "%s", err);
	other = quiet_netns();
	test_netns_enter(home);
	test_sh("ip link set pt0 netns /proc/%d/fd/%d", getpid(), other);
	test_netns_enter(other);
	bring_up();
	test_netns_enter(home);
	m = ping(5);
	cr_expect_eq(port_tx_burst(a.p, 0, &m, 1), 1);
	expect_echo(&a, 0, 5);
	bed_end(&a);
}

/* Whether a stranger gets hold of a queue of pt0. It never creates one: it has no right to. */
static bool attach(bool multi_queue)
{
	struct ifreq ifr = { .ifr_name = "pt0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	bool attached;

	if (multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	attached = ioctl(fd, TUNSETIFF, &ifr) == 0;
	if (!attached)
		close(fd);
	return attached;	/* and keeps it */
}

Test(port_tun, strangers_cannot_attach)
{
	struct bed a;
	int status;
	pid_t pid;

	for (uint16_t n = 1; n <= QUEUES; n++) {
		bed_make(&a, n);
		pid = fork();
		if (pid == 0) {
			const bool dropped_root = setuid(NOBODY) == 0;

			_exit(!dropped_root || attach(false) || attach(true));
		}
		cr_assert(waitpid(pid, &status, 0) == pid);
		cr_expect_eq(status, 0, "%u queues", n);
		bed_end(&a);
	}
}

struct stranger {
	bool stop, attached;
};

static void *stranger_run(void *arg)
{
	struct stranger *s = arg;

	if (syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0)	/* of this thread alone */
		return NULL;
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
		if (attach(true))
			__atomic_store_n(&s->attached, true, __ATOMIC_RELEASE);
	return NULL;
}

/* One that attaches while the interface is made is noticed: no port comes of it. */
Test(port_tun, quick_stranger_is_noticed)
{
	struct stranger s = { .stop = false };
	bool refused = false;
	pthread_t thread;

	cr_assert(pthread_create(&thread, NULL, stranger_run, &s) == 0);
	for (unsigned int i = 0; i < 40 && !refused; i++) {
		struct bed a;

		refused = !bed_try(&a, "pt0", QUEUES, pool);
		if (refused)
			break;
		usleep(1000);
		cr_expect(!__atomic_load_n(&s.attached, __ATOMIC_ACQUIRE));
		bed_end(&a);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	cr_expect_eq(s.attached, refused);
	if (refused)
		cr_expect_str_eq(err, "another process attached itself to interface pt0 while it "
				 "was created; remove it (ip link del pt0)");
}
