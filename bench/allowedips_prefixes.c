/* SPDX-License-Identifier: BSD-3-Clause */
#include "allowedips_prefixes.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

static uint32_t draw(struct prefixes *s)
{
	s->rng ^= s->rng >> 12;
	s->rng ^= s->rng << 25;
	s->rng ^= s->rng >> 27;
	return s->rng * 0x2545f4914f6cdd1dull >> 32;
}

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = v >> (24 - 8 * i);
}

static void clear_host_bits(struct prefix *p)
{
	unsigned int whole = p->cidr / 8;

	if (whole == sizeof(p->addr))
		return;
	p->addr[whole] &= 0xff00 >> p->cidr % 8;
	memset(p->addr + whole + 1, 0, sizeof(p->addr) - whole - 1);
}

static bool same(const struct prefix *a, const struct prefix *b)
{
	return a->cidr == b->cidr && memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static uint32_t hash(const struct prefix *p)
{
	uint64_t v[2];

	memcpy(v, p->addr, sizeof(v));
	v[0] = (v[0] ^ p->cidr) * 0x9e3779b97f4a7c15ull;
	v[0] = (v[0] ^ v[0] >> 32 ^ v[1]) * 0x9e3779b97f4a7c15ull;
	return v[0] >> 32 ^ v[0] >> 20;
}

/* Where it is in the index, or the empty place for it. */
static uint32_t *place(const struct prefixes *s, const struct prefix *p)
{
	uint32_t i = hash(p) & s->mask;

	while (s->index[i] && !same(&s->p[s->index[i] - 1], p))
		i = (i + 1) & s->mask;
	return &s->index[i];
}

static struct prefix draw4(struct prefixes *s)
{
	uint32_t what = draw(s) % 100, addr = draw(s);
	struct prefix p = { 0 };

	if (what < 60) {
		addr %= (1u << 24) + (1u << 22);
		addr = addr < 1u << 24 ? 0x0a000000 + addr : 0x64400000 + addr - (1u << 24);
	} else {
		addr = 0x0b000000 + addr % (0xe0000000 - 0x0b000000);
	}
	p.cidr = what < 60 ? 32 : what < 85 ? 24 : what < 95 ? 25 + draw(s) % 6 : (what < 99 ? 16 : 8) + draw(s) % 8;
	put32(p.addr, addr);
	return p;
}

static struct prefix draw6(struct prefixes *s)
{
	uint32_t what = draw(s) % 100;
	struct prefix p = { 0 };

	if (what < 30) {
		put32(p.addr, 0xfd000000);
		p.addr[7] = draw(s);
		put32(p.addr + 12, draw(s) >> 8);
		p.cidr = 128;
		return p;
	}
	put32(p.addr, 0x2a000000 + draw(s) % 16 * 0x101);
	p.addr[4] = draw(s);
	p.addr[5] = draw(s);
	if (what < 59) {
		p.cidr = 48;
	} else if (what < 60) {
		p.cidr = 33 + draw(s) % 15;
	} else {
		p.cidr = 64;
		for (int tries = 0; tries < 4 && s->n; tries++) {	/* a site's, if we come upon one */
			const struct prefix *site = &s->p[draw(s) % s->n];

			if (site->cidr == 48)
				memcpy(p.addr, site->addr, 6);
		}
		p.addr[7] = draw(s);
	}
	return p;
}

void prefixes_init(struct prefixes *s, bool is6, unsigned int stable, unsigned int others)
{
	unsigned int n = stable + others;
	uint32_t size = 16;

	while (size < 2 * n)
		size *= 2;
	*s = (struct prefixes){ .is6 = is6, .stable = stable, .rng = 20241129, .mask = size - 1 };
	s->p = calloc(n, sizeof(*s->p));
	s->index = calloc(size, sizeof(*s->index));
	if (!s->p || !s->index)
		bench_fail("no memory for %u prefixes", n);
	while (s->n < n) {
		struct prefix p = is6 ? draw6(s) : draw4(s);
		uint32_t *at;

		if (stable == 1 && s->n == 0)
			p.cidr = is6 ? 64 : 24;
		clear_host_bits(&p);
		at = place(s, &p);
		if (*at)
			continue;
		s->p[s->n++] = p;
		s->lengths[p.cidr] = true;
		*at = s->n;
	}
}

void prefixes_free(struct prefixes *s)
{
	free(s->p);
	free(s->index);
}

uint8_t *prefixes_draw_hits(struct prefixes *s, unsigned int n)
{
	unsigned int len = s->is6 ? 16 : 4;
	uint8_t *hits = malloc((size_t)n * len);

	if (!hits)
		bench_fail("no memory for %u addresses", n);
	for (unsigned int i = 0; i < n; i++) {
		const struct prefix *p = &s->p[draw(s) % s->stable];
		uint8_t addr[16];

		for (int k = 0; k < 16; k += 4)
			put32(addr + k, draw(s));
		for (unsigned int b = 0; b < p->cidr; b++)
			addr[b / 8] = (addr[b / 8] & ~(0x80 >> b % 8)) | (p->addr[b / 8] & (0x80 >> b % 8));
		memcpy(hits + (size_t)i * len, addr, len);
	}
	return hits;
}

uint32_t prefixes_match(const struct prefixes *s, const uint8_t *addr, unsigned int first)
{
	struct prefix p = { .cidr = s->is6 ? 128 : 32 };

	memcpy(p.addr, addr, s->is6 ? 16 : 4);
	for (;; p.cidr--) {
		if (s->lengths[p.cidr]) {
			uint32_t peer;

			clear_host_bits(&p);
			peer = *place(s, &p);
			if (peer && peer <= first)
				return peer;
		}
		if (!p.cidr)
			return 0;
	}
}
