/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Request and response over UDP, one at a time: how long a small packet takes there and back. The server answers for ever; the client
 * prints percentiles. Plain sockets, nothing of wgdp's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7077, SIZE = 64, REQUESTS_MAX = 1000000, DEADLINE_MS = 1000, WARM_UP = 10 };

static const char help[] =
	"echo server IPV4                      answers\n"
	"echo client IPV4 REQUESTS PAUSE_US    asks, and prints: p50 p90 p99 max (microseconds) lost\n"
	"  each request is sent PAUSE_US after the response to the one before\n";

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
	return 1;
}

static int serve(int fd)
{
	char data[2048];

	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

		/* What came cannot always be answered (no route, a full queue): the client counts it. */
		if (n >= 0)
			(void)!sendto(fd, data, n, 0, (struct sockaddr *)&from, len);
		else if (errno != EINTR && errno != ECONNREFUSED)
			return fail("receive");
	}
}

/* Whether the response to `number` came. Late ones to earlier requests are thrown away. */
static bool await(int fd, uint64_t number, uint64_t end)
{
	uint64_t got[SIZE / sizeof(uint64_t)], now;

	while ((now = now_ns()) < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, (end - now) / 1000000 + 1) <= 0)
			continue;
		if (recv(fd, got, sizeof(got), MSG_DONTWAIT) == sizeof(got) && got[0] == number)
			return true;
	}
	return false;
}

/* Nanoseconds, or 0: lost. */
static uint64_t ask(int fd, uint64_t number)
{
	const uint64_t message[SIZE / sizeof(uint64_t)] = { number };
	const uint64_t begin = now_ns();

	if (send(fd, message, sizeof(message), 0) < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
		exit(fail("send"));
	return await(fd, number, begin + DEADLINE_MS * 1000000ull) ? now_ns() - begin : 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int inquire(int fd, unsigned int requests, unsigned int pause_us)
{
	uint64_t *ns = malloc(requests * sizeof(*ns));
	unsigned int n = 0;

	if (!ns)
		return fail("memory");
	for (unsigned int i = 0; i < requests + WARM_UP; i++) {
		uint64_t one;

		usleep(i < WARM_UP ? 1000 : pause_us);
		one = ask(fd, i);
		if (one && i >= WARM_UP)
			ns[n++] = one;
	}
	if (n == 0) {
		errno = ETIMEDOUT;
		return fail("no response to any request");
	}
	qsort(ns, n, sizeof(ns[0]), by_value);
	printf("%.1f %.1f %.1f %.1f %u\n", ns[n / 2] / 1e3, ns[n * 9ull / 10] / 1e3, ns[n * 99ull / 100] / 1e3, ns[n - 1] / 1e3,
	       requests - n);
	free(ns);
	return 0;
}

int main(int argc, char **argv)
{
	const bool server = argc == 3 && strcmp(argv[1], "server") == 0;
	const bool client = argc == 5 && strcmp(argv[1], "client") == 0;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const int requests = client ? atoi(argv[3]) : 1, pause_us = client ? atoi(argv[4]) : 0;
	int fd;

	if ((!server && !client) || inet_pton(AF_INET, argv[2], &a.sin_addr) != 1 || requests < 1 || requests > REQUESTS_MAX ||
	    pause_us < 0 || pause_us >= 1000000) {
		fputs(help, stderr);
		return 2;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if ((server ? bind : connect)(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return fail(argv[2]);
	return server ? serve(fd) : inquire(fd, requests, pause_us);
}
