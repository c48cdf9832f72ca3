/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * site.conf good and bad. Good files: a text and what struct conf must hold, written out as text by
 * conf_show, so that a table compares whole files. Bad files: a text and the exact lines of
 * diagnosis. What wg(8) makes of the same text was looked at with `wg setconf`, and of
 * wg-quick(8)'s keys with its own parse_options; the tables hold those answers. Linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=free, to let any one allocation fail and to look into what
 * is freed. CONF_EXAMPLES is the folder conf/examples.
 */
#include "conf.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define K1 "aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124="
#define K2 "l/bRgqGEAzNtVq9JI3GyYnhFgCRXLNpakPxemH3mrA8="
#define K3 "uoYkPm6lHnxF5T31lD5LB3OGM8/a4eKyUEYcJm5SXXQ="
#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NOT_A_KEY "not a key: 44 characters of base64 expected"

#define I "[Interface]\nPrivateKey=" K1 "\n"	/* lines 1 and 2 */
#define P I "[Peer]\nPublicKey=" K2 "\n"	/* lines 1 to 4 */
#define D I "[Dataplane]\n"			/* lines 1 to 3 */
#define SHOW_I "private " K1 "\n"
#define SHOW_P SHOW_I "peer " K2 "\n"

/* Memory held by what is linked here, conf/ and this file; libc's own use is not seen. */
static long held;
static size_t allocations_left = SIZE_MAX;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool allocation_fails(void)
{
	if (allocations_left == 0)
		return true;
	if (allocations_left != SIZE_MAX)
		allocations_left--;
	return false;
}

void *__wrap_malloc(size_t size)
{
	void *p = allocation_fails() ? NULL : __real_malloc(size);

	held += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = allocation_fails() ? NULL : __real_calloc(n, size);

	held += p != NULL;
	return p;
}

/* While keys_watched: how often memory was freed, and how often with K1, K2 or K3 in it, as text or
 * as bytes. */
static bool keys_watched;
static size_t frees, keys_freed;

void __real_free(void *p);
void __wrap_free(void *p);

static bool holds_key(const void *p, size_t size)
{
	static const char *const texts[] = { K1, K2, K3 };
	uint8_t key[CONF_KEY_LEN];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		conf_key_decode(key, texts[i], CONF_KEY_B64_LEN);
		if (memmem(p, size, key, sizeof(key)) ||
		    memmem(p, size, texts[i], CONF_KEY_B64_LEN))
			return true;
	}
	return false;
}

void __wrap_free(void *p)
{
	if (keys_watched && p) {
		frees++;
		keys_freed += holds_key(p, malloc_usable_size(p));
	}
	held -= p != NULL;
	__real_free(p);
}

static char *diagnosis;
static size_t diagnosis_len;

static FILE *diag_open(void)
{
	FILE *diag;

	free(diagnosis);
	diagnosis = NULL;
	diag = open_memstream(&diagnosis, &diagnosis_len);
	cr_assert_not_null(diag);
	return diag;
}

/* What is said is in `diagnosis` after. */
static struct conf *parse_len(const char *path, const char *text, size_t len)
{
	FILE *diag = diag_open();
	struct conf *c = conf_parse(path, text, len, diag);

	fclose(diag);
	return c;
}

static struct conf *parse(const char *text)
{
	return parse_len("etc/site.conf", text, strlen(text));
}

static struct conf *read_file(const char *path)
{
	FILE *diag = diag_open();
	struct conf *c = conf_read(path, diag);

	fclose(diag);
	return c;
}

static void show_key(FILE *out, const char *name, const uint8_t key[CONF_KEY_LEN])
{
	char text[CONF_KEY_B64_LEN + 1];

	conf_key_encode(text, key);
	fprintf(out, "%s %s\n", name, text);
}

static void show_prefixes(FILE *out, const char *name, const struct conf_prefix *prefix, size_t n)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s %s/%u\n", name,
			inet_ntop(prefix[i].family, prefix[i].addr.bytes, text, sizeof(text)),
			prefix[i].cidr);
}

static void show_strings(FILE *out, const char *name, const struct conf_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		fprintf(out, "%s <%s>\n", name, strings->s[i]);
}

static void show_cores(FILE *out, const char *name, const struct conf_cores *cores)
{
	for (size_t i = 0; i < cores->n; i++)
		fprintf(out, "%s%u%s", i == 0 ? name : ",", cores->core[i],
			i + 1 == cores->n ? "\n" : "");
}

static void show_peer(FILE *out, const struct conf_peer *peer)
{
	static const uint8_t zero[CONF_KEY_LEN];

	show_key(out, "peer", peer->public_key);
	if (peer->name)
		fprintf(out, "name <%s>\n", peer->name);
	if (memcmp(peer->preshared_key, zero, CONF_KEY_LEN) != 0)
		show_key(out, "psk", peer->preshared_key);
	if (peer->endpoint.host)
		fprintf(out, "endpoint <%s> %u\n", peer->endpoint.host, peer->endpoint.port);
	if (peer->persistent_keepalive)
		fprintf(out, "keepalive %u\n", peer->persistent_keepalive);
	show_prefixes(out, "allowed", peer->allowed_ips, peer->n_allowed_ips);
}

/* Everything but the path; what has its default is left out. */
static char *conf_show(const struct conf *c)
{
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	show_key(out, "private", c->private_key);
	if (c->listen_port)
		fprintf(out, "port %u\n", c->listen_port);
	if (c->has_fwmark)
		fprintf(out, "fwmark %u\n", c->fwmark);
	show_prefixes(out, "address", c->addresses, c->n_addresses);
	if (c->mtu)
		fprintf(out, "mtu %u\n", c->mtu);
	if (c->table == CONF_TABLE_OFF)
		fprintf(out, "table off\n");
	if (c->table == CONF_TABLE_NUMBER || c->table_number != 0)
		fprintf(out, "table %u\n", c->table_number);
	show_strings(out, "preup", &c->pre_up);
	show_strings(out, "postup", &c->post_up);
	show_strings(out, "predown", &c->pre_down);
	show_strings(out, "postdown", &c->post_down);
	for (size_t i = 0; i < c->n_peers; i++)
		show_peer(out, &c->peers[i]);
	if (strcmp(c->outer, "kernel") != 0)
		fprintf(out, "outer %s%s%s\n", c->outer, *c->outer_mirror ? " as " : "", c->outer_mirror);
	if (c->lan || *c->lan_mirror)
		fprintf(out, "lan %s as %s\n", c->lan, c->lan_mirror);
	show_cores(out, "rx ", &c->rx_cores);
	show_cores(out, "worker ", &c->worker_cores);
	if (strcmp(c->aead, "auto") != 0)
		fprintf(out, "aead %s\n", c->aead);
	if (c->poll_always)
		fprintf(out, "poll always\n");
	if (c->metrics.host)
		fprintf(out, "metrics <%s> %u\n", c->metrics.host, c->metrics.port);
	if (!c->metrics_peers)
		fprintf(out, "metrics without peers\n");
	fclose(out);
	return text;
}

struct good {
	const char *text;
	const char *shown;
	const char *warnings;
};

#define GOOD(text, shown) { text, shown, "" }

