/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of the screen from top to bottom: title, totals, rings, ports, what the control thread does, cores, drops, peers, and a line for keys
 * and faults. Each draws itself from a row on and returns the row behind it. Columns that a narrow screen has no room for are left out from
 * the right.
 */
#include "top_view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum { PEER_SHORT = 8, BAR_MIN = 10, FULL_KEY_COLS = 130 };

static const char *const help[] = {
	"wgdp top: keys",
	"",
	"  r t x h p e   sort by rate, tx, rx, handshake, peer, endpoint",
	"  R             the other way round",
	"  up down j k   scroll; also page up, page down, home, end, g, G",
	"  / text        only peers with it in name, key, endpoint, allowed IPs;",
	"                Enter keeps it, Escape takes it away",
	"  space         pause",
	"  q             quit",
	"",
	"A core's bar is its time; letters are the stages of its work:",
	"  r rx   c classify   p prepare   a aead   f finish   t tx",
	"BATCH: packets a batch. FIFO: batches that wait for workers.",
	"DROPS: packets a second, by reason. Rates of peers are bits a second.",
	"PORTS: a device's packets a second; lost: missed, without buffer, errors.",
	"",
	"any key goes back",
};

static void view_help(struct top_screen *s)
{
	for (int row = 0; row < (int)(sizeof(help) / sizeof(help[0])); row++)
		top_screen_put(s, row, 0, row ? TOP_PLAIN : TOP_TITLE, help[row]);
	top_screen_look(s, 0, TOP_TITLE);
}

/* A word and its value, with a blank before, if there is room for both; else "..", once. Returns the column behind, or cols: it is full. */
static int view_item(struct top_screen *s, int row, int col, int cols, const char *word, enum top_look look, const char *value)
{
	const int len = (col > 0) + (int)strlen(word) + (*word && *value) + (int)strlen(value);

	if (col >= cols)
		return cols;
	if (col + len > cols) {
		top_screen_fit(s, row, col + 1, cols - col - 1, TOP_DIM, " ..");
		return cols;
	}
	col = top_screen_print(s, row, col, TOP_PLAIN, "%s%s%s", col > 0 ? " " : "", word, *word && *value ? " " : "");
	return top_screen_put(s, row, col, look, value);
}

static int view_title(const struct top_data *d, const struct top_ui *ui, const struct top_moment *m, struct top_screen *s, int row)
{
	const struct remote_stats *st = &d->now.stats;
	char text[TEXT_LEN], right[64];
	int col, cols = s->cols, len;

	len = snprintf(right, sizeof(right), "  %severy %.3g s  %s", ui->paused ? "PAUSED  " : m->fault ? "NOT ANSWERING  " : "", ui->delay,
		       m->clock);
	col = top_screen_print(s, row, 0, TOP_PLAIN, "wgdp top: %s ", d->now.name);
	if (col + len <= cols) {
		cols -= len;
		top_screen_put(s, row, cols, TOP_PLAIN, right);
	}
	if (d->now.has_stats) {
		col = view_item(s, row, col, cols, "up", TOP_PLAIN, text_age(text, st->uptime_ns / 1000000000));
		if (!st->up)
			col = view_item(s, row, col, cols, " link down", TOP_PLAIN, "");
		snprintf(text, sizeof(text), " %s", st->outer);
		col = view_item(s, row, col, cols, "", TOP_PLAIN, text);
		snprintf(text, sizeof(text), " %s", st->aead);
		col = view_item(s, row, col, cols, "", TOP_PLAIN, text);
		snprintf(text, sizeof(text), "%" PRIu64, st->mtu);
		view_item(s, row, col, cols, " mtu", TOP_PLAIN, text);
	}
	top_screen_look(s, row, TOP_TITLE);
	return row + 1;
}

