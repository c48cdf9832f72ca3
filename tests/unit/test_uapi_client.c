/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of processes, whole and broken: what is fed (answer.c, remote_*.c), and what a server of ours, in a thread, says over a socket in a
 * temporary folder (ask*.c). A server's script is the answers to stats=1, peers=1, get=1 and reload=1; NULL: it hangs up.
 */
#include "ask.h"

#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "remote_text.h"

/* ---- fed */

static void check_whole(const struct remote_iface *i)
{
	const struct remote_peer *p = i->peers;
	uint8_t addr[16];

	cr_assert(i->has_private_key && i->has_public_key);
	cr_assert_eq(i->listen_port, 51820);
	cr_assert_eq(i->fwmark, 51966);
	cr_assert_eq(i->n_peers, 3);
	cr_assert_eq(i->n_prefixes, 3);
	cr_assert_eq(p->public_key[31], 0xaa);
	cr_assert(p->has_preshared_key && !p[1].has_preshared_key && !p[2].has_preshared_key);
	cr_assert_str_eq(p->endpoint, "192.0.2.1:40000");
	cr_assert_str_eq(p[1].endpoint, "[2001:db8::1]:51820");
	cr_assert_str_eq(p[2].endpoint, "");
	cr_assert(p->handshake_sec == 1000000 && p->handshake_nsec == 5);
	cr_assert(p->tx_bytes == 1023 && p->rx_bytes == 1048576 && p->keepalive == 25);
	cr_assert(p->n_prefixes == 2 && p[1].first_prefix == 2 && p[1].n_prefixes == 1 && p[2].n_prefixes == 0);
	inet_pton(AF_INET6, "fd00::", addr);
	cr_assert(i->prefixes[1].family == AF_INET6 && i->prefixes[1].cidr == 64);
	cr_assert_arr_eq(i->prefixes[1].addr, addr, 16);
}

static void check_stats(const struct remote_iface *i)
{
	const struct remote_stats *s = &i->stats;

	cr_assert(i->has_stats && s->up && s->pid == 77 && s->uptime_ns == 3661000000000 && s->mtu == 1420);
	cr_assert_str_eq(s->version, "0.1.0");
	cr_assert_str_eq(s->outer, "kernel");
	cr_assert(s->peers == 3 && s->connected == 2 && s->staged == 4 && s->allowed_ips == 3);
	cr_assert(s->n_rings == 2 && s->ring[1].used == 900 && s->ring[1].size == 1000);
	cr_assert_str_eq(s->ring[1].name, "mbufs");
	cr_assert(s->control.n == 2 && remote_counter(&s->control, "initiations_sent", 9) == 2);
	cr_assert(s->drops.n == 4 && remote_counter(&s->drops, "replayed", 0) == 10);
	cr_assert(s->n_cores == 2 && s->core[0].cpu == 0 && s->core[1].cpu == 2);
	cr_assert(s->core[0].has_fifo && s->core[0].fifo_size == 32 && !s->core[1].has_fifo);
	cr_assert(s->core[0].packets.outer_rx == 100 && s->core[0].batched == 150 && s->core[0].wakes == 7);
	cr_assert_float_eq(remote_core_load(&s->core[0]), 0.25, 1e-9);
	cr_assert_float_eq(remote_core_load(&s->core[1]), 0.9, 1e-9);
}

