/* SPDX-License-Identifier: BSD-3-Clause */
/* What `wgdp show` prints of fixed answers, letter by letter, and as JSON. */
#include "show.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>

#include "remote_text.h"
#include "text.h"

#define KEY_OWN "QElQLbksojQsP5LaxdbefIXbXfVAeltJls458u+36Cc="	/* as wg pubkey has it */
#define KEY_A "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="
#define KEY_B "u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s="
#define KEY_C "zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMw="

static const char golden_wg[] =
	"interface: wg0\n"
	"  public key: " KEY_OWN "\n"
	"  private key: (hidden)\n"
	"  listening port: 51820\n"
	"  fwmark: 0xcafe\n"
	"\n"
	"peer: " KEY_B "\n"
	"  endpoint: [2001:db8::1]:51820\n"
	"  allowed ips: 192.0.2.128/25\n"
	"  latest handshake: 1 minute, 1 second ago\n"
	"\n"
	"peer: " KEY_A "\n"
	"  preshared key: (hidden)\n"
	"  endpoint: 192.0.2.1:40000\n"
	"  allowed ips: 10.0.0.0/8, fd00::/64\n"
	"  latest handshake: 2 minutes, 1 second ago\n"
	"  transfer: 1.00 MiB received, 1023 B sent\n"
	"  persistent keepalive: every 25 seconds\n"
	"\n"
	"peer: " KEY_C "\n"
	"  allowed ips: (none)\n"
	"\n";

static const char golden_dataplane[] =
	"dataplane: wg0\n"
	"  process: 77, version 0.1.0, up 1 hour, 1 minute, 1 second\n"
	"  link: up, mtu 1420, outer kernel, aead openssl\n"
	"  peers: 3, 2 connected, 3 allowed ips\n"
	"  packets outside: 100 received, 50 sent\n"
	"  packets inside: 50 received, 100 sent, 4 waiting for a session\n"
	"  drops:\n"
	"    replayed         10  counter seen before, or behind the window\n"
	"    no_peer           9  no peer's allowed IPs hold the destination\n"
	"    from_the_future   1  (a reason of another version of wgdp)\n"
	"  control: initiations sent 2\n"
	"  rings: work 3/1024, mbufs 900/1000\n"
	"  cores, since the start:\n"
	"     cpu  roles        load  batch     fifo      sleeps       wakes  time\n"
	"       2  worker      90.0%    0.0        -           0           0  aead 90.0%\n"
	"       0  rx,worker   25.0%   15.0     1/32           6           7  rx 10.0% aead 15.0%\n";

static const char golden_ports[] =
	"  packets inside: 50 received, 100 sent, 4 waiting for a session\n"
	"  fast path: 91 packets from the LAN, 92 to it\n"
	"  frames of the host: 93 from it, 94 to it\n"
	"  port wan0: outer, 0000:03:00.0 (net_ixgbe), link up 10 Gbit/s, mtu 9000, 4 queues, NUMA node 1, rss, udp checksum\n"
	"    mac 02:00:00:00:ab:01; received 11 packets, 1.00 KiB; sent 16, 1.00 MiB\n"
	"    missed 13, no buffer 15, errors 14 received, 18 sent\n"
	"  port net_memif0: lan, net_memif0,role=client (net_memif), link down, mtu 1500, 1 queue\n"
	"    mac 02:00:00:00:ab:02; received 21 packets, 0 B; sent 0, 0 B\n"
	"    missed 0, no buffer 0, errors 0 received, 0 sent\n"
	"  routes: 1000000 prefixes, 31 of neighbours, 32 judged; read anew 33 times\n"
	"  drops:\n";

static char *shown(const struct remote_iface *i, uint64_t now, bool colours)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	show_text(f, i, now, colours);
	fclose(f);
	return text;
}

static void make(struct remote_iface *i, const char *stats)
{
	cr_assert(remote_make(i, GET_WHOLE, stats));
	show_sort_peers(i);
}

Test(show, golden)
{
	char want[4096], *text;
	struct remote_iface i;

	make(&i, STATS_WHOLE);
	snprintf(want, sizeof(want), "%s%s", golden_wg, golden_dataplane);
	text = shown(&i, 1000121, false);
	cr_assert_str_eq(text, want);
	free(text);
	remote_fini(&i);
}

