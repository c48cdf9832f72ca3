/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A page is a walk: over families, in each over interfaces, in each over items (one, or drop reasons, or cores, or slots of peers), and each
 * item is a line or none. Where the walk stands is three numbers, so it may pause anywhere. The families are a table; those of one kind of
 * item share a function that writes the line. HTTP is metrics.c's, the format's details are metrics_text.c's.
 */
#include "metrics_page.h"

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "conf.h"
#include "iface.h"
#include "metrics_text.h"

enum { ITEMS_PER_READ = 2048 };	/* looked at, lines or not */

struct metrics_page {
	struct snapshot *snapshot;
	bool openmetrics;
	/* the walk */
	unsigned int family, iface, item;
	bool headed;			/* the family's header is written */
	bool ended;
	struct metrics_line line;
	size_t line_at;			/* what of it has been read */
	unsigned int n;
	struct page_iface {
		struct metrics_iface is;
		uint32_t generation;	/* of the last peer that is on this page */
	} ifaces[];
};

/* What a line is about. */
struct row {
	struct metrics_line *line;
	const struct metrics_name *name;
	const struct stats *s;
	const struct page_iface *iface;
	unsigned int item;
	size_t value;			/* which of the values that the function knows */
};

struct family {
	struct metrics_name name;
	unsigned int (*items)(const struct stats *s, const struct page_iface *i);
	void (*write)(const struct row *r);	/* nothing, where there is no such line */
	size_t value;
};

static void begin(const struct row *r)
{
	metrics_begin(r->line, r->name);
	metrics_label(r->line, "interface", r->s->name);
}

static void end(const struct row *r, uint64_t value)
{
	metrics_end(r->line);
	metrics_u64(r->line, value);
	metrics_str(r->line, "\n");
}

static void end_seconds(const struct row *r, uint64_t seconds, uint32_t nanoseconds)
{
	metrics_end(r->line);
	metrics_seconds(r->line, seconds, nanoseconds);
	metrics_str(r->line, "\n");
}

/* ---- the process and the interface */

static unsigned int one(const struct stats *s, const struct page_iface *i)
{
	(void)s;
	(void)i;
	return 1;
}

static void write_build(const struct row *r)
{
	metrics_begin(r->line, r->name);
	metrics_label(r->line, "version", WGDP_VERSION);
	end(r, 1);
}

static void write_info(const struct row *r)
{
	char key[CONF_KEY_B64_LEN + 1] = "";

	if (r->s->has_key)
		conf_key_encode(key, r->s->public_key);
	begin(r);
	metrics_label(r->line, "public_key", key);
	metrics_label_u64(r->line, "listen_port", r->s->listen_port);
	metrics_label_u64(r->line, "fwmark", r->s->fwmark);
	metrics_label(r->line, "outer", r->s->outer);
	metrics_label(r->line, "aead", r->s->aead);
	end(r, 1);
}

static void write_uptime(const struct row *r)
{
	begin(r);
	end_seconds(r, r->s->uptime_ns / 1000000000, r->s->uptime_ns % 1000000000);
}

enum { IFACE_UP_NOW, IFACE_MTU, IFACE_PEERS, IFACE_CONNECTED, IFACE_ALLOWED_IPS, IFACE_STAGED };

static void write_iface(const struct row *r)
{
	const struct stats *s = r->s;
	const uint64_t value[] = { [IFACE_UP_NOW] = s->up, [IFACE_MTU] = s->mtu, [IFACE_PEERS] = s->peers,
		[IFACE_CONNECTED] = s->connected, [IFACE_ALLOWED_IPS] = s->allowed_ips, [IFACE_STAGED] = s->staged };

	begin(r);
	end(r, value[r->value]);
}

static void write_control(const struct row *r)
{
	begin(r);
	end(r, r->s->control[r->value]);
}

static unsigned int reasons(const struct stats *s, const struct page_iface *i)
{
	(void)s;
	(void)i;
	return DROP_N;
}

static void write_drop(const struct row *r)
{
	begin(r);
	metrics_label(r->line, "reason", drop_name[r->item]);
	end(r, r->s->sum.drop[r->item]);
}

