/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target for set=1. However a request is cut into pieces, what comes out is the same; a fault leaves nothing behind; a change, written
 * out as lines, is read again as the same change. Single thread, no interface.
 */
#include <stdlib.h>
#include <string.h>

#include "change_text.h"
#include "uapi_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

/* Pieces of 1 to `most` bytes; most 0: all at once. What was taken. */
static size_t parse(struct uapi_set *s, const char *text, size_t len, uint32_t seed, size_t most)
{
	size_t at = 0;

	uapi_set_init(s);
	while (at < len && !s->done) {
		size_t n = len - at;
		char *piece;	/* of its own, so that a look beyond it is seen */

		seed = seed * 1664525 + 1013904223;
		if (most && n > 1 + (seed >> 16) % most)
			n = 1 + (seed >> 16) % most;
		piece = malloc(n);
		CHECK(piece);
		memcpy(piece, text + at, n);
		at += uapi_set_feed(s, piece, n);
		free(piece);
	}
	CHECK(at <= len && (s->done || at == len));
	return at;
}

static void check_values(const struct uapi_set *s)
{
	const struct change *c = &s->change;
	size_t ips = 0;

	CHECK((s->rc == 0) == (s->key == NULL));
	if (s->rc) {
		CHECK(!c->n_peers && !c->n_ips && !c->peers && !c->ips && !c->has_private_key);
		for (size_t i = 0; i < sizeof(c->private_key); i++)
			CHECK(c->private_key[i] == 0);
	}
	for (size_t i = 0; i < c->n_peers; i++) {
		CHECK(c->peers[i].first_ip == ips);
		ips += c->peers[i].n_ips;
		CHECK(!c->peers[i].host && !c->peers[i].label && !(c->peers[i].flags & CHANGE_LABEL));
	}
	CHECK(ips == c->n_ips);
	for (size_t i = 0; i < c->n_ips; i++) {
		unsigned int bits = c->ips[i].family == AF_INET ? 32 : 128;

		CHECK((bits == 32 || c->ips[i].family == AF_INET6) && c->ips[i].cidr <= bits);
		for (unsigned int bit = c->ips[i].cidr; bit < 128; bit++)
			CHECK(!(c->ips[i].addr[bit / 8] & 0x80 >> bit % 8));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct uapi_set whole, cut;
	const char *text = (const char *)data;
	uint32_t seed = 1;
	size_t taken = parse(&whole, text, size, 0, 0);
	char *printed = change_print(&whole.change), *again;

	for (size_t i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	check_values(&whole);
	for (size_t most = 1; most <= 6000; most = most * 7 + 2) {
		size_t n = parse(&cut, text, size, seed, most);

		check_values(&cut);
		CHECK(cut.rc == whole.rc && cut.key == whole.key && cut.done == whole.done && cut.broken == whole.broken);
		CHECK(whole.broken || n == taken);
		again = change_print(&cut.change);
		CHECK(strcmp(printed, again) == 0);
		free(again);
		uapi_set_fini(&cut);
	}
	if (whole.done && !whole.rc) {
		CHECK(parse(&cut, printed, strlen(printed), 0, 0) == strlen(printed));
		CHECK(cut.done && !cut.rc);
		again = change_print(&cut.change);
		CHECK(strcmp(printed, again) == 0);
		free(again);
		uapi_set_fini(&cut);
	}
	free(printed);
	uapi_set_fini(&whole);
	return 0;
}
