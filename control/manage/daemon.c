/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process: signals, DPDK, the interfaces, and the control thread's rounds, until a signal or the end of the last interface.
 * Everything here is the control thread, which is the main thread.
 */
#include "daemon.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "background.h"
#include "eal.h"
#include "iface.h"
#include "log.h"
#include "loop.h"
#include "manage.h"
#include "notify.h"
#include "privileges.h"
#include "reload.h"
#include "status.h"

struct app {
	const struct daemon_conf *conf;
	struct loop *loop;
	int signals;		/* signalfd */
	bool failed, ready;
	struct notify notify;
	struct iface *iface[DAEMON_IFACES_MAX];	/* NULL: has ended */
	unsigned int n_iface;
	struct manage *manage;
};

static void reload(struct iface *i)
{
	char *text = NULL, *line, *rest;
	size_t len = 0;
	FILE *diag = open_memstream(&text, &len);
	int rc;

	if (!diag) {
		log_line(LOG_ERR, i->name, "no memory to read the file again");
		return;
	}
	rc = reload_iface(i, diag);
	if (fclose(diag) == 0)
		for (rest = text; (line = strsep(&rest, "\n"));)
			if (*line)
				log_line(rc ? LOG_ERR : LOG_WARN, NULL, "%s", line);
	if (rc)
		log_line(LOG_ERR, i->name, "the file was not loaded, and nothing was changed");
	free(text);
}

/* A bare interface has no file to read again: as with wireguard-go, a terminal that hangs up ends it. */
static bool ends(const struct app *a, uint32_t signo)
{
	return signo == SIGINT || signo == SIGTERM || (signo == SIGHUP && a->conf->bare);
}

static void on_signal(void *arg)
{
	struct app *a = arg;
	struct signalfd_siginfo si;

	while (read(a->signals, &si, sizeof(si)) == sizeof(si)) {
		if (ends(a, si.ssi_signo))
			loop_stop(a->loop);
		for (unsigned int k = 0; k < a->n_iface; k++) {
			if (!a->iface[k])
				continue;
			if (si.ssi_signo == SIGUSR1)
				status_print(a->iface[k]);
			else if (si.ssi_signo == SIGHUP && !a->conf->bare)
				reload(a->iface[k]);
		}
	}
}

/* liburcu's thread lets SIGUSR1 in, whatever we block: it hands it on to the main thread, whose id is the process's. */
static void to_main_thread(int signo)
{
	syscall(SYS_tgkill, getpid(), getpid(), signo);
}

/* Signals are read in the loop, by this thread only: so they are blocked before there is any other. */
static bool watch_signals(struct app *a)
{
	const struct sigaction forward = { .sa_handler = to_main_thread, .sa_flags = SA_RESTART };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &forward, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	a->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return a->signals >= 0 && loop_add(a->loop, a->signals, on_signal, a) == 0;
}

