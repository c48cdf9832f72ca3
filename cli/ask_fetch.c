/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * First stats=1: wireguard-go, which does not know it, hangs up at that. Then, over the same connection, peers=1, at which an older wgdp hangs
 * up. Who hung up is asked get=1 over a new one.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask_conn.h"

enum asking { STATS, PEERS, GET };

static const struct {
	const char *name, *request;
	bool (*line)(void *arg, char *key, char *value);
} asked[] = {
	[STATS] = { "stats=1", "stats=1\n\n", remote_stats_line },
	[PEERS] = { "peers=1", "peers=1\n\n", remote_get_line },
	[GET] = { "get=1", "get=1\n\n", remote_get_line },
};

struct ask_fetch {
	unsigned int what;	/* enum ask_fetch_what */
	enum asking asking;
	struct remote_iface iface;
	struct ask_conn conn;
};

static enum ask_fetch_state ask_for(struct ask_fetch *f, enum asking asking)
{
	f->asking = asking;
	f->iface.hint = 0;
	ask_conn_ask(&f->conn, asked[asking].request, asked[asking].line, &f->iface);
	return ASK_FETCH_MORE;
}

struct ask_fetch *ask_fetch_begin(const char *dir, const char *name, unsigned int what)
{
	struct ask_fetch *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	remote_init(&f->iface, name);
	ask_conn_init(&f->conn, dir, f->iface.name);
	f->what = what;
	ask_for(f, what & ASK_STATS ? STATS : GET);
	return f;
}

void ask_fetch_poll(const struct ask_fetch *f, int *fd, short *events, int *wait_ms)
{
	ask_conn_poll(&f->conn, fd, events, wait_ms);
}

/* An answer is complete, or (not known) refused. */
static enum ask_fetch_state answered(struct ask_fetch *f, bool known, int *code, char err[ASK_ERRLEN])
{
	if (known && f->conn.answer.err) {
		*code = f->conn.answer.err;
		snprintf(err, ASK_ERRLEN, "%s: its process refuses %s: %s", f->iface.name, asked[f->asking].name, strerror(*code));
		return ASK_FETCH_FAILED;
	}
	if (f->asking == PEERS && !known)
		return ask_for(f, GET);
	if (f->asking != STATS) {
		f->iface.get_ns = f->conn.began_ns;
		return ASK_FETCH_DONE;
	}
	f->iface.has_stats = known;
	if (!(f->what & (known ? ASK_GET | ASK_GET_IF_STATS : ASK_GET)))
		return ASK_FETCH_DONE;
	return ask_for(f, known ? PEERS : GET);
}

enum ask_fetch_state ask_fetch_step(struct ask_fetch *f, int *code, char err[ASK_ERRLEN])
{
	switch (ask_conn_step(&f->conn, code, err)) {
	case ASK_CONN_MORE:
		return ASK_FETCH_MORE;
	case ASK_CONN_DONE:
		return answered(f, true, code, err);
	case ASK_CONN_CLOSED:
		if (f->asking != GET)
			return answered(f, false, code, err);
		*code = ECONNRESET;
		snprintf(err, ASK_ERRLEN, "%s: its process hung up", f->iface.name);
		return ASK_FETCH_FAILED;
	default:
		if (f->iface.no_memory) {
			*code = ENOMEM;
			snprintf(err, ASK_ERRLEN, "%s: not enough memory for its answer", f->iface.name);
		}
		return ASK_FETCH_FAILED;
	}
}

void ask_fetch_take(struct ask_fetch *f, struct remote_iface *i)
{
	*i = f->iface;
	remote_init(&f->iface, i->name);
}

void ask_fetch_end(struct ask_fetch *f)
{
	if (!f)
		return;
	ask_conn_close(&f->conn);
	remote_fini(&f->iface);
	free(f);
}

int ask_iface(const char *dir, const char *name, unsigned int what, struct remote_iface *i, char err[ASK_ERRLEN])
{
	struct ask_fetch *f = ask_fetch_begin(dir, name, what);
	enum ask_fetch_state state;
	int code = ENOMEM;

	if (!f) {
		snprintf(err, ASK_ERRLEN, "%s: %s", name, strerror(ENOMEM));
		return -ENOMEM;
	}
	while ((state = ask_fetch_step(f, &code, err)) == ASK_FETCH_MORE) {
		struct pollfd p;
		int wait_ms;

		ask_fetch_poll(f, &p.fd, &p.events, &wait_ms);
		poll(&p, 1, wait_ms);
	}
	if (state == ASK_FETCH_DONE)
		ask_fetch_take(f, i);
	ask_fetch_end(f);
	return state == ASK_FETCH_DONE ? 0 : -code;
}
