/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names against a name server of the test's own, in a network and mount namespace with its own
 * /etc (resolv.conf, nsswitch.conf, host.conf, hosts): no DNS of the machine's is asked. Needs root.
 *
 * The server answers A questions with 198.51.100.5, AAAA with nothing, "fail..." with NXDOMAIN, and
 * "slow..." not before the test says so.
 */
#include "resolver.h"

#include "threaded.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

static struct {
	int fd;
	pthread_t thread;
	atomic_uint asked; /* slow questions */
	atomic_bool go;
	atomic_bool stop;
} dns;

static size_t dns_answer(uint8_t *m, size_t len)
{
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 5 };
	uint8_t *end = m + 12;

	while (*end)
		end += *end + 1;
	end += 5;
	m[2] |= 0x80;
	m[3] = 0x80;
	memset(m + 6, 0, 6);
	if (memcmp(m + 13, "fail", 4) == 0) {
		m[3] |= 3;
	} else if (end[-3] == 1 && (size_t)(end - m) + sizeof(a) <= len) {
		m[7] = 1;
		memcpy(end, a, sizeof(a));
		end += sizeof(a);
	}
	return (size_t)(end - m);
}

static void *dns_thread(void *arg)
{
	struct {
		uint8_t m[512];
		size_t len;
		struct sockaddr_in from;
	} held[64], q;
	unsigned int n = 0;

	(void)arg;
	while (!dns.stop) {
		struct pollfd p = { .fd = dns.fd, .events = POLLIN };
		socklen_t fromlen = sizeof(q.from);
		ssize_t got;

		for (; n && dns.go; n--)
			sendto(dns.fd, held[n - 1].m, dns_answer(held[n - 1].m, 512), 0,
			       (void *)&held[n - 1].from, sizeof(q.from));
		if (poll(&p, 1, 10) <= 0)
			continue;
		got = recvfrom(dns.fd, q.m, sizeof(q.m), 0, (void *)&q.from, &fromlen);
		if (got < 20)
			continue;
		if (memcmp(q.m + 13, "slow", 4) == 0 && !dns.go && n < 64) {
			held[n++] = q;
			dns.asked++;
			continue;
		}
		sendto(dns.fd, q.m, dns_answer(q.m, 512), 0, (void *)&q.from, fromlen);
	}
	return NULL;
}

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void world_make(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	cr_assert_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0, "this test needs root");
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("none", "/etc", "tmpfs", 0, NULL), 0);
	put_file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
	put_file("/etc/nsswitch.conf", "hosts: files dns\n");
	put_file("/etc/host.conf", "multi on\n");
	put_file("/etc/hosts", "127.0.0.1 localhost\n"
			       "2001:db8::1 both\n127.0.0.77 both\n"
			       "2001:db8::6 six\n");

	dns.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(ioctl(dns.fd, SIOCSIFFLAGS, &ifr), 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(dns.fd, (void *)&sin, sizeof(sin)), 0);
	dns.stop = dns.go = false;
	dns.asked = 0;
	cr_assert_eq(pthread_create(&dns.thread, NULL, dns_thread, NULL), 0);
}

static unsigned int resolver_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned int n = 0;
	struct dirent *e;

	while ((e = readdir(d))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && strcmp(name, "wgdp/dns\n") == 0)
			n++;
		fclose(f);
	}
	closedir(d);
	return n;
}

/* No worker is left behind, and nothing that it held. */
static void world_end(void)
{
	for (int i = 0; i < 2000 && resolver_threads(); i++)
		usleep(10000);
	cr_assert_eq(resolver_threads(), 0);
	dns.stop = true;
	pthread_join(dns.thread, NULL);
	close(dns.fd);
}

struct answer {
	void *cookie;
	struct sockaddr_storage ss;
	int error;
};

