/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All connections of an interface's management socket. The loop's callbacks only note who has something to do; uapi_tick, once a round of
 * the control thread, serves them in turn, until all wait or its time is up: then it goes on in the next round with the one after
 * the last. What a single connection does is uapi_client.c's.
 */
#include "uapi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "dataplane.h"
#include "iface.h"
#include "protocol.h"
#include "uapi_client.h"
#include "uapi_socket.h"

enum {
	CLIENTS_MAX = 64,
	ACCEPTS_PER_ROUND = 16,
	STEPS_PER_TURN = 4,	/* 32 KiB of lines, or 128 KiB of an answer */
};

#define ROUND_NS 2000000ull			/* for all clients together; a step more may be under way */
#define PATIENCE_NS (10 * WG_NS_PER_SEC)	/* with a client that is in the middle of something and does not go on */
#define LOOK_NS WG_NS_PER_SEC			/* at whether the file is there; after there was no descriptor to be had, too */
#define KEPT_MAX (256ull << 20)			/* bytes of one answer in memory */

struct uapi {
	struct iface *iface;
	struct uapi_socket socket;
	bool removed;
	bool knocked;			/* somebody may want to connect */
	uint64_t look_ns;		/* time to look at the file */
	unsigned int n, next;		/* clients; whose turn it is */
	struct uapi_client *client[CLIENTS_MAX];
	size_t collected;		/* uapi_client.h */
};

static void on_connect(void *arg)
{
	struct uapi *u = arg;

	u->knocked = true;
}

static void on_client(void *arg)
{
	struct uapi_client *c = arg;

	c->ready = true;
}

struct uapi *uapi_create(struct iface *i, char err[UAPI_ERRLEN])
{
	struct uapi *u = calloc(1, sizeof(*u));
	int rc;

	if (!u) {
		snprintf(err, UAPI_ERRLEN, "no memory");
		return NULL;
	}
	u->iface = i;
	if (uapi_socket_open(&u->socket, i->name, err)) {
		rc = loop_add(i->loop, u->socket.fd, on_connect, u);
		if (!rc)
			return u;
		snprintf(err, UAPI_ERRLEN, "cannot wait for connections: %s", strerror(-rc));
		uapi_socket_close(&u->socket);
	}
	free(u);
	return NULL;
}

static void drop(struct uapi *u, unsigned int k)
{
	loop_remove(u->iface->loop, u->client[k]->fd);
	uapi_client_destroy(u->client[k]);
	u->client[k] = NULL;
	u->n--;
}

void uapi_destroy(struct uapi *u)
{
	if (!u)
		return;
	for (unsigned int k = 0; k < CLIENTS_MAX; k++)
		if (u->client[k])
			drop(u, k);
	loop_remove(u->iface->loop, u->socket.fd);
	uapi_socket_close(&u->socket);
	free(u);
}

bool uapi_removed(const struct uapi *u)
{
	return u->removed;
}

/* Connecting. */

/* A free place, if need be that of the client that has been idle for longest. CLIENTS_MAX: all are busy. */
static unsigned int find_place(struct uapi *u)
{
	unsigned int oldest = CLIENTS_MAX;

	for (unsigned int k = 0; k < CLIENTS_MAX; k++) {
		const struct uapi_client *c = u->client[k];

		if (!c)
			return k;
		if (uapi_client_is_idle(c) && !c->ready &&
		    (oldest == CLIENTS_MAX || c->progress_ns < u->client[oldest]->progress_ns))
			oldest = k;
	}
	if (oldest < CLIENTS_MAX)
		drop(u, oldest);
	return oldest;
}

static void add_client(struct uapi *u, int fd, uint64_t now)
{
	unsigned int k = find_place(u);
	struct uapi_client *c;

	if (k == CLIENTS_MAX) {
		log_line(LOG_DEBUG, u->iface->name, "a connection to the management socket was refused: %u are busy", u->n);
		close(fd);
		return;
	}
	c = uapi_client_create(u->iface, fd, &u->collected, now);
	if (!c)
		return;
	if (loop_add(u->iface->loop, fd, on_client, c)) {
		uapi_client_destroy(c);
		return;
	}
	c->ready = true;	/* most have written already */
	u->client[k] = c;
	u->n++;
}

static void accept_clients(struct uapi *u, uint64_t now)
{
	for (int n = 0; n < ACCEPTS_PER_ROUND; n++) {
		int fd = uapi_socket_accept(&u->socket);

		if (fd >= 0) {
			add_client(u, fd, now);
		} else if (fd != -EPERM && fd != -ECONNABORTED && fd != -EINTR) {
			/* No descriptor, no memory: it stays readable, and without this the loop would spin. */
			if (fd != -EAGAIN)
				loop_want(u->iface->loop, u->socket.fd, false, false);
			u->knocked = false;
			return;
		}
	}
}

static void look_at_socket(struct uapi *u, uint64_t now)
{
	u->look_ns = now + LOOK_NS;
	u->removed |= !uapi_socket_is_there(&u->socket);
	loop_want(u->iface->loop, u->socket.fd, true, false);
}