static void check_ports(const struct remote_stats *s)
{
	const struct remote_port *p = s->port;
	const struct remote_packets sum = remote_packets(s);

	cr_assert(s->n_ports == 2 && s->n_cores == 3 && s->mtu == 1420 && s->n_rings == 2);
	cr_assert_str_eq(p->name, "wan0");
	cr_assert_str_eq(p->role, "outer");
	cr_assert_str_eq(p->device, "0000:03:00.0");
	cr_assert_str_eq(p->driver, "net_ixgbe");
	cr_assert_str_eq(p->mirror, "wan0");
	cr_assert_str_eq(p->mac, "02:00:00:00:ab:01");
	cr_assert_str_eq(p->link, "up");
	cr_assert_str_eq(p->offloads, "rss,udp_checksum");
	cr_assert(p->has_numa && p->numa == 1 && p->queues == 4 && p->mtu == 9000 && p->speed_mbps == 10000);
	cr_assert(p->rx_packets == 11 && p->rx_bytes == 1024 && p->rx_missed == 13 && p->rx_errors == 14 && p->rx_no_mbuf == 15);
	cr_assert(p->tx_packets == 16 && p->tx_bytes == 1048576 && p->tx_errors == 18);
	cr_assert_str_eq(p[1].name, "net_memif0");
	cr_assert_str_eq(p[1].link, "down");
	cr_assert(!p[1].has_numa && !*p[1].mirror && !*p[1].offloads && p[1].rx_packets == 21 && p[1].tx_packets == 0);
	cr_assert(sum.outer_rx == 100 && sum.inner_tx == 100 && sum.lan_rx == 91 && sum.lan_tx == 92 && sum.host_rx == 93 && sum.host_tx == 94);
	cr_assert(s->has_routes && s->routes_prefixes == 1000000 && s->routes_hosts == 31 && s->routes_judged == 32 && s->routes_resyncs == 33);
	cr_assert_str_eq(s->routes_off, "");
}

/* However it comes in pieces; the public key is the private one's. */
Test(answer, pieces)
{
	struct remote_iface i;

	for (size_t piece = 1; piece <= strlen(GET_WHOLE); piece++) {
		uint8_t want[CONF_KEY_LEN];

		remote_init(&i, "wg0");
		i.has_stats = true;
		cr_assert_eq(remote_feed(&i, true, STATS_WHOLE, strlen(STATS_WHOLE), piece, NULL), ANSWER_DONE);
		check_stats(&i);
		cr_assert_eq(i.public_key[0], 0xdd);
		cr_assert_eq(remote_feed(&i, false, GET_WHOLE, strlen(GET_WHOLE), piece, NULL), ANSWER_DONE);
		check_whole(&i);
		cr_assert(remote_hex_key(want, "4049502db92ca2342c3f92dac5d6de7c85db5df5407a5b4996ce39f2efb7e827"));	/* as wg pubkey has it */
		cr_assert_arr_eq(i.public_key, want, CONF_KEY_LEN);
		remote_fini(&i);
	}
}

/* All of it but the end is no answer. */
Test(answer, cut)
{
	for (size_t len = 0; len < strlen(GET_WHOLE); len++) {
		struct remote_iface i;

		remote_init(&i, "wg0");
		cr_assert_eq(remote_feed(&i, false, GET_WHOLE, len, 4096, NULL), ANSWER_MORE, "%zu", len);
		remote_fini(&i);
	}
}

static void broken(bool stats, const char *text, size_t len, const char *why_wanted)
{
	struct remote_iface i;
	const char *why;

	remote_init(&i, "wg0");
	cr_assert_eq(remote_feed(&i, stats, text, len, 4096, &why), ANSWER_BROKEN, "%s", text);
	cr_assert(strstr(why, why_wanted), "%s: %s", text, why);
	remote_fini(&i);
}

Test(answer, ports)
{
	char many[(REMOTE_PORTS + 1) * 10 + 1] = "";
	struct remote_iface i;

	for (size_t piece = 1; piece <= strlen(STATS_PORTS); piece += 7) {
		remote_init(&i, "wg0");
		cr_assert_eq(remote_feed(&i, true, STATS_PORTS, strlen(STATS_PORTS), piece, NULL), ANSWER_DONE);
		check_ports(&i.stats);
		remote_fini(&i);
	}
	for (int k = 0; k <= REMOTE_PORTS; k++)
		strcat(many, "port=p\n");
	remote_init(&i, "wg0");
	cr_assert_eq(remote_feed(&i, true, many, strlen("port=p\n") * REMOTE_PORTS, 4096, NULL), ANSWER_MORE);
	cr_assert_eq(i.stats.n_ports, REMOTE_PORTS);
	remote_fini(&i);
	broken(true, many, strlen(many), "value");
}

