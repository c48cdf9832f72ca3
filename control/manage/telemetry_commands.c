/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands on DPDK's telemetry socket answer. All of it in DPDK's threads, on a snapshot, but for the registration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_telemetry.h>

#include "conf.h"
#include "telemetry_internal.h"

/* Fills a dictionary; `rest` is what came behind the interface's name, NULL: nothing. 0, or -errno. */
typedef int (*show_fn)(const struct stats *s, const char *rest, struct rte_tel_data *d);

static const struct stats *find(const struct snapshot *snapshot, const char *name, size_t len)
{
	for (unsigned int k = 0; k < snapshot->n; k++)
		if (strlen(snapshot->stats[k].name) == len && memcmp(snapshot->stats[k].name, name, len) == 0)
			return &snapshot->stats[k];
	return len == 0 && snapshot->n == 1 ? &snapshot->stats[0] : NULL;
}

static int show(const char *params, struct rte_tel_data *d, show_fn fn)
{
	struct snapshot *snapshot = telemetry_ask();
	const char *name = params ? params : "";
	const size_t len = strcspn(name, ",");
	const struct stats *s;
	int rc = -ENOENT;

	if (!snapshot)
		return -EAGAIN;
	s = find(snapshot, name, len);
	if (s) {
		rte_tel_data_start_dict(d);
		rc = fn(s, name[len] ? name + len + 1 : NULL, d);
	}
	telemetry_put(snapshot);
	return rc;
}

static void add_counters(struct rte_tel_data *d, const struct counters *c)
{
	rte_tel_data_add_dict_u64(d, "outer_rx", c->outer_rx);
	rte_tel_data_add_dict_u64(d, "outer_tx", c->outer_tx);
	rte_tel_data_add_dict_u64(d, "inner_rx", c->inner_rx);
	rte_tel_data_add_dict_u64(d, "inner_tx", c->inner_tx);
	rte_tel_data_add_dict_u64(d, "lan_rx", c->lan_rx);
	rte_tel_data_add_dict_u64(d, "lan_tx", c->lan_tx);
	rte_tel_data_add_dict_u64(d, "host_rx", c->host_rx);
	rte_tel_data_add_dict_u64(d, "host_tx", c->host_tx);
	rte_tel_data_add_dict_u64(d, "batches", c->batches);
	rte_tel_data_add_dict_u64(d, "batched", c->batched);
	rte_tel_data_add_dict_u64(d, "sleeps", c->sleeps);
	rte_tel_data_add_dict_u64(d, "wakes", c->wakes);
}

static void add_ring(struct rte_tel_data *d, const char *name, const struct stats_ring *r)
{
	char text[32];

	snprintf(text, sizeof(text), "%s_used", name);
	rte_tel_data_add_dict_u64(d, text, r->used);
	snprintf(text, sizeof(text), "%s_size", name);
	rte_tel_data_add_dict_u64(d, text, r->size);
}

static void add_routes(struct rte_tel_data *d, const struct stats_routes *r)
{
	rte_tel_data_add_dict_u64(d, "routes_prefixes", r->prefixes);
	rte_tel_data_add_dict_u64(d, "routes_hosts", r->hosts);
	rte_tel_data_add_dict_u64(d, "routes_judged", r->judged);
	rte_tel_data_add_dict_u64(d, "routes_resyncs", r->resyncs);
	rte_tel_data_add_dict_string(d, "routes_off", r->off);
}

static int show_stats(const struct stats *s, const char *rest, struct rte_tel_data *d)
{
	char key[CONF_KEY_B64_LEN + 1] = "";

	(void)rest;
	if (s->has_key)
		conf_key_encode(key, s->public_key);
	rte_tel_data_add_dict_string(d, "name", s->name);
	rte_tel_data_add_dict_string(d, "public_key", key);
	rte_tel_data_add_dict_string(d, "outer", s->outer);
	rte_tel_data_add_dict_string(d, "aead", s->aead);
	rte_tel_data_add_dict_int(d, "up", s->up);
	rte_tel_data_add_dict_u64(d, "uptime_ns", s->uptime_ns);
	rte_tel_data_add_dict_u64(d, "listen_port", s->listen_port);
	rte_tel_data_add_dict_u64(d, "fwmark", s->fwmark);
	rte_tel_data_add_dict_u64(d, "mtu", s->mtu);
	rte_tel_data_add_dict_u64(d, "peers", s->peers);
	rte_tel_data_add_dict_u64(d, "connected", s->connected);
	rte_tel_data_add_dict_u64(d, "allowed_ips", s->allowed_ips);
	rte_tel_data_add_dict_u64(d, "staged", s->staged);
	add_ring(d, "work", &s->work);
	add_ring(d, "events", &s->events);
	add_ring(d, "handshakes", &s->handshakes);
	add_ring(d, "staged_ring", &s->staged_ring);
	add_ring(d, "mbufs", &s->mbufs);
	if (s->has_routes)
		add_routes(d, &s->routes);
	add_counters(d, &s->sum);
	for (int k = 0; k < CONTROL_N; k++)
		rte_tel_data_add_dict_u64(d, control_counter_name[k], s->control[k]);
	return 0;
}