static int view_totals(const struct top_data *d, struct top_screen *s, int row)
{
	char text[TEXT_LEN], number[TEXT_LEN];
	int col;

	snprintf(text, sizeof(text), "%u/%zu", d->connected, d->now.n_peers);
	col = view_item(s, row, 0, s->cols, "peers", TOP_BOLD, text);
	col = view_item(s, row, col, s->cols, "connected", TOP_PLAIN, "");
	snprintf(text, sizeof(text), "%s bit/s", text_si(number, 8 * d->rx));
	col = view_item(s, row, col, s->cols, "  in", TOP_BOLD, text);
	snprintf(text, sizeof(text), "%s pkt/s", text_si(number, d->outer_rx));
	col = view_item(s, row, col, s->cols, "", TOP_PLAIN, d->now.has_stats ? text : "");
	snprintf(text, sizeof(text), "%s bit/s", text_si(number, 8 * d->tx));
	col = view_item(s, row, col, s->cols, "  out", TOP_BOLD, text);
	snprintf(text, sizeof(text), "%s pkt/s", text_si(number, d->outer_tx));
	view_item(s, row, col, s->cols, "", TOP_PLAIN, d->now.has_stats ? text : "  (not wgdp: no more is known)");
	return row + 1;
}

/* Sizes are powers of two. */
static void ring_text(char text[TEXT_LEN], const struct remote_ring *r)
{
	char used[TEXT_LEN], size[TEXT_LEN];

	text_si(used, (double)r->used);
	text_si(size, (double)r->size);
	if (r->size && r->size % 1024 == 0)
		text_si(size, (double)(r->size / 1024));
	snprintf(text, TEXT_LEN, "%.16s/%.16s%s", used, size, r->size && r->size % 1024 == 0 ? "K" : "");
}

static int view_rings(const struct top_data *d, struct top_screen *s, int row)
{
	const struct remote_stats *st = &d->now.stats;
	char text[TEXT_LEN], name[REMOTE_NAME];
	int col = top_screen_put(s, row, 0, TOP_PLAIN, "rings");

	for (unsigned int k = 0; k < st->n_rings; k++) {
		const struct remote_ring *r = &st->ring[k];
		const size_t len = strlen(r->name);

		strcpy(name, r->name);
		if (len > 5 && !strcmp(name + len - 5, "_ring"))
			name[len - 5] = '\0';
		ring_text(text, r);
		col = view_item(s, row, col, s->cols, name, r->used / 3 > r->size / 4 ? TOP_ALARM : TOP_BOLD, text);
	}
	return row + 1;
}

/* The port of that name in the snapshot before; else one that has counted nothing. */
static const struct remote_port *port_before(const struct top_data *d, const char *name)
{
	static const struct remote_port none;
	const struct remote_stats *before = &d->before.stats;

	for (unsigned int k = 0; d->n_snapshots > 1 && k < before->n_ports; k++)
		if (!strcmp(before->port[k].name, name))
			return &before->port[k];
	return &none;
}

static uint64_t port_lost(const struct remote_port *p)
{
	return p->rx_missed + p->rx_no_mbuf + p->rx_errors + p->tx_errors;
}

static int view_ports(const struct top_data *d, struct top_screen *s, int row)
{
	int col = top_screen_put(s, row, 0, TOP_PLAIN, "ports/s");

	for (unsigned int k = 0; k < d->now.stats.n_ports; k++) {
		const struct remote_port *p = &d->now.stats.port[k], *b = port_before(d, p->name);
		const double lost = top_data_rate(d, port_lost(p), port_lost(b));
		const bool up = !strcmp(p->link, "up");
		char text[TEXT_LEN], name[REMOTE_TEXT + 1];

		snprintf(name, sizeof(name), "%s%s", k ? " " : "", p->name);
		col = view_item(s, row, col, s->cols, name, up ? TOP_GOOD : TOP_ALARM, up ? "up" : "down");
		col = view_item(s, row, col, s->cols, "in", TOP_BOLD, text_si(text, top_data_rate(d, p->rx_packets, b->rx_packets)));
		col = view_item(s, row, col, s->cols, "out", TOP_BOLD, text_si(text, top_data_rate(d, p->tx_packets, b->tx_packets)));
		if (lost > 0)
			col = view_item(s, row, col, s->cols, "lost", TOP_ALARM, text_si(text, lost));
	}
	return row + 1;
}

static int view_control(const struct top_data *d, struct top_screen *s, int row)
{
	const struct remote_counters *c = &d->now.stats.control;
	int col = top_screen_put(s, row, 0, TOP_PLAIN, "control/s");
	char text[TEXT_LEN], name[REMOTE_NAME];
	unsigned int n = 0;

	for (unsigned int k = 0; k < c->n; k++) {
		const double rate = top_data_control(d, c->c[k].name);

		if (!(rate > 0))
			continue;
		strcpy(name, c->c[k].name);
		for (char *t = name; *t; t++)
			*t = *t == '_' ? ' ' : *t;
		col = view_item(s, row, col, s->cols, name, TOP_BOLD, text_si(text, rate));
		n++;
	}
	if (!n)
		top_screen_put(s, row, col, TOP_DIM, isnan(d->seconds) ? " -" : " quiet");
	return row + 1;
}

