/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wgdp: reads its arguments and configuration files, starts DPDK and the interfaces, and is the control thread until a signal, or
 * the end of the last interface, ends it.
 */
#include <errno.h>
#include <getopt.h>
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

#include "conf.h"
#include "eal.h"
#include "iface.h"
#include "keytool.h"
#include "log.h"
#include "loop.h"

enum { IFACES_MAX = 32, TIME_SCALE_MAX = 1000, EXIT_USAGE = 2 };

struct app {
	struct loop *loop;
	int signals;		/* signalfd */
	bool failed;
	unsigned int time_scale;
	struct conf *conf[IFACES_MAX];
	unsigned int n_conf;
	struct iface *iface[IFACES_MAX];	/* NULL: has ended */
	unsigned int n_iface;
};

static void usage(FILE *out)
{
	fputs("usage: wgdp --conf FILE [--conf FILE ...]   run WireGuard interfaces until SIGINT or SIGTERM\n"
	      "       wgdp --check --conf FILE ...         only read the files and say what is wrong with them\n"
	      "       wgdp genkey | pubkey | genpsk        make keys, as wg(8) does\n"
	      "options:\n"
	      "  --verbose         say more\n"
	      "  --time-scale N    for tests: the protocol's timers run N times faster\n"
	      "  --help, --version\n"
	      "FILE is a wg-quick(8) configuration; the interface has its name without .conf. SIGUSR1 prints the state.\n",
	      out);
}

static void on_signal(void *arg)
{
	struct app *a = arg;
	struct signalfd_siginfo si;

	while (read(a->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGUSR1) {
			loop_stop(a->loop);
			continue;
		}
		for (unsigned int k = 0; k < a->n_iface; k++)
			if (a->iface[k])
				iface_status(a->iface[k]);
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

/* All files are read, and all faults said, before anything else happens. */
static bool read_confs(struct app *a, char **paths)
{
	bool ok = true;

	for (unsigned int k = 0; k < a->n_conf; k++) {
		a->conf[k] = conf_read(paths[k], stderr);
		if (!a->conf[k]) {
			ok = false;
			continue;
		}
		for (unsigned int j = 0; j < k; j++) {
			if (!a->conf[j] || strcmp(a->conf[j]->ifname, a->conf[k]->ifname))
				continue;
			fprintf(stderr, "%s: interface %s is configured by %s already\n", paths[k], a->conf[k]->ifname, paths[j]);
			ok = false;
		}
	}
	return ok;
}

static bool start_interfaces(struct app *a)
{
	size_t memory = 0;

	for (unsigned int k = 0; k < a->n_conf; k++)
		memory += iface_memory(a->conf[k]);
	if (!eal_start(memory))
		return false;
	while (a->n_iface < a->n_conf) {
		struct iface *i = iface_up(a->conf[a->n_iface], a->loop, a->time_scale);

		if (!i)
			return false;
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
			a->iface[k] = NULL;
			iface_down(i);
		}
		alive += a->iface[k] != NULL;
	}
	return alive && !a->failed;
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
	rcu_quiescent_state();
	for (unsigned int k = 0; k < a->n_iface; k++)
		if (a->iface[k])
			more |= iface_arm(a->iface[k]);
	loop_wait(a->loop, more ? 0 : until);
	for (unsigned int k = 0; k < a->n_iface; k++)
		if (a->iface[k])
			iface_disarm(a->iface[k]);
}

static int run_daemon(struct app *a)
{
	a->loop = loop_create();
	if (!a->loop || !watch_signals(a)) {
		log_line(LOG_ERR, NULL, "cannot watch descriptors: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	no_core_dumps();
	pthread_setname_np(pthread_self(), "wgdp/ctl");
	rcu_register_thread();
	loop_set_round(a->loop, round_of_all, a);
	if (!start_interfaces(a))
		a->failed = !loop_stops(a->loop);	/* a signal that ends the start is no failure */
	else
		while (!loop_stops(a->loop) && reap(a))
			loop_round(a->loop);
	while (a->n_iface)
		iface_down(a->iface[--a->n_iface]);
	rcu_barrier();
	rcu_unregister_thread();
	eal_stop();
	loop_destroy(a->loop);
	close(a->signals);
	return a->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool parse_number(const char *text, unsigned int max, unsigned int *n)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*n = (unsigned int)v;
	return *text >= '0' && *text <= '9' && !*end && v >= 1 && v <= max;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },	{ "check", no_argument, NULL, 'k' },
		{ "time-scale", required_argument, NULL, 't' }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct app a = { .signals = -1, .time_scale = 1 };
	char *paths[IFACES_MAX];
	bool check = false;
	int opt, rc;

	if (argc == 2 && (rc = keytool_run(argv[1])) >= 0)
		return rc;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			if (a.n_conf == IFACES_MAX) {
				fprintf(stderr, "wgdp: at most %d --conf\n", IFACES_MAX);
				return EXIT_USAGE;
			}
			paths[a.n_conf++] = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 't':
			if (!parse_number(optarg, TIME_SCALE_MAX, &a.time_scale)) {
				fprintf(stderr, "wgdp: --time-scale: a number from 1 to %d expected\n", TIME_SCALE_MAX);
				return EXIT_USAGE;
			}
			break;
		case 'v':
			log_set_level(LOG_DEBUG);
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("wgdp " WGDP_VERSION);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc || !a.n_conf) {
		usage(stderr);
		return EXIT_USAGE;
	}
	rc = read_confs(&a, paths) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (rc == EXIT_SUCCESS && !check)
		rc = run_daemon(&a);
	for (unsigned int k = 0; k < a.n_conf; k++)
		conf_free(a.conf[k]);
	return rc;
}
