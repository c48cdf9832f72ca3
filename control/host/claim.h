/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A netdev beneath a device that DPDK owns through a packet socket (net_af_packet): the kernel would go on handing what arrives there to its own stack as well, which would answer everything
 * a second time, past the mirror. A claim keeps it from that, by an nftables table of the netdev's ingress, behind the packet sockets. The table goes with the process, however
 * that ends. Control thread; in this thread's network namespace.
 */
#ifndef WGDP_CLAIM_H
#define WGDP_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

struct claim;

/*
 * `device`: the conf's device string. NULL with nothing in err (err[0] 0): it needs no claim. NULL with a line in err: it could not be claimed.
 */
struct claim *claim_create(const char *device, char *err, size_t size);
/* NULL is allowed. */
void claim_destroy(struct claim *c);

#endif