/* The columns of a core behind its bar. */
enum core_column { PACKETS, FILL, FIFO, SLEEPS, WAKES, CORE_COLUMNS };

static const struct {
	const char *head;
	int width;
} core_column[CORE_COLUMNS] = { { "PKT/s", 6 }, { "BATCH", 6 }, { "FIFO", 6 }, { "SLEEP/s", 8 }, { "WAKE/s", 7 } };

static const char *core_value(char text[TEXT_LEN], const struct top_core *c, enum core_column column)
{
	switch (column) {
	case PACKETS:
		return text_si(text, c->packets);
	case FILL:
		return text_si(text, c->fill);
	case FIFO:
		if (!c->core->has_fifo)
			return "-";
		snprintf(text, TEXT_LEN, "%" PRIu64 "/%" PRIu64, c->core->fifo_used, c->core->fifo_size);
		return text;
	case SLEEPS:
		return text_si(text, c->sleeps);
	case WAKES:
		return text_si(text, c->wakes);
	default:
		return "";
	}
}

/* A letter for each bit of time that went into a stage. */
static void view_bar(const struct top_core *c, struct top_screen *s, int row, int col, int width)
{
	char letter[2] = "";
	double sum = 0;
	int at = 0;

	top_screen_put(s, row, col, TOP_DIM, "[");
	top_screen_put(s, row, col + width - 1, TOP_DIM, "]");
	for (unsigned int k = 0, n = 0; k < c->core->stages.n; k++) {
		const char *name = c->core->stages.c[k].name;
		int end;

		if (!strcmp(name, "rest"))
			continue;
		sum += top_data_stage(c, k);
		end = (int)(sum * (width - 2) + 0.5);
		letter[0] = name[0];
		for (; at < end; at++)
			top_screen_put(s, row, col + 1 + at, TOP_STAGE + n % (TOP_LOOKS - TOP_STAGE), letter);
		n++;
	}
}

static int view_cores(const struct top_data *d, struct top_screen *s, int row, int lines)
{
	const int left = 23, n = (int)d->now.stats.n_cores, shown = n < lines - 1 ? n : lines - 1;
	int columns = 0, bar = s->cols - left, col;
	char text[TEXT_LEN];

	while (columns < CORE_COLUMNS && bar - core_column[columns].width >= BAR_MIN)
		bar -= core_column[columns++].width;
	top_screen_look(s, row, TOP_TITLE);
	col = top_screen_put(s, row, 0, TOP_TITLE, " CPU ROLES       LOAD  ") + bar;
	top_screen_put(s, row, left, TOP_TITLE, "TIME");
	if (shown < n)
		top_screen_print(s, row, left + 5, TOP_TITLE, "%d of %d", shown, n);
	for (int k = 0; k < columns; col += core_column[k++].width)
		top_screen_right(s, row, col, core_column[k].width, TOP_TITLE, core_column[k].head);
	for (int line = 0; line < shown; line++) {
		const struct top_core *c = &d->cores[line];

		row++;
		top_screen_print(s, row, 0, TOP_PLAIN, "%4" PRIu64 " %.10s", c->core->cpu, c->core->roles);
		top_screen_right(s, row, 15, 6, c->load > 0.9 ? TOP_ALARM : TOP_BOLD, text_percent(text, c->load));
		view_bar(c, s, row, left, bar);
		col = left + bar;
		for (int k = 0; k < columns; col += core_column[k++].width)
			top_screen_right(s, row, col, core_column[k].width, TOP_PLAIN, core_value(text, c, (enum core_column)k));
	}
	return row + 1;
}

