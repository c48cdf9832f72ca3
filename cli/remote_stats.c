/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to stats=1, a line at a time: the interface's lines; each port's, which begin with port=NAME; each core's, with core=CPU. */
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number is uint64_t, a text an array that it is cut to. */
enum field_kind { NUMBER, TEXT };

struct field {
	const char *key;
	enum field_kind kind;
	size_t at, size;
};

#define OF_STATS(name, kind) { #name, kind, offsetof(struct remote_stats, name), sizeof(((struct remote_stats *)0)->name) }
static const struct field stats_fields[] = {
	OF_STATS(up, NUMBER), OF_STATS(pid, NUMBER), OF_STATS(version, TEXT), OF_STATS(uptime_ns, NUMBER), OF_STATS(mtu, NUMBER),
	OF_STATS(outer, TEXT), OF_STATS(aead, TEXT), OF_STATS(tsc_hz, NUMBER), OF_STATS(peers, NUMBER), OF_STATS(connected, NUMBER),
	OF_STATS(staged, NUMBER), OF_STATS(allowed_ips, NUMBER), OF_STATS(routes_prefixes, NUMBER), OF_STATS(routes_hosts, NUMBER),
	OF_STATS(routes_judged, NUMBER), OF_STATS(routes_resyncs, NUMBER), OF_STATS(routes_off, TEXT),
};

#define OF_PORT(name, kind) { "port_" #name, kind, offsetof(struct remote_port, name), sizeof(((struct remote_port *)0)->name) }
static const struct field port_fields[] = {
	OF_PORT(role, TEXT), OF_PORT(device, TEXT), OF_PORT(driver, TEXT), OF_PORT(mirror, TEXT), OF_PORT(mac, TEXT), OF_PORT(offloads, TEXT),
	OF_PORT(link, TEXT), OF_PORT(numa, NUMBER), OF_PORT(queues, NUMBER), OF_PORT(mtu, NUMBER), OF_PORT(speed_mbps, NUMBER),
	OF_PORT(rx_packets, NUMBER), OF_PORT(rx_bytes, NUMBER), OF_PORT(rx_missed, NUMBER), OF_PORT(rx_errors, NUMBER),
	OF_PORT(rx_no_mbuf, NUMBER), OF_PORT(tx_packets, NUMBER), OF_PORT(tx_bytes, NUMBER), OF_PORT(tx_errors, NUMBER),
};

#define OF_CORE(name, kind) { #name, kind, offsetof(struct remote_core, name), sizeof(((struct remote_core *)0)->name) }
#define OF_PACKETS(name) { #name, NUMBER, offsetof(struct remote_core, packets.name), sizeof(uint64_t) }
static const struct field core_fields[] = {
	OF_CORE(roles, TEXT), OF_PACKETS(outer_rx), OF_PACKETS(outer_tx), OF_PACKETS(inner_rx), OF_PACKETS(inner_tx),
	OF_PACKETS(lan_rx), OF_PACKETS(lan_tx), OF_PACKETS(host_rx), OF_PACKETS(host_tx),
	OF_CORE(batches, NUMBER), OF_CORE(batched, NUMBER), OF_CORE(sleeps, NUMBER), OF_CORE(wakes, NUMBER),
	OF_CORE(fifo_used, NUMBER), OF_CORE(fifo_size, NUMBER),
};

/* The field of that key in `base`, if it is one: then *ok says whether its value can be. */
static bool take_field(const struct field *fields, size_t n, void *base, const char *key, const char *value, bool *ok)
{
	for (size_t k = 0; k < n; k++) {
		char *at = (char *)base + fields[k].at;

		if (strcmp(fields[k].key, key))
			continue;
		if (fields[k].kind == NUMBER)
			*ok = remote_number(value, UINT64_MAX, (uint64_t *)(void *)at);
		else
			snprintf(at, fields[k].size, "%s", value);
		return true;
	}
	return false;
}

static bool add_counter(struct remote_counters *c, const char *name, const char *value)
{
	struct remote_counter *last = &c->c[c->n];
	uint64_t n;

	if (!remote_number(value, UINT64_MAX, &n) || !*name || strlen(name) >= REMOTE_NAME)
		return false;
	if (c->n == REMOTE_COUNTERS)
		return true;
	strcpy(last->name, name);
	last->value = n;
	c->n++;
	return true;
}

/* If key is `prefix` and a counter's name. */
static bool take_counter(struct remote_counters *c, const char *prefix, const char *key, const char *value, bool *ok)
{
	const size_t len = strlen(prefix);

	if (strncmp(key, prefix, len))
		return false;
	*ok = add_counter(c, key + len, value);
	return true;
}