static const struct good good[] = {
	/* the shape of a file */
	GOOD(I, SHOW_I),
	GOOD("\xef\xbb\xbf" I, SHOW_I),
	GOOD("[Interface]\r\nPrivateKey = " K1 "\r\nListenPort = 5\r\n", SHOW_I "port 5\n"),
	GOOD("[Interface]\nPrivateKey = " K1, SHOW_I),
	GOOD("\n\n# a comment\n  [interface] # x\n \t\n\tPRIVATEKEY\t=\t" K1
	     "# y = z [Peer]\n#ListenPort = 1",
	     SHOW_I),
	GOOD("[ InterFace ]\nPrivate Key = aGi8 VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124 =\n",
	     SHOW_I),
	GOOD(I "[Interface]\nListenPort=7\n[Peer]\nPublicKey=" K2 "\n[INTERFACE]\nFwMark=9\n",
	     SHOW_I "port 7\nfwmark 9\npeer " K2 "\n"),
	/* [Interface] as wg(8) reads it */
	GOOD("[Interface]\nPrivateKey=" K2 "\nPrivateKey=" K1 "\n", SHOW_I),
	GOOD(I "ListenPort=0\n", SHOW_I),
	GOOD(I "ListenPort=65535\n", SHOW_I "port 65535\n"),
	GOOD(I "ListenPort=1\nlistenport = 5 1\n", SHOW_I "port 51\n"),
	GOOD(I "ListenPort=007\n", SHOW_I "port 7\n"),
	GOOD(I "FwMark=off\n", SHOW_I "fwmark 0\n"),
	GOOD(I "FwMark=0\n", SHOW_I "fwmark 0\n"),
	GOOD(I "fwmark=0xFfffFFff\n", SHOW_I "fwmark 4294967295\n"),
	GOOD(I "FwMark=4294967295\n", SHOW_I "fwmark 4294967295\n"),
	GOOD(I "FwMark=1\nFwMark=OFF\n", SHOW_I "fwmark 0\n"),
	/* [Interface] as wg-quick(8) reads it */
	GOOD(I "Address = 10.0.0.1/24  ,fd00::1/64 10.0.0.2,,\nAddress =\naddress=::2\n", SHOW_I
	     "address 10.0.0.1/24\naddress fd00::1/64\naddress 10.0.0.2/32\naddress ::2/128\n"),
	GOOD(I "MTU = 68\n", SHOW_I "mtu 68\n"),
	GOOD(I "mtu = 1400\nMtu = 65535\n", SHOW_I "mtu 65535\n"),
	GOOD(I "MTU = 1400\nMTU =\n", SHOW_I),
	GOOD(I "Table = OFF\n", SHOW_I "table off\n"),
	GOOD(I "Table = off\nTable = auto\n", SHOW_I),
	GOOD(I "Table = 1234\n", SHOW_I "table 1234\n"),
	GOOD(I "Table = 0xCafe\n", SHOW_I "table 51966\n"),
	GOOD(I "Table = 4294967295\n", SHOW_I "table 4294967295\n"),
	GOOD(I "Table = 7\nTable =\n", SHOW_I),
	GOOD(I "Table = main\n", SHOW_I "table 254\n"),
	GOOD(I "Table = Local\n", SHOW_I "table 255\n"),
	GOOD(I "Table = default\n", SHOW_I "table 253\n"),
	GOOD(I "POSTUP = iptables -A \"x=y\" -o %i%i # comment ; %i\nPostUp=a=b == c  \nPostUp = "
	       "echo \\# hi\n",
	     SHOW_I
	     "postup <iptables -A \"x=y\" -o sitesite>\npostup <a=b == c>\npostup <echo \\>\n"),
	GOOD(I "PreUp=1\nPostDown=4\nPreDown=3  %\nPostUp=2 %%i%I\nPreUp=\nPreUp = %i\n",
	     SHOW_I "preup <1>\npreup <site>\npostup <2 %site%I>\npredown <3  %>\npostdown <4>\n"),
	{ I "DNS=1.1.1.1\nDNS = example.org\n", SHOW_I,
	  "etc/site.conf:3: warning: DNS: is not honoured; run resolvconf -a %i or resolvectl dns "
	  "%i in PostUp\n" },
	{ I "SaveConfig=FALSE\nSaveConfig=true\nSaveConfig=true\n", SHOW_I,
	  "etc/site.conf:4: warning: SaveConfig: is not honoured; wgdp never writes this file, "
	  "edit it by hand\n" },
	/* [Peer] */
	GOOD(P, SHOW_P),
	GOOD(P "PublicKey=" K3 "\n", SHOW_I "peer " K3 "\n"),
	GOOD(P "presharedkey=" K1 "\nPresharedKey = " K3 "\n", SHOW_P "psk " K3 "\n"),
	GOOD(P "PresharedKey=" K1 "\nPresharedKey = " ZERO "\n", SHOW_P),
	GOOD(P "AllowedIPs = 10.0.0.0/8 , ::/0,1.2.3.4\nallowedips=0.0.0.0/0\nAllowedIPs=\nAllowed "
	       "IPs=fd00::1\n",
	     SHOW_P "allowed 10.0.0.0/8\nallowed ::/0\nallowed 1.2.3.4/32\nallowed "
		    "0.0.0.0/0\nallowed fd00::1/128\n"),
	{ P "AllowedIPs = 10.1.2.3/ 0 8,2001:db8::ffff/121\n",
	  SHOW_P "allowed 10.0.0.0/8\nallowed 2001:db8::ff80/121\n",
	  "etc/site.conf:5: warning: AllowedIPs: '10.1.2.3/ 0 8' has host bits; taken as "
	  "10.0.0.0/8\n"
	  "etc/site.conf:5: warning: AllowedIPs: '2001:db8::ffff/121' has host bits; taken as "
	  "2001:db8::ff80/121\n" },
	GOOD(P "Endpoint = 192.0.2.1:51820\n", SHOW_P "endpoint <192.0.2.1> 51820\n"),
	GOOD(P "Endpoint = a:1\nEndPoint = [2001:DB8::1] : 65535\n",
	     SHOW_P "endpoint <2001:DB8::1> 65535\n"),
	GOOD(P "Endpoint = [fe80::1%eth0]:51820\n", SHOW_P "endpoint <fe80::1%eth0> 51820\n"),
	GOOD(P "Endpoint = fe80::1%eth0:51820\n", SHOW_P "endpoint <fe80::1%eth0> 51820\n"),
	GOOD(P "Endpoint = 2001:db8::1:55\n", SHOW_P "endpoint <2001:db8::1> 55\n"),
	GOOD(P "Endpoint = [10.0.0.1]:5\n", SHOW_P "endpoint <10.0.0.1> 5\n"),
	GOOD(P "Endpoint = 10.1:5\n", SHOW_P "endpoint <10.1> 5\n"),
	GOOD(P "Endpoint = vpn-1.Example_x.org.:5\n", SHOW_P "endpoint <vpn-1.Example_x.org.> 5\n"),
	GOOD(P "Endpoint = 3com.example:5\n", SHOW_P "endpoint <3com.example> 5\n"),
	GOOD(P "PersistentKeepalive = 25\n", SHOW_P "keepalive 25\n"),
	GOOD(P "PersistentKeepalive = 65535\nPersistentKeepalive = oFF\n", SHOW_P),
	GOOD(P "PersistentKeepalive = 0\n", SHOW_P),
	/* the same peer again: wg setconf replaces the allowed IPs and keeps what the second does
	   not write */
	{ P "AllowedIPs=1.0.0.0/8\nPresharedKey=" K3 "\nEndpoint=a:1\nPersistentKeepalive=5\n"
	    "[Peer]\nPublicKey=" K3 "\n[Peer]\nPublicKey=" K2 "\nAllowedIPs=2.0.0.0/8\n",
	  SHOW_I "peer " K3 "\npeer " K2 "\npsk " K3
		 "\nendpoint <a> 1\nkeepalive 5\nallowed 2.0.0.0/8\n",
	  "etc/site.conf:11: warning: [Peer]: the same peer as at line 3; its AllowedIPs there are "
	  "replaced by those here\n" },
	{ P "PresharedKey=" K3 "\nEndpoint=a:1\nPersistentKeepalive=5\n"
	    "[Peer]\nPersistentKeepalive=off\nEndpoint=b:2\nPresharedKey=" ZERO "\nPublicKey=" K2
	    "\n",
	  SHOW_I "peer " K2 "\nendpoint <b> 2\n",
	  "etc/site.conf:8: warning: [Peer]: the same peer as at line 3; its AllowedIPs there are "
	  "replaced by those here\n" },
	/* [Dataplane] */
	GOOD(D "Outer=kernel\nAead=auto\n", SHOW_I),
	GOOD(D "Outer=Kernel,iface=vrf1\n", SHOW_I "outer kernel,iface=vrf1\n"),
	GOOD(D "Outer=kernel,iface=abcdefghijklmno\n",
	     SHOW_I "outer kernel,iface=abcdefghijklmno\n"),
	GOOD(D "Outer=x as y\nOUTER = 0000:03:00.0 as wan0\n", SHOW_I "outer 0000:03:00.0 as wan0\n"),
	GOOD(D "Outer=0000:03:00.0 as wan0\nOuter=net_af_packet0,iface=eth0\n", SHOW_I "outer net_af_packet0,iface=eth0\n"),
	GOOD(D "Outer=3:1F.7,a=b\tAS  wan0\n", SHOW_I "outer 0000:03:1f.7,a=b as wan0\n"),
	GOOD(D "Outer=Ab:00.0 as a.b-c_d+e=12345\n", SHOW_I "outer 0000:ab:00.0 as a.b-c_d+e=12345\n"),
	GOOD(D "Outer=DE10000:e1:0a.1 as wan0\n", SHOW_I "outer de10000:e1:0a.1 as wan0\n"),
	GOOD(D "Outer=net_memif0,socket=/run/a:b.sock,role=client as wan0\n",
	     SHOW_I "outer net_memif0,socket=/run/a:b.sock,role=client as wan0\n"),
	GOOD(D "Outer=net_af_packet0,iface=eth0 as wan0\nLan=0:0:0.0 as lan0\n",
	     SHOW_I "outer net_af_packet0,iface=eth0 as wan0\nlan 0000:00:00.0 as lan0\n"),
	GOOD(D "Lan=net_ring0 as lan0\nLan = net_ring1 as lan1\n", SHOW_I "lan net_ring1 as lan1\n"),
	/* only what counts in the end must go together */
	GOOD(D "Outer=net_a as a\nLan=net_a as a\nLan=net_b as b\n", SHOW_I "outer net_a as a\nlan net_b as b\n"),
	GOOD(D "Outer=net_a as a\nLan=net_aa as aa\n", SHOW_I "outer net_a as a\nlan net_aa as aa\n"),
	GOOD(D "Outer=net_af_xdp0,iface=eth0,queue_count=2\n",
	     SHOW_I "outer net_af_xdp0,iface=eth0,queue_count=2\n"),
	GOOD(D "RxCores = 0\nWorkerCores=0-3,5, 7 - 8,1023\n",
	     SHOW_I "rx 0\nworker 0,1,2,3,5,7,8,1023\n"),
	GOOD(D "rxcores = 5,1-2\nRxCores=9,0\n", SHOW_I "rx 9,0\n"),
	GOOD(D "Aead=openssl\n", SHOW_I "aead openssl\n"),
	GOOD(D "Aead=openssl\nAead= IPsec-MB\n", SHOW_I "aead ipsec-mb\n"),
	GOOD(D "Poll=auto\n", SHOW_I),
	GOOD(D "poll = Always\n", SHOW_I "poll always\n"),
	GOOD(D "Poll=always\nPoll=auto\n", SHOW_I),
	GOOD(D "Metrics=127.0.0.1:9586\n", SHOW_I "metrics <127.0.0.1> 9586\n"),
	GOOD(D "metrics = [::1]:9586\nMetricsPeers = Off\n", SHOW_I "metrics <::1> 9586\nmetrics without peers\n"),
	GOOD(D "Metrics=0.0.0.0:1\nMetrics=[fe80::1%eth0]:65535\n", SHOW_I "metrics <fe80::1%eth0> 65535\n"),
	GOOD(D "Metrics=[::]:1\nMetrics=OFF\nMetricsPeers=off\nMetricsPeers=on\n", SHOW_I),
	/* names of peers */
	GOOD(I "[Peer] # alice\nPublicKey=" K2 "\n", SHOW_P "name <alice>\n"),
	GOOD(I "[Peer]#\t alice's phone, blue \r\n# bob\nPublicKey=" K2 "\n", SHOW_P "name <alice's phone, blue>\n"),
	GOOD(I "[Peer]\n\n  # alice\n# bob\nPublicKey=" K2 "\n", SHOW_P "name <alice>\n"),
	GOOD(I "[Peer]\nPublicKey=" K2 "\n### alice ###\nAllowedIPs=\n", SHOW_P "name <alice ###>\n"),
	GOOD(I "[Peer]\nPublicKey=" K2 " # not I\nAllowedIPs= # nor I\n# nor I\n[Peer]\nPublicKey=" K3 "\n# nor I",
	     SHOW_P "peer " K3 "\n"),
	GOOD(I "# no\n[Peer]\nPublicKey=" K2 "\n# no\n[Interface] # no\n# no\nListenPort=5\n",
	     SHOW_I "port 5\npeer " K2 "\n"),
	GOOD(I "[Peer]\n# Name = alice\nPublicKey=" K2 "\n", SHOW_P "name <alice>\n"),
	GOOD(I "[Peer]\n# FRIENDLY_NAME=a=b\nPublicKey=" K2 "\n", SHOW_P "name <a=b>\n"),
	GOOD(I "[Peer] # Endpoint = a:1\n# Name =\n# x=y\n#\n# ---- +\n# \nPublicKey=" K2 "\n# 7\nAllowedIPs=\n",
	     SHOW_P "name <7>\n"),
	GOOD(I "[Peer]\n# a\tb\n# a\x01\n# \x7f" "a\n# \xc2\x85z\n# \xe2\x80\xaez\n# \xef\xbb\xbfz\n# ok\nPublicKey=" K2 "\n",
	     SHOW_P "name <ok>\n"),
	GOOD(I "[Peer]\n# \xff\n# a\xc3\n# a\xc3z\n# \xc0\xafz\n# \xe0\x80\xafz\n# \xed\xa0\x80z\n"
	       "# \xf4\x90\x80\x80z\n# \xf8\x88\x80\x80\x80z\n# \x80z\n# ok\nPublicKey=" K2 "\n",
	     SHOW_P "name <ok>\n"),
	GOOD(I "[Peer] # J\xc3\xbcrgen \xe4\xb8\xad \xf0\x9f\x98\x80\nPublicKey=" K2 "\n",
	     SHOW_P "name <J\xc3\xbcrgen \xe4\xb8\xad \xf0\x9f\x98\x80>\n"),
	GOOD(I "[Peer] # " K1 "\n# it was " K3 "\n# Name = " K1 "\n# Name = aGi8 VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124 =\n"
	       "# \"aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1124\"\n# aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS112\nPublicKey=" K2 "\n",
	     SHOW_P "name <aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS112>\n"),
	GOOD(I "[Peer]\n# Name = aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4B S1124=                      of old\nPublicKey=" K2 "\n", SHOW_P),
	GOOD(I "[Peer]\n# 3456789 123456789 123456789 123456789 123456789 123456789 1234567\nPublicKey=" K2 "\n",
	     SHOW_P "name <3456789 123456789 123456789 123456789 123456789 123456789 123456>\n"),
	GOOD(I "[Peer]\n# 3456789 123456789 123456789 123456789 123456789 123456789 1234\xe4\xb8\xad\nPublicKey=" K2 "\n",
	     SHOW_P "name <3456789 123456789 123456789 123456789 123456789 123456789 1234>\n"),
	GOOD(I "[Peer]\n# 3456789 123456789 123456789 123456789 123456789 123456789 1234\xc3\xbc\nPublicKey=" K2 "\n",
	     SHOW_P "name <3456789 123456789 123456789 123456789 123456789 123456789 1234\xc3\xbc>\n"),
	{ I "[Peer] # a\nPublicKey=" K2 "\n[Peer] # b\nPublicKey=" K2 "\n", SHOW_P "name <b>\n",
	  "etc/site.conf:5: warning: [Peer]: the same peer as at line 3; its AllowedIPs there are "
	  "replaced by those here\n" },
	{ I "[Peer] # a\nPublicKey=" K2 "\n[Peer]\nPublicKey=" K2 "\n", SHOW_P "name <a>\n",
	  "etc/site.conf:5: warning: [Peer]: the same peer as at line 3; its AllowedIPs there are "
	  "replaced by those here\n" },
};

