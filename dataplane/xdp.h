/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP program that takes our UDP datagrams, and nothing else, off a netdev for DPDK's af_xdp
 * driver (wgdp_xdp.bpf.c, which is built in). The driver loads and attaches it by a path, and
 * detaches it when closed; its settings are left to us. Before they are made, and when nobody is
 * left to take packets, all pass to the host. Control thread. Private to dataplane/.
 */
#ifndef WGDP_XDP_H
#define WGDP_XDP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"

enum { XDP_PATHLEN = 32 };

struct xdp {
	uint32_t ifindex;
	int lock;		/* held as long as the netdev is ours */
	int object;		/* memfd with the compiled program, until bound */
	int conf, local;	/* the program's maps, once bound */
};

void xdp_init(struct xdp *x);

/*
 * Claims the netdev, takes off a program that a killed process of ours has left there, and gives
 * the path for the driver's `xdp_prog=`. 0, or -errno with a line in err.
 */
int xdp_open(struct xdp *x, const char *ifname, uint32_t ifindex, char path[XDP_PATHLEN],
	     char err[PORT_ERRLEN]);

/* Finds the maps once the driver has attached the program. 0, or -errno with a line in err. */
int xdp_bind(struct xdp *x, char err[PORT_ERRLEN]);

/*
 * Takes what goes to `mac` and UDP port `port` (host order), or `also` unless it is 0. 0, or -errno
 * with all as it was.
 */
int xdp_set(const struct xdp *x, const uint8_t mac[6], uint16_t port, uint16_t also);

/*
 * Only what goes to one of these addresses (IPv4 mapped, at most XDP_LOCAL_MAX) is taken. What is
 * in the old and the new list is taken throughout. 0, or -errno with some of it done: call it
 * again.
 */
int xdp_set_local(const struct xdp *x, const struct in6_addr *addrs, size_t n);

/* After the driver was closed. Whatever xdp_open said, and more than once. */
void xdp_close(struct xdp *x);

#endif