#define BROKEN(text, why) { text, sizeof(text) - 1, why }
static const struct {
	const char *text;
	size_t len;
	const char *why;
} broken_any[] = {
	BROKEN("\n", "without errno"),
	BROKEN("listen_port=1\n\n", "without errno"),
	BROKEN("errno=0\nerrno=0\n\n", "errno"),
	BROKEN("errno=\n\n", "errno"),
	BROKEN("errno=x\n\n", "errno"),
	BROKEN("errno=5000\n\n", "errno"),
	BROKEN("errno=--1\n\n", "errno"),
	BROKEN("errno=0\nlisten_port=1\n\n", "after errno"),
	BROKEN("errno=0\n\nx", "more than was asked"),
	BROKEN("errno=0\n\nerrno=0\n\n", "more than was asked"),
	BROKEN("HTTP/1.1 400 Bad Request\r\n", "KEY=VALUE"),
	BROKEN("=1\n", "KEY=VALUE"),
	BROKEN("a\0b\n", "KEY=VALUE"),
	BROKEN("listen_port=65536\n", "value"),
	BROKEN("listen_port=-1\n", "value"),
	BROKEN("listen_port=\n", "value"),
	BROKEN("fwmark=4294967296\n", "value"),
	BROKEN("fwmark=0x1\n", "value"),
};

static const char *const broken_get[] = {
	"private_key=00\n", "private_key=" KEY_OF("0g") "\n", "private_key=" KEY_OF("11") "1\n", "public_key=\n", "public_key=" KEY_OF("a:") "\n",
	"endpoint=192.0.2.1:1\n", "rx_bytes=1\n", "allowed_ip=10.0.0.0/8\n", "last_handshake_time_sec=0\n",
	"name=alice\n",
};

static const char *const broken_peer[] = {
	"endpoint=\n", "endpoint=192.0.2.1\n", "endpoint=192.0.2.1:0\n", "endpoint=192.0.2.1:65536\n", "endpoint=[::1:5\n", "endpoint=::1:5\n",
	"endpoint=[192.0.2.1]:5\n", "endpoint=[\n", "endpoint=:\n", "endpoint=[:\n", "endpoint=]:1\n", "endpoint=host:1\n",
	"endpoint=[2001:db8::1%a-zone-with-a-name-that-is-longer-than-any-there-could-ever-be]:51820\n",
	"allowed_ip=10.0.0.0\n", "allowed_ip=10.0.0.0/33\n", "allowed_ip=fd00::/129\n", "allowed_ip=/8\n", "allowed_ip=10.0.0/8\n",
	"allowed_ip=10.0.0.0/\n", "allowed_ip=10.0.0.0/-1\n", "rx_bytes=18446744073709551616\n", "tx_bytes=1 \n",
	"name=\n", "name=12345678901234567890123456789012345678901234567890123456789012345\n",
	"last_handshake_time_nsec=1000000000\n", "last_handshake_time_sec=9223372036854775808\n", "persistent_keepalive_interval=65536\n",
	"preshared_key=1\n",
};

static const char *const broken_stats[] = {
	"core=\n", "core=x\n", "core=0\nbatches=x\n", "core=0\nstage_=1\n", "core=0\nstage_rx=\n", "drop_=1\n", "uptime_ns=-5\n",
	"drop_a_reason_whose_name_is_longer_than_any=1\n", "work_used=x\n", "_size=1\n", "public_key=1\n", "control_x=y\n",
	"port=\n", "port=p\nport_mtu=x\n", "port=p\nport_numa=-1\n", "port=p\nport_tx_errors=18446744073709551616\n", "routes_hosts=\n",
};

Test(answer, garbage)
{
	char text[512], *line;

	for (size_t k = 0; k < sizeof(broken_any) / sizeof(broken_any[0]); k++)
		broken(k % 2, broken_any[k].text, broken_any[k].len, broken_any[k].why);
	for (size_t k = 0; k < sizeof(broken_get) / sizeof(broken_get[0]); k++)
		broken(false, broken_get[k], strlen(broken_get[k]), "value");
	for (size_t k = 0; k < sizeof(broken_peer) / sizeof(broken_peer[0]); k++) {
		snprintf(text, sizeof(text), "public_key=" KEY_OF("aa") "\n%s", broken_peer[k]);
		broken(false, text, strlen(text), "value");
	}
	for (size_t k = 0; k < sizeof(broken_stats) / sizeof(broken_stats[0]); k++)
		broken(true, broken_stats[k], strlen(broken_stats[k]), "value");

	line = malloc(ANSWER_LINE + 1);
	memset(line, 'x', ANSWER_LINE + 1);
	line[1] = '=';
	broken(false, line, ANSWER_LINE, "too long");	/* without an end */
	line[ANSWER_LINE] = '\n';
	broken(false, line, ANSWER_LINE + 1, "too long");
	free(line);
}

