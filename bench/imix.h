/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IMIX: of twelve packets seven are of 64 bytes, four of 570, one of 1420 (in the manner of the "simple IMIX" of
 * 64, 570 and 1518 bytes on Ethernet, the largest cut to what fits a tunnel). 345.67 bytes on average.
 */
#ifndef WGDP_IMIX_H
#define WGDP_IMIX_H

#include <stdint.h>
#include <stdio.h>

enum { IMIX_N = 12, IMIX = 1 << 20, SIZE_STRLEN = 12 };	/* IMIX: in place of a size */

/* The size of a mix's k-th packet; a `size` other than IMIX is every packet's. */
static inline uint32_t imix_size(uint32_t size, uint64_t k)
{
	static const uint16_t mix[IMIX_N] = { 64, 570, 64, 64, 570, 64, 1420, 64, 570, 64, 570, 64 };

	return size == IMIX ? mix[k % IMIX_N] : size;
}

static inline double imix_mean(uint32_t size)
{
	return size == IMIX ? (7 * 64 + 4 * 570 + 1420) / 12.0 : size;
}

/* "imix", or the number. Returns out. */
static inline const char *imix_name(uint32_t size, char out[SIZE_STRLEN])
{
	snprintf(out, SIZE_STRLEN, size == IMIX ? "imix" : "%u", size);
	return out;
}

#endif
