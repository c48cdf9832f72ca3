/* SPDX-License-Identifier: BSD-3-Clause */
/* From two snapshots to a screen of 80x24, letter by letter; every other size without faults; sorting against a plain sort; keys. */
#include "top_view.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "remote_text.h"

/* Two seconds later. */
#define STATS_LATER_IFACE "name=wg0\nup=1\npid=77\nversion=0.1.0\nuptime_ns=3663000000000\nmtu=1420\nouter=kernel\naead=openssl\npeers=3\n" \
	"connected=2\nwork_used=1000\nwork_size=1024\nstaged_ring_used=0\nstaged_ring_size=4096\nmbufs_used=900\nmbufs_size=1000\n" \
	"control_initiations_sent=5\ncontrol_changes=0\ndrop_no_peer=29\ndrop_replayed=10\ndrop_from_the_future=0\n"
#define STATS_LATER_CORES "core=0\nroles=rx,worker\nouter_rx=2100\nouter_tx=50\ninner_rx=50\ninner_tx=1100\nbatches=110\nbatched=4150\n" \
	"sleeps=16\nwakes=7\nfifo_used=3\nfifo_size=32\nstage_rx=200\nstage_aead=1650\nstage_rest=1150\n" \
	"core=2\nroles=worker\nouter_rx=0\nouter_tx=0\ninner_rx=0\ninner_tx=0\nbatches=0\nbatched=0\n" \
	"sleeps=0\nwakes=0\nstage_rx=0\nstage_aead=900\nstage_rest=2100\n"
#define STATS_LATER STATS_LATER_IFACE STATS_LATER_CORES "errno=0\n\n"
#define GET_LATER "listen_port=51820\n" \
	"public_key=" KEY_OF("cc") "\nlast_handshake_time_sec=0\ntx_bytes=0\nrx_bytes=0\n" \
	"public_key=" KEY_OF("aa") "\nendpoint=192.0.2.1:40000\nlast_handshake_time_sec=1000000\ntx_bytes=1023\nrx_bytes=3048576\n" \
	"allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n" \
	"public_key=" KEY_OF("bb") "\nendpoint=[2001:db8::1]:51820\nlast_handshake_time_sec=1000060\ntx_bytes=500\nrx_bytes=0\nallowed_ip=192.0.2.128/25\n" \
	"public_key=" KEY_OF("ee") "\ntx_bytes=77\nrx_bytes=77\nerrno=0\n\n"

static const struct top_moment moment = { .now = 1000070, .clock = "12:34:56", .keys = true };

/* A snapshot at a time; the data own it. */
static void take(struct top_data *d, const char *get, const char *stats, uint64_t at_ns)
{
	struct remote_iface i;

	cr_assert(remote_make(&i, get, stats));
	i.get_ns = at_ns;
	cr_assert(top_data_take(d, &i, moment.now));
}

static void make(struct top_data *d)
{
	top_data_init(d);
	take(d, GET_WHOLE, STATS_WHOLE, 1000000000);
	take(d, GET_LATER, STATS_LATER, 3000000000);
}

static void check_rows(const struct top_screen *s, const char *const *want, int n)
{
	char text[TOP_ROW_SIZE(200)];

	cr_assert_eq(s->rows, n);
	for (int row = 0; row < n; row++)
		cr_assert_str_eq(top_screen_row(s, row, text), want[row], "row %d:\n%s\n%s", row, text, want[row]);
}

Test(top, golden)
{
	static const char *const want[24] = {
		"wgdp top: wg0  up 1h01m  kernel  openssl  mtu 1420           every 2 s  12:34:56",
		"peers 2/4 connected   in 8.00M bit/s 1.00k pkt/s   out 2.00k bit/s 0 pkt/s",
		"rings work 1.00k/1K staged 0/4K mbufs 900/1.00k",
		"control/s initiations sent 1.5",
		" CPU ROLES       LOAD  TIME                     PKT/s BATCH  FIFO SLEEP/s WAKE/s",
		"   0 rx,worker  80.0%  [raaaaaaaaaaaaaaaaa    ] 1.00k    40  3/32       5      0",
		"   2 worker      0.0%  [                      ]     0     -     -       0      0",
		"drops/s  10",
		"     10  no_peer              no peer's allowed IPs hold the destination",
		"PEER       RX bit/s TX bit/s  HANDSHAKE  ENDPOINT             ALLOWED IPS",
		"qqqqqqqq..    8.00M        0      1m10s  192.0.2.1:40000      10.0.0.0/8 +1",
		"u7u7u7u7..        0    2.00k        10s  [2001:db8::1]:51820  192.0.2.128/25",
		"zMzMzMzM..        0        0          -  -",
		"7u7u7u7u..        -        -          -  -",
		"", "", "", "", "", "", "", "", "",
		"q quit  ? help  / filter  space pause  by rate                          1-4 of 4",
	};
	struct top_ui ui = { .delay = 2 };
	struct top_screen s = { .rows = 0 };
	struct top_data d;

	make(&d);
	cr_assert(top_screen_resize(&s, 24, 80));
	top_view_render(&d, &ui, &moment, &s);
	check_rows(&s, want, 24);
	cr_assert_eq(ui.page, 13);
	top_screen_fini(&s);
	top_data_fini(&d);
}