Test(show, ports)
{
	static const struct { uint64_t mbps; const char *text; } speed[] = {
		{ 0, "link up, mtu" }, { 10, "link up 10 Mbit/s, mtu" }, { 1000, "link up 1 Gbit/s, mtu" }, { 2500, "link up 2.5 Gbit/s, mtu" },
		{ 400000, "link up 400 Gbit/s, mtu" },
	};
	struct remote_iface i;
	char *text;

	make(&i, STATS_PORTS);
	text = shown(&i, 1000121, false);
	cr_assert(strstr(text, golden_ports), "%s", text);
	free(text);
	for (size_t k = 0; k < sizeof(speed) / sizeof(speed[0]); k++) {
		i.stats.port[0].speed_mbps = speed[k].mbps;
		text = shown(&i, 1000121, false);
		cr_assert(strstr(text, speed[k].text), "%s: %s", speed[k].text, text);
		free(text);
	}
	strcpy(i.stats.routes_off, "a rule by source");
	text = shown(&i, 1000121, false);
	cr_assert(strstr(text, " 33 times\n    no fast path: a rule by source\n"), "%s", text);
	free(text);
	memset(i.stats.port, 0, sizeof(i.stats.port));	/* nothing but that they are there */
	text = shown(&i, 1000121, false);
	cr_assert(strstr(text, "  port :  (), link not known, mtu 0, 0 queues\n    mac not known; received"), "%s", text);
	free(text);
	remote_fini(&i);
}

/* Of a process that is not wgdp what wg(8) shows. */
Test(show, without_stats)
{
	char want[4096], *text;
	struct remote_iface i;

	make(&i, NULL);
	snprintf(want, sizeof(want), "%sdataplane: not known: this process is not wgdp\n", golden_wg);
	text = shown(&i, 1000121, false);
	cr_assert_str_eq(text, want);
	cr_assert_null(strstr(text, "YWFhYWFh"));	/* the private key */
	cr_assert_null(strstr(text, "YmJiYmJi"));	/* the preshared key */
	free(text);
	remote_fini(&i);
}

/* Colours add nothing but themselves. */
Test(show, colours)
{
	struct remote_iface i;
	char *plain, *colour, *to;

	make(&i, STATS_WHOLE);
	plain = shown(&i, 1000060, false);
	colour = to = shown(&i, 1000060, true);
	cr_assert(strstr(colour, "\033["));
	cr_assert_null(strstr(plain, "\033"));
	cr_assert(strstr(plain, "  latest handshake: Now\n"));
	for (const char *from = colour; *from;)
		if (*from == '\033')
			from = strchr(from, 'm') + 1;
		else
			*to++ = *from++;
	*to = '\0';
	cr_assert_str_eq(plain, colour);
	free(plain);
	free(colour);
	plain = shown(&i, 999999, false);
	cr_assert(strstr(plain, "latest handshake: (System clock wound backward; connection problems may ensue.)\n"));
	free(plain);
	remote_fini(&i);
}

static json_t *json_of(const struct remote_iface *i, size_t n)
{
	json_t *o;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	cr_assert(show_json(f, i, n));
	fclose(f);
	cr_assert_null(strstr(text, "YWFhYWFh"));
	cr_assert_null(strstr(text, "61616161"));
	for (size_t k = 0; k < len; k++)
		cr_assert_lt((unsigned char)text[k], 0x80);
	o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(o);
	free(text);
	return o;
}

/* Behind the key, as far as the locale's terminal shows it; JSON has it whole, as ASCII. */
Test(show, names)
{
	static const struct { const char *locale, *line; } shows[] = {
		{ "C.UTF-8", "\npeer: " KEY_A "\n  name: " NAME_A "\n  preshared" }, { "C", "\npeer: " KEY_A "\n  name: J?rgen ??\n  preshared" },
	};
	struct remote_iface i;
	json_t *o, *peers;

	cr_assert(remote_make(&i, PEERS_WHOLE, STATS_WHOLE));
	for (size_t k = 0; k < sizeof(shows) / sizeof(shows[0]); k++) {
		char *text;

		cr_assert(setlocale(LC_CTYPE, shows[k].locale));
		text = shown(&i, 1000121, false);
		cr_assert(strstr(text, shows[k].line), "%s", text);
		cr_assert(strstr(text, "\npeer: " KEY_B "\n  endpoint"), "%s", text);
		free(text);
	}
	o = json_of(&i, 1);
	peers = json_object_get(json_array_get(json_object_get(o, "interfaces"), 0), "peers");
	cr_assert_str_eq(json_string_value(json_object_get(json_array_get(peers, 0), "name")), NAME_A);
	cr_assert(json_is_null(json_object_get(json_array_get(peers, 1), "name")));
	json_decref(o);
	remote_fini(&i);
}