static int view_drops(const struct top_data *d, struct top_screen *s, int row, int lines)
{
	const int n = (int)d->n_drops, shown = n < lines - 1 ? n : lines - 1;
	char text[TEXT_LEN];
	int col = top_screen_put(s, row, 0, TOP_PLAIN, "drops/s  ");

	if (shown < n && lines == 1)
		top_screen_print(s, row, col, TOP_ALARM, "%s, %s most", text_si(text, d->drop_rate), d->drops[0].name);
	else if (shown < n)
		top_screen_print(s, row, col, TOP_ALARM, "%s, %d of %d reasons:", text_si(text, d->drop_rate), shown, n);
	else if (n)
		top_screen_put(s, row, col, TOP_ALARM, text_si(text, d->drop_rate));
	else
		top_screen_put(s, row, col, TOP_DIM, isnan(d->drop_rate) ? "-" : "none");
	for (int k = 0; k < shown; k++) {
		const char *why = text_drop_reason(d->drops[k].name);

		row++;
		top_screen_right(s, row, 0, 7, TOP_BOLD, text_si(text, d->drops[k].rate));
		top_screen_print(s, row, 9, TOP_PLAIN, "%-20s", d->drops[k].name);
		top_screen_fit(s, row, 30, s->cols - 30, TOP_PLAIN, why ? why : "");
	}
	return row + 1;
}

/* Columns of peers: where they begin, 0: no room. */
struct peer_columns {
	int key, rx, tx, handshake, endpoint, endpoint_width, allowed;
};

static struct peer_columns peer_columns(const struct top_data *d, const struct top_screen *s, size_t first, size_t n)
{
	struct peer_columns c = { .key = s->cols >= FULL_KEY_COLS ? CONF_KEY_B64_LEN : PEER_SHORT + 2 };
	int at = c.key, width = 8;

	c.rx = at + 9 <= s->cols ? at : 0;
	c.tx = at + 18 <= s->cols ? at + 9 : 0;
	c.handshake = at + 29 <= s->cols ? at + 18 : 0;
	at += 31;
	for (size_t k = 0; k < n; k++) {
		const int len = (int)strlen(d->pick[first + k]->peer->endpoint);

		width = len > width ? len : width;
	}
	if (at + 8 > s->cols)
		return c;
	c.endpoint = at;
	c.endpoint_width = at + width <= s->cols ? width : s->cols - at;
	at += c.endpoint_width + 2;
	c.allowed = at + 11 <= s->cols ? at : 0;
	return c;
}

static void view_peer_head(const struct top_ui *ui, const struct peer_columns *c, struct top_screen *s, int row)
{
	const enum top_sort by = ui->sort;

	top_screen_look(s, row, TOP_TITLE);
	top_screen_put(s, row, 0, by == TOP_SORT_PEER ? TOP_CHOSEN : TOP_TITLE, "PEER");
	if (c->rx)
		top_screen_right(s, row, c->rx, 9, by == TOP_SORT_RX || by == TOP_SORT_RATE ? TOP_CHOSEN : TOP_TITLE, "RX bit/s");
	if (c->tx)
		top_screen_right(s, row, c->tx, 9, by == TOP_SORT_TX || by == TOP_SORT_RATE ? TOP_CHOSEN : TOP_TITLE, "TX bit/s");
	if (c->handshake)
		top_screen_right(s, row, c->handshake, 11, by == TOP_SORT_HANDSHAKE ? TOP_CHOSEN : TOP_TITLE, "HANDSHAKE");
	if (c->endpoint)
		top_screen_put(s, row, c->endpoint, by == TOP_SORT_ENDPOINT ? TOP_CHOSEN : TOP_TITLE, "ENDPOINT");
	if (c->allowed)
		top_screen_put(s, row, c->allowed, TOP_TITLE, "ALLOWED IPS");
}

static void view_allowed(const struct remote_iface *i, const struct remote_peer *p, struct top_screen *s, int row, int col)
{
	char text[REMOTE_TEXT], all[2 * REMOTE_TEXT];

	if (!p->n_prefixes)
		return;
	remote_prefix_text(text, &i->prefixes[p->first_prefix]);
	if (p->n_prefixes > 1)
		snprintf(all, sizeof(all), "%s +%u", text, p->n_prefixes - 1);
	top_screen_fit(s, row, col, s->cols - col, TOP_PLAIN, p->n_prefixes > 1 ? all : text);
}

