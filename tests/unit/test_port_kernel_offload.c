/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel port with many messages to one peer at once: groups that the kernel cuts (UDP_SEGMENT), datagrams of many messages
 * (UDP_GRO). sendmmsg and recvmmsg are wrapped, so that a test sees what went in one piece, and can have it refused.
 */
#include <netinet/udp.h>
#include <sys/socket.h>

#include "kernel_bed.h"

enum { LEN = 1452, MAX_GROUPS = 1024 };

static struct { unsigned int packets, bytes; } group[MAX_GROUPS];	/* that went, in order */
static unsigned int n_groups, tries, receives, datagrams;
static int group_error;			/* groups of several packets fail with it */
static int (*single_error)(const struct msghdr *h);
static unsigned int truncate_at;	/* datagrams from now, that is said to have been truncated; 0: none */

int __real_sendmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags, struct timespec *timeout);

static int error_of(const struct msghdr *h)
{
	if (h->msg_iovlen > 1 && group_error)
		return group_error;
	return h->msg_iovlen == 1 && single_error ? single_error(h) : 0;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags)
{
	unsigned int good = 0;
	int r;

	tries++;
	while (good < n && !error_of(&msg[good].msg_hdr))
		good++;
	if (!good) {
		errno = error_of(&msg[0].msg_hdr);
		return -1;
	}
	r = __real_sendmmsg(fd, msg, good, flags);
	for (int i = 0; i < r; i++) {
		group[n_groups].packets = msg[i].msg_hdr.msg_iovlen;
		group[n_groups++].bytes = msg[i].msg_len;
		n_groups %= MAX_GROUPS;
	}
	return r;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags, struct timespec *timeout)
{
	const int r = __real_recvmmsg(fd, msg, n, flags, timeout);

	receives++;
	for (int i = 0; i < r; i++) {
		datagrams++;
		if (truncate_at && --truncate_at == 0)
			msg[i].msg_hdr.msg_flags |= MSG_TRUNC;
	}
	return r;
}

static void forget(void)
{
	n_groups = tries = receives = datagrams = 0;
}

TestSuite(port_kernel_offload, .init = bed_setup, .timeout = 280);

static uint8_t byte_of(uint32_t seq, unsigned int at)
{
	return (seq * 167 + at * 31 + (at >> 8)) & 0xff;
}

static struct rte_mbuf *numbered(const struct bed *b, const struct endpoint *ep, uint8_t ds, uint32_t seq, uint16_t len)
{
	struct rte_mbuf *m = message(b, ep, ds, seq, len);
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	for (unsigned int i = sizeof(seq); i < len; i++)
		data[i] = byte_of(seq, i);
	return m;
}

static void expect_numbered(const struct rte_mbuf *m, uint32_t seq, uint16_t len)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

	cr_assert_eq(m->data_len, len, "message %u: %u bytes, not %u", seq, m->data_len, len);
	cr_assert_eq(m->pkt_len, len);
	cr_assert(m->nb_segs == 1 && !m->next);
	cr_assert_eq((uintptr_t)data % 4, 0, "message %u is not aligned", seq);
	if (len >= sizeof(seq))
		cr_assert_eq(seq_of(m), seq);
	for (unsigned int i = sizeof(seq); i < len; i++)
		cr_assert_eq(data[i], byte_of(seq, i), "message %u, byte %u", seq, i);
}

/* n messages, numbered from `first` on. */
static void send_many(struct bed *a, const struct endpoint *to, uint32_t first, unsigned int n, uint16_t len)
{
	struct rte_mbuf *m[4 * PORT_BURST];

	for (uint32_t i = 0; i < n; i++)
		m[i] = numbered(a, to, 0, first + i, len);
	cr_assert_eq(port_tx_burst(a->p, 0, m, n), n);
}

static void expect_many(struct bed *b, uint32_t first, unsigned int n, uint16_t len)
{
	struct rte_mbuf *m[4 * PORT_BURST];

	receive(b, 0, m, n);
	for (uint32_t i = 0; i < n; i++)
		expect_numbered(m[i], first + i, len);
	rte_pktmbuf_free_bulk(m, n);
}

