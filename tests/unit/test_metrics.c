/* SPDX-License-Identifier: BSD-3-Clause */
/* The page of metrics, read by Prometheus's parser: in both formats, in pieces of any size, while peers come and go. */
#include <criterion/criterion.h>

#include "iface_bed.h"
#include "metrics_page.h"
#include "metrics_parse.h"
#include "metrics_text.h"

static struct iface_bed bed[2];

static void begin(void)
{
	iface_bed_up(&bed[0], "wg0");
	iface_bed_up(&bed[1], "wg1");
}

static void end(void)
{
	iface_bed_down(&bed[0]);
	iface_bed_down(&bed[1]);
}

TestSuite(metrics, .init = begin, .fini = end);

static struct metrics_page *page_begin(bool openmetrics)
{
	const struct iface *ifaces[] = { &bed[0].i, &bed[1].i };
	const struct metrics_iface shown[] = { { &bed[0].i, bed[0].conf.metrics_peers }, { &bed[1].i, bed[1].conf.metrics_peers } };
	struct snapshot *s = snapshot_take(ifaces, 2);
	struct metrics_page *p = metrics_page_begin(shown, 2, s, openmetrics);

	cr_assert_not_null(p);
	snapshot_put(s);
	return p;
}

/* All of a page, in pieces of `max` bytes; `between` is called after each. The caller frees. */
static char *page(bool openmetrics, size_t max, size_t *len, void (*between)(struct metrics_page *p))
{
	struct metrics_page *p = page_begin(openmetrics);
	char *text = NULL, *piece = malloc(max);
	FILE *f = open_memstream(&text, len);
	ssize_t n;

	while ((n = metrics_page_read(p, piece, max)) >= 0) {
		cr_assert_leq((size_t)n, max);
		fwrite(piece, 1, n, f);
		if (between)
			between(p);
	}
	fclose(f);
	metrics_page_end(p);
	free(piece);
	return text;
}

static char *samples(bool openmetrics, size_t max, void (*between)(struct metrics_page *p))
{
	size_t len;
	char *text = page(openmetrics, max, &len, between), *out = metrics_parse(text, len, openmetrics);

	cr_assert_not_null(out, "the parser takes it");
	free(text);
	return out;
}

static void has(const char *list, const char *sample)
{
	char text[512];

	snprintf(text, sizeof(text), "\n%s\n", sample);
	cr_assert_not_null(strstr(list, text), "no %s", sample);
}

static void fill_bed(void)
{
	struct counters *c = &bed[0].i.dp->core[0]->counters;
	struct peer *p = iface_bed_peer(&bed[0], 1, "alice's \"phone\" \\ two\nlines");

	c->outer_rx = 123;
	c->inner_tx = 45;
	c->drop[DROP_REPLAYED] = 6;
	c->batches = 7;
	c->stage[STAGE_AEAD] = rte_get_tsc_hz() * 2 + rte_get_tsc_hz() / 4;
	bed[0].i.counted[CONTROL_INITIATIONS_SENT] = 89;
	p->dp.rx_bytes = 1000000007;
	p->dp.tx_bytes = 22;
	p->last_handshake = (struct timespec){ 1700000000, 250000000 };
	p->handshake_ns = dataplane_now();
	iface_bed_peer(&bed[0], 2, NULL);
	iface_bed_peer(&bed[1], 1, "Zo\xc3\xab");
}

