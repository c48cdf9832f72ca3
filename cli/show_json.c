/* SPDX-License-Identifier: BSD-3-Clause */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* What jansson's integers hold; ours are larger by a bit that nothing ever reaches. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static void set_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, number(n));
}

static void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, *text ? json_string(text) : json_null());
}

static void set_key(json_t *o, const uint8_t key[CONF_KEY_LEN], bool has)
{
	char text[CONF_KEY_B64_LEN + 1] = "";

	if (has)
		conf_key_encode(text, key);
	set_text(o, "public_key", text);
}

static json_t *peer_object(const struct remote_iface *i, const struct remote_peer *p)
{
	json_t *o = json_object(), *ips = json_array();
	char text[REMOTE_TEXT];

	set_key(o, p->public_key, true);
	set_text(o, "name", p->name);
	json_object_set_new(o, "preshared_key", json_boolean(p->has_preshared_key));
	set_text(o, "endpoint", p->endpoint);
	for (uint32_t k = 0; k < p->n_prefixes; k++)
		json_array_append_new(ips, json_string(remote_prefix_text(text, &i->prefixes[p->first_prefix + k])));
	json_object_set_new(o, "allowed_ips", ips);
	json_object_set_new(o, "latest_handshake", p->handshake_sec ? number(p->handshake_sec) : json_null());
	set_number(o, "rx_bytes", p->rx_bytes);
	set_number(o, "tx_bytes", p->tx_bytes);
	set_number(o, "persistent_keepalive", p->keepalive);
	return o;
}

static json_t *counters_object(const struct remote_counters *c)
{
	json_t *o = json_object();

	for (unsigned int k = 0; k < c->n; k++)
		set_number(o, c->c[k].name, c->c[k].value);
	return o;
}

static json_t *ring_object(uint64_t used, uint64_t size)
{
	json_t *o = json_object();

	set_number(o, "used", used);
	set_number(o, "size", size);
	return o;
}

/* Of words with commas between them. */
static json_t *list_array(const char *words)
{
	json_t *a = json_array();

	while (*words) {
		const size_t len = strcspn(words, ",");

		json_array_append_new(a, json_stringn(words, len));
		words += len + (words[len] == ',');
	}
	return a;
}

static void set_packets(json_t *o, const struct remote_packets *p)
{
	set_number(o, "outer_rx", p->outer_rx);
	set_number(o, "outer_tx", p->outer_tx);
	set_number(o, "inner_rx", p->inner_rx);
	set_number(o, "inner_tx", p->inner_tx);
	set_number(o, "lan_rx", p->lan_rx);
	set_number(o, "lan_tx", p->lan_tx);
	set_number(o, "host_rx", p->host_rx);
	set_number(o, "host_tx", p->host_tx);
}

static json_t *port_object(const struct remote_port *p)
{
	json_t *o = json_object();

	set_text(o, "name", p->name);
	set_text(o, "role", p->role);
	set_text(o, "device", p->device);
	set_text(o, "driver", p->driver);
	set_text(o, "mirror", p->mirror);
	json_object_set_new(o, "numa", p->has_numa ? number(p->numa) : json_null());
	set_number(o, "queues", p->queues);
	set_number(o, "mtu", p->mtu);
	set_text(o, "mac", p->mac);
	set_text(o, "link", p->link);
	json_object_set_new(o, "speed_mbps", p->speed_mbps ? number(p->speed_mbps) : json_null());
	json_object_set_new(o, "offloads", list_array(p->offloads));
	set_number(o, "rx_packets", p->rx_packets);
	set_number(o, "rx_bytes", p->rx_bytes);
	set_number(o, "rx_missed", p->rx_missed);
	set_number(o, "rx_errors", p->rx_errors);
	set_number(o, "rx_no_mbuf", p->rx_no_mbuf);
	set_number(o, "tx_packets", p->tx_packets);
	set_number(o, "tx_bytes", p->tx_bytes);
	set_number(o, "tx_errors", p->tx_errors);
	return o;
}

static json_t *routes_object(const struct remote_stats *s)
{
	json_t *o = json_object();

	set_number(o, "prefixes", s->routes_prefixes);
	set_number(o, "hosts", s->routes_hosts);
	set_number(o, "judged", s->routes_judged);
	set_number(o, "resyncs", s->routes_resyncs);
	set_text(o, "off", s->routes_off);
	return o;
}