Test(port_kernel_offload, many_to_one_peer_arrive_whole_and_in_order)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int i = 0; i < 2; i++) {
		const struct endpoint to = endpoint_to(addr[i], b.listen_port);

		forget();
		send_many(&a, &to, 0, 200, LEN);
		cr_expect_eq(group[0].packets, 45);	/* as many as 64 KiB take, and the rest of PORT_BURST */
		cr_expect_eq(group[0].bytes, 45 * LEN);
		cr_expect_eq(group[1].packets, PORT_BURST - 45);
		cr_expect_eq(n_groups, 3 * 2 + 1);
		expect_many(&b, 0, 200, LEN);
		cr_expect_eq(datagrams, 7, "%u datagrams", datagrams);
	}
	cr_expect_eq(dropped_at_all(&a) + dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

/* Messages of these lengths go in groups of that many; 0 ends either. */
static void grouped(const uint16_t *len, const unsigned int *want)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned int n = 0, bytes = 0, groups = 0;
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to("127.0.0.1", b.listen_port);
	for (; len[n]; n++)
		m[n] = numbered(&a, &to, 0, n, len[n]);
	forget();
	cr_assert_eq(port_tx_burst(a.p, 0, m, n), n);
	for (; want[groups]; groups++) {
		cr_assert(groups < n_groups);
		cr_expect_eq(group[groups].packets, want[groups], "group %u: %u", groups, group[groups].packets);
		bytes += group[groups].bytes;
	}
	cr_expect_eq(n_groups, groups, "%u groups", n_groups);
	receive(&b, 0, m, n);
	for (unsigned int i = 0; i < n; i++) {
		expect_numbered(m[i], i, len[i]);
		bytes -= len[i];
	}
	cr_expect_eq(bytes, 0);
	rte_pktmbuf_free_bulk(m, n);
	cr_expect_eq(dropped_at_all(&a) + dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel_offload, groups_end_where_they_must)
{
	uint16_t small[PORT_BURST + 1] = { 0 }, large[16] = { 0 };

	grouped((const uint16_t[]){ 96, 0 }, (const unsigned int[]){ 1, 0 });
	grouped((const uint16_t[]){ 96, 96, 96, 0 }, (const unsigned int[]){ 3, 0 });
	grouped((const uint16_t[]){ 96, 96, 32, 96, 96, 0 }, (const unsigned int[]){ 3, 2, 0 });
	grouped((const uint16_t[]){ 96, 32, 32, 96, 0 }, (const unsigned int[]){ 2, 1, 1, 0 });
	grouped((const uint16_t[]){ 32, 96, 112, 128, 0 }, (const unsigned int[]){ 1, 1, 1, 1, 0 });
	grouped((const uint16_t[]){ 4, 4, 4, 4, 0 }, (const unsigned int[]){ 4, 0 });
	grouped((const uint16_t[]){ 7, 7, 7, 5, 0 }, (const unsigned int[]){ 4, 0 });	/* views would not be aligned */

	for (unsigned int i = 0; i < PORT_BURST; i++)
		small[i] = 96;
	grouped(small, (const unsigned int[]){ PORT_BURST, 0 });
	small[PORT_BURST - 1] = 95;
	grouped(small, (const unsigned int[]){ PORT_BURST, 0 });

	for (unsigned int i = 0; i < 15; i++)
		large[i] = PKT_MAX_INNER;
	grouped(large, (const unsigned int[]){ 7, 7, 1, 0 });
	large[7] = 65000 - 7 * PKT_MAX_INNER;	/* what there is room for */
	grouped(large, (const unsigned int[]){ 8, 7, 0 });
}

/* A message without a byte would vanish in a group. */
Test(port_kernel_offload, empty_messages_go_alone)
{
	struct rte_mbuf *m[6];
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to("::1", b.listen_port);
	for (uint32_t i = 0; i < 6; i++)
		m[i] = numbered(&a, &to, 0, i, i < 2 || i == 4 ? 0 : 40);
	cr_assert_eq(port_tx_burst(a.p, 0, m, 6), 6);
	receive(&b, 0, m, 6);
	for (uint32_t i = 0; i < 6; i++)
		expect_numbered(m[i], i, i < 2 || i == 4 ? 0 : 40);
	rte_pktmbuf_free_bulk(m, 6);
	bed_end(&a);
	bed_end(&b);
}

/* Runs of random length to random peers, from two addresses, with any TOS and a few sizes. */
Test(port_kernel_offload, mixed_peers_sizes_and_tos)
{
	enum { PEERS = 3, N = 240, ROUNDS = 10 };
	static const char *const addr[PEERS] = { "127.0.0.1", "::1", "127.0.0.3" };
	static const uint8_t ds[] = { 0, 1, 2, 3, 0xb8 };
	static const uint16_t lens[] = { 32, 96, 700, LEN, 9000 };
	static struct { uint8_t ds; uint16_t len; bool other; } sent[PEERS][N * ROUNDS];
	uint32_t n[PEERS] = { 0 }, seed = 12345;
	struct rte_mbuf *m[N];
	struct bed a, b[PEERS];

	bed_make(&a, 1);
	for (unsigned int i = 0; i < PEERS; i++)
		bed_make(&b[i], 1);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int count[PEERS] = { 0 };

		for (unsigned int i = 0, run = 0, peer = 0, tos = 0, len = 0, other = 0; i < N; i++) {
			struct endpoint to;

			seed = seed * 1103515245 + 12345;
			if (!run) {
				run = (seed >> 8) % 20 + 1;
				peer = (seed >> 14) % PEERS;
				tos = (seed >> 18) % RTE_DIM(ds);
				len = (seed >> 22) % RTE_DIM(lens);
				other = seed >> 28 & 1;
			}
			run--;
			to = endpoint_to(addr[peer], b[peer].listen_port);
			if (other && peer != 1)
				set_local(&to, "127.0.0.2");
			sent[peer][n[peer]].ds = ds[tos];
			sent[peer][n[peer]].len = lens[len] - (run ? 0 : seed >> 8 & 7);
			sent[peer][n[peer]].other = other && peer != 1;
			m[i] = numbered(&a, &to, ds[tos], n[peer], sent[peer][n[peer]].len);
			n[peer]++;
			count[peer]++;
		}
		cr_assert_eq(port_tx_burst(a.p, 0, m, N), N);
		for (unsigned int peer = 0; peer < PEERS; peer++) {
			receive(&b[peer], 0, m, count[peer]);
			for (unsigned int i = 0; i < count[peer]; i++) {
				const uint32_t seq = n[peer] - count[peer] + i;
				const bool other = sent[peer][seq].other;
				struct endpoint from = endpoint_to(other ? "127.0.0.2" : peer == 1 ? "::1" : "127.0.0.1", a.listen_port);

				expect_numbered(m[i], seq, sent[peer][seq].len);
				cr_assert_eq(pkt_of(m[i])->ds, sent[peer][seq].ds, "%u of %u", seq, peer);
				cr_assert(peer == 2 || endpoint_same_remote(&pkt_of(m[i])->ep, &from), "%u of %u", seq, peer);
			}
			rte_pktmbuf_free_bulk(m, count[peer]);
		}
	}
	cr_expect_eq(dropped_at_all(&a), 0);
	for (unsigned int i = 0; i < PEERS; i++) {
		cr_expect_eq(dropped_at_all(&b[i]), 0);
		bed_end(&b[i]);
	}
	bed_end(&a);
}

