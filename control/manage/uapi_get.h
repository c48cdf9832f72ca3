/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UAPI's get=1: the answer, errno included, in pieces. Keys and their order are wireguard-go's; the zone of a link-local endpoint is shown as
 * well, which that one leaves out. With names it is the answer to peers=1 (uapi.h). Control thread.
 */
#ifndef WGDP_UAPI_GET_H
#define WGDP_UAPI_GET_H

#include <stdbool.h>
#include <stddef.h>

struct allowedips_prefix;
struct iface;
struct peer;

/* The least room for a piece. */
enum { UAPI_GET_MIN = 1024 };

enum uapi_get_state { UAPI_GET_HEAD, UAPI_GET_PEER, UAPI_GET_PREFIXES, UAPI_GET_END, UAPI_GET_DONE };

/* Where the text goes on: at this peer's first line, or at this prefix of it. Good as long as no peer and no allowed IP goes. */
struct uapi_get {
	const struct iface *iface;
	bool names;
	enum uapi_get_state state;
	const struct peer *peer;
	const struct allowedips_prefix *prefix;
};

void uapi_get_init(struct uapi_get *g, const struct iface *iface, bool names);

/* Fills out with whole lines; returns how many bytes of it. 0: all has been said. size: UAPI_GET_MIN at least. */
size_t uapi_get_piece(struct uapi_get *g, char *out, size_t size);

/* Do both go on at the same place, with the same text? */
bool uapi_get_same(const struct uapi_get *a, const struct uapi_get *b);

#endif