/* Counters of devices between the two snapshots; one that was not there before has counted from 0. */
Test(top, ports)
{
	static const char later[] = STATS_LATER_IFACE
		"port=net_memif0\nport_link=up\nport_rx_packets=5021\nport_tx_packets=7000\n"
		"port=wan0\nport_link=down\nport_rx_packets=11\nport_tx_packets=16\nport_rx_missed=15\nport_rx_no_mbuf=19\nport_rx_errors=20\n"
		"port_tx_errors=26\nport=new0\nport_link=up\nport_rx_packets=2\n" STATS_LATER_CORES "errno=0\n\n";
	struct top_ui ui = { .delay = 2 };
	struct top_screen s = { .rows = 0 };
	char text[TOP_ROW_SIZE(120)];
	struct top_data d;

	top_data_init(&d);
	take(&d, GET_WHOLE, STATS_PORTS, 1000000000);
	cr_assert(top_screen_resize(&s, 24, 120));
	top_view_render(&d, &ui, &moment, &s);
	cr_assert_str_eq(top_screen_row(&s, 3, text), "ports/s wan0 up in - out -  net_memif0 down in - out -");
	take(&d, GET_LATER, later, 3000000000);
	top_view_render(&d, &ui, &moment, &s);
	cr_assert_str_eq(top_screen_row(&s, 3, text), "ports/s net_memif0 up in 2.50k out 3.50k  wan0 down in 0 out 0 lost 10  new0 up in 1 out 0");
	cr_assert_eq(strncmp(top_screen_row(&s, 4, text), "control/s", 9), 0);
	top_screen_fini(&s);
	top_data_fini(&d);
}

/* Names for keys, cut to the column by what they take on a terminal. */
Test(top, names)
{
	static const struct { const char *name, *locale, *want; } shows[] = {
		{ "alice", "C", "alice         8.00M" }, { "0123456789", "C", "0123456789    8.00M" }, { "0123456789a", "C", "01234567..    8.00M" },
		{ NAME_A, "C.UTF-8", "J\303\274rgen ..     8.00M" },
		{ NAME_A, "C", "J?rgen ??     8.00M" },
		{ "e\314\201\346\227\245", "C.UTF-8", "e\346\227\245           8.00M" },
	};
	struct top_ui ui = { .delay = 2 };
	struct top_screen s = { .rows = 0 };
	char text[TOP_ROW_SIZE(80)];
	struct top_data d;

	make(&d);
	cr_assert(top_screen_resize(&s, 24, 80));
	for (size_t k = 0; k < sizeof(shows) / sizeof(shows[0]); k++) {
		cr_assert(setlocale(LC_CTYPE, shows[k].locale));
		strcpy(d.now.peers[1].name, shows[k].name);
		top_view_render(&d, &ui, &moment, &s);
		top_screen_row(&s, 10, text);
		cr_assert_eq(strncmp(text, shows[k].want, strlen(shows[k].want)), 0, "%s\n%s", text, shows[k].want);
		cr_assert(strstr(text, "      1m10s  192.0.2.1:40000      10.0.0.0/8 +1"), "%s", text);
		cr_assert_eq(strncmp(top_screen_row(&s, 11, text), "u7u7u7u7.. ", 11), 0, "%s", text);
	}
	top_screen_fini(&s);
	top_data_fini(&d);
}

