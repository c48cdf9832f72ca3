/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target for what a process may answer (answer.c, remote_*.c), and for what is shown of it. The first byte says into what pieces the
 * answers are cut; then come, with zero bytes in between, those to stats=1 and peers=1, twice: two snapshots. Besides not crashing: what was
 * taken is in range; text, JSON and screens are printable; JSON is JSON; no rate is negative.
 */
#include <arpa/inet.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "conf_utf8.h"
#include "remote_text.h"
#include "show.h"
#include "top_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

static void check_text(const char *s, size_t size)
{
	CHECK(memchr(s, '\0', size));
	for (; *s; s++)
		CHECK(*s >= ' ' && *s <= '~');
}

static void check_utf8(const char *s, size_t len)
{
	for (size_t k = 0, n; k < len; k += n) {
		uint32_t c;

		n = conf_utf8_char(s + k, len - k, &c);
		CHECK(n && (conf_utf8_is_printable(c) || c == '\n'));
	}
}

static void check_counters(const struct remote_counters *c)
{
	CHECK(c->n <= REMOTE_COUNTERS);
	for (unsigned int k = 0; k < c->n; k++)
		check_text(c->c[k].name, sizeof(c->c[k].name));
}

static void check_port(const struct remote_port *p)
{
	check_text(p->name, sizeof(p->name));
	check_text(p->role, sizeof(p->role));
	check_text(p->device, sizeof(p->device));
	check_text(p->driver, sizeof(p->driver));
	check_text(p->mirror, sizeof(p->mirror));
	check_text(p->mac, sizeof(p->mac));
	check_text(p->offloads, sizeof(p->offloads));
	check_text(p->link, sizeof(p->link));
	CHECK(*p->name);
}

static void check_iface(const struct remote_iface *i)
{
	size_t prefixes = 0;

	for (size_t k = 0; k < i->n_peers; k++) {
		check_text(i->peers[k].endpoint, sizeof(i->peers[k].endpoint));
		CHECK(memchr(i->peers[k].name, '\0', sizeof(i->peers[k].name)) && !strchr(i->peers[k].name, '\n'));
		check_utf8(i->peers[k].name, strlen(i->peers[k].name));
		CHECK(i->peers[k].first_prefix == prefixes);
		prefixes += i->peers[k].n_prefixes;
	}
	CHECK(prefixes <= i->n_prefixes);
	for (size_t k = 0; k < i->n_prefixes; k++)
		CHECK(i->prefixes[k].cidr <= (i->prefixes[k].family == AF_INET ? 32 : 128));
	check_text(i->stats.version, sizeof(i->stats.version));
	check_text(i->stats.outer, sizeof(i->stats.outer));
	check_text(i->stats.aead, sizeof(i->stats.aead));
	CHECK(i->stats.n_rings <= REMOTE_RINGS && i->stats.n_cores <= REMOTE_CORES);
	check_text(i->stats.routes_off, sizeof(i->stats.routes_off));
	CHECK(i->stats.n_ports <= REMOTE_PORTS);
	for (unsigned int k = 0; k < i->stats.n_ports; k++)
		check_port(&i->stats.port[k]);
	check_counters(&i->stats.control);
	check_counters(&i->stats.drops);
	for (unsigned int k = 0; k < i->stats.n_cores; k++) {
		check_text(i->stats.core[k].roles, sizeof(i->stats.core[k].roles));
		check_counters(&i->stats.core[k].stages);
	}
}

static void check_shown(struct remote_iface *i)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *o;

	show_sort_peers(i);
	show_text(f, i, 1000000, false);
	fflush(f);
	check_utf8(text, len);
	fseek(f, 0, SEEK_SET);
	CHECK(show_json(f, i, 1));
	fclose(f);
	o = json_loads(text, 0, NULL);
	CHECK(o);
	json_decref(o);
	free(text);
}

static void check_screen(struct top_data *d, int rows, int cols)
{
	const struct top_moment m = { .now = 1000000, .clock = "00:00:00", .keys = true };
	struct top_ui ui = { .delay = 1, .first = 3, .sort = rows % TOP_SORT_N };
	struct top_screen s = { .rows = 0 };

	CHECK(top_screen_resize(&s, rows, cols));
	top_view_render(d, &ui, &m, &s);
	for (int k = 0; k < rows * cols; k++) {
		const uint32_t c = s.cell[k].ch;

		CHECK((c ? conf_utf8_is_printable(c) : k % cols > 0 && s.cell[k - 1].ch >= 0x80) && s.cell[k].look < TOP_LOOKS);
	}
	top_screen_fini(&s);
}

static void check_top(struct top_data *d)
{
	for (size_t k = 0; k < d->now.n_peers; k++)
		CHECK(!(d->peers[k].rx < 0) && !(d->peers[k].tx < 0));
	for (unsigned int k = 0; k < d->now.stats.n_cores; k++)
		CHECK(d->cores[k].load >= 0 && d->cores[k].load < 1.001 && !(d->cores[k].packets < 0));
	check_screen(d, 24, 80);
	check_screen(d, 5, 33);
	check_screen(d, 1, 1);
}

/* The next answer of the input, up to a zero byte. False: it is none. */
static bool answer(struct remote_iface *i, bool stats, const uint8_t **data, size_t *size, size_t piece)
{
	const uint8_t *end = memchr(*data, '\0', *size);
	const size_t len = end ? (size_t)(end - *data) : *size;
	const enum answer_state state = remote_feed(i, stats, (const char *)*data, len, piece, NULL);

	*data += len + (end != NULL);
	*size -= len + (end != NULL);
	CHECK(!i->no_memory);
	check_iface(i);
	return state == ANSWER_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct top_data d;
	size_t piece;

	if (size == 0)
		return 0;
	setlocale(LC_CTYPE, data[0] % 2 ? "C.UTF-8" : "C");
	piece = 1 + data[0] * 16u;
	data++;
	size--;
	top_data_init(&d);
	for (uint64_t k = 0; k < 2; k++) {
		struct remote_iface i;
		bool got;

		remote_init(&i, "fuzz0");
		i.get_ns = (k + 1) * 1000000000;
		i.has_stats = answer(&i, true, &data, &size, piece);
		got = answer(&i, false, &data, &size, piece);
		if ((got || i.has_stats) && top_data_take(&d, &i, 1000000)) {
			check_top(&d);
			check_shown(&d.now);
		} else {
			remote_fini(&i);
		}
	}
	top_data_fini(&d);
	return 0;
}
