/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The families of metrics: of the process, of interfaces, of their DPDK devices and routes, of cores, of peers. They are a table, at the end; those
 * of one kind of item share a function that writes the line, from the snapshot, but peers' from the interface as it is then. Called by
 * metrics_page.c. Control thread.
 */
#include "metrics_families.h"

#include <rte_cycles.h>

#include "conf.h"
#include "iface.h"

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

unsigned int metrics_of_process(const struct stats *s, const struct page_iface *i)
{
	(void)s;
	(void)i;
	return 1;
}

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

/* ---- DPDK's devices, and what the control thread knows of the host's routes */

static unsigned int ports(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->n_ports;
}

static const struct stats_port *begin_port(const struct row *r)
{
	const struct stats_port *p = &r->s->port[r->item];

	begin(r);
	metrics_label(r->line, "port", p->name);
	metrics_label(r->line, "role", p->role);
	return p;
}

static void write_port_info(const struct row *r)
{
	const struct stats_port *p = begin_port(r);
	char mac[STATS_MACLEN];

	metrics_label(r->line, "device", p->device);
	metrics_label(r->line, "driver", p->driver);
	metrics_label(r->line, "mirror", p->mirror);
	metrics_label(r->line, "mac", stats_mac(mac, p));
	if (p->info.numa >= 0)
		metrics_label_u64(r->line, "numa_node", (uint64_t)p->info.numa);
	metrics_label(r->line, "offloads", p->offloads);
	end(r, 1);
}

enum { PORT_UP, PORT_MTU, PORT_QUEUES, PORT_RX_PACKETS, PORT_RX_BYTES, PORT_RX_MISSED, PORT_RX_NO_MBUF, PORT_RX_ERRORS, PORT_TX_PACKETS,
	PORT_TX_BYTES, PORT_TX_ERRORS };

static void write_port(const struct row *r)
{
	const struct port_info *p = &begin_port(r)->info;
	const uint64_t value[] = { [PORT_UP] = p->link_up, [PORT_MTU] = p->mtu, [PORT_QUEUES] = p->queues,
		[PORT_RX_PACKETS] = p->rx_packets, [PORT_RX_BYTES] = p->rx_bytes, [PORT_RX_MISSED] = p->rx_missed,
		[PORT_RX_NO_MBUF] = p->rx_no_mbuf, [PORT_RX_ERRORS] = p->rx_errors, [PORT_TX_PACKETS] = p->tx_packets,
		[PORT_TX_BYTES] = p->tx_bytes, [PORT_TX_ERRORS] = p->tx_errors };

	end(r, value[r->value]);
}

/* Bytes a second, as others have it. */
static void write_port_speed(const struct row *r)
{
	const uint64_t mbps = r->s->port[r->item].info.speed_mbps;

	if (!mbps)
		return;		/* not known */
	begin_port(r);
	end(r, mbps * (1000000 / 8));
}

static unsigned int routes(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->has_routes;
}

enum { FIB_PREFIXES, FIB_HOSTS, FIB_VERDICTS, FIB_RESYNCS, FAST_PATH_UP };