#define KEY "public_key=AQAAAHcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY2 "public_key=AgAAAHcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void check_samples(const char *list)
{
	has(list, "wgdp_build_info\tversion=" WGDP_VERSION "\t1");
	has(list, "wgdp_interface_info\taead=openssl\tfwmark=0\tinterface=wg1\tlisten_port=51820\touter=kernel\t"
		  "public_key=paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=\t1");
	has(list, "wgdp_interface_up\tinterface=wg0\t1");
	has(list, "wgdp_peers\tinterface=wg0\t2");
	has(list, "wgdp_peers_connected\tinterface=wg0\t1");
	has(list, "wgdp_peers_connected\tinterface=wg1\t0");
	has(list, "wgdp_received_packets_total\tinterface=wg0\tside=outer\t123");
	has(list, "wgdp_sent_packets_total\tinterface=wg0\tside=inner\t45");
	has(list, "wgdp_dropped_packets_total\tinterface=wg0\treason=replayed\t6");
	has(list, "wgdp_initiations_sent_total\tinterface=wg0\t89");
	has(list, "wgdp_ring_capacity\tinterface=wg0\tring=events\t8192");
	has(list, "wgdp_core_info\tcore=3\tinterface=wg0\troles=rx,worker\t1");
	has(list, "wgdp_core_batches_total\tcore=3\tinterface=wg0\t7");
	has(list, "wgdp_core_stage_seconds_total\tcore=3\tinterface=wg0\tstage=aead\t2.25");
	has(list, "wgdp_core_fifo_capacity\tcore=3\tinterface=wg0\t32");
	cr_assert_null(strstr(list, "wgdp_core_fifo_capacity\tcore=5"), "it does not receive");
	has(list, "wgdp_peer_received_bytes_total\tinterface=wg0\tname=alice's \"phone\" \\\\ two\\nlines\t" KEY "\t1000000007");
	has(list, "wgdp_peer_sent_bytes_total\tinterface=wg0\tname=alice's \"phone\" \\\\ two\\nlines\t" KEY "\t22");
	has(list, "wgdp_peer_last_handshake_timestamp_seconds\tinterface=wg0\tname=alice's \"phone\" \\\\ two\\nlines\t" KEY "\t1700000000.25");
	has(list, "wgdp_peer_connected\tinterface=wg0\tname=alice's \"phone\" \\\\ two\\nlines\t" KEY "\t1");
	has(list, "wgdp_peer_last_handshake_timestamp_seconds\tinterface=wg0\tname=\t" KEY2 "\t0");
	has(list, "wgdp_peer_connected\tinterface=wg1\tname=Zo\xc3\xab\t" KEY "\t0");
}

Test(metrics, openmetrics)
{
	size_t len;
	char *list, *text;

	fill_bed();
	list = samples(true, 65536, NULL);
	check_samples(list);
	text = page(true, 65536, &len, NULL);
	cr_assert_str_eq(text + len - 6, "# EOF\n");
	cr_assert_not_null(strstr(text, "\n# TYPE wgdp_interface info\n"));
	cr_assert_not_null(strstr(text, "\n# TYPE wgdp_core_stage_seconds counter\n# UNIT wgdp_core_stage_seconds seconds\n"));
	free(text);
	free(list);
}

Test(metrics, text_format)
{
	size_t len;
	char *list, *text;

	fill_bed();
	list = samples(false, 65536, NULL);
	check_samples(list);
	text = page(false, 65536, &len, NULL);
	cr_assert_null(strstr(text, "# EOF"));
	cr_assert_null(strstr(text, "# UNIT"));
	cr_assert_not_null(strstr(text, "\n# TYPE wgdp_core_stage_seconds_total counter\n"));
	cr_assert_not_null(strstr(text, "\n# TYPE wgdp_interface_info gauge\n"));
	free(text);
	free(list);
}

#define WAN "interface=wg0\tport=wan0\trole=outer\t"
#define LAN "interface=wg0\tport=net_memif0\trole=lan\t"

