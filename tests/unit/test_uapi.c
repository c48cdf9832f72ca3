/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The management socket with real clients, good and bad, on a /var/run of the test's own (root only). The test is the control thread: it
 * turns the loop, and its clock is a variable. What requests do to the interface is stood in for (__wrap_*).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "change_text.h"
#include "reload.h"
#include "stats.h"
#include "uapi.h"
#include "uapi_bed.h"

#define PATH "/var/run/wireguard/uabed.sock"
#define KEY "0100000000000000000000000000000000000000000000000000000000000000"

static struct uapi *server;
static uint64_t now;
static unsigned int n_applied;
static char *applied;		/* the last */
static int apply_rc;
static bool apply_empties;	/* it takes all peers away */
static const char *reload_says;
static int reload_rc;

int __wrap_change_apply(struct iface *i, const struct change *c);
int __wrap_reload_iface(struct iface *i, FILE *diag);
void __wrap_stats_collect(const struct iface *i, struct stats *s);

int __wrap_change_apply(struct iface *i, const struct change *c)
{
	cr_assert_eq(i, &bed);
	n_applied++;
	free(applied);
	applied = change_print(c);
	uapi_before_change(server);
	for (struct peer *p; apply_empties && (p = peers_next(&i->peers, NULL));) {
		allowedips_remove_owner(bed_table, &p->allowedips);
		peers_unlink(&i->peers, p);
		synchronize_rcu();
		memset(p, 0xee, sizeof(*p));
		free(p);
	}
	return apply_rc;
}

int __wrap_reload_iface(struct iface *i, FILE *diag)
{
	cr_assert_eq(i, &bed);
	uapi_before_change(server);
	fputs(reload_says, diag);
	return reload_rc;
}

void __wrap_stats_collect(const struct iface *i, struct stats *s)
{
	memset(s, 0, sizeof(*s));
	strcpy(s->name, i->name);
	strcpy(s->outer, "kernel");
	s->aead = "openssl";
	s->n_cores = 1;
}

static void enter(void)
{
	char err[UAPI_ERRLEN];

	cr_assert_eq(unshare(CLONE_NEWNS), 0, "run as root");
	cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("none", "/var/run", "tmpfs", 0, NULL), 0);
	now = 1000 * WG_NS_PER_SEC;
	bed_begin();
	bed.loop = loop_create();
	cr_assert_not_null(bed.loop);
	server = uapi_create(&bed, err);
	cr_assert_not_null(server, "%s", err);
}

static void leave(void)
{
	uapi_destroy(server);
	cr_assert_eq(access(PATH, F_OK), -1);
	loop_destroy(bed.loop);
	bed_end();
	free(applied);
}

TestSuite(uapi, .init = enter, .fini = leave, .timeout = 120);

/* One round of the control thread. */
static uint64_t turn(void)
{
	loop_wait(bed.loop, 0);
	rcu_quiescent_state();
	return uapi_tick(server, now);
}

/* Until nothing more happens by itself. The next time something does. */
static uint64_t settle(void)
{
	uint64_t next = now;

	for (int quiet = 0; quiet < 3;) {
		next = turn();
		quiet = next > now ? quiet + 1 : 0;
	}
	return next;
}

static int client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert(fd >= 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "%s", strerror(errno));
	return fd;
}

static void say_bytes(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		cr_assert(n > 0 || errno == EAGAIN, "%s", strerror(errno));
		if (n < 0)
			turn();
		else
			text += n, len -= (size_t)n;
	}
}

static void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* What there is to read now, in memory of its own; *end: and then the other side has closed. */
static char *hear(int fd, bool *end)
{
	char *text = NULL, piece[65536];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	ssize_t n;

	settle();
	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		fwrite(piece, 1, (size_t)n, out);
		settle();
	}
	*end = n == 0 || errno != EAGAIN;
	fclose(out);
	return text;
}

static void expect(int fd, const char *expected, bool closed)
{
	bool end;
	char *text = hear(fd, &end);

	cr_assert_str_eq(text, expected, "«%s»", text);
	cr_assert_eq(end, closed, "after «%s»", expected);
	free(text);
}

static void ask(int fd, const char *request, const char *answer)
{
	say(fd, request);
	expect(fd, answer, false);
}