static unsigned int rings(const struct stats *s, const struct page_iface *i)
{
	(void)s;
	(void)i;
	return 4;
}

enum { USED, SIZE };

static void write_ring(const struct row *r)
{
	static const char *const name[] = { "work", "events", "handshakes", "staged" };
	const struct stats_ring *ring[] = { &r->s->work, &r->s->events, &r->s->handshakes, &r->s->staged_ring };

	begin(r);
	metrics_label(r->line, "ring", name[r->item]);
	end(r, r->value == USED ? ring[r->item]->used : ring[r->item]->size);
}

static void write_mbufs(const struct row *r)
{
	begin(r);
	end(r, r->value == USED ? r->s->mbufs.used : r->s->mbufs.size);
}

/* ---- counters that all cores have: of the interface, and by core */

enum { RECEIVED, SENT, BATCHES, BATCHED, SLEEPS, WAKES };

static unsigned int sides(const struct stats *s, const struct page_iface *i)
{
	(void)s;
	(void)i;
	return 2;
}

static void write_sides(const struct row *r, const struct counters *c, unsigned int side)
{
	const uint64_t received[] = { c->outer_rx, c->inner_rx }, sent[] = { c->outer_tx, c->inner_tx };

	metrics_label(r->line, "side", side ? "inner" : "outer");
	end(r, r->value == RECEIVED ? received[side] : sent[side]);
}

static void write_packets(const struct row *r)
{
	begin(r);
	write_sides(r, &r->s->sum, r->item);
}

static const struct stats_core *begin_core(const struct row *r, unsigned int core)
{
	begin(r);
	metrics_label_u64(r->line, "core", r->s->core[core].cpu);
	return &r->s->core[core];
}

static unsigned int cores(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->n_cores;
}

static void write_core_info(const struct row *r)
{
	static const char *const roles[] = { [CORE_RX] = "rx", [CORE_WORKER] = "worker", [CORE_RX | CORE_WORKER] = "rx,worker" };
	const struct stats_core *c = begin_core(r, r->item);

	metrics_label(r->line, "roles", roles[c->roles]);
	end(r, 1);
}

static void write_core(const struct row *r)
{
	const struct counters *c = &begin_core(r, r->item)->counters;
	const uint64_t value[] = { [BATCHES] = c->batches, [BATCHED] = c->batched, [SLEEPS] = c->sleeps, [WAKES] = c->wakes };

	end(r, value[r->value]);
}

static void write_fifo(const struct row *r)
{
	const struct stats_ring *fifo = &r->s->core[r->item].fifo;

	if (!fifo->size)
		return;		/* it does not receive */
	begin_core(r, r->item);
	end(r, r->value == USED ? fifo->used : fifo->size);
}

static unsigned int core_sides(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->n_cores * 2;
}

static void write_core_packets(const struct row *r)
{
	write_sides(r, &begin_core(r, r->item / 2)->counters, r->item % 2);
}

static unsigned int core_stages(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->n_cores * STAGE_N;
}

static void write_stage(const struct row *r)
{
	const uint64_t hz = rte_get_tsc_hz();
	const uint64_t ticks = begin_core(r, r->item / STAGE_N)->counters.stage[r->item % STAGE_N];

	metrics_label(r->line, "stage", stage_name[r->item % STAGE_N]);
	end_seconds(r, ticks / hz, (unsigned __int128)(ticks % hz) * 1000000000 / hz);
}

/* ---- peers */

static unsigned int slots(const struct stats *s, const struct page_iface *i)
{
	(void)s;
	return i->is.iface && i->is.peers ? i->is.iface->peers.n_slots : 0;
}

enum { PEER_RECEIVED, PEER_SENT, PEER_HANDSHAKE, PEER_CONNECTED };