/* Serving. */

static void serve(struct uapi *u, unsigned int k, uint64_t now)
{
	struct uapi_client *c = u->client[k];
	enum uapi_step step = UAPI_MORE;

	for (int n = 0; n < STEPS_PER_TURN && step == UAPI_MORE; n++)
		step = uapi_client_step(c, now);
	if (step == UAPI_ENDS) {
		drop(u, k);
		return;
	}
	c->ready = step == UAPI_MORE;
	if (c->ready || c->wants_room == uapi_client_has_answer(c))
		return;
	c->wants_room = !c->wants_room;
	loop_want(u->iface->loop, c->fd, !c->wants_room, c->wants_room);
}

/* True: there is more to do. */
static bool serve_all(struct uapi *u, uint64_t now)
{
	uint64_t end = dataplane_now() + ROUND_NS;
	unsigned int quiet = 0;		/* places in a row with nothing to do */

	while (u->n && quiet < CLIENTS_MAX) {
		unsigned int k = u->next;

		u->next = (k + 1) % CLIENTS_MAX;
		if (!u->client[k] || !u->client[k]->ready) {
			quiet++;
			continue;
		}
		quiet = 0;
		serve(u, k, now);
		if (dataplane_now() >= end)
			break;
	}
	for (unsigned int k = 0; k < CLIENTS_MAX; k++)
		if (u->client[k] && u->client[k]->ready)
			return true;
	return false;
}

/* Drops who is too slow; when the next of those that are left will be. */
static uint64_t drop_slow(struct uapi *u, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int k = 0; k < CLIENTS_MAX; k++) {
		const struct uapi_client *c = u->client[k];

		if (!c || uapi_client_is_idle(c))
			continue;
		if (now >= c->progress_ns + PATIENCE_NS) {
			log_line(LOG_DEBUG, u->iface->name, "a client of the management socket was cut off: it does not go on");
			drop(u, k);
		} else if (c->progress_ns + PATIENCE_NS < next) {
			next = c->progress_ns + PATIENCE_NS;
		}
	}
	return next;
}

uint64_t uapi_tick(struct uapi *u, uint64_t now)
{
	bool more = false;
	uint64_t next = UINT64_MAX;

	if (now >= u->look_ns)
		look_at_socket(u, now);
	if (u->knocked)
		accept_clients(u, now);
	if (u->n) {
		more = serve_all(u, now);
		next = drop_slow(u, now);
	}
	if (more || u->knocked)
		return now;
	return next < u->look_ns ? next : u->look_ns;
}

/* Before a change. */

static bool is_getting(const struct uapi_client *c, bool names)
{
	return c && uapi_client_is_getting(c) && c->get.names == names;
}

static unsigned int count_getting(const struct uapi *u, bool names)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < CLIENTS_MAX; k++)
		n += is_getting(u->client[k], names);
	return n;
}

/* Those that go on where g does have the text from here on. How many they are. */
static unsigned int hand_over(struct uapi *u, const struct uapi_get *g, struct uapi_kept *t)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < CLIENTS_MAX; k++) {
		struct uapi_client *c = u->client[k];

		if (!is_getting(c, g->names) || !uapi_get_same(&c->get, g))
			continue;
		uapi_client_keep(c, t, t->len);
		n++;
	}
	return n;
}

/* Writes the answer once, for all who asked for that one, from where the hindmost is. False: no memory. */
static bool keep_answers(struct uapi *u, bool names, struct uapi_kept *t)
{
	unsigned int left = count_getting(u, names), given = 0;
	struct uapi_get g;

	for (uapi_get_init(&g, u->iface, names); g.state != UAPI_GET_DONE;) {
		if (given < left)
			given += hand_over(u, &g, t);
		if (!given) {
			OPENSSL_cleanse(t->text, t->len);	/* all of them have read this */
			t->len = 0;
		}
		if (t->len > KEPT_MAX || !uapi_kept_reserve(t, UAPI_GET_MIN))
			return false;
		t->len += uapi_get_piece(&g, t->text + t->len, UAPI_GET_MIN);	/* one unit */
	}
	return true;
}

/* Who has no answer, or only part of one, gets no more of it. */
static void break_off(struct uapi *u, bool names, const struct uapi_kept *t)
{
	for (unsigned int k = 0; k < CLIENTS_MAX; k++) {
		struct uapi_client *c = u->client[k];

		if (c && (is_getting(c, names) || (t && c->kept == t)))
			c->broken = c->ready = true;
	}
}

static void complete_answers(struct uapi *u, bool names)
{
	struct uapi_kept *t;

	if (!count_getting(u, names))
		return;
	t = uapi_kept_create();
	if (!t || !keep_answers(u, names, t))
		break_off(u, names, t);
	uapi_kept_drop(t);
}

void uapi_before_change(struct uapi *u)
{
	if (!u)
		return;
	complete_answers(u, false);
	complete_answers(u, true);
}
