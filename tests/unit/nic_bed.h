/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices that DPDK owns without any hardware: net_ring devices, whose two rings are the wire, in a network namespace of the test's own, where
 * their mirrors are. A packet socket on a mirror is the host: it hears what has gone up and says what is to go out. Needs root. Everything ends with the
 * test's process.
 */
#ifndef WGDP_TEST_NIC_BED_H
#define WGDP_TEST_NIC_BED_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "eal.h"
#include "netns.h"
#include "port.h"
#include "rcu.h"

enum { WIRE_RING = 1024, WIRE_QUEUES = 4, HOST_FRAME_MAX = 9300, HOST_WAIT_MS = 10000 };

static char err[PORT_ERRLEN];

/* The ends of a device's wire that are the test's: what it puts into rx arrives, what is sent lies in tx. */
struct wire {
	char device[RTE_DEV_NAME_MAX_LEN];
	struct rte_ring *rx[WIRE_QUEUES], *tx[WIRE_QUEUES];
};

/* The test's own namespace, in which nobody says anything by himself. */
static inline void nic_bed_net(void)
{
	test_netns_init();
	test_sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
	rcu_register_thread();
}

static inline void wire_make(struct wire *w, const char *name, unsigned int queues)
{
	char text[RTE_RING_NAMESIZE];

	for (unsigned int q = 0; q < queues; q++) {
		snprintf(text, sizeof(text), "%s.rx%u", name, q);
		w->rx[q] = rte_ring_create(text, WIRE_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
		snprintf(text, sizeof(text), "%s.tx%u", name, q);
		w->tx[q] = rte_ring_create(text, WIRE_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
		cr_assert(w->rx[q] && w->tx[q]);
	}
	cr_assert_geq(rte_eth_from_rings(name, w->rx, queues, w->tx, queues, SOCKET_ID_ANY), 0);
	snprintf(w->device, sizeof(w->device), "net_ring_%s", name);
}

/* The other end of the link is there, or is not. */
static inline void wire_set_link(const struct wire *w, bool up)
{
	uint16_t id;

	cr_assert_eq(rte_eth_dev_get_port_by_name(w->device, &id), 0);
	cr_assert_eq(up ? rte_eth_dev_set_link_up(id) : rte_eth_dev_set_link_down(id), 0);
}

static inline void wire_put(struct wire *w, unsigned int q, struct rte_mbuf *m)
{
	cr_assert_eq(rte_ring_enqueue(w->rx[q], m), 0);
}

/* What the device has sent next; NULL: nothing. */
static inline struct rte_mbuf *wire_get(struct wire *w, unsigned int q)
{
	void *m;

	return rte_ring_dequeue(w->tx[q], &m) == 0 ? m : NULL;
}

/* A packet socket of the host's on an interface: what has arrived there, VLAN tags put back. */
static inline int host_open(const char *ifname)
{
	const struct timeval timeout = { .tv_sec = HOST_WAIT_MS / 1000 };
	const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(ifname) };
	const int one = 1, room = 16 << 20;
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), 0);
	cr_assert_eq(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The kernel has taken the tag off. */
static inline size_t host_retag(uint8_t *frame, size_t len, const struct tpacket_auxdata *aux)
{
	const uint8_t tag[4] = { 0x81, 0, (uint8_t)(aux->tp_vlan_tci >> 8), (uint8_t)aux->tp_vlan_tci };

	if (!(aux->tp_status & TP_STATUS_VLAN_VALID))
		return len;
	memmove(frame + 16, frame + 12, len - 12);
	memcpy(frame + 12, tag, sizeof(tag));
	return len + sizeof(tag);
}

/* The next frame that has arrived there; its length, 0: none comes. */
static inline size_t host_hear(int fd, uint8_t frame[HOST_FRAME_MAX])
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))] __attribute__((aligned(8)));
	struct iovec iov = { frame, HOST_FRAME_MAX - 4 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	const ssize_t len = recvmsg(fd, &msg, 0);
	struct tpacket_auxdata aux = { 0 };

	if (len <= 0)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	return host_retag(frame, (size_t)len, &aux);
}

/* The next frame there is this one, padding aside. */
static inline void host_expect(int fd, const uint8_t *frame, size_t len)
{
	uint8_t got[HOST_FRAME_MAX];
	const size_t n = host_hear(fd, got);

	cr_assert_geq(n, len, "%zu of %zu bytes", n, len);
	cr_assert(n == len || n <= 60, "%zu bytes for %zu", n, len);
	cr_assert_arr_eq(got, frame, len);
}

static inline void host_say(int fd, const void *frame, size_t len)
{
	cr_assert_eq(send(fd, frame, len, 0), (ssize_t)len);
}

/* Of an interface; false: it is not there. */
static inline bool host_ifreq(const char *ifname, unsigned long request, struct ifreq *ifr)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", ifname);
	ok = ioctl(fd, request, ifr) == 0;
	close(fd);
	return ok;
}

#endif