Test(show, json)
{
	struct remote_iface i[2];
	const char *name, *key, *endpoint, *ip0, *ip1, *role0, *role1, *stats_name;
	int psk, private_key, up;
	json_int_t port, mark, handshake, rx, tx, keepalive, pid, outer_rx, replayed, sent, used, size, cpu, aead;
	json_t *o, *null_endpoint, *null_handshake, *null_dataplane, *null_fifo;
	double load;

	make(&i[0], STATS_WHOLE);
	make(&i[1], NULL);
	o = json_of(i, 2);
	cr_assert_eq(json_unpack(o, "{s:[{s:s, s:b, s:i, s:i, s:[{s:s}, {s:b, s:s, s:[ss!], s:I, s:I, s:I, s:I, s:s}, {s:o, s:o}!]}, {s:o}!]!}",
		"interfaces", "name", &name, "private_key", &private_key, "listen_port", &port, "fwmark", &mark, "peers", "public_key", &key,
		"preshared_key", &psk, "endpoint", &endpoint, "allowed_ips", &ip0, &ip1, "latest_handshake", &handshake, "rx_bytes", &rx,
		"tx_bytes", &tx, "persistent_keepalive", &keepalive, "public_key", &stats_name, "endpoint", &null_endpoint,
		"latest_handshake", &null_handshake, "dataplane", &null_dataplane), 0);
	cr_assert_str_eq(name, "wg0");
	cr_assert_str_eq(key, KEY_B);
	cr_assert_str_eq(stats_name, KEY_A);
	cr_assert_str_eq(endpoint, "192.0.2.1:40000");
	cr_assert_str_eq(ip1, "fd00::/64");
	cr_assert(psk && private_key && (int)port == 51820 && handshake == 1000000 && rx == 1048576 && tx == 1023 && keepalive == 25);
	cr_assert(json_is_null(null_endpoint) && json_is_null(null_handshake) && json_is_null(null_dataplane));
	cr_assert_eq(json_unpack(json_array_get(json_object_get(o, "interfaces"), 0), "{s:{s:b, s:I, s:{s:I}, s:{s:I}, s:{s:I}, s:{s:{s:I, s:I}},"
		" s:[{s:I, s:[ss!], s:f}, {s:o, s:{s:I}}!]}}", "dataplane", "up", &up, "pid", &pid, "packets", "outer_rx", &outer_rx,
		"drops", "replayed", &replayed, "control", "initiations_sent", &sent, "rings", "mbufs", "used", &used, "size", &size,
		"cores", "cpu", &cpu, "roles", &role0, &role1, "load", &load, "fifo", &null_fifo, "stages", "aead", &aead), 0);
	cr_assert(up && pid == 77 && outer_rx == 100 && replayed == 10 && sent == 2 && used == 900 && size == 1000 && cpu == 0 && aead == 900);
	cr_assert_str_eq(role1, "worker");
	cr_assert_float_eq(load, 0.25, 1e-9);
	cr_assert(json_is_null(null_fifo));
	json_decref(o);
	remote_fini(&i[0]);
	remote_fini(&i[1]);
	o = json_of(NULL, 0);
	cr_assert_eq(json_array_size(json_object_get(o, "interfaces")), 0);
	json_decref(o);
}