static void view_peer(const struct top_data *d, const struct top_peer *t, const struct peer_columns *c, uint64_t now, struct top_screen *s,
		      int row)
{
	const struct remote_peer *p = t->peer;
	char key[CONF_KEY_B64_LEN + 1], text[TEXT_LEN];

	conf_key_encode(key, p->public_key);
	if (c->key < CONF_KEY_B64_LEN)
		strcpy(key + PEER_SHORT, "..");
	top_screen_fit(s, row, 0, c->key, TOP_PLAIN, *p->name ? p->name : key);
	if (c->rx)
		top_screen_right(s, row, c->rx, 9, t->rx > 0 ? TOP_BOLD : TOP_PLAIN, text_si(text, 8 * t->rx));
	if (c->tx)
		top_screen_right(s, row, c->tx, 9, t->tx > 0 ? TOP_BOLD : TOP_PLAIN, text_si(text, 8 * t->tx));
	if (c->handshake) {
		const uint64_t age = now > p->handshake_sec ? now - p->handshake_sec : 0;

		top_screen_right(s, row, c->handshake, 11, p->handshake_sec && age < 180 ? TOP_GOOD : TOP_DIM,
				 p->handshake_sec ? text_age(text, age) : "-");
	}
	if (c->endpoint)
		top_screen_fit(s, row, c->endpoint, c->endpoint_width, TOP_PLAIN, *p->endpoint ? p->endpoint : "-");
	if (c->allowed)
		view_allowed(&d->now, p, s, row, c->allowed);
}

/* Sorts the peers that are seen, draws them; returns how many match the filter. */
static size_t view_peers(struct top_data *d, struct top_ui *ui, uint64_t now, struct top_screen *s, int row, const struct top_layout *l)
{
	const size_t lines = (size_t)l->peers;
	size_t found = top_pick(d, ui->sort, ui->reverse, ui->filter, ui->first, lines), n;
	struct peer_columns c;

	ui->page = lines;
	if (ui->first + lines > found) {	/* the last page is a full one */
		ui->first = found > lines ? found - lines : 0;
		found = top_pick(d, ui->sort, ui->reverse, ui->filter, ui->first, lines);
	}
	n = found - ui->first < lines ? found - ui->first : lines;
	c = peer_columns(d, s, ui->first, n);
	view_peer_head(ui, &c, s, row++);
	for (size_t k = 0; k < n; k++)
		view_peer(d, d->pick[ui->first + k], &c, now, s, row++);
	return found;
}

static void view_foot(const struct top_data *d, const struct top_ui *ui, const struct top_moment *m, size_t found, struct top_screen *s,
		      int row)
{
	char where[64];
	const size_t last = ui->first + ui->page < found ? ui->first + ui->page : found;
	int len;

	if (m->fault) {
		top_screen_fit(s, row, top_screen_put(s, row, 0, TOP_ALARM, "no answer: "), s->cols - 11, TOP_ALARM, m->fault);
		return;
	}
	if (ui->typing)
		top_screen_print(s, row, 0, TOP_BOLD, "filter: %s_", ui->filter);
	else
		top_screen_print(s, row, 0, TOP_DIM, "q quit  ? help  / filter  space pause  by %s%s%s%s", top_sort_name[ui->sort],
				 ui->reverse ? ", reversed" : "", *ui->filter ? "  filter: " : "", ui->filter);
	len = snprintf(where, sizeof(where), "  %zu-%zu of %zu", found ? ui->first + 1 : 0, last, found);
	if (found < d->now.n_peers)
		len += snprintf(where + len, sizeof(where) - (size_t)len, " (%zu)", d->now.n_peers);
	if (s->cols >= 64)
		top_screen_right(s, row, s->cols - len, len, TOP_DIM, where);
}

void top_view_render(struct top_data *d, struct top_ui *ui, const struct top_moment *m, struct top_screen *s)
{
	const struct top_layout l = top_layout_of(s->rows, d, m->keys || m->fault);
	size_t found = 0;
	int row = 0;

	top_screen_clear(s);
	if (ui->help) {
		view_help(s);
		return;
	}
	if (l.title)
		row = view_title(d, ui, m, s, row);
	if (l.totals)
		row = view_totals(d, s, row);
	if (l.rings)
		row = view_rings(d, s, row);
	if (l.ports)
		row = view_ports(d, s, row);
	if (l.control)
		row = view_control(d, s, row);
	if (l.cores)
		row = view_cores(d, s, row, l.cores);
	if (l.drops)
		row = view_drops(d, s, row, l.drops);
	if (l.head)
		found = view_peers(d, ui, m->now, s, row, &l);
	if (l.foot)
		view_foot(d, ui, m, found, s, s->rows - 1);
}