/* Nothing is lost by a kernel that refuses, most groups are not even tried, and it is found out when that is over. */
Test(port_kernel_offload, refused_groups_go_as_single_packets)
{
	static const int error[] = { EINVAL, EMSGSIZE, EIO, EOPNOTSUPP };
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int e = 0; e < RTE_DIM(error); e++) {
		/* Ways that are on others' entries of the table. */
		const char *const addr[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1" };
		struct endpoint to = endpoint_to(addr[e], b.listen_port);

		if (e == 1)
			set_local(&to, "127.0.0.9");
		group_error = error[e];
		forget();
		for (uint32_t i = 0; i < 20; i++) {
			send_many(&a, &to, i, 10, 100);
			expect_many(&b, i, 10, 100);
		}
		cr_expect_eq(n_groups, 200);
		cr_expect_eq(tries, 20 + 1, "%u tries", tries);

		group_error = 0;
		forget();
		for (uint32_t i = 0; i < 20; i++) {
			send_many(&a, &to, i, 10, 100);
			expect_many(&b, i, 10, 100);
		}
		cr_expect(group[0].packets == 1 && group[n_groups - 1].packets == 10);
	}
	cr_expect_eq(dropped_at_all(&a) + dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

static int refused_port;

static int refuse_port(const struct msghdr *h)
{
	return ((const struct sockaddr_in *)h->msg_name)->sin_port == htons(refused_port) ? EPERM : 0;
}

Test(port_kernel_offload, a_group_that_fails_is_counted_packet_by_packet)
{
	struct rte_mbuf *m[30];
	struct endpoint to, bad;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to("127.0.0.1", b.listen_port);
	bad = endpoint_to("127.0.0.1", 9);
	refused_port = 9;
	single_error = refuse_port;
	group_error = EIO;	/* split up, and of the singles those to `bad` fail */
	for (uint32_t i = 0; i < 30; i++)
		m[i] = numbered(&a, i >= 10 && i < 20 ? &bad : &to, 0, i, 100);
	cr_expect_eq(port_tx_burst(a.p, 0, m, 30), 20);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 10);
	expect_many(&b, 0, 10, 100);
	expect_many(&b, 20, 10, 100);

	group_error = ENETUNREACH;	/* not for what segments can be blamed */
	single_error = NULL;
	to = endpoint_to("127.0.0.8", b.listen_port);
	for (uint32_t i = 0; i < 30; i++)
		m[i] = numbered(&a, &to, 0, i, i < 29 ? 100 : 101);
	cr_expect_eq(port_tx_burst(a.p, 0, m, 30), 1);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), 10 + 29);
	expect_many(&b, 29, 1, 101);
	cr_expect_eq(dropped_at_all(&a), 39);
	bed_end(&a);
	bed_end(&b);
}