Test(show, json_ports)
{
	json_int_t mtu, mbps, errors, missed, hosts, host_tx, lan_rx, numa, queues;
	const char *name, *role, *device, *mirror, *mac, *link, *off0, *off1, *down;
	json_t *o, *d, *no_mirror, *no_numa, *no_speed, *off;
	struct remote_iface i;

	make(&i, STATS_PORTS);
	o = json_of(&i, 1);
	d = json_object_get(json_array_get(json_object_get(o, "interfaces"), 0), "dataplane");
	cr_assert_eq(json_unpack(d, "{s:[{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:[ss!], s:I, s:I}, {s:o, s:o, s:s, s:o, s:[!]}!],"
		" s:{s:I, s:o}, s:{s:I, s:I}}", "ports", "name", &name, "role", &role, "device", &device, "mirror", &mirror, "numa", &numa,
		"queues", &queues, "mtu", &mtu, "mac", &mac, "link", &link, "speed_mbps", &mbps, "offloads", &off0, &off1, "rx_missed", &missed,
		"tx_errors", &errors, "mirror", &no_mirror, "numa", &no_numa, "link", &down, "speed_mbps", &no_speed, "offloads",
		"routes", "hosts", &hosts, "off", &off, "packets", "lan_rx", &lan_rx, "host_tx", &host_tx), 0);
	cr_assert_str_eq(name, "wan0");
	cr_assert_str_eq(role, "outer");
	cr_assert_str_eq(device, "0000:03:00.0");
	cr_assert_str_eq(mirror, "wan0");
	cr_assert_str_eq(mac, "02:00:00:00:ab:01");
	cr_assert_str_eq(link, "up");
	cr_assert_str_eq(off0, "rss");
	cr_assert_str_eq(off1, "udp_checksum");
	cr_assert_str_eq(down, "down");
	cr_assert(numa == 1 && queues == 4 && mtu == 9000 && mbps == 10000 && missed == 13 && errors == 18);
	cr_assert(hosts == 31 && lan_rx == 91 && host_tx == 94);
	cr_assert(json_is_null(no_mirror) && json_is_null(no_numa) && json_is_null(no_speed) && json_is_null(off));
	json_decref(o);
	remote_fini(&i);
	make(&i, STATS_WHOLE);
	o = json_of(&i, 1);
	d = json_object_get(json_array_get(json_object_get(o, "interfaces"), 0), "dataplane");
	cr_assert(json_array_size(json_object_get(d, "ports")) == 0 && json_is_null(json_object_get(d, "routes")));
	json_decref(o);
	remote_fini(&i);
}

Test(show, text)
{
	static const struct { double n; const char *text; } si[] = {
		{ 0, "0" }, { 0.04, "0" }, { 0.25, "0.2" }, { 1.5, "1.5" }, { 9.94, "9.9" }, { 9.96, "10" }, { 999.4, "999" }, { 999.5, "1.00k" },
		{ 9994, "9.99k" }, { 9996, "10.0k" }, { 99940, "99.9k" }, { 99960, "100k" }, { 999499, "999k" }, { 999500, "1.00M" }, { 1e18, "1.00E" },
		{ 1e30, "9999E" }, { -1, "-" }, { NAN, "-" },
	};
	static const struct { uint64_t n; const char *bytes, *duration, *age; } n[] = {
		{ 0, "0 B", "", "0s" }, { 59, "59 B", "59 seconds", "59s" }, { 1023, "1023 B", "17 minutes, 3 seconds", "17m03s" },
		{ 1024, "1.00 KiB", "17 minutes, 4 seconds", "17m04s" }, { 86400, "84.38 KiB", "1 day", "1d00h" },
		{ 40000000, "38.15 MiB", "1 year, 97 days, 23 hours, 6 minutes, 40 seconds", "462d" },
		{ UINT64_C(5) << 40, "5.00 TiB", NULL, NULL }, { UINT64_MAX, "16777216.00 TiB", NULL, "99999d" },
	};
	char buf[TEXT_LEN];

	for (size_t k = 0; k < sizeof(si) / sizeof(si[0]); k++)
		cr_assert_str_eq(text_si(buf, si[k].n), si[k].text, "%g: %s", si[k].n, buf);
	for (size_t k = 0; k < sizeof(n) / sizeof(n[0]); k++) {
		cr_assert_str_eq(text_bytes(buf, n[k].n, "", ""), n[k].bytes);
		if (n[k].duration)
			cr_assert_str_eq(text_duration(buf, n[k].n, "", ""), n[k].duration);
		if (n[k].age)
			cr_assert_str_eq(text_age(buf, n[k].n), n[k].age);
	}
	cr_assert_str_eq(text_percent(buf, 0.12345), "12.3%");
	cr_assert_str_eq(text_percent(buf, 0.9999), "100%");
	cr_assert_str_eq(text_percent(buf, NAN), "-");
	cr_assert_null(text_drop_reason("nothing"));
	cr_assert_str_eq(text_drop_reason("no_mbuf"), "packet buffers exhausted");
}
