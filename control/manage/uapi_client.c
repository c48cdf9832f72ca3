/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uapi.c calls uapi_client_step while there is something to do. Each step is one of: send what is ready, write the next piece of an answer, take
 * what lies in the input buffer, fill it. In that order, so a client that does not read its answer is not read from either, and what is
 * kept for it is one piece of an answer and one buffer of input.
 *
 * Where the end of a request cannot be told (not a known operation, a line too long) the answer, if there is one, is the last, and
 * what still comes is read and dropped for a while: closing at once would take the answer from a client that is still writing.
 */
#include "uapi_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "iface.h"
#include "pages.h"
#include "reload.h"
#include "stats.h"

/* Of all unfinished set requests together; who comes beyond it is told ENOMEM. */
#define COLLECTED_MAX (2 * (size_t)UAPI_SET_BYTES_MAX)

/* Kept texts. */

struct uapi_kept *uapi_kept_create(void)
{
	struct uapi_kept *t = calloc(1, sizeof(*t));

	if (t)
		t->refs = 1;
	return t;
}

bool uapi_kept_reserve(struct uapi_kept *t, size_t more)
{
	while (t->room - t->len < more) {
		void *text = pages_grow(t->text, &t->room);

		if (!text)
			return false;
		t->text = text;
	}
	return true;
}

void uapi_kept_drop(struct uapi_kept *t)
{
	if (!t || --t->refs)
		return;
	pages_free(t->text, t->len, t->room);
	free(t);
}

/* Its life. */

struct uapi_client *uapi_client_create(struct iface *i, int fd, size_t *collected, uint64_t now)
{
	struct uapi_client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->iface = i;
	c->fd = fd;
	c->collected = collected;
	c->progress_ns = now;
	return c;
}

static void end_set(struct uapi_client *c)
{
	if (!c->set)
		return;
	*c->collected -= c->own_collected;
	c->own_collected = 0;
	uapi_set_fini(c->set);
	free(c->set);
	c->set = NULL;
}

void uapi_client_destroy(struct uapi_client *c)
{
	end_set(c);
	uapi_kept_drop(c->kept);
	close(c->fd);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

bool uapi_client_has_answer(const struct uapi_client *c)
{
	return c->out_pos < c->out_len || c->kept || c->getting;
}

bool uapi_client_is_idle(const struct uapi_client *c)
{
	return c->state == UAPI_OPERATION && !c->operation_len && !uapi_client_has_answer(c) && c->in_pos == c->in_len;
}

/* One that is yet to begin will show what is there then. */
bool uapi_client_is_getting(const struct uapi_client *c)
{
	return c->getting && c->get.state != UAPI_GET_HEAD;
}

void uapi_client_keep(struct uapi_client *c, struct uapi_kept *t, size_t pos)
{
	t->refs++;
	c->kept = t;
	c->kept_pos = pos;
	c->getting = false;
}

/* Answers. There is none under way when one begins. */

static void answer_errno(struct uapi_client *c, int rc)
{
	c->out_pos = 0;
	c->out_len = (size_t)snprintf(c->out, sizeof(c->out), "errno=%d\n\n", rc);
}

/* A text that was written to memory, or NULL. */
static void answer_text(struct uapi_client *c, const char *text, size_t len)
{
	struct uapi_kept *t = text ? uapi_kept_create() : NULL;

	if (t && uapi_kept_reserve(t, len)) {
		memcpy(t->text, text, len);
		t->len = len;
		uapi_client_keep(c, t, 0);
	} else {
		answer_errno(c, -ENOMEM);
	}
	uapi_kept_drop(t);
}

static void begin_get(struct uapi_client *c, bool names)
{
	uapi_get_init(&c->get, c->iface, names);
	c->getting = true;
}

static void run_get(struct uapi_client *c)
{
	begin_get(c, false);
}

static void run_peers(struct uapi_client *c)
{
	begin_get(c, true);
}

static void run_stats(struct uapi_client *c)
{
	struct stats *s = malloc(sizeof(*s));
	char *text = NULL;
	size_t len = 0;
	FILE *out = s ? open_memstream(&text, &len) : NULL;

	if (out) {
		stats_collect(c->iface, s);
		stats_print(out, s);
		fputs("errno=0\n\n", out);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	answer_text(c, text, len);
	free(text);
	free(s);
}

/* Each line as message=LINE; what no line may hold (a file's name can) becomes '?'. */
static void put_messages(FILE *out, char *said)
{
	char *rest = said, *line;

	while ((line = strsep(&rest, "\n"))) {
		for (char *c = line; *c; c++)
			if ((unsigned char)*c < ' ' && *c != '\t')
				*c = '?';
		if (*line)
			fprintf(out, "message=%s\n", line);
	}
}

static void run_reload(struct uapi_client *c)
{
	char *said = NULL, *text = NULL;
	size_t said_len = 0, len = 0;
	FILE *diag = open_memstream(&said, &said_len), *out = open_memstream(&text, &len);
	int rc = diag && out ? reload_iface(c->iface, diag) : -ENOMEM;
	bool whole = true;

	if (diag)
		whole = fclose(diag) == 0;
	if (out) {
		if (diag && whole)
			put_messages(out, said);
		fprintf(out, "errno=%d\n\n", rc);
		whole &= fclose(out) == 0;
	}
	/* Without memory for what was said its result still is. */
	if (out && whole)
		answer_text(c, text, len);
	else
		answer_errno(c, rc);
	free(said);
	free(text);
}

static const struct operation {
	const char *line;
	void (*run)(struct uapi_client *c);	/* NULL: more lines follow */
} operations[] = {
	{ "get=1", run_get }, { "peers=1", run_peers }, { "set=1", NULL }, { "stats=1", run_stats }, { "reload=1", run_reload },
};

/* NULL: it is none. */
static const struct operation *operation_find(const struct uapi_client *c)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		size_t len = strlen(operations[i].line);

		if (c->operation_len == len && memcmp(c->operation, operations[i].line, len) == 0)
			return &operations[i];
	}
	return NULL;
}