Test(port_kernel_offload, no_room_counts_packets)
{
	struct rte_mbuf *m[PORT_BURST];
	struct endpoint to;
	struct bed a;

	bed_make(&a, 1);
	to = endpoint_to("127.0.0.1", 9);
	group_error = ENOBUFS;
	for (uint32_t i = 0; i < PORT_BURST; i++)
		m[i] = numbered(&a, &to, 0, i, i == 0 ? 90 : 100);
	cr_expect_eq(port_tx_burst(a.p, 0, m, PORT_BURST), 1);
	cr_expect_eq(dropped(&a, DROP_TX_FAILED), PORT_BURST - 1);
	cr_expect_eq(dropped_at_all(&a), PORT_BURST - 1);
	bed_end(&a);
}

/* The source of a whole group is not ours (any more): it is left out, and all of it goes. */
Test(port_kernel_offload, source_of_a_group_is_gone)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	static const char *const gone[2] = { "192.0.2.1", "fd00::3" };
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int i = 0; i < 2; i++) {
		struct endpoint to = endpoint_to(addr[i], b.listen_port);

		set_local(&to, gone[i]);
		forget();
		send_many(&a, &to, 0, 50, 200);
		expect_many(&b, 0, 50, 200);
		cr_expect(tries <= 3, "%u tries", tries);
	}
	cr_expect_eq(dropped_at_all(&a) + dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

/*
 * Segments larger than the MTU, which the kernel refuses to cut, and single packets that it fragments; then an MTU that they fit. And a
 * link without checksum offload.
 */
Test(port_kernel_offload, links_that_cannot)
{
	static const char *const addr[2] = { "192.0.2.2", "fd00::2" };
	struct bed a, b;

	two_hosts(&a, &b);
	for (unsigned int i = 0; i < 2; i++) {
		const struct endpoint to = endpoint_to(addr[i], b.listen_port);

		test_sh("ip link set pk0 mtu 1400");
		forget();
		send_many(&a, &to, 0, 40, LEN);
		expect_many(&b, 0, 40, LEN);
		cr_expect_eq(n_groups, 40);
		send_many(&a, &to, 40, 40, LEN);
		expect_many(&b, 40, 40, LEN);
		cr_expect_eq(n_groups, 80);
		cr_expect_eq(tries, 3);

		test_sh("ip link set pk0 mtu 1500");
		for (uint32_t k = 0; k < 40; k++) {
			send_many(&a, &to, k, 4, LEN);
			expect_many(&b, k, 4, LEN);
		}
		cr_expect_eq(group[n_groups - 1].packets, 4);
	}
	test_sh("ethtool -K pk0 tx off >/dev/null");
	for (unsigned int i = 0; i < 2; i++) {
		const struct endpoint to = endpoint_to(addr[i], b.listen_port);

		send_many(&a, &to, 0, 100, LEN);
		expect_many(&b, 0, 100, LEN);
	}
	cr_expect_eq(dropped_at_all(&a) + dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

static void find_large(struct rte_mempool *p, void *found)
{
	if (!strncmp(p->name, "udp.large", 9))
		*(struct rte_mempool **)found = p;
}

/* That of the port that was made last. */
static struct rte_mempool *large_pool(void)
{
	struct rte_mempool *found = NULL;

	rte_mempool_walk(find_large, &found);
	cr_assert(found != NULL);
	return found;
}

enum { LARGE_IDLE = 2 * PORT_BURST };	/* large buffers that a queue holds for itself */

/* Views into one buffer are freed in any order; those that stay are not touched by it, nor by what is written to others. */
Test(port_kernel_offload, views_survive_each_other)
{
	enum { N = 40 };
	struct rte_mempool *large;
	struct rte_mbuf *m[N];
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	large = large_pool();
	to = endpoint_to("127.0.0.1", b.listen_port);
	for (unsigned int round = 0; round < 5; round++) {
		send_many(&a, &to, 0, N, LEN);
		receive(&b, 0, m, N);
		cr_expect_eq(rte_mempool_in_use_count(large), LARGE_IDLE + 1);
		for (uint32_t i = 0; i < N; i++) {
			cr_assert(RTE_MBUF_CLONED(m[i]) && rte_mbuf_refcnt_read(m[i]) == 1);
			cr_assert((void *)pkt_of(m[i]) == (void *)(m[i] + 1));
		}
		for (uint32_t i = 0; i < N; i += 3) {
			memset(rte_pktmbuf_mtod(m[i], void *), 0xee, LEN);
			if (i % 2)
				rte_pktmbuf_free(m[i]);
			else
				rte_pktmbuf_free_bulk(&m[i], 1);
		}
		send_many(&a, &to, N, 10, LEN);		/* freed mbufs are used again */
		expect_many(&b, N, 10, LEN);
		for (uint32_t i = 0; i < N; i++) {
			if (i % 3 == 0)
				continue;
			expect_numbered(m[i], i, LEN);
			rte_pktmbuf_free(m[i]);
		}
		cr_expect_eq(rte_mempool_in_use_count(large), LARGE_IDLE);
	}
	bed_end(&a);
	bed_end(&b);

	/* Mbufs that were views are whole again. */
	for (unsigned int i = 0; i < N; i++) {
		m[i] = rte_pktmbuf_alloc(pool);
		cr_expect(RTE_MBUF_DIRECT(m[i]) && m[i]->buf_addr == (uint8_t *)(m[i] + 1) + m[i]->priv_size && m[i]->buf_len == PKT_ROOM);
		cr_expect(m[i]->priv_size >= sizeof(struct pkt));
	}
	rte_pktmbuf_free_bulk(m, N);
}

/* Whatever a burst asks for, nothing is lost or doubled, and no burst is empty while there is more. */
Test(port_kernel_offload, bursts_go_on_within_a_datagram)
{
	static const char *const addr[2] = { "127.0.0.1", "::1" };
	static const uint16_t ask[] = { 1, 2, 3, 7, 19, 63, 64 };
	struct rte_mbuf *m[PORT_BURST];
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int k = 0; k < RTE_DIM(ask); k++) {
		uint32_t next[2] = { 0 };

		for (unsigned int i = 0; i < 2; i++) {
			const struct endpoint to = endpoint_to(addr[i], b.listen_port);

			send_many(&a, &to, 0, 100, LEN);
		}
		while (next[0] + next[1] < 200) {
			const uint16_t n = port_rx_burst(b.p, 0, m, ask[k]);

			cr_assert(n == RTE_MIN(ask[k], 200 - next[0] - next[1]), "%u of %u, at %u and %u", n, ask[k], next[0], next[1]);
			for (uint16_t i = 0; i < n; i++) {
				const bool v6 = pkt_of(m[i])->ep.remote.sa.sa_family == AF_INET6;

				expect_numbered(m[i], next[v6]++, LEN);
			}
			rte_pktmbuf_free_bulk(m, n);
		}
		receive_none(&b, 0);
	}
	cr_expect_eq(dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

/* A datagram that a burst has little room left for is left for the next one, whole. */
Test(port_kernel_offload, a_burst_ends_before_a_large_datagram)
{
	enum { PER_DATAGRAM = 45, DATAGRAMS = 3 };
	struct rte_mbuf *m[PORT_BURST];
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	for (unsigned int family = 0; family < 2; family++) {
		const struct endpoint to = endpoint_to(family ? "::1" : "127.0.0.1", b.listen_port);

		for (uint32_t i = 0; i < DATAGRAMS; i++)
			send_many(&a, &to, i * PER_DATAGRAM, PER_DATAGRAM, LEN);
		for (uint32_t i = 0; i < DATAGRAMS; i++) {
			cr_assert_eq(port_rx_burst(b.p, 0, m, PORT_BURST), PER_DATAGRAM);
			for (uint32_t k = 0; k < PER_DATAGRAM; k++)
				expect_numbered(m[k], i * PER_DATAGRAM + k, LEN);
			rte_pktmbuf_free_bulk(m, PER_DATAGRAM);
		}
		receive_none(&b, 0);
	}
	cr_expect_eq(dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

/* The socket is not asked for much more than a burst takes. */
Test(port_kernel_offload, no_more_is_received_than_is_wanted)
{
	struct rte_mbuf *m[4 * PORT_BURST];
	struct rte_mempool *large;
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	large = large_pool();
	to = endpoint_to("127.0.0.1", b.listen_port);
	send_many(&a, &to, 0, PORT_BURST, 100);
	expect_many(&b, 0, PORT_BURST, 100);		/* 64 in a datagram */
	for (uint32_t i = 0; i < 4; i++)
		send_many(&a, &to, i * PORT_BURST, PORT_BURST, 100);
	for (uint32_t i = 0; i < 4; i++) {
		forget();
		cr_expect_eq(port_rx_burst(b.p, 0, m + i * PORT_BURST, PORT_BURST), PORT_BURST);
		cr_expect_eq(datagrams, 1);
		cr_expect_eq(rte_mempool_in_use_count(large), LARGE_IDLE + 1 + i);
	}
	rte_pktmbuf_free_bulk(m, 4 * PORT_BURST);
	bed_end(&a);
	bed_end(&b);
}

/* Without a large buffer to spare, messages are copied, and none is lost. */
Test(port_kernel_offload, without_large_buffers_messages_are_copied)
{
	static struct rte_mbuf *hold[PORT_BURST + 1];
	struct rte_mempool *large;
	struct rte_mbuf *m[40];
	struct endpoint to;
	unsigned int n = 0;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	large = large_pool();
	while ((hold[n] = rte_pktmbuf_alloc(large)))
		n++;
	cr_expect_eq(n, PORT_BURST);
	to = endpoint_to("127.0.0.1", b.listen_port);
	for (unsigned int round = 0; round < 3; round++) {
		send_many(&a, &to, 0, 40, LEN);
		receive(&b, 0, m, 40);
		send_many(&a, &to, 40, 40, LEN);	/* the slot is used again */
		expect_many(&b, 40, 40, LEN);
		for (uint32_t i = 0; i < 40; i++) {
			cr_expect_eq(RTE_MBUF_CLONED(m[i]) != 0, round == 1);
			expect_numbered(m[i], i, LEN);
		}
		rte_pktmbuf_free_bulk(m, 40);
		if (round == 0)
			rte_pktmbuf_free(hold[--n]);
		else if (round == 1)
			hold[n++] = rte_pktmbuf_alloc(large);
	}
	rte_pktmbuf_free_bulk(hold, n);
	cr_expect_eq(dropped_at_all(&b), 0);
	bed_end(&a);
	bed_end(&b);
}

/* The pool has half of what a datagram needs. What is held back is lost when nothing else is to be had, and counted. */
Test(port_kernel_offload, without_mbufs_what_was_received_is_counted)
{
	struct rte_mempool *few = test_pool("few", 16);
	const struct port_kernel_conf conf = { .n_queues = 1, .pool = few };
	struct rte_mbuf *m[PORT_BURST];
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	cr_assert(bed_try(&b, &conf), "%s", err);
	to = endpoint_to("127.0.0.1", b.listen_port);
	send_many(&a, &to, 0, 40, LEN);
	cr_expect_eq(port_rx_burst(b.p, 0, m, PORT_BURST), 16);
	rte_pktmbuf_free_bulk(m + 8, 8);
	cr_expect_eq(port_rx_burst(b.p, 0, m + 8, PORT_BURST), 8);
	for (uint32_t i = 0; i < 8; i++) {
		expect_numbered(m[i], i, LEN);
		expect_numbered(m[8 + i], 16 + i, LEN);
	}
	cr_expect_eq(dropped_at_all(&b), 0);
	send_many(&a, &to, 40, 10, LEN);
	receive_none(&b, 0);
	cr_expect_eq(dropped(&b, DROP_NO_MBUF), 1 + 16);	/* itself, and the 16 */
	for (unsigned int i = 0; i < 5; i++)
		receive_none(&b, 0);
	cr_expect_eq(dropped(&b, DROP_NO_MBUF), 1 + 16);
	rte_pktmbuf_free_bulk(m, 16);
	expect_many(&b, 40, 10, LEN);				/* the kernel's, meanwhile */
	cr_expect_eq(dropped_at_all(&b), 1 + 16);
	cr_expect_eq(rte_mempool_in_use_count(large_pool()), LARGE_IDLE);

	/* And with messages that are still held when the port ends. */
	send_many(&a, &to, 50, 40, LEN);
	cr_expect_eq(port_rx_burst(b.p, 0, m, 5), 5);
	rte_pktmbuf_free_bulk(m, 5);
	bed_end(&a);
	bed_end(&b);
	cr_expect_eq(rte_mempool_avail_count(few), 16);
}

Test(port_kernel_offload, truncated_datagrams_are_counted_by_messages)
{
	struct endpoint to;
	struct bed a, b;

	bed_make(&a, 1);
	bed_make(&b, 1);
	to = endpoint_to("127.0.0.1", b.listen_port);
	for (uint32_t i = 0; i < 3; i++)
		send_many(&a, &to, i * 10, 10, 100);
	truncate_at = 2;
	expect_many(&b, 0, 10, 100);
	expect_many(&b, 20, 10, 100);
	cr_expect_eq(dropped(&b, DROP_OUTER_TRUNCATED), 10);
	cr_expect_eq(dropped_at_all(&b), 10);
	bed_end(&a);
	bed_end(&b);
}

/* Somebody else's datagrams that hold larger messages than we take: each is counted, the one that fits is not lost. */
Test(port_kernel_offload, too_large_messages_in_a_datagram)
{
	static uint8_t data[2 * 20000 + 100];
	const int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 20000;
	struct endpoint to;
	struct rte_mbuf *m;
	struct bed b;

	bed_make(&b, 1);
	to = endpoint_to("127.0.0.1", b.listen_port);
	cr_assert(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
	cr_assert(sendto(fd, data, sizeof(data), 0, &to.remote.sa, sizeof(to.remote.v4)) == sizeof(data));
	close(fd);
	receive(&b, 0, &m, 1);
	cr_expect_eq(m->data_len, 100);
	rte_pktmbuf_free(m);
	cr_expect_eq(dropped(&b, DROP_OUTER_TRUNCATED), 2);
	bed_end(&b);
}