Test(conf, good)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct conf *c = parse(good[i].text);
		char *shown;

		cr_assert_not_null(c, "good file %zu: %s", i, diagnosis);
		shown = conf_show(c);
		cr_assert_str_eq(shown, good[i].shown, "good file %zu:\n%s", i, shown);
		cr_assert_str_eq(diagnosis, good[i].warnings, "good file %zu: %s", i, diagnosis);
		cr_assert_str_eq(c->path, "etc/site.conf");
		cr_assert_str_eq(c->ifname, "site");
		cr_assert(c->has_private_key);
		free(shown);
		conf_free(c);
	}
	conf_free(NULL);
}

struct bad {
	const char *text;
	const char *diagnosis;	/* with the path left out of each line */
};

#define NOT_METRICS " is neither off nor a numeric address and port such as 127.0.0.1:9586 or [::1]:9586\n"
#define NO_KEY ": no PrivateKey in [Interface]; make one with: wgdp genkey\n"

static const struct bad bad[] = {
	/* the shape of a file */
	{ "", NO_KEY },
	{ "[Interface]\n[Dataplane]\n", NO_KEY },
	{ "PrivateKey=" K1 "\nJunk=1\n[Interface]\n",
	  ":1: 'PrivateKey' is outside of any section; begin with [Interface]\n"
	  ":2: 'Junk' is outside of any section; begin with [Interface]\n" NO_KEY },
	{ I "Hello\n[Peer\nPublicKey=x\n[Peer] x\n",
	  ":3: 'Hello' is neither [Section] nor Key = value\n"
	  ":4: '[Peer' is neither [Section] nor Key = value\n"
	  ":6: '[Peer] x' is neither [Section] nor Key = value\n" },
	{ I "PublicKey=" K2 "\n[Peer]\nPublicKey=" K2
	    "\nAddress=1.2.3.4\nOuter=kernel\n[Dataplane]\nAllowedIPs=::/0\n",
	  ":3: PublicKey: belongs in [Peer], not in [Interface]\n"
	  ":6: Address: belongs in [Interface], not in [Peer]\n"
	  ":7: Outer: belongs in [Dataplane], not in [Peer]\n"
	  ":9: AllowedIPs: belongs in [Peer], not in [Dataplane]\n" },
	{ I "[Pear]\nPublicKey=" K2 "\nEndpoint=x\n[]\nwhat=ever\n[Nonsense]\nPublicKey=x\nhm\n",
	  ":3: unknown section [Pear]; did you mean [Peer]?\n"
	  ":5: Endpoint: 'x' has no port\n"
	  ":6: unknown section []\n"
	  ":8: unknown section [Nonsense]\n"
	  ":10: 'hm' is neither [Section] nor Key = value\n" },
	{ I "MUT=1\nListnPort=5\nAllowedIP=::/0\nFoo=1\n=5\nPost UpDown=5\nPublicKye=5\n",
	  ":3: unknown key 'MUT' in [Interface]; did you mean MTU?\n"
	  ":4: unknown key 'ListnPort' in [Interface]; did you mean ListenPort?\n"
	  ":5: unknown key 'AllowedIP' in [Interface]; did you mean AllowedIPs, of [Peer]?\n"
	  ":6: unknown key 'Foo' in [Interface]\n"
	  ":7: unknown key '' in [Interface]\n"
	  ":8: unknown key 'Post UpDown' in [Interface]; did you mean PostDown?\n"
	  ":9: unknown key 'PublicKye' in [Interface]; did you mean PublicKey, of [Peer]?\n" },
	/* keys: never shown, wherever they are */
	{ "[Interface]\nPrivateKey=aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS1125=\n",
	  ":2: PrivateKey: " NOT_A_KEY "\n" },
	{ "[Interface]\nPrivateKey=\n", ":2: PrivateKey: has no value\n" NO_KEY },
	{ "[Interface]\nPrivateKey=" ZERO "\n",
	  ":2: PrivateKey: all zeros, which is no key; make one with: wgdp genkey\n" },
	{ "[Interface]\nPrivateKey\n",
	  ":2: 'PrivateKey' is neither [Section] nor Key = value\n" NO_KEY },
	{ "[Interface]\nPrivateKey: " K1 "\nPrivateKey " K1 "\n" K1 "\n" K2 "x\nPrivateKey=" K1
	  "a\n",
	  ":2: unknown key '(not shown: it may hold a key)' in [Interface]\n"
	  ":3: unknown key '(not shown: it may hold a key)' in [Interface]\n"
	  ":4: unknown key '(not shown: it may hold a key)' in [Interface]\n"
	  ":5: unknown key '(not shown: it may hold a key)' in [Interface]\n"
	  ":6: PrivateKey: " NOT_A_KEY "\n" },
	{ P "PresharedKey=abc\nPublicKey=" K2 "=\nEndpoint=" K1
	    "\nAllowedIPs=aGi8VucdQG9h9sWHV2jZT5JmAXZpyadTPJlV4BS\n",
	  ":5: PresharedKey: " NOT_A_KEY "\n"
	  ":6: PublicKey: " NOT_A_KEY "\n"
	  ":7: Endpoint: '(not shown: it may hold a key)' has no port\n"
	  ":8: AllowedIPs: '(not shown: it may hold a key)' is not a prefix\n" },
	/* [Interface] */
	{ I "ListenPort=65536\nListenPort=-1\nListenPort=http\nListenPort=0x10\nListenPort=+"
	    "5\nListenPort=\n",
	  ":3: ListenPort: '65536' is not a port from 0 to 65535\n"
	  ":4: ListenPort: '-1' is not a port from 0 to 65535\n"
	  ":5: ListenPort: 'http' is not a port from 0 to 65535\n"
	  ":6: ListenPort: '0x10' is not a port from 0 to 65535\n"
	  ":7: ListenPort: '+5' is not a port from 0 to 65535\n"
	  ":8: ListenPort: has no value\n" },
	{ I "FwMark=0x\nFwMark=-1\nFwMark=4294967296\nFwMark=0x100000000\nFwMark=ff\nFwMark=\n",
	  ":3: FwMark: '0x' is neither off nor a number from 0 to 0xffffffff\n"
	  ":4: FwMark: '-1' is neither off nor a number from 0 to 0xffffffff\n"
	  ":5: FwMark: '4294967296' is neither off nor a number from 0 to 0xffffffff\n"
	  ":6: FwMark: '0x100000000' is neither off nor a number from 0 to 0xffffffff\n"
	  ":7: FwMark: 'ff' is neither off nor a number from 0 to 0xffffffff\n"
	  ":8: FwMark: has no value\n" },
	{ I "Address=10.0.0.1/33, 10.0.0.1/24/1 ,x ::1/129\n",
	  ":3: Address: '10.0.0.1/33' is not a prefix\n"
	  ":3: Address: '10.0.0.1/24/1' is not a prefix\n"
	  ":3: Address: 'x' is not a prefix\n"
	  ":3: Address: '::1/129' is not a prefix\n" },
	{ I "MTU=67\nMTU=65536\nMTU=auto\n",
	  ":3: MTU: '67' is not an MTU; a tun interface takes 68 to 65535\n"
	  ":4: MTU: '65536' is not an MTU; a tun interface takes 68 to 65535\n"
	  ":5: MTU: 'auto' is not an MTU; a tun interface takes 68 to 65535\n" },
	{ I "Table=0\nTable=vpn\nTable=4294967296\n",
	  ":3: Table: '0' is neither off, auto, nor the number of a routing table\n"
	  ":4: Table: 'vpn' is neither off, auto, nor the number of a routing table\n"
	  ":5: Table: '4294967296' is neither off, auto, nor the number of a routing table\n" },
	{ I "SaveConfig=yes\nSaveConfig=\n",
	  ":3: SaveConfig: 'yes' is neither true nor false\n:4: SaveConfig: has no value\n" },
	/* [Peer] */
	{ I "[Peer]\nAllowedIPs=10.0.0.0/33\n[Peer]\n#PublicKey=" K2 "\n[Interface]\nPublicKey=" K2
	    "\n",
	  ":3: [Peer]: has no PublicKey\n"
	  ":4: AllowedIPs: '10.0.0.0/33' is not a prefix\n"
	  ":5: [Peer]: has no PublicKey\n"
	  ":8: PublicKey: belongs in [Peer], not in [Interface]\n" },
	{ P "AllowedIPs=10.0.0.0/8,\nAllowedIPs=,\nAllowedIPs=10.0.0.0/8 "
	    "::/0\nAllowedIPs=10.0.0.0/+8,::/-1,1.2.3/8,10.0.0.1/\n",
	  ":5: AllowedIPs: '' is not a prefix\n"
	  ":6: AllowedIPs: '' is not a prefix\n"
	  ":6: AllowedIPs: '' is not a prefix\n"
	  ":7: AllowedIPs: '10.0.0.0/8 ::/0' is not a prefix\n"
	  ":8: AllowedIPs: '10.0.0.0/+8' is not a prefix\n"
	  ":8: AllowedIPs: '::/-1' is not a prefix\n"
	  ":8: AllowedIPs: '1.2.3/8' is not a prefix\n"
	  ":8: AllowedIPs: '10.0.0.1/' is not a prefix\n" },
	{ P "Endpoint=10.0.0.1\nEndpoint=10.0.0.1:\nEndpoint=10.0.0.1:0\nEndpoint=10.0.0.1:"
	    "65536\nEndpoint=a:domain\n",
	  ":5: Endpoint: '10.0.0.1' has no port\n"
	  ":6: Endpoint: '10.0.0.1:' has no port\n"
	  ":7: Endpoint: '10.0.0.1:0' has no port from 1 to 65535\n"
	  ":8: Endpoint: '10.0.0.1:65536' has no port from 1 to 65535\n"
	  ":9: Endpoint: 'a:domain' has no port from 1 to 65535\n" },
	{ P "Endpoint=[::1]\nEndpoint=[::1]5\nEndpoint=[::1:5\nEndpoint=[::1]x:5\nEndpoint=[]:"
	    "5\nEndpoint=:5\n",
	  ":5: Endpoint: '[::1]' has no port\n"
	  ":6: Endpoint: '[::1]5' has no port\n"
	  ":7: Endpoint: '[::1:5' has no port\n"
	  ":8: Endpoint: '[::1]x:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":9: Endpoint: '[]:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":10: Endpoint: ':5' is not an endpoint HOST:PORT or [IPV6]:PORT\n" },
	{ P "Endpoint=10.0.0.256:5\nEndpoint=1.2.3.4.5:5\nEndpoint=a..b:5\nEndpoint=a/"
	    "b:5\nEndpoint=[::g]:5\n"
	    "Endpoint=[fe80::1%]:5\nEndpoint=[fe80::1%abcdefghijklmnop]:5\nEndpoint=b\xc3\xa9.org:"
	    "5\nEndpoint=.:5\n",
	  ":5: Endpoint: '10.0.0.256:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":6: Endpoint: '1.2.3.4.5:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":7: Endpoint: 'a..b:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":8: Endpoint: 'a/b:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":9: Endpoint: '[::g]:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":10: Endpoint: '[fe80::1%]:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":11: Endpoint: '[fe80::1%abcdefghijklmnop]:5' is not an endpoint HOST:PORT or "
	  "[IPV6]:PORT\n"
	  ":12: Endpoint: 'b\\xc3\\xa9.org:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n"
	  ":13: Endpoint: '.:5' is not an endpoint HOST:PORT or [IPV6]:PORT\n" },
	{ P "PersistentKeepalive=65536\nPersistentKeepalive=0x5\nPersistentKeepalive="
	    "on\nPersistentKeepalive=-1\n",
	  ":5: PersistentKeepalive: '65536' is neither off nor a number of seconds from 0 to "
	  "65535\n"
	  ":6: PersistentKeepalive: '0x5' is neither off nor a number of seconds from 0 to 65535\n"
	  ":7: PersistentKeepalive: 'on' is neither off nor a number of seconds from 0 to 65535\n"
	  ":8: PersistentKeepalive: '-1' is neither off nor a number of seconds from 0 to "
	  "65535\n" },
	/* [Dataplane] */
	{ D "Outer=\nOuter=kernel,\nOuter=kernel0\nOuter=kernel,iface=\nOuter=kernel,iface="
	    "abcdefghijklmnop\nOuter=kernel,iface=a/b\n"
	    "Outer=kernel,iface=a,b=c\n",
	  ":4: Outer: has no value\n"
	  ":5: Outer: 'kernel,' is neither kernel nor kernel,iface=NAME\n"
	  ":6: Outer: 'kernel0' is neither kernel nor kernel,iface=NAME\n"
	  ":7: Outer: 'kernel,iface=' is neither kernel nor kernel,iface=NAME\n"
	  ":8: Outer: 'kernel,iface=abcdefghijklmnop' is neither kernel nor kernel,iface=NAME\n"
	  ":9: Outer: 'kernel,iface=a/b' is neither kernel nor kernel,iface=NAME\n"
	  ":10: Outer: 'kernel,iface=a,b=c' is neither kernel nor kernel,iface=NAME\n" },
	{ D "Outer=net af\nOuter=net\x7f\nOuter=,iface=eth0\nOuter=kernel ,iface=x\n"
	    "Outer=net_0123456789_0123456789_0123456789_0123456789_0123456789_01234\n",
	  ":4: Outer: 'net af' is neither DEVICE nor DEVICE as NAME; a device has no white space in it\n"
	  ":5: Outer: 'net\\x7f' has a character that no device name has\n"
	  ":6: Outer: ',iface=eth0' does not begin with the name of a device, of 1 to 63 "
	  "characters\n"
	  ":7: Outer: 'kernel ,iface=x' is neither DEVICE nor DEVICE as NAME; a device has no white space in it\n"
	  ":8: Outer: 'net_0123456789_0123456789_0123456789_0123456789_0123456789_01234'"
	  " does not begin with the name of a device, of 1 to 63 characters\n" },
	{ D "Outer=0000:03:00.0\nOuter=3:0.0,a=b\nOuter=net_null0\nOuter=virtio_user0\nLan=net_af_packet0,iface=eth0\n"
	    "Lan=4:0.0\nLan=kernel\nLan=kernel as lan0\nOuter=kernel as wan0\nOuter=kernel,iface=a as wan0\n",
	  ":4: Outer: a NIC that DPDK owns needs a name for the host's interface: Outer = 0000:03:00.0 as wan0\n"
	  ":5: Outer: a NIC that DPDK owns needs a name for the host's interface: Outer = 0000:03:00.0 as wan0\n"
	  ":6: Outer: a device that DPDK owns needs a name for the host's interface: Outer = net_null0 as wan0\n"
	  ":7: Outer: a device that DPDK owns needs a name for the host's interface: Outer = virtio_user0 as wan0\n"
	  ":8: Lan: a device that DPDK owns needs a name for the host's interface: Lan = net_af_packet0,iface=eth0 as lan0\n"
	  ":9: Lan: a NIC that DPDK owns needs a name for the host's interface: Lan = 0000:04:00.0 as lan0\n"
	  ":10: Lan: 'kernel' is no device of DPDK's; without Lan the host forwards between the tunnel and its networks\n"
	  ":11: Lan: 'kernel' is no device of DPDK's; without Lan the host forwards between the tunnel and its networks\n"
	  ":12: Outer: 'kernel' is the host already and has no interface to name: leave out as wan0\n"
	  ":13: Outer: 'kernel,iface=a' is the host already and has no interface to name: leave out as wan0\n" },
	{ D "Outer=03:00 as a\nOuter=03:20.0 as a\nOuter=03:00.8 as a\nOuter=100:00.0 as a\nOuter=123456789:03:00.0 as a\n"
	    "Outer=0:0:0:0.0 as a\nOuter=03:00.0.0 as a\nOuter=: as a\n",
	  ":4: Outer: '03:00 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":5: Outer: '03:20.0 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":6: Outer: '03:00.8 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":7: Outer: '100:00.0 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":8: Outer: '123456789:03:00.0 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":9: Outer: '0:0:0:0.0 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":10: Outer: '03:00.0.0 as a' does not begin with a PCI address such as 0000:03:00.0\n"
	  ":11: Outer: ': as a' does not begin with a PCI address such as 0000:03:00.0\n" },
	{ D "Lan=net_a as\nLan=net_a as a b\nLan=net_a as a/b\nLan=net_a as 0123456789abcdef\nLan=net_a as ..\nLan=net_a as site\n"
	    "Lan=net_a is a\n",
	  ":4: Lan: 'net_a as' has no name behind as\n"
	  ":5: Lan: 'net_a as a b' has something behind the name of the host's interface\n"
	  ":6: Lan: 'net_a as a/b' has no name behind as that an interface can have: 1 to 15 of a-z A-Z 0-9 _ = + . -\n"
	  ":7: Lan: 'net_a as 0123456789abcdef' has no name behind as that an interface can have: 1 to 15 of a-z A-Z 0-9 _ = + . -\n"
	  ":8: Lan: 'net_a as ..' has no name behind as that an interface can have: 1 to 15 of a-z A-Z 0-9 _ = + . -\n"
	  ":9: Lan: site is the name of the tunnel's interface; the host's interface on net_a needs another\n"
	  ":10: Lan: 'net_a is a' is neither DEVICE nor DEVICE as NAME; a device has no white space in it\n" },
	{ D "Outer=3:0.0,x=1 as a\nLan=0000:03:00.0 as b\nPoll=never\n",
	  ":6: Poll: 'never' is neither auto nor always\n"
	  ":5: Lan: '0000:03:00.0' is the device of Outer already (line 4)\n" },
	{ D "Lan=net_a as b\nOuter=net_a,x=y as c\n",
	  ":5: Outer: 'net_a' is the device of Lan already (line 4)\n" },
	{ D "Outer=net_a as a\nLan=net_b as a\n",
	  ":5: Lan: a is the name of the host's interface for Outer already (line 4)\n" },
	{ D "RxCores=\nRxCores=a\nRxCores=3-1\nRxCores=1,\nRxCores=1-\nRxCores=-1\nRxCores=1-2-"
	    "3\nRxCores=(0-1)\n",
	  ":4: RxCores: has no value\n"
	  ":5: RxCores: 'a' is not a list of cores such as 0-3,5\n"
	  ":6: RxCores: '3-1' is not a list of cores such as 0-3,5\n"
	  ":7: RxCores: '1,' is not a list of cores such as 0-3,5\n"
	  ":8: RxCores: '1-' is not a list of cores such as 0-3,5\n"
	  ":9: RxCores: '-1' is not a list of cores such as 0-3,5\n"
	  ":10: RxCores: '1-2-3' is not a list of cores such as 0-3,5\n"
	  ":11: RxCores: '(0-1)' is not a list of cores such as 0-3,5\n" },
	{ D
	  "WorkerCores=0-3,2\nWorkerCores=1024\nWorkerCores=0-4294967295\nWorkerCores=4294967296\n",
	  ":4: WorkerCores: '0-3,2' names a core twice\n"
	  ":5: WorkerCores: '1024' names a core above 1023\n"
	  ":6: WorkerCores: '0-4294967295' names a core above 1023\n"
	  ":7: WorkerCores: '4294967296' is not a list of cores such as 0-3,5\n" },
	{ D "Aead=aes\nAead=ipsec\n", ":4: Aead: 'aes' is neither auto, openssl nor ipsec-mb\n"
				      ":5: Aead: 'ipsec' is neither auto, openssl nor ipsec-mb\n" },
	{ D "Poll=yes\nPoll=\nPoll=always on\nPol=auto\n", ":4: Poll: 'yes' is neither auto nor always\n"
		":5: Poll: has no value\n"
		":6: Poll: 'always on' is neither auto nor always\n"
		":7: unknown key 'Pol' in [Dataplane]; did you mean Poll?\n" },
	{ D "Metrics=\nMetrics=localhost:9586\nMetrics=127.0.0.1\nMetrics=127.1:5\nMetrics=::1:5\nMetrics=1.2.3.4:0\nMetrics=on\n",
	  ":4: Metrics: has no value\n"
	  ":5: Metrics: 'localhost:9586'" NOT_METRICS ":6: Metrics: '127.0.0.1'" NOT_METRICS
	  ":7: Metrics: '127.1:5'" NOT_METRICS ":8: Metrics: '::1:5'" NOT_METRICS
	  ":9: Metrics: '1.2.3.4:0'" NOT_METRICS ":10: Metrics: 'on'" NOT_METRICS },
	{ D "MetricsPeers=true\nMetric=off\n", ":4: MetricsPeers: 'true' is neither on nor off\n"
		":5: unknown key 'Metric' in [Dataplane]; did you mean Metrics?\n" },
	{ "[Interface]\nPrivateKey=" K1 "\nPoll=auto\n", ":3: Poll: belongs in [Dataplane], not in [Interface]\n" },
};

/* `lines`, each behind the path. */
static char *with_path(const char *name, const char *lines)
{
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	while (*lines) {
		size_t n = strcspn(lines, "\n") + 1;

		fputs(name, out);
		fwrite(lines, 1, n, out);
		lines += n;
	}
	fclose(out);
	return text;
}

Test(conf, bad)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *expected = with_path("etc/site.conf", bad[i].diagnosis);
		struct conf *c = parse(bad[i].text);

		cr_assert_null(c, "bad file %zu", i);
		cr_assert_str_eq(diagnosis, expected, "bad file %zu said:\n%s", i, diagnosis);
		free(expected);
	}
}

