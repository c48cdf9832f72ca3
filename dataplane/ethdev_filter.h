/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WGDP_ETHDEV_FILTER_H
#define WGDP_ETHDEV_FILTER_H

#include <stdint.h>

/*
 * Lets through packet socket `fd` only what may be ours: UDP to `port` (host order), and to `also`
 * unless it is 0, to the netdev's own MAC address, untagged, in one piece. Spares the data core the rest of the host's
 * traffic; what is ours is judged by frame_parse. At any time, in the place of the filter
 * before. 0, or -errno and that one stays. Control thread. Private to dataplane/.
 */
int filter_attach(int fd, uint16_t port, uint16_t also);

#endif
