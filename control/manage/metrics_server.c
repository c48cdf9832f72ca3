/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libmicrohttpd with its own epoll descriptor, which is in the control thread's loop: a readable one makes server_tick run the library
 * once, and the library calls `answer` for a request, then `read_piece` for as much of a page as the socket takes. When a round's share of
 * bytes is written, read_piece says "not yet" and the library comes back in the next round.
 */
#include "metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics_text.h"
#include "protocol.h"

/* One page that is being sent. */
struct answer {
	struct cds_list_head of_server;
	struct server *server;
	bool openmetrics;
	struct metrics_page *page;	/* begun with the first piece; NULL: not yet */
};

/* ---- pages */

static struct snapshot *fresh_snapshot(struct server *s)
{
	const struct iface **ifaces;

	if (s->snapshot && dataplane_now() - s->snapshot->taken_ns < SERVER_SHARE_MS * 1000000ull)
		return s->snapshot;
	snapshot_put(s->snapshot);
	s->snapshot = NULL;
	ifaces = calloc(s->n_ifaces, sizeof(*ifaces));
	if (!ifaces)
		return NULL;
	for (unsigned int k = 0; k < s->n_ifaces; k++)
		ifaces[k] = s->ifaces[k].iface;
	s->snapshot = snapshot_take(ifaces, s->n_ifaces);
	free(ifaces);
	return s->snapshot;
}

static bool begin_page(struct answer *a)
{
	struct server *s = a->server;
	struct snapshot *snapshot = s->n_ifaces ? fresh_snapshot(s) : NULL;

	if (snapshot)
		a->page = metrics_page_begin(s->ifaces, s->n_ifaces, snapshot, a->openmetrics);
	return a->page;
}

static ssize_t read_piece(void *arg, uint64_t at, char *buf, size_t max)
{
	struct answer *a = arg;
	size_t *room = a->server->room;
	ssize_t n;

	(void)at;
	if (!*room)
		return 0;
	if (!a->page && !begin_page(a))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = metrics_page_read(a->page, buf, max < *room ? max : *room);
	if (n < 0) {
		metrics_page_end(a->page);
		a->page = NULL;
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	/* A stretch of slots without peers gives no bytes, and is work, too. */
	if (!n)
		*room -= *room < SERVER_PIECE / 4 ? *room : SERVER_PIECE / 4;
	*room -= n;
	return n;
}

static void answer_free(void *arg)
{
	struct answer *a = arg;

	cds_list_del(&a->of_server);
	metrics_page_end(a->page);
	free(a);
}

static struct MHD_Response *page_response(struct server *s, bool openmetrics, bool head)
{
	struct MHD_Response *r;
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->server = s;
	a->openmetrics = openmetrics;
	cds_list_add(&a->of_server, &s->answers);
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, SERVER_MEMORY / 2, read_piece, a, answer_free);
	if (!r) {
		answer_free(a);
		return NULL;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, metrics_content_type[openmetrics]);
	if (head)	/* the library would send the last chunk of a body that is not sent */
		MHD_set_response_options(r, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END);
	return r;
}

/* ---- requests */

static struct MHD_Response *text_response(const char *type, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (r)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return r;
}

