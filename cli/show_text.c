/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface for people: first what `wg show` says, in its words and order, then a block "dataplane" of what only wgdp knows. Columns are as
 * wide as what is in them.
 */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct style {
	const char *label, *iface, *peer, *unit, *alarm, *plain;
};

static const struct style in_colours = { "\033[1m", "\033[32m", "\033[33m", "\033[36m", "\033[31m", "\033[0m" };
static const struct style no_colours = { "", "", "", "", "", "" };

/* Later handshakes first; of equals the one that came first. */
static int order_peers(const void *a, const void *b)
{
	const struct remote_peer *p = *(const struct remote_peer *const *)a, *q = *(const struct remote_peer *const *)b;

	if (p->handshake_sec != q->handshake_sec)
		return p->handshake_sec > q->handshake_sec ? -1 : 1;
	if (p->handshake_nsec != q->handshake_nsec)
		return p->handshake_nsec > q->handshake_nsec ? -1 : 1;
	return p < q ? -1 : p > q;
}

void show_sort_peers(struct remote_iface *i)
{
	const struct remote_peer **order = calloc(i->n_peers + 1, sizeof(*order));
	struct remote_peer *sorted = calloc(i->n_peers + 1, sizeof(*sorted));

	if (order && sorted) {
		for (size_t k = 0; k < i->n_peers; k++)
			order[k] = &i->peers[k];
		qsort(order, i->n_peers, sizeof(*order), order_peers);
		for (size_t k = 0; k < i->n_peers; k++)
			sorted[k] = *order[k];
		free(i->peers);
		i->peers = sorted;
		i->room_peers = i->n_peers + 1;
		sorted = NULL;
	}
	free(order);
	free(sorted);
}

static void key_line(FILE *out, const struct style *s, const char *label, const uint8_t key[CONF_KEY_LEN])
{
	char text[CONF_KEY_B64_LEN + 1];

	conf_key_encode(text, key);
	fprintf(out, "  %s%s%s: %s\n", s->label, label, s->plain, text);
}

static void device(FILE *out, const struct style *s, const struct remote_iface *i)
{
	fprintf(out, "%s%sinterface%s: %s%s%s\n", s->iface, s->label, s->plain, s->iface, i->name, s->plain);
	if (i->has_public_key)
		key_line(out, s, "public key", i->public_key);
	if (i->has_private_key)
		fprintf(out, "  %sprivate key%s: (hidden)\n", s->label, s->plain);
	if (i->listen_port)
		fprintf(out, "  %slistening port%s: %u\n", s->label, s->plain, i->listen_port);
	if (i->fwmark)
		fprintf(out, "  %sfwmark%s: 0x%x\n", s->label, s->plain, i->fwmark);
}

static void allowed_ips(FILE *out, const struct style *s, const struct remote_iface *i, const struct remote_peer *p)
{
	char text[REMOTE_TEXT];

	fprintf(out, "  %sallowed ips%s: %s", s->label, s->plain, p->n_prefixes ? "" : "(none)");
	for (uint32_t k = 0; k < p->n_prefixes; k++) {
		char *slash;

		remote_prefix_text(text, &i->prefixes[p->first_prefix + k]);
		slash = strchr(text, '/');
		fprintf(out, "%s%.*s%s/%s%s", k ? ", " : "", (int)(slash - text), text, s->unit, s->plain, slash + 1);
	}
	fputc('\n', out);
}

static void handshake(FILE *out, const struct style *s, const struct remote_peer *p, uint64_t now)
{
	char text[TEXT_LEN];

	if (!p->handshake_sec)
		return;
	fprintf(out, "  %slatest handshake%s: ", s->label, s->plain);
	if (now == p->handshake_sec)
		fputs("Now\n", out);
	else if (now < p->handshake_sec)
		fprintf(out, "(%sSystem clock wound backward; connection problems may ensue.%s)\n", s->alarm, s->plain);
	else
		fprintf(out, "%s ago\n", text_duration(text, now - p->handshake_sec, s->unit, s->plain));
}

