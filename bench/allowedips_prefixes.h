/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What bench/allowedips fills tables with, what it looks up in them, and the right answers. One thread.
 */
#ifndef WGDP_BENCH_ALLOWEDIPS_PREFIXES_H
#define WGDP_BENCH_ALLOWEDIPS_PREFIXES_H

#include <stdbool.h>
#include <stdint.h>

struct prefix {
	uint8_t addr[16];	/* host bits are zero; IPv4 in the first four bytes, the others zero */
	uint8_t cidr;
};

/* Different prefixes of one family. Prefix i belongs to the peer i + 1. */
struct prefixes {
	bool is6;
	unsigned int n, stable;		/* the first `stable` stay in a table, the others come and go */
	struct prefix *p;
	bool lengths[129];		/* those that there are */
	uint64_t rng;
	uint32_t *index;		/* a hash table of peers */
	uint32_t mask;
};

/*
 * `stable` prefixes and `others`, the same in every run, at random as in the conf of a concentrator:
 *
 * IPv4: 60 % hosts, /32 anywhere in 10.0.0.0/8 and 100.64.0.0/10; 25 % /24, 10 % /25 to /30, 4 % /16 to /23 and
 * 1 % /8 to /15, networks anywhere from 11.0.0.0 to 223.255.255.255.
 * IPv6: 40 % /64, with a subnet number below 256 in one of the /48; 30 % hosts, /128 with 24 random bits in one of
 * 256 /64; 29 % /48 anywhere in 16 provider's /32; 1 % /33 to /47 there.
 * A single stable prefix is a /24 or a /64.
 */
void prefixes_init(struct prefixes *s, bool is6, unsigned int stable, unsigned int others);
void prefixes_free(struct prefixes *s);

/* n addresses, each in a stable prefix drawn at random: 4 or 16 bytes each, one after the other. malloc()ed. */
uint8_t *prefixes_draw_hits(struct prefixes *s, unsigned int n);

/* The peer of the longest of the first `first` prefixes that has the address, 0: none. By trying every length. */
uint32_t prefixes_match(const struct prefixes *s, const uint8_t *addr, unsigned int first);

#endif
