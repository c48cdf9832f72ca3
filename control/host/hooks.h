/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PreUp, PostUp, PreDown, PostDown: a list of commands, one after the other, each in a shell of its
 * own. They run beside the event loop, because a command may need the tunnel or the management
 * socket itself (`ping` through the tunnel, `wg set %i ...`).
 *
 * wg-quick(8) hands a command to bash's eval, under `set -e -o pipefail`, `shopt -s extglob` and
 * LC_ALL=C. So does this; where there is no bash, `/bin/sh -e` runs it. stdin is /dev/null, stdout
 * and stderr are ours, no other descriptor is open, signals are as in a fresh process. Each command
 * has a process group of its own.
 *
 * One thread per struct hooks. SIGCHLD must not be ignored (SIG_IGN, SA_NOCLDWAIT).
 */
#ifndef WGDP_HOOKS_H
#define WGDP_HOOKS_H

#include <sched.h>
#include <stdbool.h>

#include "conf.h"

enum { HOOKS_ERRLEN = 256 };

struct hooks;

struct hooks_conf {
	const struct conf_strings *commands; /* must live as long as the struct hooks */
	const char *ifname; /* these two for messages; likewise */
	const char *kind; /* "PostUp" */
	bool keep_going; /* after a command that failed; each is logged then */
	/* On which cores they run, while DPDK pins our own thread to one. NULL: where we do. */
	const cpu_set_t *cpus;
};

enum hooks_state {
	HOOKS_RUNNING,
	HOOKS_DONE, /* all ran and succeeded; or none was there */
	HOOKS_FAILED, /* at least one did not; hooks_error says which */
};

/* Nothing runs before the first hooks_step. NULL: out of memory or descriptors (errno). */
struct hooks *hooks_create(const struct hooks_conf *conf);

/* For epoll: readable when hooks_step has something to do. The same until hooks_destroy. */
int hooks_fd(const struct hooks *h);

/*
 * Starts the next command if none runs; never waits. Call it once to begin, then whenever hooks_fd
 * is readable, until the result is not HOOKS_RUNNING. Prints `[#] COMMAND` to stderr before each,
 * as wg-quick does.
 */
enum hooks_state hooks_step(struct hooks *h);

/* What went wrong first: "PostUp: `false' ended with status 1". "" while nothing did. */
const char *hooks_error(const struct hooks *h);

/*
 * Frees. A command that still runs is ended with its whole process group: SIGTERM, and SIGKILL when
 * that does not help within a second (so long this call may take). NULL is allowed.
 */
void hooks_destroy(struct hooks *h);

/* All of it, waiting for the end. False: one failed, with the line of hooks_error in `err`. */
bool hooks_run(const struct hooks_conf *conf, char err[HOOKS_ERRLEN]);

#endif
