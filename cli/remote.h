/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface as its process describes it: what get=1 or peers=1 says (device, peers, allowed IPs) and what stats=1 says (counters, cores,
 * rings). Plain structs; numbers are the process's own, counters count from its start. All text is printable ASCII, but that of peers' names is
 * printable UTF-8. Any thread.
 */
#ifndef WGDP_REMOTE_H
#define WGDP_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

enum {
	REMOTE_TEXT = 64,	/* size of a text */
	REMOTE_NAME = 32,	/* size of a counter's name */
	REMOTE_COUNTERS = 64,	/* counters in a list; what is more is not kept */
	REMOTE_RINGS = 16,
	REMOTE_PORTS = 16,	/* more are an error, as with cores, peers and prefixes */
	REMOTE_CORES = 1024,
	REMOTE_PEERS = 1 << 20,
	REMOTE_PREFIXES = 1 << 24,
};

struct remote_prefix {
	uint8_t addr[16];	/* network order, IPv4 in the first four */
	uint8_t family;		/* AF_INET or AF_INET6 */
	uint8_t cidr;
};

struct remote_peer {
	uint8_t public_key[CONF_KEY_LEN];
	char name[CONF_NAME_LEN + 1];	/* that the file gives it; empty: none */
	char endpoint[REMOTE_TEXT];	/* as wg(8) writes it; empty: none */
	uint64_t handshake_sec;		/* of the last, since 1970; 0: there was none */
	uint64_t rx_bytes, tx_bytes;
	uint32_t handshake_nsec;
	uint16_t keepalive;		/* seconds, 0: off */
	bool has_preshared_key;
	uint32_t first_prefix, n_prefixes;	/* its slice of remote_iface.prefixes */
};

/* Named counters, in the order in which they came. */
struct remote_counters {
	unsigned int n;
	struct remote_counter {
		char name[REMOTE_NAME];
		uint64_t value;
	} c[REMOTE_COUNTERS];
};

struct remote_ring {
	char name[REMOTE_NAME];
	uint64_t used, size;
};

/* A DPDK device; what was not said is empty or 0. */
struct remote_port {
	char name[REMOTE_TEXT], role[REMOTE_TEXT];	/* "wan0", "outer" */
	char device[2 * REMOTE_TEXT], driver[REMOTE_TEXT];
	char mirror[REMOTE_TEXT];	/* the host's interface; empty: the host keeps the netdev */
	char mac[REMOTE_TEXT], offloads[REMOTE_TEXT];	/* "02:00:00:00:00:01", "rss,udp_checksum" */
	char link[REMOTE_TEXT];		/* "up" */
	bool has_numa;
	uint64_t numa, queues, mtu, speed_mbps;
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors, rx_no_mbuf, tx_packets, tx_bytes, tx_errors;
};

/* Packets by way: outside; to and from the host by its tun interface; past the host; frames of DPDK's devices that are the host's. */
struct remote_packets {
	uint64_t outer_rx, outer_tx, inner_rx, inner_tx, lan_rx, lan_tx, host_rx, host_tx;
};

struct remote_core {
	uint64_t cpu;
	char roles[REMOTE_TEXT];	/* "rx,worker" */
	struct remote_packets packets;
	uint64_t batches, batched, sleeps, wakes;
	bool has_fifo;
	uint64_t fifo_used, fifo_size;
	struct remote_counters stages;	/* ticks */
	struct remote_counters drops;	/* those that are not 0 */
};

struct remote_stats {
	char version[REMOTE_TEXT], outer[2 * REMOTE_TEXT], aead[REMOTE_TEXT];
	uint64_t up, pid, uptime_ns, mtu, tsc_hz, peers, connected, staged, allowed_ips;
	unsigned int n_rings;
	struct remote_ring ring[REMOTE_RINGS];
	bool has_routes;		/* there is a LAN port; of these prefixes, neighbours, and verdicts that are known */
	uint64_t routes_prefixes, routes_hosts, routes_judged, routes_resyncs;
	char routes_off[2 * REMOTE_TEXT];	/* why the fast path is off; empty: it is on */
	unsigned int n_ports;
	struct remote_port port[REMOTE_PORTS];
	struct remote_counters control, drops;
	unsigned int n_cores, room_cores;
	struct remote_core *core;
};

struct remote_iface {
	char name[CONF_IFNAME_LEN + 1];
	bool has_private_key, has_public_key;
	uint8_t public_key[CONF_KEY_LEN];
	uint16_t listen_port;		/* host order, 0: none */
	uint32_t fwmark;		/* 0: none */
	size_t n_peers, room_peers, n_prefixes, room_prefixes;
	struct remote_peer *peers;	/* as the process orders them */
	struct remote_prefix *prefixes;
	uint64_t get_ns;		/* when the answer to get=1 or peers=1 began, CLOCK_MONOTONIC here */
	bool has_stats;			/* false: the process does not know stats=1 */
	struct remote_stats stats;
	/* of the parsers: where they found the last key */
	unsigned int hint;
	bool no_memory;
};

void remote_init(struct remote_iface *i, const char *name);
/* Frees what it holds; it is as after remote_init. */
void remote_fini(struct remote_iface *i);

/*
 * A line of the answer to get=1 or peers=1, to stats=1, for answer_begin: arg is a struct remote_iface. Keys that are not known are passed over: the
 * protocol grows. A private key is used to find the public one, and wiped, in value also. False: the value cannot be, or (no_memory) there
 * is no memory.
 */
bool remote_get_line(void *arg, char *key, char *value);
bool remote_stats_line(void *arg, char *key, char *value);

/* All of `text` as a decimal number of at most `max`. */
bool remote_number(const char *text, uint64_t max, uint64_t *n);

/* 64 hexadecimal digits, without a branch on them. False: it is something else. */
bool remote_hex_key(uint8_t key[CONF_KEY_LEN], const char *text);

/* The counter of that name, 0: there is none. `hint`: its place, if the list is as the one the name is of. */
uint64_t remote_counter(const struct remote_counters *c, const char *name, unsigned int hint);

/* The sum over all cores. */
struct remote_packets remote_packets(const struct remote_stats *s);

/* What share of its time a core has worked since its start, from 0 to 1: all stages but "rest". */
double remote_core_load(const struct remote_core *c);

/* "192.0.2.0/24"; size: REMOTE_TEXT. */
const char *remote_prefix_text(char text[REMOTE_TEXT], const struct remote_prefix *p);

#endif