#define GET "private_key=101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e6f\nlisten_port=51820\nerrno=0\n\n"

/* As many peers as make an answer that no socket's buffer holds: 3 MB. */
static void add_many_peers(void)
{
	for (uint32_t n = 1; n <= 6000; n++)
		bed_add_ip(bed_add_peer(n), "2001:db8::", (uint8_t)(n % 128));
}

/* An answer that is whole, with so many peers. */
static void expect_peers(const char *text, unsigned int n)
{
	cr_assert_eq(bed_count_lines(text, "public_key="), n);
	cr_assert_eq(bed_count_lines(text, "errno="), 1, "one answer");
	cr_assert_str_eq(text + strlen(text) - 10, "\nerrno=0\n\n");
}

/* Requests. */

Test(uapi, one_after_the_other)
{
	int fd = client();

	ask(fd, "get=1\n\n", GET);
	ask(fd, "set=1\nfwmark=7\n\n", "errno=0\n\n");
	cr_assert_str_eq(applied, "fwmark=7\n\n");
	ask(fd, "set=1\n\n", "errno=0\n\n");
	cr_assert_str_eq(applied, "\n");
	ask(fd, "get=1\n\nset=1\nlisten_port=1\n\nget=1\n\n", GET "errno=0\n\n" GET);
	cr_assert_eq(n_applied, 3);
	close(fd);
}

Test(uapi, byte_by_byte)
{
	const char *text = "set=1\npublic_key=" KEY "\nallowed_ip=10.0.0.0/8\n\nget=1\n\n";
	int fd = client();

	for (; text[1]; text++) {
		say_bytes(fd, text, 1);
		settle();
	}
	expect(fd, "errno=0\n\n", false);
	ask(fd, "\n", GET);
	cr_assert_str_eq(applied, "public_key=" KEY "\nallowed_ip=10.0.0.0/8\n\n");
	close(fd);
}

/* What apply says is the answer; what is faulty never comes there. */
Test(uapi, faults)
{
	int fd = client();

	apply_rc = -EADDRINUSE;
	ask(fd, "set=1\nlisten_port=80\n\n", "errno=-98\n\n");
	cr_assert_eq(n_applied, 1);
	ask(fd, "set=1\nlisten_port=80\nbogus=1\nlisten_port=81\n\n", "errno=-22\n\n");
	ask(fd, "set=1\nlisten_port\n\nset=1\nremove=true\n\n", "errno=-71\n\nerrno=-22\n\n");
	cr_assert_eq(n_applied, 1);
	ask(fd, "get=1\n\n", GET);
	close(fd);
}

/* As wireguard-go: what is no operation has no answer, and what follows get=1 must be empty. */
Test(uapi, garbage)
{
	static const struct { const char *request, *answer; } rows[] = {
		{ "\n", "" }, { "\n\n", "" }, { "get=2\n\n", "" }, { "get\n\n", "" }, { "bogus=1\n\n", "" }, { "set=1\r\n\r\n", "" },
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "" }, { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "" }, { "get=1 \n\n", "" },
		{ "get=1\nfoo=1\n\n", "errno=-22\n\n" }, { "stats=1\nx\n\n", "errno=-22\n\n" }, { "get=11\n\n", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = client();

		say(fd, rows[i].request);
		expect(fd, rows[i].answer, true);
		close(fd);
	}
	cr_assert_eq(n_applied, 0);
}

/* Its answer comes although the client is still writing, and all that it writes is read. */
Test(uapi, line_too_long)
{
	static char line[300000];
	int fd = client();

	memset(line, 'x', sizeof(line));
	say(fd, "set=1\n");
	say_bytes(fd, line, sizeof(line));
	expect(fd, "errno=-5\n\n", true);
	say_bytes(fd, line, sizeof(line));
	settle();
	close(fd);
	cr_assert_eq(n_applied, 0);
}

Test(uapi, half_a_request)
{
	int fd = client();

	say(fd, "set=1\nlisten_port=1\n");
	settle();
	close(fd);
	settle();
	fd = client();
	say(fd, "set=1\nlisten_port=1\n");
	shutdown(fd, SHUT_WR);
	expect(fd, "", true);
	close(fd);
	cr_assert_eq(n_applied, 0);
	/* but what was asked for before the end is answered */
	fd = client();
	say(fd, "get=1\n\nget=1\n\n");
	shutdown(fd, SHUT_WR);
	expect(fd, GET GET, true);
	close(fd);
}