static bool readable(const struct resolver *r, int ms)
{
	struct pollfd p = { .fd = resolver_fd(r), .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static struct answer wait_answer(struct resolver *r)
{
	struct answer a;

	do
		cr_assert(readable(r, 20000), "no answer");
	while (!resolver_next(r, &a.cookie, &a.ss, &a.error));
	return a;
}

static struct sockaddr_storage v4(const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *sin = (void *)&ss;

	memset(&ss, 0, sizeof(ss));
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	cr_assert_eq(inet_pton(AF_INET, text, &sin->sin_addr), 1);
	return ss;
}

static struct sockaddr_storage v6(const char *text, uint16_t port, uint32_t zone)
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *sin6 = (void *)&ss;

	memset(&ss, 0, sizeof(ss));
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	sin6->sin6_scope_id = zone;
	cr_assert_eq(inet_pton(AF_INET6, text, &sin6->sin6_addr), 1);
	return ss;
}

/* Every byte, so that nothing is left undefined. */
static bool same(const struct sockaddr_storage *a, struct sockaddr_storage b)
{
	return memcmp(a, &b, sizeof(b)) == 0;
}

Test(resolving, numeric)
{
	struct sockaddr_storage ss;

	memset(&ss, 0xff, sizeof(ss));
	cr_assert(resolver_numeric("192.0.2.1", 51820, &ss));
	cr_assert(same(&ss, v4("192.0.2.1", 51820)));
	memset(&ss, 0xff, sizeof(ss));
	cr_assert(resolver_numeric("2001:db8::1", 1, &ss));
	cr_assert(same(&ss, v6("2001:db8::1", 1, 0)));
	cr_assert(resolver_numeric("fe80::1%lo", 65535, &ss));
	cr_assert(same(&ss, v6("fe80::1", 65535, if_nametoindex("lo"))));
	cr_assert(resolver_numeric("fe80::1%7", 9, &ss));
	cr_assert(same(&ss, v6("fe80::1", 9, 7)));
	cr_assert(resolver_numeric("2001:db8::1%3", 9, &ss));
	cr_assert(same(&ss, v6("2001:db8::1", 9, 0)), "no zone where there are none");
}

Test(resolving, not_numeric)
{
	static const char *const names[] = { "localhost", "",	   "192.0.2.256", "fe80::1%nonesuch",
					     "1.2.3.4.5", "::1::", "example.org", "[::1]" };
	struct sockaddr_storage ss;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ss.ss_family = AF_INET;
		cr_assert_not(resolver_numeric(names[i], 1, &ss), "%s", names[i]);
		cr_assert_eq(ss.ss_family, AF_UNSPEC);
	}
}

Test(resolving, names, .timeout = 280)
{
	struct resolver *r;
	struct answer a;
	int x, y;

	world_make();
	r = resolver_create();
	cr_assert_not_null(r);
	cr_assert_not(readable(r, 0));

	cr_assert_eq(resolver_submit(r, &x, "localhost", 7111), 0);
	a = wait_answer(r);
	cr_assert_eq(a.error, 0);
	cr_assert_eq(a.cookie, &x);
	/* glibc gives ::1 for it, too, if it likes */
	cr_assert(same(&a.ss, v4("127.0.0.1", 7111)) || same(&a.ss, v6("::1", 7111, 0)));
	cr_assert_not(readable(r, 0));

	cr_assert_eq(resolver_submit(r, &y, "six", 1), 0);
	a = wait_answer(r);
	cr_assert_eq(a.cookie, &y);
	cr_assert(same(&a.ss, v6("2001:db8::6", 1, 0)), "even where there is no IPv6 yet");

	cr_assert_eq(resolver_submit(r, &y, "server.example", 51820), 0);
	a = wait_answer(r);
	cr_assert(same(&a.ss, v4("198.51.100.5", 51820)));

	cr_assert_eq(resolver_submit(r, NULL, "both", 2), 0);
	a = wait_answer(r);
	cr_assert(same(&a.ss, v4("127.0.0.77", 2)), "what cannot be reached comes last");
	cr_assert_eq(resolver_threads(), 1, "one after the other needs no more");
	resolver_destroy(r);
	world_end();
}

Test(resolving, failures, .timeout = 280)
{
	struct resolver *r;
	struct answer a;
	int x;

	world_make();
	r = resolver_create();
	cr_assert_eq(resolver_submit(r, &x, "fail.example", 1), 0);
	a = wait_answer(r);
	cr_assert_eq(a.error, EAI_NONAME);
	cr_assert_eq(a.cookie, &x);
	cr_assert_eq(a.ss.ss_family, AF_UNSPEC);

	/* Nobody to ask: the error is another one, and nothing hangs. */
	put_file("/etc/resolv.conf", "nameserver 192.0.2.53\n");
	cr_assert_eq(resolver_submit(r, &x, "does-not-exist.invalid", 1), 0);
	a = wait_answer(r);
	cr_assert_neq(a.error, 0);
	cr_assert_eq(a.ss.ss_family, AF_UNSPEC);
	resolver_destroy(r);
	world_end();
}

enum { MANY = 200 };

