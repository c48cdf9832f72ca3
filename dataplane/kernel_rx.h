/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receiving half of a queue of the kernel port: a socket of each family, read with UDP_GRO, where a datagram may be many messages.
 * Private to the kernel port; all of it is the data core's that owns the queue, but for init and fini (control thread).
 */
#ifndef WGDP_KERNEL_RX_H
#define WGDP_KERNEL_RX_H

#include "port.h"
#include "udp_socket.h"

enum {
	/* Large buffers of a queue: the slots of both families, and as many as one family's for datagrams that are on their way. */
	KERNEL_RX_LARGE = 3 * PORT_BURST,

	KERNEL_RX_CTL = CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)),
};

struct kernel_rx_ctl {
	uint8_t b[KERNEL_RX_CTL];
} __attribute__((aligned(64)));

/* What is left of a datagram that is being handed out. */
struct kernel_rx_datagram {
	struct endpoint ep;		/* of each message in it, as is ds */
	uint8_t ds;
	unsigned int left;		/* messages; 0: none has been begun */
	uint32_t seg, len, at;		/* bytes: a message, the last of which may be shorter; all of them; handed out so far */
	struct rte_mbuf *large;		/* what messages are views into, and a reference of ours to it. NULL: they are copied, */
	const uint8_t *data;		/* from here */
};

struct kernel_rx_family {
	const int *fd;			/* atomic: the control thread's; -1: none (yet) */
	unsigned int next, end;		/* slots [next..end) have been received, and are not handed out yet, or not all of the first */
	unsigned int per_datagram;	/* messages, in what was received last: to ask for no more than the next burst may take */
	uint32_t messages;		/* in the slots received last */
	struct kernel_rx_datagram now;	/* that of slot `next` */
	struct rte_mbuf *large[PORT_BURST];
	struct endpoint from[PORT_BURST];
	struct mmsghdr msg[PORT_BURST];
	struct iovec iov[PORT_BURST];
	struct kernel_rx_ctl ctl[PORT_BURST];
};

struct kernel_rx {
	struct rte_mempool *pool, *large_pool;
	unsigned int turn;		/* the family to be read first next time */
	unsigned int empty;		/* places at the front of `stock` that hold no mbuf */
	bool dry;			/* the pool had nothing, and it has been counted */
	struct rte_mbuf *stock[PORT_BURST];
	struct kernel_rx_family family[UDP_FAMILIES];
};

/* The large buffers of `n_queues` queues, and the most memory that they take. NULL: no memory. The caller's to free, after every fini. */
struct rte_mempool *kernel_rx_large_pool(uint16_t n_queues);
size_t kernel_rx_large_memory(uint16_t n_queues);

/*
 * Reads from s->fd, as it is at each burst. False: `large_pool` had too little. fini undoes either, and also what was only zeroed. The
 * sockets stay the caller's.
 */
bool kernel_rx_init(struct kernel_rx *rx, const struct udp_sockets *s, struct rte_mempool *pool, struct rte_mempool *large_pool);
void kernel_rx_fini(struct kernel_rx *rx);

/* As port_ops.rx_burst. When it returns 0, it holds no message back: what there may be is in the sockets, which are readable then. */
uint16_t kernel_rx_burst(struct kernel_rx *rx, struct rte_mbuf **m, uint16_t n, struct counters *c);

#endif