static int show_drops(const struct stats *s, const char *rest, struct rte_tel_data *d)
{
	(void)rest;
	for (int k = 0; k < DROP_N; k++)
		rte_tel_data_add_dict_u64(d, drop_name[k], s->sum.drop[k]);
	return 0;
}

static int show_peers(const struct stats *s, const char *rest, struct rte_tel_data *d)
{
	(void)rest;
	rte_tel_data_add_dict_u64(d, "peers", s->peers);
	rte_tel_data_add_dict_u64(d, "connected", s->connected);
	rte_tel_data_add_dict_u64(d, "allowed_ips", s->allowed_ips);
	return 0;
}

/* ---- devices: numbers that each of them has, whose names are used in both of the forms below */

#define PORT_NUMBERS(X) X(link_up) X(speed_mbps) X(mtu) X(queues) X(rx_packets) X(rx_bytes) X(rx_missed) X(rx_errors) X(rx_no_mbuf) \
	X(tx_packets) X(tx_bytes) X(tx_errors)

enum port_number {
#define X(name) NUMBER_##name,
	PORT_NUMBERS(X)
#undef X
	N_NUMBERS
};

static const char *const number_name[N_NUMBERS] = {
#define X(name) #name,
	PORT_NUMBERS(X)
#undef X
};

static uint64_t number_of(const struct stats_port *p, enum port_number which)
{
	const uint64_t value[N_NUMBERS] = {
#define X(name) [NUMBER_##name] = p->info.name,
		PORT_NUMBERS(X)
#undef X
	};

	return value[which];
}

static int show_port(const struct stats_port *p, struct rte_tel_data *d)
{
	char mac[STATS_MACLEN];

	rte_tel_data_add_dict_string(d, "port", p->name);
	rte_tel_data_add_dict_string(d, "role", p->role);
	rte_tel_data_add_dict_string(d, "device", p->device);
	rte_tel_data_add_dict_string(d, "driver", p->driver);
	rte_tel_data_add_dict_string(d, "mirror", p->mirror);
	rte_tel_data_add_dict_string(d, "mac", stats_mac(mac, p));
	rte_tel_data_add_dict_string(d, "offloads", p->offloads);
	rte_tel_data_add_dict_int(d, "numa", p->info.numa);
	for (int k = 0; k < N_NUMBERS; k++)
		rte_tel_data_add_dict_u64(d, number_name[k], number_of(p, k));
	return 0;
}

static int add_port_texts(const struct stats *s, struct rte_tel_data *d)
{
	struct rte_tel_data *names = rte_tel_data_alloc(), *roles = rte_tel_data_alloc();

	if (!names || !roles) {
		rte_tel_data_free(names);
		rte_tel_data_free(roles);
		return -ENOMEM;
	}
	rte_tel_data_start_array(names, RTE_TEL_STRING_VAL);
	rte_tel_data_start_array(roles, RTE_TEL_STRING_VAL);
	for (unsigned int k = 0; k < s->n_ports; k++) {
		rte_tel_data_add_array_string(names, s->port[k].name);
		rte_tel_data_add_array_string(roles, s->port[k].role);
	}
	rte_tel_data_add_dict_container(d, "port", names, 0);
	return rte_tel_data_add_dict_container(d, "role", roles, 0);
}

static int show_all_ports(const struct stats *s, struct rte_tel_data *d)
{
	int rc = add_port_texts(s, d);

	for (int n = 0; n < N_NUMBERS && !rc; n++) {
		struct rte_tel_data *column = rte_tel_data_alloc();

		if (!column)
			return -ENOMEM;
		rte_tel_data_start_array(column, RTE_TEL_U64_VAL);
		for (unsigned int k = 0; k < s->n_ports; k++)
			rte_tel_data_add_array_u64(column, number_of(&s->port[k], n));
		rc = rte_tel_data_add_dict_container(d, number_name[n], column, 0);
	}
	return rc;
}

static int show_ports(const struct stats *s, const char *rest, struct rte_tel_data *d)
{
	if (!rest)
		return show_all_ports(s, d);
	for (unsigned int k = 0; k < s->n_ports; k++)
		if (!strcmp(s->port[k].name, rest))
			return show_port(&s->port[k], d);
	return -ENOENT;
}

/* ---- cores */

static const char *roles_of(const struct stats_core *c)
{
	return c->roles == CORE_RX ? "rx" : c->roles == CORE_WORKER ? "worker" : "rx,worker";
}

static int show_core(const struct stats_core *c, struct rte_tel_data *d)
{
	char text[32];

	rte_tel_data_add_dict_u64(d, "cpu", c->cpu);
	rte_tel_data_add_dict_string(d, "roles", roles_of(c));
	add_counters(d, &c->counters);
	add_ring(d, "fifo", &c->fifo);
	rte_tel_data_add_dict_u64(d, "tsc_hz", rte_get_tsc_hz());
	for (int k = 0; k < STAGE_N; k++) {
		snprintf(text, sizeof(text), "stage_%s", stage_name[k]);
		rte_tel_data_add_dict_u64(d, text, c->counters.stage[k]);
	}
	for (int k = 0; k < DROP_N; k++) {
		snprintf(text, sizeof(text), "drop_%s", drop_name[k]);
		rte_tel_data_add_dict_u64(d, text, c->counters.drop[k]);
	}
	return 0;
}