static struct MHD_Response *response_to(struct server *s, struct MHD_Connection *c, const char *url, const char *method, unsigned int *status)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	struct MHD_Response *r;

	*status = MHD_HTTP_OK;
	if (!head && strcmp(method, MHD_HTTP_METHOD_GET)) {
		*status = MHD_HTTP_METHOD_NOT_ALLOWED;
		r = text_response("text/plain", "Only GET is possible here.\n");
		if (r)
			MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
		return r;
	}
	if (strcmp(url, "/metrics") == 0)
		return page_response(s, metrics_wants_openmetrics(accept), head);
	if (strcmp(url, "/") == 0)
		return text_response("text/html; charset=utf-8", "<!DOCTYPE html>\n<title>wgdp</title>\n<p>wgdp " WGDP_VERSION
				     ": <a href=\"/metrics\">metrics</a> for Prometheus</p>\n");
	*status = MHD_HTTP_NOT_FOUND;
	return text_response("text/plain", "There is nothing here: see /metrics.\n");
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version,
			      const char *upload, size_t *upload_len, void **state)
{
	static char headers_seen;
	struct MHD_Response *r;
	enum MHD_Result rc;
	unsigned int status;

	(void)version;
	(void)upload;
	(void)upload_len;
	/* Answered when the request is whole; what has a body or another method than ours is not waited for. */
	if (!*state && (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)) {
		*state = &headers_seen;
		return MHD_YES;
	}
	r = *upload_len ? NULL : response_to(arg, c, url, method, &status);
	if (!r)
		return MHD_NO;		/* the connection ends */
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

/* ---- connections */

static struct server_connection *find(struct server *s, int fd)
{
	for (int k = 0; k < SERVER_CONNECTIONS; k++)
		if (s->connection[k].fd == fd)
			return &s->connection[k];
	return NULL;
}

static int fd_of(struct MHD_Connection *c)
{
	return MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void connection_changed(void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
	const bool started = what == MHD_CONNECTION_NOTIFY_STARTED;
	struct server *s = arg;
	struct server_connection *n = find(s, started ? -1 : fd_of(c));

	(void)state;
	s->ready |= !started;	/* if there were as many as may be, the library listens again only when it is called again */
	if (n)
		*n = (struct server_connection){ .fd = started ? fd_of(c) : -1, .since_ns = dataplane_now() };
}

static void request_ended(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct server_connection *n = find(arg, fd_of(c));

	(void)state;
	(void)why;
	if (n)
		n->since_ns = dataplane_now();
}

/* Who feeds or reads us drop by drop is never idle. Returns when the next has had its time. */
static uint64_t cut_off(struct server *s, uint64_t now)
{
	const struct linger at_once = { .l_onoff = 1 };	/* and what it has not read is nobody's */
	uint64_t next = UINT64_MAX;

	for (int k = 0; k < SERVER_CONNECTIONS; k++) {
		struct server_connection *c = &s->connection[k];
		const uint64_t at = c->since_ns + SERVER_REQUEST_S * WG_NS_PER_SEC;

		if (c->fd < 0)
			continue;
		if (now < at) {
			next = at < next ? at : next;
			continue;
		}
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		shutdown(c->fd, SHUT_RDWR);	/* the library sees that, and closes it */
		c->since_ns = now;
		s->ready = true;
	}
	return next;
}

/* ---- the server */

static void happened(void *arg)
{
	((struct server *)arg)->ready = true;
}

uint64_t server_tick(struct server *s, uint64_t now)
{
	uint64_t cut = cut_off(s, now);
	MHD_UNSIGNED_LONG_LONG ms;

	if (s->ready || now >= s->due_ns) {
		s->ready = false;
		MHD_run(s->daemon);
		s->due_ns = MHD_get_timeout(s->daemon, &ms) == MHD_YES ? now + ms * 1000000 : UINT64_MAX;
	}
	if (s->ready)
		return now;
	return s->due_ns < cut ? s->due_ns : cut;
}

/* A socket that listens; -1: errno. */
static int listen_on(const struct sockaddr_storage *addr)
{
	const socklen_t len = addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	const int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	int error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)addr, len) == 0 && listen(fd, SERVER_CONNECTIONS) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool start(struct server *s, int fd)
{
	const union MHD_DaemonInfo *info;

	s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, s, MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned int)SERVER_CONNECTIONS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_MEMORY,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SERVER_IDLE_S,
				     MHD_OPTION_NOTIFY_CONNECTION, connection_changed, s,
				     MHD_OPTION_NOTIFY_COMPLETED, request_ended, s, MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		return false;
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || loop_add(s->loop, info->epoll_fd, happened, s))
		return false;
	s->epoll = info->epoll_fd;
	return true;
}

struct server *server_create(struct loop *l, const char *host, uint16_t port, const struct sockaddr_storage *addr, size_t *room,
			     char err[METRICS_ERRLEN])
{
	struct server *s = calloc(1, sizeof(*s));
	int fd;

	if (!s) {
		snprintf(err, METRICS_ERRLEN, "no memory");
		return NULL;
	}
	s->loop = l;
	s->addr = *addr;
	s->room = room;
	s->epoll = -1;
	CDS_INIT_LIST_HEAD(&s->of_metrics);
	CDS_INIT_LIST_HEAD(&s->answers);
	for (int k = 0; k < SERVER_CONNECTIONS; k++)
		s->connection[k].fd = -1;
	fd = listen_on(addr);
	if (fd >= 0 && start(s, fd))
		return s;
	if (fd < 0)
		snprintf(err, METRICS_ERRLEN, "cannot listen on %s, TCP port %u: %s", host, port, strerror(errno));
	else
		snprintf(err, METRICS_ERRLEN, "too many descriptors, or no memory");
	server_destroy(s);
	return NULL;
}

void server_destroy(struct server *s)
{
	loop_remove(s->loop, s->epoll);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);	/* which closes the socket, too */
	cds_list_del(&s->of_metrics);
	snapshot_put(s->snapshot);
	free(s->ifaces);
	free(s);
}

int server_add(struct server *s, const struct iface *i, bool peers)
{
	struct metrics_iface *more = reallocarray(s->ifaces, s->n_ifaces + 1, sizeof(*more));

	if (!more)
		return -1;
	s->ifaces = more;
	s->ifaces[s->n_ifaces++] = (struct metrics_iface){ .iface = i, .peers = peers };
	snapshot_put(s->snapshot);
	s->snapshot = NULL;
	return 0;
}

struct metrics_iface *server_find(struct server *s, const struct iface *i)
{
	for (unsigned int k = 0; k < s->n_ifaces; k++)
		if (s->ifaces[k].iface == i)
			return &s->ifaces[k];
	return NULL;
}

void server_remove(struct server *s, const struct iface *i)
{
	struct metrics_iface *at = server_find(s, i);
	struct answer *a;

	memmove(at, at + 1, (s->ifaces + --s->n_ifaces - at) * sizeof(*at));
	snapshot_put(s->snapshot);
	s->snapshot = NULL;
	cds_list_for_each_entry(a, &s->answers, of_server)
		if (a->page)
			metrics_page_forget(a->page, i);
}
