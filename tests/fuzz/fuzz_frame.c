/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: a frame to frame_l2_parse and frame_parse. What it takes must lie within the frame and name a sender one
 * can answer; the same frame cut short must never be taken for more; and the answer, built from it, must parse as coming
 * back the same way, on the same VLAN.
 */
#include <stdlib.h>
#include <string.h>

#include "ethdev_frame.h"

enum { PORT = 51820, IFINDEX = 7, MESSAGE = 32 };

#define check(what) ((what) ? (void)0 : abort())

static void check_answer(const struct frame_l2 *l2, const struct frame *f)
{
	uint8_t answer[FRAME_HEADERS_MAX + MESSAGE] = { 0 };
	struct frame_l2 to = *l2, back_l2;
	struct frame back;
	size_t headers;

	memcpy(to.dst, l2->src, FRAME_MAC_LEN);
	memcpy(to.src, l2->dst, FRAME_MAC_LEN);
	headers = frame_headers(answer, &to, &f->ep);
	frame_finish(answer, headers, MESSAGE, PORT, f->ds, FRAME_CHECKSUMS_FULL);
	check(frame_l2_parse(answer, headers + MESSAGE, &back_l2));
	check(back_l2.vid == l2->vid && back_l2.type == l2->type);
	check(memcmp(back_l2.dst, l2->src, FRAME_MAC_LEN) == 0 && memcmp(back_l2.src, l2->dst, FRAME_MAC_LEN) == 0);
	check(frame_parse(answer, headers + MESSAGE, &back_l2, ntohs(f->ep.remote.v4.sin_port),
			  IFINDEX, &back) == FRAME_OURS);
	check(back.ds == f->ds && back.payload_len == MESSAGE);
	check(back.ep.remote.v4.sin_port == htons(PORT));
	if (f->ep.remote.sa.sa_family == AF_INET) {
		check(back.ep.local.v4.s_addr == f->ep.remote.v4.sin_addr.s_addr);
		check(back.ep.remote.v4.sin_addr.s_addr == f->ep.local.v4.s_addr);
	} else {
		check(IN6_ARE_ADDR_EQUAL(&back.ep.local.v6, &f->ep.remote.v6.sin6_addr));
		check(IN6_ARE_ADDR_EQUAL(&back.ep.remote.v6.sin6_addr, &f->ep.local.v6));
	}
}

/* An address that sends, since it is the source of the answer. */
static bool is_unicast(const struct endpoint *ep)
{
	uint32_t v4 = ntohl(ep->local.v4.s_addr);

	if (ep->remote.sa.sa_family == AF_INET)
		return v4 && v4 != INADDR_BROADCAST && !IN_MULTICAST(v4);
	return !IN6_IS_ADDR_UNSPECIFIED(&ep->local.v6) && !IN6_IS_ADDR_MULTICAST(&ep->local.v6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum frame_verdict v;
	struct frame f, cut;
	struct frame_l2 l2;

	if (!frame_l2_parse(data, size, &l2))
		return 0;
	check(l2.len <= size && (l2.len == FRAME_ETH_LEN || l2.len == FRAME_ETH_LEN + FRAME_VLAN_LEN));
	v = frame_parse(data, size, &l2, PORT, IFINDEX, &f);
	if (v == FRAME_FRAGMENT || v == FRAME_OURS) {
		check(f.l2_len == l2.len && f.ep.local_ifindex == IFINDEX);
		check(f.ep.remote.sa.sa_family == AF_INET || f.ep.remote.sa.sa_family == AF_INET6);
	}
	if (v != FRAME_OURS)
		return 0;
	check((size_t)f.l2_len + f.l3_len + FRAME_UDP_LEN + f.payload_len <= size && f.ep.remote.v4.sin_port);
	if (is_unicast(&f.ep) && l2.vid < 4095 && !(l2.dst[0] & 1))
		check_answer(&l2, &f);
	if (frame_parse(data, size - 1, &l2, PORT, IFINDEX, &cut) == FRAME_OURS)
		check(memcmp(&cut, &f, sizeof(f)) == 0);
	return 0;
}