Test(uapi, stats)
{
	int fd = client();
	bool end;
	char *text;

	say(fd, "stats=1\n\n");
	text = hear(fd, &end);
	cr_assert(strncmp(text, "name=uabed\n", 11) == 0 && !end);
	cr_assert_not_null(strstr(text, "\ncore=0\n"));
	cr_assert_str_eq(text + strlen(text) - 10, "\nerrno=0\n\n");
	free(text);
	close(fd);
}

Test(uapi, reload)
{
	int fd = client();

	reload_says = "";
	ask(fd, "reload=1\n\n", "errno=0\n\n");
	reload_says = "a.conf:3: Key: is bad\n\na.conf:4: \x1b[7m\r\n";
	reload_rc = -EINVAL;
	ask(fd, "reload=1\n\n", "message=a.conf:3: Key: is bad\nmessage=a.conf:4: ?[7m?\nerrno=-22\n\n");
	ask(fd, "get=1\n\n", GET);
	close(fd);
}

/* Several clients. */

Test(uapi, interleaved)
{
	int a = client(), b = client();

	say(a, "set=1\npublic_key=" KEY "\nallowed_ip=10.0.0.0/8\n");
	settle();
	say(b, "set=1\nlisten_port=5\n");
	settle();
	say(a, "allowed_ip=11.0.0.0/8\n");
	settle();
	say(b, "fwmark=6\n\n");
	expect(b, "errno=0\n\n", false);
	cr_assert_str_eq(applied, "listen_port=5\nfwmark=6\n\n");
	ask(a, "\n", "errno=0\n\n");
	cr_assert_str_eq(applied, "public_key=" KEY "\nallowed_ip=10.0.0.0/8\nallowed_ip=11.0.0.0/8\n\n");
	close(a);
	close(b);
}

/* Sixty at a time get all of a long answer. */
Test(uapi, many_at_once)
{
	int fd[60];

	add_many_peers();
	for (int k = 0; k < 60; k++) {
		fd[k] = client();
		say(fd[k], "get=1\n\n");
	}
	for (int k = 0; k < 60; k++) {
		bool end;
		char *text = hear(fd[k], &end);

		expect_peers(text, 6000);
		free(text);
		close(fd[k]);
	}
}

/* Who reads part of an answer, or none, sees the state before a change, whole. */
Test(uapi, change_while_others_read)
{
	enum { READERS = 5 };
	int fd[READERS], setter = client();
	char *begun[READERS], name[] = "alice";

	add_many_peers();
	for (struct peer *p = NULL; (p = peers_next(&bed.peers, p));)
		p->label = name;
	for (int k = 0; k < READERS; k++) {
		static char piece[400000];
		ssize_t n;
		size_t len = 0;

		fd[k] = client();
		say(fd[k], k % 2 ? "peers=1\n\n" : "get=1\n\n");
		settle();
		/* each somewhere else, the first nowhere */
		while (len < (size_t)k * 60000 && (n = recv(fd[k], piece + len, 5000, 0)) > 0) {
			len += (size_t)n;
			settle();
		}
		begun[k] = strndup(piece, len);
	}
	apply_empties = true;
	ask(setter, "set=1\nreplace_peers=true\n\n", "errno=0\n\n");
	ask(setter, "get=1\n\n", GET);
	for (int k = 0; k < READERS; k++) {
		bool end;
		char *rest = hear(fd[k], &end), *text;

		cr_assert_eq(asprintf(&text, "%s%s", begun[k], rest) > 0, true);
		expect_peers(text, 6000);
		cr_assert_eq(bed_count_lines(text, "name=alice"), k % 2 ? 6000 : 0);
		cr_assert(!end);
		ask(fd[k], "get=1\n\n", GET);
		free(begun[k]);
		free(rest);
		free(text);
		close(fd[k]);
	}
	close(setter);
}

/* Time. */

static void wait_seconds(unsigned int s)
{
	now += s * WG_NS_PER_SEC;
	settle();
}

