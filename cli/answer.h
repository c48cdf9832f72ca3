/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An answer on the management socket: bytes in, KEY=VALUE lines out, until errno=N and an empty line. No socket in here: it is fed, by
 * whoever reads. The peer may be broken or hostile: lines are bounded, and what is no answer is an error. Any thread.
 */
#ifndef WGDP_CLI_ANSWER_H
#define WGDP_CLI_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/* A line is at most that long, with its end. */
enum { ANSWER_LINE = 4096, ANSWER_BUFFER = 64 * 1024 };

enum answer_state {
	ANSWER_MORE,	/* it goes on */
	ANSWER_DONE,	/* errno says how it ended */
	ANSWER_BROKEN,	/* it is none: why says what is wrong */
};

struct answer {
	/*
	 * One line, without its end. Both are terminated and printable ASCII, other bytes stand as '?'; but the value of "name" is printable
	 * UTF-8. They may be changed, and are gone when this returns. False: the line cannot be, with which the answer is broken.
	 */
	bool (*line)(void *arg, char *key, char *value);
	void *arg;
	enum answer_state state;
	const char *why;	/* BROKEN: a few words */
	int err;		/* DONE: errno's value as a positive number, 0: done as asked */
	bool has_err, any;	/* errno= was seen; anything was */
	size_t have;
	char buf[ANSWER_BUFFER];
};

/* Begins one. `line` is called with `arg`, not for errno. */
void answer_begin(struct answer *a, bool (*line)(void *arg, char *key, char *value), void *arg);

/* Where the next bytes go, and how many have room: never 0 while the state is MORE. */
char *answer_space(struct answer *a, size_t *room);

/* n bytes were put there. Returns a->state; after DONE or BROKEN there is no more. */
enum answer_state answer_filled(struct answer *a, size_t n);

/* Wipes what was read: keys may be among it. */
void answer_wipe(struct answer *a);

#endif
