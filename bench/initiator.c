/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks a WireGuard interface for handshakes, at a steady rate, from a socket: how long each response takes. The initiations are of
 * many peers in turn, since each may have only so many a second, and none waits for the response to another. A response is known by its receiver
 * index; no session is made of it.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "conf.h"
#include "cookie.h"
#include "hash.h"
#include "noise.h"
#include "tai64n.h"

enum { PORT = 51820, PEERS_MAX = 1024, ASKED_MAX = 1000000, LAST_MS = 2000 };

static const char help[] =
	"initiator keys PEERS                   prints the public keys of the peers that it is\n"
	"initiator ask IPV4 KEY PEERS PAUSE_US  sends an initiation every PAUSE_US to the interface with public key KEY, until SIGTERM;\n"
	"                                       prints: sent p50 p99 max (microseconds) lost\n";

static struct initiator {
	struct noise_identity self;
	struct noise_remote remote;
	struct cookie_sender cookie;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
} initiators[PEERS_MAX];

static uint64_t sent_ns[ASKED_MAX], took_ns[ASKED_MAX];	/* by number; the sender index is that plus one */
static unsigned int n_taken;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "initiator: %s: %s\n", what, errno ? strerror(errno) : "libcrypto failed");
	exit(1);
}

/* The same each time, so that a file can list them: these keys are worth nothing. */
static void make_self(unsigned int n)
{
	char seed[32];
	const struct hash_piece piece = { seed, (size_t)snprintf(seed, sizeof(seed), "initiator %u", n) };
	uint8_t key[WG_KEY_LEN];

	hash_blake2s(key, &piece, 1);
	if (!noise_identity_set(&initiators[n].self, key))
		fail("a key");
}

static void make_all(unsigned int n, const uint8_t to[WG_KEY_LEN])
{
	for (unsigned int k = 0; k < n; k++) {
		struct initiator *i = &initiators[k];

		make_self(k);
		memcpy(i->remote.public_key, to, WG_KEY_LEN);
		cookie_sender_init(&i->cookie, to);
		if (!noise_remote_prepare(&i->remote, &i->self))
			fail("the interface's key");
	}
}

static void ask(int fd, struct initiator *i, unsigned int number)
{
	struct noise_handshake hs;
	struct wg_initiation msg;
	uint8_t ephemeral[WG_KEY_LEN];
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	tai64n_next(i->timestamp, &t);
	if (RAND_bytes(ephemeral, sizeof(ephemeral)) != 1 ||
	    !noise_initiation_create(&hs, &msg, &i->self, &i->remote, ephemeral, i->timestamp, number + 1))
		fail("an initiation");
	cookie_macs_add(&i->cookie, &msg, sizeof(msg), now_ns());
	sent_ns[number] = now_ns();
	if (send(fd, &msg, sizeof(msg), 0) < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
		fail("send");
}

/* Takes all responses that are there. */
static void take(int fd, unsigned int n_sent)
{
	struct wg_response r;
	ssize_t len;

	while ((len = recv(fd, &r, sizeof(r), MSG_DONTWAIT)) >= 0) {
		uint32_t number = le32toh(r.receiver) - 1;

		if (len != sizeof(r) || le32toh(r.type) != WG_RESPONSE || number >= n_sent || took_ns[number])
			continue;
		took_ns[number] = now_ns() - sent_ns[number];
		n_taken++;
	}
	if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
		fail("receive");
}

/* Until then; or, before that, until told to stop, and afterwards until there is nothing left to wait for. */
static void take_until(int fd, unsigned int n_sent, uint64_t end)
{
	const bool last = stopped;
	uint64_t now;

	while ((now = now_ns()) < end && (last ? n_taken < n_sent : !stopped)) {
		const struct timespec left = { (time_t)((end - now) / 1000000000), (long)((end - now) % 1000000000) };
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (ppoll(&p, 1, &left, NULL) > 0)
			take(fd, n_sent);
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int report(unsigned int sent)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < sent; k++)
		if (took_ns[k])
			took_ns[n++] = took_ns[k];
	if (!n) {
		errno = ETIMEDOUT;
		fail("no response to any initiation");
	}
	qsort(took_ns, n, sizeof(took_ns[0]), by_value);
	printf("%u %.1f %.1f %.1f %u\n", sent, took_ns[n / 2] / 1e3, took_ns[n * 99ull / 100] / 1e3, took_ns[n - 1] / 1e3, sent - n);
	return 0;
}

static int run(int fd, unsigned int n_peers, unsigned int pause_us)
{
	uint64_t begin = now_ns();
	unsigned int n = 0;

	while (n < ASKED_MAX && !stopped) {
		ask(fd, &initiators[n % n_peers], n);
		n++;
		take_until(fd, n, begin + (uint64_t)n * pause_us * 1000);
	}
	stopped = 1;
	take_until(fd, n, now_ns() + LAST_MS * 1000000ull);
	return report(n);
}

static int print_keys(unsigned int n)
{
	char text[CONF_KEY_B64_LEN + 1];

	for (unsigned int k = 0; k < n; k++) {
		make_self(k);
		conf_key_encode(text, initiators[k].self.public_key);
		puts(text);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const bool keys = argc == 3 && strcmp(argv[1], "keys") == 0, asks = argc == 6 && strcmp(argv[1], "ask") == 0;
	const int n = keys ? atoi(argv[2]) : asks ? atoi(argv[4]) : 0, pause_us = asks ? atoi(argv[5]) : 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const struct sigaction on_term = { .sa_handler = stop };
	uint8_t to[WG_KEY_LEN];
	int fd;

	if (n < 1 || n > PEERS_MAX || pause_us < 1 ||
	    (asks && (inet_pton(AF_INET, argv[2], &a.sin_addr) != 1 || !conf_key_decode(to, argv[3], strlen(argv[3]))))) {
		fputs(help, stderr);
		return 2;
	}
	if (keys)
		return print_keys((unsigned int)n);
	sigaction(SIGTERM, &on_term, NULL);
	make_all((unsigned int)n, to);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail(argv[2]);
	return run(fd, (unsigned int)n, (unsigned int)pause_us);
}