Test(conf, nul)
{
	static const char text[] = I "\0\nListenPort = 5\0 6\n# \0\n";

	cr_assert_null(parse_len("a.conf", text, sizeof(text) - 1));
	cr_assert_str_eq(diagnosis,
			 "a.conf:3: the line has a NUL byte; is this a text file in UTF-8?\n"
			 "a.conf:4: the line has a NUL byte; is this a text file in UTF-8?\n"
			 "a.conf:5: the line has a NUL byte; is this a text file in UTF-8?\n");
}

Test(conf, names)
{
	static const char *const wrong[] = { "wg0",           "wg0.cfg",  ".conf",
					     "/etc/.conf",    "a b.conf", "wg0.conf/",
					     "..conf",        "...conf",  "0123456789abcdef.conf",
					     "w%g.conf",      "w:g.conf", "",
					     "w\xc3\xa9.conf" };
	static const char *const right[] = { "wg0.conf", "/etc/wgdp/wg0.conf",
					     "0123456789abcde.conf", "A_=+.-.conf", "a.conf.conf" };
	char expected[200];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_assert_null(parse_len(wrong[i], I, strlen(I)), "%s", wrong[i]);
		snprintf(expected, sizeof(expected),
			 "%s: the file must be named as its interface and .conf, the former of "
			 "1 to 15 of a-z A-Z 0-9 _ = + . -\n",
			 wrong[i]);
		cr_assert_str_eq(diagnosis, expected);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		const char *base = strrchr(right[i], '/');
		struct conf *c = parse_len(right[i], I, strlen(I));

		cr_assert_not_null(c, "%s", right[i]);
		base = base ? base + 1 : right[i];
		cr_assert_eq(strlen(c->ifname), strlen(base) - 5);
		cr_assert_eq(strncmp(c->ifname, base, strlen(c->ifname)), 0);
		conf_free(c);
	}
}