Test(resolving, many, .timeout = 280)
{
	static unsigned int seen[MANY];
	struct resolver *r;
	char name[32];

	world_make();
	r = resolver_create();
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%s%u.example", i % 3 ? "host" : "fail", i);
		cr_assert_eq(resolver_submit(r, &seen[i], name, (uint16_t)(i + 1)), 0);
		cr_assert_leq(resolver_threads(), RESOLVER_THREADS);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		struct answer a = wait_answer(r);
		unsigned int which = (unsigned int)((unsigned int *)a.cookie - seen);

		cr_assert_lt(which, MANY);
		cr_assert_eq(seen[which]++, 0);
		if (which % 3)
			cr_assert(same(&a.ss, v4("198.51.100.5", (uint16_t)(which + 1))));
		else
			cr_assert_eq(a.error, EAI_NONAME);
	}
	cr_assert_not(readable(r, 0));
	resolver_destroy(r);
	world_end();
}

/* Each slow name is asked for twice, as A and AAAA. */
static void wait_asked(unsigned int names)
{
	for (int i = 0; i < 2000 && dns.asked < 2 * names; i++)
		usleep(10000);
	cr_assert_eq(dns.asked, 2 * names);
}

/* All threads are busy; whoever comes then waits. One slow name does not hold up another. */
Test(resolving, slow_ones, .timeout = 280)
{
	struct resolver *r;
	struct answer a;
	int slow, quick, waits;

	world_make();
	r = resolver_create();
	for (int i = 0; i < RESOLVER_THREADS - 1; i++)
		cr_assert_eq(resolver_submit(r, &slow, "slow.example", 1), 0);
	cr_assert_eq(resolver_submit(r, &quick, "quick.example", 1), 0);
	a = wait_answer(r);
	cr_assert_eq(a.cookie, &quick);
	cr_assert_eq(resolver_submit(r, &slow, "slow.example", 1), 0);
	wait_asked(RESOLVER_THREADS);
	cr_assert_eq(resolver_submit(r, &waits, "waits.example", 1), 0);
	cr_assert_not(readable(r, 200));
	dns.go = true;
	for (int i = 0; i < RESOLVER_THREADS + 1; i++)
		cr_assert_eq(wait_answer(r).error, 0);
	resolver_destroy(r);
	world_end();
}

/* While it runs, while it waits, when it is done. */
Test(resolving, cancel, .timeout = 280)
{
	struct resolver *r;
	int running, other, waiting, done;

	world_make();
	r = resolver_create();
	cr_assert_eq(resolver_submit(r, &done, "localhost", 1), 0);
	cr_assert(readable(r, 20000));
	resolver_cancel(r, &done);
	for (int i = 0; i < RESOLVER_THREADS; i++)
		cr_assert_eq(resolver_submit(r, i ? &running : &other, "slow.example", 1), 0);
	wait_asked(RESOLVER_THREADS);
	cr_assert_eq(resolver_submit(r, &waiting, "localhost", 1), 0);
	cr_assert_eq(resolver_submit(r, &other, "localhost", 1), 0);
	resolver_cancel(r, &running);
	resolver_cancel(r, &waiting);
	dns.go = true;
	cr_assert_eq(wait_answer(r).cookie, &other);
	cr_assert_eq(wait_answer(r).cookie, &other);
	cr_assert_not(readable(r, 200));
	resolver_destroy(r);
	world_end();
}

/* It does not wait for the server, and what runs on frees itself. */
Test(resolving, destroy_under_way, .timeout = 25)
{
	struct resolver *r;
	int x;

	world_make();
	r = resolver_create();
	cr_assert_eq(resolver_submit(r, &x, "localhost", 1), 0);
	cr_assert(readable(r, 20000));
	for (int i = 0; i < 3 * RESOLVER_THREADS; i++)
		cr_assert_eq(resolver_submit(r, &x, "slow.example", 1), 0);
	wait_asked(RESOLVER_THREADS);
	resolver_destroy(r);
	cr_assert_eq(resolver_threads(), RESOLVER_THREADS, "they wait; destroy did not");
	dns.go = true;
	world_end();
	cr_assert_eq(dns.asked, 2 * RESOLVER_THREADS, "those in the queue were dropped");
}

Test(resolving, destroy_idle, .timeout = 25)
{
	struct resolver *r;
	int x;

	world_make();
	resolver_destroy(NULL);
	resolver_destroy(resolver_create());
	r = resolver_create();
	cr_assert_eq(resolver_submit(r, &x, "localhost", 1), 0);
	wait_answer(r);
	resolver_destroy(r);
	world_end();
}
