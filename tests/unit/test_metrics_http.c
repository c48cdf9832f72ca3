/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The metrics server by real sockets, in a network namespace of the test's own. Client and server are one thread: the server does only what
 * metrics_tick lets it, so what a round costs can be counted, and a client that stalls stalls nothing else.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "iface_bed.h"
#include "metrics_parse.h"
#include "metrics_server.h"
#include "netns.h"

enum { PORT = 9586, ROUNDS = 20000 };

static struct iface_bed bed[2];
static struct loop *loop;
static struct metrics *metrics;
static uint64_t skew;		/* by which the server's time is ahead */
static char err[METRICS_ERRLEN];

static void begin(void)
{
	test_netns_init();
	iface_bed_up(&bed[0], "wg0");
	iface_bed_up(&bed[1], "wg1");
	loop = loop_create();
	metrics = metrics_create(loop);
	cr_assert(loop && metrics);
	for (int k = 0; k < 2; k++)
		bed[k].conf.metrics = (struct conf_endpoint){ strdup("127.0.0.1"), PORT };
	skew = 0;
	cr_assert_eq(metrics_add(metrics, &bed[0].i, err), 0, "%s", err);
}

static void end(void)
{
	metrics_remove(metrics, &bed[0].i);
	metrics_remove(metrics, &bed[1].i);
	metrics_destroy(metrics);
	loop_destroy(loop);
	for (int k = 0; k < 2; k++) {
		free(bed[k].conf.metrics.host);
		iface_bed_down(&bed[k]);
	}
}

TestSuite(metrics_http, .init = begin, .fini = end);

/* A round of the control thread. */
static void round_once(void)
{
	const uint64_t now = dataplane_now(), next = metrics_tick(metrics, now + skew);

	loop_wait(loop, next <= now + skew ? 0 : now + 1000000);
}