/* A wide character has room or is not there; half of one never stays. */
Test(top, wide)
{
#define SUN "\346\227\245"
	struct top_screen s = { .rows = 0 };
	char text[TOP_ROW_SIZE(6)];

	cr_assert(setlocale(LC_CTYPE, "C.UTF-8"));
	cr_assert(top_screen_resize(&s, 1, 6));
	cr_assert_eq(top_screen_put(&s, 0, 1, TOP_PLAIN, SUN SUN SUN), 7);
	cr_assert_str_eq(top_screen_row(&s, 0, text), " " SUN SUN);
	cr_assert(s.cell[1].ch == 0x65e5 && s.cell[2].ch == 0);
	top_screen_put(&s, 0, 2, TOP_PLAIN, "x");
	cr_assert_str_eq(top_screen_row(&s, 0, text), "  x" SUN);
	top_screen_put(&s, 0, 3, TOP_PLAIN, "y");
	cr_assert_str_eq(top_screen_row(&s, 0, text), "  xy");
	top_screen_put(&s, 0, 0, TOP_PLAIN, SUN SUN SUN);
	top_screen_put(&s, 0, 1, TOP_PLAIN, SUN);
	cr_assert_str_eq(top_screen_row(&s, 0, text), " " SUN " " SUN);
	cr_assert_eq(top_screen_fit(&s, 0, 0, 5, TOP_PLAIN, SUN SUN SUN), 4);
	cr_assert_eq(strncmp(top_screen_row(&s, 0, text), SUN "..", 5), 0);
	cr_assert_eq(top_screen_fit(&s, 0, 0, 6, TOP_PLAIN, SUN SUN SUN), 6);
	cr_assert_str_eq(top_screen_row(&s, 0, text), SUN SUN SUN);
	top_screen_fini(&s);
}

/* What does not answer, is paused, or filtered, says so. */
Test(top, states)
{
	const struct top_moment fault = { .now = 1000070, .clock = "12:34:56", .fault = "wg0: its process has ended", .keys = true };
	struct top_ui ui = { .delay = 0.5, .paused = true, .typing = true, .filter = "192.0" };
	struct top_screen s = { .rows = 0 };
	struct top_data d;
	char text[TOP_ROW_SIZE(200)];

	make(&d);
	cr_assert(top_screen_resize(&s, 24, 80));
	top_view_render(&d, &ui, &moment, &s);
	cr_assert_str_eq(top_screen_row(&s, 0, text), "wgdp top: wg0  up 1h01m  kernel  openssl  ..       PAUSED  every 0.5 s  12:34:56");
	cr_assert_str_eq(top_screen_row(&s, 23, text), "filter: 192.0_                                                      1-2 of 2 (4)");
	cr_assert_str_eq(top_screen_row(&s, 12, text), "");
	ui = (struct top_ui){ .delay = 0.5 };
	top_view_render(&d, &ui, &fault, &s);
	cr_assert(strstr(top_screen_row(&s, 0, text), "  NOT ANSWERING  every 0.5 s  12:34:56"));
	cr_assert_str_eq(top_screen_row(&s, 23, text), "no answer: wg0: its process has ended");
	ui.help = true;
	top_view_render(&d, &ui, &moment, &s);
	cr_assert_str_eq(top_screen_row(&s, 0, text), "wgdp top: keys");
	top_screen_fini(&s);
	top_data_fini(&d);
}

static void check_size(struct top_data *d, int rows, int cols)
{
	struct top_ui ui = { .delay = 2 };
	struct top_screen s = { .rows = 0 };
	char text[TOP_ROW_SIZE(200)];

	cr_assert(top_screen_resize(&s, rows, cols));
	top_view_render(d, &ui, &moment, &s);
	for (int k = 0; k < rows * cols; k++)
		cr_assert(s.cell[k].ch >= ' ' && s.cell[k].ch <= '~' && s.cell[k].look < TOP_LOOKS);
	if (rows && cols) {
		top_screen_row(&s, 0, text);
		cr_assert_eq(strncmp(text, "wgdp top: wg0", strlen(text) < 13 ? strlen(text) : 13), 0, "%s", text);
	}
	if (rows > 3 + 1 && cols >= 10) {	/* peers are seen on whatever can hold them */
		bool seen = false;

		for (int row = 0; row < rows; row++)
			seen |= !strncmp(top_screen_row(&s, row, text), "qqqqqqqq", 8);
		cr_assert(seen, "%d rows, %d columns", rows, cols);
	}
	top_screen_fini(&s);
}

