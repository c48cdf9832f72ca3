/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool endpoint_same_remote(const struct endpoint *a, const struct endpoint *b)
{
	return memcmp(&a->remote, &b->remote, sizeof(a->remote)) == 0;
}

socklen_t endpoint_socklen(const struct endpoint *ep)
{
	switch (ep->remote.sa.sa_family) {
	case AF_INET:
		return sizeof(ep->remote.v4);
	case AF_INET6:
		return sizeof(ep->remote.v6);
	default:
		return 0;
	}
}

static size_t put_source(uint8_t *out, const void *addr, size_t len, in_port_t port)
{
	memcpy(out, addr, len);
	memcpy(out + len, &port, sizeof(port));
	return len + sizeof(port);
}

size_t endpoint_source(const struct endpoint *ep, uint8_t out[18])
{
	const struct sockaddr_in *v4 = &ep->remote.v4;
	const struct sockaddr_in6 *v6 = &ep->remote.v6;

	switch (ep->remote.sa.sa_family) {
	case AF_INET:
		return put_source(out, &v4->sin_addr, sizeof(v4->sin_addr), v4->sin_port);
	case AF_INET6:
		return put_source(out, &v6->sin6_addr, sizeof(v6->sin6_addr), v6->sin6_port);
	default:
		return 0;
	}
}

static void format_v6(const struct sockaddr_in6 *v6, char out[ENDPOINT_STRLEN])
{
	char addr[INET6_ADDRSTRLEN], scope[12] = "";

	inet_ntop(AF_INET6, &v6->sin6_addr, addr, sizeof(addr));
	if (v6->sin6_scope_id)
		snprintf(scope, sizeof(scope), "%%%u", v6->sin6_scope_id);
	snprintf(out, ENDPOINT_STRLEN, "[%s%s]:%u", addr, scope, ntohs(v6->sin6_port));
}

const char *endpoint_format(const struct endpoint *ep, char out[ENDPOINT_STRLEN])
{
	char addr[INET_ADDRSTRLEN];

	switch (ep->remote.sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &ep->remote.v4.sin_addr, addr, sizeof(addr));
		snprintf(out, ENDPOINT_STRLEN, "%s:%u", addr, ntohs(ep->remote.v4.sin_port));
		break;
	case AF_INET6:
		format_v6(&ep->remote.v6, out);
		break;
	default:
		snprintf(out, ENDPOINT_STRLEN, "(none)");
	}
	return out;
}
