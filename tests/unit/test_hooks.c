/* SPDX-License-Identifier: BSD-3-Clause */
/* Hooks as processes: each test has a directory of its own, in which its commands leave traces. */
#include "hooks.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[] = "/tmp/wgdp-hooks-XXXXXX";

static void enter(void)
{
	cr_assert_not_null(mkdtemp(home));
	cr_assert_eq(chdir(home), 0);
}

static void leave(void)
{
	char command[64];

	cr_assert_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", home);
	cr_assert_eq(system(command), 0);
}

TestSuite(hooks, .init = enter, .fini = leave, .timeout = 280);

/* What a file holds; "" if there is none. */
static const char *slurp(const char *name)
{
	static char bufs[4][4096];
	static unsigned int turn;
	char *buf = bufs[turn++ % 4];
	FILE *f = fopen(name, "r");

	buf[0] = '\0';
	if (!f)
		return buf;
	buf[fread(buf, 1, sizeof(bufs[0]) - 1, f)] = '\0';
	fclose(f);
	return buf;
}

static struct conf *conf_of(const char *lines)
{
	char text[2048];
	struct conf *c;
	int n = snprintf(text, sizeof(text),
			 "[Interface]\n"
			 "PrivateKey = uJtK6fVYTmoAMAzCW8kwmUVNJ0vnXDyR3DX2qPVYhHc=\n%s",
			 lines);

	c = conf_parse("nifwg0.conf", text, (size_t)n, stderr);
	cr_assert_not_null(c);
	return c;
}

/* Runs the PostUp lines of a conf. */
static bool post_up(const char *lines, bool keep_going, char err[HOOKS_ERRLEN])
{
	struct conf *c = conf_of(lines);
	const struct hooks_conf hc = { &c->post_up, "nifwg0", "PostUp", keep_going, NULL };
	bool ok = hooks_run(&hc, err);

	conf_free(c);
	return ok;
}

/* Runs one command, whatever it is made of. */
static bool command(char *text)
{
	struct conf_strings list = { &text, 1 };
	const struct hooks_conf hc = { &list, "nifwg0", "PreUp", false, NULL };
	char err[HOOKS_ERRLEN];

	return hooks_run(&hc, err);
}

Test(hooks, in_order_with_the_name)
{
	char err[HOOKS_ERRLEN] = "?";

	cr_assert(post_up("PostUp = sleep 0.2; echo %i one >>log\n"
			  "PostUp = echo two %i >>log\n"
			  "PreUp = echo not me >>log\n"
			  "PostUp = echo three %i.%i >>log\n",
			  false, err));
	cr_assert_str_eq(slurp("log"), "nifwg0 one\ntwo nifwg0\nthree nifwg0.nifwg0\n");
	cr_assert_str_eq(err, "");
}

Test(hooks, none)
{
	char err[HOOKS_ERRLEN] = "?";

	cr_assert(post_up("", false, err));
	cr_assert_str_eq(err, "");
}

Test(hooks, failure_stops)
{
	char err[HOOKS_ERRLEN];

	cr_assert_not(post_up("PostUp = echo 1 >>log\nPostUp = exit 3\nPostUp = echo 2 >>log\n",
			      false, err));
	cr_assert_str_eq(err, "PostUp: `exit 3' ended with status 3");
	cr_assert_str_eq(slurp("log"), "1\n");
}

Test(hooks, failure_is_passed_over)
{
	char err[HOOKS_ERRLEN];

	cr_assert_not(post_up("PostUp = kill -9 $$\nPostUp = exit 3\nPostUp = echo 2 >>log\n",
			      true, err));
	cr_assert_str_eq(err, "PostUp: `kill -9 $$' was ended by signal 9");
	cr_assert_str_eq(slurp("log"), "2\n");
}

Test(hooks, log_lines)
{
	char err[HOOKS_ERRLEN];
	int fd = open("stderr", O_CREAT | O_WRONLY, 0600), old = dup(2);

	dup2(fd, 2);
	post_up("PostUp = echo out of %i >&2\nPostUp = false\n", true, err);
	dup2(old, 2);
	cr_assert_str_eq(slurp("stderr"), "[#] echo out of nifwg0 >&2\n"
					  "out of nifwg0\n"
					  "[#] false\n"
					  "wgdp: nifwg0: PostUp: `false' ended with status 1\n");
}

/* What wg-quick's users count on. */
Test(hooks, as_in_wg_quick)
{
	cr_assert(access("/bin/bash", X_OK) == 0, "this test needs bash");
	cr_assert(command("[[ abc == a+([bc]) ]]"));
	cr_assert_not(command("false; true"));
	cr_assert_not(command("false | true"));
	cr_assert(command("false || true"));
	cr_assert(command("[[ $LC_ALL == C ]]"));
	cr_assert(command("! read -r line"), "stdin is empty");
	cr_assert_not(command("-c true"), "is no option");
}