Test(uapi, stalled)
{
	int idle = client(), half = client(), slow = client(), deaf = client(), first = client(), busy = client();
	bool end;
	char *text;

	add_many_peers();
	say(half, "set=1\nlisten_port=1\n");
	say(slow, "set=1\n");
	say(deaf, "get=1\n\n");
	say(first, "ge");
	settle();
	for (int k = 0; k < 3; k++) {
		wait_seconds(4);
		say(slow, "listen_port=2\n");
		settle();
		ask(busy, "set=1\n\n", "errno=0\n\n");
	}
	expect(half, "", true);
	expect(first, "", true);
	text = hear(deaf, &end);
	cr_assert(end && !strstr(text, "errno="), "cut off in the middle");
	free(text);
	ask(slow, "\n", "errno=0\n\n");
	cr_assert_str_eq(applied, "listen_port=2\n\n");
	wait_seconds(100000);
	ask(idle, "set=1\n\n", "errno=0\n\n");
	for (int *fd = (int[]){ idle, half, slow, deaf, first, busy, -1 }; *fd >= 0; fd++)
		close(*fd);
}

/* The times it asks to be called at are those at which something happens. */
Test(uapi, next_time)
{
	int fd = client();
	uint64_t begin = now;

	cr_assert_eq(settle(), begin + WG_NS_PER_SEC, "the socket is looked at");
	say(fd, "set=1\n");
	for (uint64_t next = settle(); next < begin + 10 * WG_NS_PER_SEC; next = settle())
		now = next;
	expect(fd, "", false);
	now = begin + 10 * WG_NS_PER_SEC;
	expect(fd, "", true);
	close(fd);
}

/* A hundred: the idle make room for others, the busy do not. */
Test(uapi, hundred)
{
	int fd[100];
	unsigned int closed = 0;

	for (int k = 0; k < 100; k++) {
		fd[k] = client();
		settle();
		now++;
	}
	for (int k = 0; k < 100; k++) {
		char c;

		if (recv(fd[k], &c, 1, 0) == 0) {
			cr_assert(k < 36, "%d: those that were there first", k);
			closed++;
		}
	}
	cr_assert_eq(closed, 36);
	for (int k = 36; k < 100; k++) {
		say(fd[k], "set=1\nlisten_port=1\n");
		settle();
	}
	for (int k = 0; k < 3; k++) {
		int late = client();

		expect(late, "", true);
		close(late);
	}
	ask(fd[50], "\n", "errno=0\n\n");
	fd[0] = client();
	ask(fd[0], "get=1\n\n", GET);
	expect(fd[50], "", true);
	for (int k = 0; k < 100; k++)
		close(fd[k]);
	settle();
	cr_assert_eq(n_applied, 1);
}

/* Somebody writes without end, somebody asks without reading; a third is served in a few rounds. */
Test(uapi, flood)
{
	static char lines[200000], gets[70000];
	int writer = client(), asker = client(), other = client();
	char answer[64];
	unsigned int rounds = 0;

	add_many_peers();
	for (size_t k = 0; k < sizeof(lines); k += 9)
		memcpy(lines + k, "fwmark=1\n", sizeof(lines) - k < 9 ? sizeof(lines) - k : 9);
	for (size_t k = 0; k + 7 <= sizeof(gets); k += 7)
		memcpy(gets + k, "get=1\n\n", 7);
	say(writer, "set=1\n");
	for (unsigned int n = 0; n < 20; n++) {
		send(writer, lines, sizeof(lines) / 9 * 9, MSG_NOSIGNAL);
		send(asker, gets, sizeof(gets), MSG_NOSIGNAL);
		turn();
		turn();
		send(other, "set=1\n\n", 7, MSG_NOSIGNAL);
		for (rounds = 0; recv(other, answer, sizeof(answer), 0) < 0; rounds++) {
			cr_assert(rounds < 10);
			send(writer, lines, sizeof(lines) / 9 * 9, MSG_NOSIGNAL);
			turn();
		}
	}
	close(writer);
	close(asker);
	close(other);
}