static struct remote_ring *ring_of(struct remote_stats *s, const char *name, size_t len)
{
	struct remote_ring *r;

	for (unsigned int k = 0; k < s->n_rings; k++)
		if (strlen(s->ring[k].name) == len && !memcmp(s->ring[k].name, name, len))
			return &s->ring[k];
	if (s->n_rings == REMOTE_RINGS)
		return NULL;
	r = &s->ring[s->n_rings++];
	memset(r, 0, sizeof(*r));
	memcpy(r->name, name, len);
	return r;
}

/* RING_used, RING_size */
static bool take_ring(struct remote_stats *s, const char *key, const char *value, bool *ok)
{
	const char *what = strrchr(key, '_');
	const bool used = what && !strcmp(what, "_used");
	struct remote_ring *r;
	uint64_t n;

	if (!used && (!what || strcmp(what, "_size")))
		return false;
	*ok = what != key && what - key < REMOTE_NAME && remote_number(value, UINT64_MAX, &n);
	r = *ok ? ring_of(s, key, (size_t)(what - key)) : NULL;
	if (r && used)
		r->used = n;
	else if (r)
		r->size = n;
	return true;
}

static bool add_port(struct remote_stats *s, const char *name)
{
	struct remote_port *p = &s->port[s->n_ports];

	if (s->n_ports == REMOTE_PORTS || !*name)
		return false;
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	s->n_ports++;
	return true;
}

/* If it is a port's. */
static bool take_port(struct remote_stats *s, const char *key, const char *value, bool *ok)
{
	struct remote_port *last;

	if (!strcmp(key, "port")) {
		*ok = add_port(s, value);
		return true;
	}
	if (!s->n_ports || strncmp(key, "port_", 5))
		return false;
	last = &s->port[s->n_ports - 1];
	last->has_numa |= !strcmp(key, "port_numa");
	take_field(port_fields, sizeof(port_fields) / sizeof(port_fields[0]), last, key, value, ok);
	return true;
}

static bool add_core(struct remote_iface *i, const char *value)
{
	struct remote_stats *s = &i->stats;
	uint64_t cpu;

	if (s->n_cores == REMOTE_CORES || !remote_number(value, UINT32_MAX, &cpu))
		return false;
	if (s->n_cores == s->room_cores) {
		const unsigned int room = s->room_cores ? s->room_cores * 2 : 4;
		struct remote_core *more = reallocarray(s->core, room, sizeof(*more));

		if (!more) {
			i->no_memory = true;
			return false;
		}
		s->core = more;
		s->room_cores = room;
	}
	memset(&s->core[s->n_cores], 0, sizeof(s->core[0]));
	s->core[s->n_cores++].cpu = cpu;
	return true;
}

static bool core_line(struct remote_core *c, const char *key, const char *value)
{
	bool ok = true;

	if (take_counter(&c->stages, "stage_", key, value, &ok) || take_counter(&c->drops, "core_drop_", key, value, &ok))
		return ok;
	c->has_fifo |= !strcmp(key, "fifo_size");
	take_field(core_fields, sizeof(core_fields) / sizeof(core_fields[0]), c, key, value, &ok);
	return ok;
}

/* Of these get=1 says the same, but not in one answer with the others. */
static bool device_line(struct remote_iface *i, const char *key, const char *value, bool *ok)
{
	uint64_t n = 0;

	if (!strcmp(key, "public_key")) {
		*ok = i->has_public_key = remote_hex_key(i->public_key, value);
	} else if (!strcmp(key, "listen_port")) {
		*ok = remote_number(value, UINT16_MAX, &n);
		i->listen_port = (uint16_t)n;
	} else if (!strcmp(key, "fwmark")) {
		*ok = remote_number(value, UINT32_MAX, &n);
		i->fwmark = (uint32_t)n;
	} else {
		return false;
	}
	return true;
}

bool remote_stats_line(void *arg, char *key, char *value)
{
	struct remote_iface *i = arg;
	struct remote_stats *s = &i->stats;
	bool ok = true;

	if (!strcmp(key, "core"))
		return add_core(i, value);
	if (s->n_cores)
		return core_line(&s->core[s->n_cores - 1], key, value);
	s->has_routes |= !strcmp(key, "routes_prefixes");
	if (take_field(stats_fields, sizeof(stats_fields) / sizeof(stats_fields[0]), s, key, value, &ok) ||
	    device_line(i, key, value, &ok) || take_counter(&s->control, "control_", key, value, &ok) ||
	    take_counter(&s->drops, "drop_", key, value, &ok) || take_port(s, key, value, &ok))
		return ok;
	take_ring(s, key, value, &ok);
	return ok;
}