Test(hooks, environment)
{
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("WGDP_TEST", "a b", 1);
	cr_assert(command("[[ $LC_ALL == C && $WGDP_TEST == 'a b' ]]"));
	cr_assert_str_eq(getenv("LC_ALL"), "de_DE.UTF-8");
}

Test(hooks, no_descriptors)
{
	/* Libraries leave such open. */
	cr_assert_geq(open("/dev/null", O_RDONLY), 0);
	cr_assert_eq(dup2(2, 200), 200);
	/* 3: ls's own */
	cr_assert(command("ls /proc/self/fd >fds"));
	cr_assert_str_eq(slurp("fds"), "0\n1\n2\n3\n");
}

Test(hooks, signals)
{
	unsigned long long blocked, ignored;
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	cr_assert(command("grep -E 'Sig(Blk|Ign)' /proc/self/status >status"));
	cr_assert_eq(sscanf(slurp("status"), "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	cr_assert_eq(blocked, 0);
	/* 32 and 33 are glibc's own: posix_spawn leaves them ignored. */
	cr_assert_eq(ignored & ~(3ull << 31), 0);
}

Test(hooks, process_group)
{
	cr_assert(command("ps -o pgid= $$ >pgid; echo $$ >pid"));
	cr_assert_eq(atoi(slurp("pgid")), atoi(slurp("pid")));
	cr_assert_neq(atoi(slurp("pid")), 0);
}

Test(hooks, cores)
{
	char *text = "grep Cpus_allowed: /proc/self/status >cpus";
	struct conf_strings list = { &text, 1 };
	struct hooks_conf hc = { &list, "nifwg0", "PreUp", false, NULL };
	cpu_set_t all, one, after;
	char err[HOOKS_ERRLEN], expected[4096];

	cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) < 2)
		cr_skip_test("needs two cores");
	cr_assert(command("grep Cpus_allowed: /proc/self/status >expected"));
	snprintf(expected, sizeof(expected), "%s", slurp("expected"));

	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	hc.cpus = &all;
	cr_assert(hooks_run(&hc, err));
	cr_assert_str_eq(slurp("cpus"), expected);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_assert(CPU_EQUAL(&after, &one), "ours are as before");
}

static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* A command that waits for what its starter does next, as a ping through the tunnel would. */
Test(hooks, beside_the_loop)
{
	struct conf *c = conf_of("PostUp = cat fifo >got\nPostUp = echo done >>got\n");
	const struct hooks_conf hc = { &c->post_up, "nifwg0", "PostUp", false, NULL };
	struct hooks *h;
	int fd;

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	h = hooks_create(&hc);
	cr_assert_not_null(h);
	cr_assert_eq(hooks_step(h), HOOKS_RUNNING);
	cr_assert_eq(hooks_step(h), HOOKS_RUNNING);
	cr_assert_not(is_readable(hooks_fd(h), 50));
	fd = open("fifo", O_WRONLY);
	cr_assert_eq(write(fd, "hello\n", 6), 6);
	close(fd);
	while (hooks_step(h) == HOOKS_RUNNING)
		cr_assert(is_readable(hooks_fd(h), 10000));
	cr_assert_eq(hooks_step(h), HOOKS_DONE);
	cr_assert_str_eq(slurp("got"), "hello\ndone\n");
	hooks_destroy(h);
	conf_free(c);
}

static bool wait_for(const char *file)
{
	for (int i = 0; i < 1000; i++) {
		if (*slurp(file))
			return true;
		usleep(10000);
	}
	return false;
}

/* A child of init, once its parent is dead, is reaped by init: may take its time. */
static bool wait_dead(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 1000; i++) {
		const char *stat = slurp(path);

		if (!*stat || strstr(stat, ") Z"))
			return true;
		usleep(10000);
	}
	return false;
}

static void destroy_running(const char *line)
{
	struct conf *c = conf_of(line);
	const struct hooks_conf hc = { &c->post_up, "nifwg0", "PostUp", false, NULL };
	struct hooks *h = hooks_create(&hc);

	cr_assert_eq(hooks_step(h), HOOKS_RUNNING);
	cr_assert(wait_for("ready"));
	hooks_destroy(h);
	cr_assert(wait_dead(atoi(slurp("pid"))));
	conf_free(c);
}

Test(hooks, destroy_ends_the_group)
{
	destroy_running("PostUp = sleep 100 & echo $! >pid; echo >ready; wait\n");
}

Test(hooks, destroy_ends_the_stubborn)
{
	destroy_running("PostUp = trap '' TERM; sleep 100 & echo $! >pid; echo >ready; wait\n");
}

/* A daemon that a hook starts is none of our business. */
Test(hooks, background_lives_on)
{
	pid_t pid;

	cr_assert(command("sleep 100 >/dev/null 2>&1 & echo $! >pid"));
	pid = atoi(slurp("pid"));
	usleep(50000);
	cr_assert_eq(kill(pid, 0), 0);
	kill(pid, SIGKILL);
}
