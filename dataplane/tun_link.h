/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WGDP_TUN_LINK_H
#define WGDP_TUN_LINK_H

#include <stdint.h>

/*
 * How many queues the tun interface `ifindex` has, whoever holds them, disabled ones too, by
 * rtnetlink in the caller's network namespace. 0, or -errno. Blocks for an answer of the kernel's;
 * control thread. Private to dataplane/.
 */
int tun_link_queues(uint32_t ifindex, unsigned int *n);

#endif