static void check_ports(const char *list)
{
	has(list, "wgdp_port_info\tdevice=0000:03:00.0\tdriver=net_ixgbe\tinterface=wg0\tmac=02:00:00:00:ab:01\tmirror=wan0\tnuma_node=1\t"
		  "offloads=rss,udp_checksum\tport=wan0\trole=outer\t1");
	has(list, "wgdp_port_info\tdevice=net_memif0,role=client\tdriver=net_memif\tinterface=wg0\tmac=02:00:00:00:ab:02\tmirror=\t"
		  "offloads=\tport=net_memif0\trole=lan\t1");
	has(list, "wgdp_port_up\t" WAN "1");
	has(list, "wgdp_port_up\t" LAN "0");
	has(list, "wgdp_port_speed_bytes\t" WAN "1250000000");
	cr_assert_null(strstr(list, "wgdp_port_speed_bytes\t" LAN), "it is not known");
	has(list, "wgdp_port_mtu_bytes\t" WAN "9000");
	has(list, "wgdp_port_queues\t" WAN "4");
	has(list, "wgdp_port_receive_packets_total\t" WAN "11");
	has(list, "wgdp_port_receive_packets_total\t" LAN "21");
	has(list, "wgdp_port_receive_bytes_total\t" WAN "12");
	has(list, "wgdp_port_receive_missed_packets_total\t" WAN "13");
	has(list, "wgdp_port_receive_errors_total\t" WAN "14");
	has(list, "wgdp_port_receive_no_buffer_packets_total\t" WAN "15");
	has(list, "wgdp_port_transmit_packets_total\t" WAN "16");
	has(list, "wgdp_port_transmit_bytes_total\t" WAN "17");
	has(list, "wgdp_port_transmit_errors_total\t" WAN "18");
	has(list, "wgdp_fast_path_received_packets_total\tinterface=wg0\t95");
	has(list, "wgdp_fast_path_sent_packets_total\tinterface=wg0\t92");
	has(list, "wgdp_mirror_received_frames_total\tinterface=wg0\t93");
	has(list, "wgdp_mirror_sent_frames_total\tinterface=wg0\t94");
	has(list, "wgdp_core_fast_path_received_packets_total\tcore=3\tinterface=wg0\t91");
	has(list, "wgdp_core_fast_path_received_packets_total\tcore=5\tinterface=wg0\t4");
	has(list, "wgdp_core_fast_path_sent_packets_total\tcore=3\tinterface=wg0\t92");
	has(list, "wgdp_core_mirror_received_frames_total\tcore=3\tinterface=wg0\t93");
	has(list, "wgdp_core_mirror_sent_frames_total\tcore=3\tinterface=wg0\t94");
	has(list, "wgdp_fib_prefixes\tinterface=wg0\t1000000");
	has(list, "wgdp_fib_hosts\tinterface=wg0\t31");
	has(list, "wgdp_fib_verdicts\tinterface=wg0\t32");
	has(list, "wgdp_fib_resyncs_total\tinterface=wg0\t33");
	has(list, "wgdp_fast_path_up\tinterface=wg0\t1");
	cr_assert_null(strstr(list, "wgdp_fast_path_received_packets_total\tinterface=wg1"), "it has no devices");
	cr_assert_null(strstr(list, "wgdp_fib_prefixes\tinterface=wg1"));
}

Test(metrics, ports)
{
	struct counters *c = &bed[0].i.dp->core[0]->counters;
	char *list;

	iface_bed_devices(&bed[0]);
	c->lan_rx = 91;
	c->lan_tx = 92;
	c->host_rx = 93;
	c->host_tx = 94;
	bed[0].i.dp->core[1]->counters.lan_rx = 4;
	for (int openmetrics = 0; openmetrics < 2; openmetrics++) {
		list = samples(openmetrics, 333, NULL);
		check_ports(list);
		free(list);
	}
	bed[0].lan.routes.off = "a rule by source";
	list = samples(true, 65536, NULL);
	has(list, "wgdp_fast_path_up\tinterface=wg0\t0");
	free(list);
}

Test(metrics, peers_can_be_left_out)
{
	char *list;

	fill_bed();
	bed[0].conf.metrics_peers = false;
	list = samples(true, 65536, NULL);
	cr_assert_null(strstr(list, "\nwgdp_peer_connected\tinterface=wg0"));
	has(list, "wgdp_peer_connected\tinterface=wg1\tname=Zo\xc3\xab\t" KEY "\t0");
	has(list, "wgdp_peers\tinterface=wg0\t2");
	free(list);
}