/* A longest line is none too long; unknown keys are passed over, of which there may be any number; text becomes printable. */
Test(answer, tolerated)
{
	static const char text[] = "later=1\nport_mtu=x\nport=p\nport_later=x\nversion=\033[2J\x80\nouter=a=b\nerrno=-22\n\n";
	static char line[ANSWER_LINE];
	struct remote_iface i;

	remote_init(&i, "wg0");
	memset(line, 'x', sizeof(line));
	line[1] = '=';
	line[ANSWER_LINE - 1] = '\n';
	cr_assert_eq(remote_feed(&i, false, line, ANSWER_LINE, 4096, NULL), ANSWER_MORE);
	cr_assert_eq(remote_feed(&i, true, text, strlen(text), 4096, NULL), ANSWER_DONE);
	cr_assert_str_eq(i.stats.version, "?[2J?");
	cr_assert_str_eq(i.stats.outer, "a=b");
	remote_fini(&i);
}

/* What of a name is no printable UTF-8 never gets to a terminal; other values have no UTF-8 at all. */
Test(answer, names)
{
	static const struct { const char *name, *want; } tried[] = {
		{ "alice", "alice" }, { "\346\227\245\346\234\254 \360\237\230\200=", "\346\227\245\346\234\254 \360\237\230\200=" },
		{ "\033]0;x\007\r\t\177", "?]0;x????" }, { "a\302\233b", "a??b" }, { "\342\200\256b", "???b" },
		{ "\233\377\300\200", "????" }, { "\346\227", "??" }, { "\355\240\200", "???" },
		{ "1234567890123456789012345678901234567890123456789012345678901234",
		  "1234567890123456789012345678901234567890123456789012345678901234" },
	};

	for (size_t k = 0; k < sizeof(tried) / sizeof(tried[0]); k++) {
		struct remote_iface i;
		char text[512];

		remote_init(&i, "wg0");
		snprintf(text, sizeof(text), "public_key=" KEY_OF("aa") "\nname=%s\nerrno=0\n\n", tried[k].name);
		cr_assert_eq(remote_feed(&i, false, text, strlen(text), 4096, NULL), ANSWER_DONE);
		cr_assert_str_eq(i.peers[0].name, tried[k].want);
		remote_fini(&i);
	}
}

/* The text of a key is not left in the buffer once its line was taken. */
Test(answer, keys_wiped)
{
	struct answer *a = malloc(sizeof(*a));
	struct remote_iface i;
	size_t room;
	char *space;

	remote_init(&i, "wg0");
	answer_begin(a, remote_get_line, &i);
	space = answer_space(a, &room);
	memcpy(space, GET_WHOLE, strlen(GET_WHOLE) - 1);
	cr_assert_eq(answer_filled(a, strlen(GET_WHOLE) - 1), ANSWER_MORE);
	cr_assert_null(memmem(a->buf, sizeof(GET_WHOLE), "61616161", 8));
	cr_assert_null(memmem(a->buf, sizeof(GET_WHOLE), "62626262", 8));
	free(a);
	remote_fini(&i);
}

/* ---- over a socket */

static char dir[] = "/tmp/wgdp-ask-XXXXXX";
static char err[ASK_ERRLEN];

struct script {
	const char *stats, *peers, *get, *reload;
	size_t cut;		/* of an answer: so much of it, then hang up; 0: all */
	bool mute, drip;	/* says nothing; a byte at a time, without an end */
};

struct server {
	int fd;
	const struct script *script;
	pthread_t thread;
};

