/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot holds what is true of an interface, and its text is what stats.h says. */
#include <criterion/criterion.h>

#include "iface_bed.h"
#include "stats.h"

static struct iface_bed bed;
static struct stats s;

static void begin(void)
{
	iface_bed_up(&bed, "st0");
}

static void end(void)
{
	iface_bed_down(&bed);
}

TestSuite(stats, .init = begin, .fini = end);

/* All its counters get values of their own. */
static void fill(struct counters *c, uint64_t from)
{
	uint64_t *n = (uint64_t *)c;

	for (size_t k = 0; k < offsetof(struct counters, wakes) / sizeof(*n) + 1; k++)
		n[k] = from + k;
}

Test(stats, cores_and_their_sum)
{
	fill(&bed.i.dp->core[0]->counters, 1000);
	fill(&bed.i.dp->core[1]->counters, 500000);
	bed.i.staged_dropped = 7;
	stats_collect(&bed.i, &s);
	cr_assert_eq(s.n_cores, 2);
	cr_assert(s.core[0].cpu == 3 && s.core[0].roles == (CORE_RX | CORE_WORKER));
	cr_assert(s.core[1].cpu == 5 && s.core[1].roles == CORE_WORKER);
	cr_assert(s.core[0].fifo.size == BATCH_FIFO_DEPTH && s.core[0].fifo.used == 0 && s.core[1].fifo.size == 0);
	cr_assert_eq(memcmp(&s.core[1].counters, &bed.i.dp->core[1]->counters, sizeof(struct counters)), 0);
	cr_assert_eq(s.sum.drop[DROP_STAGE_FULL], 501000 + 2 * DROP_STAGE_FULL + 7, "those dropped while staged count, too");
	cr_assert_eq(s.sum.drop[DROP_NO_PEER], 501000 + 2 * DROP_NO_PEER);
	cr_assert_eq(s.sum.wakes, s.core[0].counters.wakes + s.core[1].counters.wakes);
	cr_assert_eq(s.sum.host_tx, s.core[0].counters.host_tx + s.core[1].counters.host_tx);
	cr_assert_eq(s.sum.stage[STAGE_AEAD], s.core[0].counters.stage[STAGE_AEAD] + s.core[1].counters.stage[STAGE_AEAD]);
}

Test(stats, rings_and_buffers)
{
	struct rte_mbuf *m[3];
	struct event e = { 0 };
	struct batch *b = batch_begin(&bed.i.dp->core[0]->fifo, BATCH_SEND);

	batch_submit(&bed.i.dp->core[0]->fifo, b, bed.i.dp->work);
	cr_assert_eq(rte_pktmbuf_alloc_bulk(bed.i.pool, m, 3), 0);
	cr_assert_eq(rte_ring_enqueue_elem(bed.i.dp->events, &e, sizeof(e)), 0);
	cr_assert_eq(rte_ring_enqueue(bed.i.dp->staged, m[0]), 0);
	stats_collect(&bed.i, &s);
	cr_assert(s.mbufs.used == 3 && s.mbufs.size == 1023, "%u of %u", s.mbufs.used, s.mbufs.size);
	cr_assert(s.events.used == 1 && s.events.size == EVENT_RING);
	cr_assert(s.staged_ring.used == 1 && s.staged_ring.size == STAGE_RING);
	cr_assert(s.handshakes.used == 0 && s.handshakes.size == HANDSHAKE_RING && s.work.used == 0);
	cr_assert_eq(s.core[0].fifo.used, 1);
	batch_pop(&bed.i.dp->core[0]->fifo);
	stats_collect(&bed.i, &s);
	cr_assert_eq(s.core[0].fifo.used, 0);
	rte_pktmbuf_free_bulk(m, 3);
}

