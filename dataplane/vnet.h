/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header that the kernel puts in front of a packet on a tun descriptor with IFF_VNET_HDR, and what older kernel headers lack of it
 * (Debian 12's: UDP segmentation came with Linux 6.2). Multi-byte fields are little-endian, as TUNSETVNETLE asks for.
 */
#ifndef WGDP_VNET_H
#define WGDP_VNET_H

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* Where the checksum lies in a TCP and in a UDP header, and what <netinet/tcp.h> has no name for. */
enum { TCP_CHECK = 16, UDP_CHECK = 6, TCP_DATA_OFFSET = 12, TCP_FLAGS = 13, TH_CWR = 0x80 };

#endif