Test(top, sizes)
{
	struct top_data d, less;

	make(&d);
	top_data_init(&less);
	take(&less, GET_WHOLE, NULL, 0);
	for (int rows = 0; rows < 60; rows++) {
		for (int cols = 0; cols < 200; cols += 1 + (cols > 90) * 13) {
			check_size(&d, rows, cols);
			check_size(&less, rows, cols);
		}
	}
	top_data_fini(&d);
	top_data_fini(&less);
}

/* All lines are used, none is used twice, and cores and drops get what peers leave. */
Test(top, layout)
{
	struct top_data d;

	top_data_init(&d);
	d.now.has_stats = true;
	for (d.now.stats.n_cores = 0; d.now.stats.n_cores < 70; d.now.stats.n_cores += 7) {
		d.now.stats.n_ports = d.now.stats.n_cores % 2;
		for (d.n_drops = 0; d.n_drops < 22; d.n_drops += 3) {
			for (d.now.n_peers = 0; d.now.n_peers < 100; d.now.n_peers += 9) {
				for (int rows = 0; rows < 150; rows++) {
					const struct top_layout l = top_layout_of(rows, &d, true);
					const int lines = l.title + l.totals + l.rings + l.ports + l.control + l.head + l.foot + l.cores +
								  l.drops + l.peers;

					cr_assert(lines == rows || (lines < rows && rows < 4 + 1), "%d of %d", lines, rows);
					cr_assert(!l.ports || d.now.stats.n_ports);
					cr_assert(l.cores <= (int)d.now.stats.n_cores + 1 && l.cores != 1 && l.drops <= (int)d.n_drops + 1);
					if (l.peers > 3 && l.peers > (int)d.now.n_peers)
						cr_assert(l.drops == (int)d.n_drops + 1 &&
							  (l.cores == (int)d.now.stats.n_cores + 1 || !d.now.stats.n_cores));
				}
			}
		}
	}
	d.now.stats.n_cores = 64;
	d.n_drops = 21;
	d.now.n_peers = 1000;
	cr_assert_eq(top_layout_of(24, &d, true).peers, 9);	/* however much else there is */
}

/* Counters that go back, and a process that was started anew, have no negative rates, nor any. */
Test(top, resets)
{
	struct top_data d;

	top_data_init(&d);
	take(&d, GET_LATER, STATS_LATER, 1000000000);
	cr_assert(isnan(d.rx) && isnan(d.drop_rate) && d.n_drops == 0 && d.n_snapshots == 1);
	cr_assert_float_eq(d.cores[0].load, 1850.0 / 3000, 1e-9);	/* since the start */
	take(&d, GET_WHOLE, STATS_WHOLE, 2000000000);	/* a shorter uptime */
	cr_assert(d.n_snapshots == 1 && isnan(d.rx) && isnan(d.peers[0].rx));
	take(&d, GET_LATER, STATS_LATER, 3000000000);
	cr_assert(d.n_snapshots == 2 && d.rx > 0);
	take(&d, GET_WHOLE, STATS_LATER_IFACE "errno=0\n\n", 4000000000);
	cr_assert(d.n_snapshots == 2);
	for (size_t k = 0; k < d.now.n_peers; k++)
		cr_assert(d.peers[k].rx == 0 || isnan(d.peers[k].rx));
	top_data_fini(&d);
}

/* Without the process's uptime, bytes go by our clock. */
Test(top, without_stats)
{
	struct top_data d;

	top_data_init(&d);
	take(&d, GET_WHOLE, NULL, 1000000000);
	take(&d, GET_LATER, NULL, 2000000000);
	cr_assert(d.rx == 2000000 && d.tx == 500 && isnan(d.seconds));
	cr_assert_eq(d.connected, 2);
	top_data_fini(&d);
}

/* ---- sorting */