Test(metrics, without_a_key)
{
	char *list;

	bed[1].i.identity.valid = false;
	list = samples(true, 65536, NULL);
	has(list, "wgdp_interface_info\taead=openssl\tfwmark=0\tinterface=wg1\tlisten_port=51820\touter=kernel\tpublic_key=\t1");
	free(list);
}

/* Uptime is that of the page, so it may differ: it is cut out. */
static void blank_uptime(char *text)
{
	for (char *at = text; (at = strstr(at, "wgdp_interface_uptime_seconds{"));) {
		at = strchr(at, '}');
		for (; *at != '\n'; at++)
			*at = ' ';
	}
}

Test(metrics, pieces_of_any_size)
{
	static const size_t sizes[] = { 1, 2, 7, 100, 4096 };
	size_t len, n;
	char *whole, *again;

	fill_bed();
	for (uint32_t k = 10; k < 300; k++)
		iface_bed_peer(&bed[1], k, "somebody");
	whole = page(true, 1 << 20, &len, NULL);
	blank_uptime(whole);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		again = page(true, sizes[k], &n, NULL);
		blank_uptime(again);
		cr_assert_eq(n, len);
		cr_assert_str_eq(again, whole);
		free(again);
	}
	free(whole);
}

/* Peers 0 to 99 stay, 100 to 199 come and go, 200 and later come only. */
static uint32_t newest, random_state = 1;

static uint32_t next_random(void)
{
	return random_state = random_state * 1664525 + 1013904223;
}

static void churn(struct metrics_page *p)
{
	(void)p;
	for (int k = 0; k < 3; k++) {
		uint32_t n = 100 + (next_random() >> 16) % 100;
		struct peer *peer = iface_bed_find(&bed[0], n);

		if (peer)
			peers_remove(&bed[0].i.peers, peer);
		else
			iface_bed_peer(&bed[0], n, NULL);
	}
	if (newest < 2000)
		iface_bed_peer(&bed[0], newest++, NULL);
	rcu_quiescent_state();
}

Test(metrics, peers_come_and_go_between_pieces)
{
	static const char *const families[] = { "\nwgdp_peer_received_bytes_total\t", "\nwgdp_peer_sent_bytes_total\t",
		"\nwgdp_peer_last_handshake_timestamp_seconds\t", "\nwgdp_peer_connected\t" };
	char sample[200], key[CONF_KEY_B64_LEN + 1];

	newest = 200;
	for (uint32_t k = 0; k < 200; k++)
		iface_bed_peer(&bed[0], k, NULL);
	for (int round = 0; round < 4; round++) {
		const uint32_t first_new = newest;
		char *list = samples(round % 2, 512 << round % 4, churn);	/* the parser refuses one that is there twice */

		for (uint32_t n = 0; n < 2000; n++) {
			const uint8_t raw[WG_KEY_LEN] = { n, n >> 8, 0, 0, 0x77 };

			conf_key_encode(key, raw);
			for (int f = 0; f < 4; f++) {
				unsigned int there;

				snprintf(sample, sizeof(sample), "%sinterface=wg0\tname=\tpublic_key=%s\t", families[f], key);
				there = metrics_count(list, sample);
				if (n < 100 || (n >= 200 && n < first_new))
					cr_assert_eq(there, 1, "peer %u stays: %u", n, there);
				if (n >= first_new)
					cr_assert_eq(there, 0, "peer %u came after the page was begun", n);
			}
		}
		free(list);
	}
}

static bool forgotten;

static void forget(struct metrics_page *p)
{
	if (!forgotten)
		metrics_page_forget(p, &bed[0].i);
	forgotten = true;
}

