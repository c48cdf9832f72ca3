/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segmentation (GSO): cuts what the kernel hands over in one piece, a super-packet of up to 64 KiB with one set of headers, into the
 * packets that it stands for, as the kernel itself would have. Pure functions on bytes that others may have chosen.
 */
#ifndef WGDP_GSO_H
#define WGDP_GSO_H

#include <stdbool.h>
#include <stdint.h>

#include "vnet.h"

enum gso_kind {
	GSO_WHOLE,	/* one packet, as it is */
	GSO_CHECKSUM,	/* one packet without its checksum */
	GSO_TCP,
	GSO_UDP,
};

/* How far the cutting of one packet has come. */
struct gso {
	const uint8_t *data;	/* the super-packet; stays the caller's, and unchanged until the last segment is cut */
	uint32_t len;
	uint32_t left;		/* segments that are still to be cut */
	uint32_t offset;	/* of the payload that comes next */
	uint32_t max_len;	/* of the longest segment, headers and all */
	uint64_t pseudo;	/* sum of the pseudo-header but for its length; GSO_CHECKSUM: 0 */
	uint16_t l4, header;	/* where the transport header begins, and where it ends */
	uint16_t size;		/* payload of a segment */
	uint16_t check;		/* where the transport checksum lies */
	uint8_t kind;		/* enum gso_kind */
};

/*
 * Takes the packet of `len` (1 to 65535) bytes at `data`, which came with the header *vnet. False: the two do not agree, or it is a
 * kind that was not asked for. hdr_len is a hint, and not looked at.
 */
bool gso_begin(struct gso *g, const struct virtio_net_hdr *vnet, const uint8_t *data, uint32_t len);

/*
 * Writes the next segment to `to`, which has room for g->max_len bytes, and returns its length. Not when none is left.
 *
 * IPv4: total length, identification counting up from the first, header checksum. IPv6: payload length. TCP: sequence number; FIN and
 * PSH stay on the last segment alone, CWR on the first alone (RFC 3168 6.1.2). UDP: length. The transport checksum is complete; all else
 * is on each segment as it was on the whole.
 */
uint32_t gso_cut(struct gso *g, uint8_t *to);

#endif
