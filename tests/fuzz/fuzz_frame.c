/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: a frame to frame_parse. What it takes must lie within the frame and name a sender one
 * can answer; the same frame cut short must never be taken for more; and the answer, built from it,
 * must parse as coming back the same way.
 */
#include <stdlib.h>
#include <string.h>

#include "ethdev_frame.h"

enum { PORT = 51820, IFINDEX = 7, MESSAGE = 32 };

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

#define check(what) ((what) ? (void)0 : abort())

static void check_answer(const uint8_t *data, const struct frame *f)
{
	uint8_t answer[FRAME_HEADERS6 + MESSAGE] = { 0 };
	struct frame back;
	size_t headers;

	headers = frame_headers(answer, mac, data + 6, &f->ep);
	frame_finish(answer, headers, MESSAGE, PORT, f->ds);
	check(frame_parse(answer, headers + MESSAGE, data + 6, ntohs(f->ep.remote.v4.sin_port),
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
	struct frame f, cut;

	if (frame_parse(data, size, mac, PORT, IFINDEX, &f) != FRAME_OURS)
		return 0;
	check(f.l2_len == FRAME_ETH_LEN && (size_t)f.l2_len + f.l3_len + FRAME_UDP_LEN +
	      f.payload_len <= size);
	check(f.ep.local_ifindex == IFINDEX && f.ep.remote.v4.sin_port);
	check(f.ep.remote.sa.sa_family == AF_INET || f.ep.remote.sa.sa_family == AF_INET6);
	if (is_unicast(&f.ep))
		check_answer(data, &f);
	if (frame_parse(data, size - 1, mac, PORT, IFINDEX, &cut) == FRAME_OURS)
		check(memcmp(&cut, &f, sizeof(f)) == 0);
	return 0;
}
