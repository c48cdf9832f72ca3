/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values as UAPI's text has them: keys in hexadecimal, decimal numbers, addresses. Writers need room and return where they ended; nothing
 * is terminated. Readers take characters that are not terminated either, and leave `out` alone on failure. Any thread.
 */
#ifndef WGDP_UAPI_TEXT_H
#define WGDP_UAPI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "messages.h"

enum {
	UAPI_KEY_LEN = 2 * WG_KEY_LEN,
	UAPI_NUMBER_LEN = 20,
};

/* UAPI_KEY_LEN digits. Neither the time nor the memory it touches depends on the key. */
char *uapi_put_key(char *out, const uint8_t key[WG_KEY_LEN]);

/* At most UAPI_NUMBER_LEN. */
char *uapi_put_number(char *out, uint64_t n);

/* At most INET6_ADDRSTRLEN. `addr`: network order. */
char *uapi_put_address(char *out, int family, const void *addr);

/* As endpoint_format, at most ENDPOINT_STRLEN. Not of AF_UNSPEC. */
char *uapi_put_endpoint(char *out, const struct endpoint *ep);

/* Exactly UAPI_KEY_LEN digits of either case. False for others; the time depends on that alone. */
bool uapi_read_key(const char *text, size_t len, uint8_t out[WG_KEY_LEN]);

/* Digits, at least one, any number of leading zeros. */
bool uapi_read_number(const char *text, size_t len, uint32_t max, uint32_t *out);

/* An address of either family, numeric, without zone: into out[16], the IPv4 in the first four. Returns the family, 0: it is none. */
int uapi_read_address(const char *text, size_t len, uint8_t out[16]);

/* ADDRESS/BITS; host bits are kept. */
bool uapi_read_prefix(const char *text, size_t len, int *family, uint8_t addr[16], uint8_t *cidr);

/*
 * ADDRESS:PORT, IPv6 in brackets and with a zone if one is meant: an interface's name or number. As in wireguard-go it is a fault if there is
 * no interface of that name; for an address that is not link-local it means nothing else.
 */
bool uapi_read_endpoint(const char *text, size_t len, struct endpoint *out);

#endif