#define NO_NAME " cannot be the name of an interface, which has 1 to 15 of a-z A-Z 0-9 _ = + . -\n"

static struct conf *parse_dataplane(const char *ifname, const char *text)
{
	FILE *diag = diag_open();
	struct conf *c = conf_parse_dataplane("/etc/wgdp/default.conf", ifname, text, strlen(text), diag);

	fclose(diag);
	return c;
}

Test(conf, dataplane_alone)
{
	static const char rest[] = "Lan=net_null1 as lan0\nRxCores=3\nWorkerCores=1,2\nAead=openssl\nPoll=always\nMetrics=[::1]:1\nMetricsPeers=off\n";
	static const char shown[] = "outer net_null0 as wan0\nlan net_null1 as lan0\nrx 3\nworker 1,2\naead openssl\npoll always\nmetrics <::1> 1\n"
				    "metrics without peers\n";
	char text[2000], expected[2000], *is;
	struct conf *c;

	snprintf(text, sizeof(text), "%s%s", "[Interface]\nPrivateKey=" K1 "\nListenPort=5\nFwMark=6\nAddress=::1\nMTU=1400\nTable=9\n"
		 "PreUp=a\nPostUp=b\nPreDown=c\nPostDown=d\n[Peer] # alice\nPublicKey=" K2 "\nEndpoint=a:1\nAllowedIPs=::/0\n"
		 "[Dataplane]\nOuter=net_null0 as wan0\n", rest);
	c = parse_dataplane("vpn7", text);
	cr_assert_not_null(c, "%s", diagnosis);
	snprintf(expected, sizeof(expected), "private " ZERO "\n%s", shown);
	is = conf_show(c);
	cr_assert_str_eq(is, expected);
	cr_assert_str_eq(diagnosis, "");
	cr_assert_str_eq(c->ifname, "vpn7");
	cr_assert_str_eq(c->path, "/etc/wgdp/default.conf");
	cr_assert(!c->has_private_key && !c->has_fwmark && c->table == CONF_TABLE_AUTO && c->n_peers == 0);
	free(is);
	conf_free(c);

	c = parse_dataplane("vpn7", "");
	cr_assert_not_null(c);
	conf_free(c);
	cr_assert_null(parse_dataplane("vpn7", "[Interface]\nMTU=1\n[Peer]\n[Dataplane]\nPoll=x\n"));
	cr_assert_str_eq(diagnosis, "/etc/wgdp/default.conf:2: MTU: '1' is not an MTU; a tun interface takes 68 to 65535\n"
				    "/etc/wgdp/default.conf:3: [Peer]: has no PublicKey\n"
				    "/etc/wgdp/default.conf:5: Poll: 'x' is neither auto nor always\n");
	cr_assert_null(parse_dataplane("a/b", ""));
	cr_assert_str_eq(diagnosis, "'a/b'" NO_NAME);
}