static int plain_order(const struct top_peer *x, const struct top_peer *y, enum top_sort sort)
{
	const double a[] = { x->rx + x->tx, x->tx, x->rx }, b[] = { y->rx + y->tx, y->tx, y->rx };

	if (sort <= TOP_SORT_RX && a[sort] != b[sort])
		return a[sort] > b[sort] ? -1 : 1;
	if (sort == TOP_SORT_ENDPOINT && strcmp(x->peer->endpoint, y->peer->endpoint)) {
		if (!*x->peer->endpoint || !*y->peer->endpoint)
			return *x->peer->endpoint ? -1 : 1;
		return strverscmp(x->peer->endpoint, y->peer->endpoint);
	}
	if (sort <= TOP_SORT_HANDSHAKE && x->peer->handshake_sec != y->peer->handshake_sec)
		return x->peer->handshake_sec > y->peer->handshake_sec ? -1 : 1;
	return memcmp(x->peer->public_key, y->peer->public_key, CONF_KEY_LEN);
}

static uint32_t next(uint32_t *seed)
{
	return (*seed = *seed * 1664525 + 1013904223) >> 8;
}

static void make_random(struct top_data *d, size_t n, uint32_t seed)
{
	top_data_init(d);
	d->now.peers = calloc(n + 1, sizeof(*d->now.peers));
	d->peers = calloc(n + 1, sizeof(*d->peers));
	d->pick = calloc(n + 1, sizeof(*d->pick));
	d->now.n_peers = n;
	d->n_snapshots = 1;
	for (size_t k = 0; k < n; k++) {
		struct remote_peer *p = &d->now.peers[k];
		const uint32_t key = (uint32_t)k * 2654435761u;

		memcpy(p->public_key, &key, sizeof(key));
		p->handshake_sec = next(&seed) % 5;
		if (next(&seed) % 3)
			snprintf(p->endpoint, sizeof(p->endpoint), "10.0.0.%u:%u", next(&seed) % 20, next(&seed) % 3 + 1);
		d->peers[k] = (struct top_peer){ .peer = p, .rx = next(&seed) % 4, .tx = next(&seed) % 4 };
	}
}

/* Each peer of the page has as many before it as its place says. */
static void check_page(struct top_data *d, enum top_sort sort, bool reverse, size_t first, size_t n)
{
	const size_t all = d->now.n_peers;

	cr_assert_eq(top_pick(d, sort, reverse, "", first, n), all);
	for (size_t k = first; k < first + n && k < all; k++) {
		size_t before = 0;

		for (size_t j = 0; j < all; j++) {
			const int c = plain_order(&d->peers[j], d->pick[k], sort);

			before += reverse ? c > 0 : c < 0;
		}
		cr_assert_eq(before, k, "%s, %zu of %zu", top_sort_name[sort], k, all);
	}
}

Test(top, pick)
{
	uint32_t seed = 7;

	for (size_t n = 0; n < 400; n += 1 + n / 5) {
		struct top_data d;

		make_random(&d, n, seed++);
		for (unsigned int sort = 0; sort < TOP_SORT_N; sort++)
			for (size_t first = 0; first <= n; first += 1 + n / 3)
				for (size_t page = 0; page < 40; page += 13)
					check_page(&d, sort, (n + first) % 2, first, page);
		top_data_fini(&d);
	}
}

/* 100,000 peers: only a page is put in order. How long that takes is not a test's business; that it ends is. */
Test(top, pick_many, .timeout = 280)
{
	const size_t n = 100000;
	struct top_data d;

	make_random(&d, n, 1);
	for (unsigned int sort = 0; sort < TOP_SORT_N; sort++) {
		cr_assert_eq(top_pick(&d, sort, false, "", n / 2, 20), n);
		for (size_t k = n / 2; k < n / 2 + 19; k++)
			cr_assert(plain_order(d.pick[k], d.pick[k + 1], sort) < 0);
	}
	for (size_t k = 0; k < n; k++)
		memset(d.now.peers[k].public_key, 0, CONF_KEY_LEN);	/* all the same, as none should be */
	cr_assert_eq(top_pick(&d, TOP_SORT_PEER, false, "", n / 2, 20), n);
	top_data_fini(&d);
}

Test(top, filter)
{
	static const struct { const char *filter; size_t n; } want[] = {
		{ "", 4 }, { "rgen \346", 1 }, { "qqqq", 1 }, { "2001:db8", 1 }, { "192.0.2.128/25", 1 }, { "192.0.2.", 2 }, { "fd00::/64", 1 }, { "nothing", 0 },
	};
	struct top_data d;

	make(&d);
	strcpy(d.now.peers[2].name, NAME_A);
	for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++)
		cr_assert_eq(top_pick(&d, TOP_SORT_RATE, false, want[k].filter, 0, 10), want[k].n, "%s", want[k].filter);
	top_data_fini(&d);
}

