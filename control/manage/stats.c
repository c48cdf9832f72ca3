/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of cores, of devices and of the control thread -> struct stats -> text. Control thread; reads what cores write by atomic loads.
 */
#include "stats.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_mempool.h>

#include "iface.h"
#include "lan.h"

const char *const control_counter_name[CONTROL_N] = {
#define X(symbol, name, text) [CONTROL_##symbol] = name,
	CONTROL_COUNTERS(X)
#undef X
};

const char *const control_counter_text[CONTROL_N] = {
#define X(symbol, name, text) [CONTROL_##symbol] = text,
	CONTROL_COUNTERS(X)
#undef X
};

enum { AHEAD = 16 };	/* peers whose memory is fetched before it is looked at: one at a time, 100,000 take ten times as long */

static uint64_t handshake_age(const struct peer *p, uint64_t now)
{
	if (!p->handshake_ns)
		return UINT64_MAX;
	return now > p->handshake_ns ? now - p->handshake_ns : 0;
}

uint64_t stats_handshake_age_ns(const struct peer *p)
{
	return handshake_age(p, dataplane_now());
}

static unsigned int count_connected(const struct iface *i, uint64_t now)
{
	const struct peers *ps = &i->peers;
	unsigned int n = 0;

	for (uint32_t k = 0; k < ps->n_slots; k++) {
		if (k + AHEAD < ps->n_slots && ps->slot[k + AHEAD])
			__builtin_prefetch(&ps->slot[k + AHEAD]->handshake_ns);
		if (ps->slot[k])
			n += handshake_age(ps->slot[k], now) < i->times.reject_after;
	}
	return n;
}

/* (The library's own count loads what other threads write as if nobody did.) */
static struct stats_ring ring(const struct rte_ring *r)
{
	return (struct stats_ring){ .used = jobs_count(r), .size = rte_ring_get_capacity(r) };
}

static void collect_rings(const struct iface *i, struct stats *s)
{
	s->work = ring(i->dp->work);
	s->events = ring(i->dp->events);
	s->handshakes = ring(i->dp->handshakes);
	s->staged_ring = ring(i->dp->staged);
	s->mbufs.used = rte_mempool_in_use_count(i->pool);
	s->mbufs.size = i->pool->size;
}

static void collect_cores(const struct iface *i, struct stats *s)
{
	uint64_t *sum = (uint64_t *)&s->sum;

	s->n_cores = i->dp->n_cores;
	for (unsigned int k = 0; k < s->n_cores; k++) {
		struct dataplane_core_state state;
		const uint64_t *from = (const uint64_t *)&state.counters;

		dataplane_core_state(i->dp, k, &state);
		s->core[k].cpu = state.cpu;
		s->core[k].roles = state.roles;
		s->core[k].fifo = (struct stats_ring){ .used = state.fifo_used, .size = state.fifo_size };
		s->core[k].counters = state.counters;
		for (size_t n = 0; n < sizeof(s->sum) / sizeof(*sum); n++)
			sum[n] += from[n];	/* not read twice: the sum is that of what is shown by core */
	}
	s->sum.drop[DROP_STAGE_FULL] += i->staged_dropped;
}

static void add_port(struct stats *s, const char *role, const struct port *from)
{
	struct stats_port *p = &s->port[s->n_ports];
	struct port_info *info = &p->info;

	if (!port_info(from, info))
		return;		/* sockets, say */
	s->n_ports++;
	p->role = role;
	snprintf(p->device, sizeof(p->device), "%s", info->device);
	snprintf(p->driver, sizeof(p->driver), "%s", info->driver ? info->driver : "");	/* a device that is gone has none */
	snprintf(p->mirror, sizeof(p->mirror), "%s", info->mirror ? info->mirror : "");
	if (info->mirror)
		snprintf(p->name, sizeof(p->name), "%s", info->mirror);
	else
		snprintf(p->name, sizeof(p->name), "%.*s", (int)strcspn(info->device, ","), info->device);
	snprintf(p->offloads, sizeof(p->offloads), "%s%s%s", info->rss ? "rss" : "", info->rss && info->udp_checksum_offload ? "," : "",
		 info->udp_checksum_offload ? "udp_checksum" : "");
	info->device = info->driver = info->mirror = NULL;	/* they end with the port */
}