Test(conf, no_file)
{
	static const char *const wrong[] = { "", ".", "..", "a b", "a:b", "a%b", "0123456789abcdef", "a\nb" };
	FILE *diag = diag_open();
	struct conf *c = conf_default("A_=+.-", diag);
	char *shown;

	cr_assert_not_null(c);
	shown = conf_show(c);
	cr_assert_str_eq(shown, "private " ZERO "\n");
	cr_assert_str_eq(c->ifname, "A_=+.-");
	cr_assert_str_eq(c->path, "");
	cr_assert(c->metrics_peers && !c->has_private_key);
	free(shown);
	conf_free(c);
	fclose(diag);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		diag = diag_open();
		cr_assert_null(conf_default(wrong[i], diag), "%s", wrong[i]);
		fclose(diag);
		cr_assert_not_null(strstr(diagnosis, NO_NAME), "%s: %s", wrong[i], diagnosis);
		cr_assert_eq(strchr(diagnosis, '\n'), diagnosis + diagnosis_len - 1);
	}
	diag = diag_open();
	allocations_left = 2;
	c = conf_default("wg0", diag);
	allocations_left = SIZE_MAX;
	fclose(diag);
	cr_assert_null(c);
	cr_assert_str_eq(diagnosis, "out of memory\n");
}