/* A value of each core, in their order. With columns instead of a dictionary for each of 64 cores the answer fits into DPDK's 16 KiB. */
static int add_column(const struct stats *s, struct rte_tel_data *d, const char *name, size_t offset)
{
	struct rte_tel_data *column = rte_tel_data_alloc();

	if (!column)
		return -ENOMEM;
	rte_tel_data_start_array(column, RTE_TEL_U64_VAL);
	for (unsigned int k = 0; k < s->n_cores; k++)
		rte_tel_data_add_array_u64(column, *(const uint64_t *)((const char *)&s->core[k].counters + offset));
	return rte_tel_data_add_dict_container(d, name, column, 0);
}

static int add_cpus(const struct stats *s, struct rte_tel_data *d)
{
	struct rte_tel_data *cpus = rte_tel_data_alloc(), *roles = rte_tel_data_alloc();

	if (!cpus || !roles) {
		rte_tel_data_free(cpus);
		rte_tel_data_free(roles);
		return -ENOMEM;
	}
	rte_tel_data_start_array(cpus, RTE_TEL_U64_VAL);
	rte_tel_data_start_array(roles, RTE_TEL_U64_VAL);
	for (unsigned int k = 0; k < s->n_cores; k++) {
		rte_tel_data_add_array_u64(cpus, s->core[k].cpu);
		rte_tel_data_add_array_u64(roles, s->core[k].roles);
	}
	rte_tel_data_add_dict_container(d, "cpu", cpus, 0);
	return rte_tel_data_add_dict_container(d, "roles", roles, 0);
}

static int show_all_cores(const struct stats *s, struct rte_tel_data *d)
{
	static const struct {
		const char *name;
		size_t offset;
	} columns[] = {
#define COLUMN(name) { #name, offsetof(struct counters, name) }
		COLUMN(outer_rx), COLUMN(outer_tx), COLUMN(inner_rx), COLUMN(inner_tx), COLUMN(lan_rx), COLUMN(lan_tx),
		COLUMN(host_rx), COLUMN(host_tx), COLUMN(batches), COLUMN(batched), COLUMN(sleeps), COLUMN(wakes),
#undef COLUMN
#define X(symbol, name, text) { "stage_" name, offsetof(struct counters, stage[STAGE_##symbol]) },
		STAGES(X)
#undef X
	};
	int rc = add_cpus(s, d);

	for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]) && !rc; k++)
		rc = add_column(s, d, columns[k].name, columns[k].offset);
	return rc;
}

static int show_cores(const struct stats *s, const char *rest, struct rte_tel_data *d)
{
	char *end;
	unsigned long cpu;

	if (!rest)
		return show_all_cores(s, d);
	cpu = strtoul(rest, &end, 10);
	for (unsigned int k = 0; k < s->n_cores && end != rest && !*end; k++)
		if (s->core[k].cpu == cpu)
			return show_core(&s->core[k], d);
	return -ENOENT;
}

/* ---- the commands */

static int interfaces(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct snapshot *snapshot = telemetry_ask();

	(void)cmd;
	(void)params;
	if (!snapshot)
		return -EAGAIN;
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	for (unsigned int k = 0; k < snapshot->n; k++)
		rte_tel_data_add_array_string(d, snapshot->stats[k].name);
	telemetry_put(snapshot);
	return 0;
}

static int stats(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return show(params, d, show_stats);
}

static int cores(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return show(params, d, show_cores);
}

static int ports(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return show(params, d, show_ports);
}

static int drops(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return show(params, d, show_drops);
}

static int peers(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return show(params, d, show_peers);
}

void telemetry_register(void)
{
	rte_telemetry_register_cmd("/wgdp/interfaces", interfaces, "Names of this process's WireGuard interfaces. Takes no parameters");
	rte_telemetry_register_cmd("/wgdp/stats", stats,
				   "What the interface is and has counted. Parameters: NAME (may be left out if there is one)");
	rte_telemetry_register_cmd("/wgdp/cores", cores,
				   "Counters by core: a column each, or all of one core; roles: 1 receives, 2 works, 3 both. "
				   "Parameters: NAME[,CPU]");
	rte_telemetry_register_cmd("/wgdp/ports", ports,
				   "The DPDK devices, outer and LAN: a column of each number, or all of one device. Parameters: NAME[,PORT]");
	rte_telemetry_register_cmd("/wgdp/drops", drops, "Packets dropped, by reason. Parameters: NAME");
	rte_telemetry_register_cmd("/wgdp/peers", peers,
				   "How many peers there are, and how many with a handshake under 180 s old. Parameters: NAME");
}
