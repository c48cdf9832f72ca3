/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: the kernel's header and a packet to gso_begin. What it takes is cut into buffers of just the size that it asks for; the
 * segments have to be those of the plain implementation, and all of the payload has to be in them.
 */
#include <stdio.h>

#include "offload_oracle.h"

#define check(what) ((what) ? (void)0 : abort())

static void check_checksum(struct gso *g, const uint8_t *p, size_t len, size_t start, size_t field)
{
	uint8_t *to = malloc(g->max_len), *want = malloc(len);
	const uint16_t sum = ~naive_fold(naive_sum(p + start, len - start));

	memcpy(want, p, len);
	put16(want + field, sum ? sum : 0xffff);
	check(g->left == 1 && g->max_len == len && gso_cut(g, to) == len);
	check(memcmp(to, want, len) == 0);
	free(to);
	free(want);
}

static void check_segments(struct gso *g, const uint8_t *p, size_t len, bool partial, uint16_t size)
{
	const bool udp = g->kind == GSO_UDP;
	const size_t l4 = g->l4, header = g->header;
	uint8_t *to = malloc(g->max_len), *want = malloc(len), *copy = malloc(len);
	size_t payload = 0, n;

	check(header == l4 + (udp ? 8 : (p[l4 + 12] >> 4) * 4) && header <= len);
	memcpy(copy, p, len);
	if (!partial)
		put16(copy + l4 + (udp ? 6 : 16), naive_fold(naive_pseudo(p, udp ? IPPROTO_UDP : IPPROTO_TCP, len - l4)));
	for (size_t i = 0; g->left; i++) {
		n = naive_cut(copy, len, l4, header, udp, size, i, want);
		check(n <= g->max_len && gso_cut(g, to) == n);
		check(memcmp(to, want, n) == 0);
		payload += n - header;
	}
	check(payload == len - header);
	free(to);
	free(want);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr vnet;
	struct gso g;
	size_t len;

	if (size <= sizeof(vnet) || size > sizeof(vnet) + 65535)
		return 0;
	memcpy(&vnet, data, sizeof(vnet));
	data += sizeof(vnet);
	len = size - sizeof(vnet);
	if (!gso_begin(&g, &vnet, data, len))
		return 0;
	if (g.kind == GSO_TCP || g.kind == GSO_UDP)
		check_segments(&g, data, len, vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, vnet.gso_size);
	else if (g.kind == GSO_CHECKSUM)
		check_checksum(&g, data, len, vnet.csum_start, (size_t)vnet.csum_start + vnet.csum_offset);
	else
		check(g.left == 1 && g.max_len == len);
	return 0;
}