static void collect_ports(const struct iface *i, struct stats *s)
{
	struct routes_state routes;

	add_port(s, "outer", outer_port(i->outer));
	if (!i->lan)
		return;
	add_port(s, "lan", lan_port(i->lan));
	s->has_routes = lan_routes_state(i->lan, &routes);
	if (!s->has_routes)
		return;
	s->routes = (struct stats_routes){ .prefixes = routes.prefixes, .hosts = routes.hosts, .judged = routes.judged,
		.resyncs = routes.resyncs };
	snprintf(s->routes.off, sizeof(s->routes.off), "%s", routes.off ? routes.off : "");
}

void stats_collect(const struct iface *i, struct stats *s)
{
	const uint64_t now = dataplane_now();

	memset(s, 0, offsetof(struct stats, core));
	snprintf(s->name, sizeof(s->name), "%s", i->name);
	s->up = i->up;
	s->has_key = i->identity.valid;
	memcpy(s->public_key, i->identity.public_key, sizeof(s->public_key));
	s->uptime_ns = now > i->started_ns ? now - i->started_ns : 0;
	s->listen_port = outer_listen_port(i->outer);
	s->fwmark = i->fwmark;
	s->mtu = __atomic_load_n(&i->dp->mtu, __ATOMIC_RELAXED);
	snprintf(s->outer, sizeof(s->outer), "%s", i->conf->outer);
	s->aead = i->dp->aead->name;
	s->peers = i->peers.n;
	s->connected = count_connected(i, now);
	s->staged = i->n_staged;
	s->allowed_ips = allowedips_count(i->dp->allowedips);
	memcpy(s->control, i->counted, sizeof(s->control));
	collect_rings(i, s);
	collect_ports(i, s);
	collect_cores(i, s);
}

static void print_ring(FILE *out, const char *name, const struct stats_ring *r)
{
	fprintf(out, "%s_used=%u\n%s_size=%u\n", name, r->used, name, r->size);
}

static void print_interface(FILE *out, const struct stats *s)
{
	fprintf(out, "name=%s\nup=%d\npid=%d\nversion=" WGDP_VERSION "\nuptime_ns=%" PRIu64 "\n", s->name, s->up, getpid(), s->uptime_ns);
	if (s->has_key) {
		fputs("public_key=", out);
		for (int k = 0; k < WG_KEY_LEN; k++)
			fprintf(out, "%02x", s->public_key[k]);
		fputc('\n', out);
	}
	fprintf(out, "listen_port=%u\nfwmark=%" PRIu32 "\nmtu=%" PRIu32 "\nouter=%s\naead=%s\ntsc_hz=%" PRIu64 "\n", s->listen_port, s->fwmark,
		s->mtu, s->outer, s->aead, rte_get_tsc_hz());
	fprintf(out, "peers=%u\nconnected=%u\nstaged=%u\nallowed_ips=%" PRIu64 "\n", s->peers, s->connected, s->staged, s->allowed_ips);
	print_ring(out, "work", &s->work);
	print_ring(out, "events", &s->events);
	print_ring(out, "handshakes", &s->handshakes);
	print_ring(out, "staged_ring", &s->staged_ring);
	print_ring(out, "mbufs", &s->mbufs);
}

static void print_routes(FILE *out, const struct stats_routes *r)
{
	fprintf(out, "routes_prefixes=%" PRIu64 "\nroutes_hosts=%" PRIu64 "\nroutes_judged=%" PRIu64 "\nroutes_resyncs=%" PRIu64 "\n",
		r->prefixes, r->hosts, r->judged, r->resyncs);
	if (*r->off)
		fprintf(out, "routes_off=%s\n", r->off);
}

