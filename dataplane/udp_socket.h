/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the UDP sockets of the kernel port: pairs for IPv4 and IPv6 that are bound to one port on
 * all addresses, do not block, tell destination and TOS of what they receive, take many datagrams
 * of one sender as one (UDP_GRO), and leave it to the sender's IP to fragment. Control thread.
 * Private to dataplane/.
 */
#ifndef WGDP_UDP_SOCKET_H
#define WGDP_UDP_SOCKET_H

#include "port.h"

enum { V4, V6, UDP_FAMILIES };

struct udp_sockets {
	int fd[UDP_FAMILIES];	/* -1: none; fd[V6] stays so on a host without IPv6 */
	bool segments;		/* they know UDP_SEGMENT, which others would ignore and send one large datagram */
};

void udp_sockets_init(struct udp_sockets *s);
void udp_sockets_close(struct udp_sockets *s);

/*
 * The first pair. A port that any other socket has is an error, whether that one would share it or
 * not. *port is the port bound: conf's, or a free one. 0, or -errno with a line in err; what was
 * opened is the caller's to close either way.
 */
int udp_sockets_first(struct udp_sockets *s, const struct port_kernel_conf *conf, uint16_t *port,
		      char err[PORT_ERRLEN]);

/*
 * One more pair on the first one's port, where the host spreads datagrams by their addresses and
 * ports. Returns as udp_sockets_first does.
 */
int udp_sockets_join(struct udp_sockets *s, const struct udp_sockets *first,
		     const struct port_kernel_conf *conf, uint16_t port, char err[PORT_ERRLEN]);

/* 0, or -errno. */
int udp_sockets_set_fwmark(const struct udp_sockets *s, uint32_t fwmark);

#endif