/* ---- keys */

static void press(struct top_ui *ui, const char *keys)
{
	for (; *keys; keys++)
		top_input_key(ui, *keys);
}

Test(top, keys)
{
	static const struct { char key; enum top_sort sort; } sorts[] = {
		{ 't', TOP_SORT_TX }, { 'x', TOP_SORT_RX }, { 'h', TOP_SORT_HANDSHAKE }, { 'p', TOP_SORT_PEER }, { 'e', TOP_SORT_ENDPOINT },
		{ 'r', TOP_SORT_RATE },
	};
	struct top_ui ui = { .page = 10 };
	enum top_sort sort;

	for (size_t k = 0; k < sizeof(sorts) / sizeof(sorts[0]); k++) {
		ui.first = 5;
		cr_assert(top_input_key(&ui, sorts[k].key));
		cr_assert(ui.sort == sorts[k].sort && ui.first == 0);
		cr_assert(top_input_sort(top_sort_name[sorts[k].sort], &sort) && sort == sorts[k].sort);
	}
	cr_assert_not(top_input_sort("name", &sort));
	press(&ui, "R ?");
	cr_assert(ui.reverse && ui.paused && ui.help);
	press(&ui, "t");	/* closes the help, and that is all */
	cr_assert(!ui.help && ui.sort == TOP_SORT_RATE);
	press(&ui, "/qrt/?");
	cr_assert(ui.typing && !ui.quit);
	top_input_key(&ui, TOP_KEY_BACKSPACE);
	cr_assert_str_eq(ui.filter, "qrt/");
	top_input_key(&ui, TOP_KEY_ENTER);
	cr_assert(!ui.typing && *ui.filter);
	top_input_key(&ui, TOP_KEY_ESCAPE);
	cr_assert_str_eq(ui.filter, "");
	press(&ui, "/a b");
	for (const unsigned char *c = (const unsigned char *)SUN SUN; *c; c++)
		cr_assert(top_input_key(&ui, *c));	/* as ncurses has them */
	cr_assert_str_eq(ui.filter, "a b" SUN SUN);
	top_input_key(&ui, TOP_KEY_BACKSPACE);
	cr_assert_str_eq(ui.filter, "a b" SUN);
	top_input_key(&ui, TOP_KEY_BACKSPACE);
	top_input_key(&ui, TOP_KEY_BACKSPACE);
	cr_assert_str_eq(ui.filter, "a ");
	cr_assert_not(top_input_key(&ui, 0x7f));
	top_input_key(&ui, TOP_KEY_ESCAPE);
	press(&ui, "/0123456789012345678901234567890123456789012345678901234567890123456789");
	cr_assert_eq(strlen(ui.filter), TOP_FILTER_LEN);
	top_input_key(&ui, TOP_KEY_ESCAPE);
	cr_assert(!ui.typing && !*ui.filter);
	top_input_key(&ui, TOP_KEY_BACKSPACE);
	cr_assert_not(top_input_key(&ui, 'z'));
	cr_assert_not(top_input_key(&ui, -1));
	press(&ui, "?q");
	cr_assert(ui.quit);
}

Test(top, scrolling)
{
	struct top_ui ui = { .delay = 2, .sort = TOP_SORT_PEER };
	struct top_screen s = { .rows = 0 };
	struct top_data d;

	make_random(&d, 100, 3);
	cr_assert(top_screen_resize(&s, 24, 80));
	top_view_render(&d, &ui, &moment, &s);
	cr_assert(ui.page == 20 && ui.first == 0);
	top_input_key(&ui, TOP_KEY_UP);
	cr_assert_eq(ui.first, 0);
	top_input_key(&ui, TOP_KEY_DOWN);
	top_input_key(&ui, TOP_KEY_PAGE_DOWN);
	cr_assert_eq(ui.first, 21);
	top_input_key(&ui, TOP_KEY_END);
	top_view_render(&d, &ui, &moment, &s);
	cr_assert_eq(ui.first, 80);
	top_input_key(&ui, TOP_KEY_PAGE_UP);
	cr_assert_eq(ui.first, 60);
	top_input_key(&ui, TOP_KEY_HOME);
	top_input_key(&ui, TOP_KEY_PAGE_UP);
	cr_assert_eq(ui.first, 0);
	top_screen_fini(&s);
	top_data_fini(&d);
}
