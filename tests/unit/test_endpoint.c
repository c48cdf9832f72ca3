/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "endpoint.h"

/* "" is no endpoint; an address with a ':' is IPv6. */
static struct endpoint make(const char *addr, uint16_t port, uint32_t scope)
{
	struct endpoint ep;

	memset(&ep, 0, sizeof(ep));
	if (strchr(addr, ':')) {
		ep.remote.v6.sin6_family = AF_INET6;
		ep.remote.v6.sin6_port = htons(port);
		ep.remote.v6.sin6_scope_id = scope;
		cr_assert(inet_pton(AF_INET6, addr, &ep.remote.v6.sin6_addr) == 1);
	} else if (*addr) {
		ep.remote.v4.sin_family = AF_INET;
		ep.remote.v4.sin_port = htons(port);
		cr_assert(inet_pton(AF_INET, addr, &ep.remote.v4.sin_addr) == 1);
	}
	return ep;
}

static const struct {
	const char *addr;
	uint16_t port;
	uint32_t scope;
	const char *text;
	socklen_t socklen;
	uint8_t source[18];
	size_t source_len;
} table[] = {
	{ "", 0, 0, "(none)", 0, { 0 }, 0 },
	{ "192.0.2.1", 51820, 0, "192.0.2.1:51820", sizeof(struct sockaddr_in),
	  { 192, 0, 2, 1, 0xca, 0x6c }, 6 },
	{ "255.255.255.255", 65535, 0, "255.255.255.255:65535", sizeof(struct sockaddr_in),
	  { 255, 255, 255, 255, 255, 255 }, 6 },
	{ "2001:db8::1", 51820, 0, "[2001:db8::1]:51820", sizeof(struct sockaddr_in6),
	  { 0x20, 0x01, 0x0d, 0xb8, [15] = 1, 0xca, 0x6c }, 18 },
	{ "fe80::1", 1, 2, "[fe80::1%2]:1", sizeof(struct sockaddr_in6),
	  { 0xfe, 0x80, [15] = 1, 0, 1 }, 18 },
	{ "::", 0, 0, "[::]:0", sizeof(struct sockaddr_in6), { 0 }, 18 },
	{ "fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 4294967295u,
	  "[fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535",
	  sizeof(struct sockaddr_in6),
	  { 0xfe, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff }, 18 },
};

static struct endpoint make_row(size_t i)
{
	return make(table[i].addr, table[i].port, table[i].scope);
}

Test(endpoint, table)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct endpoint ep = make_row(i);
		uint8_t source[18] = { 0 };
		char text[ENDPOINT_STRLEN];

		cr_expect(endpoint_format(&ep, text) == text);
		cr_expect_str_eq(text, table[i].text);
		cr_expect_eq(endpoint_socklen(&ep), table[i].socklen, "%s", text);
		cr_expect_eq(endpoint_source(&ep, source), table[i].source_len, "%s", text);
		cr_expect_arr_eq(source, table[i].source, sizeof(source), "%s", text);
	}
}

Test(endpoint, equal_to_itself_alone)
{
	const size_t n = sizeof(table) / sizeof(table[0]);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			const struct endpoint a = make_row(i), b = make_row(j);

			cr_expect_eq(endpoint_equal(&a, &b), i == j, "%zu %zu", i, j);
			cr_expect_eq(endpoint_same_remote(&a, &b), i == j, "%zu %zu", i, j);
		}
	}
}

Test(endpoint, local_part_counts_in_equal_only)
{
	const struct endpoint a = make("2001:db8::1", 51820, 0);
	struct endpoint b = a;

	b.local.v6.s6_addr[15] = 1;
	cr_expect(!endpoint_equal(&a, &b));
	cr_expect(endpoint_same_remote(&a, &b));
	b = a;
	b.local_ifindex = 1;
	cr_expect(!endpoint_equal(&a, &b));
	cr_expect(endpoint_same_remote(&a, &b));
	b = a;
	b.remote.v6.sin6_port = htons(51821);
	cr_expect(!endpoint_equal(&a, &b));
	cr_expect(!endpoint_same_remote(&a, &b));
	b = a;
	b.remote.v6.sin6_scope_id = 1;
	cr_expect(!endpoint_same_remote(&a, &b));
}