static bool send_all(int fd, const char *text, size_t len)
{
	while (len) {
		const ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool say(const struct script *s, int fd, const char *request)
{
	const char *text = !strcmp(request, "stats=1\n\n") ? s->stats : !strcmp(request, "get=1\n\n") ? s->get :
			   !strcmp(request, "peers=1\n\n") ? s->peers :
			   !strcmp(request, "reload=1\n\n") ? s->reload : NULL;

	while (s->mute || s->drip) {
		char c;

		if (s->drip ? send(fd, "x", 1, MSG_NOSIGNAL) != 1 || usleep(20000) : recv(fd, &c, 1, 0) <= 0)
			return false;
	}
	return text && send_all(fd, text, s->cut ? s->cut : strlen(text)) && !s->cut;
}

static void *serve(void *arg)
{
	const struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		char request[64];
		ssize_t n;

		while ((n = recv(fd, request, sizeof(request) - 1, 0)) > 0) {
			request[n] = '\0';
			if (!say(s->script, fd, request))
				break;
		}
		close(fd);
	}
	return NULL;
}

static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s.sock", dir, name);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

static void start(struct server *s, const struct script *script)
{
	s->fd = listen_at("wg0");
	s->script = script;
	pthread_create(&s->thread, NULL, serve, s);
}

static void stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static void enter(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static void leave(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(ask, .init = enter, .fini = leave, .timeout = 120);

Test(ask, whole)
{
	const struct script script = { .stats = STATS_WHOLE, .peers = PEERS_WHOLE };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET, &i, err), 0, "%s", err);
	check_whole(&i);
	check_stats(&i);
	cr_assert_str_eq(i.peers[0].name, NAME_A);
	cr_assert_str_eq(i.peers[1].name, "");
	cr_assert_neq(i.get_ns, 0);
	remote_fini(&i);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS, &i, err), 0);
	cr_assert(i.has_stats && !i.n_peers);
	remote_fini(&i);
	stop(&s);
}

/* wireguard-go hangs up on stats=1 */
Test(ask, without_stats)
{
	const struct script script = { .get = GET_WHOLE };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET, &i, err), 0, "%s", err);
	cr_assert_not(i.has_stats);
	check_whole(&i);
	remote_fini(&i);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET_IF_STATS, &i, err), 0, "%s", err);
	cr_assert(!i.has_stats && !i.n_peers);
	remote_fini(&i);
	stop(&s);
}

/* So does a wgdp from before there were names, on peers=1; but what it does not do to get=1 is no excuse. */
Test(ask, without_names)
{
	struct script script = { .stats = STATS_WHOLE, .get = GET_WHOLE };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	for (unsigned int what = ASK_GET; what <= ASK_GET_IF_STATS; what *= 2) {
		cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | what, &i, err), 0, "%s", err);
		check_whole(&i);
		check_stats(&i);
		cr_assert_str_eq(i.peers[0].name, "");
		remote_fini(&i);
	}
	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), 0, "%s", err);
	cr_assert(!i.has_stats && i.n_peers == 3);
	remote_fini(&i);
	script.get = NULL;
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET, &i, err), -ECONNRESET);
	script.peers = "errno=12\n\n";
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET, &i, err), -ENOMEM);
	cr_assert_str_eq(err, "wg0: its process refuses peers=1: Cannot allocate memory");
	stop(&s);
}

Test(ask, cut_at_every_byte)
{
	struct script script = { .stats = STATS_WHOLE };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	for (script.cut = 1; script.cut < strlen(STATS_WHOLE); script.cut++) {
		cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS, &i, err), -EPROTO, "%zu", script.cut);
		cr_assert_str_eq(err, "wg0: its answer breaks off");
	}
	stop(&s);
}

Test(ask, refused)
{
	const struct script script = { .stats = "errno=12\n\n", .get = "nonsense\n\n" };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS, &i, err), -ENOMEM);
	cr_assert_str_eq(err, "wg0: its process refuses stats=1: Cannot allocate memory");
	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), -EPROTO);
	cr_assert_str_eq(err, "wg0: its answer is not understood: a line is no KEY=VALUE");
	stop(&s);
}

Test(ask, nobody)
{
	const struct script hangs_up = { .stats = NULL };
	struct remote_iface i;
	struct server s;

	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), -ENOENT);
	cr_assert(strstr(err, "wg0: no such interface: there is no /tmp/"), "%s", err);
	start(&s, &hangs_up);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), -ECONNRESET);
	stop(&s);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), -ECONNREFUSED);
	cr_assert(strstr(err, "wg0: its process has ended"), "%s", err);
}

/* Not waited for: who says nothing, who never ends, who does not accept. */
Test(ask, mute)
{
	const struct script script = { .mute = true };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET, &i, err), -ETIMEDOUT);
	cr_assert_str_eq(err, "wg0: its process does not answer");
	stop(&s);
}