static json_t *core_object(const struct remote_core *c)
{
	json_t *o = json_object();

	set_number(o, "cpu", c->cpu);
	json_object_set_new(o, "roles", list_array(c->roles));
	json_object_set_new(o, "load", json_real(remote_core_load(c)));
	set_packets(o, &c->packets);
	set_number(o, "batches", c->batches);
	set_number(o, "batched", c->batched);
	set_number(o, "sleeps", c->sleeps);
	set_number(o, "wakes", c->wakes);
	json_object_set_new(o, "fifo", c->has_fifo ? ring_object(c->fifo_used, c->fifo_size) : json_null());
	json_object_set_new(o, "stages", counters_object(&c->stages));
	json_object_set_new(o, "drops", counters_object(&c->drops));
	return o;
}

static json_t *packets_object(const struct remote_stats *s)
{
	const struct remote_packets sum = remote_packets(s);
	json_t *o = json_object();

	set_packets(o, &sum);
	return o;
}

static json_t *dataplane_object(const struct remote_stats *s)
{
	json_t *o = json_object(), *rings = json_object(), *ports = json_array(), *cores = json_array();

	set_text(o, "version", s->version);
	set_number(o, "pid", s->pid);
	json_object_set_new(o, "up", json_boolean(s->up));
	set_number(o, "uptime_ns", s->uptime_ns);
	set_number(o, "mtu", s->mtu);
	set_text(o, "outer", s->outer);
	set_text(o, "aead", s->aead);
	set_number(o, "tsc_hz", s->tsc_hz);
	set_number(o, "peers", s->peers);
	set_number(o, "connected", s->connected);
	set_number(o, "allowed_ips", s->allowed_ips);
	set_number(o, "staged", s->staged);
	json_object_set_new(o, "packets", packets_object(s));
	json_object_set_new(o, "drops", counters_object(&s->drops));
	json_object_set_new(o, "control", counters_object(&s->control));
	for (unsigned int k = 0; k < s->n_rings; k++)
		json_object_set_new(rings, s->ring[k].name, ring_object(s->ring[k].used, s->ring[k].size));
	json_object_set_new(o, "rings", rings);
	json_object_set_new(o, "routes", s->has_routes ? routes_object(s) : json_null());
	for (unsigned int k = 0; k < s->n_ports; k++)
		json_array_append_new(ports, port_object(&s->port[k]));
	json_object_set_new(o, "ports", ports);
	for (unsigned int k = 0; k < s->n_cores; k++)
		json_array_append_new(cores, core_object(&s->core[k]));
	json_object_set_new(o, "cores", cores);
	return o;
}

static json_t *iface_object(const struct remote_iface *i)
{
	json_t *o = json_object(), *peers = json_array();

	set_text(o, "name", i->name);
	set_key(o, i->public_key, i->has_public_key);
	json_object_set_new(o, "private_key", json_boolean(i->has_private_key));
	set_number(o, "listen_port", i->listen_port);
	set_number(o, "fwmark", i->fwmark);
	for (size_t k = 0; k < i->n_peers; k++)
		json_array_append_new(peers, peer_object(i, &i->peers[k]));
	json_object_set_new(o, "peers", peers);
	json_object_set_new(o, "dataplane", i->has_stats ? dataplane_object(&i->stats) : json_null());
	return o;
}

/* Without memory jansson leaves things out; better nothing than half an object. */
static void *alloc(size_t size)
{
	void *p = malloc(size);

	if (!p) {
		fputs("wgdp: show: not enough memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return p;
}

bool show_json(FILE *out, const struct remote_iface *ifaces, size_t n)
{
	json_t *o, *all;
	bool ok;

	json_set_alloc_funcs(alloc, free);
	o = json_object();
	all = json_array();
	for (size_t k = 0; k < n; k++)
		json_array_append_new(all, iface_object(&ifaces[k]));
	json_object_set_new(o, "interfaces", all);
	ok = json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0 && fputc('\n', out) != EOF;
	json_decref(o);
	return ok;
}