static void peer(FILE *out, const struct style *s, const struct remote_iface *i, const struct remote_peer *p, uint64_t now)
{
	char key[CONF_KEY_B64_LEN + 1], rx[TEXT_LEN], tx[TEXT_LEN];

	conf_key_encode(key, p->public_key);
	fprintf(out, "\n%s%speer%s: %s%s%s\n", s->peer, s->label, s->plain, s->peer, key, s->plain);
	if (*p->name)
		fprintf(out, "  %sname%s: %s\n", s->label, s->plain, text_shown(rx, p->name));
	if (p->has_preshared_key)
		fprintf(out, "  %spreshared key%s: (hidden)\n", s->label, s->plain);
	if (*p->endpoint)
		fprintf(out, "  %sendpoint%s: %s\n", s->label, s->plain, p->endpoint);
	allowed_ips(out, s, i, p);
	handshake(out, s, p, now);
	if (p->rx_bytes || p->tx_bytes)
		fprintf(out, "  %stransfer%s: %s received, %s sent\n", s->label, s->plain,
			text_bytes(rx, p->rx_bytes, s->unit, s->plain), text_bytes(tx, p->tx_bytes, s->unit, s->plain));
	if (p->keepalive)
		fprintf(out, "  %spersistent keepalive%s: every %s\n", s->label, s->plain,
			text_duration(rx, p->keepalive, s->unit, s->plain));
}