static void write_peer(const struct row *r)
{
	const struct iface *i = r->iface->is.iface;
	const struct peer *p = i->peers.slot[r->item];
	char key[CONF_KEY_B64_LEN + 1];

	/* One that is newer than the page may be one that was on it already, and came again. */
	if (!p || (int32_t)((uint32_t)(p->dp.id >> 32) - r->iface->generation) > 0)
		return;
	conf_key_encode(key, p->remote.public_key);
	begin(r);
	metrics_label(r->line, "public_key", key);
	metrics_label(r->line, "name", p->label ? p->label : "");
	switch (r->value) {
	case PEER_RECEIVED:
		end(r, counters_read(&p->dp.rx_bytes));
		break;
	case PEER_SENT:
		end(r, counters_read(&p->dp.tx_bytes));
		break;
	case PEER_HANDSHAKE:
		end_seconds(r, p->last_handshake.tv_sec, p->last_handshake.tv_nsec);
		break;
	case PEER_CONNECTED:
		end(r, stats_handshake_age_ns(p) < i->times.reject_after);
		break;
	}
}

/* ---- the page */

#define COUNTER METRICS_COUNTER
#define GAUGE METRICS_GAUGE
#define INFO METRICS_INFO

static const struct family families[] = {
	{ { "wgdp_build", "", "What is running.", INFO }, one, write_build, 0 },
	{ { "wgdp_interface", "", "What the interface is.", INFO }, one, write_info, 0 },
	{ { "wgdp_interface_up", "", "1 if the interface is administratively up.", GAUGE }, one, write_iface, IFACE_UP_NOW },
	{ { "wgdp_interface_uptime_seconds", "seconds", "Time since the interface was made.", GAUGE }, one, write_uptime, 0 },
	{ { "wgdp_interface_mtu_bytes", "bytes", "The interface's MTU.", GAUGE }, one, write_iface, IFACE_MTU },
	{ { "wgdp_peers", "", "Peers that are configured.", GAUGE }, one, write_iface, IFACE_PEERS },
	{ { "wgdp_peers_connected", "", "Peers whose last handshake is under 180 seconds old.", GAUGE }, one, write_iface, IFACE_CONNECTED },
	{ { "wgdp_allowed_ips", "", "Prefixes in the table of allowed IPs.", GAUGE }, one, write_iface, IFACE_ALLOWED_IPS },
	{ { "wgdp_staged_packets", "", "Packets that wait for a session.", GAUGE }, one, write_iface, IFACE_STAGED },
	{ { "wgdp_received_packets", "", "Packets taken from the network (outer) or the host (inner).", COUNTER }, sides, write_packets, RECEIVED },
	{ { "wgdp_sent_packets", "", "Packets given to the network (outer) or the host (inner).", COUNTER }, sides, write_packets, SENT },
	{ { "wgdp_dropped_packets", "", "Packets dropped, by reason.", COUNTER }, reasons, write_drop, 0 },
#define X(symbol, text, help) { { "wgdp_" text, "", "Number of " help ".", COUNTER }, one, write_control, CONTROL_##symbol },
	CONTROL_COUNTERS(X)
#undef X
	{ { "wgdp_ring_entries", "", "What waits in a ring between threads.", GAUGE }, rings, write_ring, USED },
	{ { "wgdp_ring_capacity", "", "What a ring between threads has room for.", GAUGE }, rings, write_ring, SIZE },
	{ { "wgdp_packet_buffers_used", "", "Packet buffers in use.", GAUGE }, one, write_mbufs, USED },
	{ { "wgdp_packet_buffers", "", "Packet buffers there are.", GAUGE }, one, write_mbufs, SIZE },
	{ { "wgdp_core", "", "What the core does.", INFO }, cores, write_core_info, 0 },
	{ { "wgdp_core_received_packets", "", "Packets taken from the network (outer) or the host (inner), by core.", COUNTER },
	  core_sides, write_core_packets, RECEIVED },
	{ { "wgdp_core_sent_packets", "", "Packets given to the network (outer) or the host (inner), by core.", COUNTER },
	  core_sides, write_core_packets, SENT },
	{ { "wgdp_core_batches", "", "Batches of packets submitted.", COUNTER }, cores, write_core, BATCHES },
	{ { "wgdp_core_batched_packets", "", "Packets in the batches submitted.", COUNTER }, cores, write_core, BATCHED },
	{ { "wgdp_core_stage_seconds", "seconds", "What the core has spent its time with.", COUNTER }, core_stages, write_stage, 0 },
	{ { "wgdp_core_sleeps", "", "Times the core has blocked for want of work.", COUNTER }, cores, write_core, SLEEPS },
	{ { "wgdp_core_wakes", "", "Times the core has woken another.", COUNTER }, cores, write_core, WAKES },
	{ { "wgdp_core_fifo_batches", "", "Batches under way of a receiving core.", GAUGE }, cores, write_fifo, USED },
	{ { "wgdp_core_fifo_capacity", "", "Batches that a receiving core may have under way.", GAUGE }, cores, write_fifo, SIZE },
	{ { "wgdp_peer_received_bytes", "bytes", "Bytes of WireGuard messages received from the peer.", COUNTER }, slots, write_peer, PEER_RECEIVED },
	{ { "wgdp_peer_sent_bytes", "bytes", "Bytes of WireGuard messages sent to the peer.", COUNTER }, slots, write_peer, PEER_SENT },
	{ { "wgdp_peer_last_handshake_timestamp_seconds", "seconds", "When the peer's last handshake was, as Unix time; 0: never.", GAUGE },
	  slots, write_peer, PEER_HANDSHAKE },
	{ { "wgdp_peer_connected", "", "1 if the peer's last handshake is under 180 seconds old.", GAUGE }, slots, write_peer, PEER_CONNECTED },
};