static int dial(uint16_t port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void put(int fd, const char *text, size_t len)
{
	cr_assert_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* What comes until the server closes. The caller frees. */
static char *take_all(int fd, size_t *len)
{
	char *text, piece[65536];
	FILE *f = open_memstream(&text, len);
	ssize_t n = -1;

	for (int k = 0; k < ROUNDS && n; k++) {
		round_once();
		while ((n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0)
			fwrite(piece, 1, n, f);
		if (n < 0 && errno != EAGAIN)
			n = 0;
	}
	cr_assert_eq(n, 0, "the server closes the connection");
	fclose(f);
	close(fd);
	return text;
}

static char *ask(const char *request, size_t *len)
{
	int fd = dial(PORT);

	cr_assert_geq(fd, 0);
	put(fd, request, strlen(request));
	return take_all(fd, len);
}

static void answers(const char *request, const char *status, const char *part)
{
	size_t len;
	char *text = ask(request, &len);

	cr_assert(strncmp(text, status, strlen(status)) == 0, "%.60s: %.60s", request, text);
	cr_assert(!part || strstr(text, part), "%.60s: %s", request, text);
	free(text);
}

/* The body, its chunks put together, if it has any. */
static char *body_of(char *answer, size_t *len)
{
	char *body = strstr(answer, "\r\n\r\n"), *from, *to;
	size_t n;

	cr_assert_not_null(body);
	from = to = body += 4;
	if (!strstr(answer, "Transfer-Encoding: chunked")) {
		*len = strlen(body);
		return body;
	}
	while ((n = strtoul(from, &from, 16))) {
		memmove(to, from + 2, n);
		to += n;
		from += 2 + n + 2;
	}
	*len = to - body;
	return body;
}

Test(metrics_http, formats)
{
	size_t len, n;
	char *text = ask("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text; version=1.0.0\r\nConnection: close\r\n\r\n", &len);
	char *list, *body;

	cr_assert_not_null(strstr(text, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
	body = body_of(text, &n);
	list = metrics_parse(body, n, true);
	cr_assert(list && strstr(list, "\nwgdp_interface_up\tinterface=wg0\t1\n"));
	free(list);
	free(text);
	text = ask("GET /metrics HTTP/1.0\r\n\r\n", &len);	/* which knows no chunks */
	cr_assert_not_null(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	cr_assert_null(strstr(text, "chunked"));
	body = body_of(text, &n);
	list = metrics_parse(body, n, false);
	cr_assert(list && strstr(list, "\nwgdp_interface_up\tinterface=wg0\t1\n"));
	free(list);
	free(text);
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

Test(metrics_http, other_requests)
{
	char *text;
	size_t len;

	answers("GET /" END, "HTTP/1.1 200 ", "<a href=\"/metrics\">");
	answers("GET /metrics/" END, "HTTP/1.1 404 ", "see /metrics");
	answers("GET /../etc/passwd" END, "HTTP/1.1 404 ", NULL);
	answers("GET /metrics%00" END, "HTTP/1.1 ", NULL);
	answers("DELETE /metrics" END, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
	answers("POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 405 ", NULL);
	answers("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 405 ", NULL);
	text = ask("HEAD /metrics" END, &len);
	cr_assert(strncmp(text, "HTTP/1.1 200 ", 13) == 0 && strcmp(strstr(text, "\r\n\r\n"), "\r\n\r\n") == 0, "%s", text);
	free(text);
}

Test(metrics_http, garbage)
{
	static char huge[4 * SERVER_MEMORY];
	size_t len;
	int fd;

	free(ask("\r\n\r\n\r\nnonsense\r\n\r\n", &len));
	free(ask("GET\r\n\r\n", &len));
	free(ask("\x16\x03\x01\x02\x01garbage of TLS\r\n\r\n", &len));
	memset(huge, 'a', sizeof(huge));
	memcpy(huge, "GET /metrics HTTP/1.1\r\nX: ", 26);
	fd = dial(PORT);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (size_t at = 0, k = 0; at < sizeof(huge) && k < ROUNDS; k++) {
		ssize_t n = send(fd, huge + at, sizeof(huge) - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;		/* it has had enough */
		at += n > 0 ? n : 0;
		round_once();
	}
	free(take_all(fd, &len));
	answers("GET /" END, "HTTP/1.1 200 ", NULL);
}

/* One server for both; each goes by itself, and the last closes it. */
Test(metrics_http, interfaces_share_an_address)
{
	answers("GET /metrics" END, "HTTP/1.1 200 ", "wgdp_interface_up{interface=\"wg0\"} 1\n#");
	cr_assert_eq(metrics_add(metrics, &bed[1].i, err), 0, "%s", err);
	answers("GET /metrics" END, "HTTP/1.1 200 ", "wgdp_interface_up{interface=\"wg0\"} 1\nwgdp_interface_up{interface=\"wg1\"} 1\n#");
	metrics_remove(metrics, &bed[0].i);
	answers("GET /metrics" END, "HTTP/1.1 200 ", "gauge\nwgdp_interface_up{interface=\"wg1\"} 1\n#");
	metrics_remove(metrics, &bed[1].i);
	metrics_remove(metrics, &bed[1].i);
	cr_assert_lt(dial(PORT), 0, "nobody listens");
	cr_assert_eq(metrics_add(metrics, &bed[0].i, err), 0, "%s", err);
	answers("GET /metrics" END, "HTTP/1.1 200 ", "wgdp_interface_up{interface=\"wg0\"} 1\n#");
}

Test(metrics_http, move)
{
	struct conf other = bed[0].conf;
	int fd;

	iface_bed_peer(&bed[0], 1, NULL);
	answers("GET /metrics" END, "HTTP/1.1 200 ", "wgdp_peer_connected{");
	other.metrics_peers = false;
	cr_assert_eq(metrics_move(metrics, &bed[0].i, &other, err), 0, "%s", err);
	answers("GET /metrics" END, "HTTP/1.1 200 ", "# TYPE wgdp_peer_connected gauge\n\r\n0\r\n");
	other.metrics.port = PORT + 1;
	cr_assert_eq(metrics_move(metrics, &bed[0].i, &other, err), 0, "%s", err);
	cr_assert_lt(dial(PORT), 0, "nobody listens there any more");
	fd = dial(PORT + 1);
	cr_assert_geq(fd, 0);
	other.metrics = (struct conf_endpoint){ (char[]){ "192.0.2.1" }, PORT };
	cr_assert_eq(metrics_move(metrics, &bed[0].i, &other, err), -1);
	cr_assert_str_eq(err, "cannot listen on 192.0.2.1, TCP port 9586: Cannot assign requested address");
	close(fd);
	fd = dial(PORT + 1);
	cr_assert_geq(fd, 0, "still there");
	close(fd);
	other.metrics.host = NULL;
	cr_assert_eq(metrics_move(metrics, &bed[0].i, &other, err), 0);
	cr_assert_lt(dial(PORT + 1), 0);
}

Test(metrics_http, unusable_addresses)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(99), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	bed[1].conf.metrics.port = 99;
	cr_assert(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0);
	cr_assert_eq(metrics_add(metrics, &bed[1].i, err), -1);
	cr_assert_str_eq(err, "cannot listen on 127.0.0.1, TCP port 99: Address already in use");
	close(fd);
	free(bed[1].conf.metrics.host);
	bed[1].conf.metrics.host = strdup("localhost");
	cr_assert_eq(metrics_add(metrics, &bed[1].i, err), -1);
	cr_assert_str_eq(err, "localhost is not an address; names are not looked up");
	free(bed[1].conf.metrics.host);
	bed[1].conf.metrics.host = strdup("::1");
	cr_assert_eq(metrics_add(metrics, &bed[1].i, err), 0, "%s", err);
}

/* More clients than there are places, all of which say nothing: others wait, until those have had their time. */
Test(metrics_http, silent_clients)
{
	int silent[SERVER_CONNECTIONS], fd;
	char byte;

	for (int k = 0; k < SERVER_CONNECTIONS; k++) {
		silent[k] = dial(PORT);
		cr_assert_geq(silent[k], 0);
		put(silent[k], "GET /metrics HT", 15);
		round_once();
	}
	fd = dial(PORT);
	cr_assert_geq(fd, 0);
	put(fd, "GET /" END, strlen("GET /" END));
	for (int k = 0; k < 200; k++)
		round_once();
	cr_assert(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "it waits");
	skew = (SERVER_REQUEST_S + 1) * WG_NS_PER_SEC;
	round_once();
	skew = 0;
	for (int k = 0; k < ROUNDS && recv(fd, &byte, 1, MSG_DONTWAIT) != 1; k++)
		round_once();
	cr_assert_eq(byte, 'H', "its turn has come");
	for (int k = 0; k < SERVER_CONNECTIONS; k++) {
		errno = 0;
		cr_assert(recv(silent[k], &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN, "cut off");
		close(silent[k]);
	}
	close(fd);
}

/* Readers that are as many and as fast as can be get no more in a round than the round's share; each gets all of its page in the end. */
Test(metrics_http, bounded_rounds)
{
	static char piece[1 << 20];
	int fd[SERVER_CONNECTIONS], size = 1 << 20;
	size_t got[SERVER_CONNECTIONS] = { 0 }, in_round, most = 0;
	unsigned int open_ones = SERVER_CONNECTIONS;
	char tail[SERVER_CONNECTIONS][5];

	for (uint32_t k = 0; k < 5000; k++)
		iface_bed_peer(&bed[0], k, "one of many");
	for (int k = 0; k < SERVER_CONNECTIONS; k++) {
		fd[k] = dial(PORT);
		setsockopt(fd[k], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		put(fd[k], "GET /metrics" END, strlen("GET /metrics" END));
	}
	for (int round = 0; round < ROUNDS && open_ones; round++) {
		round_once();
		in_round = 0;
		for (int k = 0; k < SERVER_CONNECTIONS; k++) {
			ssize_t n;

			while (fd[k] >= 0 && (n = recv(fd[k], piece, sizeof(piece), MSG_DONTWAIT)) >= 0) {
				in_round += n;
				got[k] += n;
				if (n >= 5)
					memcpy(tail[k], piece + n - 5, 5);
				if (n == 0) {
					close(fd[k]);
					fd[k] = -1;
					open_ones--;
				}
			}
		}
		most = in_round > most ? in_round : most;
	}
	cr_assert_eq(open_ones, 0);
	/* (What was written in one round may be sent in the next.) */
	cr_assert_leq(most, 2 * (SERVER_PIECE + SERVER_CONNECTIONS * 100u), "%zu bytes in a round", most);
	for (int k = 0; k < SERVER_CONNECTIONS; k++)
		cr_assert(got[k] > 5000 * 4 * 100 && memcmp(tail[k], "0\r\n\r\n", 5) == 0, "%zu bytes", got[k]);
}

/* One that asks for a large page and does not read holds nothing up, and is cut off. */
Test(metrics_http, does_not_read)
{
	int fd = dial(PORT), size = 4096, rounds = 0;
	size_t len;

	for (uint32_t k = 0; k < 20000; k++)
		iface_bed_peer(&bed[0], k, NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	put(fd, "GET /metrics" END, strlen("GET /metrics" END));
	while (metrics_tick(metrics, dataplane_now()) <= dataplane_now() && rounds < ROUNDS) {
		loop_wait(loop, 0);
		rounds++;
	}
	for (int k = 0; k < 300; k++)
		round_once();
	cr_assert_gt(metrics_tick(metrics, dataplane_now()), dataplane_now() + WG_NS_PER_SEC / 2, "there is nothing to do");
	answers("GET /" END, "HTTP/1.1 200 ", NULL);
	skew = (SERVER_REQUEST_S + 1) * WG_NS_PER_SEC;
	free(take_all(fd, &len));
	cr_assert_lt(len, 64 << 10, "what was under way is dropped: %zu bytes", len);
}

/* Of an interface that goes, peers are not looked at any more, though a page is under way. */
Test(metrics_http, interface_goes)
{
	static char piece[1 << 20];
	int fd = dial(PORT);
	struct peer *p;
	size_t len;
	char *text;

	cr_assert_eq(metrics_add(metrics, &bed[1].i, err), 0, "%s", err);
	for (uint32_t k = 0; k < 5000; k++)
		iface_bed_peer(&bed[0], k, NULL);
	put(fd, "GET /metrics" END, strlen("GET /metrics" END));
	for (int k = 0; k < ROUNDS && recv(fd, piece, sizeof(piece), MSG_DONTWAIT) <= 0; k++)
		round_once();
	metrics_remove(metrics, &bed[0].i);
	while ((p = peers_next(&bed[0].i.peers, NULL)))
		peers_remove(&bed[0].i.peers, p);
	peers_fini(&bed[0].i.peers);
	cr_assert_eq(peers_init(&bed[0].i.peers), 0);
	rcu_barrier();
	text = take_all(fd, &len);
	cr_assert_str_eq(text + len - 5, "0\r\n\r\n");
	free(text);
}