/* A long value is shown shortened, and the message stays one line. */
Test(conf, long_values)
{
	enum { LONG = 1 << 20 };
	char *text = malloc(LONG + 1000);
	size_t n = (size_t)sprintf(text, P "Endpoint=");
	struct conf *c;

	for (size_t i = 0; i < LONG; i++)
		text[n + i] = "ab\x01."[i % 4];
	strcpy(text + n + LONG, ":5\n");
	cr_assert_null(parse_len("a.conf", text, n + LONG + 3));
	cr_assert_lt(diagnosis_len, 200);
	cr_assert_eq(strchr(diagnosis, '\n'), diagnosis + diagnosis_len - 1);
	cr_assert_not_null(strstr(diagnosis, "ab\\x01.ab\\x01."));
	cr_assert_not_null(strstr(diagnosis, "...' is not an endpoint"));

	n = (size_t)sprintf(text, I "PostUp = ");
	memset(text + n, 'x', LONG);
	c = parse_len("a.conf", text, n + LONG);
	cr_assert_not_null(c);
	cr_assert_eq(strlen(c->post_up.s[0]), LONG);
	conf_free(c);
	free(text);
}

/* 100,000 peers of ten prefixes, and the first of them again at the end; by counting, not by the
 * clock. */
Test(conf, large)
{
	enum { PEERS = 100000, PREFIXES = 10 };
	char key_text[CONF_KEY_B64_LEN + 1];
	uint8_t key[CONF_KEY_LEN] = { 0 };
	struct conf *c;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs(I, f);
	for (uint32_t i = 0; i <= PEERS; i++) {
		uint32_t number = i % PEERS;

		memcpy(key, &number, sizeof(number));
		conf_key_encode(key_text, key);
		fprintf(f, "[Peer] # peer %u\nPublicKey = %s\nAllowedIPs = ", i, key_text);
		for (uint32_t j = 0; j < PREFIXES; j++) {
			uint32_t ip = i * PREFIXES + j;

			fprintf(f, "%s10.%u.%u.%u/32", j ? ", " : "", ip >> 16 & 255, ip >> 8 & 255,
				ip & 255);
		}
		fputc('\n', f);
	}
	fclose(f);
	c = parse_len("wg0.conf", text, len);
	cr_assert_not_null(c);
	cr_assert_eq(c->n_peers, PEERS);
	for (size_t i = 0; i < PEERS; i++)
		cr_assert_eq(c->peers[i].n_allowed_ips, PREFIXES);
	cr_assert_eq(c->peers[0].public_key[0], 1);	/* the first has moved to the end */
	cr_assert_eq(c->peers[PEERS - 1].line, 3 + 3 * PEERS);
	cr_assert_str_eq(c->peers[5].name, "peer 6");
	cr_assert_str_eq(c->peers[PEERS - 1].name, "peer 100000");
	cr_assert_str_eq(diagnosis, "wg0.conf:300003: warning: [Peer]: the same peer as at line 3; "
				    "its AllowedIPs there are replaced by those here\n");
	conf_free(c);
	free(text);
}

/* Any one allocation fails: no result, one more line of diagnosis, nothing lost (the leak sanitizer
 * looks). */
Test(conf, no_memory)
{
	static const char text[] =
		"[Interface]\nPrivateKey=" K1
		"\nAddress=10.0.0.1/24,::1/64\nPreUp=%i\nPostUp=a\nPostUp=b\n"
		"[Peer] # a\nPublicKey=" K2 "\nPresharedKey=" K3
		"\nEndpoint=a:1\nEndpoint=b:1\nAllowedIPs=::/0,0.0.0.0/0,1.0.0.0/8\n"
		"[Peer]\nPublicKey=" K3 "\n[Peer]\nPublicKey=" K2 "\n"
		"[Dataplane]\nOuter=kernel\nOuter=kernel,iface=a\nOuter=net_null0 as a\nLan=1:0.0 as b\nLan=net_b as b\nRxCores=0-"
		"3\nWorkerCores=1\nAead=openssl\nMetrics=1.2.3.4:5\nMetrics=1.2.3.4:6\n";
	char buffer[4096];
	size_t n = 0;
	bool ok;

	do {
		FILE *diag = fmemopen(memset(buffer, 0, sizeof(buffer)), sizeof(buffer), "w");
		struct conf *c;
		long before;
		char *end;

		cr_assert_not_null(diag);
		setbuf(diag, NULL);
		before = held;
		allocations_left = n++;
		c = conf_parse("site.conf", text, strlen(text), diag);
		allocations_left = SIZE_MAX;
		ok = c != NULL;
		conf_free(c);
		cr_assert_eq(held, before, "allocation %zu: %ld lost", n, held - before);
		fclose(diag);
		end = strstr(buffer, "site.conf: out of memory\n");
		cr_assert_eq(end == NULL, ok, "allocation %zu: %s", n, buffer);
		if (end)
			cr_assert_str_eq(end, "site.conf: out of memory\n");
	} while (!ok && n < 1000);
	cr_assert(ok);
	cr_assert_gt(n, 25);
}

/* Arrays of peers that grow, peers that replace others, files with faults, files with too little
 * memory: no key stays in freed memory. */
static void free_watched(const char *name, const char *text, size_t memory)
{
	struct conf *c;
	FILE *diag = diag_open();
	long before = held;

	frees = keys_freed = 0;
	keys_watched = true;
	allocations_left = memory;
	c = conf_parse("site.conf", text, strlen(text), diag);
	allocations_left = SIZE_MAX;
	conf_free(c);
	/* both ways: what is dropped is wiped as well */
	allocations_left = memory;
	c = conf_parse_dataplane("site.conf", "wg0", text, strlen(text), diag);
	allocations_left = SIZE_MAX;
	cr_assert(!c || !c->has_private_key);
	conf_free(c);
	keys_watched = false;
	cr_assert_eq(held, before, "%s, memory %zu", name, memory);
	fclose(diag);
	cr_assert_eq(keys_freed, 0, "%s, memory %zu: %zu of %zu", name, memory, keys_freed, frees);
}

Test(conf, keys_are_wiped)
{
	static const char two[] =
		P "PresharedKey=" K3 "\n[Peer]\nPublicKey=" K3 "\nPresharedKey=" K1
		  "\n[Peer]\nPublicKey=" K1 "\n[Peer]\nPublicKey=" K2 "\n";
	static const char wrong[] = P "PresharedKey=" K3 "\n[Peer]\nPresharedKey=" K1 "\n";
	uint8_t *key = malloc(CONF_KEY_LEN);

	/* that the watch sees anything at all */
	conf_key_decode(key, K2, CONF_KEY_B64_LEN);
	keys_watched = true;
	free(key);
	cr_assert_eq(keys_freed, 1);

	free_watched("two", two, SIZE_MAX);
	cr_assert_gt(frees, 6);
	free_watched("wrong", wrong, SIZE_MAX);
	for (size_t n = 0; n < 12; n++)
		free_watched("two", two, n);
}

static char dir[] = "/tmp/wgdp-test-conf-XXXXXX";
static char path[sizeof(dir) + 32];

static void dir_make(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/wg0.conf", dir);
}

static void dir_remove(void)
{
	unlink(path);
	rmdir(path);
	rmdir(dir);
	free(diagnosis);
}

