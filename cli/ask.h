/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks running processes over /var/run/wireguard/NAME.sock (wireguard.com/xplatform, and wgdp's stats=1, peers=1 and reload=1). Nothing here trusts
 * the other side: who does not answer within 5 s, or goes on so slowly that it never ends, is given up. Errors are one line for the
 * user. One thread at a time.
 */
#ifndef WGDP_CLI_ASK_H
#define WGDP_CLI_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "remote.h"

#define ASK_DIR "/var/run/wireguard"

/* An answer may take 5 s, and a second more for each 256 KiB of it; what a command does may take a minute (100,000 routes). */
enum { ASK_ERRLEN = 256, ASK_WAIT_MS = 5000, ASK_COMMAND_WAIT_MS = 60000, ASK_BYTES_PER_MS = 256 };

struct ask_fetch;

enum ask_fetch_what {
	ASK_STATS = 1,
	ASK_GET = 2,		/* also if stats=1 is not known; with names if peers=1 is */
	ASK_GET_IF_STATS = 4,	/* only if it is */
};

enum ask_fetch_state { ASK_FETCH_MORE, ASK_FETCH_DONE, ASK_FETCH_FAILED };

/*
 * Begins to ask for what an interface is like. `dir` is ASK_DIR, but in tests. NULL: no memory. Never blocks, nor does
 * ask_fetch_step: call that when fd is ready for events, or after *wait_ms.
 */
struct ask_fetch *ask_fetch_begin(const char *dir, const char *name, unsigned int what);

/* DONE: ask_fetch_take; FAILED: err says why (errno in *code: ENOENT, EACCES, ECONNREFUSED, ETIMEDOUT, EPROTO ...). */
enum ask_fetch_state ask_fetch_step(struct ask_fetch *f, int *code, char err[ASK_ERRLEN]);

/* What to poll for; fd may be -1: then only wait. */
void ask_fetch_poll(const struct ask_fetch *f, int *fd, short *events, int *wait_ms);

/* Moves the result to *i, which the caller ends with remote_fini. */
void ask_fetch_take(struct ask_fetch *f, struct remote_iface *i);

/* Ends it, at any time. NULL is allowed. */
void ask_fetch_end(struct ask_fetch *f);

/* All of that at once, waiting. 0: *i is filled in; -errno: err says why, and *i needs no remote_fini. */
int ask_iface(const char *dir, const char *name, unsigned int what, struct remote_iface *i, char err[ASK_ERRLEN]);

/*
 * Sends `request` ("reload=1\n\n") and waits; each message=TEXT of the answer is a line on `messages`. 0, or -errno: of the process (then *said
 * is true) or of asking it, with a line in err.
 */
int ask_command(const char *dir, const char *name, const char *request, FILE *messages, bool *said,
			char err[ASK_ERRLEN]);

/* Whether a name can be an interface's: what comes from the user goes into a path. */
bool ask_name_ok(const char *name);

/*
 * The names in `dir` that have a socket, sorted; whether somebody answers is another matter. *names and each of them is to be freed. 0 or -errno
 * (no such folder is no error: there are none) with a line in err.
 */
int ask_list(const char *dir, char ***names, size_t *n, char err[ASK_ERRLEN]);
void ask_list_free(char **names, size_t n);

/* CLOCK_MONOTONIC, in ns. */
uint64_t ask_now(void);

#endif