/* Requests. Each of these takes a part of what lies in the input buffer. */

static void start_closing(struct uapi_client *c, uint64_t now)
{
	end_set(c);
	c->state = UAPI_CLOSING;
	c->progress_ns = now;
	shutdown(c->fd, SHUT_WR);
}

static void start_set(struct uapi_client *c)
{
	c->set = malloc(sizeof(*c->set));
	if (!c->set) {
		answer_errno(c, -ENOMEM);
		c->close_after = true;
		return;
	}
	uapi_set_init(c->set);
	c->state = UAPI_SET;
}

static void take_operation(struct uapi_client *c)
{
	const char *from = c->in + c->in_pos;
	const char *end = memchr(from, '\n', c->in_len - c->in_pos);
	size_t n = end ? (size_t)(end - from) : c->in_len - c->in_pos;
	const struct operation *o;

	if (c->operation_len + n > sizeof(c->operation)) {
		c->close_after = true;
		return;
	}
	memcpy(c->operation + c->operation_len, from, n);
	c->operation_len += n;
	c->in_pos += n;
	if (!end)
		return;
	c->in_pos++;
	o = operation_find(c);
	if (!o)
		c->close_after = true;	/* without an answer, as wireguard-go does */
	else if (o->run)
		c->state = UAPI_EMPTY_LINE;
	else
		start_set(c);
}

static void take_empty_line(struct uapi_client *c)
{
	const struct operation *o = operation_find(c);

	if (c->in[c->in_pos++] != '\n') {
		answer_errno(c, -EINVAL);
		c->close_after = true;
		return;
	}
	c->state = UAPI_OPERATION;
	c->operation_len = 0;
	o->run(c);
}

/* What all clients make us remember has a limit. */
static void account(struct uapi_client *c)
{
	size_t own = c->set->rc ? 0 : c->set->n_bytes;

	*c->collected += own - c->own_collected;
	c->own_collected = own;
	if (*c->collected <= COLLECTED_MAX)
		return;
	uapi_set_fail(c->set, -ENOMEM, "no memory for so many changes at once");
	*c->collected -= own;
	c->own_collected = 0;
}

static void take_set(struct uapi_client *c)
{
	struct uapi_set *s = c->set;
	int rc;

	c->in_pos += uapi_set_feed(s, c->in + c->in_pos, c->in_len - c->in_pos);
	account(c);
	if (!s->done)
		return;
	rc = s->rc;
	if (rc)
		log_line(LOG_DEBUG, c->iface->name, "a change was refused: %s: %s", s->key, strerror(-rc));
	else
		rc = change_apply(c->iface, &s->change);
	c->close_after = s->broken;
	end_set(c);
	c->state = UAPI_OPERATION;
	c->operation_len = 0;
	answer_errno(c, rc);
}

static void take(struct uapi_client *c)
{
	switch (c->state) {
	case UAPI_OPERATION:
		take_operation(c);
		break;
	case UAPI_EMPTY_LINE:
		take_empty_line(c);
		break;
	case UAPI_SET:
		take_set(c);
		break;
	case UAPI_CLOSING:
		c->in_pos = c->in_len;
		break;
	}
	if (c->in_pos == c->in_len)
		OPENSSL_cleanse(c->in, c->in_len);
}

/* The socket. */

/* Sends of these bytes what there is room for; *pos goes on. */
static enum uapi_step send_some(struct uapi_client *c, const char *text, size_t len, size_t *pos, uint64_t now)
{
	size_t n = len - *pos < UAPI_OUT_LEN ? len - *pos : UAPI_OUT_LEN;
	ssize_t sent = send(c->fd, text + *pos, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? UAPI_WAITS : UAPI_ENDS;
	*pos += (size_t)sent;
	c->progress_ns = now;
	return UAPI_MORE;
}

static enum uapi_step answer(struct uapi_client *c, uint64_t now)
{
	enum uapi_step step = UAPI_MORE;

	if (c->out_pos < c->out_len) {
		step = send_some(c, c->out, c->out_len, &c->out_pos, now);
		if (c->out_pos == c->out_len)
			OPENSSL_cleanse(c->out, c->out_len);
	} else if (c->kept) {
		step = send_some(c, c->kept->text, c->kept->len, &c->kept_pos, now);
		if (c->kept_pos == c->kept->len) {
			uapi_kept_drop(c->kept);
			c->kept = NULL;
		}
	} else {
		c->out_pos = 0;
		c->out_len = uapi_get_piece(&c->get, c->out, sizeof(c->out));
		c->getting = c->get.state != UAPI_GET_DONE;
	}
	return step;
}

static enum uapi_step fill(struct uapi_client *c, uint64_t now)
{
	ssize_t n = recv(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? UAPI_WAITS : UAPI_ENDS;
	c->in_pos = 0;
	c->in_len = (size_t)n;
	if (n > 0 && c->state != UAPI_CLOSING)
		c->progress_ns = now;
	return n > 0 ? UAPI_MORE : UAPI_ENDS;	/* a request that was not finished is forgotten */
}

enum uapi_step uapi_client_step(struct uapi_client *c, uint64_t now)
{
	if (c->broken)
		return UAPI_ENDS;
	if (uapi_client_has_answer(c))
		return answer(c, now);
	if (c->close_after && c->state != UAPI_CLOSING)
		start_closing(c, now);
	if (c->in_pos == c->in_len)
		return fill(c, now);
	take(c);
	return UAPI_MORE;
}