Test(ask, drip)
{
	const struct script script = { .drip = true };
	struct remote_iface i;
	struct server s;

	start(&s, &script);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), -ETIMEDOUT);
	stop(&s);
}

Test(ask, does_not_accept)
{
	const int fd = listen_at("wg0");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct remote_iface i;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/wg0.sock", dir);
	for (int rc = 0; rc == 0;)	/* until the queue is full */
		rc = connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&at, sizeof(at));
	cr_assert_eq(ask_iface(dir, "wg0", ASK_GET, &i, err), -ETIMEDOUT);
	close(fd);
}

/* Thousands of peers, more than a socket takes at once. */
Test(ask, many)
{
	const unsigned int n = 20000;
	struct script script = { .stats = STATS_WHOLE };
	struct remote_iface i;
	struct server s;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (unsigned int k = 0; k < n; k++)
		fprintf(f, "public_key=%08x%.56s\nrx_bytes=%u\nallowed_ip=10.%u.%u.%u/32\n", k, KEY_OF("ee"), k, k >> 16, k >> 8 & 255, k & 255);
	fputs("errno=0\n\n", f);
	fclose(f);
	script.peers = text;
	start(&s, &script);
	cr_assert_eq(ask_iface(dir, "wg0", ASK_STATS | ASK_GET, &i, err), 0, "%s", err);
	cr_assert(i.n_peers == n && i.n_prefixes == n);
	for (unsigned int k = 0; k < n; k++)
		cr_assert(i.peers[k].rx_bytes == k && i.peers[k].first_prefix == k && i.prefixes[k].addr[3] == (k & 255));
	remote_fini(&i);
	stop(&s);
	free(text);
}

Test(ask, command)
{
	const struct script ok = { .reload = "message=a warning\nerrno=0\n\n" };
	const struct script bad = { .reload = "message=wg0.conf:1: what\x07\nmessage=second\nerrno=22\n\n" };
	const struct script unknown = { .reload = NULL };
	const struct {
		const struct script *script;
		int rc;
		bool said;
		const char *messages;
	} step[] = { { &ok, 0, true, "a warning\n" }, { &bad, -EINVAL, true, "wg0.conf:1: what?\nsecond\n" },
		     { &unknown, -EOPNOTSUPP, false, "" } };
	char path[64];

	snprintf(path, sizeof(path), "%s/wg0.sock", dir);
	for (size_t k = 0; k < sizeof(step) / sizeof(step[0]); k++) {
		struct server s;
		char *text;
		size_t len;
		FILE *f = open_memstream(&text, &len);
		bool said;

		start(&s, step[k].script);
		cr_assert_eq(ask_command(dir, "wg0", "reload=1\n\n", f, &said, err), step[k].rc, "%s", err);
		fclose(f);
		cr_assert_eq(said, step[k].said);
		cr_assert_str_eq(text, step[k].messages);
		free(text);
		stop(&s);
		unlink(path);
	}
}

Test(ask, names)
{
	char path[96], **names;
	size_t n;

	cr_assert(ask_name_ok("wg0") && ask_name_ok("a-b_c=d+e.f") && ask_name_ok("fifteen-letters"));
	cr_assert(!ask_name_ok("") && !ask_name_ok("..") && !ask_name_ok("a/b") && !ask_name_ok("sixteen--letters") && !ask_name_ok("a b"));
	for (const char *const *name = (const char *const[]){ "wg10", "wg9", "x.y", NULL }; *name; name++)
		close(listen_at(*name));
	for (const char *const *name = (const char *const[]){ "other", ".sock", "a name.sock", "much-too-long-a-name.sock", NULL }; *name; name++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		fclose(fopen(path, "w"));
	}
	cr_assert_eq(ask_list(dir, &names, &n, err), 0);
	cr_assert_eq(n, 3);
	cr_assert_str_eq(names[0], "wg9");
	cr_assert_str_eq(names[1], "wg10");
	cr_assert_str_eq(names[2], "x.y");
	ask_list_free(names, n);
	cr_assert_eq(ask_list("/nonexistent", &names, &n, err), 0);
	cr_assert_eq(n, 0);
	cr_assert_eq(ask_list("/dev/null", &names, &n, err), -ENOTDIR);
}
