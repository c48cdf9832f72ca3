/* SPDX-License-Identifier: BSD-3-Clause */
#include "uapi_text.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include <openssl/crypto.h>

/* Writing. */

/* 0 to 15. Arithmetic on all bits instead of a table: which memory is read says nothing about the key. */
static char digit_encode(unsigned int v)
{
	return (char)(v + '0' + ((9 - v) >> 8 & ('a' - '0' - 10)));
}

char *uapi_put_key(char *out, const uint8_t key[WG_KEY_LEN])
{
	for (unsigned int i = 0; i < WG_KEY_LEN; i++) {
		out[2 * i] = digit_encode(key[i] >> 4);
		out[2 * i + 1] = digit_encode(key[i] & 15);
	}
	return out + UAPI_KEY_LEN;
}

char *uapi_put_number(char *out, uint64_t n)
{
	char digits[UAPI_NUMBER_LEN];
	size_t len = 0;

	do
		digits[sizeof(digits) - ++len] = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(out, digits + sizeof(digits) - len, len);
	return out + len;
}

char *uapi_put_address(char *out, int family, const void *addr)
{
	const uint8_t *b = addr;

	if (family == AF_INET6) {
		char text[INET6_ADDRSTRLEN];
		size_t len;

		inet_ntop(AF_INET6, addr, text, sizeof(text));
		len = strlen(text);
		memcpy(out, text, len);
		return out + len;
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (i)
			*out++ = '.';
		out = uapi_put_number(out, b[i]);
	}
	return out;
}

char *uapi_put_endpoint(char *out, const struct endpoint *ep)
{
	if (ep->remote.sa.sa_family == AF_INET) {
		out = uapi_put_address(out, AF_INET, &ep->remote.v4.sin_addr);
	} else {
		*out++ = '[';
		out = uapi_put_address(out, AF_INET6, &ep->remote.v6.sin6_addr);
		if (ep->remote.v6.sin6_scope_id) {
			*out++ = '%';
			out = uapi_put_number(out, ep->remote.v6.sin6_scope_id);
		}
		*out++ = ']';
	}
	*out++ = ':';
	/* sin_port and sin6_port lie at the same place */
	return uapi_put_number(out, ntohs(ep->remote.v4.sin_port));
}

/* Reading. */

/* All ones where lo <= c <= hi, else zero; without a branch. Arguments below 2^31. */
static uint32_t mask_range(uint32_t c, uint32_t lo, uint32_t hi)
{
	return 0u - (((lo - 1 - c) & (c - hi - 1)) >> 31);
}

/* Four bits, or all ones for a character that is no digit. */
static uint32_t digit_decode(char digit)
{
	uint32_t c = (unsigned char)digit;

	return ((mask_range(c, '0', '9') & (c - '0' + 1)) | (mask_range(c, 'a', 'f') & (c - 'a' + 11)) |
		(mask_range(c, 'A', 'F') & (c - 'A' + 11))) - 1;
}

bool uapi_read_key(const char *text, size_t len, uint8_t out[WG_KEY_LEN])
{
	uint8_t key[WG_KEY_LEN];
	uint32_t bad = 0;

	if (len != UAPI_KEY_LEN)
		return false;
	for (unsigned int i = 0; i < WG_KEY_LEN; i++) {
		uint32_t high = digit_decode(text[2 * i]), low = digit_decode(text[2 * i + 1]);

		bad |= (high | low) & ~15u;
		key[i] = (uint8_t)(high << 4 | (low & 15));
	}
	if (!bad)
		memcpy(out, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	return !bad;
}

bool uapi_read_number(const char *text, size_t len, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = 10 * n + (uint64_t)(text[i] - '0');
		if (n > max)
			return false;
	}
	*out = (uint32_t)n;
	return true;
}

/* A terminated copy. False: too long, empty, or not what text is. */
static bool copy(char *out, size_t size, const char *text, size_t len)
{
	if (!len || len >= size || memchr(text, '\0', len))
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

int uapi_read_address(const char *text, size_t len, uint8_t out[16])
{
	char copied[INET6_ADDRSTRLEN];
	uint8_t addr[16];
	int family;

	if (!copy(copied, sizeof(copied), text, len))
		return 0;
	family = memchr(text, ':', len) ? AF_INET6 : AF_INET;
	if (inet_pton(family, copied, addr) != 1)
		return 0;
	memcpy(out, addr, family == AF_INET ? 4 : 16);
	return family;
}

bool uapi_read_prefix(const char *text, size_t len, int *family, uint8_t addr[16], uint8_t *cidr)
{
	const char *slash = memchr(text, '/', len);
	uint8_t bytes[16];
	uint32_t bits;
	int f;

	if (!slash)
		return false;
	f = uapi_read_address(text, (size_t)(slash - text), bytes);
	if (!f || !uapi_read_number(slash + 1, len - (size_t)(slash + 1 - text), f == AF_INET ? 32 : 128, &bits))
		return false;
	memcpy(addr, bytes, f == AF_INET ? 4 : 16);
	*family = f;
	*cidr = (uint8_t)bits;
	return true;
}

/* 0: no such interface. */
static uint32_t zone_get(const char *text, size_t len)
{
	char name[IF_NAMESIZE];
	uint32_t n, index = copy(name, sizeof(name), text, len) ? if_nametoindex(name) : 0;

	if (index)
		return index;
	return uapi_read_number(text, len, UINT32_MAX, &n) ? n : 0;
}

/* What is between the brackets. */
static bool get_endpoint6(const char *text, size_t len, struct sockaddr_in6 *v6)
{
	const char *percent = memchr(text, '%', len);
	size_t addr_len = percent ? (size_t)(percent - text) : len;
	uint32_t zone = 0;

	if (uapi_read_address(text, addr_len, v6->sin6_addr.s6_addr) != AF_INET6)
		return false;
	if (percent) {
		zone = zone_get(percent + 1, len - addr_len - 1);
		if (!zone)
			return false;
	}
	v6->sin6_family = AF_INET6;
	if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		v6->sin6_scope_id = zone;
	return true;
}

bool uapi_read_endpoint(const char *text, size_t len, struct endpoint *out)
{
	const char *colon = memrchr(text, ':', len);
	size_t host = colon ? (size_t)(colon - text) : 0;
	struct endpoint ep;
	uint8_t addr[16];
	uint32_t port;

	memset(&ep, 0, sizeof(ep));
	if (!host || !uapi_read_number(colon + 1, len - host - 1, UINT16_MAX, &port))
		return false;
	if (text[0] == '[') {
		if (text[host - 1] != ']' || !get_endpoint6(text + 1, host - 2, &ep.remote.v6))
			return false;
	} else {
		if (uapi_read_address(text, host, addr) != AF_INET)
			return false;
		ep.remote.v4.sin_family = AF_INET;
		memcpy(&ep.remote.v4.sin_addr, addr, 4);
	}
	ep.remote.v4.sin_port = htons((uint16_t)port);	/* sin6_port lies at the same place */
	*out = ep;
	return true;
}
