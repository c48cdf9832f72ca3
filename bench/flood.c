/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP datagrams of one size at a steady rate, and how many of them arrive. The sink has a receive buffer so large (it needs root) that what
 * is missing was lost on the way, not before a reader who came too late. Plain sockets, nothing of wgdp's.
 *
 *   sender: run, run, run, ... ; how many of run?  ->  sink counts
 *   sender: prints                                 <-  sink: so many
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

enum {
	PORT = 7078,
	PAYLOAD_MIN = 24, PAYLOAD_MAX = 9000,
	BURST = 32,
	BUFFER = 256 << 20,
	ASK_MS = 50,		/* between two questions; the answer is final when it has stood still for SETTLED of them */
	SETTLED = 4, ASK_MAX = 100,
};

static const char help[] =
	"flood sink IPV4                             counts datagrams\n"
	"flood send IPV4 PAYLOAD PER_SECOND SECONDS  sends, and prints what it sent and what arrived a second, and the loss (0 to 1)\n"
	"  PER_SECOND 0: as fast as it can\n";

struct message {
	uint64_t run;		/* tells this sender's from an earlier one's */
	uint32_t is_question, pad;
	uint64_t count;		/* in the answer */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	return 1;
}

static int sink(int fd)
{
	static struct message m[BURST];
	static struct sockaddr_in from[BURST];
	struct iovec iov[BURST];
	struct mmsghdr h[BURST];
	uint64_t run = 0, count = 0;
	const int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		return fail("receive buffer");
	for (;;) {
		int n;

		for (int i = 0; i < BURST; i++) {
			iov[i] = (struct iovec){ &m[i], sizeof(m[i]) };
			h[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &from[i],
				.msg_namelen = sizeof(from[i]) };
		}
		n = recvmmsg(fd, h, BURST, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			return fail("receive");
		for (int i = 0; i < n; i++) {
			if (h[i].msg_len < sizeof(m[i]))
				continue;
			if (m[i].run != run) {
				run = m[i].run;
				count = 0;
			}
			count += !m[i].is_question;
			if (!m[i].is_question)
				continue;
			m[i].count = count;
			(void)!sendto(fd, &m[i], sizeof(m[i]), 0, (struct sockaddr *)&from[i], sizeof(from[i]));
		}
	}
}

/* How many have arrived by now; false: no answer. */
static bool ask(int fd, uint64_t run, uint64_t *count)
{
	const struct message question = { .run = run, .is_question = 1 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct message answer;
	bool some = false;

	(void)!send(fd, &question, sizeof(question), 0);
	poll(&p, 1, ASK_MS);
	while (recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer)) {
		if (answer.run != run)
			continue;
		*count = answer.count;
		some = true;
	}
	return some;
}

/* The final count. */
static bool ask_all(int fd, uint64_t run, uint64_t *count)
{
	unsigned int same = 0;
	bool some = false;

	*count = 0;
	for (int i = 0; i < ASK_MAX && same < SETTLED; i++) {
		const uint64_t before = *count;
		bool answered = ask(fd, run, count);

		same = answered && some && *count == before ? same + 1 : 0;
		some |= answered;
		usleep(ASK_MS * 1000);
	}
	return some;
}

/* Sends until `end`; returns how many, those that the host's own queues refused among them. */
static uint64_t send_all(int fd, const void *payload, size_t len, double per_ns, uint64_t begin, uint64_t end)
{
	struct iovec iov = { (void *)(uintptr_t)payload, len };
	struct mmsghdr h[BURST];
	uint64_t sent = 0, now;

	for (int i = 0; i < BURST; i++)
		h[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	while ((now = now_ns()) < end) {
		uint64_t due = per_ns > 0 ? (uint64_t)((now - begin) * per_ns) : sent + BURST;
		int n;

		if (due <= sent) {
			usleep(20);
			continue;
		}
		n = sendmmsg(fd, h, due - sent < BURST ? due - sent : BURST, 0);
		sent += n > 0 ? n : 1;
	}
	return sent;
}

static int flood(int fd, size_t len, double per_second, double seconds)
{
	static union {
		struct message m;
		uint8_t bytes[PAYLOAD_MAX];
	} payload;
	const uint64_t run = now_ns() ^ (uint64_t)getpid() << 48, begin = now_ns();
	uint64_t sent, got, took;

	payload.m.run = run;
	sent = send_all(fd, &payload, len, per_second / 1e9, begin, begin + (uint64_t)(seconds * 1e9));
	took = now_ns() - begin;
	if (!ask_all(fd, run, &got)) {
		errno = ETIMEDOUT;
		return fail("no answer from the sink");
	}
	printf("%.0f %.0f %.5f\n", sent * 1e9 / took, got * 1e9 / took, got < sent ? 1 - (double)got / sent : 0.0);
	return 0;
}

int main(int argc, char **argv)
{
	const bool is_sink = argc == 3 && strcmp(argv[1], "sink") == 0;
	const bool is_send = argc == 6 && strcmp(argv[1], "send") == 0;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const int payload = is_send ? atoi(argv[3]) : PAYLOAD_MIN;
	const double per_second = is_send ? atof(argv[4]) : 0, seconds = is_send ? atof(argv[5]) : 1;
	int fd;

	if ((!is_sink && !is_send) || inet_pton(AF_INET, argv[2], &a.sin_addr) != 1 || payload < PAYLOAD_MIN || payload > PAYLOAD_MAX ||
	    per_second < 0 || seconds <= 0 || seconds > 3600) {
		fputs(help, stderr);
		return 2;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if ((is_sink ? bind : connect)(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return fail(argv[2]);
	return is_sink ? sink(fd) : flood(fd, payload, per_second, seconds);
}
