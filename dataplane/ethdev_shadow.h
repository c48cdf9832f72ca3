/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Holds our UDP port on the host for an ethdev port: sockets that receive nothing, so that the host
 * neither gives the port away nor answers with ICMP unreachable for what it sees of our traffic.
 * Control thread. Private to dataplane/.
 */
#ifndef WGDP_ETHDEV_SHADOW_H
#define WGDP_ETHDEV_SHADOW_H

#include "udp_socket.h"

/*
 * Takes listen_port (0: a free one) for IPv4 and, where the host has it, IPv6, on all addresses;
 * *port is what it is. 0, or -errno with a line in err and nothing held. udp_sockets_close lets go.
 */
int shadow_open(struct udp_sockets *s, uint16_t listen_port, uint16_t *port, char err[PORT_ERRLEN]);

#endif
