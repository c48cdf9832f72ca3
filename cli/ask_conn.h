/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection to a management socket, for one request at a time; never blocks. Private to ask.c and ask_fetch.c. */
#ifndef WGDP_ASK_CONN_H
#define WGDP_ASK_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "ask.h"

struct ask_conn {
	char path[108];		/* as long as an address may be */
	const char *name;
	int fd;			/* -1: not connected yet, or no more */
	const char *request;	/* what of it is still to be sent */
	unsigned int wait_ms;	/* for the first byte; ASK_WAIT_MS by ask_conn_init */
	uint64_t asked_ns, began_ns, received;	/* began: the answer's first byte, 0: none yet */
	struct answer answer;
};

enum ask_conn_state {
	ASK_CONN_MORE,
	ASK_CONN_DONE,		/* the whole answer is there */
	ASK_CONN_CLOSED,	/* ended by the other side before it said a byte */
	ASK_CONN_FAILED,	/* *code and err say why */
};

/* `name` is not copied. */
void ask_conn_init(struct ask_conn *c, const char *dir, const char *name);

/* Begins a request, over the connection if there is one. `request` is not copied. */
void ask_conn_ask(struct ask_conn *c, const char *request, bool (*line)(void *arg, char *key, char *value), void *arg);

enum ask_conn_state ask_conn_step(struct ask_conn *c, int *code, char err[ASK_ERRLEN]);
void ask_conn_poll(const struct ask_conn *c, int *fd, short *events, int *wait_ms);

/* Hangs up; another request connects anew. */
void ask_conn_close(struct ask_conn *c);

#endif
