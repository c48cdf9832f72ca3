/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interface is on which server, by the addresses that confs name; the servers are metrics_server.c's. Control thread. */
#include "metrics.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "iface.h"
#include "metrics_server.h"

struct metrics {
	struct loop *loop;
	struct cds_list_head servers;
	size_t room;			/* bytes that may still be written in this round */
};

struct metrics *metrics_create(struct loop *l)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->loop = l;
	CDS_INIT_LIST_HEAD(&m->servers);
	return m;
}

void metrics_destroy(struct metrics *m)
{
	struct server *s, *next;

	if (!m)
		return;
	cds_list_for_each_entry_safe(s, next, &m->servers, of_metrics)
		server_destroy(s);
	free(m);
}

/* Names are not looked up: that could take long, and mean another address each time. */
static bool parse(const struct conf_endpoint *e, struct sockaddr_storage *addr)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char port[8];

	snprintf(port, sizeof(port), "%u", e->port);
	if (getaddrinfo(e->host, port, &hints, &found))
		return false;
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

static struct server *find(const struct metrics *m, const struct sockaddr_storage *addr)
{
	struct server *s;

	cds_list_for_each_entry(s, &m->servers, of_metrics)
		if (memcmp(&s->addr, addr, sizeof(*addr)) == 0)
			return s;
	return NULL;
}

static struct server *shown_by(const struct metrics *m, const struct iface *i)
{
	struct server *s;

	cds_list_for_each_entry(s, &m->servers, of_metrics)
		if (server_find(s, i))
			return s;
	return NULL;
}

/* The server at e, which may have to be made. NULL: why stands in err. */
static struct server *server_at(struct metrics *m, const struct conf_endpoint *e, char err[METRICS_ERRLEN])
{
	struct sockaddr_storage addr;
	struct server *s;

	if (!parse(e, &addr)) {
		snprintf(err, METRICS_ERRLEN, "%s is not an address; names are not looked up", e->host);
		return NULL;
	}
	s = find(m, &addr);
	if (s)
		return s;
	s = server_create(m->loop, e->host, e->port, &addr, &m->room, err);
	if (s)
		cds_list_add_tail(&s->of_metrics, &m->servers);
	return s;
}

static void leave(struct server *s, const struct iface *i)
{
	server_remove(s, i);
	if (!s->n_ifaces)
		server_destroy(s);
}

int metrics_move(struct metrics *m, struct iface *i, const struct conf *conf, char err[METRICS_ERRLEN])
{
	struct server *old = shown_by(m, i), *new;

	if (!conf->metrics.host) {
		metrics_remove(m, i);
		return 0;
	}
	new = server_at(m, &conf->metrics, err);
	if (!new)
		return -1;
	if (new == old) {
		server_find(old, i)->peers = conf->metrics_peers;
		return 0;
	}
	if (server_add(new, i, conf->metrics_peers)) {
		snprintf(err, METRICS_ERRLEN, "no memory");
		if (!new->n_ifaces)
			server_destroy(new);
		return -1;
	}
	if (old)
		leave(old, i);
	return 0;
}

int metrics_add(struct metrics *m, struct iface *i, char err[METRICS_ERRLEN])
{
	return metrics_move(m, i, i->conf, err);
}

void metrics_remove(struct metrics *m, struct iface *i)
{
	struct server *s = shown_by(m, i);

	if (s)
		leave(s, i);
}

uint64_t metrics_tick(struct metrics *m, uint64_t now)
{
	uint64_t next = UINT64_MAX, at;
	struct server *s;

	m->room = SERVER_PIECE;
	cds_list_for_each_entry(s, &m->servers, of_metrics) {
		at = server_tick(s, now);
		next = at < next ? at : next;
	}
	return next;
}
