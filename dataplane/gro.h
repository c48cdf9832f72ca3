/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive offload (GRO): finds in a burst the packets that follow each other in one TCP connection or one flow of UDP datagrams, and makes
 * super-packets of them, which cost the kernel one trip through its stack. A super-packet is written from where its packets lie: the
 * first one whole, of the others the payload. Pure functions on bytes that others may have chosen.
 *
 * Packets are merged when cutting the super-packet again (gso.h) makes the very packets that came: equal in TOS or traffic class, TTL or
 * hop limit, flow label, DF, acknowledgement, window, flags (but FIN and PSH, which end a super-packet) and TCP options, following
 * each other in sequence and in IPv4's identification, all as long as the first but the last, which may be shorter. One thing
 * is changed: with DF set, where an identification says nothing (RFC 6864 4.1), it may also stand still, and counts up when the host
 * cuts the super-packet. Checksums have to be right, since the kernel is told to make new ones.
 *
 * Order is kept within each flow: super-packets leave in the order of their first packets; a packet joins none but the newest of its
 * flow, and one that cannot be merged ends that. One of which the flow is not seen (a fragment, IPv4 options, IPv6 extension headers)
 * ends all.
 */
#ifndef WGDP_GRO_H
#define WGDP_GRO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vnet.h"

enum { GRO_BURST = 64 };

enum gro_kind {
	GRO_UNSEEN,	/* of any flow */
	GRO_ALONE,	/* of no flow that is merged */
	GRO_FLOW,	/* of a flow, but not to be merged */
	GRO_DATA,	/* may be merged */
};

struct gro_packet {
	uint8_t *data;
	uint32_t len;
	uint32_t hash;		/* of its flow: protocol, addresses, ports */
	uint16_t payload;	/* bytes of it; GRO_DATA: not 0 */
	uint8_t l4, header;	/* where the transport header begins and ends */
	uint8_t protocol, kind;
	bool right;		/* its checksums have been verified */
	uint8_t next;		/* packet that follows in the same super-packet */
};

struct gro_super {
	uint32_t len;
	uint8_t n;		/* packets in it; 1: it is no super-packet, but the packet as it came */
	uint8_t first, last;
	bool id_stands;		/* IPv4, two packets or more: DF, and the identification is the same on all */
};

struct gro {
	unsigned int n_supers, n_open;
	struct gro_super super[GRO_BURST];
	struct gro_packet packet[GRO_BURST];
	uint8_t open[GRO_BURST];	/* supers that may grow, one a flow at most, */
	uint32_t open_hash[GRO_BURST];	/* and the hashes of their flows */
};

/*
 * Sorts the n (up to GRO_BURST) packets that lie at `packets`, nothing of which is changed, into g->super[0..n_supers). UDP is merged when
 * `udp` is set. The packets stay the caller's, and have to stay while *g is used.
 */
void gro_burst(struct gro *g, const struct iovec *packets, unsigned int n, bool udp);

/*
 * Makes ready what is to be written for g->super[i]: fills *vnet, puts the pieces, super[i].n of them, into `iov`, and if that
 * is more than one, writes the super-packet's lengths, flags and checksums into the headers of its first packet. Once for each i.
 */
void gro_finish(struct gro *g, unsigned int i, struct virtio_net_hdr *vnet, struct iovec iov[GRO_BURST]);

#endif