const char *stats_mac(char text[STATS_MACLEN], const struct stats_port *p)
{
	const uint8_t *m = p->info.mac;

	snprintf(text, STATS_MACLEN, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return text;
}

static void print_port(FILE *out, const struct stats_port *p)
{
	const struct port_info *n = &p->info;
	char mac[STATS_MACLEN];

	fprintf(out, "port=%s\nport_role=%s\nport_device=%s\nport_driver=%s\n", p->name, p->role, p->device, p->driver);
	if (*p->mirror)
		fprintf(out, "port_mirror=%s\n", p->mirror);
	if (n->numa >= 0)
		fprintf(out, "port_numa=%d\n", n->numa);
	fprintf(out, "port_queues=%u\nport_mtu=%" PRIu32 "\nport_mac=%s\nport_link=%s\nport_speed_mbps=%" PRIu32 "\n", n->queues, n->mtu,
		stats_mac(mac, p), n->link_up ? "up" : "down", n->speed_mbps);
	if (*p->offloads)
		fprintf(out, "port_offloads=%s\n", p->offloads);
	fprintf(out, "port_rx_packets=%" PRIu64 "\nport_rx_bytes=%" PRIu64 "\nport_rx_missed=%" PRIu64 "\nport_rx_errors=%" PRIu64
		"\nport_rx_no_mbuf=%" PRIu64 "\n", n->rx_packets, n->rx_bytes, n->rx_missed, n->rx_errors, n->rx_no_mbuf);
	fprintf(out, "port_tx_packets=%" PRIu64 "\nport_tx_bytes=%" PRIu64 "\nport_tx_errors=%" PRIu64 "\n", n->tx_packets, n->tx_bytes,
		n->tx_errors);
}

static void print_core(FILE *out, const struct stats_core *c)
{
	static const char *const roles[] = { [CORE_RX] = "rx", [CORE_WORKER] = "worker", [CORE_RX | CORE_WORKER] = "rx,worker" };
	const struct counters *n = &c->counters;

	fprintf(out, "core=%u\nroles=%s\n", c->cpu, roles[c->roles]);
	fprintf(out, "outer_rx=%" PRIu64 "\nouter_tx=%" PRIu64 "\ninner_rx=%" PRIu64 "\ninner_tx=%" PRIu64 "\n", n->outer_rx, n->outer_tx,
		n->inner_rx, n->inner_tx);
	fprintf(out, "lan_rx=%" PRIu64 "\nlan_tx=%" PRIu64 "\nhost_rx=%" PRIu64 "\nhost_tx=%" PRIu64 "\n", n->lan_rx, n->lan_tx,
		n->host_rx, n->host_tx);
	fprintf(out, "batches=%" PRIu64 "\nbatched=%" PRIu64 "\nsleeps=%" PRIu64 "\nwakes=%" PRIu64 "\n", n->batches, n->batched, n->sleeps,
		n->wakes);
	if (c->roles & CORE_RX)
		print_ring(out, "fifo", &c->fifo);
	for (int k = 0; k < STAGE_N; k++)
		fprintf(out, "stage_%s=%" PRIu64 "\n", stage_name[k], n->stage[k]);
	for (int k = 0; k < DROP_N; k++)
		if (n->drop[k])
			fprintf(out, "core_drop_%s=%" PRIu64 "\n", drop_name[k], n->drop[k]);
}

void stats_print(FILE *out, const struct stats *s)
{
	print_interface(out, s);
	for (int k = 0; k < CONTROL_N; k++)
		fprintf(out, "control_%s=%" PRIu64 "\n", control_counter_name[k], s->control[k]);
	for (int k = 0; k < DROP_N; k++)
		fprintf(out, "drop_%s=%" PRIu64 "\n", drop_name[k], s->sum.drop[k]);
	if (s->has_routes)
		print_routes(out, &s->routes);
	for (unsigned int k = 0; k < s->n_ports; k++)
		print_port(out, &s->port[k]);
	for (unsigned int k = 0; k < s->n_cores; k++)
		print_core(out, &s->core[k]);
}
