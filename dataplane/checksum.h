/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum (RFC 1071). A sum is kept as words in the machine's byte order, added up and not yet folded: folded and
 * complemented, then stored by memcpy, it is right on the wire on any machine (RFC 1071, 2 (B)). Pieces of one sum may be added in any
 * order; each has to begin at an even distance from the first byte that is covered. Pure functions.
 */
#ifndef WGDP_CHECKSUM_H
#define WGDP_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

/* `sum` with the `len` bytes at `data` added. Up to 4 GiB may go into a sum. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);

/* The same, and copies the bytes to `to` as it goes; the two do not overlap. */
uint64_t checksum_copy(uint64_t sum, void *to, const void *data, size_t len);

/* What `sum` is with 16 bits; not complemented. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* What the pseudo-header adds, but for the addresses (RFC 9293 3.1, RFC 8200 8.1): `len` is that of the transport header and payload. */
static inline uint64_t checksum_pseudo(uint8_t protocol, uint16_t len)
{
	return (uint64_t)htons(protocol) + htons(len);
}

/* Puts the complement of `sum` at `field`. */
static inline void checksum_store(uint8_t *field, uint64_t sum)
{
	const uint16_t check = (uint16_t)~checksum_fold(sum);

	memcpy(field, &check, sizeof(check));
}

/* Each way of adding, the fastest first; checksum_add and checksum_copy take the first that this processor can. For tests and benchmarks. */
struct checksum_way {
	const char *name;
	bool (*usable)(void);
	uint64_t (*add)(uint64_t sum, const void *data, size_t len);
	uint64_t (*copy)(uint64_t sum, void *to, const void *data, size_t len);
};

enum { CHECKSUM_WAYS_MAX = 3 };
/* Ends with one without a name. */
extern const struct checksum_way checksum_ways[CHECKSUM_WAYS_MAX + 1];

#endif
