/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hooks_step goes through the commands; a pidfd in an epoll set of our own tells when one has
 * ended, so that the owner sees one descriptor all along. The control thread calls, at start-up and
 * shut-down.
 */
#include "hooks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

enum { HOOKS_TERM_MS = 1000 };

struct hooks {
	struct hooks_conf conf;
	size_t next; /* command to start */
	pid_t pid; /* that runs, 0: none */
	int pidfd; /* its, -1: none */
	int epoll;
	bool failed;
	char error[HOOKS_ERRLEN];
	char **env;
};

__attribute__((format(printf, 3, 4))) static void hooks_fail(struct hooks *h, const char *command,
							      const char *fmt, ...)
{
	char line[HOOKS_ERRLEN];
	int len = snprintf(line, sizeof(line), "%s: `%.120s' ", h->conf.kind, command);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + len, sizeof(line) - (size_t)len, fmt, ap);
	va_end(ap);
	if (h->conf.keep_going)
		log_line(LOG_WARN, h->conf.ifname, "%s", line);
	if (!h->failed)
		memcpy(h->error, line, sizeof(line));
	h->failed = true;
}

/* Ours, but with LC_ALL=C. The strings stay the environment's, except the last. */
static char **hooks_env(void)
{
	static char locale[] = "LC_ALL=C";
	size_t n = 0, kept = 0;
	char **env;

	while (environ && environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LC_ALL=", 7) != 0)
			env[kept++] = environ[i];
	env[kept] = locale;
	return env;
}

struct hooks *hooks_create(const struct hooks_conf *conf)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->conf = *conf;
	h->pidfd = -1;
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->env = hooks_env();
	if (h->epoll >= 0 && h->env)
		return h;
	hooks_destroy(h);
	return NULL;
}

int hooks_fd(const struct hooks *h)
{
	return h->epoll;
}

const char *hooks_error(const struct hooks *h)
{
	return h->error;
}

static int spawn_attributes(posix_spawnattr_t *attr)
{
	const short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	rc = posix_spawnattr_setsigdefault(attr, &all);
	if (!rc)
		rc = posix_spawnattr_setsigmask(attr, &none);
	if (!rc)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (!rc)
		rc = posix_spawnattr_setflags(attr, flags);
	return rc;
}

/* Every descriptor from 3 up is closed: libraries do not mark all of theirs close-on-exec. */
static int spawn_files(posix_spawn_file_actions_t *files)
{
	int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return rc;
}

static int spawn_shell(struct hooks *h, char *command, const posix_spawnattr_t *attr,
		       const posix_spawn_file_actions_t *files)
{
	static char bash[] = "/bin/bash", sh[] = "/bin/sh", e[] = "-e", o[] = "-o",
		    pipefail[] = "pipefail", O[] = "-O", extglob[] = "extglob", c[] = "-c",
		    dashes[] = "--";
	char *bash_argv[] = { bash, e, o, pipefail, O, extglob, c, dashes, command, NULL };
	char *sh_argv[] = { sh, e, c, dashes, command, NULL };

	if (access(bash, X_OK) == 0)
		return posix_spawn(&h->pid, bash, files, attr, bash_argv, h->env);
	return posix_spawn(&h->pid, sh, files, attr, sh_argv, h->env);
}

/* Returns 0 or an errno; on error no process runs. */
static int spawn_command(struct hooks *h, char *command)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	cpu_set_t ours;
	bool moved = false;
	int rc;

	rc = posix_spawnattr_init(&attr);
	if (rc)
		return rc;
	rc = posix_spawn_file_actions_init(&files);
	if (rc) {
		posix_spawnattr_destroy(&attr);
		return rc;
	}
	rc = spawn_attributes(&attr);
	if (!rc)
		rc = spawn_files(&files);
	/* The child has the affinity that we have at this moment: if it cannot be set, ours. */
	if (!rc && h->conf.cpus && !sched_getaffinity(0, sizeof(ours), &ours))
		moved = !sched_setaffinity(0, sizeof(*h->conf.cpus), h->conf.cpus);
	if (!rc)
		rc = spawn_shell(h, command, &attr, &files);
	if (moved)
		sched_setaffinity(0, sizeof(ours), &ours);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (rc)
		h->pid = 0;
	return rc;
}

static void hooks_reap(struct hooks *h, int *status)
{
	while (waitpid(h->pid, status, 0) < 0 && errno == EINTR)
		;
	h->pid = 0;
	if (h->pidfd >= 0)
		close(h->pidfd);
	h->pidfd = -1;
}

/* False: nothing runs, and that is noted as a failure. */
static bool hooks_start(struct hooks *h, char *command)
{
	struct epoll_event event = { .events = EPOLLIN };
	int rc, status;

	fprintf(stderr, "[#] %s\n", command);
	fflush(stdout);
	rc = spawn_command(h, command);
	if (rc) {
		hooks_fail(h, command, "could not be started: %s", strerror(rc));
		return false;
	}
	h->pidfd = pidfd_open(h->pid, 0);
	if (h->pidfd >= 0 && !epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->pidfd, &event))
		return true;

	hooks_fail(h, command, "cannot be watched: %s", strerror(errno));
	kill(-h->pid, SIGKILL);
	hooks_reap(h, &status);
	return false;
}

/* False: it still runs. */
static bool hooks_ended(struct hooks *h)
{
	const char *command = h->conf.commands->s[h->next - 1];
	siginfo_t info = { 0 };
	int status = 0;

	if (waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && !info.si_pid)
		return false;
	hooks_reap(h, &status);
	if (WIFSIGNALED(status))
		hooks_fail(h, command, "was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		hooks_fail(h, command, "ended with status %d", WEXITSTATUS(status));
	return true;
}

enum hooks_state hooks_step(struct hooks *h)
{
	const struct conf_strings *commands = h->conf.commands;

	if (h->pid && !hooks_ended(h))
		return HOOKS_RUNNING;
	while (h->next < commands->n && (!h->failed || h->conf.keep_going))
		if (hooks_start(h, commands->s[h->next++]))
			return HOOKS_RUNNING;
	return h->failed ? HOOKS_FAILED : HOOKS_DONE;
}

void hooks_destroy(struct hooks *h)
{
	struct pollfd p;
	int status;

	if (!h)
		return;
	if (h->pid) {
		kill(-h->pid, SIGTERM);
		p = (struct pollfd){ .fd = h->pidfd, .events = POLLIN };
		poll(&p, 1, HOOKS_TERM_MS);
		/* Not reaped yet, so the group is still ours: for whoever is left in it, too. */
		kill(-h->pid, SIGKILL);
		hooks_reap(h, &status);
	}
	if (h->epoll >= 0)
		close(h->epoll);
	free(h->env);
	free(h);
}

bool hooks_run(const struct hooks_conf *conf, char err[HOOKS_ERRLEN])
{
	struct hooks *h = hooks_create(conf);
	enum hooks_state state;

	if (!h) {
		snprintf(err, HOOKS_ERRLEN, "%s: %s", conf->kind, strerror(errno));
		return false;
	}
	while ((state = hooks_step(h)) == HOOKS_RUNNING) {
		struct pollfd p = { .fd = h->epoll, .events = POLLIN };

		poll(&p, 1, -1);
	}
	memcpy(err, h->error, HOOKS_ERRLEN);
	hooks_destroy(h);
	return state == HOOKS_DONE;
}