static void file_write(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void diagnosis_is(const char *rest)
{
	char expected[300];

	snprintf(expected, sizeof(expected), "%s%s", path, rest);
	cr_assert_str_eq(diagnosis, expected);
}

TestSuite(conf_file, .init = dir_make, .fini = dir_remove);

Test(conf_file, permissions)
{
	static const mode_t open_modes[] = { 0604, 0602, 0601, 0644, 0666 };
	static const mode_t closed_modes[] = { 0600, 0400, 0640, 0660 };
	struct conf *c;

	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		file_write(I, open_modes[i]);
		c = read_file(path);
		cr_assert_not_null(c);
		diagnosis_is(
			": warning: holds a private key and is world accessible; chmod 600 it\n");
		conf_free(c);
	}
	for (size_t i = 0; i < sizeof(closed_modes) / sizeof(closed_modes[0]); i++) {
		file_write(I, closed_modes[i]);
		c = read_file(path);
		cr_assert_not_null(c);
		cr_assert_str_eq(diagnosis, "");
		cr_assert_str_eq(c->ifname, "wg0");
		cr_assert_str_eq(c->path, path);
		conf_free(c);
	}
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

Test(conf_file, closed)
{
	int before = lowest_free_fd();

	file_write(I, 0600);
	conf_free(read_file(path));
	file_write("x", 0600);
	cr_assert_null(read_file(path));
	cr_assert_eq(lowest_free_fd(), before);
}

Test(conf_file, faults_have_the_path_as_given)
{
	file_write("[Interface]\n\nListenPort = x\n", 0644);
	cr_assert_null(read_file(path));
	cr_assert_null(strstr(diagnosis, "accessible"));
	cr_assert_eq(strncmp(diagnosis, path, strlen(path)), 0);
	cr_assert_not_null(strstr(diagnosis, "/wg0.conf:3: ListenPort: 'x' is not a port"));
}

Test(conf_file, absent)
{
	cr_assert_null(read_file(path));
	diagnosis_is(": cannot be read: No such file or directory\n");
}

Test(conf_file, directory)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_null(read_file(path));
	diagnosis_is(": is a directory\n");
}

Test(conf_file, no_permission)
{
	struct conf *c;

	file_write(I, 0200);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	c = read_file(path);
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
	cr_assert_null(c);
	diagnosis_is(": cannot be read: Permission denied\n");
}

Test(conf_file, size)
{
	struct conf *c;

	/* one comment with holes for NUL bytes is a fault, not too large; a byte more is */
	file_write(I "#", 0600);
	cr_assert_eq(truncate(path, 64 << 20), 0);
	cr_assert_null(read_file(path));
	diagnosis_is(":3: the line has a NUL byte; is this a text file in UTF-8?\n");
	cr_assert_eq(truncate(path, (64 << 20) + 1), 0);
	cr_assert_null(read_file(path));
	diagnosis_is(": larger than 64 MiB\n");
	file_write("", 0600);
	c = read_file(path);
	cr_assert_null(c);
	diagnosis_is(NO_KEY);
}

/* The text arrives in pieces and has no size to be asked for. */
Test(conf_file, fifo)
{
	struct conf *c;
	pid_t pid;

	cr_assert_eq(mkfifo(path, 0600), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_WRONLY);

		for (size_t i = 0; i < strlen(P); i++) {
			if (write(fd, &P[i], 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	c = read_file(path);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_not_null(c);
	cr_assert_eq(c->n_peers, 1);
	conf_free(c);
}

Test(conf_file, dataplane_alone)
{
	FILE *diag = diag_open();
	struct conf *c;

	file_write(P "[Dataplane]\nPoll=always\n", 0644);
	frees = keys_freed = 0;
	keys_watched = true;
	c = conf_read_dataplane(path, "vpn7", diag);
	keys_watched = false;
	fclose(diag);
	cr_assert_not_null(c);
	cr_assert_eq(keys_freed, 0);
	cr_assert_eq(c->n_peers, 0);
	cr_assert(c->poll_always && !c->has_private_key);
	cr_assert_str_eq(c->ifname, "vpn7");
	cr_assert_str_eq(c->path, path);
	diagnosis_is(": warning: holds a private key and is world accessible; chmod 600 it\n");
	conf_free(c);

	file_write("[Dataplane]\n", 0644);
	diag = diag_open();
	c = conf_read_dataplane(path, "vpn7", diag);
	cr_assert_not_null(c);
	conf_free(c);
	cr_assert_null(conf_read_dataplane(path, "a b", diag));
	fclose(diag);
	cr_assert_str_eq(diagnosis, "'a b'" NO_NAME);

	unlink(path);
	diag = diag_open();
	cr_assert_null(conf_read_dataplane(path, "vpn7", diag));
	fclose(diag);
	diagnosis_is(": cannot be read: No such file or directory\n");
}

Test(conf_file, text_is_wiped)
{
	FILE *diag = diag_open();
	struct conf *c;

	file_write(P, 0600);
	frees = keys_freed = 0;
	keys_watched = true;
	c = conf_read(path, diag);
	conf_free(c);
	keys_watched = false;
	fclose(diag);
	cr_assert_not_null(c);
	cr_assert_gt(frees, 0);
	cr_assert_eq(keys_freed, 0);
}

Test(conf_file, no_memory)
{
	char buffer[4096];
	size_t n = 0;
	bool ok;

	file_write(P, 0600);
	do {
		FILE *diag = fmemopen(memset(buffer, 0, sizeof(buffer)), sizeof(buffer), "w");
		long before = held;
		struct conf *c;

		setbuf(diag, NULL);
		allocations_left = n++;
		c = conf_read(path, diag);
		allocations_left = SIZE_MAX;
		ok = c != NULL;
		conf_free(c);
		cr_assert_eq(held, before, "allocation %zu: %ld lost", n, held - before);
		fclose(diag);
		cr_assert_eq(strstr(buffer, ": out of memory\n") == NULL, ok, "%s", buffer);
	} while (!ok && n < 100);
	cr_assert(ok);
	cr_assert_gt(n, 5);
}

static void example_check(const char *name, const char *expected)
{
	char file[4096], *shown;
	struct conf *c;

	snprintf(file, sizeof(file), CONF_EXAMPLES "/%s.conf", name);
	c = read_file(file);
	cr_assert_not_null(c, "%s", diagnosis);
	cr_assert_str_eq(c->ifname, name);
	/* git keeps no modes: a clone may have made the files readable to all */
	if (diagnosis_len > 0)
		cr_assert_not_null(strstr(diagnosis, "is world accessible"), "%s", diagnosis);
	memset(c->private_key, 0, sizeof(c->private_key));
	for (size_t i = 0; i < c->n_peers; i++)
		memset(c->peers[i].public_key, 0, CONF_KEY_LEN);
	shown = conf_show(c);
	if (strncmp(name, "roaming", 7) == 0) {	/* both have a preshared key, made up for them */
		char *psk = strstr(shown, "psk ");

		cr_assert_not_null(psk);
		memset(psk + 4, 'x', CONF_KEY_B64_LEN);
	}
	cr_assert_str_eq(shown, expected, "%s:\n%s", name, shown);
	free(shown);
	conf_free(c);
}

#define XS "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

Test(conf, examples)
{
	example_check("site1", "private " ZERO "\nport 51820\naddress 192.168.222.1/32\npeer " ZERO
			       "\nname <vpnr2>\nendpoint <172.31.2.11> 51820\n"
			       "allowed 192.168.222.2/32\nallowed 192.168.2.0/24\n");
	example_check("site2", "private " ZERO "\nport 51820\naddress 192.168.222.2/32\npeer " ZERO
			       "\nname <vpnr1>\nendpoint <172.31.1.11> 51820\n"
			       "allowed 192.168.222.1/32\nallowed 192.168.1.0/24\n");
	example_check("roaming-server",
		      "private " ZERO
		      "\nport 1234\naddress 10.2.0.1/24\naddress fd00:2::1/64\npeer " ZERO
		      "\nname <the client>\npsk " XS "\nallowed 10.2.0.42/32\nallowed fd00:2::42/128\n");
	example_check(
		"roaming-client",
		"private " ZERO "\naddress 10.2.0.42/24\naddress fd00:2::42/64\npeer " ZERO
		"\nname <the server>\npsk " XS
		"\nendpoint <192.0.2.123> 1234\nallowed 10.2.0.1/32\nallowed fd00:2::1/128\n");
	example_check("dataplane", "private " ZERO "\nport 51820\naddress 10.9.0.1/24\npeer " ZERO
				   "\nname <site2>\nallowed 10.9.0.2/32\n");
	example_check("appliance", "private " ZERO "\nport 51820\naddress 10.9.0.1/24\nmtu 1420\n"
				   "postup <ip address replace 192.0.2.1/24 dev wan0; ip route replace default via 192.0.2.254>\n"
				   "postup <ip address replace 192.168.1.1/24 dev lan0>\n"
				   "postup <sysctl -q net.ipv4.conf.lan0.forwarding=1 net.ipv4.conf.appliance.forwarding=1>\n"
				   "peer " ZERO "\nname <site2>\nendpoint <198.51.100.2> 51820\nallowed 10.9.0.2/32\nallowed 192.168.2.0/24\n"
				   "outer 0000:03:00.0 as wan0\nlan 0000:03:00.1 as lan0\n");
}