Test(stats, connected)
{
	const uint64_t now = dataplane_now(), second = WG_NS_PER_SEC;
	struct peer *p[40];

	for (uint32_t k = 0; k < 40; k++)
		p[k] = iface_bed_peer(&bed, k, NULL);
	cr_assert_eq(stats_handshake_age_ns(p[0]), UINT64_MAX, "never");
	stats_collect(&bed.i, &s);
	cr_assert(s.peers == 40 && s.connected == 0);
	bed.i.times.reject_after = 20 * second;	/* tests may run shortly after boot */
	p[0]->handshake_ns = now;
	p[1]->handshake_ns = now - 10 * second;
	p[2]->handshake_ns = now - 30 * second;
	p[39]->handshake_ns = now + 60 * second;	/* of the future: just now */
	stats_collect(&bed.i, &s);
	cr_assert_eq(s.connected, 3);
	cr_assert(stats_handshake_age_ns(p[1]) >= 10 * second && stats_handshake_age_ns(p[1]) < 3600 * second);
	cr_assert_eq(stats_handshake_age_ns(p[39]), 0);
	peers_remove(&bed.i.peers, p[0]);
	stats_collect(&bed.i, &s);
	cr_assert(s.peers == 39 && s.connected == 2);
}

/* The line of the text that begins so, without that; NULL: there is none. */
static char *line(const char *text, const char *key)
{
	static char value[200];
	char start[80];
	const char *at;

	snprintf(start, sizeof(start), "\n%s=", key);
	at = strstr(text, start);
	if (!at)
		return NULL;
	at += strlen(start);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

#define IS(key, value) cr_assert_str_eq(line(text, key), value, "%s=%s", key, line(text, key))

Test(stats, text)
{
	char *text, expected[WG_KEY_LEN * 2 + 1], *cores;
	size_t len, lines = 0;
	FILE *f = open_memstream(&text, &len);

	iface_bed_peer(&bed, 1, NULL)->handshake_ns = dataplane_now();
	bed.i.fwmark = 51820;
	bed.i.counted[CONTROL_COOKIES_SENT] = 12345;
	bed.i.dp->core[0]->counters.drop[DROP_REPLAYED] = 3;
	bed.i.dp->core[1]->counters.drop[DROP_REPLAYED] = 4;
	bed.i.dp->core[1]->counters.stage[STAGE_AEAD] = UINT64_MAX;
	bed.i.dp->core[1]->counters.lan_rx = 91;
	bed.i.dp->core[1]->counters.lan_tx = 92;
	bed.i.dp->core[1]->counters.host_rx = 93;
	bed.i.dp->core[1]->counters.host_tx = 94;
	stats_collect(&bed.i, &s);
	fputc('\n', f);
	stats_print(f, &s);
	fclose(f);
	for (int k = 0; k < WG_KEY_LEN; k++)
		strcpy(expected + 2 * k, "a5");
	IS("name", "st0");
	IS("up", "1");
	IS("version", WGDP_VERSION);
	IS("public_key", expected);
	IS("listen_port", "51820");
	IS("fwmark", "51820");
	IS("mtu", "1420");
	IS("outer", "kernel");
	IS("aead", "openssl");
	IS("peers", "1");
	IS("connected", "1");
	IS("mbufs_size", "1023");
	IS("control_cookies_sent", "12345");
	IS("drop_replayed", "7");
	IS("core", "3");
	IS("roles", "rx,worker");
	IS("fifo_size", "32");
	IS("core_drop_replayed", "3");
	cores = strstr(text, "\ncore=5\n");
	cr_assert_not_null(cores);
	cr_assert_str_eq(line(cores, "roles"), "worker");
	cr_assert_str_eq(line(cores, "lan_rx"), "91");
	cr_assert_str_eq(line(cores, "lan_tx"), "92");
	cr_assert_str_eq(line(cores, "host_rx"), "93");
	cr_assert_str_eq(line(cores, "host_tx"), "94");
	cr_assert_null(line(text, "port"));
	cr_assert_null(line(text, "routes_prefixes"));
	cr_assert_null(line(cores, "fifo_size"));
	cr_assert_null(line(cores, "core_drop_no_peer"), "only those that are not 0");
	cr_assert_str_eq(line(cores, "stage_aead"), "18446744073709551615");
	for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n"), lines++)
		cr_assert(strcspn(at, "=") == strspn(at, "abcdefghijklmnopqrstuvwxyz_") && strchr(at, '='), "%s", at);
	cr_assert_eq(lines, 12 + 4 + 10 + CONTROL_N + DROP_N + (14 + 2 + STAGE_N + 1) + (14 + STAGE_N + 1), "%zu lines", lines);
	free(text);
}

static char *text_of(void)
{
	static char *text;	/* (on the stack, GCC 12 takes what strstr finds in it for the pointer's own bytes) */
	static size_t len;
	FILE *f = open_memstream(&text, &len);

	stats_collect(&bed.i, &s);
	fputc('\n', f);
	stats_print(f, &s);
	fclose(f);
	return text;
}

static const char ports_text[] =
	"\nroutes_prefixes=1000000\nroutes_hosts=31\nroutes_judged=32\nroutes_resyncs=33\nroutes_off=a rule by source\n"
	"port=wan0\nport_role=outer\nport_device=0000:03:00.0\nport_driver=net_ixgbe\nport_mirror=wan0\nport_numa=1\nport_queues=4\n"
	"port_mtu=9000\nport_mac=02:00:00:00:ab:01\nport_link=up\nport_speed_mbps=10000\nport_offloads=rss,udp_checksum\n"
	"port_rx_packets=11\nport_rx_bytes=12\nport_rx_missed=13\nport_rx_errors=14\nport_rx_no_mbuf=15\n"
	"port_tx_packets=16\nport_tx_bytes=17\nport_tx_errors=18\n"
	"port=net_memif0\nport_role=lan\nport_device=net_memif0,role=client\nport_driver=net_memif\nport_queues=1\n"
	"port_mtu=1500\nport_mac=02:00:00:00:ab:02\nport_link=down\nport_speed_mbps=0\n"
	"port_rx_packets=21\nport_rx_bytes=0\nport_rx_missed=0\nport_rx_errors=0\nport_rx_no_mbuf=0\n"
	"port_tx_packets=0\nport_tx_bytes=18446744073709551615\nport_tx_errors=0\n"
	"core=3\n";

Test(stats, ports)
{
	char *text;

	iface_bed_devices(&bed);
	bed.lan.routes.off = "a rule by source";
	text = text_of();
	cr_assert(strstr(text, ports_text), "%s", text);
	free(text);
	bed.lan.routes.off = NULL;
	text = text_of();
	cr_assert_null(line(text, "routes_off"), "it is on");
	free(text);
}

/* One offload alone; and nothing in the snapshot points to the port, which may go. */
Test(stats, ports_are_copied)
{
	char device[] = "net_af_packet0,iface=eth0", driver[] = "net_af_packet", *text;

	iface_bed_devices(&bed);
	bed.i.lan = NULL;
	bed.outer.info.device = device;
	bed.outer.info.driver = driver;
	bed.outer.info.mirror = NULL;
	bed.outer.info.rss = false;
	text = text_of();
	IS("port", "net_af_packet0");
	IS("port_device", "net_af_packet0,iface=eth0");
	IS("port_offloads", "udp_checksum");
	cr_assert(s.n_ports == 1 && !s.has_routes && !line(text, "routes_prefixes") && !line(text, "port_mirror"));
	free(text);
	cr_assert(!s.port[0].info.device && !s.port[0].info.driver && !s.port[0].info.mirror);
	memset(device, 'x', sizeof(device) - 1);
	memset(driver, 'x', sizeof(driver) - 1);
	cr_assert_str_eq(s.port[0].name, "net_af_packet0");
	cr_assert_str_eq(s.port[0].device, "net_af_packet0,iface=eth0");
	cr_assert_str_eq(s.port[0].driver, "net_af_packet");
}

/* Device strings of any length. */
Test(stats, long_device)
{
	char device[300], *text;

	iface_bed_devices(&bed);
	memset(device, 'd', sizeof(device));
	device[sizeof(device) - 1] = '\0';
	bed.outer.info.device = device;
	bed.outer.info.driver = bed.outer.info.mirror = NULL;
	text = text_of();
	cr_assert_str_eq(line(text, "port_driver"), "");
	cr_assert_eq(strlen(line(text, "port")), sizeof(s.port[0].name) - 1);
	cr_assert_eq(strlen(line(text, "port_device")), sizeof(s.port[0].device) - 1);
	free(text);
}

Test(stats, no_key)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	bed.i.identity.valid = false;
	stats_collect(&bed.i, &s);
	stats_print(f, &s);
	fclose(f);
	cr_assert_null(strstr(text, "public_key"));
	free(text);
}