static void write_routes(const struct row *r)
{
	const struct stats_routes *n = &r->s->routes;
	const uint64_t value[] = { [FIB_PREFIXES] = n->prefixes, [FIB_HOSTS] = n->hosts, [FIB_VERDICTS] = n->judged,
		[FIB_RESYNCS] = n->resyncs, [FAST_PATH_UP] = !*n->off };

	begin(r);
	end(r, value[r->value]);
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

enum { FAST_PATH_RECEIVED, FAST_PATH_SENT, MIRROR_RECEIVED, MIRROR_SENT };

static uint64_t beside(const struct counters *c, size_t value)
{
	const uint64_t of[] = { [FAST_PATH_RECEIVED] = c->lan_rx, [FAST_PATH_SENT] = c->lan_tx, [MIRROR_RECEIVED] = c->host_rx,
		[MIRROR_SENT] = c->host_tx };

	return of[value];
}

/* Only where there are DPDK devices. */
static unsigned int one_beside(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->n_ports > 0;
}

static void write_beside(const struct row *r)
{
	begin(r);
	end(r, beside(&r->s->sum, r->value));
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

static unsigned int cores_beside(const struct stats *s, const struct page_iface *i)
{
	(void)i;
	return s->n_ports > 0 ? s->n_cores : 0;
}

static void write_core_beside(const struct row *r)
{
	end(r, beside(&begin_core(r, r->item)->counters, r->value));
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

const struct family metrics_families[] = {
	{ { "wgdp_build", "", "What is running.", INFO }, metrics_of_process, write_build, 0 },
	{ { "wgdp_interface", "", "What the interface is.", INFO }, one, write_info, 0 },
	{ { "wgdp_interface_up", "", "1 if the interface is administratively up.", GAUGE }, one, write_iface, IFACE_UP_NOW },
	{ { "wgdp_interface_uptime_seconds", "seconds", "Time since the interface was made.", GAUGE }, one, write_uptime, 0 },
	{ { "wgdp_interface_mtu_bytes", "bytes", "The interface's MTU.", GAUGE }, one, write_iface, IFACE_MTU },
	{ { "wgdp_peers", "", "Peers that are configured.", GAUGE }, one, write_iface, IFACE_PEERS },
	{ { "wgdp_peers_connected", "", "Peers whose last handshake is under 180 seconds old.", GAUGE },
	  one, write_iface, IFACE_CONNECTED },
	{ { "wgdp_allowed_ips", "", "Prefixes in the table of allowed IPs.", GAUGE }, one, write_iface, IFACE_ALLOWED_IPS },
	{ { "wgdp_staged_packets", "", "Packets that wait for a session.", GAUGE }, one, write_iface, IFACE_STAGED },
	{ { "wgdp_received_packets", "", "Packets taken from the network (outer) or the host (inner).", COUNTER },
	  sides, write_packets, RECEIVED },
	{ { "wgdp_sent_packets", "", "Packets given to the network (outer) or the host (inner).", COUNTER }, sides, write_packets, SENT },
	{ { "wgdp_dropped_packets", "", "Packets dropped, by reason.", COUNTER }, reasons, write_drop, 0 },
#define X(symbol, text, help) { { "wgdp_" text, "", "Number of " help ".", COUNTER }, one, write_control, CONTROL_##symbol },
	CONTROL_COUNTERS(X)
#undef X
	{ { "wgdp_ring_entries", "", "What waits in a ring between threads.", GAUGE }, rings, write_ring, USED },
	{ { "wgdp_ring_capacity", "", "What a ring between threads has room for.", GAUGE }, rings, write_ring, SIZE },
	{ { "wgdp_packet_buffers_used", "", "Packet buffers in use.", GAUGE }, one, write_mbufs, USED },
	{ { "wgdp_packet_buffers", "", "Packet buffers there are.", GAUGE }, one, write_mbufs, SIZE },
	{ { "wgdp_port", "", "What the DPDK device is.", INFO }, ports, write_port_info, 0 },
	{ { "wgdp_port_up", "", "1 if the device has a link.", GAUGE }, ports, write_port, PORT_UP },
	{ { "wgdp_port_speed_bytes", "bytes", "The link's speed, in bytes a second.", GAUGE }, ports, write_port_speed, 0 },
	{ { "wgdp_port_mtu_bytes", "bytes", "The device's MTU.", GAUGE }, ports, write_port, PORT_MTU },
	{ { "wgdp_port_queues", "", "Queue pairs of the device that are used.", GAUGE }, ports, write_port, PORT_QUEUES },
	{ { "wgdp_port_receive_packets", "", "Packets that the device has received.", COUNTER }, ports, write_port, PORT_RX_PACKETS },
	{ { "wgdp_port_receive_bytes", "bytes", "Bytes that the device has received.", COUNTER }, ports, write_port, PORT_RX_BYTES },
	{ { "wgdp_port_receive_missed_packets", "", "Packets that the device dropped because its queues were full.", COUNTER },
	  ports, write_port, PORT_RX_MISSED },
	{ { "wgdp_port_receive_no_buffer_packets", "", "Times that there was no packet buffer to receive into.", COUNTER },
	  ports, write_port, PORT_RX_NO_MBUF },
	{ { "wgdp_port_receive_errors", "", "Packets that arrived damaged.", COUNTER }, ports, write_port, PORT_RX_ERRORS },
	{ { "wgdp_port_transmit_packets", "", "Packets that the device has sent.", COUNTER }, ports, write_port, PORT_TX_PACKETS },
	{ { "wgdp_port_transmit_bytes", "bytes", "Bytes that the device has sent.", COUNTER }, ports, write_port, PORT_TX_BYTES },
	{ { "wgdp_port_transmit_errors", "", "Packets that the device could not send.", COUNTER }, ports, write_port, PORT_TX_ERRORS },
	{ { "wgdp_fast_path_up", "", "1 if packets may pass between LAN port and tunnel without the host.", GAUGE },
	  routes, write_routes, FAST_PATH_UP },
	{ { "wgdp_fast_path_received_packets", "", "Packets from the LAN port straight into the tunnel.", COUNTER },
	  one_beside, write_beside, FAST_PATH_RECEIVED },
	{ { "wgdp_fast_path_sent_packets", "", "Packets out of the tunnel straight to the LAN port.", COUNTER },
	  one_beside, write_beside, FAST_PATH_SENT },
	{ { "wgdp_mirror_received_frames", "", "Frames that the host sent by the mirrors of DPDK's devices.", COUNTER },
	  one_beside, write_beside, MIRROR_RECEIVED },
	{ { "wgdp_mirror_sent_frames", "", "Frames that arrived for the host, and were given to the mirrors.", COUNTER },
	  one_beside, write_beside, MIRROR_SENT },
	{ { "wgdp_fib_prefixes", "", "The host's prefixes that the fast path knows.", GAUGE }, routes, write_routes, FIB_PREFIXES },
	{ { "wgdp_fib_hosts", "", "Neighbours on the LAN among these prefixes.", GAUGE }, routes, write_routes, FIB_HOSTS },
	{ { "wgdp_fib_verdicts", "", "Prefixes of which the kernel's verdict is known.", GAUGE }, routes, write_routes, FIB_VERDICTS },
	{ { "wgdp_fib_resyncs", "", "Times that all routes were read anew, after lost notifications.", COUNTER },
	  routes, write_routes, FIB_RESYNCS },
	{ { "wgdp_core", "", "What the core does.", INFO }, cores, write_core_info, 0 },
	{ { "wgdp_core_received_packets", "", "Packets taken from the network (outer) or the host (inner), by core.", COUNTER },
	  core_sides, write_core_packets, RECEIVED },
	{ { "wgdp_core_sent_packets", "", "Packets given to the network (outer) or the host (inner), by core.", COUNTER },
	  core_sides, write_core_packets, SENT },
	{ { "wgdp_core_fast_path_received_packets", "", "Packets from the LAN port straight into the tunnel, by core.", COUNTER },
	  cores_beside, write_core_beside, FAST_PATH_RECEIVED },
	{ { "wgdp_core_fast_path_sent_packets", "", "Packets out of the tunnel straight to the LAN port, by core.", COUNTER },
	  cores_beside, write_core_beside, FAST_PATH_SENT },
	{ { "wgdp_core_mirror_received_frames", "", "Frames that the host sent by the mirrors of DPDK's devices, by core.", COUNTER },
	  cores_beside, write_core_beside, MIRROR_RECEIVED },
	{ { "wgdp_core_mirror_sent_frames", "", "Frames that arrived for the host, and were given to the mirrors, by core.", COUNTER },
	  cores_beside, write_core_beside, MIRROR_SENT },
	{ { "wgdp_core_batches", "", "Batches of packets submitted.", COUNTER }, cores, write_core, BATCHES },
	{ { "wgdp_core_batched_packets", "", "Packets in the batches submitted.", COUNTER }, cores, write_core, BATCHED },
	{ { "wgdp_core_stage_seconds", "seconds", "What the core has spent its time with.", COUNTER }, core_stages, write_stage, 0 },
	{ { "wgdp_core_sleeps", "", "Times the core has blocked for want of work.", COUNTER }, cores, write_core, SLEEPS },
	{ { "wgdp_core_wakes", "", "Times the core has woken another.", COUNTER }, cores, write_core, WAKES },
	{ { "wgdp_core_fifo_batches", "", "Batches under way of a receiving core.", GAUGE }, cores, write_fifo, USED },
	{ { "wgdp_core_fifo_capacity", "", "Batches that a receiving core may have under way.", GAUGE }, cores, write_fifo, SIZE },
	{ { "wgdp_peer_received_bytes", "bytes", "Bytes of WireGuard messages received from the peer.", COUNTER },
	  slots, write_peer, PEER_RECEIVED },
	{ { "wgdp_peer_sent_bytes", "bytes", "Bytes of WireGuard messages sent to the peer.", COUNTER }, slots, write_peer, PEER_SENT },
	{ { "wgdp_peer_last_handshake_timestamp_seconds", "seconds", "When the peer's last handshake was, as Unix time; 0: never.", GAUGE },
	  slots, write_peer, PEER_HANDSHAKE },
	{ { "wgdp_peer_connected", "", "1 if the peer's last handshake is under 180 seconds old.", GAUGE },
	  slots, write_peer, PEER_CONNECTED },
};

const unsigned int metrics_n_families = sizeof(metrics_families) / sizeof(metrics_families[0]);