Test(metrics, interface_goes_between_pieces)
{
	char *list;

	fill_bed();
	forgotten = false;
	list = samples(true, 100, forget);
	has(list, "wgdp_peers\tinterface=wg0\t2");
	cr_assert_null(strstr(list, "\nwgdp_peer_connected\tinterface=wg0"));
	has(list, "wgdp_peer_connected\tinterface=wg1\tname=Zo\xc3\xab\t" KEY "\t0");
	free(list);
}

/* Slots that are empty give nothing, but the work between two answers is bounded. */
Test(metrics, empty_slots)
{
	char buf[4096];
	struct metrics_page *p;
	unsigned int nothing = 0;
	ssize_t n;

	for (uint32_t k = 0; k < 20000; k++)
		iface_bed_peer(&bed[0], k, NULL);
	for (uint32_t k = 0; k < 20000; k++)
		peers_remove(&bed[0].i.peers, iface_bed_find(&bed[0], k));
	p = page_begin(true);
	while ((n = metrics_page_read(p, buf, sizeof(buf))) >= 0)
		nothing += n == 0;
	cr_assert_gt(nothing, 20);
	metrics_page_end(p);
}

static void escapes(const char *value, size_t len, const char *expected)
{
	struct metrics_line l = { .len = 0 };

	metrics_escape(&l, value, len);
	cr_assert(l.len == strlen(expected) && memcmp(l.text, expected, l.len) == 0, "%.*s", (int)l.len, l.text);
}

#define BAD "\xef\xbf\xbd"

Test(metrics_text, escape)
{
	char text[METRICS_LABEL_MAX + 10];

	escapes("", 0, "");
	escapes("plain # name", 12, "plain # name");
	escapes("a\"b\\c\nd\t", 8, "a\\\"b\\\\c\\nd\t");
	escapes("\0x", 2, BAD "x");
	escapes("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	escapes("\xc3", 1, BAD);
	escapes("\xc0\xaf", 2, BAD BAD);			/* an overlong slash */
	escapes("\xed\xa0\x80", 3, BAD BAD BAD);		/* a surrogate */
	escapes("\xf4\x90\x80\x80", 4, BAD BAD BAD BAD);	/* beyond Unicode */
	escapes("\xe2\x82" "a", 3, BAD BAD "a");
	memset(text, 'x', sizeof(text));
	memcpy(text + METRICS_LABEL_MAX - 1, "\xc3\xa4", 2);	/* does not fit any more */
	{
		char expected[METRICS_LABEL_MAX] = "";

		memset(expected, 'x', METRICS_LABEL_MAX - 1);
		escapes(text, sizeof(text), expected);
	}
}

Test(metrics_text, accept)
{
	static const char *const yes[] = {
		"application/openmetrics-text",
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		"text/plain;q=0.5, Application/OpenMetrics-Text ; Version=\"1.0.0\" ;q=0.5",
		"application/openmetrics-text;q=0.001",
		"a/b;c=\"x,y;\\\"\",application/openmetrics-text",
	};
	static const char *const no[] = {
		NULL, "", "*/*", "text/plain", "text/html,application/xhtml+xml,*/*;q=0.8", "application/*",
		"application/openmetrics-text;q=0", "application/openmetrics-text;q=0.000", "application/openmetrics-text;version=0.0.1",
		"application/openmetrics-text;q=0.4,text/plain", "application/openmetrics-text;q=2", "application/openmetrics-text;q=1.001",
		"application/openmetrics-text;q=x", "application/openmetrics-text;q=", "\"application/openmetrics-text\"",
		"application/openmetrics-textual", "a/b;c=\",application/openmetrics-text", ",,,;;;===",
	};

	for (size_t k = 0; k < sizeof(yes) / sizeof(yes[0]); k++)
		cr_assert(metrics_wants_openmetrics(yes[k]), "%s", yes[k]);
	for (size_t k = 0; k < sizeof(no) / sizeof(no[0]); k++)
		cr_assert_not(metrics_wants_openmetrics(no[k]), "%s", no[k]);
}
