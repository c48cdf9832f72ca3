/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a peer is: its address and port, and the address of ours that it used, so that answers leave from there.
 */
#ifndef WGDP_ENDPOINT_H
#define WGDP_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * All bytes that are not set are zero (sin_zero, flow label, scope of an address that is not link-local), so that two endpoints
 * are equal when their bytes are. sa_family AF_UNSPEC: no endpoint.
 */
struct endpoint {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} remote;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} local;		/* zeros: not known, the host's routing chooses */
	uint32_t local_ifindex;	/* 0: not known */
};

_Static_assert(sizeof(struct endpoint) == 48, "endpoint has no holes");

enum { ENDPOINT_STRLEN = INET6_ADDRSTRLEN + 24 };

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t x[6], y[6], differ = 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (unsigned int i = 0; i < 6; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* Same remote address and port, whatever the local part. */
bool endpoint_same_remote(const struct endpoint *a, const struct endpoint *b);

/* Length in bytes of the remote's sockaddr; 0 for AF_UNSPEC. */
socklen_t endpoint_socklen(const struct endpoint *ep);

/* Address and port of the remote as cookie.h wants a source: network order. Returns 6, 18, or 0 for AF_UNSPEC. */
size_t endpoint_source(const struct endpoint *ep, uint8_t out[18]);

/* "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820" or "(none)". Returns out. */
const char *endpoint_format(const struct endpoint *ep, char out[ENDPOINT_STRLEN]);

#endif
