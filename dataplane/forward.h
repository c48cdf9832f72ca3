/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LAN fast path: a router between the LAN port and the tunnel, for the packets that need no judgement. It does what RFC 1812 section 5.2 and RFC 8200 ask of a router: header
 * checked, TTL decremented; and leaves to the host, which is a whole router, everything else: expired TTL, options, what is larger than the next link's MTU,
 * addresses that are not forwarded, destinations for which the fib (fib.h) has no other verdict. Private to dataplane/; the data core that runs it.
 */
#ifndef WGDP_FORWARD_H
#define WGDP_FORWARD_H

#include "core.h"

/*
 * n packets that the LAN port has received, n <= PORT_BURST. Those for the tunnel come first in m afterwards, with their TTL decremented; returns how many. The others have
 * gone to the host.
 */
unsigned int forward_from_lan(struct core *c, struct rte_mbuf **m, unsigned int n);

/* Opened packets, allowed to their peer: those for a neighbour on the LAN become frames for the LAN port (pkt.lan). Worker. */
void forward_opened(struct core *c, struct batch *b);

#endif