static int digits(uint64_t n)
{
	return snprintf(NULL, 0, "%" PRIu64, n);
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int order_counters(const void *a, const void *b)
{
	const struct remote_counter *x = a, *y = b;

	return x->value != y->value ? (x->value > y->value ? -1 : 1) : strcmp(x->name, y->name);
}

static void drops(FILE *out, const struct style *s, const struct remote_counters *all)
{
	struct remote_counters c = *all;
	int name = 0, value = 0;

	qsort(c.c, c.n, sizeof(c.c[0]), order_counters);
	while (c.n && !c.c[c.n - 1].value)
		c.n--;
	fprintf(out, "  %sdrops%s:%s\n", s->label, s->plain, c.n ? "" : " none");
	for (unsigned int k = 0; k < c.n; k++) {
		name = max(name, (int)strlen(c.c[k].name));
		value = max(value, digits(c.c[k].value));
	}
	for (unsigned int k = 0; k < c.n; k++) {
		const char *text = text_drop_reason(c.c[k].name);

		fprintf(out, "    %-*s  %*" PRIu64 "  %s\n", name, c.c[k].name, value, c.c[k].value,
			text ? text : "(a reason of another version of wgdp)");
	}
}

/* "initiations sent 3, ..." of those that are not 0 */
static void control(FILE *out, const struct style *s, const struct remote_counters *c)
{
	unsigned int n = 0;

	fprintf(out, "  %scontrol%s: ", s->label, s->plain);
	for (unsigned int k = 0; k < c->n; k++) {
		if (!c->c[k].value)
			continue;
		fputs(n++ ? ", " : "", out);
		for (const char *t = c->c[k].name; *t; t++)
			fputc(*t == '_' ? ' ' : *t, out);
		fprintf(out, " %" PRIu64, c->c[k].value);
	}
	fputs(n ? "\n" : "nothing yet\n", out);
}

static void rings(FILE *out, const struct style *s, const struct remote_stats *d)
{
	fprintf(out, "  %srings%s: ", s->label, s->plain);
	for (unsigned int k = 0; k < d->n_rings; k++)
		fprintf(out, "%s%s %" PRIu64 "/%" PRIu64, k ? ", " : "", d->ring[k].name, d->ring[k].used, d->ring[k].size);
	fputc('\n', out);
}

static int order_cores(const void *a, const void *b)
{
	const struct remote_core *c = *(const struct remote_core *const *)a, *d = *(const struct remote_core *const *)b;
	const double x = remote_core_load(c), y = remote_core_load(d);

	if (x > y || x < y)
		return x > y ? -1 : 1;
	return c->cpu < d->cpu ? -1 : c->cpu > d->cpu;
}

static void core_line(FILE *out, const struct remote_core *c)
{
	const double load = remote_core_load(c), fill = c->batches ? (double)c->batched / (double)c->batches : 0;
	char text[TEXT_LEN], fifo[TEXT_LEN] = "-";
	double all = 0;

	for (unsigned int k = 0; k < c->stages.n; k++)
		all += (double)c->stages.c[k].value;
	if (c->has_fifo)
		snprintf(fifo, sizeof(fifo), "%" PRIu64 "/%" PRIu64, c->fifo_used, c->fifo_size);
	fprintf(out, "    %4" PRIu64 "  %-9s  %6s  %5.1f  %7s  %10" PRIu64 "  %10" PRIu64 " ", c->cpu, c->roles,
		text_percent(text, load), fill, fifo, c->sleeps, c->wakes);
	for (unsigned int k = 0; k < c->stages.n; k++) {
		const double share = all > 0 ? (double)c->stages.c[k].value / all : 0;

		if (strcmp(c->stages.c[k].name, "rest") && share >= 0.0005)
			fprintf(out, " %s %s", c->stages.c[k].name, text_percent(text, share));
	}
	fputc('\n', out);
}

static void cores(FILE *out, const struct style *s, const struct remote_stats *d)
{
	const struct remote_core **order = calloc(d->n_cores + 1, sizeof(*order));

	if (!order)
		return;
	for (unsigned int k = 0; k < d->n_cores; k++)
		order[k] = &d->core[k];
	qsort(order, d->n_cores, sizeof(*order), order_cores);
	fprintf(out, "  %scores%s, since the start:\n", s->label, s->plain);
	fputs("     cpu  roles        load  batch     fifo      sleeps       wakes  time\n", out);
	for (unsigned int k = 0; k < d->n_cores; k++)
		core_line(out, order[k]);
	free(order);
}

static bool has_mirror(const struct remote_stats *d)
{
	for (unsigned int k = 0; k < d->n_ports; k++)
		if (*d->port[k].mirror)
			return true;
	return false;
}

static void packets(FILE *out, const struct style *s, const struct remote_stats *d)
{
	const struct remote_packets p = remote_packets(d);

	fprintf(out, "  %spackets outside%s: %" PRIu64 " received, %" PRIu64 " sent\n", s->label, s->plain, p.outer_rx, p.outer_tx);
	fprintf(out, "  %spackets inside%s: %" PRIu64 " received, %" PRIu64 " sent, %" PRIu64 " waiting for a session\n", s->label,
		s->plain, p.inner_rx, p.inner_tx, d->staged);
	if (d->has_routes)
		fprintf(out, "  %sfast path%s: %" PRIu64 " packets from the LAN, %" PRIu64 " to it\n", s->label, s->plain, p.lan_rx, p.lan_tx);
	if (p.host_rx || p.host_tx || has_mirror(d))
		fprintf(out, "  %sframes of the host%s: %" PRIu64 " from it, %" PRIu64 " to it\n", s->label, s->plain, p.host_rx, p.host_tx);
}

static void routes(FILE *out, const struct style *s, const struct remote_stats *d)
{
	if (!d->has_routes)
		return;
	fprintf(out, "  %sroutes%s: %" PRIu64 " prefixes, %" PRIu64 " of neighbours, %" PRIu64 " judged; read anew %" PRIu64 " times\n", s->label,
		s->plain, d->routes_prefixes, d->routes_hosts, d->routes_judged, d->routes_resyncs);
	if (*d->routes_off)
		fprintf(out, "    %sno fast path%s: %s\n", s->alarm, s->plain, d->routes_off);
}

/* "up 10 Gbit/s" */
static void port_link(FILE *out, const struct style *s, const struct remote_port *p)
{
	const bool up = !strcmp(p->link, "up");

	fprintf(out, "link %s%s%s", up ? "" : s->alarm, *p->link ? p->link : "not known", up ? "" : s->plain);
	if (p->speed_mbps >= 1000)
		fprintf(out, " %g Gbit/s", (double)p->speed_mbps / 1000);
	else if (p->speed_mbps)
		fprintf(out, " %" PRIu64 " Mbit/s", p->speed_mbps);
}

static void port_offloads(FILE *out, const char *words)
{
	while (*words) {
		const size_t len = strcspn(words, ",");

		fputs(", ", out);
		for (size_t k = 0; k < len; k++)
			fputc(words[k] == '_' ? ' ' : words[k], out);
		words += len + (words[len] == ',');
	}
}

static void port(FILE *out, const struct style *s, const struct remote_port *p)
{
	char rx[TEXT_LEN], tx[TEXT_LEN];

	fprintf(out, "  %sport %s%s: %s%s%s (%s), ", s->label, p->name, s->plain, p->role, *p->role ? ", " : "", p->device, p->driver);
	port_link(out, s, p);
	fprintf(out, ", mtu %" PRIu64 ", %" PRIu64 " queue%s", p->mtu, p->queues, p->queues == 1 ? "" : "s");
	if (p->has_numa)
		fprintf(out, ", NUMA node %" PRIu64, p->numa);
	port_offloads(out, p->offloads);
	fprintf(out, "\n    mac %s; received %" PRIu64 " packets, %s; sent %" PRIu64 ", %s\n", *p->mac ? p->mac : "not known", p->rx_packets,
		text_bytes(rx, p->rx_bytes, s->unit, s->plain), p->tx_packets, text_bytes(tx, p->tx_bytes, s->unit, s->plain));
	fprintf(out, "    missed %" PRIu64 ", no buffer %" PRIu64 ", errors %" PRIu64 " received, %" PRIu64 " sent\n", p->rx_missed,
		p->rx_no_mbuf, p->rx_errors, p->tx_errors);
}

static void dataplane(FILE *out, const struct style *s, const struct remote_iface *i)
{
	const struct remote_stats *d = &i->stats;
	char text[TEXT_LEN];

	fprintf(out, "\n%s%sdataplane%s: ", s->iface, s->label, s->plain);
	if (!i->has_stats) {
		fputs("not known: this process is not wgdp\n", out);
		return;
	}
	fprintf(out, "%s%s%s\n", s->iface, i->name, s->plain);
	text_duration(text, d->uptime_ns / 1000000000, s->unit, s->plain);
	fprintf(out, "  %sprocess%s: %" PRIu64 ", version %s, up %s\n", s->label, s->plain, d->pid, d->version, *text ? text : "just now");
	fprintf(out, "  %slink%s: %s, mtu %" PRIu64 ", outer %s, aead %s\n", s->label, s->plain, d->up ? "up" : "down", d->mtu, d->outer,
		d->aead);
	fprintf(out, "  %speers%s: %" PRIu64 ", %" PRIu64 " connected, %" PRIu64 " allowed ips\n", s->label, s->plain, d->peers, d->connected,
		d->allowed_ips);
	packets(out, s, d);
	for (unsigned int k = 0; k < d->n_ports; k++)
		port(out, s, &d->port[k]);
	routes(out, s, d);
	drops(out, s, &d->drops);
	control(out, s, &d->control);
	rings(out, s, d);
	cores(out, s, d);
}

void show_text(FILE *out, const struct remote_iface *i, uint64_t now, bool colours)
{
	const struct style *s = colours ? &in_colours : &no_colours;

	device(out, s, i);
	for (size_t k = 0; k < i->n_peers; k++)
		peer(out, s, i, &i->peers[k], now);
	dataplane(out, s, i);
}
