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
	int fd[UDP_FAMILIES];	/* -1: none; fd[V6] is so on a host without IPv6 */
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

/*
 * Where there is no IPv6 socket any more, but a data core knows the number of one: a socket for it to
 * have, without address or port, from which nothing comes and that takes nothing to an IPv6 address.
 * Returns as udp_sockets_first does.
 */
int udp_sockets_stand_in(struct udp_sockets *s, char err[PORT_ERRLEN]);

/*
 * Puts `with`, which is empty then, in the place of `s` while data cores use it: a number in s->fd
 * stays what it is, and is another socket from one system call to the next; where there was none, it
 * is stored. A family that `with` lacks stays as it is. Cannot fail. What had arrived at an old socket
 * and was not read yet is lost.
 */
void udp_sockets_replace(struct udp_sockets *s, struct udp_sockets *with);

/* All that there are. 0, or -errno: some may have it. */
int udp_sockets_set_fwmark(const struct udp_sockets *s, uint32_t fwmark);

#endif