/* Connections that come and go. */
Test(uapi, come_and_go)
{
	int last;

	for (int k = 0; k < 2000; k++) {
		int fd = client();

		if (k % 3)
			say(fd, &"get=1\n\n"[k % 5]);
		if (k % 2)
			turn();
		close(fd);
		if (k % 50 == 0)
			settle();
	}
	settle();
	last = client();
	ask(last, "get=1\n\n", GET);
	close(last);
}

/* The file. */

Test(uapi, modes)
{
	struct stat st;

	cr_assert(stat(PATH, &st) == 0 && S_ISSOCK(st.st_mode));
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert(stat("/var/run/wireguard", &st) == 0 && S_ISDIR(st.st_mode));
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(st.st_nlink, 2);
}

/* An open door does not help: who connects must be root. */
Test(uapi, strangers)
{
	int fd;

	chmod(PATH, 0777);
	chmod("/var/run/wireguard", 0755);
	cr_assert_eq(seteuid(65534), 0);
	fd = client();
	cr_assert_eq(seteuid(0), 0);
	say(fd, "get=1\n\n");
	expect(fd, "", true);
	close(fd);
}

Test(uapi, removed)
{
	wait_seconds(2);
	cr_assert_not(uapi_removed(server));
	unlink(PATH);
	wait_seconds(2);
	cr_assert(uapi_removed(server));
}

/* Somebody else's socket in the place of ours is theirs. */
Test(uapi, replaced)
{
	char err[UAPI_ERRLEN];
	struct uapi *second;

	unlink(PATH);
	second = uapi_create(&bed, err);
	cr_assert_not_null(second, "%s", err);
	wait_seconds(2);
	cr_assert(uapi_removed(server));
	uapi_destroy(server);
	cr_assert_eq(access(PATH, F_OK), 0);
	server = second;
}

Test(uapi, second_process)
{
	char err[UAPI_ERRLEN];

	cr_assert_null(uapi_create(&bed, err));
	cr_assert_str_eq(err, "uabed: another process answers on " PATH ": stop it first");
}

Test(uapi, stale)
{
	char err[UAPI_ERRLEN];
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	uapi_destroy(server);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	close(fd);
	cr_assert_eq(access(PATH, F_OK), 0);
	server = uapi_create(&bed, err);
	cr_assert_not_null(server, "%s", err);
	fd = client();
	ask(fd, "get=1\n\n", GET);
	close(fd);
}

/* No descriptor for a connection: it waits, the loop does not spin, and later it is served. */
Test(uapi, no_descriptors)
{
	int fd = client(), filler[2048], n = 0;

	while (n < 2048 && (filler[n] = dup(fd)) >= 0)
		n++;
	if (n == 2048)
		cr_skip_test("there are more descriptors than one would fill");
	say(fd, "get=1\n\n");
	cr_assert(settle() > now);
	while (n)
		close(filler[--n]);
	wait_seconds(1);
	expect(fd, GET, false);
	close(fd);
}

static void expect_refused(const char *expected)
{
	char err[UAPI_ERRLEN];

	cr_assert_null(uapi_create(&bed, err));
	cr_assert_str_eq(err, expected);
}

Test(uapi, bad_folders)
{
	char err[UAPI_ERRLEN];

	uapi_destroy(server);
	chmod("/var/run/wireguard", 0770);
	expect_refused("others can write to /var/run/wireguard: chmod it to 0700");
	chmod("/var/run/wireguard", 0702);
	expect_refused("others can write to /var/run/wireguard: chmod it to 0700");
	chmod("/var/run/wireguard", 0700);
	cr_assert_eq(chown("/var/run/wireguard", 65534, 65534), 0);
	expect_refused("/var/run/wireguard belongs to user 65534: remove it, or chown it to root");
	rmdir("/var/run/wireguard");
	cr_assert_eq(symlink("/tmp", "/var/run/wireguard"), 0);
	expect_refused("/var/run/wireguard is no folder: remove it");
	unlink("/var/run/wireguard");
	cr_assert_eq(mkdir("/var/run/wireguard", 0755), 0);
	close(open(PATH, O_CREAT | O_WRONLY, 0600));
	expect_refused(PATH " is no socket: remove it");
	unlink(PATH);
	server = uapi_create(&bed, err);
	cr_assert_not_null(server, "%s", err);
}
