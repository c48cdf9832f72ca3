/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst's packets, sorted into runs: what is done once a run (counters, replay window, time stamps, way to the peer, a datagram
 * cut by the kernel) is then done once a session and burst, however the packets of several peers were mixed. Pure; private to dataplane/.
 */
#ifndef WGDP_GROUP_H
#define WGDP_GROUP_H

#include <rte_mbuf.h>

struct session;

/*
 * Puts the n <= 64 packets of m next to those of the same session, s[i] being that of m[i]; within a session they stay in order, and
 * sessions in that of their first packets. Returns how many sessions there are.
 */
unsigned int group_by_session(struct rte_mbuf **m, struct session **s, unsigned int n);

#endif