/* Keys stay out of core dumps, also of those that a handler would get. */
static void no_core_dumps(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__	/* its leak check attaches to its own process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Those that no interface has taken. */
static void free_confs(const struct daemon_conf *dc, unsigned int from)
{
	while (from < dc->n_conf)
		conf_free(dc->conf[from++]);
}

static bool start_management(struct app *a)
{
	a->manage = manage_create(a->loop);
	if (!a->manage)
		log_line(LOG_ERR, NULL, "cannot make what shows metrics: %s", strerror(errno));
	return a->manage;
}

/* Before there is another thread: all of them then have no more than this. */
static bool drop_privileges(const struct daemon_conf *dc)
{
	char err[PRIVILEGES_ERRLEN];
	unsigned int needs = 0;

	for (unsigned int k = 0; k < dc->n_conf; k++)
		needs |= privileges_needs(dc->conf[k]);
	if (privileges_drop(needs, err))
		return true;
	log_line(LOG_ERR, NULL, "%s", err);
	return false;
}

static bool start_dpdk(const struct daemon_conf *dc)
{
	const char *devices[2 * DAEMON_IFACES_MAX];
	size_t memory = 0, n = 0;

	for (unsigned int k = 0; k < dc->n_conf; k++) {
		memory += iface_memory(dc->conf[k]);
		devices[n++] = dc->conf[k]->outer;
		if (dc->conf[k]->lan)
			devices[n++] = dc->conf[k]->lan;
	}
	return eal_start(memory, dc->conf[0]->ifname, devices, n);
}

static bool start_interfaces(struct app *a)
{
	const struct daemon_conf *dc = a->conf;

	if (!drop_privileges(dc) || !start_dpdk(dc) || !start_management(a)) {
		free_confs(dc, 0);
		return false;
	}
	while (a->n_iface < dc->n_conf) {
		struct iface_conf ic = {
			.conf = dc->conf[a->n_iface],
			.bare = dc->bare,
			.loop = a->loop,
			.manager = &manage_ifaces,
			.manager_arg = a->manage,
			.time_scale = dc->time_scale,
		};
		struct iface *i = iface_up(&ic);

		if (!i) {
			free_confs(dc, a->n_iface + 1);
			return false;
		}
		a->iface[a->n_iface++] = i;
	}
	return true;
}

/* Takes down the interfaces that have ended by themselves. False: none is left. */
static bool reap(struct app *a)
{
	unsigned int alive = 0;

	for (unsigned int k = 0; k < a->n_iface; k++) {
		struct iface *i = a->iface[k];

		if (i && (i->state == IFACE_GONE || i->state == IFACE_FAILED)) {
			a->failed |= i->state == IFACE_FAILED;
			iface_pre_down(i);
			a->iface[k] = NULL;
			iface_down(i);
		}
		alive += a->iface[k] != NULL;
	}
	return alive && !a->failed;
}

static void go_background(const struct app *a)
{
	if (!a->conf->background)
		return;
	log_to_syslog();
	background_ready();
}

/* Everything is up, PostUp included, but for what has ended already: whoever started us may go on. */
static void say_ready(struct app *a)
{
	for (unsigned int k = 0; k < a->n_iface; k++)
		if (a->iface[k] && a->iface[k]->state != IFACE_UP)
			return;
	a->ready = true;
	notify_status("%u interface%s up", a->n_iface, a->n_iface == 1 ? "" : "s");
	notify_ready();
	go_background(a);
}

/* One round: every interface's work, then waiting for more. */
static void round_of_all(void *arg)
{
	struct app *a = arg;
	uint64_t now = dataplane_now(), until = UINT64_MAX, next;
	bool more = false;

	for (unsigned int k = 0; k < a->n_iface; k++) {
		struct iface *i = a->iface[k];

		if (!i)
			continue;
		more |= iface_run(i, now, &next);
		more |= i->state == IFACE_GONE || i->state == IFACE_FAILED;
		if (next < until)
			until = next;
	}
	next = manage_tick(a->manage, now);
	if (next < until)
		until = next;
	next = notify_tick(&a->notify, now);
	if (next < until)
		until = next;
	rcu_quiescent_state();
	for (unsigned int k = 0; k < a->n_iface; k++)
		if (a->iface[k])
			more |= iface_arm(a->iface[k]);
	loop_wait(a->loop, more ? 0 : until);
	for (unsigned int k = 0; k < a->n_iface; k++)
		if (a->iface[k])
			iface_disarm(a->iface[k]);
}

static int run(struct app *a)
{
	a->loop = loop_create();
	if (!a->loop || !watch_signals(a)) {
		log_line(LOG_ERR, NULL, "cannot watch descriptors: %s", strerror(errno));
		free_confs(a->conf, 0);
		loop_destroy(a->loop);
		return EXIT_FAILURE;
	}
	notify_init(&a->notify);
	no_core_dumps();
	pthread_setname_np(pthread_self(), "wgdp/ctl");
	rcu_register_thread();
	loop_set_round(a->loop, round_of_all, a);
	if (!start_interfaces(a)) {
		a->failed = !loop_stops(a->loop);	/* a signal that ends the start is no failure */
	} else {
		while (!loop_stops(a->loop) && reap(a)) {
			if (!a->ready)
				say_ready(a);
			loop_round(a->loop);
		}
	}
	notify_stopping(&a->notify);
	while (a->n_iface) {
		struct iface *i = a->iface[a->n_iface - 1];

		if (i)
			iface_pre_down(i);
		a->n_iface--;
		iface_down(i);
	}
	manage_destroy(a->manage);
	rcu_barrier();
	rcu_unregister_thread();
	eal_stop();
	loop_destroy(a->loop);
	close(a->signals);
	return a->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int daemon_run(const struct daemon_conf *dc)
{
	struct app a = { .conf = dc, .signals = -1 };

	return run(&a);
}