enum { N_FAMILIES = sizeof(families) / sizeof(families[0]) };

struct metrics_page *metrics_page_begin(const struct metrics_iface *ifaces, unsigned int n, struct snapshot *snapshot, bool openmetrics)
{
	struct metrics_page *p = calloc(1, sizeof(*p) + n * sizeof(p->ifaces[0]));

	if (!p)
		return NULL;
	p->snapshot = snapshot;
	snapshot->refs++;
	p->openmetrics = openmetrics;
	p->n = n;
	for (unsigned int k = 0; k < n; k++) {
		p->ifaces[k].is = ifaces[k];
		p->ifaces[k].generation = ifaces[k].iface ? ifaces[k].iface->peers.generation : 0;
	}
	return p;
}

void metrics_page_forget(struct metrics_page *p, const struct iface *i)
{
	for (unsigned int k = 0; k < p->n; k++)
		if (p->ifaces[k].is.iface == i)
			p->ifaces[k].is.iface = NULL;
}

void metrics_page_end(struct metrics_page *p)
{
	if (!p)
		return;
	snapshot_put(p->snapshot);
	free(p);
}

/* The walk's next step within the families; its line may be empty. */
static void step(struct metrics_page *p)
{
	const struct family *f = &families[p->family];
	const struct page_iface *i = &p->ifaces[p->iface];

	if (!p->headed) {
		metrics_header(&p->line, &f->name, p->openmetrics);
		p->headed = true;
	} else if (p->iface == p->n || (p->iface && f->write == write_build)) {
		p->family++;
		p->iface = p->item = 0;
		p->headed = false;
	} else if (p->item >= f->items(&p->snapshot->stats[p->iface], i)) {
		p->iface++;
		p->item = 0;
	} else {
		f->write(&(struct row){ &p->line, &f->name, &p->snapshot->stats[p->iface], i, p->item, f->value });
		p->item++;
	}
}

/* The next line, or an empty one. False: there is no more. */
static bool next_line(struct metrics_page *p)
{
	p->line.len = p->line_at = 0;
	if (p->family < N_FAMILIES) {
		step(p);
		return true;
	}
	if (p->ended)
		return false;
	p->ended = true;
	if (p->openmetrics)
		metrics_str(&p->line, "# EOF\n");
	return true;
}

ssize_t metrics_page_read(struct metrics_page *p, char *buf, size_t max)
{
	size_t len = 0;

	for (int k = 0; k < ITEMS_PER_READ; k++) {
		size_t n = p->line.len - p->line_at;

		n = n < max - len ? n : max - len;
		memcpy(buf + len, p->line.text + p->line_at, n);
		len += n;
		p->line_at += n;
		if (len == max)
			break;
		if (!next_line(p))
			return len ? (ssize_t)len : -1;
	}
	return len;
}
