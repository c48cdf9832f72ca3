/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sending half of a queue of the kernel port: a socket of each family, written with UDP_SEGMENT, many messages to one peer at a time.
 * Private to the kernel port; all of it is the data core's that owns the queue, but for init (control thread).
 */
#ifndef WGDP_KERNEL_TX_H
#define WGDP_KERNEL_TX_H

#include "port.h"
#include "udp_socket.h"

enum {
	KERNEL_TX_CTL = CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo)),
	KERNEL_TX_PATHS = 256,		/* power of 2 */
};

struct kernel_tx_ctl {
	uint8_t b[KERNEL_TX_CTL];
} __attribute__((aligned(64)));

/* Groups of one family: a system-level message each, with an iovec a packet. The last one may still grow. */
struct kernel_tx_vector {
	int family;
	const int *fd;			/* atomic: the control thread's; -1: none (yet) */
	bool segments;			/* the socket can cut a group; without, each packet is a group */
	unsigned int n, n_iov;		/* groups, packets in them */
	const struct rte_mbuf *head;	/* first packet of the last group; */
	uint32_t bytes;			/* all of it so far; */
	bool full;			/* nothing may follow in it */
	struct mmsghdr msg[PORT_BURST];
	struct iovec iov[PORT_BURST];
	struct kernel_tx_ctl ctl[PORT_BURST];
};

struct kernel_tx {
	/* By a hash of the remote address: groups that are to go as single packets, since one was refused. */
	uint8_t rest[KERNEL_TX_PATHS];
	struct kernel_tx_vector v[UDP_FAMILIES];
};

/* Writes to s->fd, as it is at each burst. The sockets stay the caller's. */
void kernel_tx_init(struct kernel_tx *tx, const struct udp_sockets *s);

/* As port_ops.tx_burst. */
uint16_t kernel_tx_burst(struct kernel_tx *tx, struct rte_mbuf **m, uint16_t n, struct counters *c);

#endif
